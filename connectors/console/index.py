"""What the hub's records are found by: SQLite, `HOME/hub/run/console/index.db`, made from the records at any time.

    index = Index(path, keys);  index.follow(store)         take what is new, and let go of what was erased
    index.find(Wanted(unit="SE2120002080-IFO"), None, 50)   places, newest first, and where the next page begins
    index.sums()                                            how many of what on which day

A row holds when, kind and outcome; unit, type, ground, message and child are tokens: HMAC under the key of the record's
own month. Whoever has the file alone learns how many and when; where a month's key is destroyed, its tokens lead to
nothing. The words themselves are read from the records, which are opened one by one and proved. It is never backed up:
`rebuild` makes it anew, with the same totals.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from samband.schemas.errors import OperatorError, SambandError
from samband.streams.audit import STOCKHOLM
from samband.streams.database import transaction
from samband.streams.records.store import State

if TYPE_CHECKING:
    from samband.schemas.stamp import StampRecord
    from samband.streams.audit import AuditKeys
    from samband.streams.records.store import Leaf, RecordStore

__all__ = ["Cursor", "Index", "Place", "Sum", "Wanted", "day_of"]

_VERSION: Final = 1
_AT_ONCE: Final = 500
_HOUR_MS: Final = 3_600_000
_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE erasures (entry BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE places (
    "offset" INTEGER PRIMARY KEY,
    entry BLOB NOT NULL,
    month INTEGER NOT NULL,
    at INTEGER NOT NULL,
    day INTEGER NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    sender INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    type INTEGER NOT NULL,
    message INTEGER NOT NULL,
    subject INTEGER,
    child INTEGER NOT NULL
);
CREATE UNIQUE INDEX places_entry ON places (entry);
CREATE INDEX places_month ON places (month, "offset");
CREATE INDEX places_kind ON places (kind, month, "offset");
CREATE INDEX places_child ON places (child, "offset");
CREATE INDEX places_sender ON places (sender, "offset");
CREATE INDEX places_recipient ON places (recipient, "offset");
CREATE INDEX places_type ON places (type, "offset");
CREATE INDEX places_message ON places (message);
CREATE INDEX places_subject ON places (subject) WHERE subject IS NOT NULL;
CREATE TABLE grounds (token INTEGER NOT NULL, "offset" INTEGER NOT NULL, PRIMARY KEY (token, "offset")) WITHOUT ROWID;
CREATE TABLE leans (token INTEGER NOT NULL, "offset" INTEGER NOT NULL, PRIMARY KEY (token, "offset")) WITHOUT ROWID;
CREATE TABLE sums (day INTEGER NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (day, kind, outcome)) WITHOUT ROWID;
CREATE TRIGGER came AFTER INSERT ON places BEGIN
    INSERT INTO sums VALUES (new.day, new.kind, new.outcome, 1)
        ON CONFLICT (day, kind, outcome) DO UPDATE SET number = number + 1
!END;
CREATE TRIGGER went AFTER DELETE ON places BEGIN
    UPDATE sums SET number = number - 1 WHERE day = old.day AND kind = old.kind AND outcome = old.outcome
!END;
"""


class Place(NamedTuple):
    """Where a record is found: its log entry, and when it was decided (ms since 1970 UTC)."""

    entry: bytes
    at: int


class Cursor(NamedTuple):
    """Where a page ends: the month and the place in it that were shown last."""

    month: int
    offset: int


class Sum(NamedTuple):
    """How many of a kind and outcome on a day; `day` is days since 1970 in Stockholm."""

    day: int
    kind: str
    outcome: str
    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What records are looked for; whatever is set must fit. Times are milliseconds since 1970 UTC."""

    kinds: tuple[str, ...] = ()
    outcome: str = ""
    unit: str = ""
    other: str = ""
    """The unit at the other end."""
    type: str = ""
    ground: str = ""
    message: bytes = b""
    """Its id, or the id of what it is about."""
    leans_on: bytes = b""
    """The log entry of a consent."""
    child_of: bytes = b""
    """A child's reference, as a record gives it."""
    since: int = 0
    before: int = 1 << 62

    @property
    def by_token(self) -> bool:
        """Say whether something is named that an index of its own finds, in one month only."""
        return bool(self.unit or self.other or self.message or self.type or self.child_of or self.leans_on)


class Index:
    """The index. One thread follows the records; any may ask."""

    def __init__(self, path: Path, keys: AuditKeys) -> None:
        """Open or make the index; one of another version is made anew.

        Raises:
            OperatorError: the folder cannot be written.
        """
        self._path = path
        self._keys = keys
        self._here = threading.local()
        self._token = lru_cache(8192)(self._make_token)
        self._writing = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.exists() and self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._forget()
            path.touch(mode=0o600)
            if self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._make()
        except (OSError, sqlite3.Error) as error:
            raise OperatorError("INDEX_OPEN", f"the console's index `{path}` cannot be opened: {error}") from error

    def _make(self) -> None:
        with self._transaction():
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    self._db.execute(statement.replace("\n!END", ";\nEND"))
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def _forget(self) -> None:
        self.close()
        for each in self._path.parent.glob(f"{self._path.name}*"):
            each.unlink()

    @property
    def _db(self) -> sqlite3.Connection:
        """This thread's own connection."""
        db: sqlite3.Connection | None = getattr(self._here, "db", None)
        if db is None:
            db = self._here.db = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
        return db

    def _transaction(self) -> Any:
        return transaction(self._db, "INDEX_WRITE", "the console's index")

    def close(self) -> None:
        """Close this thread's connection."""
        if getattr(self._here, "db", None) is not None:
            self._here.db.close()
            self._here.db = None

    # making

    def rebuild(self, store: RecordStore) -> None:
        """Make the index anew from the records.

        Raises:
            OperatorError: it cannot be written.
        """
        with self._writing, self._transaction():
            for table in ("places", "grounds", "leans", "sums", "erasures", "meta"):
                self._db.execute(f"DELETE FROM {table}")
        self.follow(store)

    def follow(self, store: RecordStore) -> int:
        """Take the records that are new and let go of those that were erased; return how many came.

        A record that does not open is passed over and counted: `samband audit check` names it.

        Raises:
            OperatorError: it cannot be written.
        """
        count = 0
        with self._writing:
            self._let_go(store)
            while leaves := store.kept_from(self.position, _AT_ONCE):
                with self._transaction():
                    for leaf in leaves:
                        self._take(store, leaf)
                    assert leaves[-1].offset is not None
                    self._keep("offset", leaves[-1].offset + 1)
                count += len(leaves)
        return count

    @property
    def position(self) -> int:
        """The next offset of the records."""
        return self._number("offset")

    @property
    def unreadable(self) -> int:
        """How many records did not open."""
        return self._number("unreadable")

    def __len__(self) -> int:
        """Return how many records can be found."""
        return int(self._db.execute("SELECT coalesce(sum(number), 0) FROM sums").fetchone()[0])

    def _number(self, key: str) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def _keep(self, key: str, value: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _take(self, store: RecordStore, leaf: Leaf) -> None:
        try:
            record = store.open(leaf)
        except SambandError:
            self._keep("unreadable", self.unreadable + 1)
            return
        month = leaf.month or 0
        token = self._token
        row = (
            leaf.offset, leaf.entry, month, record.decided_at, day_of(record.decided_at), _kind(record), record.outcome,
            token(month, "unit", record.sender.encode()), token(month, "unit", record.recipient.encode()),
            token(month, "type", record.type.encode()), token(month, "message", record.message_id),
            None if record.subject is None else token(month, "message", record.subject),
            token(month, "child", record.ref),
        )  # fmt: skip
        made = self._db.execute(f"INSERT OR IGNORE INTO places VALUES ({', '.join('?' * len(row))})", row)
        if not made.rowcount:
            return
        for table, tokens in (
            ("grounds", [token(month, "ground", each.encode()) for each in (*record.grounds, *record.reasons)]),
            ("leans", [token(month, "consent", each) for each in record.consents]),
        ):
            for each in set(tokens):
                self._db.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", (each, leaf.offset))

    def _let_go(self, store: RecordStore) -> None:
        known = {row[0] for row in self._db.execute("SELECT entry FROM erasures")}
        done = [each.entry for each in store.erasures(State.ERASED, State.DONE) if each.entry]
        for erasure in done:
            if erasure in known:
                continue
            with self._transaction():
                for entry in store.erased_by(erasure):
                    row = self._db.execute('SELECT "offset" FROM places WHERE entry = ?', (entry,)).fetchone()
                    if row:
                        for table in ("grounds", "leans", "places"):
                            self._db.execute(f'DELETE FROM {table} WHERE "offset" = ?', row)
                self._db.execute("INSERT INTO erasures VALUES (?)", (erasure,))
            self._token.cache_clear()

    def _make_token(self, month: int, what: str, value: bytes) -> int:
        name = b"console/" + what.encode() + b"/" + value
        return int.from_bytes(self._keys.of(month).key(name)[:8], "big", signed=True)

    # asking

    def months(self) -> list[int]:
        """Return the months that there are records of and keys for, newest first."""
        found = [row[0] for row in self._db.execute(_MONTHS)]
        return [month for month in found if self._keys.has(month)]

    def find(self, wanted: Wanted, after: Cursor | None, limit: int) -> tuple[list[Place], Cursor | None]:
        """Return at most `limit` places, newest first, and the cursor of the next page, None on the last."""
        found: list[Place] = []
        last: Cursor | None = None
        for month in self.months():
            if after is not None and month > after.month:
                continue
            below = after.offset if after is not None and month == after.month else 1 << 62
            for offset, entry, at in self._in_month(month, wanted, below, limit + 1 - len(found)):
                if len(found) == limit:
                    return found, last
                found.append(Place(entry, at))
                last = Cursor(month, offset)
            if len(found) > limit:
                break
        return found, None

    def _in_month(self, month: int, wanted: Wanted, below: int, limit: int) -> list[tuple[int, bytes, int]]:
        """Return (offset, entry, at) of a month's places, newest first.

        What may stand in either of two columns is asked for in each by its own index, and the two are laid together.
        """
        terms = [("+month = ?" if wanted.by_token else "month = ?", month), ('places."offset" < ?', below)]
        terms += self._terms(month, wanted)
        queries, values = [], []
        for either in self._either(month, wanted) or [[]]:
            where = [*either, *terms]
            queries.append(
                f'SELECT * FROM (SELECT places."offset" AS place, entry, at FROM places '
                f"WHERE {' AND '.join(term for term, *_ in where)} ORDER BY place DESC LIMIT {int(limit)})"
            )
            values += [value for _, *given in where for value in given]
        query = f"{' UNION '.join(queries)} ORDER BY place DESC LIMIT {int(limit)}"
        return self._db.execute(query, values).fetchall()

    def _either(self, month: int, wanted: Wanted) -> list[list[tuple[Any, ...]]]:
        """Return alternatives, each of them terms that must all fit; none where there is nothing to choose."""

        def unit(name: str) -> int:
            return self._token(month, "unit", name.encode())

        if wanted.message:
            message = self._token(month, "message", wanted.message)
            return [[("message = ?", message)], [("subject = ?", message)]]
        if wanted.unit and wanted.other:
            ends = unit(wanted.unit), unit(wanted.other)
            return [[("sender = ? AND recipient = ?", *ends)], [("sender = ? AND recipient = ?", *ends[::-1])]]
        if wanted.unit or wanted.other:
            one = unit(wanted.unit or wanted.other)
            return [[("sender = ?", one)], [("recipient = ?", one)]]
        return []

    def _terms(self, month: int, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
        """Yield terms that must all fit; a plus keeps an index from being used that finds too much."""

        def token(what: str, value: bytes | str) -> int:
            return self._token(month, what, value.encode() if isinstance(value, str) else value)

        if wanted.kinds:
            marks = ", ".join("?" * len(wanted.kinds))
            yield f"{'' if len(wanted.kinds) == 1 and not wanted.by_token else '+'}kind IN ({marks})", *wanted.kinds
        if wanted.outcome:
            yield "outcome = ?", wanted.outcome
        if wanted.message and (wanted.unit or wanted.other):
            unit = token("unit", wanted.unit or wanted.other)
            yield "(+sender = ? OR +recipient = ?)", unit, unit
        if wanted.type:
            yield "type = ?", token("type", wanted.type)
        if wanted.child_of:
            yield "child = ?", token("child", wanted.child_of)
        if wanted.ground:
            yield 'places."offset" IN (SELECT "offset" FROM grounds WHERE token = ?)', token("ground", wanted.ground)
        if wanted.leans_on:
            yield 'places."offset" IN (SELECT "offset" FROM leans WHERE token = ?)', token("consent", wanted.leans_on)
        if wanted.since:
            yield "at >= ?", wanted.since
        if wanted.before < 1 << 62:
            yield "at < ?", wanted.before

    def every(self, wanted: Wanted, most: int) -> list[Place]:
        """Return at most `most` places, oldest first."""
        found, _ = self.find(wanted, None, most)
        return found[::-1]

    def sums(self, first_day: int = 0) -> list[Sum]:
        """Return how many records there are, by day, kind and outcome, oldest first."""
        query = "SELECT day, kind, outcome, number FROM sums WHERE day >= ? AND number > 0 ORDER BY day, kind, outcome"
        return [Sum(*row) for row in self._db.execute(query, (first_day,))]


_MONTHS: Final = """
WITH RECURSIVE found(month) AS (
    SELECT max(month) FROM places
    UNION ALL SELECT (SELECT max(month) FROM places WHERE month < found.month) FROM found WHERE month IS NOT NULL
) SELECT month FROM found WHERE month IS NOT NULL
"""
"""Each month once, by hops in the index."""


def _kind(record: StampRecord) -> str:
    return "question" if record.ask and record.kind == "decision" else record.kind


@lru_cache(4096)
def _shift(hour: int) -> int:
    """Return Stockholm's distance from UTC in milliseconds, in an hour since 1970."""
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(STOCKHOLM).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() * 1000)


def day_of(ms: int) -> int:
    """Return the day in Stockholm of a time in milliseconds since 1970 UTC, in days since 1970."""
    return (ms + _shift(ms // _HOUR_MS)) // 86_400_000
