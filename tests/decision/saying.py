"""Short ways to say an event and to see it refused."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.errors import RefusedError
from samband.schemas.reasons import REASONS
from samband.streams.decision.changes import apply
from samband.streams.decision.child import ChildState
from samband.streams.decision.said import Said

__all__ = ["refused", "say"]


def say(kit: Any, state: ChildState, body: Any, signer: str, *, at: int = 0, age: str = "12-14") -> ChildState:
    """Return the state after an event, `at` seconds from now."""
    return apply(state, body, Said(kit.UNITS[signer], kit.NOW + at, bytes(32), kit.UNITS.get, age))


def refused(kit: Any, state: ChildState, body: Any, signer: str, *, at: int = 0, age: str = "12-14") -> str:
    """Return the code with which an event is refused; it has words."""
    with pytest.raises(RefusedError) as caught:
        say(kit, state, body, signer, at=at, age=age)
    assert caught.value.code in REASONS
    return caught.value.code
