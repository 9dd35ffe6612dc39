"""The one error tree.

    SambandError                 code, fault, retriable, hint
    ├── FormatError              bytes that are not what the format page says        fault: sender
    ├── TrustError               a signature, seal, key or certificate that fails    fault: sender
    ├── RefusedError             well-formed, proved, and not allowed here           fault: sender
    ├── InputError               what a person or a party's system handed in         fault: caller
    ├── DeliveryError            the far side did not take it                        fault: far side, mostly retriable
    └── OperatorError            this installation: port, disk, file, configuration  fault: operator

A code is stable and may be matched by programs. A message is lower case, uses the domain's words, puts input in
backticks, and never holds a name, number, reference or content of a child. The hint says the way out; only the
command line prints it. The field is the path of what is wrong in what was handed in, such as `content.from_date`; it is
made of the catalogue's own names and never of the caller's.
"""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = [
    "DeliveryError",
    "FormatError",
    "InputError",
    "OperatorError",
    "RefusedError",
    "SambandError",
    "TrustError",
]

Fault = Literal["sender", "caller", "far side", "operator"]


class SambandError(Exception):
    """What every error of Samband is."""

    fault: ClassVar[Fault] = "operator"

    def __init__(self, code: str, message: str, hint: str = "", *, retriable: bool = False, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.retriable = retriable
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class FormatError(SambandError):
    """Bytes that are not what the format page says."""

    fault = "sender"


class TrustError(SambandError):
    """A signature, seal, key or certificate that does not hold."""

    fault = "sender"


class RefusedError(SambandError):
    """Well-formed and proved, and not allowed: the code goes back to the sender."""

    fault = "sender"


class InputError(SambandError):
    """What a person or a party's own system handed in cannot be used."""

    fault = "caller"


class DeliveryError(SambandError):
    """The far side did not take a message; `retriable` says whether to try again."""

    fault = "far side"


class OperatorError(SambandError):
    """Something in this installation keeps Samband from working."""

    fault = "operator"
