"""Every error as RFC 9457, `application/problem+json`: a stable code, whose fault, and where in the body.

    {"type": "urn:samband:error:CONTENT_INVALID", "title": "…", "status": 422, "code": "CONTENT_INVALID", …,
     "errors": [{"pointer": "/content/from_date", "code": "CONTENT_INVALID", "detail": "…"}]}

The words are the error tree's own. A decoder's message would repeat what was handed in, so of those only the place is
taken, and only where it is made of names that this interface knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from samband.connectors.rest.shapes import Fault, Problem
from samband.schemas.errors import InputError, OperatorError, SambandError

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["PROBLEM", "STATUS", "ProblemError", "body_fault", "of_error", "respond"]

PROBLEM: Final = "application/problem+json"

STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "MESSAGE_UNKNOWN": 404,
        "CONSENT_UNKNOWN": 404,
        "TYPE_NOT_FOUND": 404,
        "MESSAGE_RECALLED": 410,
        "MESSAGE_REFUSED": 410,
        "MESSAGE_ERASED": 410,
        "MESSAGE_ELSEWHERE": 409,
        "MESSAGE_NOT_READY": 409,
        "MESSAGE_NOT_FETCHED": 409,
        "MESSAGE_NOT_KEPT": 409,
    }
)
"""The status of a code; of the rest it follows from whose fault it is."""

_TITLES: Final = MappingProxyType(
    {
        400: "The request cannot be read",
        401: "No valid access token",
        403: "Not allowed for this client",
        404: "There is no such thing",
        405: "The address has no such method",
        406: "None of the accepted forms",
        408: "The request came too slowly",
        409: "Not in this state",
        410: "It is gone",
        413: "The request is too large",
        415: "The request's form is not taken",
        422: "The request cannot be carried out",
        429: "Too often",
        500: "An error of this connector",
        503: "Not now",
    }
)
_PLACE: Final = re.compile(r" - at `\$((?:\.[a-z_0-9]+|\[[0-9]+\]|\[\.\.\.\])*)`$")
_STEP: Final = re.compile(r"\.([a-z_0-9]+)|\[([0-9]+|\.\.\.)\]")
_MISSING: Final = re.compile(r"Object missing required field `([a-z_0-9]+)`")
_SAID: Final = (
    ("Object contains unknown field", "has a field that is not known here"),
    ("Object missing required field", "is missing"),
    ("Invalid enum value", "is not one of the values that are allowed"),
    ("Expected `str` matching regex", "is not of the form that is asked for"),
    ("Expected `str` of length", "is shorter or longer than is allowed"),
    ("Expected `array` of length", "has fewer or more items than is allowed"),
    ("Expected `int`", "is not a whole number within the limits"),
    ("Expected `str`", "must be text"),
    ("Expected `bool`", "must be true or false"),
    ("Expected `object`", "must be an object"),
    ("Expected `array`", "must be a list"),
    ("Invalid RFC3339 encoded date", "must be a date, `YYYY-MM-DD`"),
)


class ProblemError(Exception):
    """A request that ends as a problem."""

    def __init__(
        self, status: int, code: str, detail: str, *, retriable: bool = False, errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.retriable = retriable
        self.errors = list(errors)
        self.headers = dict(headers or {})


def of_error(error: SambandError, *, under: str = "") -> ProblemError:
    """Return an error of the tree as a problem; `under` is where in the body its field lies."""
    if error.code in STATUS:
        status = STATUS[error.code]
    elif isinstance(error, OperatorError):
        status = 503 if error.retriable else 500
    else:
        status = 422
    errors = [fault_of(error, under)] if error.field else []
    return ProblemError(status, error.code, error.message, retriable=error.retriable, errors=errors)


def fault_of(error: InputError | SambandError, under: str = "") -> Fault:
    """Return where an error's field lies."""
    pointer = under + "/" + error.field.replace(".", "/") if error.field else under
    return Fault(pointer=pointer, code=error.code, detail=error.message)


def body_fault(error: msgspec.DecodeError) -> ProblemError:
    """Return what a decoder says of a body, without a byte of the body."""
    said = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return ProblemError(400, "BODY_JSON", "the body is not JSON")
    found = _PLACE.search(said)
    pointer = "" if found is None else _pointer(found[1])
    if missing := _MISSING.match(said):
        pointer += f"/{missing[1]}"
    why = next((words for start, words in _SAID if said.startswith(start)), "is not of the form that is asked for")
    fault = Fault(pointer=pointer, code="BODY_FORM", detail=why)
    return ProblemError(422, "BODY_FORM", "the body is not of the form that is asked for", errors=[fault])


def _pointer(place: str) -> str:
    steps = [name or index for name, index in _STEP.findall(place)]
    return "".join(f"/{each}" for each in steps if each != "...")


def respond(problem: ProblemError) -> Response:
    """Return the answer."""
    from starlette.responses import Response  # what is said of a body is asked for without a server too

    body = Problem(
        type=f"urn:samband:error:{problem.code}",
        title=_TITLES.get(problem.status, "An error"),
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        retriable=problem.retriable,
        errors=problem.errors or msgspec.UNSET,
    )
    return Response(msgspec.json.encode(body), problem.status, media_type=PROBLEM, headers=problem.headers)
