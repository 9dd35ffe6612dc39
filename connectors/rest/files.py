"""Files that go with a message: handed in one by one, kept sealed for a day, named by the message that takes them.

    POST /v1/files                         the file as the body      201 {"file_id": "7d0f…", …}
    POST /v1/messages                      {…, "attachments": ["7d0f…"]}

A body is read a piece at a time, after its caller was let in, and each piece is sealed in the party's store before the
next one is read: no file is ever whole in memory, or anywhere in plain text. A file belongs to the client that handed
it in. It is erased when the answer about its message is kept, and not before, so that a repeat of that message after a
crash finds it. Its name comes in a header, not in the address, which a proxy may write down: it may name a child.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from email.message import Message
from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from samband.connectors.attachments import Looked, Source, Stored
from samband.connectors.rest.calls import Answer, Call, Operation, rfc3339
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.settings import Scope
from samband.connectors.rest.shapes import Fault, KeptFile, KeptFiles
from samband.schemas.attachment import MOST_BYTES, PART_BYTES, safe_name

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Receive

    from samband.connectors.store import Store, UploadRow

__all__ = ["NAMED", "OPERATIONS", "check_ids", "drop", "sources"]

MOST_KEPT: Final = 20
"""Files of one client that no message has taken: as many as go with one message."""
MOST_KEPT_BYTES: Final = 60 << 20
"""Of those together: two messages' worth."""
SLOW_S: Final = 30.0
"""For each piece of 500 kB: 137 kbit/s at least."""
NAMED: Final = "attachment; filename*=UTF-8''utl%C3%A5tande.pdf"
_LIFE_MS: Final = 24 * 3_600_000
_COMING_MS: Final = 3_600_000
"""After so long what never came to its end is let go; at the slowest a file takes half of it."""


def _name(headers: Headers) -> str:
    """Return what `Content-Disposition` calls the file (RFC 6266; RFC 8187 for what is beyond ASCII).

    Raises:
        ProblemError: it says no name, or none that is UTF-8 (`FILE_NAME`).
    """
    given, told = headers.getlist("content-disposition"), Message()
    if len(given) == 1 and given[0].isascii():
        told["content-disposition"] = given[0]
    name = told.get_filename()
    if name is None or "\ufffd" in name:  # what stands for bytes that were no UTF-8
        raise ProblemError(400, "FILE_NAME", f"the file is not named as in `Content-Disposition: {NAMED}`")
    return name


async def upload(call: Call) -> Answer:
    """Keep a file until a message takes it."""
    headers, store, client = call.request.headers, call.hosted.party.store, call.caller.client.id
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    looked = Looked(safe_name(_name(headers)), media_type)
    length = headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 18 or int(length) > MOST_BYTES:
        raise _too_large()
    file_id = secrets.token_bytes(16)
    with call.uploads.place(client):
        with store.transaction():
            store.drop_uploads(call.now_ms)  # what is over takes no room
            _check_room(store, client, call.now_ms, int(length))
            store.begin_upload(file_id, client, call.now_ms, call.now_ms + _COMING_MS)
        try:
            await _keep(call, file_id, looked)
            file = looked.end()
            with store.transaction():
                whole = store.end_upload(file_id, file, call.now_ms + _LIFE_MS)
            if not whole:
                raise _slow()
        except BaseException:
            with store.transaction():
                store.drop_upload(file_id)
            raise
    kept = store.upload(file_id, client, call.now_ms)
    assert kept is not None
    return Answer(_line(kept))


async def _keep(call: Call, file_id: bytes, looked: Looked) -> None:
    """Keep a body's pieces as they come."""
    store, client, part = call.hosted.party.store, call.caller.client.id, 0
    async with aclosing(_pieces(call.request.receive)) as pieces:
        async for data in pieces:
            looked.take(data)
            with store.transaction():
                _check_room(store, client, call.now_ms, len(data), more=0)
                if not store.add_upload_piece(file_id, part, data):
                    raise _slow()
            part += 1


async def _pieces(receive: Receive) -> AsyncGenerator[bytes]:
    """Yield a body in pieces of `PART_BYTES`, the last one shorter; nothing is read above the limit.

    Raises:
        ProblemError: it is too large (`ATTACHMENT_TOO_LARGE`), too slow (`BODY_SLOW`), or cut (`BODY_CUT`).
    """
    buffer, size, more = bytearray(), 0, True
    while more:
        try:
            async with asyncio.timeout(SLOW_S):
                while more and len(buffer) < PART_BYTES:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise ProblemError(400, "BODY_CUT", "the body ended before its end")
                    data = message.get("body", b"")
                    size += len(data)
                    if size > MOST_BYTES:
                        raise _too_large()
                    buffer += data
                    more = message.get("more_body", False)
        except TimeoutError:
            raise _slow() from None
        while len(buffer) >= PART_BYTES:
            piece = bytes(memoryview(buffer)[:PART_BYTES])
            del buffer[:PART_BYTES]
            yield piece
    if buffer:
        yield bytes(buffer)


def _check_room(store: Store, client: str, now: int, size: int, *, more: int = 1) -> None:
    """Check that a client may keep `more` files and `size` bytes more.

    Raises:
        ProblemError: too much of it waits already (`FILES_WAIT`).
    """
    count, kept, goes = store.uploads_kept(client, now)
    if count + more <= MOST_KEPT and kept + size <= MOST_KEPT_BYTES:
        return
    raise ProblemError(
        429, "FILES_WAIT",
        f"at most {MOST_KEPT} files and {MOST_KEPT_BYTES >> 20} MB of one client wait for a message: send some, or "
        "take some away (`GET /v1/files`, `DELETE /v1/files/{id}`)",
        retriable=True, headers={"retry-after": str(max(1, (goes - now) // 1000))},
    )  # fmt: skip


def _too_large() -> ProblemError:
    detail = f"a file is at most {MOST_BYTES >> 20} MB, which is the national limit"
    return ProblemError(413, "ATTACHMENT_TOO_LARGE", detail)


def _slow() -> ProblemError:
    return ProblemError(408, "BODY_SLOW", "the body came too slowly", retriable=True)


def _line(row: UploadRow) -> KeptFile:
    file = row.file
    return KeptFile(
        file_id=row.file_id.hex(), name=file.name, media_type=file.media_type, size=file.size, sha256=file.sha256,
        expires=rfc3339(row.expires),
    )  # fmt: skip


async def kept(call: Call) -> KeptFiles:
    """List what no message has taken."""
    rows = call.hosted.party.store.uploads(call.caller.client.id, call.now_ms)
    return KeptFiles(items=[_line(each) for each in rows])


async def take_away(call: Call) -> Response:
    """Erase a file that is not to be sent."""
    file_id, store = call.id("ATTACHMENT_UNKNOWN"), call.hosted.party.store
    if store.upload(file_id, call.caller.client.id, call.now_ms) is None:
        raise ProblemError(404, "ATTACHMENT_UNKNOWN", "no such file of this client waits")
    with store.transaction():
        store.drop_upload(file_id)
    return Response(status_code=204)


def check_ids(ids: Sequence[str]) -> None:
    """Check that a message names no file twice.

    Raises:
        ProblemError: it does (`ATTACHMENT_TWICE`), with each place.
    """
    detail = "the file stands there already"
    _refuse([(place, "ATTACHMENT_TWICE", detail) for place, each in enumerate(ids) if each in ids[:place]])


def sources(call: Call, ids: Sequence[str]) -> list[Source]:
    """Return the files that a message names, as `Client.send` takes them.

    Raises:
        ProblemError: this client has no such file, or its time is over (`ATTACHMENT_UNKNOWN`), with each place.
    """
    store, client = call.hosted.party.store, call.caller.client.id
    rows = [store.upload(bytes.fromhex(each), client, call.now_ms) for each in ids]
    detail = "no such file of this client waits; it was sent, taken away, or its time is over"
    _refuse([(place, "ATTACHMENT_UNKNOWN", detail) for place, row in enumerate(rows) if row is None])
    return [
        (row.file.name, row.file.media_type, Stored(partial(store.upload_piece, row.file_id))) for row in rows if row
    ]


def drop(call: Call, ids: Sequence[str]) -> None:
    """Erase the files of a message whose answer is kept."""
    store, client = call.hosted.party.store, call.caller.client.id
    rows = [row for each in ids if (row := store.upload(bytes.fromhex(each), client, call.now_ms)) is not None]
    if rows:
        with store.transaction():
            for row in rows:
                store.drop_upload(row.file_id)


def _refuse(places: Sequence[tuple[int, str, str]]) -> None:
    if places:
        faults = [Fault(pointer=f"/attachments/{place}", code=code, detail=detail) for place, code, detail in places]
        raise ProblemError(422, faults[0].code, faults[0].detail, errors=faults)


OPERATIONS: Final = (
    Operation(
        "POST", "/v1/files", "handInFile", "Hand in a file for a message", upload, scope=Scope.SEND, body=bytes,
        answer=KeptFile, status=201, problems=(408,), tag="messages",
        about=f"The body is the file itself, at most {MOST_BYTES >> 20} MB, and `Content-Type` its media type, one of "
        "those listed here, whose mark its bytes must bear. It is kept sealed for 24 hours, for this client only, "
        f"until a message names it in `attachments`; at most {MOST_KEPT} files and {MOST_KEPT_BYTES >> 20} MB wait.",
    ),
    Operation(
        "GET", "/v1/files", "listFiles", "List the files that no message has taken", kept, scope=Scope.SEND,
        answer=KeptFiles, tag="messages",
    ),
    Operation(
        "DELETE", "/v1/files/{id}", "takeFileAway", "Take a file away that is not to be sent", take_away,
        scope=Scope.SEND, status=204, problems=(404,), tag="messages",
    ),
)  # fmt: skip
