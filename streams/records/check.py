"""Is every leaf's record here, or an erasure that names it? `samband audit check`.

    report = check(store, known)
    report.findings                  nothing, if all is well

A finding is: a number of a gate partition without its leaf (`missing`); a leaf with neither record nor erasure
(`gone`); a record that does not open, or is not the one that its entry names (`broken`); an erasure that is no leaf of
its own or names other entries (`erasure`); a record that an erasure names and that is still here, or a month's key that
came back (`back`); a leaf that stands on the topic or in the log and not here (`unknown`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from samband.schemas.errors import SambandError
from samband.streams.records.erasure import ERASURE, Wish, digest
from samband.streams.records.store import Leaf, RecordStore, State

__all__ = ["Finding", "Report", "check"]


class Finding(NamedTuple):
    """Something that is not as it must be: numbers of a gate partition, first to last; `entry` where it is known."""

    kind: str
    partition: int | None = None
    first: int | None = None
    last: int | None = None
    entry: bytes | None = None
    code: str = ""


@dataclass(slots=True)
class Report:
    """What was counted and what was found."""

    leaves: int = 0
    kept: int = 0
    erased: int = 0
    compared: int = 0
    """Leaves of the topic or log that were looked for here."""
    findings: list[Finding] = field(default_factory=list)
    alarms: dict[str, int] = field(default_factory=dict)
    """What the keeper met since the store began, by kind."""
    waiting: int = 0
    """Erasures that are asked for and not carried out yet."""


def check(store: RecordStore, known: Iterable[tuple[bytes, int, int]] = ()) -> Report:
    """Look at every leaf.

    Args:
        store: the records.
        known: (entry, partition, audit_seq) of leaves that are known from elsewhere: the topic, the log's tiles.
    """
    report = Report(alarms=store.counts())
    groups: defaultdict[bytes, list[bytes]] = defaultdict(list)
    expected: dict[int, int] = {}
    for leaf in store.leaves():
        report.leaves += 1
        report.findings += _numbers(leaf, expected)
        if leaf.erasure is not None:
            report.erased += 1
            groups[leaf.erasure].append(leaf.entry)
            if leaf.sealed is not None:
                report.findings.append(_at(leaf, "back"))
        elif leaf.sealed is None:
            report.findings.append(_at(leaf, "gone"))
        else:
            report.kept += 1
            report.findings += _opens(store, leaf)
    for partition, following in store.partitions().items():
        if (first := expected.get(partition, 1)) < following:
            report.findings.append(Finding("missing", partition, first, following - 1))
    for erasure, entries in groups.items():
        report.findings += _erasure(store, erasure, entries)
    report.findings += _keys(store)
    report.waiting = len(store.erasures(State.ASKED, State.STAMPED, State.ERASED))
    for entry, partition, seq in known:
        report.compared += 1
        if store.find(entry) is None:
            report.findings.append(Finding("unknown", partition, seq, seq, entry))
    return report


def _at(leaf: Leaf, kind: str, code: str = "") -> Finding:
    return Finding(kind, leaf.partition, leaf.audit_seq, leaf.audit_seq, leaf.entry, code)


def _numbers(leaf: Leaf, expected: dict[int, int]) -> Iterator[Finding]:
    following = expected.get(leaf.partition, 1)
    if leaf.audit_seq > following:
        yield Finding("missing", leaf.partition, following, leaf.audit_seq - 1)
    expected[leaf.partition] = max(following, leaf.audit_seq + 1)


def _opens(store: RecordStore, leaf: Leaf) -> Iterator[Finding]:
    try:
        store.open(leaf)
    except SambandError as error:
        yield _at(leaf, "broken", error.code)


def _erasure(store: RecordStore, erasure: bytes, entries: list[bytes]) -> Iterator[Finding]:
    """Say whether an erasure is a leaf of its own that names exactly these entries."""
    leaf = store.find(erasure)
    code = "ERASURE_MISSING"
    if leaf is not None:
        try:
            record = store.open(leaf)
            if record.kind == ERASURE and record.leaf == digest(store.realm, entries):
                return
            code = "ERASURE_OTHER"
        except SambandError as error:
            code = error.code
    for entry in entries:
        gone = store.find(entry)
        yield Finding("erasure", *(_at(gone, "")[1:4] if gone else (None, None, None)), entry, code)


def _keys(store: RecordStore) -> Iterator[Finding]:
    for each in store.erasures(State.DONE):
        if (month := Wish.decode(each.wish).month) and store.keys.has(month):
            yield Finding("back", entry=each.entry, code="MONTH_KEY")
