"""A far side that is away for days of a simulated clock, by each way in.

When it is back it has each message once, in order; what nobody could take in its time ends as refused, `EXPIRED`, and
its sender sees that. Store, gate and far side are real; an hour is one turn of the connector's own hand-over.
"""

# ruff: noqa: D102 - the methods of the ways in say what they do
from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from samband.connectors import service as running
from samband.connectors.adapter import Adapter, Delivery
from samband.connectors.client import Client
from samband.connectors.desk.adapter import DeskAdapter
from samband.connectors.party import AdapterSettings
from samband.connectors.service import Service
from samband.schemas.errors import DeliveryError
from tests.connectors.line import Connector, Line
from tests.contracts.test_adapters import FolderSide, WebhookSide

UNIT = "IFO"
HOUR = 3_600_000
DAY = 24 * HOUR


class Way:
    """A way into the far side; this one is an adapter of one's own in Python, whose far side is a list."""

    kind = "folder"
    """What the settings call it, where the service asks."""

    def __init__(self, folder: Path) -> None:
        self.kept: list[str] = []
        self.gone = False

    async def start(self) -> Adapter:
        return self  # type: ignore[return-value]

    async def stop(self) -> None: ...

    def away(self, is_away: bool) -> None:
        self.gone = is_away

    def had(self) -> list[str]:
        """Return the ids of what the far side has, in the order in which it came."""
        return self.kept

    async def turn(self, connector: Connector, adapter: Adapter) -> bool:
        """Let the connector do what it does of itself; False where there was nothing to do."""
        service = connector.service
        with connector.store.transaction():
            rows = service.handing.begin(UNIT, len(connector.line.inboxes[connector.party.name]), running.now_ms())
        results = await asyncio.gather(*(service.handing.deliver(adapter, row) for row in rows))
        service.handing.settle(rows, results, running.now_ms())
        return bool(rows) and not any(results)

    async def deliver(self, delivery: Delivery) -> None:
        if self.gone:
            raise DeliveryError("FAR_SIDE_AWAY", "the far side is away", retriable=True)
        self.kept.append(delivery.message_id)


class Folder(Way):
    """A folder that cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.side = FolderSide(folder)

    async def start(self) -> Adapter:
        return self.side.adapter()

    def away(self, is_away: bool) -> None:
        self.side.turn_bad() if is_away else self.side.recover()

    def had(self) -> list[str]:
        return [path.stem for path in sorted(self.side._files(), key=lambda path: path.stat().st_mtime_ns)]


class Webhook(Way):
    """A web server that answers 500."""

    kind = "webhook"

    def __init__(self, folder: Path) -> None:
        self.side = WebhookSide(folder)

    async def start(self) -> Adapter:
        await self.side.start()
        self.adapter = self.side.adapter()
        return self.adapter

    async def stop(self) -> None:
        await self.adapter.close()
        await self.side.stop()

    def away(self, is_away: bool) -> None:
        self.side.bad = is_away

    def had(self) -> list[str]:
        return list(self.side.kept)


class Rest(Way):
    """A system that fetches, and does not ask while it is away."""

    kind = "rest"

    async def turn(self, connector: Connector, adapter: Adapter) -> bool:
        service, now = connector.service, connector.line.gate.now
        service._known_before = len(connector.line.inboxes[connector.party.name])
        service.pickup.announce(now)
        listed = [] if self.gone else service.pickup.open_after(0, 100, UNIT)
        for _, message_id in listed:
            row = connector.store.letter(message_id)
            assert row is not None
            service.pickup.take(row, now)
            self.kept.append(message_id.hex())
            again = connector.store.letter(message_id)
            assert again is not None
            service.pickup.acknowledge(again, now)
        return bool(listed)


class Desk(Way):
    """The desk: its far side is the connector itself, which is off for those days."""

    kind = "desk"

    async def start(self) -> Adapter:
        return DeskAdapter()

    async def turn(self, connector: Connector, adapter: Adapter) -> bool:
        if self.gone:
            return False
        waiting = connector.store.waiting(UNIT, len(connector.line.inboxes[connector.party.name]), 100)
        done = await super().turn(connector, adapter)
        for row in waiting:
            if (after := connector.store.letter(row.message_id)) is not None and after.state == "handed_over":
                self.kept.append(row.message_id.hex())
        return done


WAYS: dict[str, Callable[[Path], Way]] = {
    "folder": Folder, "webhook": Webhook, "rest": Rest, "desk": Desk, "python": Way,
}  # fmt: skip


class Days:
    """A school that says things, social services whose far side is one of the ways, and a clock that jumps."""

    def __init__(self, gate: Any, way: Way, folder: Path) -> None:
        self.gate, self.world, self.way = gate, gate.world, way
        self.line = Line(gate)
        self.skola, self.social = (self.line.connector(name, folder / name) for name in ("skola", "social"))
        party = self.social.party
        party.settings = dataclasses.replace(party.settings, adapter=(AdapterSettings(UNIT, way.kind),))
        self.social.service = Service(party, {})
        self.adapter: Adapter

    def say(self, child: Any, life_days: int = 13) -> str:
        """Say a report about a child, which duty carries; return its id when the gate has permitted it."""
        content = {
            "child_identifier": child.identifier, "child_name": child.name,
            "acting_user": {"id": "u", "role": "r"}, "urgency": "normal", "concern": "…", "family_told": "yes",
        }  # fmt: skip
        message_id = Client(self.skola.party).send(
            "concern.report", recipient=UNIT, content=content, unit="SKOLA", life_days=life_days,
            now=datetime.fromtimestamp(self.gate.now / 1000, UTC),
        )  # fmt: skip
        self.skola.send()
        self.skola.read()
        assert self.ladder(message_id.hex()) == ["permit"]
        return message_id.hex()

    def ladder(self, message_id: str) -> list[str]:
        """Return what the sender sees, a refusal with its code."""
        steps = self.skola.store.steps(bytes.fromhex(message_id))
        return [f"{step.outcome} {step.code}".strip() for step in steps]

    async def hours(self, many: int) -> None:
        """Let hours pass, in each of which the connector does what it does of itself and the sender listens."""
        for _ in range(many):
            self.gate.now += HOUR
            if self.gate.now % DAY < HOUR:  # a head a day is young enough
                self.world.publish(self.world.directory, now=self.gate.now)
            if not (isinstance(self.way, Desk) and self.way.gone):
                self.social.read()
            while await self.way.turn(self.social, self.adapter):
                pass
            if self.social.store.has_new():
                self.social.send()
                self.social.read()
            self.skola.read()


@pytest.fixture(params=WAYS)
async def days(
    request: pytest.FixtureRequest, kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Days]:
    gate = kit.Gate(kit.World("days"))
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: gate.now)
    made = Days(gate, WAYS[request.param](tmp_path), tmp_path)
    made.adapter = await made.way.start()
    yield made
    await made.way.stop()
    for each in (made.skola, made.social):
        each.store.close()


async def test_after_three_days_each_message_comes_once_and_in_order(days: Days) -> None:
    """What was said while it was away for three days is handed over once, each child's in the order it was said."""
    children = [days.world.child, days.world.child_of(0, 1)]
    said: dict[str, list[str]] = {child.identifier: [] for child in children}
    days.way.away(True)
    for _ in range(3):
        for child in children:
            said[child.identifier].append(days.say(child))
        await days.hours(24)
    await days.hours(1)
    every = [message for messages in said.values() for message in messages]
    assert {tuple(days.ladder(message)) for message in every} == {("permit",)}, "while it is away nothing is said of it"
    days.way.away(False)
    await days.hours(2)
    had = days.way.had()
    assert sorted(had) == sorted(every)
    for messages in said.values():
        assert [message for message in had if message in messages] == messages
    assert {tuple(days.ladder(message)) for message in every} == {("permit", "handed_over")}


async def test_what_expires_meanwhile_ends_as_refused(days: Days) -> None:
    """What nobody could take in its thirteen days is refused, its sender sees `EXPIRED`, and the later one comes."""
    days.way.away(True)
    early = days.say(days.world.child)
    await days.hours(24)
    late = days.say(days.world.child)
    await days.hours(12 * 24 + 1)
    off = isinstance(days.way, Desk)  # then the connector itself says it as soon as it runs
    assert days.ladder(early) == (["permit"] if off else ["permit", "refused EXPIRED"])
    days.way.away(False)
    await days.hours(2)
    assert days.ladder(early) == ["permit", "refused EXPIRED"]
    assert days.ladder(late) == ["permit", "handed_over"]
    assert days.way.had() == [late]
