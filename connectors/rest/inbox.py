"""What came: list it, fetch it, say that you have it; and what a person does with it there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response, StreamingResponse

from samband.connectors.attachments import files_of
from samband.connectors.handing import delivery_of
from samband.connectors.pages import letters_after
from samband.connectors.reading import KEPT, letter_of, misdirect, read
from samband.connectors.rest.calls import CURSOR, LIMIT, Answer, Call, Operation, Query, matching, one_of, rfc3339
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.settings import Scope
from samband.connectors.rest.shapes import (
    Acknowledge,
    Acknowledged,
    Event,
    Letter,
    LetterPage,
    Misdirected,
    Read,
)
from samband.connectors.webhook import cloud_event
from samband.schemas.attachment import MOST_FILES

if TYPE_CHECKING:
    from samband.connectors.store import InboxRow

__all__ = ["OPERATIONS", "letter"]

_BYTES: Final = "application/octet-stream"
CLOUD: Final = "application/cloudevents+json"
_SHOW: Final = Query(
    "show",
    "`open`: what waits to be fetched or acknowledged; `all`: everything that came",
    {"type": "string", "enum": ["open", "all"], "default": "open"},
    one_of("open", "all"),
    "open",
)
_UNIT: Final = Query(
    "unit",
    "of one own unit only",
    {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
    matching("[A-Za-z0-9._:-]{1,64}"),
    "",
)


def letter(row: InboxRow) -> Letter:
    """Return a line about a letter; of a held one neither type nor sender."""
    return Letter(
        message_id=row.message_id.hex(),
        type=None if row.held else row.type,
        sender=None if row.held else row.letter["sender_unit"],
        unit=row.unit,
        state=row.state,
        code=row.code,
        held=row.held,
        received=rfc3339(row.received),
        expires=rfc3339(row.expires),
    )


async def letters(call: Call) -> LetterPage:
    """List what came."""
    hosted, limit, after = call.hosted, call.query["limit"], call.query["cursor"]
    hosted.pickup.announce(call.now_ms)
    if call.query["show"] == "open":
        places = hosted.pickup.open_after(after, limit + 1, call.query["unit"])
    else:
        places = letters_after(hosted.party.store, after, limit + 1, unit=call.query["unit"])
    rows = [(place, row) for place, each in places[:limit] if (row := hosted.party.store.letter(each)) is not None]
    more = len(places) > limit
    return LetterPage(items=[letter(row) for _, row in rows], next=str(places[limit - 1][0]) if more else None)


async def fetch(call: Call) -> Answer:
    """Hand out a letter as a CloudEvent; of a held one the reference."""
    row = letter_of(call.hosted.party, call.id())
    return Answer(_event(call.hosted.pickup.take(row, call.now_ms)))


def _event(row: InboxRow) -> dict[str, Any]:
    delivery = delivery_of(row)
    event = cloud_event(delivery)
    if delivery.held:
        document: dict[str, Any] = {**delivery.document(), "fetch": f"POST /v1/inbox/{delivery.message_id}/read"}
        event["data"] = document
    return event


async def attachment(call: Call) -> Response:
    """Hand out a file that goes with a letter."""
    unknown = ProblemError(404, "ATTACHMENT_UNKNOWN", "the message has no such attachment")
    text = call.request.path_params["number"]
    if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > MOST_FILES:
        raise unknown
    row = call.hosted.pickup.take(letter_of(call.hosted.party, call.id()), call.now_ms)
    if row.held:
        raise ProblemError(409, "MESSAGE_HELD", "the message is held back, with its files")
    named, index = files_of(row.letter["content"]), int(text) - 1
    if index >= len(named):
        raise unknown

    async def pieces() -> AsyncIterator[bytes]:  # on the store's own thread, a piece at a time
        for piece in call.hosted.client.attachment(row.message_id, index):
            yield piece

    length = {"content-length": str(named[index].size), "x-content-type-options": "nosniff"}
    return StreamingResponse(pieces(), media_type=_BYTES, headers=length)


async def acknowledge(call: Call) -> Acknowledged:
    """Record that the far side has a letter."""
    body: Acknowledge = call.body
    row = letter_of(call.hosted.party, call.id())
    state = call.hosted.pickup.acknowledge(row, call.now_ms, opened=body.opened)
    return Acknowledged(message_id=row.message_id.hex(), state=state)


async def show(call: Call) -> Answer:
    """Show what is held back, for a reason; the reading is recorded first."""
    body: Read = call.body
    row = letter_of(call.hosted.party, call.id())
    row = call.hosted.pickup.take(row, call.now_ms)
    user = {"id": body.acting_user.id, "role": body.acting_user.role}
    read(call.hosted.party, row, reason=body.reason, user=user, now=call.now_ms)
    return Answer(cloud_event(delivery_of(row, whole=True)))


async def misdirected(call: Call) -> Acknowledged:
    """Say that a letter was not meant for the unit."""
    body: Misdirected = call.body
    row = letter_of(call.hosted.party, call.id())
    if row.state not in KEPT:
        raise ProblemError(409, "MESSAGE_NOT_KEPT", "no such message is kept here")
    user = {"id": body.acting_user.id, "role": body.acting_user.role}
    misdirect(call.hosted.party, row.message_id, user=user, now=call.now_ms)
    call.hosted.service.wake()
    return Acknowledged(message_id=row.message_id.hex(), state="misdirected")


OPERATIONS: Final = (
    Operation(
        "GET", "/v1/inbox", "listInbox", "List what came", letters, scope=Scope.INBOX, answer=LetterPage,
        query=(_SHOW, _UNIT, LIMIT, CURSOR), tag="inbox",
        about="Oldest first. Of what is held back, since the child is protected, only that it came.",
    ),
    Operation(
        "GET", "/v1/inbox/{id}", "fetch", "Fetch a message", fetch, scope=Scope.INBOX, answer=Event, media=CLOUD,
        problems=(404, 409, 410), tag="inbox",
        about="The same event as the webhook posts. It may be fetched as often as needed until it is acknowledged. Of "
        "what is held back `data` is a reference without content, sender and type.",
    ),
    Operation(
        "GET", "/v1/inbox/{id}/attachments/{number}", "fetchAttachment", "Fetch a file of a message", attachment,
        scope=Scope.INBOX, answer=bytes, media=_BYTES, problems=(404, 409, 410), tag="inbox",
        about="By its place in `content.attachments` of the event, from 1; name, media type and SHA-256 stand there. "
        "Fetch the files before you acknowledge. Of what is held back they are had on the command line only.",
    ),
    Operation(
        "POST", "/v1/inbox/{id}/acknowledge", "acknowledge", "Say that your system has it", acknowledge,
        scope=Scope.INBOX, body=Acknowledge, answer=Acknowledged, problems=(404, 409, 410), tag="inbox",
        about="Only now is it handed over, and its sender is told. Call it when the message is durably yours; a repeat "
        "changes nothing. `opened` says that a person has opened it too, now or later.",
    ),
    Operation(
        "POST", "/v1/inbox/{id}/read", "readHeld", "Read what is held back", show, scope=Scope.PROTECTED, body=Read,
        answer=Event, media=CLOUD, problems=(404, 409, 410), tag="inbox",
        about="For a child that is protected. Who read it, when and why is recorded before the content is shown.",
    ),
    Operation(
        "POST", "/v1/inbox/{id}/misdirected", "misdirected", "Say that it was not meant for you", misdirected,
        scope=Scope.INBOX, body=Misdirected, answer=Acknowledged, problems=(404, 409), tag="inbox",
        about="Its sender is told, and its content is erased here; what your own system has, it erases itself.",
    ),
)  # fmt: skip
