"""Ask the derived streams what became of a message: `ask_status(home, message_id)`.

It needs the hub's own user on the hub's own machine; a party learns the same from its receipts.
"""

from __future__ import annotations

import json
import socket
from typing import Any, Final

from samband.schemas.errors import InputError, OperatorError
from samband.streams.authority import Home

__all__ = ["RECORD", "ask_status", "ask_summary", "is_ready"]

RECORD: Final = "derived.json"
"""In the hub's run folder: who answers, and where."""

_PATIENCE_S: Final = 10.0


def ask_status(home: Home, message_id: str) -> dict[str, Any]:
    """Return what became of a message, as `MessageStatus.json` gives it.

    Args:
        home: the hub's folder.
        message_id: 32 hexadecimal digits.

    Raises:
        InputError: `MESSAGE_UNKNOWN` or `MESSAGE_ID_FORM`.
        OperatorError: `DERIVED_DOWN`, the derived streams do not run, or still start.
    """
    return _ask(home, {"message": message_id})


def ask_summary(home: Home) -> dict[str, Any]:
    """Return `{"states": {state: messages}, "unreadable": records}`.

    Raises:
        OperatorError: `DERIVED_DOWN`.
    """
    return _ask(home, {"summary": True})


def is_ready(home: Home, pid: int) -> bool:
    """Say whether the process `pid` answers by now."""
    try:
        found = json.loads((home.hub / "run" / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(found.get("pid") == pid)


def _ask(home: Home, question: dict[str, Any]) -> dict[str, Any]:
    try:
        path = json.loads((home.hub / "run" / RECORD).read_text("utf-8"))["socket"]
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE_S)
            line.connect(path)
            line.sendall(json.dumps(question).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError(
            "DERIVED_DOWN",
            "the derived streams do not answer",
            "samband hub status tells whether they run",
            retriable=True,
        ) from error
    if (problem := answer.get("error")) is not None:
        raise InputError(problem["code"], problem["message"], problem["hint"])
    return answer
