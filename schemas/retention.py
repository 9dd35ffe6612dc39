"""How long each kind of information is kept, where, and by whose word: one table for commands, papers and docs.

    row("transport.letter").citation       'arkivlagen (1990:782) 10 §; partens gallringsbeslut'

Nothing is erased because a row says so: the party's own disposal decision (gallringsbeslut) does that, and its
`connector.toml` may set another time for transport copies.
"""

from __future__ import annotations

import calendar
import tomllib
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, assert_never

from samband.schemas.agreement import Source
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Eraser", "Keep", "Place", "Retention", "parse", "row", "rows"]


class Place(StrEnum):
    """Where it lies."""

    PARTY = "party"
    """In the party's own connector."""
    RECIPIENT = "recipient"
    """In the recipient's own system, under its own law."""
    HUB = "hub"


class Eraser(StrEnum):
    """Who erases it when its time is over."""

    SAMBAND = "samband"
    DECISION = "decision"
    """A person, by decision; Samband does not do it by itself."""
    OWN_SYSTEM = "own_system"


class Keep(StrEnum):
    """What a time is counted in."""

    AT_ONCE = "at_once"
    DAYS = "days"
    YEARS = "years"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long one kind of information is kept."""

    category: str
    place: Place
    text_sv: str
    text_en: str
    unit: Keep
    amount: int = 0
    counted_from_sv: str
    counted_from_en: str
    eraser: Eraser
    citation: str
    source: Source
    to_confirm: bool
    """The operator's lawyers confirm the citation before they rely on it."""

    def ends(self, start: datetime) -> datetime | None:
        """Return when what began at `start` may go, None where no time is set."""
        match self.unit:
            case Keep.AT_ONCE:
                return start
            case Keep.DAYS:
                return start + timedelta(days=self.amount)
            case Keep.YEARS:
                year = start.year + self.amount
                return start.replace(year=year, day=min(start.day, calendar.monthrange(year, start.month)[1]))
            case Keep.NONE:
                return None
            case _:
                assert_never(self.unit)


@cache
def rows() -> Mapping[str, Retention]:
    """Return the shipped table by category."""
    return parse(resources.files("samband.schemas").joinpath("retention.toml").read_text("utf-8"))


def row(category: str) -> Retention:
    """Return a category's row.

    Raises:
        KeyError: there is none.
    """
    return rows()[category]


def parse(text: str) -> dict[str, Retention]:
    """Return the table in a TOML text.

    Raises:
        OperatorError: an unknown key or word, a time without unit, or a category twice (`RETENTION_INVALID`).
    """
    try:
        written = tomllib.loads(text)
        found = [_row(each) for each in written["row"]]
        if set(written) != {"version", "row"} or len({each.category for each in found}) != len(found):
            raise ValueError("unknown key, or a category twice")
    except (KeyError, TypeError, ValueError) as wrong:
        raise OperatorError("RETENTION_INVALID", f"the retention table cannot be read: {wrong}") from wrong
    return {each.category: each for each in found}


def _row(written: dict[str, Any]) -> Retention:
    if set(written) - {field.name for field in fields(Retention)}:
        raise ValueError("unknown key in a row")
    kinds: dict[str, Any] = {"place": Place, "unit": Keep, "eraser": Eraser, "source": Source}
    values: dict[str, Any] = {key: kinds[key](value) if key in kinds else value for key, value in written.items()}
    found = Retention(**values)
    if (found.unit in (Keep.DAYS, Keep.YEARS)) != (found.amount > 0) or not found.citation:
        raise ValueError("a time has a unit, and every row a citation")
    return found
