"""Look-ups without a following act and out of hours, by unit, beside the others of its kind; for who audits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.connectors.console.ask import Ask, Csv, Shown
from samband.connectors.misuse import COLUMNS, cells, compare, of_record, tally

if TYPE_CHECKING:
    from samband.connectors.misuse import Row

__all__ = ["misuse", "misuse_csv"]

_LAST: Final = 30
_MOST: Final = 366
_DAYS: Final = 14
_DAY_MS: Final = 86_400_000


def misuse(ask: Ask) -> Shown:
    """Show the table."""
    last, days = _span(ask)
    return Shown(
        "misuse", rows=_rows(ask), last=last, days=days, most=_MOST,
        csv=ask.link("samples/misuse.csv", last=last, days=days), names=ask.house.hub.unit_name,
    )  # fmt: skip


def misuse_csv(ask: Ask) -> Csv:
    """Give it away."""
    return Csv("samband-misuse.csv", COLUMNS, map(cells, _rows(ask)))


def _span(ask: Ask) -> tuple[int, int]:
    return ask.query.number("last", _MOST) or _LAST, ask.query.number("days", _MOST) or _DAYS


def _rows(ask: Ask) -> list[Row]:
    source, (last, days) = ask.house.hub, _span(ask)
    now = int(ask.now.timestamp() * 1000)
    units = {str(unit.id): unit for unit in source.directory.units}
    acts = (act for record in source.since(now - last * _DAY_MS) if (act := of_record(record)) is not None)
    sums = tally(acts, now - last * _DAY_MS, now, days=days, now=now,
                 hours_of=lambda unit: units[unit].hours if unit in units else "")  # fmt: skip
    return compare(sums, lambda unit: ask.words.kind(str(units[unit].kind)) if unit in units else "")
