"""The ways in and out of a site, which are the same wherever people sign in: by a printed link or at their provider.

A site is a class on this one: it says how a page is made, how an error is told, and what a person of the provider may
do. Its handlers are plain functions, so each runs in a thread of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from samband.connectors.web.oidc import BACK, SIGNIN_COOKIE, Person, Provider
from samband.connectors.web.page import Shown
from samband.connectors.web.words import LANGUAGES
from samband.schemas.errors import InputError, RefusedError, SambandError

if TYPE_CHECKING:
    from starlette.requests import Request

    from samband.connectors.web.guard import Guard, Settings
    from samband.connectors.web.session import Door, Session

__all__ = ["Site", "status_of"]

R = TypeVar("R")


class Site(ABC, Generic[R]):
    """Signs people in and out."""

    guard: Guard

    def __init__(
        self, settings: Settings, door: Door[R], provider: Provider | None, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._door = door
        self._provider = provider
        self._clock = clock

    @abstractmethod
    def _render(self, language: str, session: Session[R] | None, shown: Shown, page: str) -> HTMLResponse:
        """Return a page."""

    @abstractmethod
    def _told(self, error: SambandError) -> dict[str, str]:
        """Return `title`, `text` and `code` of an error."""

    @abstractmethod
    def _open(self, person: Person) -> str:
        """Sign somebody in whom the provider knows, and return the cookie's value."""

    def signing_in(self) -> Iterator[Route]:
        """Yield the addresses of what stands here."""
        yield Route("/", self.front)
        for language in LANGUAGES:
            yield Route(f"/{language}/login", partial(self.login, language), methods=["GET"])
            yield Route(f"/{language}/login", partial(self.enter, language), methods=["POST"])
            yield Route(f"/{language}/logout", partial(self.leave, language), methods=["POST"])
            if self._provider is not None:
                yield Route(f"/{language}/oidc", partial(self.to_provider, language))
        if self._provider is not None:
            yield Route(BACK, self.back)

    def front(self, request: Request) -> Response:
        """Choose a language."""
        wanted = request.headers.get("accept-language", "").strip().lower()
        return RedirectResponse("/en/" if wanted.startswith("en") else "/sv/", 303)

    def login(self, language: str, request: Request) -> Response:
        """Show the button that uses the link: a program that follows links must not use it up."""
        shown = Shown("login", code=request.query_params.get("code", ""), oidc=self._provider is not None)
        return self._render(language, None, shown, "login")

    def to_provider(self, language: str, request: Request) -> Response:
        """Go to the organisation's provider."""
        assert self._provider is not None
        try:
            address, browser = self._provider.begin(language)
        except SambandError as error:
            return self._failed(language, error)
        answer = RedirectResponse(address, 303)
        # Lax, for the way back begins at another site; it opens nothing by itself.
        answer.set_cookie(SIGNIN_COOKIE, browser, max_age=600, path=BACK, httponly=True, samesite="lax",
                          secure=self._settings.https)  # fmt: skip
        return answer

    def back(self, request: Request) -> Response:
        """Take whoever comes back from the provider; the page goes on by itself, so that the cookie is sent."""
        assert self._provider is not None
        try:
            person = self._provider.finish(dict(request.query_params), request.cookies.get(SIGNIN_COOKIE, ""))
            token = self._open(person)
        except SambandError as error:
            return self._failed("sv", error)
        answer = self._render(person.language, None, Shown("onward"), "login")
        answer.headers.append("set-cookie", self.guard.cookie(token))
        answer.delete_cookie(SIGNIN_COOKIE, path=BACK, httponly=True, samesite="lax", secure=self._settings.https)
        return answer

    def _failed(self, language: str, error: SambandError) -> Response:
        return self._render(language, None, Shown("error", status=status_of(error), **self._told(error)), "login")

    def enter(self, language: str, request: Request) -> Response:
        """Sign in."""
        try:
            token = self._door.redeem(request.scope["samband"]["form"].get("code", ""), self._clock())
        except RefusedError as error:
            return self._render(language, None, Shown("error", status=403, **self._told(error)), "login")
        return RedirectResponse(f"/{language}/", 303, headers={"set-cookie": self.guard.cookie(token)})

    def leave(self, language: str, request: Request) -> Response:
        """Sign out."""
        self._door.leave(request.cookies.get(self._settings.cookie, ""))
        return RedirectResponse(f"/{language}/login", 303, headers={"set-cookie": self.guard.cookie("")})

    def nothing(self, request: Request, error: Exception) -> Response:
        """Answer an address that there is not."""
        language = request.url.path[1:3] if request.url.path[1:3] in LANGUAGES else "sv"
        session = request.scope["samband"]["session"]
        shown = Shown("error", status=404, title="nothing", text="nothing_text", code="")
        return self._render(language, session, shown, "")


def status_of(error: SambandError) -> int:
    """Return the HTTP status of an error: whose fault it is."""
    return 400 if isinstance(error, InputError) else 403 if isinstance(error, RefusedError) else 503
