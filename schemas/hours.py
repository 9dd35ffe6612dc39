"""Hours as people write them, read where they can be read: is somebody there now?

    is_open("mån–fre 8–16.30", at)        True, False, or None where the text is not of this form
    is_open("dygnet runt", at)            True

Parts stand between commas: days (`mån`, `tis–tors`, `mon-fri`) and then hours (`8–16`, `08:00-16:30`). Public holidays
are not known here, so what is said to be open may be closed; `at` is local time.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Final

__all__ = ["is_open"]

_DAYS: Final = {
    name: number
    for names in (
        ("mån", "tis", "ons", "tor", "fre", "lör", "sön"),
        ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
        ("må", "ti", "on", "tors", "fr", "lö", "sö"),
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    )
    for number, name in enumerate(names)
}
_ALWAYS: Final = frozenset({"dygnet runt", "alltid", "always", "24/7", "24 h", "around the clock"})
_NEVER: Final = frozenset({"stängt", "closed"})
_PART: Final = re.compile(
    r"(?:(?P<first>[a-zåäö]+)(?:-(?P<last>[a-zåäö]+))? )?(?P<from>\d{1,2}(?:[.:]\d\d)?)-(?P<to>\d{1,2}(?:[.:]\d\d)?)"
)


def is_open(hours: str, at: datetime) -> bool | None:
    """Say whether hours hold at a local time; None where they are not written in a way that is read here."""
    text = re.sub(r"\s*[–—-]\s*", "-", " ".join(hours.casefold().split()))
    if text in _ALWAYS:
        return True
    if text in _NEVER:
        return False
    found = [_PART.fullmatch(part.strip().removeprefix("kl ")) for part in text.split(",")]
    spans = [span for match in found if match and (span := _span(match))]
    if not spans or len(spans) != len(found):
        return None
    return any(at.weekday() in days and begin <= at.time() < end for days, begin, end in spans)


def _span(match: re.Match[str]) -> tuple[frozenset[int], time, time] | None:
    first, last = match["first"], match["last"]
    if (first and first not in _DAYS) or (last and last not in _DAYS):
        return None
    begin, end = _time(match["from"]), _time(match["to"])
    if begin is None or end is None or begin >= end:
        return None
    if not first:
        return frozenset(range(7)), begin, end
    start = _DAYS[first]
    length = (_DAYS[last] - start) % 7 if last else 0
    return frozenset((start + step) % 7 for step in range(length + 1)), begin, end


def _time(text: str) -> time | None:
    hour, _, minute = text.replace(".", ":").partition(":")
    if hour == "24" and minute in ("", "00"):
        return time.max
    return time(int(hour), int(minute or 0)) if int(hour) < 24 and int(minute or 0) < 60 else None
