"""The files of a draft: looked at when they are given, kept beside it in sealed pieces, and gone when it is.

    looked, faults = look(uploads, kept, recipient)     what may go, and what is wrong with the rest, for the form
    keep(store, looked)                                 a piece in memory at a time
    [source(store, each) for each in draft.attached]    as `Client.send` takes them

A draft names its files before their pieces are kept, so that what broke off is erased with it; such a one is not
`whole`, and does not count. A name may tell of a child: it stands in no error, and on the page of whoever chose it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import asdict

from samband.connectors.attachments import Given, Source, Stored, check_taken, described
from samband.schemas.attachment import PART_BYTES, File, safe_name
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.store import Store
    from samband.connectors.web.uploads import Upload, Uploads
    from samband.schemas.units import Unit

__all__ = ["Attached", "Fault", "forget", "keep", "look", "source"]

_CODE: Final = "ATTACHMENT_"
_TOGETHER: Final = ("too_large", "many")
"""What is wrong with the files together, and not with one."""
_AT_ONCE: Final = 4
"""Pieces in one transaction of the store: 2 MB."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a draft."""

    key: str
    """Names its pieces; random."""
    file: File
    whole: bool

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Attached:
        """Return what a draft has kept."""
        return cls(kept["key"], File(**kept["file"]), kept["whole"])

    @property
    def kept(self) -> dict[str, Any]:
        """As a draft keeps it."""
        return {"key": self.key, "file": asdict(self.file), "whole": self.whole}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file: `large`, `name`, `kind`, …, as `words.toml` has it under `file_fault`."""

    why: str
    name: str = ""
    """The file's; empty where it cannot be shown."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that may go, and where it still lies."""

    attached: Attached
    given: Given


def look(uploads: Uploads, kept: Sequence[Attached], recipient: Unit) -> tuple[list[Looked], list[Fault]]:
    """Return the files of a form that may go with those that are kept, and what is wrong with the others."""
    if uploads.fault:
        return [], [Fault({"large": "too_large"}.get(uploads.fault, uploads.fault))]
    found, faults = list[Looked](), list[Fault]()
    for upload in uploads.files:
        if not upload.name and not upload.data.read(1):
            continue  # nothing was chosen
        files = [each.file for each in (*kept, *(one.attached for one in found))]
        try:
            looked = _looked(upload)
            if looked.attached.file in files:
                continue  # chosen twice
            check_taken(recipient, [*files, looked.attached.file])
        except InputError as error:
            why = error.code.removeprefix(_CODE).lower()
            fault = Fault(why, "" if why in _TOGETHER else _shown(upload.name))
            faults += [fault] if fault not in faults else []
        else:
            found.append(looked)
    return found, faults


def _looked(upload: Upload) -> Looked:
    given = Given.of((upload.name, "", upload.data))  # its name tells its kind: a browser guesses
    return Looked(Attached(secrets.token_hex(16), described(given), whole=False), given)


def _shown(name: str) -> str:
    try:
        return safe_name(name)
    except InputError:
        return ""


def keep(store: Store, looked: Iterable[Looked]) -> list[Attached]:
    """Keep the files in pieces, and return them as whole."""
    found = []
    for each in looked:
        with each.given.open() as data:
            for first in range(0, each.attached.file.parts, _AT_ONCE):
                with store.transaction():
                    for number in range(first, min(first + _AT_ONCE, each.attached.file.parts)):
                        store.keep_sealed(_piece(each.attached.key, number), data.read(PART_BYTES))
        found.append(replace(each.attached, whole=True))
    return found


def forget(store: Store, kept: Iterable[Mapping[str, Any]]) -> None:
    """Erase files that a draft has kept; inside a transaction of the caller's."""
    for each in map(Attached.of, kept):
        for number in range(each.file.parts):
            store.forget_sealed(_piece(each.key, number))


def source(store: Store, attached: Attached) -> Source:
    """Return a file as it is sent: it is read from its pieces, and held against what it was when it was given."""
    data = Stored(lambda number: store.sealed(_piece(attached.key, number)))
    return attached.file.name, attached.file.media_type, data


def _piece(key: str, number: int) -> str:
    return f"desk/file/{key}/{number}"
