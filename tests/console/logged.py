"""A hub with its log: what the gate and the keeper say becomes leaves, and parties' own witness keys cosign.

house = LoggedHouse(folder);  house.say(…);  house.settle()        sayings are leaves, the checkpoint is signed
house.witness("skola")                                            a witnessed checkpoint, kept as the sequencer does
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from samband.connectors.spotcheck import SpotChecks
from samband.streams.crypto.keys import Purpose, SignKey
from samband.streams.keyfile import KeyFolder
from samband.streams.log.checkpoint import Checkpoint, cosign, origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Journal
from samband.streams.log.note import Note
from samband.streams.log.sequencer import Incoming as Leaf
from samband.streams.log.sequencer import Sequencer
from samband.streams.log.verify import WITNESSED
from samband.streams.log.witnessed import witness_name
from samband.streams.records.keeper import Incoming
from samband.streams.records.sample import Request
from tests.console.house import HubHouse

__all__ = ["LoggedHouse"]


class LoggedHouse(HubHouse):
    """The hub, its records, its log and the console."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        super().__init__(folder, **changes)
        root, hub = self.home.root, self.home.hub
        self.origin = origin_of(root.realm, root.agreement)
        self.tiles = LogFolder(hub / "log-tiles")
        self.journal = Journal(hub / "sequencer" / "journal.db")
        key = self.home.hub_keys.sign_key(Purpose.LOG)
        self.sequencer = Sequencer(self.tiles, self.journal, self.home.directory(self.ms), key, self.origin)
        self.sequencer.recover(None)
        self.sequencer.publish()

    def spot_check(self, count: int = 3) -> bytes:
        """Let somebody ask for a spot check and draw it, and return its id."""
        self.settle()
        number = secrets.token_bytes(16)
        self.checks.ask(Request(number, "granskaren", count, 0, self.ms), self.ms)
        self.settle()
        self.witness("skola", "bup")
        self.checks.draw(self.checks.one(number, self.ms), "granskaren", self.ms)
        self.settle()
        return number

    @property
    def checks(self) -> SpotChecks:
        """The spot checks, read anew."""
        return SpotChecks(self.home, self.store, self.home.directory(self.ms))

    def keep_sayings(self) -> None:
        """Let the keeper make leaves of what was said."""
        while (saying := self.keeper.saying()) is not None:
            now = time.time_ns() // 1_000_000
            if (value := self.keeper.said(saying, now)) is not None:
                incoming = Incoming(self.store.offset, value, now)
                self.topic.append(incoming)
                self.keeper.take([incoming], self.store.offset + 1)
        self.source.follow(self.store)

    def sequence(self) -> Checkpoint:
        """Let the sequencer take what stands on the topic, and return the newest checkpoint."""
        first = self.sequencer.offset
        if self.sequencer.take([Leaf(*each) for each in self.topic[first:]], len(self.topic)):
            self.sequencer.publish()
        return Checkpoint.parse(Note.parse(self.sequencer.note).text)

    def settle(self) -> Checkpoint:
        """Do both."""
        self.keep_sayings()
        return self.sequence()

    def witness_key(self, party: str) -> SignKey:
        """Return a party's own witness key."""
        folder = KeyFolder(self.home.path / "parties" / party / "keys", self.home.root.realm)
        return next(iter(folder.sign_keys(Purpose.PARTY_WITNESS).values()))

    def cosigned(self, *parties: str, note: bytes | None = None, timestamp: int = 0) -> bytes:
        """Return a checkpoint, the newest, with the words of some parties on it."""
        parsed = Note.parse(note or self.sequencer.note)
        checkpoint = Checkpoint.parse(parsed.text)
        lines = [
            cosign(self.witness_key(each), witness_name(self.home.root, each), checkpoint,
                   timestamp or int(time.time()))
            for each in sorted(parties)
        ]  # fmt: skip
        return Note(parsed.text, (*parsed.lines, *lines)).encode()

    def witness(self, *parties: str) -> bytes:
        """Let parties cosign the newest checkpoint, and keep it as the sequencer does."""
        note = self.cosigned(*parties)
        self.tiles.keep_witnessed(Checkpoint.parse(Note.parse(note).text).size, note)
        self.tiles.write([(WITNESSED, note)])
        return note

    def close(self) -> None:
        """Close what is open."""
        self.journal.close()
        super().close()
