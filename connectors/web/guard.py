"""What every request must be before a page sees it, and what every answer carries.

    app = Guard(app, Settings(hosts={"127.0.0.1:8600"}), door)

Only this site's own `Host`, against names that another site points here; forms only from its own pages, by `Origin`;
small bodies of one kind, larger ones where a form carries files; not too often. Every answer says that nothing but its
own files may run, be framed or kept.
"""

from __future__ import annotations

import asyncio
import http
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse

from samband.connectors.web.session import Door, Rate, Session
from samband.connectors.web.uploads import BrokenFormError, Uploads, read
from samband.schemas.errors import InputError, RefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "Guard", "Settings"]

COOKIE: Final = "samband_console"
_ADDRESS: Final = 4096
_FORM: Final = "application/x-www-form-urlencoded"
_FILES: Final = "multipart/form-data"
_AT_ONCE: Final = 2
"""Forms with files that are read or answered at a time: each is in memory as it was sent."""
_READ_S: Final = 600.0
"""30 MB at 400 kbit/s."""
_REQUESTS: Final = (300, 60.0)
"""Requests of one session or address in a minute."""
_SIGNING_IN: Final = (10, 60.0)
"""Attempts to sign in, from anywhere together."""
_POLICY: Final = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
        "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
    )
)  # fmt: skip
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # `no-referrer` would make a form's Origin `null`
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a site is reached, and how much it takes."""

    hosts: frozenset[str]
    """Values of `Host` that are this site's."""
    https: bool = False
    """It is reached over TLS, which somebody before it ends."""
    cookie: str = COOKIE
    """Two sites on one machine have one cookie each: a browser does not tell ports apart."""
    body: int = 16 * 1024
    """Bytes of a form."""
    fields: int = 40
    """Fields of a form."""
    carriers: tuple[re.Pattern[str], ...] = ()
    """Addresses whose forms may carry files."""
    files: int = 0
    """Bytes of the files of such a form together, beside `body`."""

    @property
    def origins(self) -> frozenset[str]:
        """Values of `Origin` that are this site's."""
        return frozenset(f"{'https' if self.https else 'http'}://{host}" for host in self.hosts)


class Guard:
    """Stands before the app."""

    def __init__(
        self, app: ASGIApp, settings: Settings, door: Door[Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._settings = settings
        self._door = door
        self._clock = clock
        self._requests = Rate(*_REQUESTS)
        self._signing_in = Rate(*_SIGNING_IN)
        self._carried_now = 0
        """Forms with files that are in memory."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        static = scope["path"].startswith("/static/")
        fresh: list[str] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(MutableHeaders(raw=message["headers"]), fresh, static=static)
            await send(message)

        try:
            session, ended = self._check(scope, headers, fresh)
            form, ended, uploads = await self._form(scope, headers, receive, session, ended)
        except _StopError as refused:
            text = f"{refused.status} {http.HTTPStatus(refused.status).phrase}\n{refused.text}\n"
            await PlainTextResponse(text, refused.status)(scope, receive, answer)
            return
        scope["samband"] = {"session": session, "form": form, "ended": ended, "uploads": uploads}
        try:
            await self._app(scope, receive, answer)
        finally:
            uploads.close()

    def _check(
        self, scope: Scope, headers: Headers, fresh: list[str]
    ) -> tuple[Session[Any] | None, Session[Any] | None]:
        """Return the session of whoever asks, and the one that theirs was until it ended by itself."""
        if headers.getlist("host") != [headers.get("host")] or headers.get("host") not in self._settings.hosts:
            raise _StopError(421, "this is not a name of this site")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            raise _StopError(405, "")
        if len(scope["path"]) + len(scope["query_string"]) > _ADDRESS:
            raise _StopError(414, "")
        now = self._clock()
        token = cookie_parser(headers.get("cookie", "")).get(self._settings.cookie, "")
        found = self._door.enter(token, now) if token else None
        session = None
        if found is not None:
            session, following = found
            if following is not None:
                fresh.append(following)
        client = scope.get("client") or ("",)
        self._take(self._requests, session.id if session else str(client[0]), now)
        return session, self._door.ended(token) if token and session is None else None

    def _take(self, rate: Rate, name: str, now: float) -> None:
        try:
            rate.take(name, now)
        except RefusedError as error:
            raise _StopError(429, error.message) from error

    async def _form(
        self, scope: Scope, headers: Headers, receive: Receive, session: Session[Any] | None, ended: Session[Any] | None
    ) -> tuple[dict[str, str], Session[Any] | None, Uploads]:
        """Return the fields of a form that comes from one of our own pages, whose ended session it is of, its files."""
        if scope["method"] != "POST":
            return {}, None, Uploads()
        if headers.getlist("origin") != [headers.get("origin")] or headers["origin"] not in self._settings.origins:
            raise _StopError(403, "the form does not come from this site")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        uploads = Uploads()
        if kind == _FORM:
            pairs = await self._typed(receive)
        elif kind == _FILES and any(each.fullmatch(scope["path"]) for each in self._settings.carriers):
            if session is None and ended is None:
                return {}, None, uploads  # a stranger's is not read
            pairs, uploads = await self._carried(headers, receive)
        else:
            raise _StopError(415, "")
        try:
            return *self._own(pairs, session, ended), uploads
        except _StopError:
            uploads.close()
            raise

    async def _typed(self, receive: Receive) -> list[tuple[str, str]]:
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _StopError(400, "")
            body += message.get("body", b"")
            if len(body) > self._settings.body:
                raise _StopError(413, "")
            if not message.get("more_body"):
                break
        try:
            most = self._settings.fields
            return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=most, errors="strict")
        except ValueError:
            raise _StopError(400, "the form cannot be read") from None

    async def _carried(self, headers: Headers, receive: Receive) -> tuple[list[tuple[str, str]], Uploads]:
        if self._carried_now >= _AT_ONCE:
            raise _StopError(429, "others send files just now; try again in a minute")
        self._carried_now += 1
        body = self._settings.body
        try:
            async with asyncio.timeout(_READ_S):
                posted = await read(headers, receive, most=body + self._settings.files, fields=self._settings.fields,
                                    text=body)  # fmt: skip
        except BaseException as error:
            self._forgotten()
            if isinstance(error, BrokenFormError):
                raise _StopError(400, "the form cannot be read") from None
            if isinstance(error, TimeoutError):
                raise _StopError(408, "the form came too slowly") from None
            raise
        return posted.fields, replace(posted.uploads, forgotten=self._forgotten)

    def _forgotten(self) -> None:
        self._carried_now -= 1

    def _own(
        self, pairs: list[tuple[str, str]], session: Session[Any] | None, ended: Session[Any] | None
    ) -> tuple[dict[str, str], Session[Any] | None]:
        """Return the fields of a form that carries the session's token, or the ended session that it is of."""
        if len({name for name, _ in pairs}) != len(pairs):
            raise _StopError(400, "the form says something twice")
        form = dict(pairs)
        if session is None:
            # Signing in: the code is what a page of another's cannot know.
            self._take(self._signing_in, "", self._clock())
            return form, ended if ended is not None and _is_of(ended, form.pop("csrf", "")) else None
        try:
            session.check_csrf(form.pop("csrf", ""))
        except (RefusedError, InputError) as error:
            raise _StopError(403, error.message) from error
        return form, None

    def _dress(self, headers: MutableHeaders, fresh: list[str], *, static: bool) -> None:
        for header, value in _HEADERS.items():
            headers.setdefault(header, value)  # a paper names the hash of its own style
        headers["cache-control"] = "private, max-age=3600" if static else "no-store"
        if self._settings.https:
            headers["strict-transport-security"] = "max-age=31536000"
        name = self._settings.cookie
        if fresh and not any(each.startswith(f"{name}=") for each in headers.getlist("set-cookie")):
            headers.append("set-cookie", self.cookie(fresh[0]))

    def cookie(self, token: str) -> str:
        """Return the cookie that carries a token; empty ends it."""
        life = "" if token else "; Max-Age=0"
        secure = "; Secure" if self._settings.https else ""
        return f"{self._settings.cookie}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{life}"


def _is_of(session: Session[Any], csrf: str) -> bool:
    """Say whether a form carries a session's token."""
    try:
        session.check_csrf(csrf)
    except RefusedError:
        return False
    return True


class _StopError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
