"""The log's tree as the console shows it: the signed checkpoint, who has witnessed it, and whether it has an entry.

    state_of(home, directory)              the checkpoint and its witnesses, verified now; None where there is no log
    inclusion_of(home, directory, entry)   proved now, from the tiles

The sequencer's journal says only where to look; what is believed follows from tiles, checkpoint and keys.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from samband.schemas.errors import SambandError
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.checkpoint import Checkpoint, cosigners, opened, origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Journal
from samband.streams.log.standing import Standing, standings
from samband.streams.log.tiles import CHECKPOINT, Tiles
from samband.streams.log.tree import inclusion, verify_inclusion
from samband.streams.log.witnessed import WITNESSED, witnesses_of

if TYPE_CHECKING:
    from samband.streams.authority import Home
    from samband.streams.directory import Directory
    from samband.streams.log.note import Note

__all__ = ["Inclusion", "LogState", "inclusion_of", "stands_of", "state_of"]


@dataclass(frozen=True, slots=True)
class LogState:
    """A checkpoint that the log's key signed, and the newest one that witnesses stand behind."""

    size: int
    root: bytes
    witnessed: int
    """Leaves of the witnessed checkpoint; 0 where there is none."""
    witnesses: tuple[tuple[str, int], ...]
    """(party, milliseconds since 1970 UTC) of each word on it."""
    alarms: dict[str, int]
    code: str = ""
    """What does not hold; empty where all does."""
    standings: tuple[Standing, ...] = ()
    """How each witness that the directory names stands, those first that somebody must look at."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Whether an entry is a leaf of the log: `index` and `steps` where it was proved, else `code` says why not."""

    index: int = -1
    size: int = 0
    steps: int = 0
    witnessed: bool = False
    code: str = ""


def state_of(home: Home, directory: Directory) -> LogState | None:
    """Return the log's state; None where this hub keeps no log yet."""
    folder = LogFolder(home.hub / "log-tiles")
    if not (folder.path / CHECKPOINT).exists():
        return None
    alarms = _alarms(home)
    try:
        checkpoint, _ = _opened(home, directory, folder.read(CHECKPOINT))
        witnessed, note = _witnessed(home, directory, folder)
        known = witnesses_of(home.root, directory, time.time_ns() // 1_000_000)
        said = cosigners(note, known) if note is not None else []
    except (OSError, SambandError) as error:
        code = error.code if isinstance(error, SambandError) else "LOG_READ"
        return LogState(0, b"", 0, (), alarms, code, stands_of(home, directory))
    names = tuple((each.witness.name.rpartition("/")[2], each.timestamp * 1000) for each in said)
    return LogState(checkpoint.size, checkpoint.root, witnessed, names, alarms, "", stands_of(home, directory))


def inclusion_of(home: Home, directory: Directory, entry: bytes) -> Inclusion:
    """Prove that an entry is in the log, from its tiles."""
    folder = LogFolder(home.hub / "log-tiles")
    if not (folder.path / CHECKPOINT).exists() or not _journal(home).exists():
        return Inclusion(code="LOG_MISSING")
    try:
        checkpoint, _ = _opened(home, directory, folder.read(CHECKPOINT))
        journal = Journal(_journal(home))
        try:
            index = journal.index(entry)
        finally:
            journal.close()
        if index is None or index >= checkpoint.size:
            return Inclusion(size=checkpoint.size, code="LOG_NOT_YET")
        path = inclusion(Tiles(folder.read, checkpoint.size).node, index, checkpoint.size)
        verify_inclusion(leaf_hash(entry), index, checkpoint.size, checkpoint.root, path)
        witnessed, _ = _witnessed(home, directory, folder)
    except (OSError, SambandError) as error:
        return Inclusion(code=error.code if isinstance(error, SambandError) else "LOG_READ")
    return Inclusion(index, checkpoint.size, len(path), index < witnessed)


def _opened(home: Home, directory: Directory, data: bytes) -> tuple[Checkpoint, Note]:
    keys = [
        known.key
        for known in directory.keys.values()
        if known.card.purpose == Purpose.LOG and isinstance(known.key, VerifyKey)
    ]
    return opened(data, keys, origin_of(home.root.realm, home.root.agreement))


def _witnessed(home: Home, directory: Directory, folder: LogFolder) -> tuple[int, Note | None]:
    """Return (leaves, note) of the newest checkpoint with witnesses' words; none where there is none."""
    if not (folder.path / WITNESSED).exists():
        return 0, None
    checkpoint, note = _opened(home, directory, folder.read(WITNESSED))
    known = witnesses_of(home.root, directory, time.time_ns() // 1_000_000)
    return (checkpoint.size if cosigners(note, known) else 0), note


def _journal(home: Home) -> Path:
    return home.hub / "sequencer" / "journal.db"


def stands_of(home: Home, directory: Directory) -> tuple[Standing, ...]:
    """Return how each witness stands, by its party."""
    if not _journal(home).exists():
        return ()
    now = time.time_ns() // 1_000_000
    journal = Journal(_journal(home))
    try:
        known = [each.name for each in witnesses_of(home.root, directory, now)]
        found = standings(journal, known, now)
        return tuple(each._replace(name=each.name.rpartition("/")[2]) for each in found)
    finally:
        journal.close()


def _alarms(home: Home) -> dict[str, int]:
    if not _journal(home).exists():
        return {}
    journal = Journal(_journal(home))
    try:
        return journal.counts()
    finally:
        journal.close()
