"""The units around a child, the directory, and the message types: whom to write to, and how."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Final

from samband.connectors.rest import shapes
from samband.connectors.rest.calls import CURSOR, LIMIT, WAIT, Answer, Call, Operation, invalid, page
from samband.connectors.rest.consents import second_of
from samband.connectors.rest.messages import answer
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.settings import Scope
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.events import CircleUpdate, Member
from samband.schemas.examples import example
from samband.schemas.identifiers import normalise
from samband.schemas.json_schema import content_json_schema
from samband.streams.inbox import STOCKHOLM

__all__ = ["OPERATIONS"]


async def say(call: Call) -> Answer:
    """Say the whole circle."""
    body: shapes.Circle = call.body
    now = int(call.now.timestamp())
    members = tuple(_member(each, number, now) for number, each in enumerate(body.members))
    if len({(each.unit, each.role) for each in members}) != len(members):
        raise invalid("/members", "MEMBER_FORM", "a unit has the same role twice")
    child = normalise(body.child)

    def act(ids: Any) -> dict[str, str]:
        event = call.hosted.client.record(
            CircleUpdate(members, body.claim), child=child, now=call.now, unit=body.unit, message_id=ids("message")
        )
        return {"message_id": event.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


def _member(body: shapes.Member, number: int, now: int) -> Member:
    try:
        ends = second_of(body.to_date + timedelta(days=1), time.min) if body.to_date else 0
    except OverflowError:
        ends = -1
    if ends < 0 or 0 < ends <= now:
        raise invalid(f"/members/{number}/to_date", "MEMBER_FORM", "the last day is over, or out of range")
    return Member(body.unit, body.role, now, ends)


async def show(call: Call) -> shapes.CircleNow:
    """Show the circle as this party last said it."""
    found = call.hosted.client.circle(normalise(call.body.child))
    members = [
        shapes.MemberLine(
            unit=each.unit,
            role=each.role,
            from_date=_day(each.valid_from),
            to_date=_day(each.valid_to - 1) if each.valid_to else None,
        )
        for each in found
    ]
    return shapes.CircleNow(members=members)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, STOCKHOLM).date().isoformat()


async def units(call: Call) -> shapes.UnitPage:
    """List the directory's units."""
    party = call.hosted.party
    known = sorted(party.directory.units, key=lambda each: each.id)
    found, following = page(known, call.query["cursor"], call.query["limit"])
    items = [
        shapes.UnitLine(
            id=each.id, name=each.name, kind=each.kind.value, party=each.party, own=each.party == party.name
        )
        for each in found
    ]
    return shapes.UnitPage(items=items, next=following)


_TYPES: Final = tuple(row for row in CATALOGUE.values() if row.carries_content)


async def types(call: Call) -> shapes.TypePage:
    """List the message types."""
    found, following = page(list(_TYPES), call.query["cursor"], call.query["limit"])
    items = [
        shapes.TypeLine(
            type=row.name, label_sv=row.label_sv, label_en=row.label_en, senders=list(row.sender_kinds),
            recipients=list(row.recipient_kinds),
        )
        for row in found
    ]  # fmt: skip
    return shapes.TypePage(items=items, next=following)


async def type_(call: Call) -> shapes.TypeWhole:
    """Show one type, with the JSON Schema of its content and an example."""
    row = CATALOGUE.get(call.request.path_params["name"])
    if row is None or not row.carries_content:
        raise ProblemError(404, "TYPE_NOT_FOUND", "there is no such message type")
    return shapes.TypeWhole(
        type=row.name,
        label_sv=row.label_sv,
        label_en=row.label_en,
        senders=list(row.sender_kinds),
        recipients=list(row.recipient_kinds),
        content=content_json_schema(row.name),
        example=example(row.name),
    )


OPERATIONS: Final = (
    Operation(
        "POST", "/v1/circle", "sayCircle", "Say the units around a child", say, scope=Scope.CIRCLE,
        body=shapes.Circle, answer=shapes.Message, status=202, query=(WAIT,), once=True, tag="circle",
        about="The whole circle: who is not named has no role any more. Only the responsible unit says it, and it is "
        "secret.",
    ),
    Operation(
        "POST", "/v1/circle/of-child", "circleOfChild", "The circle as you last said it", show, scope=Scope.CIRCLE,
        body=shapes.OfChild, answer=shapes.CircleNow, tag="circle",
    ),
    Operation(
        "GET", "/v1/units", "listUnits", "The units of the directory", units, scope=Scope.SEND,
        answer=shapes.UnitPage, query=(LIMIT, CURSOR), tag="directory",
    ),
    Operation(
        "GET", "/v1/types", "listTypes", "The message types", types, scope=Scope.SEND, answer=shapes.TypePage,
        query=(LIMIT, CURSOR), tag="directory",
    ),
    Operation(
        "GET", "/v1/types/{name}", "showType", "One type: its fields and an example", type_, scope=Scope.SEND,
        answer=shapes.TypeWhole, problems=(404,), tag="directory",
    ),
)  # fmt: skip
