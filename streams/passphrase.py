"""Where the passphrase of encrypted keys comes from when a process starts: the first of these that is there.

    $CREDENTIALS_DIRECTORY/samband-passphrase     systemd's LoadCredential= or LoadCredentialEncrypted=
    SAMBAND_PASSPHRASE_FILE                       names a file that only its owner reads (0600 or 0400)
    SAMBAND_PASSPHRASE_FD                         the number of a file descriptor, read to its end once and closed
    a terminal                                    asked for, and not shown

Never a variable's own value, nor an argument: others on the machine, crash reports and shell histories see those. It is
asked for only when there is something to open, kept in this process's memory, and never logged. `Handover` gives it to
a child process through a pipe, so that a child needs neither the file nor the terminal.
"""

from __future__ import annotations

import getpass
import os
import sys
import unicodedata
from pathlib import Path
from typing import Any, Final

from samband.schemas.errors import OperatorError

__all__ = [
    "CREDENTIAL",
    "FD",
    "FILE",
    "Handover",
    "ask_twice",
    "check_new",
    "first_passphrase",
    "from_file",
    "passphrase",
]

CREDENTIAL: Final = "samband-passphrase"
FILE: Final = "SAMBAND_PASSPHRASE_FILE"
FD: Final = "SAMBAND_PASSPHRASE_FD"
_SYSTEMD: Final = "CREDENTIALS_DIRECTORY"
_LONGEST: Final = 1024
_SHORTEST: Final = 12

_known: list[bytes] = []
"""The passphrase of this process, once it was asked for."""


def passphrase() -> bytes:
    """Return the passphrase of this process; the first call fetches it.

    Raises:
        OperatorError: there is none (`KEY_PASSPHRASE_MISSING`), or where it should be cannot be used.
    """
    if not _known:
        _known.append(_fetch() or _ask())
    return _known[0]


def first_passphrase() -> bytes:
    """Return the passphrase of this process, to be used for the first time: a terminal asks for it twice.

    Raises:
        OperatorError: as `passphrase`; or it is too short.
    """
    if not _known:
        _known.append(check_new(_fetch() or ask_twice()))
    return _known[0]


def _fetch() -> bytes:
    """Return the passphrase from where no person is asked; empty where there is none."""
    if (folder := os.environ.get(_SYSTEMD)) and (path := Path(folder) / CREDENTIAL).exists():
        return _read(path)
    if name := os.environ.get(FILE):
        return from_file(Path(name))
    if number := os.environ.get(FD):
        return _from_descriptor(number)
    return b""


def _ask() -> bytes:
    if sys.stdin is not None and sys.stdin.isatty():
        return _clean(getpass.getpass("Passphrase of the keys: ").encode())
    raise _missing("the keys are encrypted and there is no passphrase")


def _missing(message: str) -> OperatorError:
    hint = f"a systemd credential `{CREDENTIAL}`, {FILE}, {FD}, or a terminal; see docs/operate.md, Keys at rest"
    return OperatorError("KEY_PASSPHRASE_MISSING", message, hint)


def from_file(path: Path) -> bytes:
    """Return the passphrase in a file that only its owner may read.

    Raises:
        OperatorError: others may read it, it cannot be read, or holds no passphrase.
    """
    try:
        others = path.stat().st_mode & 0o077
    except OSError as error:
        raise _unusable(f"the passphrase file cannot be read: {error.strerror}") from error
    if others:
        raise OperatorError("KEY_PASSPHRASE_RIGHTS", "the passphrase file can be read by others", f"chmod 600 {path}")
    return _read(path)


def ask_twice() -> bytes:
    """Return a new passphrase from a terminal.

    Raises:
        OperatorError: there is no terminal, the two differ, or it is too short.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise _missing("a new passphrase is needed")
    first = check_new(_clean(getpass.getpass("New passphrase: ").encode()))
    if first != _clean(getpass.getpass("Once more: ").encode()):
        raise OperatorError("KEY_PASSPHRASE_DIFFERS", "the two are not the same")
    return first


def check_new(value: bytes) -> bytes:
    """Return a passphrase that is to be used from now on.

    Raises:
        OperatorError: it is too short (`KEY_PASSPHRASE_SHORT`).
    """
    if len(value.decode()) < _SHORTEST:
        raise OperatorError(
            "KEY_PASSPHRASE_SHORT", f"a passphrase has at least {_SHORTEST} characters", "six random words are good"
        )
    return value


def _from_descriptor(number: str) -> bytes:
    if not (number.isascii() and number.isdecimal()) or int(number) < 3:
        raise _unusable(f"`{FD}` is not the number of a descriptor")
    try:
        with os.fdopen(int(number), "rb") as file:
            return _clean(file.read(_LONGEST + 2))
    except OSError as error:
        raise _unusable(f"the descriptor in `{FD}` cannot be read: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _clean(file.read(_LONGEST + 2))
    except OSError as error:
        raise _unusable(f"the passphrase file cannot be read: {error.strerror}") from error


def _clean(value: bytes) -> bytes:
    """Take one line; the same letters are the same bytes, however a keyboard composes them."""
    try:
        text = unicodedata.normalize("NFC", value.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError as error:
        raise _unusable("a passphrase is text in UTF-8") from error
    if not text or "\n" in text or "\0" in text or len(text.encode()) > _LONGEST:
        raise _unusable(f"a passphrase is one line of 1 to {_LONGEST} bytes")
    return text.encode()


def _unusable(message: str) -> OperatorError:
    return OperatorError("KEY_PASSPHRASE_FORM", message, "see docs/operate.md, Keys at rest")


class Handover:
    """What `Popen` needs so that a child gets this process's passphrase; nothing where none was asked for.

    with Handover() as given:
        subprocess.Popen(command, **given)
    """

    def __init__(self) -> None:
        self._reader: int | None = None

    def __enter__(self) -> dict[str, Any]:
        """Fill a pipe and return `env` and `pass_fds`."""
        if not _known:
            return {}
        self._reader, writer = os.pipe()
        os.write(writer, _known[0])  # at most 1024 bytes: a pipe takes them at once
        os.close(writer)
        env = {name: value for name, value in os.environ.items() if name not in (_SYSTEMD, FILE)}
        return {"env": env | {FD: str(self._reader)}, "pass_fds": (self._reader,)}

    def __exit__(self, *_: object) -> None:
        """Close this process's end."""
        if self._reader is not None:
            os.close(self._reader)
