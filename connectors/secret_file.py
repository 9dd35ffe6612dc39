"""A file of secrets or their digests, one a line, newest first: at most two that hold at once, so that they can change.

added(lines, new)        the new one, and the newest earlier one beside it
ended(lines)             the newest alone
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from samband.schemas.errors import InputError

__all__ = ["added", "ended", "read", "write"]


def added(lines: Sequence[str], new: str) -> list[str]:
    """Return the lines with a new one; of the earlier ones only the newest stays."""
    return [new, *lines[:1]]


def ended(lines: Sequence[str]) -> list[str]:
    """Return the newest line alone."""
    return list(lines[:1])


def read(file: Path) -> list[str]:
    """Return the lines; none where there is no file.

    Raises:
        InputError: it cannot be read (`SECRET_FILE`).
    """
    try:
        return file.read_text("ascii").split() if file.exists() else []
    except (OSError, ValueError) as error:
        raise _wrong(file) from error


def write(file: Path, lines: Sequence[str]) -> None:
    """Replace the file, readable by its owner only.

    Raises:
        InputError: it cannot be written (`SECRET_FILE`).
    """
    fresh = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as error:
        raise _wrong(file) from error


def _wrong(file: Path) -> InputError:
    return InputError("SECRET_FILE", f"`{file}` cannot be read or written", "name a file in the party's own folder")
