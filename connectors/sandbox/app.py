"""The sandbox by HTTP, on this machine's own address and for it alone: who is there, say something, let it go wrong.

    GET    /sandbox                          parties, children, answers that a test may rest on, faults that hold
    POST   /sandbox/say                      a party says something to yours: {"from", "to", "type", "child"}
    GET    /sandbox/parties/{party}/said/{message}      what became of it
    GET    /sandbox/parties/{party}/inbox    what came, as its own system gets it
    POST   /sandbox/parties/{party}/restart  end its connector in the middle of what it does, and start it again
    GET, POST, DELETE /sandbox/faults        {"kind": "drop", "party": "skola", "way": "out", "times": 2}
    DELETE /sandbox/faults/{id}
    …      /parties/{party}/…                 that party's own REST interface (`doors`)

Errors are problem+json (RFC 9457) with `code`, `hint` and, where a field is wrong, `pointer`. There is no password,
since there is nobody's data: but only this machine's own programs are answered, and no page of a browser's other tab.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from samband.connectors.client import Outcome
from samband.connectors.handing import delivery_of
from samband.connectors.sandbox.children import ANSWERS, CHILDREN, example_about
from samband.connectors.sandbox.doors import Doors, secret_of
from samband.connectors.sandbox.faults import Fault
from samband.connectors.sandbox.house import Hosted, House
from samband.connectors.sandbox.places import PARTIES
from samband.schemas.errors import InputError, SambandError
from samband.schemas.examples import example
from samband.schemas.version import VERSION

__all__ = ["NOT_REAL", "app"]

NOT_REAL: Final = (
    "Kafka is a list in memory here: no certificates, no rights, no disk. Reminders and the keeper of the hub's "
    "records do not run. Everything else is what runs in production. All is forgotten when the sandbox ends."
)
_MOST: Final = 1_000_000
_WAIT_S: Final = 5.0
_MOST_WAIT_S: Final = 60.0
_UNKNOWN: Final = ("PARTY_UNKNOWN", "MESSAGE_UNKNOWN", "FAULT_UNKNOWN")


def app(house: House) -> Starlette:
    """Return the house's app; it does not start or end the house."""
    each = _App(house)
    routes = [
        Route("/", each.index),
        Route("/sandbox", each.index),
        Route("/sandbox/say", each.say, methods=["POST"]),
        Route("/sandbox/parties/{party}/said/{message}", each.said),
        Route("/sandbox/parties/{party}/inbox", each.inbox),
        Route("/sandbox/parties/{party}/restart", each.restart, methods=["POST"]),
        Route("/sandbox/faults", each.faults, methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/faults/{name}", each.end_fault, methods=["DELETE"]),
        Mount("/parties", Doors(house)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_OwnMachine)], exception_handlers={SambandError: _problem})


class _App:
    """The answers."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def index(self, request: Request) -> Response:
        """Say who is there."""
        house = self._house
        parties = [
            {
                "party": place.party,
                "name": place.name,
                "rest": f"/parties/{place.party}/openapi.json",
                "client": {"id": place.party, "secret": secret_of(place.party)},
                "units": [{"unit": unit.id, "kind": unit.kind.value, "name": unit.name} for unit in place.units],
            }
            for place in PARTIES
        ]
        children = [
            {
                "child": each.key,
                "identifier": each.identifier,
                "name": each.name,
                "sv": each.told[0],
                "en": each.told[1],
            }
            for each in CHILDREN.values()
        ]
        answers = [
            {"child": each.child, "type": each.type, "from": each.sender, "to": each.recipient,
             "outcome": each.outcome, "why": each.why, "held": each.held}
            for each in ANSWERS
        ]  # fmt: skip
        return JSONResponse(
            {
                "samband": VERSION,
                "not_real": NOT_REAL,
                "parties": parties,
                "children": children,
                "answers": answers,
                "faults": [each.json() for each in house.faults.rules()],
            }
        )

    async def say(self, request: Request) -> Response:
        """Let a party say something: the example of its type about a child, or a content of one's own."""
        asked = await _json(request, ("from", "to", "type", "child", "content", "ask", "wait"))
        hosted = self._house.owner(_text(asked, "from"))
        type_name, wait = _text(asked, "type"), asked.get("wait", _WAIT_S)
        if type(wait) not in (int, float) or not 0 <= wait <= _MOST_WAIT_S:
            raise _invalid("wait", f"is a number of seconds from 0 to {_MOST_WAIT_S:.0f}")
        content = self._content(asked, type_name)
        ways: dict[str, Any] = {"recipient": _text(asked, "to"), "unit": asked["from"], "now": datetime.now(UTC)}
        if asked.get("ask") is True:
            filled = tuple(name for name in content if name not in ("child_identifier", "acting_user"))
            message = hosted.client.ask(type_name, child=content["child_identifier"], fields=filled, **ways)
            outcome = await hosted.outcome(message, lambda each: each.decided, wait)
        else:
            message = hosted.client.send(type_name, content=content, **ways)
            outcome = await hosted.outcome(message, lambda each: each.final, wait)
        return JSONResponse(_told(outcome))

    def _content(self, asked: dict[str, Any], type_name: str) -> dict[str, Any]:
        content, key = asked.get("content"), asked.get("child", "permitted")
        if content is not None and not isinstance(content, dict):
            raise _invalid("content", "is an object")
        if content is not None and "child" not in asked:
            return content
        if key not in CHILDREN:
            raise _invalid("child", f"is one of {', '.join(CHILDREN)}")
        made = content if content is not None else example(type_name)
        return (
            made if made.get("child_identifier", "").startswith("R") else example_about(CHILDREN[key], type_name, made)
        )

    async def said(self, request: Request) -> Response:
        """Tell what became of something that a party has said."""
        hosted, message = self._hosted(request), _id(request.path_params["message"])
        outcome = hosted.client.outcome(message)
        if not outcome.steps and not hosted.party.store.has_said(message):
            raise InputError("MESSAGE_UNKNOWN", "this party has said no such message")
        return JSONResponse(_told(outcome))

    async def inbox(self, request: Request) -> Response:
        """Tell what has come to a party, newest first, in the form in which its own system gets it."""
        rows = self._hosted(request).party.store.letters()
        found = [
            {"message_id": row.message_id.hex(), "unit": row.unit, "state": row.state, "code": row.code,
             "document": delivery_of(row).document()}
            for row in rows
        ]  # fmt: skip
        return JSONResponse({"messages": found})

    async def restart(self, request: Request) -> Response:
        """End a party's connector and start it again."""
        self._hosted(request)
        await self._house.restart(request.path_params["party"])
        return JSONResponse({"party": request.path_params["party"], "state": "ready"})

    async def faults(self, request: Request) -> Response:
        """Tell, add or end faults."""
        faults = self._house.faults
        if request.method == "POST":
            made = faults.add(Fault.of(await _body(request), frozenset(self._house.hosted)))
            return JSONResponse(made.json(), status_code=201)
        if request.method == "DELETE":
            faults.clear()
        return JSONResponse({"faults": [each.json() for each in faults.rules()]})

    async def end_fault(self, request: Request) -> Response:
        """End one fault."""
        if not self._house.faults.remove(request.path_params["name"]):
            raise InputError("FAULT_UNKNOWN", "no such fault holds", "GET /sandbox/faults")
        return Response(status_code=204)

    def _hosted(self, request: Request) -> Hosted:
        return self._house[request.path_params["party"]]


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "message_id": outcome.message_id.hex(),
        "state": outcome.state,
        "final": outcome.final,
        "steps": [
            {"at": step.at, "kind": step.kind, "outcome": step.outcome, "code": step.code,
             "grounds": list(step.detail.get("grounds", ())), "reasons": list(step.detail.get("reasons", ()))}
            for step in outcome.steps
        ],
    }  # fmt: skip


async def _body(request: Request) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise InputError("BODY_TYPE", "the body must be `application/json`", "-H 'content-type: application/json'")
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST:
            raise InputError("BODY_SIZE", f"the body is larger than {_MOST} bytes")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    raise InputError("BODY_FORM", "the body is no json")


async def _json(request: Request, known: tuple[str, ...]) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict) or not set(body) <= set(known):
        raise InputError("BODY_FORM", f"the body is an object with some of {', '.join(known)}")
    return body


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _invalid(name, "must be text")
    return value


def _invalid(name: str, why: str) -> InputError:
    return InputError("FIELD_INVALID", f"`{name}` {why}", f"/{name}")


def _id(text: str) -> bytes:
    try:
        number = bytes.fromhex(text)
    except ValueError:
        number = b""
    if len(number) != 16:
        raise InputError("MESSAGE_UNKNOWN", "a message id is 32 hexadecimal digits")
    return number


async def _problem(request: Request, error: Exception) -> Response:
    """Return an error as RFC 9457 says; it never repeats what was sent."""
    assert isinstance(error, SambandError)
    status = 404 if error.code in _UNKNOWN else 400
    fields = {"type": f"urn:samband:{error.code}", "title": error.message, "status": status, "code": error.code}
    if error.hint.startswith("/"):
        fields["pointer"] = error.hint
    elif error.hint:
        fields["hint"] = error.hint
    return JSONResponse(fields, status_code=status, media_type="application/problem+json")


class _OwnMachine:
    """Answer this machine's own programs: no other name in `Host` (DNS rebinding), no page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin", "")
        name = host.rpartition(":")[0] or host
        if name not in ("127.0.0.1", "localhost", "[::1]") or (origin and origin.partition("://")[2] != host):
            refused = JSONResponse({"title": "only this machine's own programs are answered"}, status_code=403)
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)
