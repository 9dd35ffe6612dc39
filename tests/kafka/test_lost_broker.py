"""Whoever reads a broker that is gone can let go of it, and goes on when it is back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition

from samband.streams import clients, topics
from samband.streams.inbox import InboxReader
from samband.streams.tasks import until_asked

pytestmark = pytest.mark.kafka

AGREEMENT = "barn-borta"


async def test_a_reader_of_a_lost_broker_can_be_stopped(spare_broker: Any) -> None:
    """A consumer that waits to try the broker again is stopped without ending who stops it, and a new one reads on."""
    await asyncio.to_thread(spare_broker.broker.start)
    await asyncio.to_thread(spare_broker.broker.wait_ready)
    await asyncio.to_thread(spare_broker.agree, AGREEMENT, ["skola"])
    kafka = spare_broker.principal("skola").aiokafka
    consumer = clients.consumer(kafka(), retry_backoff_ms=60_000)
    consumer.assign([TopicPartition(topics.inbox("skola"), 0)])
    await consumer.start()
    await consumer.getmany(timeout_ms=1000)  # from now on it fetches
    await asyncio.to_thread(spare_broker.broker.kill)
    await consumer.getmany(timeout_ms=2000)  # it meets the loss meanwhile, and waits its minute
    await until_asked(clients.stop(consumer))
    await asyncio.to_thread(spare_broker.broker.restart)
    batches = InboxReader(kafka, "skola").batches(None)
    async with asyncio.timeout(30):
        assert (await anext(batches)).records == ()
    await batches.aclose()
