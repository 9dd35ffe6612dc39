"""What every request must be before anything else sees it, and what every answer carries.

A body that is too large or too slow, a client that calls too often and a page of a browser stop here. Whatever breaks
further in becomes a problem without a word of what was handed in. A file passes unread: its handler reads it, after the
caller was let in. One that is refused is answered at once; what still comes of it is thrown away for a moment, since a
connection that ends while something comes takes the answer with it, and then the connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from samband.connectors.rest.problems import ProblemError, of_error, respond
from samband.connectors.web.session import Rate
from samband.schemas.errors import RefusedError, SambandError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

log = logging.getLogger("samband.rest")

_ADDRESS: Final = 4096
_SLOW_S: Final = 30.0
_KNOCKS: Final = (600, 60.0)
"""Requests of one address without a client in a minute: who has no token yet, or never gets one."""
_THROWN_S: Final = 2.0
_THROWN_BYTES: Final = 32 << 20
"""Of a file that was refused: a whole one may be on its way by a client that listens only when it has sent all."""
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

_HTTP: Final = {
    404: ("ADDRESS_UNKNOWN", "there is nothing at this address"),
    405: ("METHOD", "the address does not take this method"),
}


class Guard:
    """Stands before the app."""

    def __init__(
        self, app: ASGIApp, *, body_bytes: int, unread: Collection[tuple[str, str]] = (), knocks: int = _KNOCKS[0],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Guard an app; `unread`: (method, path) of what reads its own body."""
        self._app = app
        self._unread = unread
        self._body_bytes = body_bytes
        self._clock = clock
        self._knocks = Rate(knocks, _KNOCKS[1])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        begun = False
        scope["app"] = self._app  # else the router answers by itself what it does not know

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        coming = _Coming(receive) if (scope["method"], scope["path"]) in self._unread else None
        try:
            await self._app(scope, await self._checked(scope, receive, coming), answer)
        except ProblemError as problem:
            found = problem
        except SambandError as error:
            found = of_error(error)
        except HTTPException as error:
            code, detail = _HTTP.get(error.status_code, ("REQUEST", "the request cannot be read"))
            found = ProblemError(error.status_code, code, detail, headers=error.headers)
        except Exception as error:
            log.error("request failed", extra={"code": type(error).__name__})
            found = ProblemError(500, "INTERNAL", "this connector could not answer; its log says more", retriable=True)
        else:
            return
        if begun:  # nothing can be said any more; the connection ends, and the far side sees half an answer
            raise ConnectionAbortedError
        if coming is None or not coming.more:
            await respond(found)(scope, receive, answer)
            return
        found.headers["connection"] = "close"
        await respond(found)(scope, receive, lambda message: answer({**message, "more_body": True}))
        await coming.throw_away()
        await answer({"type": "http.response.body", "body": b"", "more_body": False})

    async def _checked(self, scope: Scope, receive: Receive, coming: _Coming | None) -> Receive:
        headers = Headers(scope=scope)
        if headers.get("origin"):
            raise ProblemError(403, "BROWSER", "this interface is for systems, not for pages in a browser")
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > _ADDRESS:
            raise ProblemError(414, "ADDRESS_SIZE", "the address is too long")
        if "authorization" not in headers:
            client = scope.get("client") or ("",)
            try:
                self._knocks.take(str(client[0]), self._clock())
            except RefusedError:
                raise too_often() from None
        if coming is not None:
            return coming
        body = await self._body(headers, receive)
        sent = False

        async def again() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        return again

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        large = ProblemError(413, "BODY_SIZE", f"a body is at most {self._body_bytes} bytes")
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 18 or int(length) > self._body_bytes:
            raise large
        body = bytearray()
        try:
            async with asyncio.timeout(_SLOW_S):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise ProblemError(400, "BODY_CUT", "the body ended before its end")
                    body += message.get("body", b"")
                    if len(body) > self._body_bytes:
                        raise large
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise ProblemError(408, "BODY_SLOW", "the body came too slowly", retriable=True) from None


class _Coming:
    """A body that its handler reads: whether more of it may come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.more = True

    async def __call__(self) -> Message:
        message = await self._receive()
        self.more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def throw_away(self) -> None:
        """Read what still comes, for a moment, and keep nothing of it."""
        left = _THROWN_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_THROWN_S):
                while self.more and left > 0:
                    left -= len((await self()).get("body", b""))


def too_often() -> ProblemError:
    """Return the problem of who calls too often."""
    return ProblemError(429, "TOO_OFTEN", "that was too often", retriable=True, headers={"retry-after": "10"})
