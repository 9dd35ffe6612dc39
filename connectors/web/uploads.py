"""A form that carries files, read as it comes: a piece at a time, and never more of it kept than is taken.

    posted = await read(headers, receive, most=…, fields=500, text=…)
    posted.fields        what was typed, in the form's order
    posted.uploads       its files, and whether they were too much

A browser sends all that it was given before it looks at an answer. So what is too much is read on for a while and
forgotten, and what was typed before it is there: a form has its files last. Files lie in memory until the answer is
given, never on a disk in plain text; how many forms are read at a time bounds them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from starlette.formparsers import MultiPartException, MultiPartParser

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Receive

__all__ = ["MOST_FILES", "BrokenFormError", "Posted", "Upload", "Uploads", "read"]

MOST_FILES: Final = 100
"""Files that are read at all; how many are taken is for the page to say."""
_READ_ON: Final = 4
"""So many times what is taken is read before the connection is given up."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a browser sent it: nothing of it is looked at yet."""

    name: str
    data: BinaryIO = field(repr=False)


@dataclass(frozen=True, slots=True)
class Uploads:
    """The files of a form."""

    files: tuple[Upload, ...] = ()
    fault: str = ""
    """`large` or `many`: none of them is here."""
    forgotten: Callable[[], None] = lambda: None
    """Called when they are."""

    def close(self) -> None:
        """Forget them, once."""
        for each in self.files:
            each.data.close()
        self.forgotten()


@dataclass(frozen=True, slots=True)
class Posted:
    """What a form said."""

    fields: list[tuple[str, str]]
    uploads: Uploads


class BrokenFormError(Exception):
    """The form cannot be read, or its sender has gone."""


class _TooMuchError(Exception):
    pass


class _Parser(MultiPartParser):
    spool_max_size = 0  # never written to a temporary file


async def read(headers: Headers, receive: Receive, *, most: int, fields: int, text: int) -> Posted:
    """Read a form's body.

    Args:
        headers: of the request; its `content-type` has the boundary.
        receive: gives the body.
        most: bytes of the whole body.
        fields: how many fields there may be beside the files.
        text: bytes of what is typed.

    Raises:
        BrokenFormError: it is no such form, or what is typed is too much.
    """
    taken, ended = 0, False

    async def piece() -> bytes:
        nonlocal taken, ended
        message = await receive()
        if message["type"] != "http.request":
            raise BrokenFormError
        body: bytes = message.get("body", b"")
        taken, ended = taken + len(body), not message.get("more_body")
        return body

    async def pieces() -> AsyncGenerator[bytes, None]:
        while not ended:
            room = most - taken
            yield (await piece())[:room]
            if taken > most:
                raise _TooMuchError

    parser, fault = _Parser(headers, pieces(), max_files=MOST_FILES, max_fields=fields, max_part_size=text), ""
    try:
        await parser.parse()
    except _TooMuchError:
        fault = "large"
    except MultiPartException:
        if sum(not isinstance(value, str) for _, value in parser.items) < MOST_FILES:
            raise BrokenFormError from None
        fault = "many"
    while fault and not ended and taken < _READ_ON * most:
        await piece()
    typed = [(name, value) for name, value in parser.items if isinstance(value, str)]
    files = () if fault else tuple(
        Upload(value.filename or "", value.file)
        for _, value in parser.items if not isinstance(value, str)
    )  # fmt: skip
    uploads = Uploads(files, fault)
    if sum(len(name) + len(value) for name, value in typed) > text:
        uploads.close()
        raise BrokenFormError
    return Posted(typed, uploads)
