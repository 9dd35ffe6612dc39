"""Heads, silence and a restored store on a real Kafka."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from samband.connectors.boxes import gaps
from samband.connectors.service import Service
from samband.connectors.store import Store
from samband.streams import topics
from samband.streams.gate.loop import GateLoop, LoopSettings
from samband.streams.inbox import Batch, InboxReader
from tests.kafka.test_bad_input import Stage

pytestmark = pytest.mark.kafka


@pytest.fixture
async def stage(hub_broker, tmp_path: Path, request) -> AsyncIterator[Stage]:
    """Give a stage; its gate is started by the test."""
    made = Stage(hub_broker, tmp_path, request.node.name.split("_")[-1][:8])
    await made.start()
    yield made
    with suppress(asyncio.CancelledError):
        await made.stop()


def start_gate(stage: Stage, **settings: float) -> asyncio.Task[None]:
    """Start a gate worker that says heads as often as a test can wait for."""
    made = LoopSettings(
        topics.GATE_GROUP,
        stage.outbox,
        topics.state(stage.agreement),
        f"gate-{stage.agreement}",
        restart_s=0.1,
        **settings,
    )
    gate = stage.hub.principal("gate").aiokafka
    loop = GateLoop(made, gate, stage.world.store, lambda partition: stage.kit.Gate(stage.world, partition).judge)
    task = asyncio.create_task(loop.run())
    stage.tasks.append(task)
    return task


async def test_heads_of_every_partition_come(stage, monkeypatch):
    """Each partition says heads on its timer, without messages; where a broker leaves some out, the numbers tell."""
    left_out: set[int] = set()
    batches = InboxReader.batches

    async def dropping(reader: InboxReader, offset: int | None) -> AsyncIterator[Batch]:
        async for batch in batches(reader, offset):
            yield Batch(tuple(each for each in batch.records if each[0] not in left_out), batch.next_offset, batch.end)

    monkeypatch.setattr(InboxReader, "batches", dropping)
    start_gate(stage, head_s=0.5, head_least_s=0.5)
    party, _, _ = await stage.connect(stage.social, "IFO")
    await stage.until(lambda: all(party.store.number(f"head/{each}") for each in range(stage.kit.SHARDS)))
    assert not gaps(party.store)
    left_out |= set(range((place := party.store.number("offset")) + 10, place + 40))
    await stage.until(lambda: party.store.number("count/box_gap"))
    assert gaps(party.store)
    assert party.store.number("count/incident") is None


async def test_a_restored_store_behind(stage, tmp_path):
    """A store that was put back from a backup says everything, once, though its numbers are behind the gate's."""
    start_gate(stage)
    _, desk, _ = await stage.connect(stage.social, "IFO")
    school = stage.party(stage.skola)
    service = Service(school, {})
    running = asyncio.create_task(service.run())
    await service.ready.wait()
    ids = [stage.say(school, service)]
    await stage.until(lambda: len(desk.taken) == 1 and school.store.steps(ids[0]))
    school.store.scrub()
    shutil.copy(school.folder / "store.db", tmp_path / "backup.db")
    ids += [stage.say(school, service) for _ in range(3)]
    await stage.until(lambda: len(desk.taken) == 4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    school.store = Store(tmp_path / "backup.db", bytes(32))  # as if it had been put back
    stage.stores.append(school.store)
    restored = Service(school, {})
    new = [stage.say(school, restored) for _ in range(2)]
    stage.tasks.append(asyncio.create_task(restored.run()))
    await stage.until(lambda: len(desk.taken) == 6)
    await stage.until(lambda: all("handed_over" in [step.outcome for step in school.store.steps(each)] for each in new))
    assert sorted(each.message_id for each in desk.taken) == sorted(each.hex() for each in [*ids, *new])
    assert school.store.number("count/store_restored") == 1
    assert school.store.number("count/cloned_store") is None


async def test_an_inbox_that_is_shorter_than_it_was(stage):
    """A connector that has read further than its inbox goes reads it from the beginning, says so, and goes on."""
    start_gate(stage)
    party, desk, _ = await stage.connect(stage.social, "IFO")
    school, _, sender = await stage.connect(stage.skola, "SKOLA")
    stage.say(school, sender)
    await stage.until(lambda: len(desk.taken) == 1)
    stage.tasks[1].cancel()
    await asyncio.gather(stage.tasks[1], return_exceptions=True)
    party.store.keep_number("offset", 1_000_000)
    again = Service(party, {"IFO": desk})
    stage.tasks.append(asyncio.create_task(again.run()))
    await stage.until(lambda: again.ready.is_set())
    assert party.store.number("count/inbox_cut") == 1
    assert party.store.number("count/box_repeat") is None
    stage.say(school, sender)
    await stage.until(lambda: len(desk.taken) == 2)


async def test_an_inbox_that_is_missing_blocks_none(stage):
    """A party whose inbox is not there hears no head, and the others' messages pass."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient(stage.hub.principal(topics.HUB).confluent())
    for future in admin.delete_topics([topics.inbox(stage.bup)]).values():
        await asyncio.to_thread(future.result, 30)
    start_gate(stage, head_s=0.5, head_least_s=0.5)
    school, _, sender = await stage.connect(stage.skola, "SKOLA")
    _, desk, _ = await stage.connect(stage.social, "IFO")
    await stage.until(lambda: school.store.number("head/0"))
    stage.say(school, sender)
    await stage.until(lambda: len(desk.taken) == 1)
