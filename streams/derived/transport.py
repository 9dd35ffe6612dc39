"""Faust's Kafka transport for topics that are written in transactions: `broker="committed://host:port"`.

Faust 0.15.3 reads at-least-once streams *uncommitted*, without a setting, and its book of gaps counts the record after
a gap as part of it, so that every commit advances by one transaction only. Repaired here, and nowhere else:

- the consumer is told `read_committed` before it starts;
- a gap ends before the record that was read after it;
- a gap right after offset 0 is written down (Faust takes offset 0 for "nothing read yet").

- nothing is delivered before the streams stand at their committed offsets. Faust resumes them first and seeks then, so
  that a batch could straddle the seek: what it had read was taken for read, and what came again for a gap;
- aiokafka does not seek to a committed offset 0, so what was fetched before would be missed: it is done here;
- a second assignment ends the application, for Faust forgets on revocation which records are still in work. The group
  has one static member, which loses its partitions only when it was frozen for longer than a session.

Aborted records and transaction markers are gaps too, so a topic of the gate's has one after each transaction.
`tests/kafka/test_derived.py` breaks when a new Faust makes a repair needless or wrong; its version is pinned exactly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from samband.schemas.errors import OperatorError

__all__ = ["SCHEME", "Transport", "register"]

SCHEME: Final = "committed"

_LOG: Final = logging.getLogger("faust.committed")  # named here, or Faust would log under Samband's name


class _Thread(driver.AIOKafkaConsumerThread):
    logger = _LOG

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # what start() hands to the fetcher
        return consumer


class _Consumer(driver.Consumer):
    logger = _LOG

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn = asyncio.Lock()  # a batch, from the fetch to its last record, or a seek
        self._placed = False

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        if revoked and not self.app.should_stop:
            await self.app.crash(OperatorError("DERIVED_REVOKED", "the derived streams lost their partitions"))
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        async with self._turn:
            await super().perform_seek()
            unread = [tp for tp, offset in self._read_offset.items() if not offset and not self._is_changelog_tp(tp)]
            await self.seek_wait(dict.fromkeys(unread, 0))
            self._placed = True

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109  Faust's name
        async with self._turn:
            records, _ = await self._wait_next_records(timeout)
            if records is None or self.should_stop:
                return
            for tp, record in self.scheduler.iterate(records):
                if not self.flow_active:
                    return
                if self._placed or self._is_changelog_tp(tp):
                    self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                    yield tp, self._to_message(tp, record)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        await super()._add_gap(tp, offset_from, offset_to - 1)

    def _to_message(self, tp: TP, record: Any) -> Any:
        if self._read_offset[tp] == 0 and record.offset > 1:
            self._gap[tp].addi(1, record.offset)
        return super()._to_message(tp, record)


class Transport(driver.Transport):
    """Faust's own transport with the repaired consumer."""

    Consumer = _Consumer


def register() -> None:
    """Make Faust know the scheme; may be called again."""
    drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
