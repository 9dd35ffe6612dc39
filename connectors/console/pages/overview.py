"""The first page: what needs a person now, and decisions over time. Counts only; no unit, type or child."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Final

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.charts import columns
from samband.connectors.console.index import day_of

__all__ = ["overview"]

_DAYS: Final = 30
_STYLES: Final = ("permit", "ask", "deny", "refused")
_EPOCH: Final = date(1970, 1, 1)


def overview(ask: Ask) -> Shown:
    """Show the hub at a glance."""
    source = ask.house.hub
    today = day_of(int(ask.now.timestamp() * 1000))
    first = today - _DAYS + 1
    numbers: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for each in source.sums(first):
        style = each.outcome if each.kind == "decision" else "refused" if each.kind == "refusal" else ""
        if style in _STYLES:
            numbers[each.day][style] = numbers[each.day].get(style, 0) + each.number
    days = [(_EPOCH + timedelta(day), numbers[day]) for day in range(first, today + 1)]
    totals = {style: sum(found.get(style, 0) for _, found in days) for style in _STYLES}
    return Shown(
        "overview",
        watch=ask.house.attention.found if ask.house.attention else None,
        chart=columns([(f"{day:%d/%m}", found) for day, found in days], _STYLES),
        days=days[::-1],
        styles=_STYLES,
        totals=totals,
        caught_up=source.caught_up,
        trouble=source.trouble,
        known=len(source.index),
    )
