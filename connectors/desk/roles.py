"""Who may do what at the desk: rows of role, page and right.

    may((Role.WRITER,), Page.WRITE, Right.ACT)      True

The app asks this table and nothing else; `docs/desk.md` is compared with it. What no row gives is refused. Units stand
beside it: whoever works for some units only sees what is theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["TABLE", "Page", "Right", "Role", "Row", "may", "table_page"]


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


class Page(StrEnum):
    """A page of the desk, and its name in the address."""

    WAITING = "waiting"
    INBOX = "inbox"
    WRITE = "write"
    SENT = "sent"
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
    RELEASE = "release"
    """Print a paper for the family."""


class Row(NamedTuple):
    """A page's rights by role; `why` is said in the documentation."""

    page: Page
    rights: dict[Role, tuple[Right, ...]]
    why: str


_VIEW: Final = (Right.VIEW,)

TABLE: Final = (
    Row(Page.WAITING, dict.fromkeys(Role, _VIEW), "types, units and times; no child"),
    Row(Page.INBOX, {Role.READER: (Right.VIEW, Right.OPEN), Role.WRITER: (Right.VIEW, Right.OPEN, Right.ACT),
                     Role.PROTECTED: (Right.VIEW, Right.PROTECTED)},
        "a list that names no child; each opening is recorded; a protected child's message asks for its own right"),
    Row(Page.WRITE, {Role.WRITER: (Right.VIEW, Right.ACT)},
        "speaks for the unit; about a protected child only with that right too"),
    Row(Page.SENT, {Role.READER: _VIEW, Role.WRITER: (Right.VIEW, Right.ACT)},
        "what became of it; no content once it has arrived"),
    Row(Page.PAPERS, {Role.RELEASER: (Right.VIEW, Right.RELEASE)},
        "a release is a named function's decision, logged row by row"),
)  # fmt: skip

_RIGHTS: Final = {(row.page, role, right) for row in TABLE for role, rights in row.rights.items() for right in rights}


def may(roles: Collection[Role], page: Page, right: Right = Right.VIEW) -> bool:
    """Say whether any of the roles gives a right on a page."""
    return any((page, role, right) in _RIGHTS for role in roles)


def table_page() -> str:
    """Return the table as Markdown, for `docs/desk.md`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| page | " + " | ".join(f"`{role}`" for role in Role) + " | why |"
    yield "|---" * (len(Role) + 2) + "|"
    for row in TABLE:
        cells = (", ".join(row.rights.get(role, ())) or "–" for role in Role)
        yield f"| {row.page} | {' | '.join(cells)} | {row.why} |"


if __name__ == "__main__":
    sys.stdout.write(table_page())
