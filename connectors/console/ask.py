"""A page's question and its answer: what a request asks for, checked, and what a template or a file is made from.

    def decisions(ask: Ask) -> Shown:
        unit = ask.query.text("unit")
        …
        return Shown("decisions", rows=…)

Whatever stands in an address came from outside: each value has one form, and anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from samband.connectors.console.index import Cursor
from samband.connectors.console.words import Words
from samband.connectors.web import page
from samband.connectors.web.page import Shown, unusable

if TYPE_CHECKING:
    from samband.connectors.console.attention import Attention
    from samband.connectors.console.roles import Role
    from samband.connectors.console.source import Source
    from samband.connectors.party import Party
    from samband.connectors.web.session import Session

__all__ = ["Ask", "Csv", "Go", "House", "Query", "Shown"]

_CURSOR: Final = re.compile(r"(0|2[01][0-9]{4})-(0|[1-9][0-9]{0,17})", re.ASCII)


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
class Query(page.Query):
    """The named values of an address or a form, with the places of the index."""

    def cursor(self) -> Cursor | None:
        """Return where the page begins.

        Raises:
            InputError: no cursor of ours.
        """
        value = self.values.get("after", "")
        if not value:
            return None
        if not (found := _CURSOR.fullmatch(value)):
            raise unusable("after")
        return Cursor(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that may be answered: signed in, allowed, and of a known language."""

    house: House
    words: Words
    session: Session[Role]
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


@dataclass(frozen=True, slots=True)
class Go:
    """What a form did is done: the page of the console's own to go on to, so that reloading it does nothing again."""

    path: str


@dataclass(frozen=True, slots=True)
class Csv:
    """A list to take away: file name, columns, rows."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]
