"""How much the gate says of what it could not read: so many notes an hour and partition, and of the rest one number.

Whoever may write to an outbox may write a million records that nobody can read. The first of each hour get a note of
their own; all others of that hour share one, which is written again each time their number has doubled, and once more
at the first turn of a later hour. So an hour costs at most `NOTES_AN_HOUR` notes and a few dozen, however many came.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from samband.streams.gate.state import View
from samband.streams.quarantine import FLOOD, flood_note, note

__all__ = ["NOTES_AN_HOUR", "Aside", "set_aside"]

NOTES_AN_HOUR: Final = 100
"""Notes of their own, per partition and hour of the gate's clock."""

NAME: Final = b"rate/quarantine"
_HOUR_MS: Final = 3_600_000
_FORM: Final = struct.Struct(">IIQQQQ")


class Aside(NamedTuple):
    """A note to write, and what the log says of it."""

    name: bytes
    note: bytes
    offset: int
    code: str


@dataclass(slots=True)
class _Hour:
    """What was put aside in one hour."""

    hour: int
    noted: int = 0
    rest: int = 0
    told: int = 0
    """Of the rest, as the last note said."""
    first: int = 0
    last: int = 0

    def add(self, offset: int) -> None:
        self.first = self.first if self.rest else offset
        self.last = offset
        self.rest += 1

    def tell(self, place: tuple[str, int], now: int) -> Aside:
        self.told = self.rest
        return Aside(*flood_note(place, self.hour, self.rest, (self.first, self.last), now), self.first, FLOOD)


def set_aside(found: Sequence[tuple[int, str, int]], view: View, place: tuple[str, int], now: int) -> list[Aside]:
    """Return the notes that a turn writes about what it could not read.

    Args:
        found: (offset, code, size) in order.
        view: the partition's state; how much of the hour's room is used is kept in it.
        place: topic and partition.
        now: ms since 1970 UTC.
    """
    kept = view.get(NAME)
    this, notes = _Hour(*_FORM.unpack(kept)) if kept else _Hour(0), list[Aside]()
    before = this.hour
    if this.hour != now // _HOUR_MS and (found or this.rest > this.told):
        if this.rest > this.told:
            notes.append(this.tell(place, now))
        this = _Hour(now // _HOUR_MS)
    for offset, code, size in found:
        if this.noted < NOTES_AN_HOUR:
            this.noted += 1
            notes.append(Aside(*note(place, offset, code, size, now), offset, code))
        else:
            this.add(offset)
    if this.rest > this.told and this.rest >= 2 * this.told:
        notes.append(this.tell(place, now))
    if found or this.hour != before:
        view.put(NAME, _FORM.pack(this.hour, this.noted, this.rest, this.told, this.first, this.last))
    return notes
