"""Connectors and a gate in one process, with real stores: what one says the other reads, and only Kafka is left out.

line = Line(gate)
school = line.connector("skola", tmp_path / "skola")
message = school.say(world.concern())
school.send(); school.read()
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from samband.connectors import service as running
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.message import Message
from samband.streams import topics
from samband.streams.inbox import Batch
from samband.streams.outbox import Draft


class Line:
    """A gate, and the inboxes that it writes."""

    def __init__(self, gate: Any) -> None:
        self.gate = gate
        self.inboxes: defaultdict[str, list[bytes]] = defaultdict(list)
        self.log: list[Any] = []
        """Everything that was stamped, in order."""
        self.cards: list[bytes] = []
        """Key cards that the gate passed on, and nobody has published yet."""

    def take(self, *records: Any, expired: tuple[bytes, ...] = ()) -> None:
        """Judge records in a turn, commit it, and write the inboxes."""
        gate = self.gate
        turn = gate.judge.turn(records, gate.state.values, gate.now, expired)
        for name, data in turn.changes.items():
            gate.state.load(name, data)
        for party in gate.world.parties:
            self.inboxes[party] += gate.values(turn, topics.inbox(party))
        self.log += gate.stamps(turn)
        self.cards += gate.values(turn, topics.CARDS)

    def publish(self) -> None:
        """Publish the key cards that the gate passed on, with a head: all read them at once."""
        cards, self.cards = self.cards, []
        self.gate.world.publish(self.gate.world.directory, *cards)

    def connector(self, name: str, folder: Path) -> Connector:
        """Return a party's connector on the store in a folder, made where there is none."""
        return Connector(self, self.gate.world.open_party(name, folder), folder)


class Connector:
    """One party's service, driven by hand."""

    def __init__(self, line: Line, party: Party, folder: Path) -> None:
        self.line, self.party, self.store, self.folder = line, party, party.store, folder
        self.service = Service(party, {})

    def say(self, draft: Draft) -> bytes:
        """Take a draft into the outbox."""
        with self.store.transaction():
            self.store.add_draft(draft, 0)
        return draft.message_id

    def records(self) -> list[Any]:
        """Return what goes onto the outbox now: everything that the gate has not decided, in order."""
        gate = self.line.gate
        with self.store.transaction():
            self.service.sealer.seal(running.now_ms())
        sign = self.party.sign(gate.now)
        lane = gate.world.lane(self.party.name, gate.now, sign=sign, instance=self.service._writer.instance)
        return [
            gate.record(Message.decode(row.message), self.party.name, seq=row.seq, lane=lane)
            for row in self.store.unanswered()
        ]

    def send(self) -> None:
        """Send, and let the gate judge it."""
        self.line.take(*self.records())

    def read(self, *left_out: int) -> None:
        """Read the inbox to its end, without the records at some offsets."""
        start, values = self.store.number("offset") or 0, self.line.inboxes[self.party.name]
        records = tuple((at, values[at]) for at in range(start, len(values)) if at not in left_out)
        self.service._keep(Batch(records, len(values), len(values)), 0)
        self.service._receiver.caught_up = True

    def settle(self, rounds: int = 6) -> None:
        """Send and read until nothing waits for the gate."""
        for _ in range(rounds):
            self.send()
            self.read()
        assert not self.store.open_count()

    def outcomes(self, message_id: bytes) -> list[str]:
        """Return what the ladder of a message says."""
        return [step.outcome for step in self.store.steps(message_id)]

    def copy(self, folder: Path) -> Path:
        """Copy the store's file into a folder as a backup does, and go on."""
        self.store.scrub()
        folder.mkdir()
        shutil.copy(self.folder / "store.db", folder / "store.db")
        return folder
