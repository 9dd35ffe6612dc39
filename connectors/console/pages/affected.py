"""Affected by: every message that was handed over because of a consent, a unit or a ground, out of the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.console.ask import Ask, Csv, Shown
from samband.connectors.console.source import Wanted
from samband.schemas.event_bodies import Level
from samband.schemas.rulebook import shipped

if TYPE_CHECKING:
    from samband.connectors.console.source import Found

__all__ = ["affected", "affected_csv"]

_ROWS: Final = 50
_MOST: Final = 50_000
_TAKEN: Final = frozenset({Level.HANDED_OVER, Level.OPENED, Level.ACTED})


def _wanted(ask: Ask) -> Wanted | None:
    """Return what is looked for; None where no cause is named."""
    query = ask.query
    wanted = Wanted(
        kinds=("decision",),
        outcome="permit",
        leans_on=query.hexes("consent", 32),
        unit=query.text("unit"),
        ground=query.text("ground"),
    )
    return wanted if wanted.leans_on or wanted.unit or wanted.ground else None


def affected(ask: Ask) -> Shown:
    """List them, newest decision first."""
    wanted = _wanted(ask)
    given = {name: ask.query.values.get(name, "") for name in ("consent", "unit", "ground")}
    rows: list[dict[str, Any]] = []
    after = None
    if wanted is not None:
        found = ask.house.hub.records(wanted, ask.query.cursor(), _ROWS)
        rows, after = _told(ask, found.rows), found.after
    return Shown(
        "affected",
        asked=wanted is not None,
        rows=rows,
        given=given,
        units=ask.house.hub.directory.units,
        grounds=[rule.ground for rule in shipped().rules],
        csv=ask.link("affected.csv", **given) if wanted else "",
        after=ask.link("affected", **given, after=f"{after.month}-{after.offset}") if after else "",
    )


def _told(ask: Ask, rows: Sequence[Found]) -> list[dict[str, Any]]:
    source = ask.house.hub
    said, told = source.said_of(rows), []
    for entry, record in rows:
        levels = [each for each in said[record.message_id] if each.kind in ("receipt", "recall")]
        told.append(
            {
                "entry": entry.hex(),
                "at": record.decided_at,
                "handed": next((each.at for each in levels if each.outcome in _TAKEN), 0),
                "state": ask.words.say(levels[-1].outcome) if levels else ask.words("affected.on_its_way"),
                "type": ask.words.type(record.type),
                "type_code": record.type,
                "sender": record.sender,
                "recipient": record.recipient,
                "grounds": record.grounds,
                "categories": [ask.words.category(each) for each in record.categories],
                "message": record.message_id.hex(),
            }
        )
    return told


def affected_csv(ask: Ask) -> Csv:
    """Give the same list as a file, at most 50 000 rows."""
    columns = [
        ask.words(f"column.{name}") for name in ("time", "handed", "type", "from", "to", "why", "tells", "message")
    ]
    return Csv("samband-affected.csv", columns, _csv_rows(ask))


def _csv_rows(ask: Ask) -> Iterator[list[str]]:
    wanted, after, left = _wanted(ask), None, _MOST
    while wanted is not None and left > 0:
        found = ask.house.hub.records(wanted, after, min(500, left))
        for each in _told(ask, found.rows):
            yield [
                ask.words.iso(each["at"]), ask.words.iso(each["handed"]) if each["handed"] else "", each["type_code"],
                each["sender"], each["recipient"], " ".join(each["grounds"]), ", ".join(each["categories"]),
                each["message"],
            ]  # fmt: skip
        left -= len(found.rows)
        after = found.after
        if after is None:
            return
