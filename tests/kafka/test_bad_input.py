"""Bad input on a real Kafka: it is refused or put aside, and everybody else's messages arrive."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError

from samband.connectors.adapter import Delivery, Waiting
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.connectors.store import Store
from samband.schemas.errors import TrustError
from samband.schemas.message import Down, Up
from samband.streams import topics
from samband.streams.cards import publish
from samband.streams.certificates import make_authority
from samband.streams.crypto.keys import Purpose, SealKey
from samband.streams.crypto.lane import LaneOut
from samband.streams.gate.loop import GateLoop, LoopSettings
from samband.streams.settings import KafkaSettings

pytestmark = pytest.mark.kafka

WAIT_S = 60


class Desk:
    """A far side that takes everything and remembers it."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []

    async def deliver(self, delivery: Delivery) -> None:
        """Take a message."""
        self.taken.append(delivery)

    async def acknowledged(self) -> Sequence[str]:
        """Acknowledge nothing."""
        return ()

    async def waiting(self) -> Sequence[Waiting]:
        """Wait for nothing."""
        return ()

    async def close(self) -> None:
        """Have nothing to close."""


def world_module(name: str) -> ModuleType:
    """Return the small world of the gate's tests with today's clock, and with this test's own agreement and parties."""
    path = Path(__file__).parent.parent / "gate" / "world.py"
    spec = importlib.util.spec_from_file_location(f"samband_tests_world_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.NOW = time.time_ns() // 1_000_000
    module.AGREEMENT = f"barn-{name}"
    module.UNITS = {f"{party}-{name}": units for party, units in module.UNITS.items()}
    module.PARTY_OF = {unit: f"{party}-{name}" for unit, party in module.PARTY_OF.items()}
    return module


class Stage:
    """A broker with an agreement, a gate worker on it, and parties that may come in."""

    def __init__(self, hub: Any, folder: Path, name: str) -> None:
        self.hub, self.folder = hub, folder
        self.kit = world_module(name)
        self.agreement = self.kit.AGREEMENT
        self.social, self.skola, self.bup = self.kit.UNITS
        self.world = self.kit.World(name)
        self.tasks: list[asyncio.Task[None]] = []
        self.stores: list[Store] = []
        self.outbox = topics.outbox(self.agreement)

    @property
    def now(self) -> int:
        """The clock in milliseconds."""
        return time.time_ns() // 1_000_000

    async def start(self) -> None:
        """Make the topics and publish the cards."""
        await asyncio.to_thread(self.hub.agree, self.agreement, list(self.kit.UNITS), self.kit.SHARDS)
        await publish(self.hub.principal(topics.HUB).aiokafka(), self.world.published())

    def start_gate(self) -> None:
        """Start a gate worker."""
        gate = self.hub.principal("gate").aiokafka
        changelog = topics.state(self.agreement)
        settings = LoopSettings(topics.GATE_GROUP, self.outbox, changelog, f"gate-{self.agreement}", restart_s=0.1)
        loop = GateLoop(settings, gate, self.world.store, lambda partition: self.kit.Gate(self.world, partition).judge)
        self.tasks.append(asyncio.create_task(loop.run()))

    async def stop(self) -> None:
        """End everything that was started."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for store in self.stores:
            store.close()

    def party(self, name: str, kafka: KafkaSettings | None = None) -> Party:
        """Return a party with a store of its own."""
        party = self.world.open_party(
            name, self.folder / f"{name}-{len(self.stores)}", kafka or self.hub.principal(name)
        )
        self.stores.append(party.store)
        return party

    async def connect(self, name: str, unit: str) -> tuple[Party, Desk, Service]:
        """Run a party's connector and return when it has read its inbox."""
        party, desk = self.party(name), Desk()
        service = Service(party, {unit: desk})
        self.tasks.append(asyncio.create_task(service.run()))
        async with asyncio.timeout(WAIT_S):
            await service.ready.wait()
        return party, desk, service

    async def until(self, condition: Any) -> None:
        """Wait until something has become true."""
        async with asyncio.timeout(WAIT_S):
            while not condition():  # noqa: ASYNC110  what becomes true is in a store
                await asyncio.sleep(0.05)

    def concern(self) -> Any:
        """Return the school's concern report, made now."""
        return self.world.concern(created=self.now, expires=self.now + 3_600_000)

    def say(self, party: Party, service: Service) -> bytes:
        """Give the school's report to its connector and return its id."""
        draft = self.concern()
        with party.store.transaction():
            party.store.add_draft(draft, 0)
        service.wake()
        message_id: bytes = draft.message_id
        return message_id

    async def write(self, principal: str, topic: str, *values: bytes, partition: int = 0, **more: Any) -> None:
        """Write values to a topic as a principal."""
        kafka = self.hub.principal(principal).aiokafka()
        producer = AIOKafkaProducer(**kafka, max_request_size=4 << 20)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(topic, value, partition=partition, **more)
        finally:
            await producer.stop()

    async def quarantined(self, count: int) -> list[list[bytes]]:
        """Return the words of this outbox's first quarantine notes, read as the hub."""
        place = TopicPartition(topics.QUARANTINE, 0)
        kafka = self.hub.principal(topics.HUB).aiokafka()
        async with AIOKafkaConsumer(
            **kafka, isolation_level="read_committed", auto_offset_reset="earliest"
        ) as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            found: list[list[bytes]] = []
            async with asyncio.timeout(WAIT_S):
                while len(found) < count:
                    for record in (await consumer.getmany(timeout_ms=500)).get(place, ()):
                        with suppress(TrustError):  # another test's
                            found.append(self.world.store.open(place.topic, record.key, record.value)[1].split())
            return found


@pytest.fixture
async def stage(hub_broker, tmp_path: Path, request) -> AsyncIterator[Stage]:
    """Give a stage; its gate is started by the test."""
    made = Stage(hub_broker, tmp_path, request.node.name.split("_")[-1][:8])
    await made.start()
    yield made
    with suppress(asyncio.CancelledError):
        await made.stop()


def headers() -> list[tuple[str, bytes]]:
    """Return a record's own headers."""
    return [("ce_specversion", b"1.0"), ("ce_type", b"samband.record.v1"), ("ce_source", b"samband"), ("ce_id", b"x")]


async def test_bad_input_in_the_outbox(stage):
    """Garbage, oversized, foreign and altered records end in quarantine; the messages around them are handed over."""
    stage.start_gate()
    school, _, service = await stage.connect(stage.skola, "SKOLA")
    _, desk, _ = await stage.connect(stage.social, "IFO")
    first = stage.say(school, service)
    await stage.until(lambda: len(desk.taken) == 1)
    world = stage.world
    lane = world.lane(stage.bup, stage.now)
    good = lane.seal(Up(1, b"no message").encode(), 0, stage.outbox, 0)
    moved = lane.seal(Up(1, b"no message").encode(), 0, stage.outbox, 1)
    await stage.write(stage.bup, stage.outbox, b"garbage", bytes(990_000), good[:-1], moved, headers=headers())
    await stage.write(stage.bup, stage.outbox, good, headers=[*headers(), ("child", b"19900101")])
    await stage.write(stage.bup, stage.outbox, good, key=b"key", headers=headers())
    with pytest.raises(MessageSizeTooLargeError):
        await stage.write(stage.bup, stage.outbox, bytes(1_100_000), headers=headers())
    second = stage.say(school, service)
    await stage.until(lambda: len(desk.taken) == 2)
    assert [each.message_id for each in desk.taken] == [first.hex(), second.hex()]
    notes = await stage.quarantined(6)
    assert [note[0].decode() for note in notes] == [
        "FORMAT_SCHEMA", "FORMAT_SCHEMA", "FORMAT_RECORD", "RECORD_BROKEN", "RECORD_HEADERS", "RECORD_HEADERS",
    ]  # fmt: skip
    assert int(notes[1][1]) == 990_000
    await stage.until(lambda: [step.outcome for step in school.store.steps(second)] == ["permit", "handed_over"])


async def test_straight_into_an_inbox(stage):
    """No party writes into an inbox; what the hub's own principal writes there is one incident each, and no more."""
    stage.start_gate()
    party, desk, _ = await stage.connect(stage.social, "IFO")
    world, inbox = stage.world, topics.inbox(stage.social)
    school, own = world.parties[stage.skola], world.parties[stage.social]
    message = world.seal(stage.concern())
    to = SealKey(world.realm, Purpose.PARTY_HOP, own.hop.public)
    lane = LaneOut(school.sign, to, party="hub", instance=bytes(16), agreement=stage.agreement, now=stage.now)
    forged = lane.seal(Down(0, 1, b"", message.encode()).encode(), len(message.content), inbox, 0)
    for writer in (stage.skola, stage.social):
        with pytest.raises(TopicAuthorizationFailedError):
            await stage.write(writer, inbox, forged)
    await stage.write(topics.HUB, inbox, forged, b"garbage", b"")
    await stage.until(lambda: party.store.number("count/incident") == 3)
    assert not party.store.letters()
    other, _, service = await stage.connect(stage.skola, "SKOLA")
    stage.say(other, service)
    await stage.until(lambda: len(desk.taken) == 1)
    assert party.store.number("count/incident") == 3


async def test_connector_with_a_wrong_certificate(stage, tmp_path, caplog):
    """A connector whose certificate another authority issued gets nowhere, says so, and goes on trying."""
    other = make_authority(tmp_path / "other-ca")
    honest = stage.hub.principal(stage.bup)
    stranger = stage.hub.principal(stage.skola, authority=other)
    wrong = replace(honest, certificate=stranger.certificate, key=stranger.key)
    service = Service(stage.party(stage.skola, wrong), {})
    caplog.set_level("WARNING", "samband.connector")
    running = asyncio.create_task(service.run())
    try:
        async with asyncio.timeout(WAIT_S):
            while len([line for line in caplog.messages if "does not know our certificate" in line]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not running.done()
        assert not service.ready.is_set()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
