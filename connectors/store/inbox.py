"""What was permitted to a party: a row per letter until it is handed over, refused or recalled; its content erased."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samband.connectors.store.file import PATIENCE_S
from samband.connectors.store.ladder import Ladders
from samband.connectors.store.parts import PartTable
from samband.connectors.store.schema import ENDED
from samband.schemas.errors import InputError

__all__ = ["InboxRow", "InboxTable"]

_ROW: Final = "id, message_id, ref, unit, type, state, code, held, expires, letter, received, changed, erased"
_NO_COPY: Final = "consent.part"
"""The letters that are kept with the consents, not as transport."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message that was permitted to a unit of this party."""

    id: int
    message_id: bytes
    ref: bytes
    unit: str
    type: str
    state: str
    code: str
    held: bool
    expires: int
    letter: dict[str, Any]
    received: int
    changed: int
    erased: int
    """When the content was erased by a disposal decision; 0 while it is kept."""


class InboxTable(Ladders, PartTable):
    """The table `inbox`, and `parts` beside it."""

    def add_letter(
        self,
        message_id: bytes,
        *,
        offset: int,
        ref: bytes,
        unit: str,
        type: str,  # noqa: A002  the catalogue's word
        expires: int,
        held: bool,
        letter: dict[str, Any],
        now: int,
        state: str = "waiting",
        code: str = "",
    ) -> bool:
        """Take a verified message into the inbox; False where its id is there already."""
        # What could not be opened for want of a key comes again, sealed to another.
        self._db.execute(
            "DELETE FROM inbox WHERE message_id = ? AND state = 'refused' AND code = 'RECIPIENT_KEY'", (message_id,)
        )
        _, sealed = self._box.seal("inbox", message_id, json.dumps(letter).encode())
        cursor = self._db.execute(
            'INSERT INTO inbox (message_id, "offset", ref, unit, type, state, code, held, expires, letter, received,'
            " changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING",
            (message_id, offset, ref, unit, type, state, code, held, expires, sealed, now, now),
        )
        return cursor.rowcount == 1

    def waiting(self, unit: str, before_offset: int, limit: int) -> list[InboxRow]:
        """Return for each child its oldest message that is not handed over: one a child, so that order is kept.

        A message whose hand-over had begun comes whatever its offset: after a crash it is handed over again.
        """
        rows = self._db.execute(
            f"SELECT {_ROW} FROM inbox WHERE state IN ('waiting', 'handing') AND unit = ?"
            " AND (\"offset\" < ? OR state = 'handing') ORDER BY id LIMIT ?",
            (unit, before_offset, 20 * limit),
        )
        seen: set[bytes] = set()
        found: list[InboxRow] = []
        for row in rows:
            if bytes(row[2]) not in seen and len(found) < limit:
                seen.add(bytes(row[2]))
                found.append(self._inbox_row(row))
        return found

    def letter(self, message_id: bytes) -> InboxRow | None:
        """Return a message of the inbox."""
        row = self._db.execute(f"SELECT {_ROW} FROM inbox WHERE message_id = ?", (message_id,)).fetchone()
        return None if row is None else self._inbox_row(row)

    def offset_of(self, message_id: bytes) -> int:
        """Return the inbox offset that a letter came from.

        Raises:
            InputError: no such letter.
        """
        row = self._db.execute('SELECT "offset" FROM inbox WHERE message_id = ?', (message_id,)).fetchone()
        if row is None:
            raise InputError("MESSAGE_UNKNOWN", "this party has no such message")
        offset: int = row[0]
        return offset

    def letters(self, state: str = "", limit: int = 100) -> list[InboxRow]:
        """Return messages of the inbox, newest first."""
        rows = self._db.execute(
            f"SELECT {_ROW} FROM inbox WHERE ? IN ('', state) ORDER BY id DESC LIMIT ?", (state, limit)
        )
        return [self._inbox_row(row) for row in rows]

    def letters_of(self, type_name: str, limit: int = 1000) -> list[InboxRow]:
        """Return the inbox's messages of one type, newest first."""
        rows = self._db.execute(f"SELECT {_ROW} FROM inbox WHERE type = ? ORDER BY id DESC LIMIT ?", (type_name, limit))
        return [self._inbox_row(row) for row in rows]

    def every_letter(self) -> Iterator[InboxRow]:
        """Yield every message of the inbox, one at a time, oldest first."""
        return map(self._inbox_row, self._db.execute(f"SELECT {_ROW} FROM inbox ORDER BY id"))

    def letters_about(self, *refs: bytes) -> list[InboxRow]:
        """Return the messages about one child, under whichever of its references, oldest first."""
        marks = ",".join("?" * len(refs))
        rows = self._db.execute(f"SELECT {_ROW} FROM inbox WHERE ref IN ({marks}) ORDER BY id", refs)
        return [self._inbox_row(row) for row in rows]

    def forget_offsets(self) -> None:
        """The inbox is another one: what has come and is not handed over is before all that is read there."""
        self._db.execute("UPDATE inbox SET \"offset\" = -1 WHERE state IN ('waiting', 'handing')")

    def mark_letter(self, message_id: bytes, state: str, now: int, *, code: str = "", only: Sequence[str] = ()) -> bool:
        """Change a message's state; False where it is not in one of `only`."""
        marks = ",".join("?" * len(only))
        where = f" AND state IN ({marks})" if only else ""
        cursor = self._db.execute(
            f"UPDATE inbox SET state = ?, code = ?, changed = ? WHERE message_id = ?{where}",
            (state, code, now, message_id, *only),
        )
        return cursor.rowcount == 1

    def recall_letter(self, message_id: bytes, now: int, code: str) -> bool:
        """Stop a message that is not handed over; True where that is done now.

        Of one whose hand-over goes on, the code is kept: it ends as recalled if the far side does not take it.
        """
        if self.mark_letter(message_id, "recalled", now, code=code, only=("waiting", "dead")):
            return True
        self.mark_letter(message_id, "handing", now, code=code, only=("handing",))
        return False

    def unacknowledged(self, unit: str) -> set[bytes]:
        """Return the ids of a unit's messages that were handed over and not acknowledged."""
        rows = self._db.execute("SELECT message_id FROM inbox WHERE state = 'handed_over' AND unit = ?", (unit,))
        return {bytes(row[0]) for row in rows}

    def unopened(self, unit: str) -> dict[int, bytes]:
        """Return the same letters as (number of the row, message id)."""
        rows = self._db.execute("SELECT id, message_id FROM inbox WHERE state = 'handed_over' AND unit = ?", (unit,))
        return {number: bytes(message_id) for number, message_id in rows}

    def _inbox_row(self, row: Sequence[Any]) -> InboxRow:
        number, message_id, ref, unit, kind, state, code, held, expires, letter, received, changed, erased = row
        opened = self._box.open("inbox", self._box.key(bytes(message_id)), bytes(letter))[1]
        return InboxRow(
            number, bytes(message_id), bytes(ref), unit, kind, state, code, bool(held), expires, json.loads(opened),
            received, changed, erased,
        )  # fmt: skip

    def erasable(self, before: int, limit: int) -> list[tuple[bytes, str]]:
        """Return (message id, unit) of letters that ended before a time and whose content is still here, oldest first.

        A held letter was handed over as a reference only: until somebody has read it here, this is the one copy. A part
        of a consent is no copy: the connector itself reads it when the discloser confirms.
        """
        rows = self._db.execute(
            f"SELECT message_id, unit FROM inbox WHERE erased = 0 AND {ENDED} AND changed <= :before AND type != :kept"
            " AND (held = 0 OR state IN ('refused', 'recalled') OR EXISTS (SELECT 1 FROM steps"
            " WHERE steps.message_id = inbox.message_id AND kind = 'view' AND at <= :before))"
            " ORDER BY changed LIMIT :limit",
            {"before": before, "limit": limit, "kept": _NO_COPY},
        )
        return [(bytes(message_id), unit) for message_id, unit in rows]

    def erase_letter(self, message_id: bytes, now: int, decision: str) -> None:
        """Erase a letter's content and files for good; that it came, and by which decision it is gone, stays."""
        row = self.letter(message_id)
        if row is None or row.erased:
            return
        self.erase_parts(message_id)
        kept = {**row.letter, "content": None, "disposal": decision}
        sealed = self._box.seal("inbox", message_id, json.dumps(kept).encode())[1]
        self._db.execute("UPDATE inbox SET letter = ?, erased = ? WHERE message_id = ?", (sealed, now, message_id))

    def scrub(self) -> None:
        """Write the journal back and cut it, so that nothing erased lies in it; with a reader in the way, not now."""
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE_S}")

    def holdings(self) -> dict[str, tuple[int, int | None]]:
        """Return (how many, since when the oldest) of what is kept, by category of the retention table."""
        counts = {
            "transport.letter": f"SELECT count(*), min(changed) FROM inbox WHERE erased = 0 AND {ENDED}"
            f" AND type != '{_NO_COPY}'",
            "transport.waiting": f"SELECT count(*), min(changed) FROM inbox WHERE erased = 0 AND NOT {ENDED}",
            "transport.draft": "SELECT count(*), min(created) FROM outbox WHERE draft IS NOT NULL",
            "rest.file": "SELECT count(*), min(at) FROM uploads WHERE label IS NOT NULL",
            "log.ladder": "SELECT count(*), min(at) FROM steps WHERE kind != 'view'",
            "log.view": "SELECT count(*), min(at) FROM steps WHERE kind = 'view'",
        }
        return {name: self._db.execute(query).fetchone() for name, query in counts.items()}
