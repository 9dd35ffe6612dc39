"""Asks the index: pages of places, newest first, whatever is looked for.

    finder = Finder(engine, tokens)
    places, after = finder.find(Wanted(unit="SE2120002080-IFO"), None, 50)

A page begins after the last place of the one before (keyset), so page 1 000 costs what page 1 does. What few records
have (a message, a consent, a child) is asked for in all months at once, for a token is of one month only; everything
else month by month, newest first, until a page is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from samband.streams.audit import ERASURES
from samband.streams.index.engine import Engine
from samband.streams.index.rows import Tokens, day_of

__all__ = ["Cursor", "Finder", "Place", "Wanted"]

_EVER: Final = 1 << 62
_FEW: Final = 500
"""Places of a word that may be read through for a page without anybody noticing."""
_MESSAGES: Final = 50
"""Messages that are asked for at once."""
_EPOCH: Final = date(1970, 1, 1)
Term = tuple[Any, ...]
"""A condition and the values of its marks."""


class Place(NamedTuple):
    """Where a record is found: its log entry, and when it was decided (ms since 1970 UTC); what it says at a glance."""

    entry: bytes
    at: int
    kind: str
    outcome: str


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
        months = self._holding(wanted)
        if after is not None:
            months = [month for month in months if month <= after.month]
        found: list[tuple[int, int, bytes, int, str, str]] = []
        for some in [months] if wanted.is_rare else [[month] for month in months]:
            if some and len(found) <= limit:
                found += self._in_months(some, wanted, after, limit + 1 - len(found))
        page = found[:limit]
        places = [Place(bytes(entry), at, kind, outcome) for _, _, entry, at, kind, outcome in page]
        return places, Cursor(page[-1][0], page[-1][1]) if page and len(found) > limit else None

    def every(self, wanted: Wanted, most: int) -> list[Place]:
        """Return at most `most` places, oldest first."""
        found, _ = self.find(wanted, None, most)
        return found[::-1]

    def about(self, messages: Mapping[bytes, int]) -> dict[bytes, list[Place]]:
        """Return all that was said of many messages, each oldest first, whatever their number in a few questions.

        Args:
            messages: id of a message → the month that it was decided in; nothing was said of it before.
        """
        found: dict[bytes, list[Place]] = {each: [] for each in messages}
        months, some = self.months(), list(messages.items())
        for start in range(0, len(some), _MESSAGES):
            named = {
                self._tokens.of(month, "message", message): message
                for message, first in some[start : start + _MESSAGES]
                for month in months
                if month >= first
            }
            tokens, queries = list(named), []
            for column in ("message", "subject"):
                term, *_ = _among(column, tokens)
                queries.append(f"SELECT {column}, place, entry, at, kind, outcome FROM places WHERE {term}")
            rows = self._engine.rows(f"{' UNION '.join(queries)} ORDER BY 2", tokens * 2) if tokens else []
            for token, _, entry, at, kind, outcome in rows:
                found[named[token]].append(Place(bytes(entry), at, kind, outcome))
        return found

    def _holding(self, wanted: Wanted) -> list[int]:
        """Return the months that may hold what is wanted, newest first, as the totals tell.

        So what never was is not looked for in a million rows. An erasure's own record is of no month. What few records
        have is found as fast as the totals are read.
        """
        if wanted.is_rare:
            return self.months()
        terms: list[Term] = [("number > 0",)]
        if wanted.kinds:
            terms.append(_among("kind", list(wanted.kinds)))
        if wanted.outcome:
            terms.append(("outcome = ?", wanted.outcome))
        if wanted.since:
            terms.append(("day >= ?", day_of(wanted.since)))
        if wanted.before < _EVER:
            terms.append(("day <= ?", day_of(wanted.before)))
        query = f"SELECT DISTINCT day FROM sums WHERE {' AND '.join(term for term, *_ in terms)}"
        days = self._engine.rows(query, [value for _, *given in terms for value in given])
        there = {ERASURES, *(_month_of_day(day) for (day,) in days)}
        return [month for month in self.months() if month in there]

    def _in_months(self, months: list[int], wanted: Wanted, after: Cursor | None, limit: int) -> list[Any]:
        """Return (month, place, entry, at, kind, outcome) of places, newest first.

        What may stand in either of two columns is asked for in each by its own index, and the two are laid together.
        """
        lead = self._lead(months, wanted)
        table = {"ground": "grounds", "consent": "leans"}.get(lead, "places")
        tables = "places" if table == "places" else f"{table} CROSS JOIN places"  # SQLite begins with the first of them
        order = "places.month DESC, places.place DESC" if wanted.is_rare else f"{table}.place DESC"
        terms = [*self._where(months, wanted, after, lead, table), *self._terms(months, wanted, lead)]
        queries, values = [], []
        for number, either in enumerate(self._either(months, wanted, lead) or [[]]):
            where = [*either, *terms]
            queries.append(
                f"SELECT * FROM (SELECT places.month, places.place, entry, at, kind, outcome FROM {tables} "
                f"WHERE {' AND '.join(term for term, *_ in where)} ORDER BY {order} LIMIT {int(limit)}) AS part{number}"
            )
            values += [value for _, *given in where for value in given]
        if len(queries) == 1:
            return self._engine.rows(queries[0], values)
        return self._engine.rows(f"{' UNION '.join(queries)} ORDER BY 1 DESC, 2 DESC LIMIT {int(limit)}", values)

    def _lead(self, months: list[int], wanted: Wanted) -> str:
        """Return what leads: of the words that are looked for, the first that few places have, for it is read through.

        The others only sort out what is found by it; `+ 0` and `|| ''` keep their indexes from being used.
        """
        if wanted.is_rare:
            return "message" if wanted.message else "consent" if wanted.leans_on else "child"
        leads = [name for name in ("unit", "type", "ground") if self._word(wanted, name)]
        if len(leads) < 2:
            return leads[0] if leads else "kind" if len(wanted.kinds) == 1 and not wanted.outcome else "place"
        few = (name for name in leads if self._is_few(name, months, self._word(wanted, name)))
        return next(few, leads[0])

    def _word(self, wanted: Wanted, name: str) -> str:
        return {"unit": wanted.unit or wanted.other, "type": wanted.type, "ground": wanted.ground}[name]

    def _is_few(self, name: str, months: list[int], word: str) -> bool:
        """Say whether few places of the months have a word; it counts no further than it must."""
        tokens = self._tokens.over(months, name, word.encode())
        columns = {"unit": ("sender", "recipient"), "type": ("type",), "ground": ("token",)}[name]
        table, found = "grounds" if name == "ground" else "places", 0
        for column in columns:
            term, *values = _among(column, tokens)
            query = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {term} LIMIT {_FEW}) AS few"
            found += self._engine.rows(query, values)[0][0]
        return found < _FEW

    def _either(self, months: list[int], wanted: Wanted, lead: str) -> list[list[Term]]:
        """Return alternatives, each of them terms that must all fit; none where there is nothing to choose."""
        if lead == "message":
            messages = self._tokens.over(months, "message", wanted.message)
            return [[_among("message", messages)], [_among("subject", messages)]]
        return self._ends(months, wanted) if lead == "unit" else []

    def _ends(self, months: list[int], wanted: Wanted, more: str = "") -> list[list[Term]]:
        """Return what fits the units either way round; with `more` after each column, they only sort out."""
        names = [name for name in (wanted.unit, wanted.other) if name]
        if not more and len(names) == 2 and not self._is_few("unit", months, names[0]):
            names.reverse()  # the other one leads
        tokens = [self._tokens.over(months, "unit", name.encode()) for name in names]
        either = []
        for near, far in (("sender", "recipient"), ("recipient", "sender")):
            terms = [_among(near + more, tokens[0])]
            either.append([*terms, _among(f"{far} + 0", tokens[1])] if len(tokens) == 2 else terms)
        return either

    def _terms(self, months: list[int], wanted: Wanted, lead: str) -> Iterator[Term]:
        """Yield what must all fit of the words that are looked for."""
        over = partial(self._tokens.over, months)
        for table, name, word in (("leans", "consent", wanted.leans_on), ("grounds", "ground", wanted.ground.encode())):
            if word:
                among = _among(f"{table}.token", over(name, word))
                exists = f"EXISTS (SELECT 1 FROM {table} WHERE {among[0]} AND {table}.place = places.place)", *among[1:]
                yield among if lead == name else exists
        if lead != "unit" and (wanted.unit or wanted.other):
            ends = self._ends(months, wanted, " + 0")
            parts = [" AND ".join(term for term, *_ in end) for end in ends]
            yield f"({' OR '.join(parts)})", *(value for end in ends for _, *given in end for value in given)
        if wanted.child_of:
            yield _among("child" if lead == "child" else "child + 0", over("child", wanted.child_of))
        if wanted.type:
            yield _among("type" if lead == "type" else "type + 0", over("type", wanted.type.encode()))

    def _where(self, months: list[int], wanted: Wanted, after: Cursor | None, lead: str, table: str) -> Iterator[Term]:
        """Yield what bounds months, places, kinds and times."""
        if table != "places":
            yield (f"places.place = {table}.place",)
        if wanted.is_rare:
            yield _among("month + 0", months)
            if after is not None:
                term = "(month + 0 < ? OR month + 0 = ? AND places.place + 0 < ?)"
                yield term, after.month, after.month, after.offset
        else:
            yield ("month = ?" if lead in ("kind", "place") else "month + 0 = ?"), months[0]
            if after is not None and after.month == months[0]:
                yield f"{table}.place < ?", after.offset
        if wanted.kinds:
            yield _among("kind" if lead == "kind" else "kind || ''", list(wanted.kinds))
        if wanted.outcome:
            yield ("outcome = ?" if lead == "place" else "outcome || '' = ?"), wanted.outcome
        if wanted.since:
            yield "at >= ?", wanted.since
        if wanted.before < _EVER:
            yield "at < ?", wanted.before


def _among(column: str, values: list[Any]) -> Term:
    return (f"{column} = ?" if len(values) == 1 else f"{column} IN ({', '.join('?' * len(values))})"), *values


@lru_cache(4096)
def _month_of_day(day: int) -> int:
    found = _EPOCH + timedelta(day)
    return found.year * 100 + found.month


_MONTHS: Final = """
WITH RECURSIVE found(month) AS (
    SELECT max(month) FROM places
    UNION ALL SELECT (SELECT max(month) FROM places WHERE month < found.month) FROM found WHERE month IS NOT NULL
) SELECT month FROM found WHERE month IS NOT NULL
"""
"""Each month once, by hops in the index."""
