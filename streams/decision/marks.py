"""Protection marks: any party sets one at once; lifting takes the word of two, the responsible unit's among them.

A wrong mark costs a family an inconvenience, a missing one may cost a life: so setting is never refused for who says
it, and one hostile or mistaken party can never lift (OSL 21:3, 22:1–2, 26:2; LVU 14 §).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.schemas.speech import Relation
from samband.streams.decision.child import ChildState, Mark
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from samband.schemas.event_bodies import ProtectionMarked
    from samband.streams.decision.said import Said

__all__ = ["LIFT_WAITS", "mark"]

LIFT_WAITS: Final = 14 * 86400
"""Seconds that the first word waits for a second: two units that agree talk within a fortnight. A forgotten word must
not lift together with one that is said about another situation."""

MOST_LIFTED: Final = 28
"""Lifted marks that are remembered. A mark is never refused for lack of room; the log has the older ones."""


def mark(state: ChildState, body: ProtectionMarked, said: Said) -> ChildState:
    """Return the state with a mark set, or with one of the two words that lift it.

    Setting one that stands ends a request to lift it. Only the responsible unit says who may still be told, and each
    time it sets the mark it says so anew.

    Raises:
        RefusedError: not involved, named by another than the responsible unit, or not enough to lift.
    """
    held = may(state, body, said)
    standing = next((each for each in state.standing_marks if each.kind is body.mark), None)
    if body.lifted:
        return _put(state, standing, _lift(state, standing, said))
    for unit in body.named:
        said.unit(unit)
    if standing is None:
        return _add(state, Mark(body.mark, said.signer.id, said.now, said.entry, body.named))
    named = body.named if Relation.RESPONSIBLE in held else standing.named
    return _put(state, standing, replace(standing, named=named, lift_by="", lift_party="", lift_at=0))


def _lift(state: ChildState, standing: Mark | None, said: Said) -> Mark:
    """Return the mark after one more word that it shall be lifted."""
    signer, now, responsible = said.signer, said.now, state.circle.responsible
    if standing is None:
        raise RefusedError("MARK_NOT_SET", "the child has no such mark")
    if state.circle.contender:
        raise RefusedError("CIRCLE_CONTESTED", "two units claim the child, so no mark is lifted")
    waits = bool(standing.lift_by) and now - standing.lift_at <= LIFT_WAITS
    if waits and standing.lift_party != signer.party:
        if responsible and responsible not in (signer.id, standing.lift_by):
            raise RefusedError("MARK_LIFT_RESPONSIBLE", "one of the two that lift a mark is the responsible unit")
        return replace(standing, lifted_at=now)
    if waits and (signer.id != responsible or standing.lift_by == responsible):
        raise RefusedError("MARK_LIFT_NEEDS_TWO", "a protection mark is lifted by two parties, never by one")
    # The first word, or the responsible unit's in place of another unit's of its own authority.
    return replace(standing, lift_by=signer.id, lift_party=signer.party, lift_at=now)


def _put(state: ChildState, old: Mark | None, new: Mark) -> ChildState:
    return replace(state, marks=tuple(new if each is old else each for each in state.marks))


def _add(state: ChildState, new: Mark) -> ChildState:
    lifted = [each for each in state.marks if each.lifted_at]
    forgotten = lifted[: max(0, len(lifted) - MOST_LIFTED)]
    return replace(state, marks=(*(each for each in state.marks if each not in forgotten), new))
