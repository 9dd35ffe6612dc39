"""The sequencer's Kafka: the audit topic and the witnesses' words in, the log out.

It reads committed records by assignment from places that the journal keeps. What it tells goes out in transactions of
a static transactional id: whoever starts later fences whoever ran before, and reads what others have before it signs.
`samband.log.v1` is compacted: each bundle as far as it goes, the newest checkpoint, the one that is put to the
witnesses and the newest witnessed one, so a reader that comes late has every entry all the same.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from samband.schemas.errors import OperatorError
from samband.streams import clients
from samband.streams.log.sequencer import Incoming
from samband.streams.log.tiles import CHECKPOINT
from samband.streams.topics import AUDIT, COSIGN, LOG_TRANSACTION
from samband.streams.topics import LOG_TOPIC as LOG

__all__ = ["MOST", "LogTopics"]

_WAIT_MS: Final = 200
_AT_ONCE: Final = 2000
MOST: Final = 8192
"""Audit records of one checkpoint, where so many wait: 32 bundles, about 18 MB."""
_FETCH_BYTES: Final = 8 << 20
"""Of one fetch: Kafka's own megabyte is 450 audit records, and a round trip for each."""
_DEADLINE_S: Final = 15.0
_BACK: Final = 64
"""Offsets from the end in which the newest checkpoint stands: each transaction ends with one."""
_HEADERS: Final = (("ce_specversion", b"1.0"), ("ce_type", b"samband.record.v1"), ("ce_source", b"samband"))
_AUDIT: Final = TopicPartition(AUDIT, 0)
_COSIGN: Final = TopicPartition(COSIGN, 0)
_LOG: Final = TopicPartition(LOG, 0)


class LogTopics:
    """The topics of the one sequencer."""

    def __init__(self, kafka: Callable[[], dict[str, Any]]) -> None:
        self._kafka = kafka
        self._audit = self._consumer()
        self._words = self._consumer()
        self._producer = clients.producer(
            kafka(), transactional_id=LOG_TRANSACTION, transaction_timeout_ms=int(2 * _DEADLINE_S * 1000)
        )

    def _consumer(self) -> AIOKafkaConsumer:
        return clients.consumer(
            self._kafka(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )

    async def fence(self) -> bytes | None:
        """Shut out whoever ran before, and return the newest checkpoint that others have."""
        async with asyncio.timeout(_DEADLINE_S):
            await self._producer.start()
        reader = self._consumer()
        reader.assign([_LOG])
        await reader.start()
        try:
            first = (await reader.beginning_offsets([_LOG]))[_LOG]
            end = (await reader.end_offsets([_LOG]))[_LOG]
            for begin in (max(first, end - _BACK), first):
                reader.seek(_LOG, begin)
                found = None
                while await reader.position(_LOG) < end:
                    for each in (await reader.getmany(_LOG, timeout_ms=_WAIT_MS)).get(_LOG, ()):
                        found = each.value if each.key == CHECKPOINT.encode() else found
                if found is not None:
                    return bytes(found)
            return None
        finally:
            await clients.stop(reader)

    async def start(self, audit: int, words: int, lost: Callable[[int], None]) -> None:
        """Begin to read at two offsets.

        Raises:
            OperatorError: the audit topic ends before its offset (`LOG_AHEAD`).
        """
        for consumer, topic, place in ((self._audit, _AUDIT, audit), (self._words, _COSIGN, words)):
            consumer.assign([topic])
            await consumer.start()
            first = (await consumer.beginning_offsets([topic]))[topic]
            end = (await consumer.end_offsets([topic]))[topic]
            if place > end and topic is _AUDIT:
                raise OperatorError(
                    "LOG_AHEAD",
                    f"the audit topic ends at {end}, the log has read to {place}",
                    "Kafka has lost records, or this is another Kafka",
                )
            if place < first and topic is _AUDIT:
                lost(first)
            consumer.seek(topic, first if place > end else max(place, first))

    async def read(self) -> tuple[Sequence[Incoming], int]:
        """Return the next audit records, perhaps none, and the offset after them.

        Where the topic is ahead they are many: a log that is behind catches up in large steps, each with a checkpoint.
        """
        records: list[Incoming] = []
        while len(records) < MOST:
            batch = await self._audit.getmany(_AUDIT, timeout_ms=_WAIT_MS, max_records=MOST - len(records))
            new = batch.get(_AUDIT, ())
            records += [Incoming(each.offset, each.value, each.timestamp) for each in new]
            after = await self._audit.position(_AUDIT)
            if not new or after >= (self._audit.last_stable_offset(_AUDIT) or 0):
                break
        return records, after

    async def words(self) -> tuple[Sequence[bytes], int]:
        """Return the witnesses' next words, perhaps none, and the offset after them."""
        batch = await self._words.getmany(_COSIGN, timeout_ms=0, max_records=_AT_ONCE)
        return [each.value or b"" for each in batch.get(_COSIGN, ())], await self._words.position(_COSIGN)

    async def tell(self, news: Sequence[tuple[str, bytes]]) -> None:
        """Return when all of it is durable for others, in this order, or raise when none of it is."""
        async with asyncio.timeout(_DEADLINE_S), self._producer.transaction():
            sent = [
                await self._producer.send(LOG, key=name.encode(), value=value, partition=0, headers=_headers())
                for name, value in news
            ]
            await asyncio.gather(*sent)  # commit_transaction() commits without a record that failed, and says nothing

    async def stop(self) -> None:
        """Leave."""
        await clients.stop(self._producer, self._audit, self._words)


def _headers() -> list[tuple[str, bytes]]:
    return [*_HEADERS, ("ce_id", secrets.token_bytes(16).hex().encode())]
