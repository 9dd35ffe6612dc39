"""The kinds of files that go with a message: by name's ending, media type and how their bytes begin.

    check_head("application/pdf", b"%PDF-1.7 …")      raises where a file is not what it says
    taken_by(unit)                                    which of the kinds a unit takes

A file is of a kind only where all three agree: what calls itself a picture and begins as a program goes nowhere. The
table is short on purpose, since each row is something that every recipient must be able to open; what runs when it is
opened (programs, scripts, documents with macros, archives, web pages) has no row. A unit's card narrows it: among the
types that the unit `receives`, `attachments.pdf` and the like name the kinds that it takes, and `attachments.none` that
it takes none. A card that names no kind takes them all.

A library that guesses a file's type (puremagic, libmagic) answers another question: here the type is claimed, and the
claim is checked. Sources: the formats' own specifications; PRONOM signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from samband.schemas.units import Unit

__all__ = ["HEAD_BYTES", "KINDS", "KIND_PREFIX", "NONE", "Kind", "check_head", "kind_of", "media_type_of", "taken_by"]

KIND_PREFIX: Final = "attachments."
"""Before the name of a kind, where a card says what a unit receives."""

NONE: Final = f"{KIND_PREFIX}none"

HEAD_BYTES: Final = 128
"""So many bytes from a file's beginning tell."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: a kind of file."""

    name: str
    """As a card names it, without the prefix."""
    media_type: str
    endings: tuple[str, ...]
    begins: tuple[tuple[int, bytes], ...] = ()
    """(where, bytes): one of them stands there. Empty for text, which has no mark."""

    @property
    def is_text(self) -> bool:
        """Say whether the whole file must be text in UTF-8."""
        return not self.begins


_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OASIS: Final = "application/vnd.oasis.opendocument"
_ZIP: Final = ((0, b"PK\x03\x04"),)


def _oasis(name: str) -> tuple[tuple[int, bytes], ...]:
    """An OpenDocument file names its type as its first entry, stored as it is (OpenDocument 1.3 part 2, 3.3)."""
    return ((30, f"mimetype{_OASIS}.{name}".encode()),)


KINDS: Final[tuple[Kind, ...]] = (
    Kind("pdf", "application/pdf", ("pdf",), ((0, b"%PDF-"),)),
    Kind("jpeg", "image/jpeg", ("jpg", "jpeg"), ((0, b"\xff\xd8\xff"),)),
    Kind("png", "image/png", ("png",), ((0, b"\x89PNG\r\n\x1a\n"),)),
    Kind("tiff", "image/tiff", ("tif", "tiff"), ((0, b"II*\0"), (0, b"MM\0*"))),
    Kind("heic", "image/heic", ("heic",), ((4, b"ftypheic"), (4, b"ftypheix"), (4, b"ftypmif1"))),
    Kind("text", "text/plain", ("txt",)),
    Kind("docx", f"{_OFFICE}.wordprocessingml.document", ("docx",), _ZIP),
    Kind("xlsx", f"{_OFFICE}.spreadsheetml.sheet", ("xlsx",), _ZIP),
    Kind("pptx", f"{_OFFICE}.presentationml.presentation", ("pptx",), _ZIP),
    Kind("odt", f"{_OASIS}.text", ("odt",), _oasis("text")),
    Kind("ods", f"{_OASIS}.spreadsheet", ("ods",), _oasis("spreadsheet")),
)
"""Every kind of file that Samband carries."""

_BY_TYPE: Final = {kind.media_type: kind for kind in KINDS}
_BY_ENDING: Final = {ending: kind for kind in KINDS for ending in kind.endings}


def kind_of(name: str, media_type: str) -> Kind:
    """Return the kind of a file, where name and media type agree on it.

    Raises:
        InputError: no such kind, or the name ends as another's does (`ATTACHMENT_KIND`).
    """
    kind = _BY_TYPE.get(media_type)
    if kind is None or name.rpartition(".")[2].lower() not in kind.endings:
        raise InputError(
            "ATTACHMENT_KIND",
            "the attachment's name and media type are not those of a kind that is carried",
            f"kinds: {', '.join(each.name for each in KINDS)}; save it as one of them",
        )
    return kind


def media_type_of(name: str) -> str:
    """Return the media type that a file's name tells of.

    Raises:
        InputError: no kind that is carried ends so (`ATTACHMENT_KIND`).
    """
    kind = _BY_ENDING.get(name.rpartition(".")[2].lower())
    return kind_of(name, kind.media_type if kind else "").media_type


def check_head(kind: Kind, head: bytes) -> None:
    """Check that a file begins as its kind does; of text only that it may be one.

    Raises:
        InputError: it does not (`ATTACHMENT_CONTENT`).
    """
    fits = any(head[at : at + len(mark)] == mark for at, mark in kind.begins)
    if not (fits or (kind.is_text and b"\0" not in head)):
        raise InputError(
            "ATTACHMENT_CONTENT",
            f"the attachment does not begin as a file of kind `{kind.name}` does",
            "open it, and save it as what its name says",
        )


def taken_by(unit: Unit) -> Collection[str]:
    """Return the names of the kinds that a unit takes, as its card says."""
    named = {each.removeprefix(KIND_PREFIX) for each in unit.receives if each.startswith(KIND_PREFIX)}
    return [kind.name for kind in KINDS if not named or kind.name in named]
