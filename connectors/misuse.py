"""Look-ups that nothing followed, and look-ups when the unit is shut, by unit or user, beside their peers. Pure.

    sums = tally(acts, since, before, days=14)          acts: of_record(record) of the hub's, or a party's own
    rows = compare(sums, group)                         each beside the others of its group

A look-up is a question to the gate (roles are resolved by questions), a request for a contact, or that somebody looked
at a child in the console (`act.logged`, LOOKED_UP) or read a message. An act is what the same unit then says about the
same child within so many days. It marks what a person should ask about; it accuses nobody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from samband.schemas.hours import is_open
from samband.streams.audit import STOCKHOLM

if TYPE_CHECKING:
    from samband.schemas.stamp import StampRecord

__all__ = ["COLUMNS", "HOURS", "LOOKED_UP", "Act", "Row", "Sum", "cells", "compare", "of_record", "plain", "tally"]

HOURS: Final = "mån–fre 7–18"
"""When a unit that says nothing readable of its hours is taken to be open."""
LOOKED_UP: Final = "LOOKED_UP"
COLUMNS: Final = (
    "who", "group", "looks", "settled", "unfollowed", "unfollowed_rate", "peers_unfollowed_rate", "out_of_hours",
    "out_of_hours_rate", "peers_out_of_hours_rate", "marks",
)  # fmt: skip
"""Of a list to take away."""
_CONTACT: Final = "contact.request"
_DAY_MS: Final = 86_400_000
_ENOUGH: Final = 5
"""So many before a rate says anything."""
_TIMES: Final = 2
"""So many times its peers' rate is worth a question."""


class Act(NamedTuple):
    """Something that a unit, or a user, did about a child: a look-up, or what may follow one."""

    who: str
    about: bytes
    at: int
    look: bool
    unit: str = ""
    """Whose hours count; `who` where it is empty."""


@dataclass(slots=True)
class Sum:
    """Somebody's look-ups."""

    looks: int = 0
    settled: int = 0
    """Old enough for an act to have followed."""
    unfollowed: int = 0
    out_of_hours: int = 0


class Row(NamedTuple):
    """Somebody's look-ups beside their peers'; a rate is None where there is nothing to divide by."""

    who: str
    group: str
    sum: Sum
    unfollowed_rate: float | None
    peers_unfollowed: float | None
    out_rate: float | None
    peers_out: float | None
    marks: tuple[str, ...]
    """`unfollowed`, `out_of_hours`: far above the peers'."""


def of_record(record: StampRecord) -> Act | None:
    """Return what a record of the gate tells of; None where it is neither look-up nor act."""
    look: bool
    match record.kind:
        case "decision" if record.ask or record.type == _CONTACT:
            look = True
        case "decision" if record.outcome == "permit":
            look = False
        case "event" if record.type == "act.logged" and record.outcome == "accepted":
            look = record.code == LOOKED_UP
        case "event" if record.outcome == "accepted" and not record.type.startswith(("key.", "log.")):
            look = False
        case "receipt" if record.outcome == "acted":
            look = False
        case _:
            return None
    return Act(record.sender, record.ref, record.decided_at, look)


def tally(
    acts: Iterable[Act], since: int, before: int, *, days: int, hours_of: Callable[[str], str] = lambda unit: "",
    default: str = HOURS, now: int,
) -> dict[str, Sum]:  # fmt: skip
    """Count look-ups from `since` and before `before` (ms), in any order of acts.

    Args:
        acts: of that time, and of `days` more after it.
        since: first moment.
        before: end.
        days: in which an act must follow.
        hours_of: a unit's hours, as people write them.
        default: hours of a unit whose own cannot be read.
        now: look-ups nearer than `days` may still be followed.
    """
    looks: list[Act] = []
    followed: defaultdict[tuple[str, bytes], list[int]] = defaultdict(list)
    for each in acts:
        if each.look:
            if since <= each.at < before:
                looks.append(each)
        else:
            followed[(each.unit or each.who, each.about)].append(each.at)
    for times in followed.values():
        times.sort()
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    for look in looks:
        found, unit = sums[look.who], look.unit or look.who
        found.looks += 1
        found.out_of_hours += not _open(hours_of(unit), default, look.at)
        times = followed.get((unit, look.about), [])
        at = bisect_right(times, look.at)
        if at < len(times) and times[at] <= look.at + days * _DAY_MS:
            found.settled += 1
        elif look.at + days * _DAY_MS < now:
            found.settled += 1
            found.unfollowed += 1
    return dict(sums)


def _open(hours: str, default: str, at: int) -> bool:
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(STOCKHOLM)
    found = is_open(hours, local) if hours else None
    return bool(is_open(default, local)) if found is None else found


def compare(sums: Mapping[str, Sum], group_of: Callable[[str], str]) -> list[Row]:
    """Return everybody beside the others of their group, those to ask about first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for who in sums:
        groups[group_of(who)].append(who)
    rows = []
    for group, members in groups.items():
        for who in members:
            own = sums[who]
            peers = [sums[each] for each in members if each != who]
            rate, out = _rate(own.unfollowed, own.settled), _rate(own.out_of_hours, own.looks)
            theirs = _rate(sum(x.unfollowed for x in peers), sum(x.settled for x in peers))
            theirs_out = _rate(sum(x.out_of_hours for x in peers), sum(x.looks for x in peers))
            marks = [
                name
                for name, count, mine, others in (
                    ("unfollowed", own.unfollowed, rate, theirs),
                    ("out_of_hours", own.out_of_hours, out, theirs_out),
                )
                if count >= _ENOUGH and mine is not None and others is not None and mine > _TIMES * others
            ]
            rows.append(Row(who, group, own, rate, theirs, out, theirs_out, tuple(marks)))
    return sorted(rows, key=lambda row: (-len(row.marks), -(row.unfollowed_rate or 0), -row.sum.looks, row.who))


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def plain(row: Row) -> list[str | int | float | list[str] | None]:
    """Return a row as JSON, by `COLUMNS`."""
    found = row.sum
    return [row.who, row.group, found.looks, found.settled, found.unfollowed, row.unfollowed_rate,
            row.peers_unfollowed, found.out_of_hours, row.out_rate, row.peers_out, list(row.marks)]  # fmt: skip


def cells(row: Row) -> list[str]:
    """Return a row as text, by `COLUMNS`."""
    return [_cell(each) for each in plain(row)]


def _cell(value: str | float | list[str] | None) -> str:
    match value:
        case None:
            return ""
        case list():
            return " ".join(value)
        case float():
            return f"{value:.3f}"
        case _:
            return str(value)
