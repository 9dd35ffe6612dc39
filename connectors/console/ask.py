"""A page's question and its answer: what a request asks for, checked, and what a template or a file is made from.

    def decisions(ask: Ask) -> Shown:
        unit = ask.query.text("unit")
        …
        return Shown("decisions", rows=…)

Whatever stands in an address came from outside: each value has one form, and anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.console.index import Cursor
from samband.connectors.console.words import Words
from samband.schemas.errors import InputError
from samband.streams.audit import STOCKHOLM

if TYPE_CHECKING:
    from samband.connectors.console.attention import Attention
    from samband.connectors.console.session import Session
    from samband.connectors.console.source import Source
    from samband.connectors.party import Party

__all__ = ["Ask", "Csv", "House", "Query", "Shown"]

_CURSOR: Final = re.compile(r"(0|2[01][0-9]{4})-(0|[1-9][0-9]{0,17})", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class House:
    """What a console stands in: a hub, or a party with its own store and reference key."""

    source: Source | None = None
    connector: Path | None = None
    """A party's `connector.toml`."""
    attention: Attention | None = None
    environment: str = "test"
    """`test` or `production`: every page says which."""

    @property
    def hub(self) -> Source:
        """The hub's source."""
        assert self.source is not None
        return self.source

    @contextmanager
    def party(self) -> Iterator[Party]:
        """Give the party, opened for one request: its store is one thread's own.

        Raises:
            OperatorError: a file of it is missing or cannot be used.
        """
        from samband.connectors.party import Party

        assert self.connector is not None
        party = Party.load(self.connector)
        try:
            yield party
        finally:
            party.store.close()


@dataclass(frozen=True, slots=True)
class Query:
    """The named values of an address or a form; each is asked for by its form."""

    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str, most: int = _LONGEST) -> str:
        """Return a text without control characters; empty where there is none.

        Raises:
            InputError: too long, or with characters that nobody writes.
        """
        value = self.values.get(name, "").strip()
        if len(value) > most or not value.isprintable():
            raise _unusable(name)
        return value

    def one_of(self, name: str, allowed: Collection[str]) -> str:
        """Return one of the allowed values, or empty.

        Raises:
            InputError: another.
        """
        value = self.values.get(name, "").strip()
        if value and value not in allowed:
            raise _unusable(name)
        return value

    def hexes(self, name: str, length: int) -> bytes:
        """Return bytes that are written in hexadecimal digits, or none.

        Raises:
            InputError: something else.
        """
        value = self.values.get(name, "").strip().lower()
        if value and (len(value) != 2 * length or not _HEX.fullmatch(value)):
            raise _unusable(name)
        return bytes.fromhex(value)

    def day(self, name: str) -> int:
        """Return the beginning of a day in Stockholm in milliseconds since 1970 UTC; 0 where there is none.

        Raises:
            InputError: no day.
        """
        value = self.values.get(name, "").strip()
        if not value:
            return 0
        try:
            found = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=STOCKHOLM)
        except ValueError:
            raise _unusable(name) from None
        if not 1970 < found.year < 2100:
            raise _unusable(name)
        return int(found.timestamp() * 1000)

    def number(self, name: str, most: int) -> int:
        """Return a whole number from 1 to `most`; 0 where there is none.

        Raises:
            InputError: another.
        """
        value = self.values.get(name, "").strip()
        if not value:
            return 0
        if not re.fullmatch("[0-9]{1,9}", value, re.ASCII) or not 1 <= int(value) <= most:
            raise _unusable(name)
        return int(value)

    def cursor(self) -> Cursor | None:
        """Return where the page begins.

        Raises:
            InputError: no cursor of ours.
        """
        value = self.values.get("after", "")
        if not value:
            return None
        if not (found := _CURSOR.fullmatch(value)):
            raise _unusable("after")
        return Cursor(int(found[1]), int(found[2]))


def _unusable(name: str) -> InputError:
    return InputError("CONSOLE_QUERY", f"the value of `{name}` cannot be used")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that may be answered: signed in, allowed, and of a known language."""

    house: House
    words: Words
    session: Session
    query: Query
    path: Mapping[str, str]
    form: Query
    now: datetime
    """Aware."""

    def entry(self) -> bytes:
        """Return the log entry that the address names.

        Raises:
            InputError: it names none.
        """
        return Query(self.path).hexes("entry", 32)

    def link(self, path: str, **values: object) -> str:
        """Return an address within the console, in the same language."""
        from urllib.parse import urlencode

        given = {name: str(value) for name, value in values.items() if value}
        return f"/{self.words.language}/{path}" + (f"?{urlencode(given)}" if given else "")


class Shown:
    """A page: the template and what it says."""

    def __init__(self, template: str, *, status: int = 200, **values: Any) -> None:
        self.template = template
        self.status = status
        self.values = values


@dataclass(frozen=True, slots=True)
class Csv:
    """A list to take away: file name, columns, rows."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]
