"""The console's app: which address is which page, in two languages, and what is answered where something is wrong.

    app = console(house, Settings(frozenset({"127.0.0.1:8600"})), door)          an ASGI app

Every page is a row of `ROUTES`; whether it may be seen is asked of `roles.TABLE` before it is called. `/sv/…` and
`/en/…` are the same pages, so no address says where to go next, and nothing redirects but to an address of our own.
"""

from __future__ import annotations

import csv
import io
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import jinja2
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from samband.connectors.console import files
from samband.connectors.console.ask import Ask, Csv, Go, House, Query, Shown
from samband.connectors.console.pages.affected import affected, affected_csv
from samband.connectors.console.pages.child import child, look_up
from samband.connectors.console.pages.consents import consent, consents
from samband.connectors.console.pages.conversations import conversations
from samband.connectors.console.pages.decisions import decision, decisions, decisions_csv
from samband.connectors.console.pages.log import log
from samband.connectors.console.pages.misuse import misuse, misuse_csv
from samband.connectors.console.pages.overview import overview
from samband.connectors.console.pages.parties import parties, party
from samband.connectors.console.pages.rules import rules, rules_diff
from samband.connectors.console.pages.samples import ask_for, draw, note, sample, samples, samples_csv
from samband.connectors.console.roles import Page, Right, Role, may
from samband.connectors.console.words import LANGUAGES, Words
from samband.connectors.web.guard import Guard, Settings
from samband.connectors.web.oidc import Person, Provider
from samband.connectors.web.session import Door, Rate, Session
from samband.connectors.web.site import Site, status_of
from samband.schemas.errors import SambandError
from samband.schemas.version import VERSION

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["ROUTES", "Address", "console"]


@dataclass(frozen=True, slots=True)
class Address:
    """A page's address, the right that it asks for, and the function that answers."""

    page: Page
    path: str
    answer: Callable[[Ask], Shown | Csv | Go]
    right: Right = Right.VIEW
    method: str = "GET"

    @property
    def at_party(self) -> bool:
        """Say whether it stands at a party, not at the hub."""
        return self.page is Page.CHILD


ROUTES: Final = (
    Address(Page.OVERVIEW, "", overview),
    Address(Page.DECISIONS, "decisions", decisions),
    Address(Page.DECISIONS, "decisions.csv", decisions_csv, Right.EXPORT),
    Address(Page.DECISIONS, "decisions/{entry}", decision),
    Address(Page.CONSENTS, "consents", consents),
    Address(Page.CONSENTS, "consents/{entry}", consent),
    Address(Page.CONVERSATIONS, "conversations", conversations),
    Address(Page.PARTIES, "parties", parties),
    Address(Page.PARTIES, "parties/{party}", party),
    Address(Page.RULES, "rules", rules),
    Address(Page.RULES, "rules/diff", rules_diff),
    Address(Page.LOG, "log", log),
    Address(Page.AFFECTED, "affected", affected),
    Address(Page.AFFECTED, "affected.csv", affected_csv, Right.EXPORT),
    Address(Page.SAMPLES, "samples", samples),
    Address(Page.SAMPLES, "samples", ask_for, Right.ASK, "POST"),
    Address(Page.SAMPLES, "samples.csv", samples_csv, Right.EXPORT),
    Address(Page.SAMPLES, "samples/misuse", misuse),
    Address(Page.SAMPLES, "samples/misuse.csv", misuse_csv, Right.EXPORT),
    Address(Page.SAMPLES, "samples/{check}", sample),
    Address(Page.SAMPLES, "samples/{check}/draw", draw, Right.ASK, "POST"),
    Address(Page.SAMPLES, "samples/{check}/found", note, Right.NOTE, "POST"),
    Address(Page.CHILD, "child", child),
    Address(Page.CHILD, "child", look_up, Right.LOOK_UP, "POST"),
)

_log = logging.getLogger("samband.console")

_STATUS: Final = {"CONSOLE_UNKNOWN": 404, "SAMPLE_UNKNOWN": 404, "CONSOLE_RATE": 429}
_LOOK_UPS: Final = (30, 3600.0)
"""Look-ups of one person in an hour."""
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would take for a formula."""


def console(
    house: House, settings: Settings, door: Door[Role], clock: Callable[[], float] = time.monotonic,
    provider: Provider | None = None,
) -> Guard:  # fmt: skip
    """Return the app behind its guard; with a provider people sign in there, else by a printed link."""
    inner = _Console(house, settings, door, provider, clock)
    routes: list[Route] = [Route("/static/{name}", files.static), *inner.signing_in()]
    for language in LANGUAGES:
        for each in ROUTES:
            if each.at_party == (house.source is None):
                routes.append(
                    Route(f"/{language}/{each.path}", partial(inner.page, language, each), methods=[each.method])
                )
        if house.source is None:
            routes.append(Route(f"/{language}/", partial(inner.to_child, language)))
    app = Starlette(routes=routes, exception_handlers={404: inner.nothing, 405: inner.nothing})
    inner.guard = Guard(app, settings, door, clock)
    return inner.guard


class _Console(Site[Role]):
    """The handlers of the pages."""

    def __init__(
        self, house: House, settings: Settings, door: Door[Role], provider: Provider | None, clock: Callable[[], float]
    ) -> None:
        super().__init__(settings, door, provider, clock)
        self._house = house
        self._look_ups = Rate(*_LOOK_UPS)

    def _open(self, person: Person) -> str:
        return self._door.open(person.user, tuple(map(Role, person.roles)), self._clock())

    def to_child(self, language: str, request: Request) -> Response:
        """At a party there is one page."""
        return RedirectResponse(f"/{language}/child", 303)

    def page(self, language: str, address: Address, request: Request) -> Response:
        """Answer a page, if it may be seen."""
        session: Session[Role] | None = request.scope["samband"]["session"]
        if session is None:
            return RedirectResponse(f"/{language}/login", 303)
        if not may(session.roles, address.page, address.right):
            shown = Shown("error", status=403, title="denied", text="denied_text", code="")
            return self._render(language, session, shown, address.page)
        try:
            return self._answer(language, session, address, request)
        except Exception as error:  # not a word of it: it may hold what a record says
            _log.error("page failed", extra={"page": address.page, "error": type(error).__name__})
            shown = Shown("error", status=500, title="broken", text="broken_text", code=type(error).__name__)
            return self._render(language, session, shown, address.page)

    def _answer(self, language: str, session: Session[Role], address: Address, request: Request) -> Response:
        ask = Ask(
            self._house, Words(language), session, Query(dict(request.query_params)), request.path_params,
            Query(request.scope["samband"]["form"]), datetime.now(UTC),
        )  # fmt: skip
        try:
            if address.right is Right.LOOK_UP:
                self._look_ups.take(session.user, self._clock())
            answer = address.answer(ask)
        except SambandError as error:
            status = _STATUS.get(error.code) or status_of(error)
            shown = Shown("error", status=status, **self._told(error))
            return self._render(language, session, shown, address.page)
        if isinstance(answer, Csv):
            return _csv(answer)
        if isinstance(answer, Go):
            return RedirectResponse(_link(language, answer.path), 303)
        path = address.path.format_map(request.path_params)
        if request.method == "GET" and request.url.query:
            path += f"?{request.url.query}"
        return self._render(language, session, answer, address.page, path)

    def _told(self, error: SambandError) -> dict[str, str]:
        known = {
            "CONSOLE_UNKNOWN": "unknown", "CONSOLE_QUERY": "query", "CONSOLE_RATE": "rate", "CONSOLE_LINK": "link",
            "CONSOLE_REASON": "reason", "CONSOLE_OIDC": "oidc", "RECORDS_MISSING": "no_records",
            "SAMPLE_UNKNOWN": "unknown",
        }  # fmt: skip
        kinds = {"IDENTIFIER": "number", "SAMPLE": "sample"}
        name = known.get(error.code, kinds.get(error.code.partition("_")[0], "trouble"))
        return {"title": "wrong", "text": f"{name}_text", "code": error.code}

    def _render(
        self, language: str, session: Session[Role] | None, shown: Shown, page: str, path: str | None = None
    ) -> HTMLResponse:
        words = Words(language)
        at_party = self._house.source is None
        pages = [] if session is None else [
            each.page for each in ROUTES
            if each.right is Right.VIEW and "/" not in each.path and each.at_party == at_party
            and may(session.roles, each.page)
        ]  # fmt: skip

        def can(right: str) -> bool:
            """Say whether whoever reads the page may do something on it."""
            return session is not None and page in list(Page) and may(session.roles, Page(page), Right(right))

        text = _environment().get_template(f"{shown.template}.html.jinja").render(
            shown.values, w=words, session=session, pages=pages, here=page, other=f"/{words.other}/{path or ''}",
            may=can, may_export=can(Right.EXPORT),
            to=partial(_link, language), samband_version=VERSION, at_party=at_party,
            environment=self._house.environment,
        )  # fmt: skip
        return HTMLResponse(text, shown.status)


def _link(language: str, path: str = "") -> str:
    return f"/{language}/{path}"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("samband.connectors.console", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _csv(file: Csv) -> Response:
    def lines() -> Iterator[str]:
        yield "\ufeff" + _line(file.columns)
        for row in file.rows:
            yield _line(row)

    headers = {"content-disposition": f'attachment; filename="{file.name}"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _line(cells: Sequence[Any]) -> str:
    """Return a line of RFC 4180; what a spreadsheet would run is made text by an apostrophe."""
    out = io.StringIO()
    safe = [f"'{cell}" if str(cell).startswith(_RISKY) else str(cell) for cell in cells]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(safe)
    return out.getvalue()
