"""Files that a system has handed in and not sent yet: a row per file, a row per piece, each sealed by itself.

An upload is whole or nobody can name it: until `end_upload` only its size shows, so that what comes in just now counts
too. It ends when its message has it, when it is taken away, or when its time is over; every ending erases its pieces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from samband.connectors.store.file import StoreFile
from samband.schemas.attachment import File, parts_of

__all__ = ["UploadRow", "UploadTable"]


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A file that is here whole, without its bytes."""

    file_id: bytes
    client: str
    """Whose it is: nobody else may name it."""
    file: File
    expires: int
    """ms since 1970 UTC."""


class UploadTable(StoreFile):
    """The tables `uploads` and `upload_pieces`. All that changes them is inside a transaction of the caller's."""

    def begin_upload(self, file_id: bytes, client: str, now: int, expires: int) -> None:
        """Begin to keep a file of a client; what was begun and not ended by `expires` goes."""
        self._db.execute(
            "INSERT INTO uploads (file_id, client, at, expires) VALUES (?, ?, ?, ?)", (file_id, client, now, expires)
        )

    def add_upload_piece(self, file_id: bytes, part: int, data: bytes) -> bool:
        """Keep the next piece of a file, counted from 0; False where the file was let go meanwhile."""
        known = self._db.execute("UPDATE uploads SET size = size + ? WHERE file_id = ?", (len(data), file_id))
        if known.rowcount != 1:
            return False
        sealed = self._box.seal("upload_piece", _place(file_id, part), data)[1]
        self._db.execute("INSERT INTO upload_pieces VALUES (?, ?, ?)", (file_id, part, sealed))
        return True

    def end_upload(self, file_id: bytes, file: File, expires: int) -> bool:
        """Keep what a whole file is, name included; False where it was let go meanwhile."""
        said = json.dumps([file.name, file.media_type, file.size, file.sha256]).encode()
        label = self._box.seal("upload", file_id, said)[1]
        return (
            self._db.execute(
                "UPDATE uploads SET label = ?, expires = ? WHERE file_id = ?", (label, expires, file_id)
            ).rowcount
            == 1
        )

    def uploads(self, client: str, now: int) -> list[UploadRow]:
        """Return a client's whole files whose time is not over, oldest first."""
        rows = self._db.execute(
            "SELECT file_id, client, label, expires FROM uploads"
            " WHERE client = ? AND label IS NOT NULL AND expires > ? ORDER BY id",
            (client, now),
        ).fetchall()
        return [self._upload(bytes(file_id), whose, bytes(label), ends) for file_id, whose, label, ends in rows]

    def upload(self, file_id: bytes, client: str, now: int) -> UploadRow | None:
        """Return a client's whole file; None where it has none of that id, or its time is over."""
        return next((each for each in self.uploads(client, now) if each.file_id == file_id), None)

    def uploads_kept(self, client: str, now: int) -> tuple[int, int, int]:
        """Return (how many, bytes, when the first goes) of a client's files, those that come in just now included."""
        found: tuple[int, int, int] = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0), coalesce(min(expires), 0) FROM uploads"
            " WHERE client = ? AND expires > ?",
            (client, now),
        ).fetchone()
        return found

    def upload_piece(self, file_id: bytes, part: int) -> bytes | None:
        """Return a piece of a file; None after its last."""
        row = self._db.execute(
            "SELECT data FROM upload_pieces WHERE file_id = ? AND part = ?", (file_id, part)
        ).fetchone()
        if row is None:
            return None
        return self._box.open("upload_piece", self._box.key(_place(file_id, part)), bytes(row[0]))[1]

    def drop_upload(self, file_id: bytes) -> None:
        """Erase a file, whole or not."""
        self._db.execute("DELETE FROM upload_pieces WHERE file_id = ?", (file_id,))
        self._db.execute("DELETE FROM uploads WHERE file_id = ?", (file_id,))

    def drop_uploads(self, now: int) -> int:
        """Erase every file whose time is over; return how many."""
        ids = self._db.execute("SELECT file_id FROM uploads WHERE expires <= ?", (now,)).fetchall()
        for (file_id,) in ids:
            self.drop_upload(bytes(file_id))
        return len(ids)

    def _upload(self, file_id: bytes, client: str, label: bytes, expires: int) -> UploadRow:
        said = self._box.open("upload", self._box.key(file_id), label)[1]
        name, media_type, size, sha256 = json.loads(said)
        return UploadRow(file_id, client, File(name, media_type, size, sha256, parts_of(size)), expires)


def _place(file_id: bytes, part: int) -> bytes:
    return file_id + part.to_bytes(2, "big")
