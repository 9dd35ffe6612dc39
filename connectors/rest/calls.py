"""What an operation is: its address, who may call it, what it takes and gives; routes and description are made of it.

    Operation("POST", "/v1/messages", "sendMessage", "Send a message", send, scope=Scope.SEND, body=Send, …)

A handler gets a `Call`, whose body and query are checked already, and returns a record. It touches the store between
two awaits only, as the service does: one thread, one transaction at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.requests import Request

from samband.connectors.rest.auth import Caller
from samband.connectors.rest.house import Hosted
from samband.connectors.rest.once import Ids, Once
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.settings import Scope
from samband.connectors.rest.shapes import Fault

__all__ = ["CURSOR", "LIMIT", "WAIT", "Answer", "Call", "Gate", "Operation", "Places", "Query", "page", "rfc3339"]

_MOST_WAIT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter in the address."""

    name: str
    about: str
    schema: dict[str, Any]
    read: Callable[[str], Any]
    default: Any


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return read


def one_of(*values: str) -> Callable[[str], str]:
    """Return a reader of one of some words."""

    def read(text: str) -> str:
        if text not in values:
            raise ValueError
        return text

    return read


def matching(pattern: str) -> Callable[[str], str]:
    """Return a reader of a text of a form."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return read


WAIT: Final = Query(
    "wait",
    "seconds to wait for an answer before one is given anyway",
    {"type": "integer", "minimum": 0, "maximum": 30, "default": 0},
    _number(0, int(_MOST_WAIT)),
    0,
)
LIMIT: Final = Query(
    "limit",
    "items of a page",
    {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    _number(1, 200),
    50,
)
CURSOR: Final = Query(
    "cursor",
    "`next` of the page before",
    {"type": "string", "pattern": "^[0-9]{1,18}$"},
    _number(0, 1 << 62),
    0,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be called."""

    method: str
    path: str
    name: str
    summary: str
    handler: Callable[[Call], Awaitable[Any]]
    about: str = ""
    scope: Scope | None = None
    """None: any client of a party may call it, and sees what its scopes allow."""
    body: type | None = None
    """`bytes`: whatever comes, which the handler itself reads, after the caller was let in."""
    answer: type | None = None
    status: int = 200
    query: tuple[Query, ...] = ()
    once: bool = False
    """Whether it takes an idempotency key."""
    problems: tuple[int, ...] = ()
    """Statuses that only this operation has."""
    media: str = "application/json"
    also: tuple[str, ...] = ()
    """Other forms of its answer that can be asked for."""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A record, and what else an answer carries."""

    record: Any
    headers: dict[str, str] = field(default_factory=dict)


class Gate:
    """Counts the answers that wait."""

    def __init__(self, most: int) -> None:
        self._left = most

    def check(self) -> None:
        """Check that there is a place.

        Raises:
            ProblemError: there is none left (`TOO_MANY_WAIT`).
        """
        if self._left <= 0:
            raise ProblemError(
                503, "TOO_MANY_WAIT", "too many requests wait already", retriable=True, headers={"retry-after": "5"}
            )

    def __enter__(self) -> None:
        """Take a place.

        Raises:
            ProblemError: as `check`.
        """
        self.check()
        self._left -= 1

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._left += 1


class Places:
    """Counts what comes in at once, of all and of each client."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            ProblemError: there is none left (`TOO_MANY_UPLOADS`).
        """
        if self._taken.total() >= self._most or self._taken[client] >= self._each:
            raise ProblemError(
                429, "TOO_MANY_UPLOADS", "too many files come in already", retriable=True, headers={"retry-after": "5"}
            )
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has come so far."""

    request: Request
    caller: Caller
    body: Any
    query: dict[str, Any]
    clock: Callable[[], datetime]
    waiting: Gate
    uploads: Places
    operation: Operation

    @property
    def hosted(self) -> Hosted:
        """The party that is called."""
        return self.caller.hosted

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock()

    @property
    def now_ms(self) -> int:
        """The time in milliseconds since 1970 UTC."""
        return int(self.clock().timestamp() * 1000)

    @property
    def patience(self) -> float:
        """How many seconds the caller would wait for an answer."""
        return float(self.query.get("wait", 0))

    def id(self, code: str = "MESSAGE_UNKNOWN") -> bytes:
        """Return the id in the address.

        Raises:
            ProblemError: there is none such (`code`).
        """
        text = self.request.path_params["id"]
        if not re.fullmatch(r"[0-9a-f]{32}", text):
            raise ProblemError(404, code, "an id is 32 lower-case hexadecimal digits")
        return bytes.fromhex(text)

    def once(self, act: Callable[[Ids], dict[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
        """Act once for an idempotency key; return what it gave, and the answer's headers."""
        once = Once(self.hosted.party.store, self.caller.client.id, self.request.headers.get("idempotency-key"))
        said = once.do(self.request.url.path, self.body, act)
        return said, {"idempotent-replayed": "true"} if once.repeated else {}


def page(items: list[Any], start: int, limit: int) -> tuple[list[Any], str | None]:
    """Return (items, next) of a list that only grows at its end."""
    more = len(items) > start + limit
    return items[start : start + limit], str(start + limit) if more else None


def rfc3339(ms: int) -> str:
    """Write a time in ms as RFC 3339."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def invalid(pointer: str, code: str, detail: str) -> ProblemError:
    """Return the problem with one place in a body."""
    return ProblemError(422, code, detail, errors=[Fault(pointer=pointer, code=code, detail=detail)])


def some(value: object) -> Any:
    """Return a value, or what leaves it out of an answer."""
    return msgspec.UNSET if value in (None, "") else value
