"""What goes wrong between a system that fetches over REST and its connector: before the sandbox's own door.

    async with served(house, port, "social", plan): …         http://127.0.0.1:PORT/parties/social/ for as long

A fetch and an acknowledgement meet the plan's trouble each; while the plan is away, the system reaches nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from samband.connectors.contract.trouble import How, Plan
from samband.connectors.sandbox.app import app
from samband.connectors.sandbox.doors import again, failed, nowhere, whole
from samband.connectors.sandbox.serving import listening

if TYPE_CHECKING:
    from samband.connectors.sandbox.house import House

__all__ = ["TroubledDoor", "served"]

_START: Final = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]}


class TroubledDoor:
    """A door with a plan of what goes wrong before it and behind it."""

    def __init__(self, inner: ASGIApp, party: str, plan: Plan) -> None:
        self._inner, self._plan = inner, plan
        self._door = f"/parties/{party}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as the plan says."""
        if scope["type"] != "http" or not scope["path"].startswith(self._door):
            await self._inner(scope, receive, send)
        elif self._plan.away:
            await failed(503, scope, receive, send)
        else:
            await self._pass(self._plan.at(_step(scope)), scope, receive, send)

    async def _pass(self, how: How | None, scope: Scope, receive: Receive, send: Send) -> None:
        if how is How.ERROR:
            await failed(500, scope, receive, send)
            return
        body = await whole(receive)
        match how:
            case None:
                await self._inner(scope, again(body), send)
            case How.LOST_ANSWER:
                await self._inner(scope, again(body), nowhere)
                await failed(500, scope, receive, send)
            case How.TWICE:
                await self._inner(scope, again(body), nowhere)
                await self._inner(scope, again(body), send)
            case How.TOGETHER:
                await asyncio.gather(
                    self._inner(scope, again(body), nowhere), self._inner(dict(scope), again(body), send)
                )
            case How.CUT:
                await self._inner(scope, again(body), nowhere)
                await send(_START)
                await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _step(scope: Scope) -> str:
    """Return which step of a hand-over a request is; empty for none."""
    parts = scope["path"].strip("/").split("/")[2:]
    match scope["method"], parts:
        case "GET", ["v1", "inbox", _]:
            return "fetch"
        case "POST", ["v1", "inbox", _, "acknowledge"]:
            return "acknowledge"
    return ""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the suite."""
        yield


@contextlib.asynccontextmanager
async def served(house: House, port: int, party: str, plan: Plan) -> AsyncIterator[None]:
    """Serve the house's doors on this machine's own address, with trouble before a party's.

    Raises:
        OperatorError: the port is taken.
    """
    with listening(port) as listener:
        config = uvicorn.Config(
            TroubledDoor(app(house), party, plan), lifespan="off", log_config=None, log_level="critical",
            access_log=False, server_header=False, proxy_headers=False, timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await task
