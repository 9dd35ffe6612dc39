"""One race: a message that a consent carries, and at the same moment another party's withdrawal of that consent.

    arena = Arena(folder, print, mutant="")
    arena.up()
    track = Track(arena, seed, races)
    asyncio.run(…)          async with arena.connected(): await track.run(seats)
    track.races, track.said, track.consents

The connectors of all parties run in this process, each with its own store, instance, lane and connection, so that both
sides of a race are written within the same millisecond or two; hub, Kafka and gate workers are processes of their own.
Each child sits on one seat, and a seat runs one race after the other, so that what a race expects is certain:

    1. social services record a consent that everybody has signed, and have the gate's receipt
    2. they send on it, while another party withdraws: which is written first, chance says; in one race of ten the
       withdrawal comes a little later, when the message may be handed over already
    3. the withdrawing party has its receipt; at once social services send again: denied
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.categories import Category
from samband.schemas.event_bodies import (
    ChildView,
    CircleUpdate,
    ConsentGiven,
    ConsentWithdrawn,
    Digest,
    EventBody,
    Giver,
    GiverRole,
    Id16,
    Recipient,
    Scope,
    View,
)
from samband.schemas.testdata import synthetic
from samband.streams.children import Child
from tests.kafka.fault_checks import Said
from tests.kafka.fault_world import FREEZE, UNITS, WORKERS, World

__all__ = ["DISCLOSER", "Arena", "Race", "Track"]

DISCLOSER: Final = "social"
RECIPIENT: Final = "school"
WITHDRAWERS: Final = ("school", "care", "family")
"""Two that the consent names as recipients, and one that has no part in the child."""
_NEEDED: Final = (Category.IDENTITY, Category.DIALOGUE, Category.SOCIAL_INVESTIGATION)
"""What each message tells."""
_BESIDE: Final = Category.SCHEDULE
"""What the consent covers besides."""
_LATE_S: Final = 0.5
"""How much later a late withdrawal comes at most."""
_LOOK_S: Final = 0.01
_PATIENCE_S: Final = 120.0
"""Longest wait for one answer, kills and all, before a run counts as stuck."""


class Arena(World):
    """The world of the fault test, with its connectors in this process; `mutant` names a broken gate to run instead."""

    def __init__(self, folder: Path, tell: Callable[[str], None], mutant: str = "") -> None:
        super().__init__(folder, tell)
        if mutant:
            home = str(self.home.path)
            for n in range(WORKERS):
                log = self.home.hub / "log" / f"gate-{n}.log"
                self.hub._children[f"gate-{n}"] = Child("tests.kafka.linear_mutant", (mutant, home, str(n)), log)

    def up(self) -> None:
        """Start the hub, and open the parties' files."""
        self.hub.up()
        self._thread(self.hub.watch)
        self.parties = {name: Party.load(self.folder(name) / "connector.toml") for name in UNITS}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Run all parties' connectors until the block ends."""
        services = {name: Service(party, party.adapters()) for name, party in self.parties.items()}
        self.clients = {name: Client(self.parties[name], service) for name, service in services.items()}
        tasks = [asyncio.create_task(service.run()) for service in services.values()]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                for service in services.values():
                    await service.ready.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def running(self, victim: str) -> None:
        """Wait until a gate worker that was killed before runs again."""
        worker = victim.removeprefix(FREEZE)
        await _until(lambda: worker in self.hub.pids)

    async def rest(self) -> None:
        """Wait until nothing is on its way: all decided, all handed over or stopped."""

        def at_rest() -> bool:
            stores = [party.store for party in self.parties.values()]
            return not (self.undecided or any(s.letters(state, 1) for s in stores for state in ("waiting", "handing")))

        await _until(at_rest)


@dataclass(frozen=True, slots=True)
class Race:
    """What was written in one race."""

    child: str
    by: str
    """The party that withdrew."""
    scope: Scope
    covers: bool
    """The withdrawal's scope takes in what the messages need; else it is about something beside them."""
    late: bool
    """The withdrawal was not written at the same moment, but later."""
    message: bytes
    withdrawal: bytes
    after: bytes
    """The message that was sent when the withdrawing party had its receipt."""


class Track:
    """All races of a run. Everything random comes from the seed, except who wins."""

    def __init__(self, arena: Arena, seed: int, races: int) -> None:
        self._arena = arena
        self._chance = random.Random(seed + 1)
        self._races = races
        self.begun = 0
        self.races: list[Race] = []
        self.said: list[Said] = []
        self.consents: dict[bytes, tuple[str, ConsentGiven | ConsentWithdrawn]] = {}
        """Event id → (child, body)."""

    async def run(self, seats: int) -> None:
        """Run the races, as many at once as there are seats.

        Raises:
            RuntimeError: an event was refused, or an answer did not come.
        """
        children = [str(synthetic(n, born=date(2014, 1 + n % 12, 1 + n % 28)).identifier) for n in range(seats)]
        try:
            async with asyncio.TaskGroup() as group:
                for child in children:
                    group.create_task(self._seat(child))
        except ExceptionGroup as group:
            raise RuntimeError("; ".join(sorted({str(each) for each in group.exceptions}))) from group

    async def reached(self, place: int) -> None:
        """Wait, however long, until so many races have begun."""
        await _until(lambda: self.begun >= place, math.inf)

    async def _seat(self, child: str) -> None:
        claim = self._record(DISCLOSER, child, CircleUpdate(claim=True))
        await self._accepted(DISCLOSER, claim)
        while self.begun < self._races:
            self.begun += 1
            await self._race(child)

    async def _race(self, child: str) -> None:
        given = self._consent()
        await self._accepted(DISCLOSER, self._record(DISCLOSER, child, given))
        by = self._chance.choice(WITHDRAWERS)
        taken, covers = self._withdrawal(given)
        late = self._chance.random() < 0.1
        first = late or self._chance.random() < 0.5
        expected = "either" if covers else "permit"
        if first:
            message = self._send(child, expected)
        if late:
            await asyncio.sleep(self._chance.uniform(0, _LATE_S))
        withdrawal = self._record(by, child, taken)
        if not first:
            message = self._send(child, expected)
        await self._accepted(by, withdrawal)
        after = self._send(child, "deny" if covers else "permit")
        self.races.append(Race(child, by, taken.scope, covers, late, message, withdrawal, after))
        for each in (message, after):
            await self._answered(DISCLOSER, each, final=not covers)
        if not covers:  # the next race must not lean on what is still open; what was permitted is handed over by now
            await self._accepted(DISCLOSER, self._record(DISCLOSER, child, ConsentWithdrawn()))

    def _withdrawal(self, given: ConsentGiven) -> tuple[ConsentWithdrawn, bool]:
        """Return a withdrawal, and whether it takes in what the messages need."""
        covering = (
            ConsentWithdrawn(),
            ConsentWithdrawn(Scope.CONSENT, consent_id=given.consent_id),
            ConsentWithdrawn(Scope.RECIPIENT, recipient=UNITS[RECIPIENT].id),
            ConsentWithdrawn(Scope.CATEGORY, category=self._chance.choice(_NEEDED)),
        )
        beside = (
            ConsentWithdrawn(Scope.RECIPIENT, recipient=UNITS["care"].id),
            ConsentWithdrawn(Scope.CATEGORY, category=_BESIDE),
        )
        covers = self._chance.random() < 0.9
        return self._chance.choice(covering if covers else beside), covers

    def _consent(self) -> ConsentGiven:
        now = int(time.time())
        return ConsentGiven(
            consent_id=Id16(os.urandom(16)),
            disclosers=(UNITS[DISCLOSER].id,),
            recipients=(Recipient(UNITS[RECIPIENT].id), Recipient(UNITS["care"].id)),
            categories=(*_NEEDED, _BESIDE),
            purpose="coordination",
            valid_from=now - 60,
            valid_to=now + 30 * 86_400,
            givers=(Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.GUARDIAN, "guardian-2")),
            signed_by=("guardian-1", "guardian-2"),
            child_view=ChildView(View.AGREES),
            evidence=Digest(os.urandom(32)),
            recorder_role="caseworker",
            acting_user=Digest(os.urandom(32)),
        )

    def _send(self, child: str, expected: str) -> bytes:
        content = {
            "child_identifier": child,
            "acting_user": {"id": "prov-1", "role": "handläggare"},
            "sender_reference": str(len(self.said) + 1),
            "text": f"{len(self.said) + 1} om {child[-4:]}",
        }
        client, recipient = self._arena.clients[DISCLOSER], UNITS[RECIPIENT].id
        message_id = client.send(
            "dialogue.message", recipient=recipient, content=content, ground="CONSENT", now=datetime.now(UTC)
        )
        self.said.append(Said(message_id, DISCLOSER, RECIPIENT, child, content, expected))
        return message_id

    def _record(self, party: str, child: str, body: EventBody) -> bytes:
        event = self._arena.clients[party].record(body, child=child, now=datetime.now(UTC))
        if isinstance(body, ConsentGiven | ConsentWithdrawn):
            self.consents[event] = (child, body)
        return event

    async def _accepted(self, party: str, event: bytes) -> None:
        """Wait for the gate's receipt of an event to reach its own party.

        Raises:
            RuntimeError: it was refused, or nothing came.
        """
        await self._answered(party, event)
        if (state := self._arena.clients[party].outcome(event).state) != "accepted":
            raise RuntimeError(f"{event.hex()}: an event of `{party}` is {state}")

    async def _answered(self, party: str, message_id: bytes, *, final: bool = False) -> None:
        client = self._arena.clients[party]

        def answered() -> bool:
            outcome = client.outcome(message_id)
            return outcome.final if final else outcome.decided

        await _until(answered)


async def _until(condition: Callable[[], bool], patience: float = _PATIENCE_S) -> None:
    """Wait until something holds.

    Raises:
        RuntimeError: it does not, for too many seconds.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"stuck: nothing came for {patience:.0f} s")
        await asyncio.sleep(_LOOK_S)
