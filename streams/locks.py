"""A file that one process at a time holds; the operating system lets it go with the process, however that ends.

with (folder / "lock").open("a") as file:
    hold(file)                       waits
    hold(file, wait=False)           BlockingIOError while another one has it

Where there is no `fcntl`, as on Windows, the file's first byte is locked instead.
"""

from __future__ import annotations

import importlib
import sys
import time
from contextlib import suppress
from typing import IO, Any, Final

__all__ = ["WINDOWS", "hold"]

WINDOWS: Final = sys.platform == "win32"

_LOOK_S: Final = 0.05


def hold(file: IO[Any], *, wait: bool = True) -> None:
    """Hold an open file until it is closed.

    Raises:
        BlockingIOError: another process holds it, and we do not wait.
    """
    if not WINDOWS:
        fcntl = importlib.import_module("fcntl")
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    msvcrt = importlib.import_module("msvcrt")
    while True:
        file.seek(0)
        with suppress(OSError):  # it says only that it may not
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return
        if not wait:
            raise BlockingIOError("another process holds the file")
        time.sleep(_LOOK_S)
