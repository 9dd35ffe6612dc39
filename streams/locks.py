"""A file that one process at a time holds; the operating system lets it go with the process, however that ends.

with (folder / "lock").open("a") as file:
    hold(file)                       waits
    hold(file, wait=False)           BlockingIOError while another one has it
with take(folder / "lock", OperatorError(…)): …     that error while another one has it

Where there is no `fcntl`, as on Windows, the file's first byte is locked instead.
"""

from __future__ import annotations

import importlib
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from samband.schemas.errors import OperatorError

__all__ = ["WINDOWS", "hold", "take"]

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


def take(path: Path, busy: OperatorError) -> IO[str]:
    """Make a file that stays open, and hold it until it is closed.

    Raises:
        OperatorError: `busy`, another process holds it.
        OSError: it cannot be made.
    """
    file = path.open("a", encoding="utf-8")
    try:
        hold(file, wait=False)
    except OSError as error:
        file.close()
        raise busy from error
    return file
