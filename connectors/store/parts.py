"""Pieces of files that came: a row per piece until the message that they go with is erased, refused or recalled.

A piece is no letter: it has no state of its own in which it could be handed over. It ends with its message, or when its
time is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from samband.connectors.store.file import StoreFile

__all__ = ["PartRow", "PartTable"]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A piece that came, without its bytes."""

    message_id: bytes
    main: bytes
    file: int
    part: int
    ended: bool
    letter: dict[str, Any]
    """Its label, as an `InboxRow` has it, and `parts`, how many there are of its file."""


class PartTable(StoreFile):
    """The table `parts`."""

    def add_part(
        self, message_id: bytes, main: bytes, place: tuple[int, int], data: bytes, letter: dict[str, Any], expires: int
    ) -> bool:
        """Keep a piece at (file, part) of a message; False where it is there already."""
        label = self._box.seal("part", message_id, json.dumps(letter).encode())[1]
        sealed = self._box.seal("piece", message_id, data)[1]
        cursor = self._db.execute(
            "INSERT INTO parts (message_id, main, file, part, expires, letter, data) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (message_id) DO NOTHING",
            (message_id, main, *place, expires, label, sealed),
        )
        return cursor.rowcount == 1

    def parts(self, main: bytes) -> list[PartRow]:
        """Return the pieces that go with a message, by file and part."""
        return self._parts("main = ?", main)

    def part(self, message_id: bytes) -> PartRow | None:
        """Return a piece."""
        return next(iter(self._parts("message_id = ?", message_id)), None)

    def late_parts(self, now: int, limit: int) -> list[PartRow]:
        """Return pieces whose time is over and that have not ended."""
        return self._parts("ended = 0 AND expires <= ? LIMIT ?", now, limit, order=False)

    def _parts(self, where: str, *values: object, order: bool = True) -> list[PartRow]:
        by = " ORDER BY file, part" if order else ""
        rows = self._db.execute(
            f"SELECT message_id, main, file, part, ended, letter FROM parts WHERE {where}{by}", values
        ).fetchall()
        return [
            PartRow(bytes(number), bytes(main), file, part, bool(ended), json.loads(self._of("part", number, label)))
            for number, main, file, part, ended, label in rows
        ]

    def file_data(self, main: bytes, file: int) -> Iterator[bytes]:
        """Yield what is kept of a message's file, a piece at a time and never the whole."""
        ids = self._db.execute(
            "SELECT message_id FROM parts WHERE main = ? AND file = ? AND data IS NOT NULL ORDER BY part", (main, file)
        ).fetchall()
        for (message_id,) in ids:
            row = self._db.execute("SELECT data FROM parts WHERE message_id = ?", (message_id,)).fetchone()
            if row is not None and row[0] is not None:
                yield self._of("piece", message_id, row[0])

    def end_part(self, message_id: bytes, *, erase: bool) -> None:
        """Mark a piece as ended; its bytes go where nobody is to have them."""
        data = ", data = NULL" if erase else ""
        self._db.execute(f"UPDATE parts SET ended = 1{data} WHERE message_id = ?", (message_id,))

    def erase_parts(self, main: bytes) -> None:
        """Erase the bytes of what goes with a message, for good."""
        self._db.execute("UPDATE parts SET data = NULL WHERE main = ?", (main,))

    def _of(self, table: str, message_id: bytes, sealed: bytes) -> bytes:
        key = self._box.key(bytes(message_id))
        return self._box.open(table, key, bytes(sealed))[1]
