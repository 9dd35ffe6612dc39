"""`samband console rebuild`: the console's index made anew, from the topics and, for what is older, the records."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from samband.connectors.cli.terminal import Answer, Exit, Json, emit, home_of, note, table
from samband.connectors.cli.words import either, say

if TYPE_CHECKING:
    from samband.connectors.console.index import Index
    from samband.streams.records.store import RecordStore

__all__ = ["rebuild"]

_WAIT_S: Final = 120.0
"""Without a step forward; the derived streams need some seconds to begin anew."""
_LOOK_S: Final = 0.5


def rebuild(as_json: Json = False) -> None:
    """Make the console's index anew, from the audit topic, with the same totals.

    It may be done at any time, beside a console that is open: its pages say until then that the index is being made.
    The hub's derived streams forget it and read the topic from its beginning; what is older than the topic keeps comes
    from the hub's records. Where no hub runs, all of it does. An interrupted command has begun it all the same.
    """
    from samband.connectors.console.index import Index
    from samband.streams.hub import is_running
    from samband.streams.index import engine_of
    from samband.streams.records import opened

    home = home_of()
    with opened(home) as records:
        index = Index(engine_of(home), home.audit_keys)
        try:
            index.store.clear(streaming=is_running(home))
            _wait(index, records)
            _tell(index, as_json=as_json)
        finally:
            index.close()


def _wait(index: Index, records: RecordStore) -> None:
    """Return when every record is found.

    Raises:
        Answer: nothing came for long (`TIMEOUT`).
    """
    seen, deadline = -1, time.monotonic() + _WAIT_S
    note(either("Registret görs om.", "The index is being made anew."))
    while True:
        index.follow(records)
        if index.is_level(records):
            return
        if (position := index.position) != seen:
            seen, deadline = position, time.monotonic() + _WAIT_S
        if time.monotonic() > deadline:
            note(either("De härledda strömmarna kommer inte vidare: samband hub status säger om de är igång.",
                        "The derived streams bring nothing: samband hub status tells whether they run."))  # fmt: skip
            raise Answer(Exit.TIMEOUT)
        time.sleep(_LOOK_S)


def _tell(index: Index, *, as_json: bool) -> None:
    """Print how many records of each kind and outcome are found now."""
    totals: Counter[tuple[str, str]] = Counter()
    for each in index.sums():
        totals[each.kind, each.outcome] += each.number
    if as_json:
        rows = [
            {"kind": kind, "outcome": outcome, "number": number} for (kind, outcome), number in sorted(totals.items())
        ]
        emit({"records": len(index), "unreadable": index.unreadable, "totals": rows})
        return
    rows_ = [(say(kind), say(outcome), str(number)) for (kind, outcome), number in sorted(totals.items())]
    table((say("what"), say("outcome"), either("antal", "number")), rows_)
