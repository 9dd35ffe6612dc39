"""A request that may be answered: the party, opened; who asks and for which units; what was asked for, checked.

    def inbox(ask: Ask) -> Shown:
        rows = letters_before(ask.party.store, 0, 50, units=[unit.id for unit in ask.units])
        …
        return Shown("inbox", rows=…)

A unit that somebody does not work for is, to them, no unit at all: what is theirs is answered as if it did not exist.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from samband.connectors.client import Client
from samband.connectors.desk.roles import Page, Right, Role, may
from samband.connectors.desk.words import Words
from samband.connectors.web.page import Query
from samband.connectors.web.uploads import Uploads
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.units import Unit
from samband.streams.decision.conditions import HOLD_PROTECTED

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow
    from samband.connectors.web.session import Session
    from samband.schemas.agreement import Agreement

__all__ = ["Ask", "Fetched", "House", "Kept", "Onward"]

_LIFE_S: Final = 60.0
"""How long an opened party is used: the directory and the keys that it read are no older."""


@dataclass(slots=True)
class House:
    """Opens the party, and keeps it open for a while: its store is one request's at a time."""

    opened: Callable[[], Party]
    environment: str = "test"
    """`test` or `production`: every page says which."""
    wait_s: float = 3.0
    """How long a page waits for the gate's answer before it says that there is none yet."""
    _idle: queue.LifoQueue[tuple[float, Party]] = field(default_factory=queue.LifoQueue)

    @contextmanager
    def party(self) -> Iterator[Party]:
        """Give the party for one request.

        Raises:
            OperatorError: a file of it is missing or cannot be used.
        """
        since, party = self._take()
        try:
            yield party
        except BaseException:
            party.store.close()  # whatever it was in the middle of
            raise
        self._idle.put((since, party))

    def _take(self) -> tuple[float, Party]:
        now = time.monotonic()
        while True:
            try:
                since, party = self._idle.get_nowait()
            except queue.Empty:
                return now, self.opened()
            if now - since < _LIFE_S:
                return since, party
            party.store.close()

    def close(self) -> None:
        """Close what is open and not in use."""
        while not self._idle.empty():
            self._idle.get_nowait()[1].store.close()


@dataclass(frozen=True, slots=True)
class Onward:
    """An answer that is another page of the desk's own."""

    path: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is a file of its own: a paper, in the browser."""

    text: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer that is a file to keep, whatever it holds: the browser saves it and never shows it."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of somebody who is signed in and has the page's right."""

    house: House
    party: Party
    words: Words
    session: Session[Role]
    query: Query
    path: Mapping[str, str]
    form: Query
    now: datetime
    """Aware."""
    uploads: Uploads = field(default_factory=Uploads)
    """The files of the form."""

    @property
    def ms(self) -> int:
        """Now in milliseconds since 1970 UTC."""
        return int(self.now.timestamp() * 1000)

    @property
    def user(self) -> dict[str, str]:
        """Who acts, as messages and ladders say it."""
        return {"id": self.session.user, "role": self.session.title or "handlaggare"}

    @property
    def client(self) -> Client:
        """The party's side of what is said."""
        return Client(self.party)

    @property
    def units(self) -> tuple[Unit, ...]:
        """The own units that this person works for."""
        mine = self.session.units
        return tuple(unit for unit in self.party.units if not unit.retired and (not mine or unit.id in mine))

    def may(self, page: Page, right: Right = Right.VIEW) -> bool:
        """Say whether this person has a right."""
        return may(self.session.roles, page, right)

    def unit(self, name: str) -> Unit:
        """Return one of the units that this person works for; the only one where none is named.

        Raises:
            InputError: not one of theirs, or none was named among several (`DESK_UNIT`).
        """
        for each in self.units:
            if each.id == name or (not name and len(self.units) == 1):
                return each
        raise InputError("DESK_UNIT", "name one of the units that you work for")

    def other(self, name: str) -> Unit:
        """Return any unit of the directory, to write to.

        Raises:
            InputError: no card names it, or it is closed for good (`DESK_UNIT`).
        """
        try:
            found = self.party.directory.unit(name)
        except RefusedError:
            raise InputError("DESK_UNIT", "there is no such unit") from None
        if found.retired:
            raise InputError("DESK_UNIT", "the unit is closed for good")
        return found

    def name(self, unit: str) -> str:
        """Return a unit's name as people know it; its id where no card names it."""
        found = self.party.directory.find_unit(unit)
        return unit if found is None else found.name

    def message_id(self) -> bytes:
        """Return the message that the address names.

        Raises:
            InputError: it names none (`MESSAGE_UNKNOWN`).
        """
        found = Query(self.path).hexes("message", 16)
        if not found:
            raise unknown()
        return found

    def letter(self, message_id: bytes) -> InboxRow:
        """Return a letter to one of this person's units.

        Raises:
            InputError: there is none (`MESSAGE_UNKNOWN`).
        """
        row = self.party.store.letter(message_id)
        if row is None or row.unit not in {unit.id for unit in self.units}:
            raise unknown()
        return row

    def may_open(self, row: InboxRow) -> bool:
        """Say whether this person may read what a letter says."""
        return self.may(Page.INBOX, Right.PROTECTED if protected(row) else Right.OPEN)

    @property
    def agreement(self) -> Agreement | None:
        """The agreement as data: as the authority signed it, else as it ships."""
        from samband.schemas.agreement import SHIPPED, shipped

        rules = self.party.directory.rules.at(self.ms)
        if rules is not None and rules.terms is not None:
            return rules.terms
        name = self.party.root.agreement
        return shipped(name) if name in SHIPPED else None

    def link(self, path: str, **values: object) -> str:
        """Return an address within the desk, in the same language."""
        given = {name: str(value) for name, value in values.items() if value}
        return f"/{self.words.language}/{path}" + (f"?{urlencode(given)}" if given else "")


def protected(row: InboxRow) -> bool:
    """Say whether a letter is about a child that was marked as protected when it was permitted."""
    obligations: Any = row.letter.get("obligations", ())
    return row.held or HOLD_PROTECTED in obligations


def unknown() -> InputError:
    """Return the one answer for what there is not and what is not theirs."""
    return InputError("MESSAGE_UNKNOWN", "there is no such message here")
