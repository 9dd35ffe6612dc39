"""A sequencer on a folder, with Kafka left out, that can be killed at any write."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from samband.streams.crypto.keys import Purpose, SignKey, VerifyKey
from samband.streams.log.checkpoint import opened, origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Journal
from samband.streams.log.sequencer import Incoming, Sequencer
from samband.streams.log.tiles import Tiles
from samband.streams.log.tree import consistency, verify_consistency
from samband.streams.log.verify import verify
from tests.gate.world import NOW
from tests.records.ground import Ground


class Killed(BaseException):
    """The process is gone."""


class Hub:
    """A sequencer on a folder, with the audit topic as a list and what others were told as a dictionary."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.ground = Ground(folder / "ground")
        (folder / "ground").mkdir(parents=True, exist_ok=True)
        self.world = self.ground.world
        self.key = SignKey(self.world.realm, Purpose.LOG, bytes([7]) * 32)
        self.public = VerifyKey(self.world.realm, Purpose.LOG, self.key.public)
        self.origin = origin_of(self.world.realm, self.world.root.agreement)
        self.topic: list[bytes] = []
        self.told: dict[str, bytes] = {}
        self.seen: list[bytes] = []
        """Every checkpoint that anybody outside has ever seen."""
        self.steps = 0
        self.die_at = 0

    def step(self) -> None:
        """Count a write to the disk or the network, and die at the one that was chosen."""
        self.steps += 1
        if self.steps == self.die_at:
            raise Killed

    def start(self) -> Sequencer:
        """Start as a new process does."""
        hub = self

        class Folder(LogFolder):
            def write(self, files: Any) -> None:
                for each in files:
                    hub.step()
                    super().write([each])
                    if each[0] == "checkpoint":
                        hub.seen.append(each[1])

        class Kept(Journal):
            def transaction(self) -> Any:
                hub.step()
                return super().transaction()

        sequencer = Sequencer(
            Folder(self.path / "log-tiles"), Kept(self.path / "journal.db"), self.world.directory, self.key, self.origin
        )
        sequencer.recover(self.told.get("checkpoint"))
        self.tell(sequencer)
        return sequencer

    def tell(self, sequencer: Sequencer) -> None:
        """Let others have what is new, all of it or nothing, then publish."""
        news = sequencer.news()
        self.step()
        self.told.update(news)
        self.seen.append(news[-1][1])
        self.step()
        sequencer.publish()

    def turn(self, sequencer: Sequencer, most: int = 1000) -> None:
        """Take what stands on the topic."""
        while sequencer.offset < len(self.topic):
            first = sequencer.offset
            some = self.topic[first : first + most]
            records = [Incoming(first + n, value, NOW) for n, value in enumerate(some)]
            if sequencer.take(records, first + len(some)):
                self.tell(sequencer)

    def say(self, count: int, **which: Any) -> list[bytes]:
        """Let the gate stamp so many records, and return their entries."""
        record = self.ground.record("BUP", "IFO", "2026-11-01")
        made = self.ground.values(*[record] * count, **which)
        self.topic += [value for _, value in made]
        return [entry for entry, _ in made]

    def entries(self) -> list[bytes]:
        """Return the entries of the published log, after it was worked out anew."""
        folder = LogFolder(self.path / "log-tiles")
        report = verify(folder.read, [self.public], self.origin)
        assert report.differences == []
        tiles = Tiles(folder.read, report.size)
        return [each for n in range(-(-report.size // 256)) for each in tiles.entries(n)]

    def check_seen(self) -> None:
        """Check that no two checkpoints that anybody has seen contradict each other."""
        tiles = Tiles(LogFolder(self.path / "log-tiles").read, len(self.entries()))
        found = sorted((opened(note, [self.public], self.origin)[0] for note in self.seen), key=lambda each: each.size)
        for older, newer in pairwise(found):
            proof = consistency(tiles.node, older.size, newer.size)
            verify_consistency(older.size, older.root, newer.size, newer.root, proof)
