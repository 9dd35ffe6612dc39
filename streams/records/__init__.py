"""The hub's records: what the gate decided, kept as long as the law asks for it and not longer.

    for each in read(home, since=…):          Kept(partition, audit_seq, entry, record), oldest first
    with opened(home) as store: …             the store itself, for checks and for what is to be erased

A station of its own: it meets the gate only on the audit topic. Only the hub's own user can open what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from samband.schemas.errors import OperatorError
from samband.streams.audit import month_of
from samband.streams.records.store import RecordStore

if TYPE_CHECKING:
    from samband.schemas.stamp import StampRecord
    from samband.streams.authority import Home

__all__ = ["Kept", "opened", "read"]


class Kept(NamedTuple):
    """A record that is kept, with its log entry and its place."""

    partition: int
    audit_seq: int
    entry: bytes
    record: StampRecord


@contextmanager
def opened(home: Home) -> Iterator[RecordStore]:
    """Give the store of a hub.

    Raises:
        OperatorError: there is none yet (`RECORDS_MISSING`), or it cannot be opened.
    """
    path = home.hub / "records" / "records.db"
    if not path.exists():
        raise OperatorError("RECORDS_MISSING", "this hub has kept no records yet", "samband hub up keeps them")
    store = RecordStore(path, home.audit_keys, home.root.realm)
    try:
        yield store
    finally:
        store.close()


def read(home: Home, *, since: datetime | None = None, before: datetime | None = None) -> Iterator[Kept]:
    """Yield the records decided from `since` and before `before`, oldest first; what is erased is not among them.

    Raises:
        OperatorError: there is no store, or a month's key is missing.
        TrustError: a record is altered.
    """
    first = int(since.timestamp() * 1000) if since else 0
    last = int(before.timestamp() * 1000) if before else 1 << 62
    months = (month_of(first), month_of(last) if before else 999_999)
    with opened(home) as store:
        for leaf in store.kept_and_erasures(*months):
            record = store.open(leaf)
            if first <= record.decided_at < last:
                yield Kept(leaf.partition, leaf.audit_seq, leaf.entry, record)
