"""Who may do what on a site: rows of page, role and right, asked and printed. What no row gives is refused.

may = Table(Role, ROWS)
may((Role.AUDITOR,), Page.DECISIONS, Right.EXPORT)      True
may.page()                                              the table as Markdown, for the site's documentation
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

__all__ = ["Row", "Table"]

PageT = TypeVar("PageT", bound=StrEnum)
RoleT = TypeVar("RoleT", bound=StrEnum)
RightT = TypeVar("RightT", bound=StrEnum)


class Row(NamedTuple, Generic[PageT, RoleT, RightT]):
    """A page's rights by role; `why` is said in the documentation."""

    page: PageT
    rights: dict[RoleT, tuple[RightT, ...]]
    why: str


class Table(Generic[PageT, RoleT, RightT]):
    """The rows of a site."""

    def __init__(self, roles: type[RoleT], rows: Sequence[Row[PageT, RoleT, RightT]]) -> None:
        self.rows: Final = tuple(rows)
        self._roles = roles
        self._given = {(row.page, role, right) for row in rows for role, all_ in row.rights.items() for right in all_}

    def __call__(self, roles: Collection[RoleT], page: PageT, right: RightT) -> bool:
        """Say whether any of the roles gives a right on a page."""
        return any((page, role, right) in self._given for role in roles)

    def page(self) -> str:
        """Return the table as Markdown."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "| page | " + " | ".join(f"`{role}`" for role in self._roles) + " | why |"
        yield "|---" * (len(self._roles) + 2) + "|"
        for row in self.rows:
            cells = (
                ", ".join(each.replace("_", " ") for each in row.rights.get(role, ())) or "–" for role in self._roles
            )
            yield f"| {row.page} | {' | '.join(cells)} | {row.why} |"
