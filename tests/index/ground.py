"""What an index holds, as one value to compare; and rows to fill it with."""

from __future__ import annotations

import hashlib
from typing import Any

from samband.streams.index.rows import Row, day_of
from samband.streams.index.store import IndexStore, Sum

__all__ = ["picture", "row"]


def picture(store: IndexStore) -> tuple[list[Sum], int, str]:
    """Return totals, number of records, and a digest over every row and token."""
    digest = hashlib.sha256()
    for query in (
        "SELECT * FROM places ORDER BY place", "SELECT * FROM grounds ORDER BY token, place",
        "SELECT * FROM leans ORDER BY token, place", "SELECT * FROM unread ORDER BY place",
    ):  # fmt: skip
        for each in store.engine.rows(query):
            digest.update(repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in each)).encode())
    counted = store.engine.rows("SELECT count(*) FROM places")[0][0]
    assert counted == len(store), "the totals are not those of the rows"
    return store.sums(), counted, digest.hexdigest()


def row(number: int, **changes: Any) -> Row:
    """Return a made-up row, the same for the same number."""
    at = 1_790_000_000_000 + number * 7_200_000
    values: dict[str, Any] = {
        "place": number, "entry": hashlib.sha256(str(number).encode()).digest(), "month": 202609 + number % 2, "at": at,
        "day": day_of(at), "kind": ("decision", "receipt")[number % 2],
        "outcome": ("permit", "deny", "ask")[number % 3],
        "sender": number % 5, "recipient": -(number % 7), "type": number % 3, "message": number * 2**40,
        "subject": number if number % 4 else None, "child": number % 11, "grounds": frozenset({number % 3, -1}),
        "leans": frozenset({number % 13}), **changes,
    }  # fmt: skip
    return Row(**values)
