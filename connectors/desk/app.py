"""The desk's app: which address is which page, in two languages, and what is answered where something is wrong.

    desk(house, desk_settings({"127.0.0.1:8650"}), door)          an ASGI app

Every page is a row of `ROUTES`; whether it may be seen is asked of `roles.TABLE` before it is called. A form that comes
after its session's end is kept as that person's draft, and nothing else is done with it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import jinja2
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route, compile_path

from samband.connectors.console import files
from samband.connectors.desk.ask import Ask, Fetched, House, Kept, Onward
from samband.connectors.desk.forms import longest_form
from samband.connectors.desk.pages import checking, consenting, consents, message, papers, sent, write
from samband.connectors.desk.pages.inbox import inbox
from samband.connectors.desk.pages.waiting import waiting
from samband.connectors.desk.roles import Page, Right, Role, may
from samband.connectors.desk.words import LANGUAGES, Words
from samband.connectors.web.guard import Guard, Settings
from samband.connectors.web.page import Query, Shown
from samband.connectors.web.site import Site, status_of
from samband.schemas.attachment import MOST_BYTES
from samband.schemas.errors import RefusedError, SambandError
from samband.schemas.version import VERSION

if TYPE_CHECKING:
    from starlette.requests import Request

    from samband.connectors.web.oidc import Person, Provider
    from samband.connectors.web.session import Door, Session

__all__ = ["ROUTES", "Address", "desk", "desk_settings"]


@dataclass(frozen=True, slots=True)
class Address:
    """A page's address, the right that it asks for, and the function that answers."""

    page: Page
    path: str
    answer: Callable[[Ask], Shown | Onward | Kept | Fetched]
    right: Right = Right.VIEW
    method: str = "GET"
    files: bool = False
    """Its form may carry files."""


ROUTES: Final = (
    Address(Page.WAITING, "", waiting),
    Address(Page.INBOX, "inbox", inbox),
    Address(Page.INBOX, "inbox/{message}", message.message),
    Address(Page.INBOX, "inbox/{message}/open", message.cover_or_content),
    Address(Page.INBOX, "inbox/{message}/open", message.opening, method="POST"),
    Address(Page.INBOX, "inbox/{message}/files/{number}", message.file),
    Address(Page.INBOX, "inbox/{message}/files/{number}", message.file, method="POST"),
    Address(Page.INBOX, "inbox/{message}/acted", message.acted, Right.ACT, "POST"),
    Address(Page.INBOX, "inbox/{message}/misdirected", message.misdirecting, Right.ACT),
    Address(Page.INBOX, "inbox/{message}/misdirected", message.misdirected, Right.ACT, "POST"),
    Address(Page.WRITE, "write", write.types),
    Address(Page.WRITE, "write/{type}", write.form),
    Address(Page.WRITE, "write/{type}", write.fill_in, Right.ACT, "POST", files=True),
    Address(Page.WRITE, "write/{type}/check", checking.check),
    Address(Page.WRITE, "write/{type}/check", checking.send, Right.ACT, "POST"),
    Address(Page.WRITE, "unkeep", write.unkeep, Right.ACT, "POST"),
    Address(Page.WRITE, "add/{where}/{message}", sent.adding),
    Address(Page.WRITE, "add/{where}/{message}", sent.add, Right.ACT, "POST"),
    Address(Page.SENT, "sent", sent.sent_list),
    Address(Page.SENT, "sent/{message}", sent.sent),
    Address(Page.SENT, "sent/{message}/recall", sent.recall, Right.ACT, "POST"),
    Address(Page.CONSENTS, "consents", consents.consents),
    Address(Page.CONSENTS, "consents", consents.look_up, Right.LOOK_UP, "POST"),
    Address(Page.CONSENTS, "consents/new", consenting.new, Right.RECORD),
    Address(Page.CONSENTS, "consents/new", consenting.record, Right.RECORD, "POST"),
    Address(Page.CONSENTS, "consents/withdraw", consents.consents),
    Address(Page.CONSENTS, "consents/withdraw", consents.withdraw, Right.WITHDRAW, "POST"),
    Address(Page.CONSENTS, "consents/withdrawn/{message}", consents.withdrawn),
    Address(Page.CONSENTS, "consents/{message}", consents.consent, Right.RECORD),
    Address(Page.CONSENTS, "consents/{message}", consents.sign, Right.RECORD, "POST"),
    Address(Page.PAPERS, "papers", papers.choose),
    Address(Page.PAPERS, "papers", papers.rows, Right.RELEASE, "POST"),
)

_log = logging.getLogger("samband.desk")
_FIELDS: Final = 500
_COOKIE: Final = "samband_desk"
_ERRORS: Final = {
    "MESSAGE_UNKNOWN": ("unknown", 404), "DESK_DRAFT": ("draft", 404), "DESK_UNIT": ("unit", 400),
    "DESK_RIGHT": ("right", 403), "DESK_STATE": ("state", 409), "DESK_PROTECTED": ("protected", 403),
    "CONSOLE_QUERY": ("query", 400), "CONSOLE_RATE": ("rate", 429), "CONSOLE_LINK": ("link", 403),
    "CONSOLE_OIDC": ("oidc", 403), "TYPE_UNKNOWN": ("type", 404), "TYPE_NOT_FOR_KIND": ("pair", 400),
    "PAPER_FOR": ("paper_for", 400), "PAPER_NO_CONSENT": ("paper_no_consent", 400), "NAMES_A_CHILD": ("names", 400),
    "ROW_FORBIDDEN": ("forbidden", 400), "DIRECTORY_EMPTY": ("directory", 503), "DESK_FUNCTION": ("function", 400),
    "ATTACHMENT_UNKNOWN": ("file", 404), "ATTACHMENT_MISSING": ("file", 409), "ATTACHMENT_MISMATCH": ("file", 409),
    "CONSENT_UNKNOWN": ("consent", 404), "CONSENT_FORM": ("consent_form", 400), "CONSENT_GIVER": ("consent_form", 400),
    "ATTACHMENT_NOT_TAKEN": ("file_taken", 409), "ATTACHMENT_TYPE": ("file_type", 400),
}  # fmt: skip
"""Code of an error: its words, and the HTTP status."""


def desk_settings(hosts: frozenset[str], *, https: bool = False) -> Settings:
    """Return how the desk is reached: its own cookie, and room for the longest form of any type, and for its files."""
    carriers = tuple(compile_path(f"/{language}/{each.path}")[0] for each in ROUTES if each.files
                     for language in LANGUAGES)  # fmt: skip
    return Settings(hosts, https=https, cookie=_COOKIE, body=longest_form(), fields=_FIELDS, carriers=carriers,
                    files=MOST_BYTES)  # fmt: skip


def desk(
    house: House, settings: Settings, door: Door[Role], clock: Callable[[], float] = time.monotonic,
    provider: Provider | None = None, now: Callable[[], datetime] | None = None,
) -> Guard:  # fmt: skip
    """Return the app behind its guard; with a provider people sign in there, else by a printed link."""
    inner = _Desk(house, settings, door, provider, clock, now or (lambda: datetime.now(UTC)))
    routes: list[Route] = [
        Route("/static/desk.css", _style), Route("/static/{name}", files.static), *inner.signing_in()
    ]  # fmt: skip
    for language in LANGUAGES:
        routes += [
            Route(f"/{language}/{each.path}", partial(inner.page, language, each), methods=[each.method])
            for each in ROUTES
        ]
    app = Starlette(routes=routes, exception_handlers={404: inner.nothing, 405: inner.nothing})
    app.router.redirect_slashes = False
    inner.guard = Guard(app, settings, door, clock)
    return inner.guard


class _Desk(Site[Role]):
    """The handlers of the pages."""

    def __init__(
        self, house: House, settings: Settings, door: Door[Role], provider: Provider | None, clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        super().__init__(settings, door, provider, clock)
        self._house = house
        self._now = now

    def _open(self, person: Person) -> str:
        from samband.connectors.desk.settings import title_and_units

        title, units = title_and_units(person, self._provider)
        return self._door.open(person.user, tuple(map(Role, person.roles)), self._clock(), title=title, units=units)

    def page(self, language: str, address: Address, request: Request) -> Response:
        """Answer a page, if it may be seen."""
        session: Session[Role] | None = request.scope["samband"]["session"]
        if session is None:
            return self._late(language, address, request)
        if not may(session.roles, address.page, address.right):
            shown = Shown("error", status=403, title="denied", text="denied_text", code="")
            return self._render(language, session, shown, address.page)
        try:
            with self._house.party() as party:
                return self._answer(self._ask(language, session, party, request), address, request)
        except SambandError as error:  # the party could not be opened
            return self._wrong(language, session, error, address.page)
        except Exception as error:  # not a word of it: it may hold what a message says
            _log.error("page failed", extra={"page": address.page, "error": type(error).__name__})
            shown = Shown("error", status=500, title="broken", text="broken_text", code=type(error).__name__)
            return self._render(language, session, shown, address.page)

    def _ask(self, language: str, session: Session[Role], party: object, request: Request) -> Ask:
        return Ask(
            self._house, party, Words(language), session, Query(dict(request.query_params)),  # type: ignore[arg-type]
            request.path_params, Query(request.scope["samband"]["form"]), self._now(),
            request.scope["samband"]["uploads"],
        )  # fmt: skip

    def _late(self, language: str, address: Address, request: Request) -> Response:
        """Nobody is signed in: a form that somebody filled in is kept for them."""
        ended: Session[Role] | None = request.scope["samband"]["ended"]
        if ended is None or address.answer is not write.fill_in or not may(ended.roles, address.page, address.right):
            return RedirectResponse(f"/{language}/login", 303)
        try:
            with self._house.party() as party:
                write.kept_form(self._ask(language, ended, party, request))
        except SambandError as error:
            return self._failed(language, error)
        shown = Shown("login", status=401, code="", oidc=self._provider is not None, kept=True)
        return self._render(language, None, shown, "login")

    def _answer(self, ask: Ask, address: Address, request: Request) -> Response:
        language = ask.words.language
        try:
            found = address.answer(ask)
        except SambandError as error:
            return self._wrong(language, ask.session, error, address.page)
        match found:
            case Onward(path):
                return RedirectResponse(f"/{language}/{path}", 303)
            case Kept(text):
                return _paper(text)
            case Fetched(name, data):
                return _download(name, data)
        path = address.path.format_map(request.path_params)
        if request.method == "GET" and request.url.query:
            path += f"?{request.url.query}"
        return self._render(language, ask.session, found, address.page, path)

    def _wrong(self, language: str, session: Session[Role], error: SambandError, page: Page) -> Response:
        status = _ERRORS.get(error.code, ("", status_of(error)))[1]
        return self._render(language, session, Shown("error", status=status, **self._told(error)), page)

    def _told(self, error: SambandError) -> dict[str, str]:
        default = "refused" if isinstance(error, RefusedError) else "trouble"
        name = _ERRORS.get(error.code, ("number" if error.code.startswith("IDENTIFIER") else default, 0))[0]
        return {"title": "wrong", "text": f"{name}_text", "code": error.code}

    def _render(
        self, language: str, session: Session[Role] | None, shown: Shown, page: str, path: str = ""
    ) -> HTMLResponse:
        words = Words(language)
        pages = [] if session is None else [each for each in Page if may(session.roles, each)]
        values = {"kept": False, **shown.values} if shown.template == "login" else shown.values
        text = _environment().get_template(f"{shown.template}.html.jinja").render(
            values, w=words, session=session, pages=pages, here=page, other=f"/{words.other}/{path}",
            to=partial(_link, language), samband_version=VERSION, environment=self._house.environment,
            may=lambda name, right="view": session is not None and may(session.roles, Page(name), Right(right)),
        )  # fmt: skip
        return HTMLResponse(text, shown.status)


def _link(language: str, path: str = "") -> str:
    return f"/{language}/{'' if path == Page.WAITING else path}"


def _paper(text: str) -> HTMLResponse:
    """Return a paper as it is: its own style, named by its hash, and nothing else may run."""
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(text, headers={"content-security-policy": policy})


def _download(name: str, data: bytes) -> Response:
    """Return a file that is saved and not shown; of its name only letters, digits and `%` stand in the header."""
    saved = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(data, media_type="application/octet-stream", headers=saved)


@cache
def _css() -> bytes:
    return resources.files("samband.connectors.desk").joinpath("static", "desk.css").read_bytes()


def _style(request: Request) -> Response:
    return Response(_css(), media_type="text/css; charset=utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("samband.connectors.desk", "templates"),
                jinja2.PackageLoader("samband.connectors.console", "templates"),  # the frame, and small parts
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
