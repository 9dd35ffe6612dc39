"""What the gate took back is not shown: an aborted transaction decided nothing."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from samband.streams import topics
from samband.streams.inbox import InboxReader
from tests.attacks.ground import Ground

pytestmark = pytest.mark.kafka

WAIT_S = 60


async def write(kafka: dict[str, Any], topic: str, values: list[tuple[bytes, bool]]) -> None:
    """Write each value in a transaction of the gate's, and commit it or take it back."""
    name = f"{topics.TRANSACTION_PREFIX}aborted"
    producer = AIOKafkaProducer(**kafka, transactional_id=name, transaction_timeout_ms=10_000)
    await producer.start()
    try:
        for value, committed in values:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value, partition=0)
            await (producer.commit_transaction() if committed else producer.abort_transaction())
    finally:
        await producer.stop()


async def test_an_aborted_permit_is_not_handed_over(hub_broker: Any, tmp_path: Path) -> None:
    """A stamped message whose transaction the gate took back leaves no letter; the one behind it does."""
    await asyncio.to_thread(hub_broker.agree, "barn-aborted", ["social", "skola"])
    ground, inbox = Ground(tmp_path), topics.inbox("social")
    first, second = (ground.world.seal(ground.world.concern()) for _ in range(2))
    aborted, committed = ground.stamped(first, box=1), ground.stamped(second, box=2)
    await write(hub_broker.principal("gate").aiokafka(), inbox, [(aborted, False), (committed, True)])
    shown: list[bytes | None] = []
    async with asyncio.timeout(WAIT_S):
        reader = InboxReader(hub_broker.principal("social").aiokafka, "social")
        async with contextlib.aclosing(reader.batches(None)) as batches:
            async for batch in batches:
                shown += [value for _, value in batch.records]
                if committed in shown:
                    break
    with ground.receiver() as (take, store):
        for value in shown:
            take(value)
        assert len(store.letters()) == 1
    assert aborted not in shown
