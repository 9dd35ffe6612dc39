"""What a unit may see of a child's state, so that an answer tells it nothing else.

A unit in the circle, or the responsible one, sees the facts around the child. Anybody else sees what its own authority
has said and what it is a discloser in, and is otherwise told what would be true of a child whom nobody knows: the same
for an unknown, an unconsented, a protected and an investigated child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.streams.decision.child import ChildState
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Decision, Outcome

if TYPE_CHECKING:
    from samband.schemas.rulebook import Rulebook
    from samband.schemas.units import Unit
    from samband.streams.decision.question import Question

__all__ = ["NOT_TOLD", "seen_by", "told"]

NOT_TOLD: Final = "NOT_TOLD"
"""The one reason where even the true one would tell something."""


def told(decision: Decision, question: Question, child: ChildState, rulebook: Rulebook, now: int) -> Decision | None:
    """Return what the sender is told instead of a decision that does not permit; None: the decision itself.

    Who belongs to the circle is told the decision. To anybody else it is never told, not even where both say the same,
    so that how often something is stamped tells nothing either.
    """
    unit = question.sender
    if decision.outcome is Outcome.PERMIT or child.circle.has(unit.id, now) or child.circle.contender == unit.id:
        return None
    answer = decide(question, seen_by(child, unit), rulebook, now)
    return answer if answer.outcome is not Outcome.PERMIT else Decision(Outcome.DENY, (), (NOT_TOLD,))


def seen_by(child: ChildState, unit: Unit) -> ChildState:
    """Return what a unit outside the circle may see of a child's state."""
    own = tuple(one for one in child.consents if one.recorded_party == unit.party or unit.id in one.given.disclosers)
    return ChildState(
        consents=own,
        moved_at=child.moved_at if own else 0,
        marks=tuple(one for one in child.marks if one.set_by == unit.id),
        maturities=tuple(one for one in child.maturities if one.party == unit.party),
        motivations=tuple(one for one in child.motivations if one.party == unit.party),
        reports=tuple(one for one in child.reports if one.by == unit.id or one.to == unit.party),
    )
