"""Feeds the index that the console asks: the audit topic's records as rows, in batches, and only then acknowledged.

    feed = Feed(index, tokens)
    await begin(kafka, index)                      before the group joins: never ahead of the index
    feed.put(offset, audit, record, done)          `done` is called when its row is durable
    await feed.run(failed)                         until cancelled; `failed` is set when it cannot be written

At least once, and a repeat changes nothing: a row is known by its log entry. The index keeps its own next offset. Where
that lies before the group's, as on a database that is new or was forgotten, the group goes back to it; what the topic
no longer has is noted as a gap, for the console to fill from the hub's records.

A database that does not answer is asked again and again, and nothing is acknowledged meanwhile. When too much waits, or
somebody had the index forgotten, the derived streams end, and the hub starts them again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from samband.schemas.errors import OperatorError, SambandError
from samband.schemas.stamp import StampRecord
from samband.streams import clients
from samband.streams.audit import UnverifiedAudit
from samband.streams.derived.rebuild import set_back
from samband.streams.index.rows import Row, Tokens
from samband.streams.index.store import IndexStore
from samband.streams.settings import KafkaSettings
from samband.streams.topics import AUDIT, DERIVED_GROUP

__all__ = ["Feed", "begin"]

log = logging.getLogger("samband.derived")

_AT_ONCE: Final = 1000
_MOST: Final = 50_000
"""Rows that wait, some 25 MB, before the streams end rather than take more."""
_PAUSE_S: Final = 0.1
"""Between batches, so that a single record waits that long and a flood is written by the thousand."""
_LOOK_S: Final = 2.0


class _Waiting(NamedTuple):
    offset: int
    row: Row | None
    unread: bool
    done: Callable[[], None]


class Feed:
    """Rows on their way into the index."""

    def __init__(self, index: IndexStore, tokens: Tokens) -> None:
        self._index = index
        self._tokens = tokens
        self._waiting: list[_Waiting] = []
        self._some = asyncio.Event()
        self._generation = index.generation

    def put(self, offset: int, audit: UnverifiedAudit, record: StampRecord, done: Callable[[], None]) -> None:
        """Take a record in.

        Raises:
            OperatorError: the key of its month was destroyed since it was opened.
        """
        row = self._tokens.row(record, place=offset, entry=audit.entry, month=audit.month)
        self._add(_Waiting(offset, row, False, done))

    def pass_over(self, offset: int, done: Callable[[], None], *, unread: bool) -> None:
        """Go on without a record: it is unread, or the key of its month was destroyed, as the law wants."""
        self._add(_Waiting(offset, None, unread, done))

    def _add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._some.set()

    async def run(self, failed: asyncio.Event) -> None:
        """Write what waits, until cancelled."""
        try:
            while True:
                await self._look()
                some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                if not some:
                    continue
                await self._written(some)
                for each in some:
                    each.done()
                if not self._waiting:
                    await asyncio.sleep(_PAUSE_S)
        except SambandError as error:
            log.error("index not written", extra={"code": error.code})
            failed.set()

    async def _look(self) -> None:
        """Wait for rows; look now and then whether somebody had the index forgotten."""
        if self._waiting:
            return
        self._some.clear()
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._some.wait()
        except TimeoutError:
            await self._written([])

    async def _written(self, some: list[_Waiting]) -> None:
        """Return when rows are durable; a database that is away comes back."""
        while True:
            try:
                return await asyncio.to_thread(self._write, some)
            except OperatorError as error:
                if error.code == "INDEX_CLEARED" or len(self._waiting) > _MOST:
                    raise
                log.warning("index waits", extra={"code": error.code, "rows": len(some) + len(self._waiting)})
            await asyncio.sleep(_LOOK_S)

    def _write(self, some: list[_Waiting]) -> None:
        rows = [each.row for each in some if each.row is not None]
        unread = [each.offset for each in some if each.unread]
        after = some[-1].offset + 1 if some else 0
        self._index.take(rows, unread, after, self._generation)


async def begin(kafka: KafkaSettings, index: IndexStore) -> None:
    """See to it that the stream brings all that the index lacks and the topic has.

    Raises:
        OperatorError: `DERIVED_RUNNING`, somebody still is in the group; or the index cannot be written.
    """
    consumer = AIOKafkaConsumer(group_id=DERIVED_GROUP, enable_auto_commit=False, **kafka.aiokafka())
    await consumer.start()
    try:
        partition = TopicPartition(AUDIT, 0)
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        committed = await consumer.committed(partition) or 0
    finally:
        await clients.stop(consumer)
    position = await asyncio.to_thread(index.begin, first)
    if committed > position:
        await set_back(kafka, position)
        log.info("derived reads again for the index", extra={"from": position})
