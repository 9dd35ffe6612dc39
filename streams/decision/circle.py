"""The circle: one social services unit answers for the child and says who belongs; others hand over, nobody takes.

    claim        the first social services authority's unit to claim a child is responsible
    contest      another authority's unit that claims within a day makes it two claims: nothing rests on consent, and
                 nobody changes the circle, until one of the two yields to the other
    handover     the responsible unit offers; it stays responsible until the other one accepts

Membership is itself secret; who may see it is decided where it is shown, not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.schemas.speech import Relation
from samband.streams.decision.child import ChildState, Circle
from samband.streams.decision.speech import is_board, may

if TYPE_CHECKING:
    from samband.schemas.event_bodies import CircleAccepted, CircleHandover, CircleUpdate
    from samband.streams.decision.said import Said

__all__ = ["accept", "hand_over", "update"]


def update(state: ChildState, body: CircleUpdate, said: Said) -> ChildState:
    """Return the state with the circle as the responsible unit says it; the members are replaced as a whole.

    A second claim at the same time only stands beside the first: its members are not taken.

    Raises:
        RefusedError: not a social services authority, claimed by another, contested, or a member that is no unit.
    """
    held, circle, signer = may(state, body, said), state.circle, said.signer
    if any(said.unit(member.unit).kind.family == "coordination" for member in body.members):
        raise RefusedError("TYPE_NOT_FOR_KIND", "a steering group gets no information about a child")
    if Relation.RESPONSIBLE in held:
        return replace(state, circle=replace(circle, members=body.members))
    if Relation.RIVAL in held:
        if not body.claim:
            raise RefusedError("CIRCLE_TAKEN", "another unit is responsible; it hands over, nobody takes")
        return replace(state, circle=replace(circle, contender=signer.id, handing_to=""))
    if not body.claim:
        raise RefusedError("CIRCLE_NOT_CLAIMED", "nobody is responsible yet; claim the child first")
    return replace(state, circle=Circle(signer.id, said.now, body.members))


def hand_over(state: ChildState, body: CircleHandover, said: Said) -> ChildState:
    """Return the state where the child is offered to another unit, or one of two claims is given up.

    An offer changes nothing until it is accepted. Offering to oneself takes an offer back.

    Raises:
        RefusedError: not responsible, not to a social services authority, or contested and not to the other claimant.
    """
    held, circle, signer = may(state, body, said), state.circle, said.signer
    to = said.unit(body.to)
    if Relation.CONTENDER in held:
        other = circle.contender if signer.id == circle.responsible else circle.responsible
        if to.id != other:
            raise RefusedError("CIRCLE_CONTESTED", "while two units claim a child, one can only yield to the other")
        return replace(state, circle=replace(circle, responsible=other, contender=""))
    if not is_board(to):
        raise RefusedError("CIRCLE_NOT_SOCIAL", "only a social services authority answers for a child's circle")
    return replace(state, circle=replace(circle, handing_to="" if to.id == signer.id else to.id))


def accept(state: ChildState, body: CircleAccepted, said: Said) -> ChildState:
    """Return the state where the unit that a child was offered to is responsible; the members stay.

    Raises:
        RefusedError: it was not offered to this unit, or by another one (`CIRCLE_NOT_OFFERED`).
    """
    may(state, body, said)
    circle = state.circle
    if body.sender != circle.responsible:
        raise RefusedError("CIRCLE_NOT_OFFERED", "that unit has not handed the child over")
    # The time of the first claim stays: a handover opens no new day for claiming at the same time.
    return replace(state, circle=replace(circle, responsible=said.signer.id, handing_to=""))
