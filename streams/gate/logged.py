"""What the gate knows of the log: the newest checkpoint on `samband.log.v1`, so that its heads can name it.

    logged = Logged(kafka, directory, origin)
    await logged.start()          what is there now was read, or some seconds have passed
    logged.newest                 (size, root); `NONE` before the first

The gate has no entries, so it cannot see whether one checkpoint continues another. It names what it was shown, and each
party compares that with the log that it mirrors. It never names less than before, and of two for one size the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from aiokafka import TopicPartition

from samband.schemas.errors import SambandError
from samband.streams import clients
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.directory import HUB, Directory
from samband.streams.log.checkpoint import opened
from samband.streams.topics import LOG_TOPIC

__all__ = ["NONE", "Logged"]

log = logging.getLogger("samband.gate")

NONE: Final = (0, bytes(32))
"""Before the first checkpoint with an entry."""

_NAME: Final = b"checkpoint"
_TOPIC: Final = TopicPartition(LOG_TOPIC, 0)
_BACK: Final = 64
"""Offsets from the end in which the newest checkpoint stands: each transaction of the log ends with one."""
_START_S: Final = 5.0
"""Longest wait at the start: a log that does not answer stops no decision."""
_AGAIN_S: Final = 2.0


class Logged:
    """The newest checkpoint that this gate was shown."""

    def __init__(self, kafka: Callable[[], dict[str, Any]], directory: Directory, origin: str) -> None:
        self.newest = NONE
        self.code = ""
        """What the log has shown that cannot be: `LOG_FORK` or `LOG_ROLLED_BACK`; empty where nothing."""
        self._kafka, self._directory, self._origin = kafka, directory, origin
        self._task: asyncio.Task[None] | None = None

    def take(self, value: bytes) -> None:
        """Take a checkpoint from the topic; what the log has not signed changes nothing."""
        keys = [each.key for each in self._directory.keys.values()
                if (each.party, each.card.purpose) == (HUB, Purpose.LOG) and isinstance(each.key, VerifyKey)
                and each.revocation is None]  # fmt: skip
        try:
            found, _ = opened(value, keys, self._origin)
        except SambandError as error:
            log.warning("checkpoint refused", extra={"code": error.code})
            return
        size, root = self.newest
        if found.size > size:
            self.newest = (found.size, found.root)
        elif size and found.size < size:
            self._wrong("LOG_ROLLED_BACK")
        elif size and found.root != root:
            self._wrong("LOG_FORK")

    def _wrong(self, code: str) -> None:
        if self.code != code:
            self.code = code
            log.error("the log contradicts itself", extra={"code": code})

    async def start(self) -> None:
        """Begin to follow the log."""
        there = asyncio.Event()
        self._task = asyncio.create_task(self._follow(there))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_S):
                await there.wait()

    async def _follow(self, there: asyncio.Event) -> None:
        while True:
            consumer = clients.consumer(
                self._kafka(), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
            )
            try:
                consumer.assign([_TOPIC])
                await consumer.start()
                first = (await consumer.beginning_offsets([_TOPIC]))[_TOPIC]
                end = (await consumer.end_offsets([_TOPIC]))[_TOPIC]
                consumer.seek(_TOPIC, max(first, end - _BACK))
                while True:
                    if await consumer.position(_TOPIC) >= end:
                        there.set()
                    for each in (await consumer.getmany(_TOPIC, timeout_ms=500)).get(_TOPIC, ()):
                        if each.key == _NAME:
                            self.take(each.value or b"")
            except Exception as error:
                log.warning("log reader restarts", extra={"error": type(error).__name__})
                await asyncio.sleep(_AGAIN_S)
            finally:
                await clients.stop(consumer)

    async def stop(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
