"""A child that gets another number, or one at last: said at the new reference first, then at the old one, which ends.

Two references are two children to the gate, in two partitions perhaps, so each is told by itself and keeps no pointer
to the other. Consents are not moved: who recorded them records them anew. Where either side has a threat mark
(fingerade personuppgifter, OSL 21:3) nothing is linked: the event is refused and everything starts anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import (
    ActLogged,
    ConsentRefused,
    ConsentWithdrawn,
    EventBody,
    MarkKind,
    ProtectionMarked,
)
from samband.schemas.speech import Relation
from samband.streams.decision.child import ChildState, Circle
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from samband.schemas.event_bodies import IdentityChanged
    from samband.streams.decision.said import Said

__all__ = ["change", "check_here"]


def check_here(state: ChildState, body: EventBody) -> None:
    """Check that an event is said of a child that still has this reference; protection and a no are always heard.

    Raises:
        RefusedError: the child has another one (`IDENTITY_MOVED`).
    """
    if state.moved_at and not isinstance(body, ConsentWithdrawn | ConsentRefused | ProtectionMarked | ActLogged):
        raise RefusedError("IDENTITY_MOVED", "the child has another number now")


def change(state: ChildState, body: IdentityChanged, said: Said) -> ChildState:
    """Return the state of the new reference, where the signer is responsible, or of the old one, which ends.

    Raises:
        RefusedError: not the responsible unit's to say, or the child has a threat mark (`IDENTITY_PROTECTED`).
    """
    held = may(state, body, said)
    if any(mark.kind is MarkKind.THREAT for mark in state.standing_marks):
        raise RefusedError("IDENTITY_PROTECTED", "nothing is linked where a child lives under a threat")
    if not body.arriving:
        return replace(state, circle=_ended(state.circle, said.now), moved_at=said.now)
    if Relation.RESPONSIBLE in held:
        return state
    return replace(state, circle=Circle(said.signer.id, said.now))


def _ended(circle: Circle, now: int) -> Circle:
    """Return an empty circle that still knows who belonged to it until now."""
    were = (member for member in circle.members if member.valid_from < now)
    return Circle(members=tuple(replace(each, valid_to=min(each.valid_to or now, now)) for each in were))
