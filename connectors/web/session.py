"""Who is signed in, and how often anything may be tried. Pure: seconds of a monotone clock are an argument.

    door = Door()
    code = door.link("local", ROLES, now)             printed on the terminal; good once, for 60 s
    token = door.redeem(code, now)                    the cookie's value
    session, fresh = door.enter(token, now)           fresh: the cookie's next value, where it is time for one
    door.leave(token)

Only hashes of codes and tokens are kept, in memory: when the console ends, everybody is signed out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from samband.schemas.errors import RefusedError

__all__ = ["IDLE_S", "LINK_S", "LONGEST_S", "Door", "Rate", "Session"]

Held = TypeVar("Held")
R = TypeVar("R")
"""The roles of whoever uses it."""

LINK_S: Final = 60
IDLE_S: Final = 15 * 60
"""Without a request so long, one must sign in again."""
LONGEST_S: Final = 8 * 3600
"""A working day."""
ROTATE_S: Final = 5 * 60
"""How long a cookie has one value."""
_GRACE_S: Final = 20
"""How long the value before still works, for requests that were under way."""
_MOST: Final = 200
"""Sessions and links at a time; the oldest go first."""


@dataclass(slots=True)
class Session(Generic[R]):
    """Somebody who is signed in."""

    user: str
    roles: tuple[R, ...]
    began: float
    seen: float
    title: str = ""
    """What they are at work, as their own organisation says it."""
    units: tuple[str, ...] = ()
    """The units that they work for; none: all of the party's."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    """For rates and the console's own log; says nothing about the cookie."""
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def csrf(self) -> str:
        """What every form carries."""
        return hmac.digest(self._secret, b"csrf", "sha256").hex()

    def check_csrf(self, given: str) -> None:
        """Check that a form is ours.

        Raises:
            RefusedError: it is not (`CONSOLE_CSRF`).
        """
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.csrf.encode()):
            raise RefusedError("CONSOLE_CSRF", "the form is not this session's; load the page again")


@dataclass(slots=True)
class _Token(Generic[R]):
    session: Session[R]
    made: float
    ends: float


class Door(Generic[R]):
    """Lets people in."""

    def __init__(self) -> None:
        self._links: OrderedDict[bytes, tuple[Session[R], float]] = OrderedDict()
        self._tokens: OrderedDict[bytes, _Token[R]] = OrderedDict()
        self._ended: OrderedDict[bytes, Session[R]] = OrderedDict()

    def link(self, user: str, roles: tuple[R, ...], now: float, *, title: str = "", units: tuple[str, ...] = ()) -> str:
        """Return a code that signs in once."""
        code = secrets.token_urlsafe(32)
        self._links[_hash(code)] = (Session(user, roles, now, now, title, units), now + LINK_S)
        _trim(self._links)
        return code

    def redeem(self, code: str, now: float) -> str:
        """Sign in with a code and return the cookie's value.

        Raises:
            RefusedError: the code was used, is over, or never was (`CONSOLE_LINK`): one answer for all three.
        """
        found = self._links.pop(_hash(code), None)
        if found is None or now >= found[1]:
            raise RefusedError("CONSOLE_LINK", "the link is used or too old", "the command that serves prints another")
        session = found[0]
        session.began = session.seen = now
        return self._give(session, now)

    def open(self, user: str, roles: tuple[R, ...], now: float, *, title: str = "", units: tuple[str, ...] = ()) -> str:
        """Sign somebody in and return the cookie's value."""
        return self._give(Session(user, roles, now, now, title, units), now)

    def _give(self, session: Session[R], now: float) -> str:
        token = secrets.token_urlsafe(32)
        self._tokens[_hash(token)] = _Token(session, now, session.began + LONGEST_S)
        _trim(self._tokens)
        return token

    def ended(self, token: str) -> Session[R] | None:
        """Return the session that a cookie had and that ended by itself: it may do nothing more.

        Who it was is what a form is worth that came too late: it is kept for them, and not acted on.
        """
        return self._ended.get(_hash(token))

    def enter(self, token: str, now: float) -> tuple[Session[R], str | None] | None:
        """Return the session of a cookie, and its next value where it is time for one; None where there is none."""
        held = self._tokens.get(name := _hash(token))
        if held is None:
            return None
        if now >= held.ends or now - held.session.seen >= IDLE_S:
            del self._tokens[name]
            if now >= held.session.began + LONGEST_S or now - held.session.seen >= IDLE_S:
                self._ended[name] = held.session
                _trim(self._ended)
            return None
        held.session.seen = now
        if now - held.made < ROTATE_S or held.ends <= now + _GRACE_S:
            return held.session, None
        held.ends = now + _GRACE_S
        return held.session, self._give(held.session, now)

    def leave(self, token: str) -> None:
        """Sign out: every value of the session's cookie is worth nothing from now on."""
        held = self._tokens.get(_hash(token))
        if held is not None:
            for name in [name for name, each in self._tokens.items() if each.session is held.session]:
                del self._tokens[name]


class Rate:
    """So many in so many seconds, by whatever name is counted."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float) -> None:
        """Count one.

        Raises:
            RefusedError: there were too many (`CONSOLE_RATE`).
        """
        left, then = self._left.pop(name, (float(self._most), now))
        left = min(float(self._most), left + (now - then) * self._most / self._seconds)
        self._left[name] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > 10 * _MOST:
            self._left.popitem(last=False)
        if left < 1:
            raise RefusedError("CONSOLE_RATE", "that was too often; wait a while", retriable=True)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _trim(held: OrderedDict[bytes, Held]) -> None:
    while len(held) > _MOST:
        held.popitem(last=False)
