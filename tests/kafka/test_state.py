"""A gate on a real Kafka whose state topic shows what it was before: the partition stays closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from samband.streams import topics
from samband.streams.gate.loop import GateLoop, LoopSettings
from tests.kafka.test_bad_input import Stage

pytestmark = pytest.mark.kafka


@pytest.fixture
async def stage(hub_broker: Any, tmp_path: Path) -> AsyncIterator[Stage]:
    """Give a stage; its gates are started by the test."""
    stage = Stage(hub_broker, tmp_path, "state")
    await stage.start()
    yield stage
    await stage.stop()


class Gates:
    """Gate workers one after the other, and what they say about their partitions."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.stopped: dict[int, str] = {}
        self.looked: set[int] = set()
        self.going_on: set[int] = set()
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start a worker that has told nothing yet."""
        stage = self.stage
        self.stopped, self.looked = {}, set()
        settings = LoopSettings(
            topics.GATE_GROUP,
            stage.outbox,
            topics.state(stage.agreement),
            "gate-state",
            restart_s=0.1,
            watch=lambda partition, turn, behind: self.looked.add(partition),
            stopped=self.stopped.__setitem__,
            may_go_on=lambda partition: partition in self.going_on,
        )
        judge: Any = lambda partition: stage.kit.Gate(stage.world, partition).judge  # noqa: E731
        loop = GateLoop(settings, stage.hub.principal("gate").aiokafka, stage.world.store, judge)
        self.tasks.append(asyncio.create_task(loop.run()))

    async def stop(self) -> None:
        """Stop it."""
        task = self.tasks.pop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def state_of(stage: Stage) -> dict[bytes, tuple[bytes, bytes | None]]:
    """Return the newest records of the state topic's partition 0, by key."""
    place = TopicPartition(topics.state(stage.agreement), 0)
    consumer = AIOKafkaConsumer(**stage.hub.principal("hub").aiokafka(), isolation_level="read_committed")
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        found = {}
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ()):
                found[record.key] = (record.key, record.value)
        return found
    finally:
        await consumer.stop()


async def write(stage: Stage, records: list[tuple[bytes, bytes | None]]) -> None:
    """Write to the state topic as a broker's administrator can: what was there before, again."""
    producer = AIOKafkaProducer(**stage.hub.principal("hub").aiokafka())
    await producer.start()
    try:
        for key, value in records:
            await producer.send_and_wait(topics.state(stage.agreement), value=value, key=key, partition=0)
    finally:
        await producer.stop()


async def test_a_state_that_was_rolled_back(stage: Stage) -> None:
    """The whole state as it was: the gate stays closed, goes on where somebody says so, and decides what comes then."""
    gates = Gates(stage)
    gates.start()
    try:
        await stage.until(lambda: 0 in gates.looked)
        old = await state_of(stage)
        party, _, service = await stage.connect(stage.skola, "SKOLA")
        first = stage.say(party, service)
        await stage.until(lambda: party.store.steps(first))
        await gates.stop()
        new = await state_of(stage)
        gone = [(key, None) for key in new if key not in old]
        await write(stage, [*old.values(), *gone])
        gates.start()
        await stage.until(lambda: gates.stopped.get(0) == "STATE_ROLLED_BACK")
        assert 0 not in gates.looked
        await gates.stop()
        gates.going_on.add(0)
        gates.start()
        await stage.until(lambda: 0 in gates.looked)
        second = stage.say(party, service)
        await stage.until(lambda: party.store.steps(second))
        await gates.stop()
        name = next(key for key, (_, value) in new.items() if key in old and value != old[key][1])
        await write(stage, [old[name]])
        gates.start()
        await stage.until(lambda: gates.stopped.get(0) == "STATE_ALTERED")
        assert 0 not in gates.looked
    finally:
        await gates.stop()
