"""Faust's Kafka transport for topics that are written in transactions: `broker="committed://host:port"`.

Faust 0.15.3 reads at-least-once streams *uncommitted*, without a setting, and its book of gaps counts the record after
a gap as part of it, so that every commit advances by one transaction only. Both are repaired here and nowhere else:

- the consumer is told `read_committed` before it starts;
- a gap ends before the record that was read after it;
- a gap right after offset 0 is written down (Faust takes offset 0 for "nothing read yet").

Aborted records and transaction markers are gaps too, so a topic of the gate's has one after each transaction.
`tests/kafka/test_derived.py` breaks when a new Faust makes a repair needless or wrong; its version is pinned exactly.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

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
