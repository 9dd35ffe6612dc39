"""Files that go with a message: what its content says of each, and the parts that they travel as.

    FILE   in the content's field `attachments`: {name, media_type, size, sha256, parts}
    PART   the whole content of a message of its own: Avro{v, main, file, part, parts, data}

A part is an ordinary message: of the main message's type, about the same child, to the same unit, with the same
categories, so that the gate judges it as it judges the main one. It is told apart by its schema's hash, answers the
main message (`ref_to`), and its id follows from its place, so that a part said twice is the same part. Parts go first,
the main message last. Format page: § Attachments.

Names are as people write them, so they may hold a child's name: they are sealed with the content and stand in no error.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Any, Final

from msgspec import Struct

from samband.schemas.codec import Codec, fixed
from samband.schemas.errors import FormatError, InputError
from samband.schemas.media_types import kind_of

__all__ = [
    "FILE_SCHEMA",
    "MOST_BYTES",
    "MOST_FILES",
    "NAME_MAX",
    "PART_BYTES",
    "PART_SCHEMA_ID",
    "File",
    "Part",
    "fault",
    "file_name",
    "most_plain",
    "part_id",
    "parts_of",
    "safe_name",
]

MOST_BYTES: Final = 30 * 1024 * 1024
"""Of a message's files together: the national limit (Säker digital kommunikation)."""

PART_BYTES: Final = 500 * 1024
"""Of a file in one part: with what stands around it, it fills the format's largest class."""

MOST_FILES: Final = 20
NAME_MAX: Final = 200
"""Characters of a file's name."""
_ENDING_MAX: Final = 8
_DISK_BYTES: Final = 240
"""Of a file's name on a disk: most file systems take 255."""

_MEDIA_TYPE_MAX: Final = 100
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_UNSAFE: Final = frozenset('/\\:*?"<>|')
"""No part of a name on some system or other."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Control, direction and private characters: they would let a name look like another."""

FILE_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "maxItems": MOST_FILES,
    "items": {
        "type": "record",
        "name": "Attachment",
        "fields": [
            {"name": "name", "type": "string", "maxLength": NAME_MAX},
            {"name": "media_type", "type": "string", "maxLength": _MEDIA_TYPE_MAX},
            {"name": "size", "type": "long"},
            {"name": "sha256", "type": "string", "maxLength": 64},
            {"name": "parts", "type": "int"},
        ],
    },
}
"""The Avro type of the field `attachments`."""

_PART: Final = Codec(
    "attachment_part",
    {"v": "int", "main": fixed(16), "file": "int", "part": "int", "parts": "int", "data": "bytes"},
    {"data": PART_BYTES},
)

PART_SCHEMA_ID: Final = hashlib.sha256(
    json.dumps(_PART.schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
).digest()
"""The `content_schema` of a part, by which gate and recipient tell it from a message."""


class File(Struct, frozen=True):
    """What a content says of a file."""

    name: str
    media_type: str
    size: int
    sha256: str
    parts: int


class Part(Struct, frozen=True, kw_only=True):
    """A piece of a file: the content of a message of its own. `file` and `part` count from 0."""

    v: int = 1
    main: bytes
    file: int
    part: int
    parts: int
    data: bytes

    @property
    def message_id(self) -> bytes:
        """The one id that a message with this part may have."""
        return part_id(self.main, self.file, self.part)

    def encode(self) -> bytes:
        """Return the part's one encoding.

        Raises:
            FormatError: there is no such place, or it is not the length of that place.
        """
        self._check()
        return _PART.encode({name: getattr(self, name) for name in self.__struct_fields__})

    @classmethod
    def decode(cls, data: bytes) -> Part:
        """Return the part in `data`.

        Raises:
            FormatError: not a part of version 1 in its one form.
        """
        part = cls(**_PART.decode(data))
        part._check()
        return part

    def _check(self) -> None:
        if self.v != 1:
            raise FormatError("FORMAT_VERSION", f"version {self.v} is not read here, only 1")
        last = self.part == self.parts - 1
        placed = 0 <= self.file < MOST_FILES and 0 <= self.part < self.parts <= parts_of(MOST_BYTES)
        if not placed or not self.data or not (last or len(self.data) == PART_BYTES):
            raise FormatError("FORMAT_FIELD", "a part of a file has no such place, or not its length")


def parts_of(size: int) -> int:
    """Return how many parts a file of `size` bytes has."""
    return -(-size // PART_BYTES)


def part_id(main: bytes, file: int, part: int) -> bytes:
    """Return the message id of a part: it follows from the main message's and the part's place."""
    place = file.to_bytes(2, "big") + part.to_bytes(2, "big")
    return hashlib.sha256(b"samband/1/part\0" + main + place).digest()[:16]


def safe_name(name: str) -> str:
    """Return a file's name as it travels: composed (NFC), without path, of visible characters.

    Raises:
        InputError: it cannot be made so (`ATTACHMENT_NAME`); the name is not repeated.
    """
    name = unicodedata.normalize("NFC", name)
    visible = all(each not in _UNSAFE and unicodedata.category(each) not in _INVISIBLE for each in name)
    if not (visible and 0 < len(name) <= NAME_MAX and name == name.strip(" .")):
        raise InputError(
            "ATTACHMENT_NAME",
            "an attachment's name cannot be used",
            f"at most {NAME_MAX} visible characters, without path, and no dot or space at its ends",
        )
    return name


def file_name(number: int, name: str) -> str:
    """Return what the `number`th file of a message is called on a disk: short enough for every file system."""
    stem, dot, ending = name.rpartition(".")
    if len(ending) > _ENDING_MAX:
        stem, dot, ending = name, "", ""
    room = _DISK_BYTES - len(f"{number}-{dot}{ending}".encode())
    return f"{number}-{stem.encode()[:room].decode(errors='ignore')}{dot}{ending}"


def fault(value: object) -> tuple[str, str] | None:
    """Return (path, why) of what is wrong with a field `attachments`, or None; no name is repeated."""
    if not isinstance(value, list):
        return "", "must be a list of files"
    if not value:
        return "", "is empty; leave it out instead"
    if len(value) > MOST_FILES:
        return "", f"has more than {MOST_FILES} files"
    total = 0
    for number, each in enumerate(value):
        if found := _file_fault(each):
            return f"[{number}]{found[0]}", found[1]
        total += each["size"]
    return ("", f"is larger than {MOST_BYTES >> 20} MB together") if total > MOST_BYTES else None


def _file_fault(each: object) -> tuple[str, str] | None:
    if not isinstance(each, dict) or set(each) != set(File.__struct_fields__):
        return "", f"must hold {', '.join(File.__struct_fields__)}, nothing else"
    name, media_type, size, sha256 = each["name"], each["media_type"], each["size"], each["sha256"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MOST_BYTES:
        return ".size", f"must be from 1 to {MOST_BYTES}"
    if type(each["parts"]) is not int or each["parts"] != parts_of(size):
        return ".parts", f"must be one part for each {PART_BYTES} bytes"
    if not isinstance(sha256, str) or not _HEX.fullmatch(sha256):
        return ".sha256", "must be 64 lower-case hexadecimal digits"
    try:
        if not isinstance(name, str) or safe_name(name) != name:
            return ".name", "is not a safe name in its composed form"
        if not isinstance(media_type, str):
            return ".media_type", "must be text"
        kind_of(name, media_type)
    except InputError as error:
        return (".name" if error.code == "ATTACHMENT_NAME" else ".media_type"), "is not what can be carried"
    return None


def most_plain() -> int:
    """Return the largest number of bytes that a field `attachments` can have."""
    return MOST_FILES * (4 * NAME_MAX + _MEDIA_TYPE_MAX + 64 + 6 * 5) + 12
