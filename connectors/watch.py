"""What does not come: heads, cards, answers and receipts that are overdue. It reports, and blocks nothing.

    watch = Watch(party)
    watch.look(now, passed)         every few seconds; `passed`: ms since the last look in which the inbox was read

Each alarm is an episode: logged once when it begins, once when it ends, counted, and kept in the store for `doctor` and
for metrics. Only time in which the connector itself was at the inbox's end counts, so that one that was off for a night
catches up first. What is counted is kept: a connector that restarts every hour is not blind.

    head/<partition>      when the last head came, ms by the own clock
    quiet/<partition>     ms of reading since then
    hub/reached           when the inbox was read to its end last, to half a minute
    alarm/<name>          since when the episode lasts, 0 when none does
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from samband.connectors.boxes import count

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import Store
    from samband.schemas.stamp import StampRecord

__all__ = [
    "DIRECTORY", "HUB_SILENT", "LATE", "LATE_MS", "NAMED", "REACHED", "SILENCE_MS", "UNDECIDED_MS", "Watch", "alarm",
    "begin_to_reach", "episode", "heard",
]  # fmt: skip

log = logging.getLogger("samband.connector")

SILENCE_MS: Final = 75 * 60_000
"""Time without a head: two and a half of the gate's half hours, so that one may be lost."""
DIRECTORY_MS: Final = 5 * 60_000
"""How long a card may take that the gate decides by already."""
UNDECIDED_MS: Final = 10 * 60_000
"""How long the gate may take to decide; it takes milliseconds, and a restart takes seconds."""
LATE_MS: Final = 24 * 3_600_000
"""How long a hand-over may take after the permit: the far side may be shut over night."""

DIRECTORY: Final = "directory"
HUB_SILENT: Final = "hub"
LATE: Final = "late"
REACHED: Final = "hub/reached"

NAMED: Final = "named/"
"""Before size, root and log entry: a checkpoint that a head named, and that is not compared with the mirror yet."""
_NAMED_MOST: Final = 1000
_LOOK_FOR_LATE_MS: Final = 5 * 60_000


def alarm(store: Store, name: str) -> int:
    """Return since when (ms) something is overdue, 0 where it is not. `name` of a partition's heads: its number."""
    return store.number(f"alarm/{name}") or 0


def episode(store: Store, name: str, on: bool, now: int, code: str, words: str) -> None:
    """Say once that an alarm begins, and once that it is over; inside a transaction of the caller's."""
    since = alarm(store, name)
    extra = {"code": code, "alarm": name}
    if on and not since:
        store.keep_number(f"alarm/{name}", now)
        count(store, code.lower())
        log.error(words, extra=extra)
    elif since and not on:
        store.keep_number(f"alarm/{name}", 0)
        log.warning("alarm is over", extra=extra)


def heard(party: Party, stamp: StampRecord, entry: bytes, partition: int, now: int) -> None:
    """Take what a stamp says beside its matter; inside a transaction of the caller's.

    A head that was held back for longer than silence lasts is no sign of life.
    """
    store = party.store
    if stamp.kind != "head":
        if stamp.directory > party.directory.version:
            store.keep_number("directory/named", max(stamp.directory, store.number("directory/named") or 0))
        return
    store.keep_number("directory/named", stamp.directory)
    if (named := stamp.checkpoint) is not None and len(store.numbers(NAMED)) < _NAMED_MOST:
        store.keep_number(f"{NAMED}{named[0]}/{named[1].hex()}/{entry.hex()}", now)
    if abs(now - stamp.decided_at) < SILENCE_MS:
        store.keep_number(f"head/{partition}", now)
        store.keep_number(f"quiet/{partition}", 0)


def begin_to_reach(store: Store, now: int) -> None:
    """Count from now on how long the hub is away, where it was never reached."""
    if store.number(REACHED) is None:
        with store.transaction():
            store.keep_number(REACHED, now)


class Watch:
    """Looks after one party's store."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._store = party.store
        self._since_late = _LOOK_FOR_LATE_MS
        self._sent: dict[int, int] = {}
        """Partition → seq of the oldest message that was sent and not decided, at the last look."""
        self._undecided: dict[int, int] = {}
        """Partition → ms of reading since that one is the oldest."""

    def look(self, now: int, passed: int) -> None:
        """Look once; `passed` ms have gone by at the inbox's end since the last look."""
        store = self._store
        with store.transaction():
            if passed:
                store.keep_number(REACHED, now)
            for partition in range(self._party.root.shards):
                quiet = self._add(f"quiet/{partition}", passed)
                self._episode(str(partition), quiet >= SILENCE_MS, now, "GATE_SILENT", "no head from the gate")
            behind = (store.number("directory/named") or 0) > self._party.directory.version
            waited = self._add("directory/behind", passed) if behind else self._set("directory/behind", 0)
            self._episode(DIRECTORY, waited > DIRECTORY_MS, now, "DIRECTORY_WITHHELD", "directory records are withheld")
            oldest = store.undecided_since()
            self._undecided = {
                partition: self._undecided.get(partition, 0) + passed if self._sent.get(partition) == seq else 0
                for partition, seq in oldest.items()
            }
            self._sent = oldest
            waited = max(self._undecided.values(), default=0)
            self._episode(HUB_SILENT, waited > UNDECIDED_MS, now, "HUB_SILENT", "the hub does not answer")
            self._since_late += passed
            if self._since_late >= _LOOK_FOR_LATE_MS:
                self._since_late = 0
                self._look_for_late(now)

    def _look_for_late(self, now: int) -> None:
        late = self._store.overdue(now - LATE_MS)
        self._set("late", late)
        self._episode(LATE, late > 0, now, "RECEIPTS_MISSING", "messages are not handed over in time")

    def _add(self, key: str, ms: int) -> int:
        found = self._store.number(key) or 0
        return found if ms == 0 else self._set(key, found + ms)

    def _set(self, key: str, value: int) -> int:
        if (self._store.number(key) or 0) != value:
            self._store.keep_number(key, value)
        return value

    def _episode(self, name: str, on: bool, now: int, code: str, words: str) -> None:
        episode(self._store, name, on, now, code, words)
