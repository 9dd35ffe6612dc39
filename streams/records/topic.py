"""The audit topic on Kafka, as the keeper reads and writes it.

It reads committed records by assignment from an offset that the keeper keeps itself. What it writes, leaves of erasures
and spot checks, goes in a transaction of a static transactional id: it fences a keeper that was killed while it sent.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from samband.schemas.errors import OperatorError
from samband.streams import clients
from samband.streams.records.keeper import Incoming
from samband.streams.topics import AUDIT, KEEPER_TRANSACTION

__all__ = ["AuditTopic"]

_WAIT_MS: Final = 500
_AT_ONCE: Final = 500
_DEADLINE_S: Final = 15.0
_HEADERS: Final = (("ce_specversion", b"1.0"), ("ce_type", b"samband.record.v1"), ("ce_source", b"samband"))


class AuditTopic:
    """`samband.audit.v1` for the one keeper."""

    def __init__(self, kafka: Callable[[], dict[str, Any]], lost: Callable[[int], None]) -> None:
        """Name it; nothing is connected yet.

        Args:
            kafka: connection arguments of the principal `records`.
            lost: told the topic's first offset where it begins after the keeper's place.
        """
        self._kafka = kafka
        self._lost = lost
        self._partition = TopicPartition(AUDIT, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._producer: AIOKafkaProducer | None = None
        self._end = 0

    async def start(self, offset: int) -> None:
        """Begin to read at an offset.

        Raises:
            OperatorError: the topic ends before it (`RECORDS_AHEAD`).
        """
        self._consumer = AIOKafkaConsumer(
            **self._kafka(), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="none"
        )
        self._consumer.assign([self._partition])
        await self._consumer.start()
        first, end = await self._bounds()
        if offset > end:
            raise OperatorError(
                "RECORDS_AHEAD",
                f"the audit topic ends at {end}, the records have read to {offset}",
                "Kafka has lost records, or this is another Kafka",
            )
        if offset < first:
            self._lost(first)
        self._consumer.seek(self._partition, max(offset, first))

    async def read(self) -> tuple[Sequence[Incoming], int]:
        """Return the next records, perhaps none, and the offset after them."""
        assert self._consumer is not None
        batch = await self._consumer.getmany(self._partition, timeout_ms=_WAIT_MS, max_records=_AT_ONCE)
        records = [Incoming(each.offset, each.value, each.timestamp) for each in batch.get(self._partition, ())]
        return records, await self._consumer.position(self._partition)

    async def behind(self) -> int:
        """Return how many records were left at the last look."""
        if self._consumer is None or not self._consumer.assignment():
            return 0
        end: int = self._consumer.highwater(self._partition) or 0
        return max(0, end - int(await self._consumer.position(self._partition)))

    async def fence(self) -> None:
        """Shut out whoever wrote as the keeper before, and note where the topic ends then, open transactions too."""
        self._producer = AIOKafkaProducer(
            **self._kafka(), transactional_id=KEEPER_TRANSACTION, transaction_timeout_ms=int(2 * _DEADLINE_S * 1000)
        )
        async with asyncio.timeout(_DEADLINE_S):
            await self._producer.start()
            _, self._end = await self._bounds()

    async def read_all(self) -> bool:
        """Say whether everything that was on the topic at the fence has been read."""
        assert self._consumer is not None
        return bool(await self._consumer.position(self._partition) >= self._end)

    async def send(self, value: bytes) -> None:
        """Return when a record is durable on the topic."""
        assert self._producer is not None
        async with asyncio.timeout(_DEADLINE_S), self._producer.transaction():
            sent = await self._producer.send(AUDIT, value=value, partition=0, headers=_headers())
            await sent  # commit_transaction() commits without a record that failed, and says nothing

    async def _bounds(self) -> tuple[int, int]:
        """Return the topic's first offset and its end, uncommitted records included."""
        looker = AIOKafkaConsumer(**self._kafka(), isolation_level="read_uncommitted", enable_auto_commit=False)
        await looker.start()
        try:
            first: int = (await looker.beginning_offsets([self._partition]))[self._partition]
            end: int = (await looker.end_offsets([self._partition]))[self._partition]
            return first, end
        finally:
            await clients.stop(looker)

    async def stop(self) -> None:
        """Leave."""
        await clients.stop(self._producer, self._consumer)


def _headers() -> list[tuple[str, bytes]]:
    return [*_HEADERS, ("ce_id", secrets.token_bytes(16).hex().encode())]
