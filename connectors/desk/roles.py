"""Who may do what at the desk: rows of role, page and right.

    may((Role.WRITER,), Page.WRITE, Right.ACT)      True

The app asks this table and nothing else; `docs/desk.md` is compared with it. What no row gives is refused. Units stand
beside it: whoever works for some units only sees what is theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from samband.connectors.web.roles import Row, Table

__all__ = ["TABLE", "Page", "Right", "Role", "may"]


class Role(StrEnum):
    """What somebody is here for."""

    READER = "reader"
    """Läser det som kommer."""
    WRITER = "writer"
    """Läser, svarar, skickar och kvitterar."""
    PROTECTED = "protected"
    """Får öppna det som rör skyddade barn, med skäl."""
    RELEASER = "releaser"
    """Lämnar ut papper till familjen, för en utsedd funktion."""
    CONSENTS = "consents"
    """Antecknar samtycken, och slår upp ett barns, med skäl."""


class Page(StrEnum):
    """A page of the desk, and its name in the address."""

    WAITING = "waiting"
    INBOX = "inbox"
    WRITE = "write"
    SENT = "sent"
    CONSENTS = "consents"
    PAPERS = "papers"


class Right(StrEnum):
    """What may be done on a page."""

    VIEW = "view"
    OPEN = "open"
    """Read what a message says; each time is recorded."""
    ACT = "act"
    """Answer, send, acknowledge, report misdirected, recall."""
    PROTECTED = "protected"
    """The same about a protected child, with a reason."""
    RECORD = "record"
    """Record a consent and who has signed it."""
    LOOK_UP = "look_up"
    """See what was recorded for a child, by its number, with a reason."""
    WITHDRAW = "withdraw"
    """Record that somebody takes consents back."""
    RELEASE = "release"
    """Print a paper for the family."""


_VIEW: Final = (Right.VIEW,)

TABLE: Final = Table(Role, (
    Row(Page.WAITING, dict.fromkeys(Role, _VIEW), "types, units and times; no child"),
    Row(Page.INBOX, {Role.READER: (Right.VIEW, Right.OPEN), Role.WRITER: (Right.VIEW, Right.OPEN, Right.ACT),
                     Role.PROTECTED: (Right.VIEW, Right.PROTECTED)},
        "a list that names no child; each opening is recorded; a protected child's message asks for its own right"),
    Row(Page.WRITE, {Role.WRITER: (Right.VIEW, Right.ACT)},
        "speaks for the unit; about a protected child only with that right too"),
    Row(Page.SENT, {Role.READER: _VIEW, Role.WRITER: (Right.VIEW, Right.ACT)},
        "what became of it; no content once it has arrived"),
    Row(Page.CONSENTS, {Role.WRITER: (Right.VIEW, Right.WITHDRAW),
                        Role.CONSENTS: (Right.VIEW, Right.RECORD, Right.LOOK_UP, Right.WITHDRAW)},
        "whoever hears it takes a consent back; recording and looking up is a right of its own, a child's only by its "
        "number and a reason"),
    Row(Page.PAPERS, {Role.RELEASER: (Right.VIEW, Right.RELEASE)},
        "a release is a named function's decision, logged row by row"),
))  # fmt: skip


def may(roles: Collection[Role], page: Page, right: Right = Right.VIEW) -> bool:
    """Say whether any of the roles gives a right on a page."""
    return TABLE(roles, page, right)


if __name__ == "__main__":
    sys.stdout.write(TABLE.page())
