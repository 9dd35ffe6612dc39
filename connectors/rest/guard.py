"""What every request must be before anything else sees it, and what every answer carries.

A body that is too large or too slow, a client that calls too often and a page of a browser stop here. Whatever breaks
further in becomes a problem without a word of what was handed in.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
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
        self, app: ASGIApp, *, body_bytes: int, knocks: int = _KNOCKS[0], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
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

        try:
            await self._app(scope, await self._checked(scope, receive), answer)
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
        await respond(found)(scope, receive, answer)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
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


def too_often() -> ProblemError:
    """Return the problem of who calls too often."""
    return ProblemError(429, "TOO_OFTEN", "that was too often", retriable=True, headers={"retry-after": "10"})
