"""Files that a crash leaves whole: names flushed, writing refused to others.

    write_whole(folder / ".tmp", folder / "x.json", data); flush(folder)

A file is written aside, flushed and renamed, so that a reader sees a whole one or none. The directory is flushed by the
caller, once for many.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError

__all__ = ["BINARY", "flush", "refuse_if_others_write", "write_whole"]

BINARY: Final[int] = getattr(os, "O_BINARY", 0)  # Windows only


def write_whole(aside: Path, target: Path, data: bytes) -> None:
    """Write a file of rights 0600 by way of the directory `aside`, on the same disk."""
    half = aside / secrets.token_hex(8)
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except BaseException:
        with suppress(OSError):
            half.unlink()
        raise


def flush(directory: Path) -> None:
    """Make the names in a directory durable; Windows has no such call and writes them with the file."""
    if os.name == "nt":
        return
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def refuse_if_others_write(directory: Path) -> None:
    """Check that no other account can put or take files in a directory.

    Raises:
        OperatorError: one can (`FOLDER_RIGHTS`).
        OSError: it is no directory.
    """
    if os.name == "nt":  # rights are access lists there, which a mode does not show
        return
    info = directory.stat()
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    me = os.geteuid()
    # The administrator's account may serve a folder that it gave away, as a container does with a mounted volume.
    foreign = me != 0 and info.st_uid not in (me, 0)
    if foreign or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OperatorError(
            "FOLDER_RIGHTS",
            f"others can write in `{directory}`",
            "give it to the connector's account alone: chmod 700",
        )
