"""Signed notes (C2SP signed-note): a text, an empty line, and signatures that anybody's tools read.

    note = Note.parse(data)                text and signature lines, nothing verified
    line = Line.of(name, ED25519, public, signature)
    vkey(name, ED25519, public)            what another's verifier is configured with

One form is read: UTF-8, no control characters, one text, at most 64 signature lines. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from samband.schemas.errors import FormatError

__all__ = ["COSIGNATURE", "ED25519", "Line", "Note", "key_id", "unbase64", "vkey"]

ED25519: Final = 0x01
"""Signature type of a log's own signature."""
COSIGNATURE: Final = 0x04
"""Signature type of a witness's cosignature/v1."""

MOST_LINES: Final = 64
_MOST_BYTES: Final = 65_536
_DASH: Final = "— "


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Return the four bytes by which a signature line names its key, beside the name."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    """Return a verifier key as text: name, key id, type and public key."""
    return f"{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


def unbase64(text: str) -> bytes:
    """Return the bytes of standard Base 64 in its one form.

    Raises:
        FormatError: it is none.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("FORMAT_NOTE", "a note's Base 64 cannot be read") from error
    if base64.b64encode(data).decode() != text:
        raise FormatError("FORMAT_NOTE", "a note's Base 64 is not in its one form")
    return data


@dataclass(frozen=True, slots=True)
class Line:
    """A signature line: whose key, which one, and what it signed with."""

    name: str
    id: bytes
    signature: bytes

    @classmethod
    def of(cls, name: str, kind: int, public: bytes, signature: bytes) -> Line:
        """Return the line of a key."""
        return cls(name, key_id(name, kind, public), signature)

    def is_of(self, name: str, kind: int, public: bytes) -> bool:
        """Say whether the line names this key."""
        return (self.name, self.id) == (name, key_id(name, kind, public))

    def encode(self) -> str:
        """Return it as text."""
        return f"{_DASH}{self.name} {base64.b64encode(self.id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with signature lines; whether one of them holds is not checked here."""

    text: bytes
    """Ends in a newline."""
    lines: tuple[Line, ...]

    def encode(self) -> bytes:
        """Return its bytes."""
        return self.text + b"\n" + "".join(line.encode() for line in self.lines).encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Return the note in `data`.

        Raises:
            FormatError: no signed note.
        """
        if len(data) > _MOST_BYTES:
            raise _wrong("it is too long")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise _wrong("it is not UTF-8") from error
        if any(sign < " " and sign != "\n" for sign in whole):
            raise _wrong("it holds control characters")
        text, empty, signatures = whole.rpartition("\n\n")
        if not text or not empty or not signatures.endswith("\n"):
            raise _wrong("it has no text or no signatures")
        rows = signatures[:-1].split("\n")
        if len(rows) > MOST_LINES:
            raise _wrong(f"it has more than {MOST_LINES} signatures")
        return cls((text + "\n").encode(), tuple(_line(row) for row in rows))


def _line(row: str) -> Line:
    dash, _, rest = row.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash + " " != _DASH or not is_name(name):
        raise _wrong("a signature line is none")
    data = unbase64(encoded)
    if len(data) < 5:
        raise _wrong("a signature is too short")
    return Line(name, data[:4], data[4:])


def is_name(name: str) -> bool:
    """Say whether a key may be called so."""
    return bool(name) and "+" not in name and not any(sign.isspace() for sign in name)


def _wrong(why: str) -> FormatError:
    return FormatError("FORMAT_NOTE", f"the bytes are no signed note: {why}")
