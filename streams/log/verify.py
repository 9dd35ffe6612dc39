"""Verification that trusts no one: everything in a log's folder is worked out anew from its entries. Pure.

    report = verify(read, [log_key], origin, progress)
    report.differences          nothing, if all is well

Only the log's public key comes from elsewhere. A difference names a path and why; nothing that the folder says about
itself is used before it is checked against the entries, and the entries against the signed root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from samband.schemas.errors import SambandError
from samband.streams.crypto.keys import VerifyKey
from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.checkpoint import Checkpoint, Witness, cosigners, opened
from samband.streams.log.note import Note
from samband.streams.log.tiles import CHECKPOINT, Read, Tiles, tile_path
from samband.streams.log.tree import WIDTH, Edge

__all__ = ["WITNESSED", "Difference", "Report", "verify"]

WITNESSED: Final = "checkpoint.witnessed"
"""The newest checkpoint with its witnesses' cosignatures, beside the newest one of all."""


class Difference(NamedTuple):
    """What is not as it must be, and where."""

    path: str
    code: str


@dataclass(slots=True)
class Report:
    """What was read and what was found."""

    size: int = 0
    root: bytes = b""
    tiles: int = 0
    witnessed: int = 0
    """Size of the newest checkpoint with cosignatures; 0 where there is none."""
    witnesses: list[str] = field(default_factory=list)
    """Names of witnesses whose cosignature on it holds."""
    differences: list[Difference] = field(default_factory=list)


def verify(
    read: Read,
    keys: Sequence[VerifyKey],
    origin: str,
    witnesses: Sequence[Witness] = (),
    progress: Callable[[int, int], None] = lambda done, size: None,
    *,
    beside: Sequence[tuple[str, Checkpoint]] = (),
    tiles_too: bool = True,
) -> Report:
    """Work everything out anew and compare.

    Args:
        read: gives the bytes of a path of the log.
        keys: the log's public keys, from somewhere else.
        origin: the log's name.
        witnesses: whose cosignatures are looked at.
        progress: told (entries read, size) now and then.
        beside: checkpoints from elsewhere, each with a name for it: every one must be a beginning of this log.
        tiles_too: whether there are tiles to compare; the log's topic has entries and checkpoints only.
    """
    report = Report()
    checkpoint, _ = _head(read, CHECKPOINT, keys, origin, report)
    if checkpoint is None:
        return report
    report.size, report.root = checkpoint.size, checkpoint.root
    older, note = _witnessed(read, keys, origin, report)
    beginnings = [(WITNESSED, older)] if older is not None else []
    beginnings += [*beside]
    edge = Edge()
    _begins(edge, beginnings, report)
    tiles = Tiles(read, checkpoint.size)
    for n in range(-(-checkpoint.size // WIDTH)):
        try:
            entries = tiles.entries(n)
        except SambandError as error:
            report.differences.append(Difference(f"tile/entries/{n}", error.code))
            return report  # nothing above it can be worked out
        for entry in entries:
            for level, hashes in edge.append(leaf_hash(entry)):
                if tiles_too:
                    _compare(tiles, level, edge.size // WIDTH ** (level + 1) - 1, hashes, report)
            _begins(edge, beginnings, report)
        progress(edge.size, checkpoint.size)
    for level, hashes in enumerate(edge.levels):
        if hashes and tiles_too:
            _compare(tiles, level, edge.size // WIDTH ** (level + 1), hashes, report)
    if edge.root() != checkpoint.root:
        report.differences.append(Difference(CHECKPOINT, "LOG_ROOT"))
    report.differences += [
        Difference(CHECKPOINT if name == WITNESSED else name, "LOG_ROLLED_BACK")
        for name, each in beginnings
        if each.size > checkpoint.size
    ]
    if note is not None:
        _said(note, witnesses, report)
    return report


def _begins(edge: Edge, beginnings: Sequence[tuple[str, Checkpoint]], report: Report) -> None:
    for name, each in beginnings:
        if each.size == edge.size and each.root != edge.root():
            report.differences.append(Difference(name, "LOG_FORK"))


def _head(
    read: Read, path: str, keys: Sequence[VerifyKey], origin: str, report: Report
) -> tuple[Checkpoint | None, Note | None]:
    try:
        return opened(read(path), keys, origin)
    except FileNotFoundError:
        report.differences.append(Difference(path, "LOG_TILE_MISSING"))
    except SambandError as error:
        report.differences.append(Difference(path, error.code))
    return None, None


def _witnessed(
    read: Read, keys: Sequence[VerifyKey], origin: str, report: Report
) -> tuple[Checkpoint | None, Note | None]:
    try:
        read(WITNESSED)
    except FileNotFoundError:
        return None, None  # nobody has witnessed yet
    found = _head(read, WITNESSED, keys, origin, report)
    report.witnessed = found[0].size if found[0] else 0
    return found


def _said(note: Note, witnesses: Sequence[Witness], report: Report) -> None:
    try:
        report.witnesses = sorted({each.witness.name for each in cosigners(note, witnesses)})
    except SambandError as error:
        report.differences.append(Difference(WITNESSED, error.code))


def _compare(tiles: Tiles, level: int, n: int, hashes: list[bytes], report: Report) -> None:
    report.tiles += 1
    path = tile_path(level, n, len(hashes))
    try:
        if tiles.tile(level, n) != hashes:
            report.differences.append(Difference(path, "LOG_TILE"))
    except SambandError as error:
        report.differences.append(Difference(path, error.code))
