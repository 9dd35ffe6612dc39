"""What a key folder asks of the disk: whole files or none, names that last, and nothing left of what is destroyed.

    with locked(folder, alone=True):
        sweep(folder)                     what a crash left behind
        put(folder, "a.key", data)        new; never over another's
        put(folder, "a.key", data, over=True)
        shred(folder, "a.key")

A file is replaced in this order, so that a crash at any moment leaves one whole file under its name: the new one beside
it, a second name for the old one, the new one over the first name, the old one overwritten and unlinked. What a crash
leaves has a hidden name, `.<name>.<16 hex digits>`, and the next sweep overwrites it, unless it is only a second name
of a file that is in use.
"""

from __future__ import annotations

import importlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.locks import WINDOWS

__all__ = ["leftovers", "locked", "put", "shred", "sweep"]

_LEFT: Final = re.compile(r"\..+\.[0-9a-f]{16}", re.ASCII)


@contextmanager
def locked(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold the folder, together with other readers or alone; the kernel drops it with the process. Never nested.

    Raises:
        OperatorError: the folder cannot be opened, or what is done in it fails (`KEY_FILE_WRITE`, `KEY_FILE_READ`).
    """
    code, verb = ("KEY_FILE_WRITE", "written") if alone else ("KEY_FILE_READ", "read")
    try:
        if WINDOWS:  # a folder has no handle there; one process at a time is the installation's own care
            folder.stat()
            yield
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl = importlib.import_module("fcntl")
            fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise OperatorError(code, f"`{folder}` cannot be {verb}: {error.strerror}") from error


def put(folder: Path, name: str, data: bytes, *, over: bool = False) -> None:
    """Keep a file that only its owner reads; `over` replaces, and destroys, the one of that name.

    Raises:
        FileExistsError: there is one, and it is not to be replaced.
        OSError: the folder cannot be written.
    """
    path, fresh, old = folder / name, _hidden(folder, name), _hidden(folder, name)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if over:
            with suppress(FileNotFoundError):
                os.link(path, old)
                _sync(folder)
            fresh.replace(path)
        else:
            os.link(fresh, path)  # whole or not at all, and never over another's
    finally:
        fresh.unlink(missing_ok=True)
    _sync(folder)
    if over and old.exists():
        _wipe(folder, old)


def shred(folder: Path, name: str) -> None:
    """Overwrite and remove a file; does nothing where it is gone. Readers see it whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    gone = _hidden(folder, name)
    with suppress(FileNotFoundError):
        (folder / name).rename(gone)
        _sync(folder)
        _wipe(folder, gone)


def leftovers(folder: Path) -> list[Path]:
    """Return what a crash has left behind."""
    return [path for path in sorted(folder.glob(".*")) if _LEFT.fullmatch(path.name)]


def sweep(folder: Path) -> None:
    """Overwrite and remove what a crash has left; a second name of a file in use is only removed.

    Raises:
        OSError: the folder cannot be written.
    """
    live = {path.stat().st_ino for path in folder.iterdir() if not path.name.startswith(".")}
    for path in leftovers(folder):
        if path.stat().st_ino in live:
            path.unlink()
        else:
            _wipe(folder, path)


def _hidden(folder: Path, name: str) -> Path:
    return folder / f".{name}.{secrets.token_hex(8)}"


def _wipe(folder: Path, path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    _sync(folder)


def _sync(folder: Path) -> None:
    """Make a folder's names durable; Windows has no such call and writes them with the file."""
    if WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
