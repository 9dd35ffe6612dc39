"""What the hub keeps of the audit topic for as long as the law asks: SQLite, `HOME/hub/records/records.db`.

    leaves      a row per log entry: gate partition, audit_seq, offset, month, (salt, record) sealed, and the gate's
                signature over the entry; once erased, only entry, partition, audit_seq and the entry of the erasure
    partitions  next audit_seq of each gate partition
    erasures    what was asked to be erased, and how far it is: asked → stamped → erased → done, or refused
    sayings     what a spot check says of itself: asked → stamped → done, when it is a leaf; then only its entry
    alarms      gaps, repeats, what was refused: code and place, the earliest of each kind
    meta        next offset of the topic

Whatever belongs together is one transaction, so that a crash leaves all of it or nothing. Nothing that tells of a child
stands in the clear: no unit, type, reference or time beyond the month. Records and wishes are sealed under the month
keys, which are not in this file. What is deleted is overwritten (`secure_delete`), in the journal too (`tidy`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from samband.schemas.codec import Reader, lp16
from samband.schemas.errors import FormatError, OperatorError, TrustError
from samband.schemas.stamp import StampRecord
from samband.streams.audit import AUDIT_CLASS, ERASURES, AuditKeys
from samband.streams.crypto.keys import Realm
from samband.streams.crypto.signature import entry_of
from samband.streams.database import transaction

__all__ = ["Alarm", "Erasure", "Leaf", "RecordStore", "Saying", "State"]

_VERSION: Final = 3
_PLACE: Final = "samband.records"
"""What a row is bound to, beside its entry: no row is an audit record of the topic."""
_ALARMS_KEPT: Final = 1000
"""Of each kind; all are counted."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE partitions (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE leaves (
    entry BLOB PRIMARY KEY,
    partition INTEGER NOT NULL,
    audit_seq INTEGER NOT NULL,
    "offset" INTEGER,
    month INTEGER,
    sealed BLOB,
    erasure BLOB,
    proof BLOB
);
CREATE INDEX leaves_place ON leaves (partition, audit_seq);
CREATE INDEX leaves_offset ON leaves ("offset");
CREATE INDEX leaves_month ON leaves (month, "offset");
CREATE INDEX leaves_erasure ON leaves (erasure) WHERE erasure IS NOT NULL;
CREATE TABLE erasures (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    wish BLOB NOT NULL,
    entry BLOB,
    entries BLOB,
    count INTEGER NOT NULL DEFAULT 0,
    code TEXT NOT NULL DEFAULT ''
);
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    partition INTEGER,
    audit_seq INTEGER,
    "offset" INTEGER,
    at INTEGER NOT NULL
);
"""
_SAYINGS: Final = """
CREATE TABLE IF NOT EXISTS sayings (id INTEGER PRIMARY KEY, state TEXT NOT NULL, record BLOB, entry BLOB UNIQUE);
"""


class State(StrEnum):
    """How far an erasure is."""

    ASKED = "asked"
    STAMPED = "stamped"
    """Its leaf is signed, and perhaps on the topic; what it names is kept here."""
    ERASED = "erased"
    """Its leaf was read back from the topic, and the rows went in that transaction."""
    DONE = "done"
    """The journal is emptied too, and a month's key destroyed."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A row of `leaves`."""

    entry: bytes
    partition: int
    audit_seq: int
    offset: int | None
    month: int | None
    sealed: bytes | None
    erasure: bytes | None
    proof: bytes | None = None
    """The gate's signature and path, as a stamp without salt and record; None where it was kept before there was one.
    """


@dataclass(frozen=True, slots=True)
class Erasure:
    """A row of `erasures`; the wish's bytes are opened."""

    id: int
    state: State
    wish: bytes
    entry: bytes | None
    entries: bytes
    count: int
    code: str


@dataclass(frozen=True, slots=True)
class Saying:
    """A row of `sayings`; the record's bytes are opened, and empty once it is a leaf."""

    id: int
    state: State
    record: bytes
    entry: bytes | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that must not happen: what, where, when (ms since 1970 UTC)."""

    kind: str
    code: str
    partition: int | None
    audit_seq: int | None
    offset: int | None
    at: int


class RecordStore:
    """The store. The keeper writes; the command line may open it at the same time."""

    def __init__(self, path: Path, keys: AuditKeys, realm: Realm) -> None:
        """Open or make the store.

        Raises:
            OperatorError: it cannot be opened, or is of another version.
        """
        self.keys = keys
        self.realm = realm
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            with self.transaction():
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        self._db.execute(statement)
                elif version == 1:
                    self._db.execute("ALTER TABLE leaves ADD COLUMN proof BLOB")
                if version in (0, 1, 2):
                    self._db.execute(_SAYINGS)
                    self._db.execute(f"PRAGMA user_version = {_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise OperatorError("RECORDS_OPEN", f"the records `{path}` cannot be opened: {error}") from error
        if version not in (0, 1, 2, _VERSION):
            raise OperatorError("RECORDS_VERSION", f"the records `{path}` are of version {version}, not {_VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Do everything inside or nothing.

        Raises:
            OperatorError: the disk is full or broken; nothing of it is kept.
        """
        return transaction(self._db, "RECORDS_WRITE", "the records")

    def tidy(self) -> bool:
        """Empty the journal into the file, for what is deleted lies there too; False while somebody reads."""
        busy: int = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    # positions

    @property
    def offset(self) -> int:
        """The next offset of the topic."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'offset'").fetchone()
        return int(row[0]) if row else 0

    def move(self, offset: int) -> None:
        """Keep the next offset."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('offset', ?)", (offset,))

    def partitions(self) -> dict[int, int]:
        """Return the next audit_seq of each partition that was heard of."""
        return dict(self._db.execute("SELECT partition, next FROM partitions ORDER BY partition").fetchall())

    def next_seq(self, partition: int) -> int:
        """Return a partition's next audit_seq; they begin with 1."""
        row = self._db.execute("SELECT next FROM partitions WHERE partition = ?", (partition,)).fetchone()
        return int(row[0]) if row else 1

    def count_on(self, partition: int, audit_seq: int) -> None:
        """Keep that a partition has come to `audit_seq`."""
        self._db.execute("INSERT OR REPLACE INTO partitions VALUES (?, ?)", (partition, audit_seq + 1))

    # leaves

    def put(self, leaf: Leaf, salt: bytes, record: bytes) -> None:
        """Keep a leaf with its salt and record, sealed under the key of its month."""
        plain = (salt + lp16(record)).ljust(AUDIT_CLASS, b"\0")
        assert leaf.month is not None
        sealed = self.keys.making(leaf.month).seal(_PLACE, leaf.entry, plain)[1]
        row = (leaf.entry, leaf.partition, leaf.audit_seq, leaf.offset, leaf.month, sealed, leaf.proof)
        self._db.execute("INSERT INTO leaves VALUES (?, ?, ?, ?, ?, ?, NULL, ?)", row)

    def find(self, entry: bytes) -> Leaf | None:
        """Return a leaf, or None where there is none."""
        return next(self._leaves("WHERE entry = ?", entry), None)

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf by partition and audit_seq."""
        yield from self._leaves("ORDER BY partition, audit_seq")

    def kept(self, first: int, last: int) -> Iterator[Leaf]:
        """Yield the leaves that have their record, of the months `first` to `last`, oldest first."""
        yield from self._leaves('WHERE sealed IS NOT NULL AND month BETWEEN ? AND ? ORDER BY "offset"', first, last)

    def kept_from(self, offset: int, limit: int) -> list[Leaf]:
        """Return the next leaves that have their record from an offset of the topic on, erasures' too."""
        return list(self._leaves('WHERE sealed IS NOT NULL AND "offset" >= ? ORDER BY "offset" LIMIT ?', offset, limit))

    def count(self) -> int:
        """Return how many leaves have their record."""
        # A record has a month for as long as it is kept, and months have an index: no record is read to be counted.
        return int(self._db.execute("SELECT count(*) FROM leaves WHERE month IS NOT NULL").fetchone()[0])

    def erased_by(self, erasure: bytes) -> list[bytes]:
        """Return the entries whose records an erasure took."""
        return [row[0] for row in self._db.execute("SELECT entry FROM leaves WHERE erasure = ?", (erasure,))]

    def kept_and_erasures(self, first: int, last: int) -> Iterator[Leaf]:
        """Yield the same and the records of erasures, oldest first."""
        months = "(month BETWEEN ? AND ? OR month = ?)"
        yield from self._leaves(f'WHERE sealed IS NOT NULL AND {months} ORDER BY "offset"', first, last, ERASURES)

    def _leaves(self, which: str, *values: Any) -> Iterator[Leaf]:
        columns = 'entry, partition, audit_seq, "offset", month, sealed, erasure, proof'
        for row in self._db.execute(f"SELECT {columns} FROM leaves {which}", values):
            yield Leaf(*row)

    def open(self, leaf: Leaf) -> StampRecord:
        """Return a leaf's record, proved to be the one that the log's entry names.

        Raises:
            FormatError: what is kept is no record.
            TrustError: altered, or another leaf's.
            OperatorError: it is erased (`RECORD_ERASED`), or the key of its month is missing or destroyed.
        """
        return StampRecord.decode(self.salted(leaf)[1])

    def salted(self, leaf: Leaf) -> tuple[bytes, bytes]:
        """Return a leaf's salt and the bytes of its record, proved to be those that the log's entry names.

        Raises:
            SambandError: as `open`.
        """
        if leaf.sealed is None or leaf.month is None:
            raise OperatorError("RECORD_ERASED", "the record is erased")
        store = self.keys.of(leaf.month)
        name, plain = store.open(_PLACE, store.key(leaf.entry), leaf.sealed)
        reader = Reader(plain)
        salt, record = reader.take(32), reader.lp16()
        if name != leaf.entry or entry_of(self.realm, salt, record) != leaf.entry:
            raise TrustError("RECORD_ENTRY", "the record is not the one that the log's entry names")
        return salt, record

    def erase(self, entries: Iterable[bytes], erasure: bytes) -> None:
        """Delete records; the entry stays, with the entry of its erasure beside it."""
        self._db.executemany(
            'UPDATE leaves SET sealed = NULL, month = NULL, "offset" = NULL, proof = NULL, erasure = ? WHERE entry = ?',
            [(erasure, entry) for entry in entries],
        )
        self._db.execute("DELETE FROM sayings WHERE entry IN (SELECT entry FROM leaves WHERE erasure = ?)", (erasure,))

    # sayings

    def say(self, record: bytes) -> int:
        """Keep what shall become a leaf, sealed, and return its number."""
        sealed = self.keys.making(ERASURES).seal(_PLACE, b"saying", record)[1]
        made = self._db.execute("INSERT INTO sayings (state, record) VALUES (?, ?)", (State.ASKED, sealed))
        assert made.lastrowid is not None
        return made.lastrowid

    def sayings(self, *states: State) -> list[Saying]:
        """Return the sayings in some states, or all, as they were said.

        Raises:
            TrustError: one is altered.
        """
        found = []
        marks = ", ".join("?" * len(states or State))
        for number, state, sealed, entry in self._db.execute(
            f"SELECT id, state, record, entry FROM sayings WHERE state IN ({marks}) ORDER BY id",
            states or tuple(State),
        ):
            record = b""
            if sealed is not None:
                store = self.keys.making(ERASURES)
                name, record = store.open(_PLACE, store.key(b"saying"), sealed)
                if name != b"saying":
                    raise FormatError("FORMAT_RECORD", "what is kept is no saying")
            found.append(Saying(number, State(state), record, entry))
        return found

    def stamp_saying(self, number: int, entry: bytes) -> None:
        """Keep the entry that a saying is sent under."""
        self._db.execute("UPDATE sayings SET state = ?, entry = ? WHERE id = ?", (State.STAMPED, entry, number))

    def refuse_saying(self, number: int) -> None:
        """Let go of one that cannot be said."""
        self._db.execute("UPDATE sayings SET state = ?, record = NULL WHERE id = ?", (State.REFUSED, number))

    def said(self, entry: bytes) -> None:
        """Keep that a saying is a leaf; one of a store before this one is new here."""
        self._db.execute(
            "INSERT INTO sayings (state, entry) VALUES (?, ?)"
            " ON CONFLICT (entry) DO UPDATE SET state = excluded.state, record = NULL",
            (State.DONE, entry),
        )

    # erasures

    def ask(self, wish: bytes) -> int:
        """Keep a wish to erase, sealed, and return its number."""
        sealed = self.keys.making(ERASURES).seal(_PLACE, b"wish", wish)[1]
        made = self._db.execute("INSERT INTO erasures (state, wish) VALUES (?, ?)", (State.ASKED, sealed))
        assert made.lastrowid is not None
        return made.lastrowid

    def erasures(self, *states: State) -> list[Erasure]:
        """Return the erasures in some states, or all, as they were asked for.

        Raises:
            TrustError: a wish is altered.
        """
        found = []
        store = self.keys.making(ERASURES)
        columns = "id, state, wish, entry, entries, count, code"
        marks = ", ".join("?" * len(states or State))
        for number, state, sealed, entry, entries, count, code in self._db.execute(
            f"SELECT {columns} FROM erasures WHERE state IN ({marks}) ORDER BY id", states or tuple(State)
        ):
            name, wish = store.open(_PLACE, store.key(b"wish"), sealed)
            if name != b"wish":
                raise FormatError("FORMAT_RECORD", "what is kept is no wish to erase")
            found.append(Erasure(number, State(state), wish, entry, entries or b"", count, code))
        return found

    def set_erasure(self, number: int, state: State, **fields: Any) -> None:
        """Move an erasure on, with columns of `erasures` by name."""
        names = "".join(f", {name} = ?" for name in fields)
        self._db.execute(f"UPDATE erasures SET state = ?{names} WHERE id = ?", (state, *fields.values(), number))

    # alarms

    def alarm(self, alarm: Alarm) -> None:
        """Count an alarm, and keep it if it is among the first of its kind."""
        key = f"count/{alarm.kind}"
        self._db.execute("INSERT INTO meta VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET value = value + 1", (key,))
        if self.counts()[alarm.kind] <= _ALARMS_KEPT:
            row = (alarm.kind, alarm.code, alarm.partition, alarm.audit_seq, alarm.offset, alarm.at)
            self._db.execute("INSERT INTO alarms VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)

    def counts(self) -> dict[str, int]:
        """Return how many alarms of each kind there were."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE key LIKE 'count/%' ORDER BY key").fetchall()
        return {key.removeprefix("count/"): value for key, value in rows}

    def alarms(self) -> list[Alarm]:
        """Return the alarms that are kept, oldest first."""
        columns = 'kind, code, partition, audit_seq, "offset", at'
        return [Alarm(*row) for row in self._db.execute(f"SELECT {columns} FROM alarms ORDER BY id")]
