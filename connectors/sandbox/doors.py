"""Each party's own REST interface, at `/parties/<party>/`: the very one of its connector, with faults before it.

    http://127.0.0.1:8700/parties/skola/openapi.json
    POST /parties/skola/oauth2/token      client `skola`, secret `sandbox-skola`

On a way `http` a fault strikes the party's own system: an answer that comes late, is lost after the request was carried
out, a request that is carried out twice, refused (503), or meets nobody (503 for as long as it lasts).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samband.connectors.rest.app import app
from samband.connectors.rest.house import Hosted as Door
from samband.connectors.sandbox.faults import Faults, Kind, Way

if TYPE_CHECKING:
    from samband.connectors.sandbox.house import Hosted, House

__all__ = ["Doors", "again", "failed", "nowhere", "secret_of", "whole"]

_BODY_MOST: Final = 31 << 20
"""Of a request that a fault strikes: more than the largest file, so that none is cut by the fault itself."""


def secret_of(party: str) -> str:
    """Return the secret of a party's client, whose id is the party: known to all, since it protects nothing."""
    return f"sandbox-{party}"


class Doors:
    """The interfaces of all parties; that of a party whose connector was started again is a new one."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._made: dict[str, tuple[Hosted, ASGIApp]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to one of them."""
        root = scope.get("root_path", "")
        name, _, rest = scope["path"].removeprefix(root).lstrip("/").partition("/")
        hosted = self._house.hosted.get(name)
        if hosted is None or hosted.party.settings.rest is None:
            problem = {"title": "there is no such party", "status": 404, "code": "PARTY_UNKNOWN"}
            await JSONResponse(problem, 404, media_type="application/problem+json")(scope, receive, send)
            return
        if self._made.get(name, (None,))[0] is not hosted:
            door = Door(hosted.party, hosted.service, hosted.party.settings.rest)
            self._made[name] = hosted, app({name: door})
        base = f"{root}/{name}"
        inner = {**scope, "root_path": "", "path": f"/{rest}", "raw_path": f"/{rest}".encode()}
        await _troubled(self._made[name][1], self._house.faults, name, inner, receive, _located(send, base))


def _located(send: Send, base: str) -> Send:
    """Return what sends an answer whose `location` is under the party's own address."""

    async def located(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, base.encode() + value if name == b"location" and value.startswith(b"/") else value)
                for name, value in message.get("headers", [])
            ]
            message = {**message, "headers": headers}
        await send(message)

    return located


async def _troubled(inner: ASGIApp, faults: Faults, party: str, scope: Scope, receive: Receive, send: Send) -> None:
    def meets(kind: Kind) -> bool:
        return faults.meets(party, Way.HTTP, kind) is not None

    if meets(Kind.AWAY) or meets(Kind.REFUSE):
        await failed(503, scope, receive, send)
        return
    await asyncio.sleep(faults.delay(party, Way.HTTP))
    lost, twice = meets(Kind.DROP), meets(Kind.DUPLICATE)
    if not (lost or twice):
        await inner(scope, receive, send)
        return
    body = await whole(receive)
    for _ in range(1 + twice - (not lost)):
        await inner(scope, again(body), nowhere)
    if lost:
        await failed(500, scope, receive, send)
    else:
        await inner(scope, again(body), send)


async def whole(receive: Receive) -> bytes:
    """Return a request's body."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body") or len(body) > _BODY_MOST:
            return bytes(body)


def again(body: bytes) -> Receive:
    """Return what gives a request's body, and then that the caller has gone."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def nowhere(message: Message) -> None:
    """Lose an answer."""


async def failed(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a fault of the sandbox."""
    problem = {"title": "a fault of the sandbox", "status": status, "code": "SANDBOX_FAULT"}
    await JSONResponse(problem, status, media_type="application/problem+json")(scope, receive, send)
