"""How each witness stands to the log, from its own signed words: the hub's side of a fork toward one witness.

    keep_word(journal, name, checkpoint, at, agrees)      a verified word; on a state that is not the log's: an alarm
    standings(journal, names, now)                        [(name, size, at, state), …]

A witness that was shown another log cosigns that one, and its word comes here by way of the gate. Either the log's key
has signed two states, and the witness has both as evidence, or the witness lies. One whose last word is far behind what
it was asked has stopped, was cut off, or has seen what it cannot cosign: its own doctor says which.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from samband.streams.log.checkpoint import Checkpoint
from samband.streams.log.journal import Alarm, Journal
from samband.streams.log.note import Note

__all__ = ["BEHIND_MS", "Stand", "Standing", "keep_word", "standings"]

BEHIND_MS: Final = 15 * 60_000
"""How long a witness may take; it takes seconds, and a restart takes minutes."""
_WORD: Final = "word/"
_AGAINST: Final = "against/"


class Stand(StrEnum):
    """What a witness's words say of the log."""

    AGREES = "agrees"
    BEHIND = "behind"
    DISAGREES = "disagrees"
    SILENT = "silent"


class Standing(NamedTuple):
    """A witness, by its name as a cosigner. `at`: when it said so, ms since 1970 UTC by its own clock."""

    name: str
    size: int
    at: int
    state: Stand


def keep_word(journal: Journal, name: str, checkpoint: Checkpoint, at: int, *, agrees: bool) -> None:
    """Keep a witness's verified word, within a transaction of the journal; an alarm where it is on another log."""
    if agrees:
        journal.put(_WORD + name, f"{checkpoint.size} {at}".encode())
        return
    if journal.get(_AGAINST + name) is None:
        journal.alarm(Alarm("disagrees", "LOG_FORK", None, None, None, time.time_ns() // 1_000_000))
    journal.put(_AGAINST + name, f"{checkpoint.size} {at} {checkpoint.root.hex()}".encode())


def standings(journal: Journal, names: Iterable[str], now: int) -> list[Standing]:
    """Return how each of these witnesses stands at `now` (ms), those first that somebody must look at."""
    asked = journal.get("asked")
    wanted = Checkpoint.parse(Note.parse(asked).text).size if asked else 0
    asked_at = journal.number("asked/at")
    found = []
    for name in sorted(set(names)):
        size, at = _read(journal.get(_WORD + name))
        late = max(now - asked_at, asked_at - at) > BEHIND_MS
        state = Stand.SILENT if not at else Stand.BEHIND if size < wanted and late else Stand.AGREES
        if against := journal.get(_AGAINST + name):
            (size, at), state = _read(against), Stand.DISAGREES
        found.append(Standing(name, size, at, state))
    order = [Stand.DISAGREES, Stand.BEHIND, Stand.SILENT, Stand.AGREES]
    return sorted(found, key=lambda each: order.index(each.state))


def _read(value: bytes | None) -> tuple[int, int]:
    size, at, *_ = (value or b"0 0").split()
    return int(size), int(at)
