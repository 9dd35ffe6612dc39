"""A log's folder: exactly the paths of tlog-tiles, so that any static web server publishes it.

    folder = LogFolder(path)
    folder.read("tile/0/000")
    folder.write([(path, data), …])        durable when it returns: files, and the folders that name them

A file is replaced whole. A partial tile goes when its full one is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError

__all__ = ["LogFolder", "witnessed_path"]


_WITNESSED: Final = "witnessed"


def witnessed_path(size: int) -> str:
    """Return where the witnessed checkpoint of a size is kept: a spot check's seed is taken from one."""
    return f"{_WITNESSED}/{size}"


class LogFolder:
    """Tiles, bundles and checkpoints on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, path: str) -> bytes:
        """Return a file's bytes.

        Raises:
            FileNotFoundError: there is none.
            OperatorError: it cannot be read.
        """
        try:
            return (self.path / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(path) from error
        except OSError as error:
            raise OperatorError("LOG_READ", f"`{self.path / path}` cannot be read: {error.strerror}") from error

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write files and return when they are durable.

        Raises:
            OperatorError: the folder cannot be written.
        """
        folders: set[Path] = set()
        try:
            for name, data in files:
                path = self.path / name
                if not path.parent.is_dir():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    folders.update(each for each in path.parents if each.is_relative_to(self.path))
                    folders.add(self.path.parent)
                _replace(path, data)
                folders.add(path.parent)
            for folder in folders:
                _sync(folder)
        except OSError as error:
            raise OperatorError("LOG_WRITE", f"`{self.path}` cannot be written: {error.strerror}") from error

    def witnessed(self) -> list[int]:
        """Return the sizes of the witnessed checkpoints that are kept, smallest first."""
        try:
            return sorted(int(each.name) for each in (self.path / _WITNESSED).iterdir() if each.name.isdigit())
        except OSError:
            return []

    def keep_witnessed(self, size: int, note: bytes) -> None:
        """Keep a witnessed checkpoint under its size, as it was witnessed first; later words change nothing.

        Raises:
            OperatorError: the folder cannot be written.
        """
        if not (self.path / witnessed_path(size)).exists():
            self.write([(witnessed_path(size), note)])

    def tidy(self, path: str) -> None:
        """Remove the partial forms of a full tile or bundle."""
        shutil.rmtree(self.path / f"{path}.p", ignore_errors=True)


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return  # there a folder cannot be opened
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
