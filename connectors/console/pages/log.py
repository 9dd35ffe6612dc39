"""The log as far as it goes: what is kept and erased, what the keeper has met, quarantine, the directory's head."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from samband.connectors.cli.quarantine_words import meaning_of
from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.pages.decisions import row_of
from samband.connectors.console.source import Wanted

__all__ = ["log"]

_ALARMS: Final = 50
_ACTS: Final = 50


def log(ask: Ask) -> Shown:
    """Show the log's state: counts, alarms, quarantine, erasures, and acts that somebody owed the log a line about."""
    source = ask.house.hub
    counts, alarms = source.alarms()
    directory = source.directory
    numbers = Counter[str]()
    for each in source.sums():
        numbers[each.kind] += each.number
    return Shown(
        "log",
        numbers=sorted(numbers.items(), key=lambda each: -each[1]),
        kept=source.kept,
        found=len(source.index),
        unreadable=source.index.unreadable,
        trouble=source.trouble,
        tree=source.log_state(),
        counts=counts,
        alarms=alarms[-_ALARMS:][::-1],
        quarantine=_quarantine(ask),
        erasures=[row_of(ask, each) for each in source.records(Wanted(kinds=("erasure",)), None, _ACTS).rows],
        acts=[row_of(ask, each) for each in source.records(Wanted(type="act.logged"), None, _ACTS).rows],
        head=directory.head,
        head_hash=directory.head_hash.hex(),
    )


def _quarantine(ask: Ask) -> list[dict[str, Any]] | None:
    """Return what was open in the quarantine at the last look; None where Kafka did not answer."""
    watch, words = ask.house.attention, ask.words
    if watch is None or watch.quarantine is None:
        return None
    return [
        {
            "at": each.at,
            "code": each.code,
            "number": each.count,
            "place": f"{each.partition}/{each.offset}",
            "text": words.of((meaning_of(each.code).sv, meaning_of(each.code).en)),
            "todo": words.of((meaning_of(each.code).do_sv, meaning_of(each.code).do_en)),
        }
        for each in watch.quarantine
    ]
