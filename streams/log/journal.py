"""What the sequencer must not lose or do twice: SQLite, `HOME/hub/sequencer/journal.db`.

    meta        the last signed checkpoint, next offsets, the checkpoint that was put to the witnesses
    leaves      every entry with its index
    partitions  next audit_seq of each gate partition
    said        cosignatures on the checkpoint that was put to the witnesses
    alarms      what was refused, gaps, repeats: code and place, the earliest of each kind

A checkpoint is here before anybody sees it, in one transaction with its leaves and the next offset: what is signed for
a size is signed once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

from samband.schemas.errors import OperatorError
from samband.streams.database import transaction

__all__ = ["Alarm", "Journal"]

_VERSION: Final = 1
_ALARMS_KEPT: Final = 1000
_AT_ONCE: Final = 500
"""Entries of one question: one each was a fifth of what a leaf cost."""
_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE leaves (entry BLOB PRIMARY KEY, "index" INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE partitions (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE said (name TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, code TEXT NOT NULL, partition INTEGER, audit_seq INTEGER,
    "offset" INTEGER, at INTEGER NOT NULL
);
"""


class Alarm(NamedTuple):
    """Something that must not happen: what, where on the topic, when (ms since 1970 UTC)."""

    kind: str
    code: str
    partition: int | None
    audit_seq: int | None
    offset: int | None
    at: int


class Journal:
    """The journal. The sequencer writes; the command line may open it at the same time."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises:
            OperatorError: it cannot be opened, or is of another version.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            with self.transaction():
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise OperatorError("LOG_OPEN", f"the log's journal `{path}` cannot be opened: {error}") from error
        if version not in (0, _VERSION):
            raise OperatorError("LOG_VERSION", f"the log's journal `{path}` is of version {version}, not {_VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Do everything inside or nothing.

        Raises:
            OperatorError: the disk is full or broken; nothing of it is kept.
        """
        return transaction(self._db, "LOG_WRITE", "the log's journal")

    def get(self, key: str) -> bytes | None:
        """Return a value of `meta`."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes | None) -> None:
        """Keep a value of `meta`, or remove it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def number(self, key: str) -> int:
        """Return a number of `meta`; 0 where there is none."""
        return int((self.get(key) or b"0").decode())

    def put_number(self, key: str, value: int) -> None:
        """Keep a number of `meta`."""
        self.put(key, str(value).encode())

    def numbers(self, prefix: str) -> dict[str, int]:
        """Return the numbers of `meta` whose names begin so."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", (len(prefix), prefix))
        return {key: int(value) for key, value in rows.fetchall()}

    def index(self, entry: bytes) -> int | None:
        """Return the index of an entry, or None where it is no leaf."""
        row = self._db.execute('SELECT "index" FROM leaves WHERE entry = ?', (entry,)).fetchone()
        return None if row is None else int(row[0])

    def known(self, entries: Sequence[bytes]) -> set[bytes]:
        """Return those of the entries that are leaves."""
        found: set[bytes] = set()
        for at in range(0, len(entries), _AT_ONCE):
            some = entries[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update(
                bytes(row[0])
                for row in self._db.execute(f"SELECT entry FROM leaves WHERE entry IN ({marks})", some)  # noqa: S608
            )
        return found

    def add(self, first: int, entries: Iterable[bytes]) -> None:
        """Keep entries under the indexes from `first` on."""
        self._db.executemany("INSERT INTO leaves VALUES (?, ?)", [(each, first + n) for n, each in enumerate(entries)])

    def forget(self) -> None:
        """Remove what can be worked out anew from the log's folder and the topic."""
        for table in ("leaves", "partitions", "said", "meta"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  constants

    def partitions(self) -> dict[int, int]:
        """Return the next audit_seq of each partition that was heard of."""
        return dict(self._db.execute("SELECT partition, next FROM partitions").fetchall())

    def count_on(self, following: Mapping[int, int]) -> None:
        """Keep the next audit_seq of some partitions."""
        self._db.executemany("INSERT OR REPLACE INTO partitions VALUES (?, ?)", list(following.items()))

    def said(self) -> dict[str, str]:
        """Return the cosignature lines by witness."""
        return dict(self._db.execute("SELECT name, line FROM said ORDER BY name").fetchall())

    def say(self, name: str, line: str) -> None:
        """Keep a witness's line."""
        self._db.execute("INSERT OR REPLACE INTO said VALUES (?, ?)", (name, line))

    def unsay(self) -> None:
        """Forget the lines: another checkpoint is put to the witnesses."""
        self._db.execute("DELETE FROM said")

    def alarm(self, alarm: Alarm) -> None:
        """Count an alarm, and keep it if it is among the first of its kind."""
        key = f"count/{alarm.kind}"
        count = self.number(key) + 1
        self.put_number(key, count)
        if count <= _ALARMS_KEPT:
            self._db.execute("INSERT INTO alarms VALUES (NULL, ?, ?, ?, ?, ?, ?)", tuple(alarm))

    def counts(self) -> dict[str, int]:
        """Return how many alarms of each kind there were."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE key LIKE 'count/%' ORDER BY key").fetchall()
        return {key.removeprefix("count/"): int(value) for key, value in rows}

    def alarms(self) -> Iterator[Alarm]:
        """Yield the alarms that are kept, oldest first."""
        columns = 'kind, code, partition, audit_seq, "offset", at'
        for row in self._db.execute(f"SELECT {columns} FROM alarms ORDER BY id"):  # noqa: S608  a constant
            yield Alarm(*row)
