"""Cards and rules over Kafka: the hub publishes them on a compacted topic, everybody else reads and follows it.

What is read is believed only after the root's signature; a record that is not a card is counted and passed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from samband.schemas.errors import SambandError
from samband.streams.directory import Directory
from samband.streams.topics import DIRECTORY

__all__ = ["CardReader", "publish"]

log = logging.getLogger("samband.cards")


async def publish(kafka: Mapping[str, Any], cards: Mapping[str, bytes]) -> None:
    """Write cards to the directory topic, keyed by party."""
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for party, card in cards.items():
            await producer.send_and_wait(DIRECTORY, value=card, key=party.encode(), partition=0)
    finally:
        await producer.stop()


class CardReader:
    """Read the directory topic from its beginning, then follow it."""

    def __init__(
        self,
        kafka: Callable[[], dict[str, Any]],
        directory: Directory,
        keep: Callable[[str, bytes], None] = lambda name, value: None,
    ) -> None:
        self._kafka = kafka
        self._directory = directory
        self._keep = keep
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when everything that is there now has been read."""
        caught_up = asyncio.Event()
        self._task = asyncio.create_task(self._follow(caught_up))
        waiter = asyncio.create_task(caught_up.wait())
        await asyncio.wait({waiter, self._task}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if self._task.done():
            self._task.result()

    async def _follow(self, caught_up: asyncio.Event) -> None:
        topic = TopicPartition(DIRECTORY, 0)
        while True:
            consumer = AIOKafkaConsumer(
                **self._kafka(),
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
                    if await consumer.position(topic) >= end:
                        caught_up.set()
                    for record in (await consumer.getmany(topic, timeout_ms=500)).get(topic, ()):
                        self._learn(record.value)
            except Exception as error:
                if not caught_up.is_set():
                    raise
                log.warning("directory reader restarts", extra={"error": type(error).__name__})
                await asyncio.sleep(1)
            finally:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(3):
                        await consumer.stop()

    def _learn(self, value: bytes | None) -> None:
        if value is None:
            return
        try:
            self._keep(self._directory.learn(value), value)
        except SambandError as error:
            log.warning("card refused", extra={"code": error.code})

    async def stop(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
