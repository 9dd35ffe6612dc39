"""A keeper without Kafka: the audit topic is a file, everything else is the real thing.

    ground = Ground(folder)
    entries = ground.say(ground.record("BUP", "IFO", "2020-03-14"))     stamped by the gate, on the topic
    ground.keep()                                                      until nothing is left to do
    ground.store.find(entries[0])

Every part can be made anew on the same folder, as after a crash.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from samband.schemas.stamp import StampRecord
from samband.streams.audit import STOCKHOLM, AuditKeys, seal_audit
from samband.streams.crypto.signature import stamp_all
from samband.streams.keyfile import KeyFolder
from samband.streams.records.erasure import Wish
from samband.streams.records.keeper import Incoming, Keeper, keep
from samband.streams.records.store import RecordStore
from tests.gate.world import NOW, World

__all__ = ["FileTopic", "Ground", "at", "midnight"]


def midnight(day: str) -> datetime:
    """Return the beginning of a day in Stockholm."""
    return datetime.fromisoformat(day).replace(tzinfo=STOCKHOLM)


def at(day: str) -> int:
    """Return noon of a day in Stockholm, in milliseconds since 1970 UTC."""
    return int(midnight(day).timestamp() * 1000) + 12 * 3_600_000


class EndOfTopicError(Exception):
    """Nothing is left to read and nothing to carry out."""


class FileTopic:
    """The audit topic as a file of hexadecimal lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = self._end = 0
        self._idle = 0

    def values(self) -> list[bytes]:
        """Return what stands on it."""
        return [bytes.fromhex(line) for line in self.path.read_text().split()] if self.path.exists() else []

    async def start(self, offset: int) -> None:
        """Begin at an offset."""
        self._at = offset

    async def read(self) -> tuple[Sequence[Incoming], int]:
        """Return at most three records."""
        some = self.values()[self._at : self._at + 3]
        self._idle = 0 if some else self._idle + 1
        if self._idle > 4:
            raise EndOfTopicError
        begin, self._at = self._at, self._at + len(some)
        return [Incoming(begin + n, value, NOW) for n, value in enumerate(some)], self._at

    async def fence(self) -> None:
        """Note the end."""
        self._end = len(self.values())

    async def read_all(self) -> bool:
        """Say whether it has been read."""
        return self._at >= self._end

    async def send(self, value: bytes) -> None:
        """Write a record through to the disk."""
        with self.path.open("a") as file:
            file.write(value.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())


class Ground:
    """A hub's keys, topic and records in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World()
        self.realm = self.world.realm
        self.topic = FileTopic(folder / "topic")
        self.seqs: defaultdict[int, int] = defaultdict(int)

    @cached_property
    def keys(self) -> AuditKeys:
        """The month keys."""
        return AuditKeys(KeyFolder(self.folder / "keys", self.realm))

    @cached_property
    def store(self) -> RecordStore:
        """The records."""
        return RecordStore(self.folder / "records.db", self.keys, self.realm)

    @cached_property
    def keeper(self) -> Keeper:
        """The keeper."""
        return Keeper(self.store, self.world.directory, self.world.stamp)

    def again(self) -> Ground:
        """Return the same folder as a new process sees it."""
        if "store" in vars(self):
            self.store.close()
        after = Ground(self.folder)
        after.seqs = self.seqs
        return after

    def record(self, sender: str, recipient: str, day: str, **changes: Any) -> StampRecord:
        """Return what the gate says about a message."""
        values: dict[str, Any] = {
            "kind": "decision", "leaf": secrets.token_bytes(32), "message_id": secrets.token_bytes(16),
            "sender": sender, "recipient": recipient, "ref": secrets.token_bytes(16), "type": "dialogue.message",
            "outcome": "permit", "grounds": ("CARE_TO_SOCIAL",), "rulebook": bytes(32), "directory": 1,
            "decided_at": at(day), "appended_at": at(day), **changes,
        }  # fmt: skip
        return StampRecord(**values)

    def values(self, *records: StampRecord, partition: int = 0, seq: int | None = None) -> list[tuple[bytes, bytes]]:
        """Return (entry, Kafka value) of records that the gate stamped in one transaction."""
        salted = [(secrets.token_bytes(32), record.encode()) for record in records]
        found = []
        for record, (entry, stamp) in zip(records, stamp_all(self.world.stamp, salted), strict=True):
            self.seqs[partition] = self.seqs[partition] + 1 if seq is None else seq
            month, key = self.keys.at(record.decided_at)
            found.append((entry, seal_audit(month, key, partition, self.seqs[partition], entry, stamp)))
        return found

    def say(self, *records: StampRecord, partition: int = 0, seq: int | None = None) -> list[bytes]:
        """Let the gate stamp records and write them; return their entries."""
        made = self.values(*records, partition=partition, seq=seq)
        self.write(*(value for _, value in made))
        return [entry for entry, _ in made]

    def write(self, *values: bytes) -> None:
        """Write anything to the topic."""
        for value in values:
            asyncio.run(self.topic.send(value))

    def ask(self, wish: Wish) -> int:
        """Ask for an erasure, as the command line does."""
        with self.store.transaction():
            return self.store.ask(wish.encode())

    def keep(self) -> None:
        """Run the keeper until nothing is left to do."""
        with suppress(EndOfTopicError):
            asyncio.run(keep(self.keeper, FileTopic(self.topic.path)))

    def disk(self) -> bytes:
        """Return every byte of the records on disk, journal included."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("records.db*")))
