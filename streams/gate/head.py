"""The gate's sign of life: a stamped `head` to every inbox, so that whoever hears nothing knows that there was nothing.

A head takes a box number of each inbox like everything else, so the reader knows how far its numbers go; it names the
directory that the gate decides by, and the newest checkpoint of the log that it was shown: a recipient compares that
with the log that it mirrors. It is one record of the log, whoever gets it. Format page: § Suppression.
"""

from __future__ import annotations

from typing import Final

from samband.schemas.stamp import StampRecord, entries_text
from samband.streams.directory import HUB, Directory
from samband.streams.gate.verdicts import Say

__all__ = ["SAID", "head"]

SAID: Final = "said"
"""The outcome of a head."""


def head(directory: Directory, rulebook: bytes, checkpoint: tuple[int, bytes], now: int) -> Say:
    """Return the head that every party of the directory is told at `now` (ms); `checkpoint`: the log's (size, root)."""
    size, root = checkpoint
    record = StampRecord(
        kind="head",
        leaf=directory.head_hash,
        message_id=bytes(16),
        sender="",
        recipient="",
        ref=bytes(16),
        type="",
        outcome=SAID,
        reasons=(entries_text(size),) if size else (),
        user=root,
        rulebook=rulebook,
        directory=directory.version,
        decided_at=now,
        appended_at=now,
    )
    parties = sorted(directory.cards.keys() - {HUB})
    return Say.of(record, directory.realm, tuple((party, b"") for party in parties), answer=False)
