"""Files that go with a message, at both of its ends: looked at before anything is said, cut, put together, verified.

    given = Given.of(Path("utlåtande.pdf"))           or ("utlåtande.pdf", "application/pdf", bytes or binary file)
    file = described(given)                           its size, kind and SHA-256, or why it cannot go
    for part in cut(given, file, main, 0): …          never more than a part in memory
    for data in joined(file, pieces): …               raises at the end where it is not the file that was described

Everything here is pure but for reading the file that was given. Keeping and sending is the client's, receiving is
`gather`'s.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import asdict

from samband.schemas.attachment import MOST_BYTES, MOST_FILES, PART_BYTES, File, Part, parts_of, safe_name
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.media_types import HEAD_BYTES, check_head, kind_of, media_type_of, taken_by
from samband.schemas.message_type import MessageType
from samband.schemas.units import Unit

__all__ = [
    "Given",
    "Looked",
    "Source",
    "Stored",
    "as_content",
    "check_given",
    "check_taken",
    "check_whole",
    "cut",
    "described",
    "files_of",
    "joined",
]

Source = Path | tuple[str, str, bytes | BinaryIO | io.BufferedIOBase]
"""A file on disk, or (name, media type, bytes or an open binary file that can be read from its beginning)."""


@dataclass(frozen=True, slots=True)
class Given:
    """A file as somebody gave it: it can be opened more than once."""

    name: str
    media_type: str
    _data: Path | bytes | BinaryIO | io.BufferedIOBase

    @classmethod
    def of(cls, source: Source) -> Given:
        """Take a file; its name is made safe.

        Raises:
            InputError: its name cannot be used, or tells of no kind that is carried.
        """
        name, media_type, data = (source.name, "", source) if isinstance(source, Path) else source
        name = safe_name(name)
        return cls(name, media_type or media_type_of(name), data)

    @contextmanager
    def open(self) -> Iterator[BinaryIO | io.BufferedIOBase]:
        """Open it at its beginning.

        Raises:
            InputError: it cannot be read (`ATTACHMENT_FILE`).
        """
        try:
            if isinstance(self._data, Path):
                with self._data.open("rb") as file:
                    yield file
            elif isinstance(self._data, bytes):
                yield io.BytesIO(self._data)
            else:
                self._data.seek(0)
                yield self._data
        except (OSError, ValueError) as error:
            # A path may hold a child's name: only the system's own words are shown.
            why = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "not seekable"
            raise InputError("ATTACHMENT_FILE", f"an attachment cannot be read: {why}") from None


class Stored(io.BufferedIOBase):
    """A file that lies somewhere in pieces, read from its beginning; one piece at a time is in memory."""

    def __init__(self, piece: Callable[[int], bytes | None]) -> None:
        """Read what `piece` gives by number, from 0; None after the last."""
        self._piece = piece
        self._next, self._left = 0, b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to the beginning; nobody asks for another place."""
        if offset or whence:
            raise io.UnsupportedOperation
        self._next, self._left = 0, b""
        return 0

    def read(self, size: int | None = -1) -> bytes:
        """Return what comes next, at most a piece; empty at the end."""
        if not self._left:
            self._left = self._piece(self._next) or b""
            self._next += 1
        end = len(self._left) if size is None or size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        return data


class Looked:
    """A file that is looked through as it comes, piece by piece; the first piece holds its whole head."""

    def __init__(self, name: str, media_type: str) -> None:
        """Begin.

        Raises:
            InputError: no such kind is carried, or the name is another's (`ATTACHMENT_KIND`).
        """
        self._kind = kind_of(name, media_type)
        self._name, self._media_type = name, media_type
        self._size, self._digest, self._text = 0, hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()

    def take(self, data: bytes) -> None:
        """Look at the next piece.

        Raises:
            InputError: the file is not of its kind (`ATTACHMENT_CONTENT`), or too large (`ATTACHMENT_TOO_LARGE`).
        """
        if not self._size:
            check_head(self._kind, data[:HEAD_BYTES])
        if self._kind.is_text:
            _check_text(self._text, data)
        self._size += len(data)
        if self._size > MOST_BYTES:
            raise _too_large()
        self._digest.update(data)

    def end(self) -> File:
        """Return what a content says of the file.

        Raises:
            InputError: it is empty (`ATTACHMENT_EMPTY`), or text that ends within a character.
        """
        if self._kind.is_text:
            _check_text(self._text, b"", final=True)
        if not self._size:
            raise InputError("ATTACHMENT_EMPTY", "an attachment is empty", "leave it out")
        return File(self._name, self._media_type, self._size, self._digest.hexdigest(), parts_of(self._size))


def described(given: Given) -> File:
    """Look through a file and return what a content says of it.

    Raises:
        InputError: it is empty, too large, or not of the kind that its name and media type say.
    """
    looked = Looked(given.name, given.media_type)
    with given.open() as file:
        while data := file.read(PART_BYTES):
            looked.take(data)
    return looked.end()


def _check_text(text: codecs.IncrementalDecoder, data: bytes, *, final: bool = False) -> None:
    try:
        fits = "\0" not in text.decode(data, final)
    except UnicodeDecodeError:
        fits = False
    if not fits:
        raise InputError("ATTACHMENT_CONTENT", "an attachment is not text in UTF-8", "save it as UTF-8, or as a PDF")


def _too_large() -> InputError:
    return InputError(
        "ATTACHMENT_TOO_LARGE",
        f"the attachments are larger than {MOST_BYTES >> 20} MB together, which is the national limit",
        "send some of them with a message of their own, or make them smaller",
    )


def check_given(row: MessageType, content: Mapping[str, object], sources: Sequence[Source]) -> None:
    """Check that files may go with a type, and that its content names none by itself.

    Raises:
        InputError: the type carries none (`ATTACHMENT_TYPE`), or the content names some (`ATTACHMENT_FIELD`).
    """
    if sources and not row.takes_files:
        raise InputError("ATTACHMENT_TYPE", f"`{row.name}` carries no attachments", "`samband types` shows which do")
    if row.takes_files and content.get("attachments") is not None:
        raise InputError(
            "ATTACHMENT_FIELD",
            "the field `attachments` is filled in from the files themselves",
            "give the files beside the content, and leave the field out",
        )


def check_taken(recipient: Unit, files: Sequence[File]) -> None:
    """Check that files may go to a unit: before anything is said.

    Raises:
        InputError: they are too many or too large, or the unit does not take their kind.
    """
    if len(files) > MOST_FILES:
        raise InputError("ATTACHMENT_MANY", f"at most {MOST_FILES} attachments go with a message", "send them as two")
    if sum(file.size for file in files) > MOST_BYTES:
        raise _too_large()
    taken = taken_by(recipient)
    for file in files:
        if (name := kind_of(file.name, file.media_type).name) not in taken:
            raise InputError(
                "ATTACHMENT_NOT_TAKEN",
                f"unit `{recipient.id}` does not take attachments of kind `{name}`",
                f"it takes: {', '.join(taken) or 'none'}",
            )


def cut(given: Given, file: File, main: bytes, number: int) -> Iterator[Part]:
    """Yield the parts of a file that was described, as the `number`th of message `main`.

    Raises:
        InputError: it is not the file that was described (`ATTACHMENT_CHANGED`).
    """
    digest, left = hashlib.sha256(), file.size
    with given.open() as opened:
        for part in range(file.parts):
            data = opened.read(min(PART_BYTES, left))
            left -= len(data)
            digest.update(data)
            if len(data) < PART_BYTES and left:
                break
            yield Part(main=main, file=number, part=part, parts=file.parts, data=data)
        more = opened.read(1)
    if left or more or digest.hexdigest() != file.sha256:
        raise InputError("ATTACHMENT_CHANGED", "an attachment was changed while it was read", "send it anew")


def joined(file: File, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes, a piece at a time.

    Raises:
        RefusedError: they are another number (`ATTACHMENT_MISSING`) or others (`ATTACHMENT_MISMATCH`) than described.
    """
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        digest.update(piece)
        yield piece
    if size < file.size:
        raise RefusedError("ATTACHMENT_MISSING", "a part of an attachment is not here")
    if size != file.size or digest.hexdigest() != file.sha256:
        raise RefusedError("ATTACHMENT_MISMATCH", "an attachment is not the file that its message describes")


def check_whole(file: File, pieces: Iterable[bytes]) -> None:
    """Check that a file is all here, the one that was described, and of the kind that it says.

    Raises:
        RefusedError: it is not (`ATTACHMENT_MISSING`, `ATTACHMENT_MISMATCH`).
    """
    kind, text, head = kind_of(file.name, file.media_type), codecs.getincrementaldecoder("utf-8")(), b""
    try:
        for piece in joined(file, pieces):
            if not head:
                head = piece[:HEAD_BYTES]
                check_head(kind, head)
            if kind.is_text:
                _check_text(text, piece)
        if kind.is_text:
            _check_text(text, b"", final=True)
    except InputError:
        raise RefusedError("ATTACHMENT_MISMATCH", "an attachment is not of the kind that it says") from None


def files_of(content: object) -> tuple[File, ...]:
    """Return the files that a content names."""
    named = content.get("attachments") if isinstance(content, dict) else None
    return tuple(File(**each) for each in named or ())


def as_content(files: Sequence[File]) -> list[dict[str, object]]:
    """Return files as a content names them."""
    return [asdict(file) for file in files]


Progress = Callable[[int, int], None]
"""Told how many bytes of how many are kept."""
