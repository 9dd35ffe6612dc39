"""The circle: the first social services authority's unit to claim a child is responsible, and only it says who belongs.

Membership is itself secret; who may see it is decided where it is shown, not here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from samband.schemas.errors import RefusedError
from samband.streams.decision.child import ChildState, Circle

if TYPE_CHECKING:
    from samband.schemas.event_bodies import CircleUpdate
    from samband.streams.decision.said import Said

__all__ = ["update"]


def update(state: ChildState, body: CircleUpdate, said: Said) -> ChildState:
    """Return the state with the circle as the responsible unit says it; the members are replaced as a whole.

    Raises:
        RefusedError: not a social services authority, claimed by another, or not the responsible unit.
    """
    circle, signer = state.circle, said.signer
    if signer.kind.family != "social" or signer.regime.private:
        raise RefusedError("CIRCLE_NOT_SOCIAL", "only a social services authority answers for a child's circle")
    if circle.responsible and circle.responsible != signer.id:
        raise RefusedError("CIRCLE_TAKEN", "another unit is responsible; it hands over, nobody takes")
    if not circle.responsible and not body.claim:
        raise RefusedError("CIRCLE_NOT_CLAIMED", "nobody is responsible yet; claim the child first")
    if any(said.directory(member.unit) is None for member in body.members):
        raise RefusedError("UNIT_UNKNOWN", "a unit that is named is not in the directory")
    return replace(state, circle=Circle(signer.id, circle.claimed_at or said.now, body.members))
