"""What became of the messages between two units: each with the ladder of what was said of it."""

from __future__ import annotations

from typing import Final

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.pages.decisions import row_of
from samband.connectors.console.source import Wanted

__all__ = ["conversations"]

_ROWS: Final = 20


def conversations(ask: Ask) -> Shown:
    """List messages between one unit and another, or anybody, newest first."""
    source = ask.house.hub
    one, other = ask.query.text("unit"), ask.query.text("other")
    given = {"unit": one, "other": other}
    found = source.records(Wanted(kinds=("decision",), unit=one, other=other), ask.query.cursor(), _ROWS)
    talks = [
        {
            "row": row_of(ask, each),
            "steps": [row_of(ask, step) for step in source.ladder(each.record.message_id) if step.entry != each.entry],
        }
        for each in found.rows
    ]
    return Shown(
        "conversations",
        talks=talks,
        given=given,
        units=source.directory.units,
        after=ask.link("conversations", **given, after=f"{found.after.month}-{found.after.offset}")
        if found.after
        else "",
    )
