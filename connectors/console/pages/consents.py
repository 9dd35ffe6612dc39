"""Consents as the records tell them: when each was recorded, when it was closed, and which decisions leaned on it.

A record says that a consent was given, signed, doubted or closed and by which unit; from when to when it was to hold
stands in the gate's own memory (`samband audit consents`). So a bar begins when the consent was recorded and ends when
a withdrawal closed it; one without an end is open in the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.charts import Span, bars
from samband.connectors.console.pages.decisions import row_of
from samband.connectors.console.source import Wanted
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.console.source import Found

__all__ = ["consent", "consents"]

_ROWS: Final = 25
_MARKS: Final = 100
_CLOSES: Final = frozenset({"consent.withdrawn", "consent.refused"})
_EMPTY_ID: Final = bytes(16)


def consents(ask: Ask) -> Shown:
    """List the consents that were recorded, newest first, with a bar each."""
    wanted = Wanted(kinds=("event",), outcome="accepted", type="consent.given", unit=ask.query.text("unit"))
    found = ask.house.hub.records(wanted, ask.query.cursor(), _ROWS)
    story = ask.house.hub.consent_story(found.rows)
    rows = [_told(ask, each, _events(each, story)) for each in found.rows]
    now = int(ask.now.timestamp() * 1000)
    begin = min((row["at"] for row in rows), default=now)
    spans = [
        Span(row["at"], row["end"] or now, "closed" if row["end"] else "open", tuple(row["marks"])) for row in rows
    ]
    given = {"unit": ask.query.text("unit")}
    return Shown(
        "consents",
        rows=rows,
        begin=begin,
        end=now,
        chart=bars(spans, begin, now) if rows else None,
        given=given,
        units=ask.house.hub.directory.units,
        after=ask.link("consents", **given, after=f"{found.after.month}-{found.after.offset}") if found.after else "",
    )


def _told(ask: Ask, found: Found, events: Sequence[Found]) -> dict[str, Any]:
    record = found.record
    marks = ask.house.hub.marks(found.entry, _MARKS)
    closing = [each for each in events if _closes(each)]
    return {
        "entry": found.entry.hex(),
        "at": record.decided_at,
        "by": record.sender,
        "by_name": ask.house.hub.unit_name(record.sender),
        "end": closing[0].record.decided_at if closing else 0,
        "in_part": not closing and any(each.record.code == "CONSENT_WITHDRAWN_IN_PART" for each in events),
        "marks": marks,
        "leaning": len(marks),
        "more": len(marks) >= _MARKS,
    }


def _closes(found: Found) -> bool:
    """Say whether a record closes the consent that it names: the withdrawal itself, or the notice of one by scope."""
    record = found.record
    whole = record.kind == "event" and record.type in _CLOSES and record.outcome == "accepted"
    return whole or (record.kind == "notice" and record.code == "CONSENT_WITHDRAWN")


def _events(found: Found, story: Mapping[bytes, list[Found]]) -> list[Found]:
    """Return what was said about a consent; a record that names none stands by itself."""
    about = found.record.subject
    return [found] if about is None or about == _EMPTY_ID else story[about]


def consent(ask: Ask) -> Shown:
    """Show one consent: its events, and the decisions that leaned on it.

    Raises:
        InputError: there is no such consent in the records (`CONSOLE_UNKNOWN`).
    """
    found = ask.house.hub.found(ask.entry())
    if found is None or found.record.type != "consent.given":
        raise InputError("CONSOLE_UNKNOWN", "there is no such record; it may have been erased by law")
    events = _events(found, ask.house.hub.consent_story([found]))
    row = _told(ask, found, events)
    now = int(ask.now.timestamp() * 1000)
    span = Span(row["at"], row["end"] or now, "closed" if row["end"] else "open", tuple(row["marks"]))
    return Shown(
        "consent",
        row=row,
        events=[row_of(ask, each) for each in events],
        leaning=[row_of(ask, each) for each in ask.house.hub.leaning(found.entry)],
        chart=bars([span], row["at"], now),
        end=now,
    )
