"""The interface as an ASGI app, over the parties that run in this process.

    application = app({"skola": Hosted(party, service, settings)})

The real connector, a process with many parties, and the sandbox hand in the same three objects.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from samband.connectors.rest import circle, consents, events, files, inbox, messages
from samband.connectors.rest.auth import Caller, Door
from samband.connectors.rest.calls import Answer, Call, Gate, Operation, Places
from samband.connectors.rest.guard import Guard, too_often
from samband.connectors.rest.house import Hosted
from samband.connectors.rest.openapi import document
from samband.connectors.rest.problems import ProblemError, body_fault
from samband.connectors.rest.shapes import Health, Token, TokenProblem
from samband.connectors.web.session import Rate
from samband.schemas.errors import RefusedError
from samband.schemas.version import VERSION

__all__ = ["OPERATIONS", "app"]

OPERATIONS: Final = (
    *messages.OPERATIONS,
    *files.OPERATIONS,
    *inbox.OPERATIONS,
    *events.OPERATIONS,
    *consents.OPERATIONS,
    *circle.OPERATIONS,
)
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_TRIES: Final = (30, 60.0)
"""Wrong secrets from one address in a minute."""
_UPLOADS: Final = (8, 4)
"""Files that come in at once, of all and of one client: each holds a megabyte or two while it comes."""


def app(
    house: Mapping[str, Hosted], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), door: Door | None = None
) -> Guard:
    """Return the interface over some parties, by their names."""
    door = door or Door(house)
    settings = [hosted.settings for hosted in house.values()]
    rates = {
        client.id: Rate(hosted.settings.requests_per_minute, 60.0)
        for hosted in house.values()
        for client in hosted.settings.client
    }
    waiting = Gate(max(each.streams for each in settings))
    uploads = Places(*_UPLOADS)
    described = msgspec.json.format(msgspec.json.encode(document(OPERATIONS)), indent=2)
    # A fixed address goes before one with an id in it.
    ordered = sorted(OPERATIONS, key=lambda each: ("{" in each.path, each.path))
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in ordered:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    serve = partial(_serve, door=door, rates=rates, clock=clock, waiting=waiting, uploads=uploads)
    routes = [
        Route("/oauth2/token", partial(_token, door=door, tries=Rate(*_TRIES)), methods=["POST"]),
        Route("/openapi.json", partial(_document, described=described), methods=["GET"]),
        Route("/health", partial(_health, house=house), methods=["GET"]),
        *(Route(path, partial(serve, operations=found), methods=sorted(found)) for path, found in by_path.items()),
    ]
    # The bare router: the framework's own error pages would answer before the guard does.
    return Guard(
        Router(routes, redirect_slashes=False),
        body_bytes=max(each.body_bytes for each in settings),
        unread=frozenset((each.method, each.path) for each in OPERATIONS if each.body is bytes),
    )


async def _serve(
    request: Request, *, operations: Mapping[str, Operation], door: Door, rates: Mapping[str, Rate],
    clock: Callable[[], datetime], waiting: Gate, uploads: Places,
) -> Response:  # fmt: skip
    """Let a caller in, check what it hands in, call the handler, and write what that returns."""
    operation = operations["GET" if request.method == "HEAD" else request.method]
    caller = await _enter(request, door)
    try:
        rates[caller.client.id].take("", time.monotonic())
    except RefusedError:
        raise too_often() from None
    if operation.scope is not None:
        caller.check(operation.scope)
    query = _query(request, operation)
    body = await _body(request, operation)
    call = Call(request, caller, body, query, clock, waiting, uploads, operation)
    found = await operation.handler(call)
    if isinstance(found, Response):
        return found
    answer = found if isinstance(found, Answer) else Answer(found)
    return Response(
        msgspec.json.encode(answer.record), operation.status, headers=answer.headers, media_type=operation.media
    )


async def _enter(request: Request, door: Door) -> Caller:
    certificate = getattr(request.state, "certificate", None)
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise ProblemError(400, "TOKEN_TWICE", "there is more than one access token")
    return await door.enter(headers[0] if headers else "", certificate)


def _query(request: Request, operation: Operation) -> dict[str, Any]:
    found = {each.name: each.default for each in operation.query}
    readers = {each.name: each for each in operation.query}
    seen = set()
    for name, value in request.query_params.multi_items():
        if name not in readers:
            raise ProblemError(400, "QUERY_UNKNOWN", "a parameter of the address is not known here")
        if name in seen:
            raise ProblemError(400, "QUERY_TWICE", f"the parameter `{name}` stands there twice")
        seen.add(name)
        try:
            found[name] = readers[name].read(value)
        except ValueError:
            raise ProblemError(400, "QUERY_FORM", f"the parameter `{name}` is not of its form") from None
    return found


async def _body(request: Request, operation: Operation) -> Any:
    if operation.body is bytes:
        return None
    raw = await request.body()
    if operation.body is None:
        if raw and request.method == "POST":
            raise ProblemError(400, "BODY_UNEXPECTED", "this request has no body")
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise ProblemError(415, "CONTENT_TYPE", "the body is application/json")
    try:
        return msgspec.json.decode(raw, type=operation.body)
    except msgspec.DecodeError as error:
        trouble = body_fault(error)
    except (UnicodeDecodeError, RecursionError, ValueError):
        trouble = ProblemError(400, "BODY_JSON", "the body is not JSON")
    # Raised out here, it carries no context: the decoder's own error may repeat what was handed in.
    raise trouble


async def _token(request: Request, *, door: Door, tries: Rate) -> Response:
    """Give an access token for a client's id and secret (RFC 6749 sections 2.3.1 and 4.4)."""
    try:
        form = _form(request, await request.body())
        if form.get("grant_type") != "client_credentials":
            raise ProblemError(400, "unsupported_grant_type", "only client_credentials")
        client, secret = _credentials(request, form)
        try:
            token, life, scope = door.token(client, secret, form.get("scope", ""))
        except ProblemError as problem:
            if problem.code == "invalid_client":
                _take(tries, request)
            raise
    except ProblemError as problem:
        if problem.status not in (400, 401):
            raise
        # RFC 6749 section 5.2 has a form of its own.
        told = TokenProblem(error=problem.code, error_description=problem.detail)
        headers = {"www-authenticate": 'Basic realm="samband"'} if problem.status == 401 else {}
        return Response(msgspec.json.encode(told), problem.status, headers=headers, media_type=_JSON)
    record = Token(access_token=token, token_type="Bearer", expires_in=life, scope=scope)  # noqa: S106  its kind
    return Response(msgspec.json.encode(record), headers={"pragma": "no-cache"}, media_type=_JSON)


def _take(tries: Rate, request: Request) -> None:
    try:
        tries.take(request.client.host if request.client else "", time.monotonic())
    except RefusedError:
        raise too_often() from None


def _form(request: Request, raw: bytes) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise ProblemError(400, "invalid_request", f"the body is {_FORM}")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise ProblemError(400, "invalid_request", "the form cannot be read") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise ProblemError(400, "invalid_request", "the form says something twice")
    return form


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    header = request.headers.get("authorization", "")
    if not header:
        return form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, coded = header.partition(" ")
    try:
        said = base64.b64decode(coded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        said = ""
    client, colon, secret = said.partition(":")
    if not colon or "client_secret" in form:
        raise ProblemError(401, "invalid_client", "the client's id and secret cannot be read, or stand there twice")
    return unquote_plus(client), unquote_plus(secret)


async def _document(request: Request, *, described: bytes) -> Response:
    return Response(described, media_type=_JSON)


async def _health(request: Request, *, house: Mapping[str, Hosted]) -> Response:
    ready = all(hosted.service.ready.is_set() for hosted in house.values())
    return Response(msgspec.json.encode(Health(ready=ready, version=VERSION)), media_type=_JSON)
