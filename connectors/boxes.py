"""The numbers of the own inbox: each gate partition counts what it writes, so that what is missing shows.

    place = take_number(store, partition, number, now)      NEXT, LATE or REPEAT
    gaps(store)                                             what is missing, oldest first

A gap stops nothing: what comes after it is taken. A record that comes late is taken once, if its number is missing; any
other number that is not higher than the last is a repeat and dropped. At most 1 000 gaps are remembered, the newest.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from samband.connectors.store import Store

__all__ = ["Gap", "Place", "count", "gaps", "take_number"]

log = logging.getLogger("samband.connector")

_KEY: Final = "gaps"
_MOST: Final = 1000
"""More gaps than this are no loss but another inbox: about 40 kB."""


class Place(StrEnum):
    """Where a number stands among those that came."""

    NEXT = "next"
    LATE = "late"
    REPEAT = "repeat"


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """Numbers that are missing, both ends included."""

    partition: int
    first: int
    last: int
    at: int
    """When it was noticed, in ms by the own clock."""


_decoder: Final = msgspec.json.Decoder(list[Gap])


def gaps(store: Store) -> list[Gap]:
    """Return what is missing, oldest first."""
    data = store.kept(_KEY)
    return [] if data is None else _decoder.decode(data)


def count(store: Store, name: str) -> None:
    """Count something that should not happen; inside a transaction of the caller's."""
    key = f"count/{name}"
    store.keep_number(key, (store.number(key) or 0) + 1)


def take_number(store: Store, partition: int, number: int, now: int) -> Place:
    """Keep a box number and say where it stands; inside a transaction of the caller's."""
    key = f"box/{partition}"
    last = store.number(key) or 0
    if number <= last:
        return _late(store, partition, number)
    if number > last + 1:
        found = [*gaps(store), Gap(partition, last + 1, number - 1, now)]
        store.keep(_KEY, msgspec.json.encode(found[-_MOST:]))
        count(store, "box_gap")
        log.error("inbox records are missing", extra={"code": "BOX_GAP", "missing": number - last - 1})
    store.keep_number(key, number)
    return Place.NEXT


def _late(store: Store, partition: int, number: int) -> Place:
    found = gaps(store)
    for index, gap in enumerate(found):
        if gap.partition == partition and gap.first <= number <= gap.last:
            left = (Gap(partition, gap.first, number - 1, gap.at), Gap(partition, number + 1, gap.last, gap.at))
            found[index : index + 1] = [each for each in left if each.first <= each.last]
            store.keep(_KEY, msgspec.json.encode(found))
            count(store, "box_late")
            log.warning("missing inbox record came late", extra={"code": "BOX_LATE"})
            return Place.LATE
    return Place.REPEAT
