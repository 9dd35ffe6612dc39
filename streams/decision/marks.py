"""Protection marks: any party sets one at once; lifting takes two units, which this version does not carry yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from samband.schemas.errors import RefusedError
from samband.streams.decision.child import ChildState, Mark

if TYPE_CHECKING:
    from samband.schemas.event_bodies import ProtectionMarked
    from samband.streams.decision.said import Said

__all__ = ["mark"]


def mark(state: ChildState, body: ProtectionMarked, said: Said) -> ChildState:
    """Return the state with a mark set; a mark that stands already changes nothing.

    Raises:
        RefusedError: lifting by one unit (`MARK_LIFT_NEEDS_TWO`).
    """
    if body.lifted:
        raise RefusedError("MARK_LIFT_NEEDS_TWO", "a protection mark is lifted by two units, never by one")
    if any(standing.kind is body.mark for standing in state.standing_marks):
        return state
    return replace(state, marks=(*state.marks, Mark(body.mark, said.signer.id, said.now, said.entry)))
