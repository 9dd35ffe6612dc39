"""The last directory that was taken, on disk: whoever starts again takes nothing older.

directory = opened(root, folder / "directory.snapshot")        with what was taken before, and keeping what it takes
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from samband.schemas.errors import OperatorError, SambandError
from samband.streams.directory import Directory
from samband.streams.root import Root

__all__ = ["Snapshot", "opened", "write_whole"]


class Snapshot:
    """The directory as it was last taken, in one file that is replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[bytes]:
        """Return its values, or none.

        Raises:
            OperatorError: the file is cut off.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        values = []
        while data:
            size = int.from_bytes(data[:4], "big")
            value, data = data[4 : 4 + size], data[4 + size :]
            if len(value) != size:
                raise OperatorError("SNAPSHOT_BROKEN", f"`{self._path}` is cut off", "remove it: it is read anew")
            values.append(value)
        return values

    def write(self, values: Sequence[bytes]) -> None:
        """Replace it.

        Raises:
            OperatorError: the folder cannot be written.
        """
        write_whole(self._path, b"".join(len(value).to_bytes(4, "big") + value for value in values))


def opened(root: Root, path: Path, *, production: bool = False) -> Directory:
    """Return a directory that begins with the snapshot in `path`, and keeps what it takes there.

    Raises:
        OperatorError: the snapshot is not whole, or of another realm.
    """
    snapshot = Snapshot(path)
    directory = Directory(root, production=production, keep=snapshot.write)
    try:
        directory.restore(snapshot.read())
    except OperatorError:
        raise
    except SambandError as error:
        raise OperatorError("SNAPSHOT_BROKEN", f"`{path}` does not hold", "remove it: it is read anew") from error
    return directory


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file, durably: after a crash it is the old one or the new one.

    Raises:
        OperatorError: the folder cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise OperatorError("FILE_WRITE", f"`{path}` cannot be written: {error.strerror}") from error
