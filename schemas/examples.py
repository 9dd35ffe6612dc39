"""What a message of each type may look like: made-up contents in Swedish, for people who write one for the first time.

example("sip.reply")["answer"]      'declined'
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

from samband.schemas.catalogue import find
from samband.schemas.errors import InputError
from samband.schemas.identifiers import without_number
from samband.schemas.testdata import synthetic

__all__ = ["example"]

_CHILD: Final = synthetic(20)


@cache
def _written() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("samband.schemas").joinpath("examples.toml").read_text("utf-8"))


def example(type_name: str) -> dict[str, Any]:
    """Return an example content of a type, about a child who does not exist, or about nobody where it names nobody.

    Raises:
        InputError: no such type (`TYPE_UNKNOWN`), or an event, which has its own command (`TYPE_IS_EVENT`).
    """
    row = find(type_name)
    if not row.carries_content:
        raise InputError("TYPE_IS_EVENT", f"`{type_name}` is an event; it has its own command")
    whose: dict[str, Any] = {
        "child_identifier": _CHILD.identifier,
        "child_name": _CHILD.name,
        "sender_reference": "2026-0417",
    }
    if row.unidentified:
        whose = {"child_identifier": without_number(hashlib.sha256(type_name.encode()).digest()[:16])}
    return {**whose, "acting_user": {"id": "exempel01", "role": "handläggare"}, **_written()[type_name]}
