"""A log, its topic as a list, and parties that read it; and what they say then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samband.connectors.watch import heard
from samband.connectors.witness import FORK, ROLLED_BACK, TICK_OFF, WITHHELD, Witness
from samband.streams.crypto.keys import Purpose, SignKey
from samband.streams.directory import HUB
from samband.streams.gate.head import head
from samband.streams.gate.logged import NONE
from samband.streams.log.checkpoint import cosign, origin_of
from samband.streams.log.note import Note
from samband.streams.log.verify import WITNESSED
from tests.gate.world import NOW, World
from tests.log.logs import Log

__all__ = ["Ring", "alarms", "hear_head", "keep", "read", "said"]


class Ring:
    """A log, its topic as a list, and parties that read it."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        self.key = SignKey(self.world.realm, Purpose.LOG, bytes([7]) * 32)
        self.world.publish(self.world.directory, self.world.key(HUB, self.key))
        self.origin = origin_of(self.world.realm, self.world.root.agreement)
        self.folder = folder
        self.topic: list[tuple[str, bytes]] = []
        self.log = self.make()

    def make(self, some: list[bytes] | None = None) -> Log:
        """Return a log of this hub."""
        return Log(some or [], key=self.key, origin=self.origin)

    def party(self, name: str, copy: str = "") -> Any:
        """Return a party on its folder."""
        return self.world.open_party(name, self.folder / (copy or name))

    def tell(self, some: list[bytes], log: Log | None = None, *, ask: bool = False) -> None:
        """Append entries and put what is new on the topic."""
        log = log or self.log
        self.topic += log.news(some)
        if ask:
            self.topic.append(("asked", log.files["checkpoint"]))

    def witnessed(self, *names: str, log: Log | None = None, at: int = 5) -> None:
        """Put the newest checkpoint on the topic with some parties' cosignatures, of `at` (s)."""
        log = log or self.log
        note = Note.parse(log.files["checkpoint"])
        lines = [
            cosign(self.world.parties[name].witness, f"{self.origin}/{name}", log.checkpoint, at) for name in names
        ]
        self.topic.append((WITNESSED, Note(note.text, (*note.lines, *lines)).encode()))


def read(ring: Ring, party: Any, now: int = NOW) -> Witness:
    """Start as a new process does and take everything that is new on the topic."""
    witness = Witness(party)
    for offset in range(witness.offset, len(ring.topic)):
        witness.take(offset, *ring.topic[offset], now)
    witness.caught_up(now)
    return witness


def said(party: Any) -> int:
    """Return how many cosignatures wait in the outbox or were said."""
    return sum(draft.type == "log.cosigned" for draft in party.store.drafts())


def alarms(party: Any) -> set[str]:
    return {name for name in (FORK, ROLLED_BACK, TICK_OFF, WITHHELD) if party.store.number(f"alarm/{name}")}


def keep(party: Any, entry: bytes) -> None:
    """Let an entry be due."""
    with party.store.transaction():
        party.store.keep_number(f"due/{entry.hex()}", NOW)


def hear_head(ring: Ring, party: Any, log: Log | None, now: int = NOW) -> None:
    """Let a head of the gate come, which names the newest checkpoint of a log that the gate was shown."""
    newest = (log.checkpoint.size, log.checkpoint.root) if log is not None else NONE
    said = head(ring.world.directory, bytes(32), newest, now)
    with party.store.transaction():
        heard(party, said.record, said.entry, 0, now)
