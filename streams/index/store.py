"""The index's one way to be written: rows in, repeats left out, totals kept beside them in the same transaction.

    store = IndexStore(engine)
    store.take(rows, unread, after, generation)       at least once: a repeat changes nothing
    store.let_go(erasure, entries)                    rows and totals go; the same rows never come back
    store.clear(streaming=True)                       everything, so that the stream reads the topics anew

Who feeds it. The derived streams do, from the audit topic; `first` is the offset from which they stand for it. What
lies before, because the topic keeps 30 days, is taken from the hub's records (`gap` to `first`). Where no stream ever
came, as on a copy of a hub without Kafka, the records are all there is (`first` is unset).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from samband.schemas.errors import OperatorError
from samband.streams.index.engine import Engine, Write
from samband.streams.index.rows import Row

__all__ = ["IndexStore", "Sum"]

_TABLES: Final = ("places", "grounds", "leans", "sums", "unread", "erasures", "gone")
_COLUMNS: Final = 13
_AT_ONCE: Final = 500
_AWAITED: Final = -1
"""`first` while a stream is to say it."""


class Sum(NamedTuple):
    """How many of a kind and outcome on a day; `day` is days since 1970 in Stockholm."""

    day: int
    kind: str
    outcome: str
    number: int


class IndexStore:
    """The index on a database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    # what it knows of itself

    @property
    def position(self) -> int:
        """The next offset of the audit topic."""
        return self._number("position") or 0

    @property
    def generation(self) -> int:
        """How often it was forgotten."""
        return self._number("generation") or 0

    @property
    def unreadable(self) -> int:
        """How many records did not open."""
        return int(self.engine.rows("SELECT count(*) FROM unread")[0][0])

    @property
    def gap(self) -> tuple[int, int | None] | None:
        """Offsets (from, before) that only the hub's records can give; before is None where no stream feeds it."""
        first = self._number("first")
        if first is None:
            return self.position, None
        begin = self._number("gap")
        return None if first == _AWAITED or begin is None or begin >= first else (begin, first)

    def __len__(self) -> int:
        """Return how many records can be found."""
        return int(self.engine.rows("SELECT coalesce(sum(number), 0) FROM sums")[0][0])

    def sums(self, first_day: int = 0) -> list[Sum]:
        """Return how many records there are, by day, kind and outcome, oldest first."""
        query = "SELECT day, kind, outcome, number FROM sums WHERE day >= ? AND number > 0 ORDER BY day, kind, outcome"
        return [Sum(*row) for row in self.engine.rows(query, (first_day,))]

    def erasures(self) -> set[bytes]:
        """Return the entries of the erasures that were carried out here."""
        return {bytes(row[0]) for row in self.engine.rows("SELECT entry FROM erasures")}

    def _number(self, key: str, read: Engine | Write | None = None) -> int | None:
        rows = (read or self.engine).rows("SELECT value FROM meta WHERE key = ?", (key,))
        return int(rows[0][0]) if rows else None

    # writing

    def take(self, rows: Sequence[Row], unread: Iterable[int], after: int, generation: int) -> None:
        """Keep rows and go on at offset `after`; what is known, or was erased, stays as it is.

        Args:
            rows: of records, in any order.
            unread: offsets of records that did not open.
            after: the next offset; an earlier one than now moves nothing.
            generation: as it was when the rows began to be read.

        Raises:
            OperatorError: the index was forgotten meanwhile (`INDEX_CLEARED`), or cannot be written.
        """
        with self.engine.writing() as write:
            self._check(write, generation)
            self._insert(write, rows)
            write.many("INSERT INTO unread VALUES (?) ON CONFLICT DO NOTHING", [(each,) for each in unread])
            if after > (self._number("position", write) or 0):
                _keep(write, "position", after)

    def fill(self, rows: Sequence[Row], unread: Iterable[int], after: int, generation: int) -> None:
        """Keep rows of before the stream, up to `after`.

        Raises:
            OperatorError: as `take`.
        """
        with self.engine.writing() as write:
            self._check(write, generation)
            self._insert(write, rows)
            write.many("INSERT INTO unread VALUES (?) ON CONFLICT DO NOTHING", [(each,) for each in unread])
            _keep(write, "gap", after)

    def begin(self, first: int) -> int:
        """Let a stream stand for the offsets from now on; `first` is the topic's. Return the next offset to read."""
        with self.engine.writing() as write:
            position, gap = (self._number(key, write) or 0 for key in ("position", "gap"))
            known = self._number("first", write)
            if known in (None, _AWAITED) or gap >= known:  # nothing is left to fill
                gap = position
            elif position >= first:
                return position
            _keep(write, "gap", gap)
            _keep(write, "first", max(first, position))
            _keep(write, "position", max(first, position))
            return max(first, position)

    def clear(self, *, streaming: bool) -> None:
        """Forget everything; with `streaming` nobody but the stream fills it until that has begun anew."""
        with self.engine.writing() as write:
            generation = (self._number("generation", write) or 0) + 1
            for table in (*_TABLES, "meta"):
                write.run(f"DELETE FROM {table}")
            _keep(write, "generation", generation)
            if streaming:
                _keep(write, "first", _AWAITED)
        self.engine.tidy()

    def let_go(self, erasure: bytes, entries: Iterable[bytes]) -> None:
        """Let go of what an erasure took, now and whenever it should come again."""
        entries = list(entries)
        with self.engine.writing() as write:
            for start in range(0, len(entries), _AT_ONCE):
                some = entries[start : start + _AT_ONCE]
                write.many("INSERT INTO gone VALUES (?) ON CONFLICT DO NOTHING", [(each,) for each in some])
                marks = _marks(some)
                found = write.rows(f"SELECT place, day, kind, outcome FROM places WHERE entry IN ({marks})", some)
                places = [row[0] for row in found]
                for table in ("grounds", "leans", "places") if places else ():
                    write.run(f"DELETE FROM {table} WHERE place IN ({_marks(places)})", places)
                _count(write, [row[1:] for row in found], -1)
            write.run("INSERT INTO erasures VALUES (?) ON CONFLICT DO NOTHING", (erasure,))
        self.engine.tidy()

    def _check(self, write: Write, generation: int) -> None:
        if (self._number("generation", write) or 0) != generation:
            raise OperatorError("INDEX_CLEARED", "the console's index was forgotten; it is read anew", retriable=True)

    def _insert(self, write: Write, rows: Sequence[Row]) -> None:
        fresh = {row.entry: row for row in reversed(rows)}  # of a repeat, the earliest
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            entries, places = [row.entry for row in some], [row.place for row in some]
            for table in ("places", "gone"):
                for (entry,) in write.rows(f"SELECT entry FROM {table} WHERE entry IN ({_marks(entries)})", entries):
                    fresh.pop(bytes(entry), None)
            taken = {
                place for (place,) in write.rows(f"SELECT place FROM places WHERE place IN ({_marks(places)})", places)
            }
            for row in some:
                if row.place in taken:
                    fresh.pop(row.entry, None)
        new = list(fresh.values())
        if not new:
            return
        write.many(f"INSERT INTO places VALUES ({', '.join('?' * _COLUMNS)})", [row[:_COLUMNS] for row in new])
        write.many("INSERT INTO grounds VALUES (?, ?)", [(each, row.place) for row in new for each in row.grounds])
        write.many("INSERT INTO leans VALUES (?, ?)", [(each, row.place) for row in new for each in row.leans])
        _count(write, [(row.day, row.kind, row.outcome) for row in new], 1)


def _count(write: Write, kinds: Iterable[Sequence[Any]], by: int) -> None:
    counted = Counter(tuple(each) for each in kinds)
    write.many(
        "INSERT INTO sums VALUES (?, ?, ?, ?) "
        "ON CONFLICT (day, kind, outcome) DO UPDATE SET number = sums.number + excluded.number",
        [(*kind, by * number) for kind, number in sorted(counted.items())],
    )


def _keep(write: Write, key: str, value: int) -> None:
    statement = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    write.run(statement, (key, value))


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
