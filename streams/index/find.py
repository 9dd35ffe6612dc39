"""Asks the index: pages of places, newest first, whatever is looked for.

    finder = Finder(engine, tokens)
    places, after = finder.find(Wanted(unit="SE2120002080-IFO"), None, 50)

A page begins after the last place of the one before (keyset), so page 1 000 costs what page 1 does. What few records
have (a message, a consent, a child) is asked for in all months at once, for a token is of one month only; everything
else month by month, newest first, until a page is full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from samband.streams.audit import ERASURES, month_of
from samband.streams.index.engine import Engine
from samband.streams.index.rows import Tokens

__all__ = ["Cursor", "Finder", "Place", "Wanted"]

_EVER: Final = 1 << 62
Term = tuple[Any, ...]
"""A condition and the values of its marks."""


class Place(NamedTuple):
    """Where a record is found: its log entry, and when it was decided (ms since 1970 UTC)."""

    entry: bytes
    at: int


class Cursor(NamedTuple):
    """Where a page ends: the month and the place in it that were shown last."""

    month: int
    offset: int


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
    before: int = _EVER

    @property
    def is_rare(self) -> bool:
        """Say whether something is named that few records have."""
        return bool(self.message or self.child_of or self.leans_on)

    @property
    def by_token(self) -> bool:
        """Say whether something is named that an index of its own finds."""
        return bool(self.is_rare or self.unit or self.other or self.type)


class Finder:
    """Questions to the index."""

    def __init__(self, engine: Engine, tokens: Tokens) -> None:
        self._engine = engine
        self._tokens = tokens

    def months(self) -> list[int]:
        """Return the months that there are records of and keys for, newest first."""
        return [row[0] for row in self._engine.rows(_MONTHS) if self._tokens.keys.has(row[0])]

    def find(self, wanted: Wanted, after: Cursor | None, limit: int) -> tuple[list[Place], Cursor | None]:
        """Return at most `limit` places, newest first, and the cursor of the next page, None on the last."""
        months = [month for month in self.months() if _may_hold(month, wanted)]
        if after is not None:
            months = [month for month in months if month <= after.month]
        found: list[tuple[int, int, bytes, int]] = []
        for some in [months] if wanted.is_rare else [[month] for month in months]:
            if some and len(found) <= limit:
                found += self._in_months(some, wanted, after, limit + 1 - len(found))
        page = found[:limit]
        places = [Place(bytes(entry), at) for _, _, entry, at in page]
        return places, Cursor(page[-1][0], page[-1][1]) if page and len(found) > limit else None

    def every(self, wanted: Wanted, most: int) -> list[Place]:
        """Return at most `most` places, oldest first."""
        found, _ = self.find(wanted, None, most)
        return found[::-1]

    def _in_months(self, months: list[int], wanted: Wanted, after: Cursor | None, limit: int) -> list[Any]:
        """Return (month, place, entry, at) of places, newest first.

        What may stand in either of two columns is asked for in each by its own index, and the two are laid together.
        """
        table, lead = _source(wanted)
        terms = list(self._terms(months, wanted, after))
        queries, values = [], []
        for number, either in enumerate(self._either(months, wanted) or [[]]):
            where = [*either, *terms]
            queries.append(
                f"SELECT * FROM (SELECT places.month, places.place, entry, at FROM {table} "
                f"WHERE {' AND '.join(term for term, *_ in where)} "
                f"ORDER BY {_order(wanted, lead)} LIMIT {int(limit)}) AS part{number}"
            )
            values += [value for _, *given in where for value in given]
        if len(queries) == 1:
            return self._engine.rows(queries[0], values)
        return self._engine.rows(f"{' UNION '.join(queries)} ORDER BY 1 DESC, 2 DESC LIMIT {int(limit)}", values)

    def _either(self, months: list[int], wanted: Wanted) -> list[list[Term]]:
        """Return alternatives, each of them terms that must all fit; none where there is nothing to choose."""
        if wanted.message:
            messages = self._tokens.over(months, "message", wanted.message)
            return [[_among("message", messages)], [_among("subject", messages)]]
        return self._ends(months, wanted, sorting=wanted.is_rare)

    def _ends(self, months: list[int], wanted: Wanted, *, sorting: bool) -> list[list[Term]]:
        """Return what fits the units either way round; where they only sort out what is found, no index is used."""
        one, other = (self._units(months, name) for name in (wanted.unit, wanted.other))
        near = ("sender + 0", "recipient + 0") if sorting else ("sender", "recipient")
        far = ("recipient + 0", "sender + 0")
        if one and other:
            return [[_among(near[n], one), _among(far[n], other)] for n in (0, 1)]
        return [[_among(near[n], one or other)] for n in (0, 1)] if one or other else []

    def _units(self, months: list[int], name: str) -> list[int]:
        return self._tokens.over(months, "unit", name.encode()) if name else []

    def _terms(self, months: list[int], wanted: Wanted, after: Cursor | None) -> Iterator[Term]:
        """Yield terms that must all fit; `+ 0` and `|| ''` keep an index from being used that finds too much."""
        tokens, table = self._tokens, _source(wanted)[1]
        if wanted.leans_on:
            yield _among("leans.token", tokens.over(months, "consent", wanted.leans_on))
        if wanted.ground:
            among = _among("grounds.token", tokens.over(months, "ground", wanted.ground.encode()))
            if table == "grounds":
                yield among
            else:
                yield f"EXISTS (SELECT 1 FROM grounds WHERE {among[0]} AND grounds.place = places.place)", *among[1:]
        if table != "places":
            yield (f"places.place = {table}.place",)
        yield from self._where(months, wanted, after, table)
        if wanted.message and (ends := self._ends(months, wanted, sorting=True)):
            parts = [" AND ".join(term for term, *_ in end) for end in ends]
            yield f"({' OR '.join(parts)})", *(value for end in ends for _, *given in end for value in given)
        if wanted.child_of:
            column = "child" if table == "places" and not wanted.message else "child + 0"
            yield _among(column, tokens.over(months, "child", wanted.child_of))
        if wanted.type:
            column = "type + 0" if wanted.is_rare or wanted.unit or wanted.other else "type"
            yield _among(column, tokens.over(months, "type", wanted.type.encode()))

    def _where(self, months: list[int], wanted: Wanted, after: Cursor | None, table: str) -> Iterator[Term]:
        """Yield what bounds months, places, kinds and times."""
        if wanted.is_rare:
            yield _among("month + 0", months)
            if after is not None:
                yield (
                    "(month + 0 < ? OR month + 0 = ? AND places.place + 0 < ?)",
                    after.month,
                    after.month,
                    after.offset,
                )
        else:
            yield ("month + 0 = ?" if wanted.by_token or table != "places" else "month = ?"), months[0]
            if after is not None and after.month == months[0]:
                yield f"{table}.place < ?", after.offset
        if wanted.kinds:
            own = len(wanted.kinds) == 1 and not wanted.by_token and not wanted.outcome and table == "places"
            yield _among("kind" if own else "kind || ''", list(wanted.kinds))
        if wanted.outcome:
            yield ("outcome || '' = ?" if wanted.by_token or table != "places" else "outcome = ?"), wanted.outcome
        if wanted.since:
            yield "at >= ?", wanted.since
        if wanted.before < _EVER:
            yield "at < ?", wanted.before


def _source(wanted: Wanted) -> tuple[str, str]:
    """Return the tables of a query and the one that leads, whose order is the places' too."""
    if wanted.leans_on and not wanted.message:
        return "leans CROSS JOIN places", "leans"  # SQLite begins with the first table of a cross join
    if wanted.leans_on:
        return "places CROSS JOIN leans", "leans"
    if wanted.ground and not wanted.by_token:
        return "grounds CROSS JOIN places", "grounds"
    return "places", "places"


def _order(wanted: Wanted, lead: str) -> str:
    return "places.month DESC, places.place DESC" if wanted.is_rare else f"{lead}.place DESC"


def _among(column: str, values: list[Any]) -> Term:
    return (f"{column} = ?" if len(values) == 1 else f"{column} IN ({', '.join('?' * len(values))})"), *values


def _may_hold(month: int, wanted: Wanted) -> bool:
    """Say whether a month can hold records of the time; an erasure's own record is of no month."""
    if month == ERASURES:
        return True
    return month_of(wanted.since) <= month and (wanted.before >= _EVER or month <= month_of(wanted.before))


_MONTHS: Final = """
WITH RECURSIVE found(month) AS (
    SELECT max(month) FROM places
    UNION ALL SELECT (SELECT max(month) FROM places WHERE month < found.month) FROM found WHERE month IS NOT NULL
) SELECT month FROM found WHERE month IS NOT NULL
"""
"""Each month once, by hops in the index."""
