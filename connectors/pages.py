"""What a party said and what came to it, page by page: the store's own numbers are the places between pages.

    for number, message_id in letters_after(store, 0, 50, states=("waiting",))

A page never shifts while somebody turns it: what comes meanwhile has a higher number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from samband.connectors.store import OutboxRow, Step

if TYPE_CHECKING:
    from samband.connectors.store import Store

__all__ = ["last_step", "letters_after", "letters_before", "said_before", "said_of", "steps_after"]

Place = tuple[int, bytes]
"""The store's number of a row, and its message id."""
_LAST = 1 << 62
_SAID = "message_id, partition, seq, type, state, created"


def letters_after(store: Store, after: int, limit: int, *, unit: str = "", states: Sequence[str] = ()) -> list[Place]:
    """Return letters with a higher number, oldest first; of one unit and in some states where those are given."""
    marks = ",".join("?" * len(states))
    where = f" AND state IN ({marks})" if states else ""
    rows = store.database.execute(
        f"SELECT id, message_id FROM inbox WHERE id > ? AND ? IN ('', unit){where} ORDER BY id LIMIT ?",
        (after, unit, *states, limit),
    )
    return [(number, bytes(message_id)) for number, message_id in rows]


def letters_before(
    store: Store, before: int, limit: int, *, units: Sequence[str], states: Sequence[str] = ()
) -> list[Place]:
    """Return letters of some units with a lower number (0: all), newest first; in some states where those are given."""
    marks, wanted = ",".join("?" * len(units)), ",".join("?" * len(states))
    where = f" AND state IN ({wanted})" if states else ""
    rows = store.database.execute(
        f"SELECT id, message_id FROM inbox WHERE id < ? AND unit IN ({marks}){where} ORDER BY id DESC LIMIT ?",
        (before or _LAST, *units, *states, limit),
    )
    return [(number, bytes(message_id)) for number, message_id in rows]


def said_before(store: Store, before: int, limit: int) -> list[tuple[int, OutboxRow]]:
    """Return what was said with a lower number (0: all), newest first, receipts and pieces of files left out."""
    rows = store.database.execute(
        f"SELECT id, {_SAID} FROM outbox WHERE type != 'receipt' AND main IS NULL AND id < ? ORDER BY id DESC LIMIT ?",
        (before or _LAST, limit),
    )
    return [(row[0], OutboxRow(bytes(row[1]), *row[2:])) for row in rows]


def said_of(store: Store, message_id: bytes) -> OutboxRow | None:
    """Return a message that was said, None where this store did not say it."""
    row = store.database.execute(f"SELECT {_SAID} FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
    return None if row is None else OutboxRow(bytes(row[0]), *row[1:])


def steps_after(store: Store, after: int, limit: int) -> list[tuple[int, bytes, Step]]:
    """Return (number, message id, step) of all ladders with a higher number, oldest first; not who read what."""
    rows = store.database.execute(
        "SELECT id, message_id, at, kind, outcome, code, detail FROM steps WHERE id > ? AND kind != 'view'"
        " AND message_id NOT IN (SELECT message_id FROM outbox WHERE main IS NOT NULL) ORDER BY id LIMIT ?",
        (after, limit),
    )
    return [(row[0], bytes(row[1]), Step(row[2], row[3], row[4], row[5], json.loads(row[6]))) for row in rows]


def last_step(store: Store) -> int:
    """Return the highest number of a step; 0 where there is none."""
    number: int = store.database.execute("SELECT coalesce(max(id), 0) FROM steps").fetchone()[0]
    return number
