"""What happens, as CloudEvents: one by one in a stream (SSE), or page by page with a long poll.

    GET /v1/events?after=12.4&wait=25                  application/json: events, and `next`
    GET /v1/events   Accept: text/event-stream          Last-Event-ID: 12.4 goes on where it broke

A place is two of the store's own numbers: the last step of a ladder, and the last letter that could be fetched. So a
stream that breaks loses nothing and repeats nothing, over restarts too. Events tell that something came and where,
never its content: the system fetches that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import StreamingResponse

from samband.connectors.pages import last_step, steps_after
from samband.connectors.rest.calls import LIMIT, WAIT, Call, Operation, Query, matching, rfc3339
from samband.connectors.rest.inbox import letter
from samband.connectors.rest.ladder import step_of
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.settings import Scope
from samband.connectors.rest.shapes import Event, EventPage

if TYPE_CHECKING:
    from samband.connectors.rest.auth import Caller

__all__ = ["OPERATIONS"]

STREAM: Final = "text/event-stream"
_PLACE: Final = "[0-9]{1,18}[.][0-9]{1,18}"
_AFTER: Final = Query(
    "after",
    "a place: `next` of the page before, or an event's `id`; `0.0` is the beginning; none: now",
    {"type": "string", "pattern": f"^{_PLACE}$"},
    matching(_PLACE),
    "",
)
_LOOK_S: Final = 0.2
_ALIVE_S: Final = 15.0
_LIFE_S: Final = 600.0
"""A stream ends after so long and is taken up again, so that a client that was taken away is out."""
_SAYS: Final = frozenset({Scope.SEND, Scope.CONSENTS, Scope.CIRCLE})

_ITS_OWN: Final = frozenset({"key.card", "log.cosigned"})
"""What the connector says for itself; no system asked for it."""

Place = tuple[int, int]


def _place(text: str) -> Place:
    steps, _, letters = text.partition(".")
    return int(steps), int(letters)


def _written(place: Place) -> str:
    return f"{place[0]}.{place[1]}"


def _here(call: Call) -> Place:
    call.hosted.pickup.announce(call.now_ms)
    return last_step(call.hosted.party.store), call.hosted.pickup.last()


def _look(call: Call, place: Place, limit: int) -> tuple[list[Event], Place]:
    """Return what came after a place, and the place after it."""
    hosted, caller = call.hosted, call.caller
    hosted.pickup.announce(call.now_ms)
    found: list[Event] = []
    if Scope.INBOX in caller.scopes:
        for number, message_id in hosted.pickup.announced(place[1], limit):
            place = (place[0], number)
            row = hosted.party.store.letter(message_id)
            if row is not None and row.state in ("waiting", "handing"):
                data = msgspec.to_builtins(letter(row))
                found.append(_event(place, "samband.delivery.waiting", row.received, message_id, data))
    if _may_follow(caller):
        for number, message_id, step in steps_after(hosted.party.store, place[0], limit - len(found)):
            place = (number, place[1])
            if step.detail.get("type") in _ITS_OWN:
                continue
            data = {"message_id": message_id.hex(), **msgspec.to_builtins(step_of(step))}
            found.append(_event(place, f"samband.message.{step.kind}", step.at, message_id, data))
    return found, place


def _may_follow(caller: Caller) -> bool:
    return bool(caller.scopes & _SAYS)


def _event(place: Place, kind: str, at: int, message_id: bytes, data: dict[str, Any]) -> Event:
    return Event(
        specversion="1.0",
        id=_written(place),
        source="samband",
        type=kind,
        subject=message_id.hex(),
        time=rfc3339(at),
        datacontenttype="application/json",
        data=data,
    )


async def events(call: Call) -> Any:
    """Hand out what happened, in the form that is asked for."""
    last = call.request.headers.get("last-event-id")
    if last is not None and not re.fullmatch(_PLACE, last):
        raise ProblemError(400, "LAST_EVENT_ID", "`Last-Event-ID` is not a place in the stream")
    if STREAM in call.request.headers.get("accept", ""):
        last = last or call.query["after"]
        call.waiting.check()
        place = _place(last) if last else _here(call)
        return StreamingResponse(_stream(call, place), media_type=STREAM, headers={"x-accel-buffering": "no"})
    after, limit = call.query["after"], call.query["limit"]
    if not after:
        return EventPage(items=[], next=_written(_here(call)))
    found, place = _look(call, _place(after), limit)
    if not found and call.patience:
        with call.waiting:
            deadline = asyncio.get_running_loop().time() + call.patience
            while not found and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(_LOOK_S)
                found, place = _look(call, place, limit)
    return EventPage(items=found, next=_written(place))


async def _stream(call: Call, place: Place) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + _LIFE_S
    with call.waiting:
        # The place goes first: a stream that breaks before its first event is taken up from here.
        yield f"retry: 2000\nid: {_written(place)}\n\n".encode()
        told = loop.time()
        while loop.time() < end:
            found, place = _look(call, place, 100)
            for each in found:
                yield f"id: {each.id}\nevent: {each.type}\ndata: ".encode() + msgspec.json.encode(each) + b"\n\n"
                told = loop.time()
            if loop.time() - told > _ALIVE_S:
                yield b": alive\n\n"
                told = loop.time()
            if not found:
                await asyncio.sleep(_LOOK_S)


OPERATIONS: Final = (
    Operation(
        "GET", "/v1/events", "events", "What happens", events, scope=None, answer=EventPage,
        query=(_AFTER, WAIT, LIMIT), also=(STREAM,), tag="events",
        about="`samband.delivery.waiting`: something can be fetched. `samband.message.decision`, `.receipt`, `.event` "
        "and the like: a step of something that you said. With `Accept: text/event-stream` as a stream, which "
        "`Last-Event-ID` takes up where it broke; else a page, for which `wait` waits. Scope `inbox`, `send` or both.",
    ),
)  # fmt: skip
