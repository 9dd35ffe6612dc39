"""The directory over Kafka: the hub publishes its records on a compacted topic, everybody else reads and follows it.

What is read is believed only as `samband.streams.directory` says; a record that does not hold is named and passed over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import TopicPartition

from samband.schemas.errors import SambandError
from samband.streams import clients
from samband.streams.directory import Directory
from samband.streams.topics import DIRECTORY

__all__ = ["CardReader", "publish"]

log = logging.getLogger("samband.cards")


async def publish(kafka: Mapping[str, Any], records: Mapping[str, bytes]) -> None:
    """Write records to the directory topic in the order given, each keyed by its name."""
    producer = clients.producer(kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await asyncio.gather(
            *[
                await producer.send(DIRECTORY, value=value, key=name.encode(), partition=0)
                for name, value in records.items()
            ]
        )
    finally:
        await clients.stop(producer)


class CardReader:
    """Read the directory topic from its beginning, then follow it."""

    def __init__(
        self,
        kafka: Callable[[], dict[str, Any]],
        directory: Directory,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        """Read into `directory`; `taken` is called whenever a newer version of it is in use."""
        self._kafka = kafka
        self._directory = directory
        self._taken = taken
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when everything that is there now has been read, and a head of it or of an earlier day is in use."""
        caught_up = asyncio.Event()
        self._task = asyncio.create_task(self._follow(caught_up))
        waiter = asyncio.create_task(caught_up.wait())
        try:
            await asyncio.wait({waiter, self._task}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self.stop()  # who is let go meanwhile leaves nothing that reads on
            raise
        finally:
            waiter.cancel()
        if self._task.done():
            self._task.result()

    async def _follow(self, caught_up: asyncio.Event) -> None:
        topic = TopicPartition(DIRECTORY, 0)
        while True:
            consumer = clients.consumer(
                self._kafka(),
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            try:
                consumer.assign([topic])
                await consumer.start()
                await consumer.seek_to_beginning(topic)
                end = (await consumer.end_offsets([topic]))[topic]
                while True:
                    if await consumer.position(topic) >= end and self._directory.version:
                        caught_up.set()
                    for record in (await consumer.getmany(topic, timeout_ms=500)).get(topic, ()):
                        self._learn(record.value)
                        await asyncio.sleep(0)  # hundreds of signatures; others may run in this loop
            except Exception as error:
                if not caught_up.is_set():
                    raise
                log.warning("directory reader restarts", extra={"error": type(error).__name__})
                await asyncio.sleep(1)
            finally:
                await clients.stop(consumer)

    def _learn(self, value: bytes | None) -> None:
        if value is None:
            return
        before = self._directory.version
        try:
            self._directory.learn(value, time.time_ns() // 1_000_000)
        except SambandError as error:
            log.warning("directory record refused", extra={"code": error.code})
        if self._directory.version != before:
            log.info("directory taken", extra={"version": self._directory.version})
            self._taken()

    async def stop(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
