"""What both ends of joining share on the command line: the files, and the fingerprint that a person hears."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import bad
from samband.schemas.errors import InputError, OperatorError, TrustError

__all__ = ["Fingerprint", "confirm", "file_json", "read_file", "write_file"]

Fingerprint = Annotated[
    str,
    typer.Option(
        metavar="GROUPS", help="The fingerprint as it was read to you by telephone.", show_default="asked for"
    ),
]

_HIDDEN: Final = 2
"""Groups of a fingerprint that are not shown: a person hears them, and types them."""


def confirm(data: bytes, heard: str, who: str, *, as_json: bool) -> None:
    """Let a person compare a fingerprint that was read out.

    Two groups, others each time, must be typed: a forger would have to fit all, and nobody agrees without having heard.

    Raises:
        InputError: nobody is there to ask (`FINGERPRINT_NEEDED`).
        TrustError: it is another (`FINGERPRINT_OTHER`).
    """
    from samband.streams.join_files import fingerprint, fits

    groups = fingerprint(data).split()
    if not heard:
        if as_json or not sys.stdin.isatty():
            raise InputError("FINGERPRINT_NEEDED", "nobody compared the fingerprint", "--fingerprint 'as it was read'")
        hidden = sorted(secrets.SystemRandom().sample(range(len(groups)), _HIDDEN))
        shown = ["····" if at in hidden else group for at, group in enumerate(groups)]
        print(f"call {who} and let them read their fingerprint:  {' '.join(shown)}")
        typed = "".join(typer.prompt("type the two groups that are not shown", err=True).split())
        for number, at in enumerate(hidden):
            groups[at] = typed[4 * number : 4 * number + 4] if len(typed) == 4 * _HIDDEN else ""
        heard = " ".join(groups)
    if not fits(heard, data):
        raise TrustError(
            "FINGERPRINT_OTHER",
            "the fingerprint is another: this file is not the one that they have",
            "ask for the file again, by another way; type it anew if it was mistyped",
        )


def file_json(path: Path, environment: str, realm: str, party: str, fingerprint: str) -> dict[str, Any]:
    """Return what an answer says of a file."""
    return {"file": str(path), "environment": environment, "realm": realm, "party": party, "fingerprint": fingerprint}


def read_file(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        InputError: it cannot be read (`FILE_READ`).
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise bad(f"`{path}` cannot be read", "name the file that you got", "FILE_READ") from error


def write_file(path: Path, data: bytes) -> Path:
    """Write a file and return its path.

    Raises:
        OperatorError: it cannot be written (`FILE_WRITE`).
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OperatorError("FILE_WRITE", f"`{path}` cannot be written: {error.strerror}") from error
    return path
