"""The decision: may this be told, by this unit, to that unit, about this child, now?

    1. Is the type one that the sender's kind sends and the recipient's kind receives?       no → deny
    2. Does a forbid row apply?                                                              yes → deny, whatever else
    3. Each row about these two, in order: does its ground carry the message?                one is enough → permit
    4. Is there a ground that a person could open by deciding?                               yes → ask
    5. Otherwise                                                                             deny, with what failed

Default is deny, and so is any error. The law is in the rows (`samband.schemas.rulebook`), what a row needs in
`conditions`, the memory in `ChildState`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.schemas.catalogue import CATALOGUE
from samband.streams.decision.conditions import ASKS, NOT_CLAIMED, fails, forbids, owed
from samband.streams.decision.question import Decision, Outcome

if TYPE_CHECKING:
    from samband.schemas.rulebook import Rule, Rulebook
    from samband.streams.decision.child import ChildState
    from samband.streams.decision.question import Question

__all__ = ["decide"]


def decide(question: Question, child: ChildState, rulebook: Rulebook, now: int) -> Decision:
    """Return the decision; every error inside denies. `now` is seconds since 1970 UTC, the gate's."""
    try:
        return _decide(question, child, rulebook, now)
    except Exception:  # whatever goes wrong, nothing is disclosed
        return _deny("ERROR")


def _decide(question: Question, child: ChildState, rulebook: Rulebook, now: int) -> Decision:
    sender, recipient = question.sender, question.recipient
    message_type = CATALOGUE.get(question.type)
    if message_type is None or not message_type.may(sender.kind, recipient.kind):
        return _deny("TYPE_NOT_FOR_KIND")
    if not message_type.taken_by(recipient):
        return _deny("TYPE_NOT_RECEIVED")
    if child.moved_at:
        return _deny("IDENTITY_MOVED")
    if question.recipient_role and not child.circle.holds(recipient.id, question.recipient_role, now):
        return _deny("ROLE_MOVED")

    rows = rulebook.between(question.type, sender, recipient)
    for row in rows.forbids:
        if forbids(row, question, child):
            return Decision(Outcome.DENY, (row.ground,), (row.reason,))

    carried: list[Rule] = []
    failed: list[str] = []
    consents: list[bytes] = []
    for row in rows.permits:
        if question.claimed_ground in ("", row.ground):
            reason, leaned_on = fails(row, question, child, now)
            if reason:
                failed.append(reason)
            else:
                carried.append(row)
                consents += leaned_on

    if carried:
        resting = [row for row in carried if row.needs_consent]
        only = tuple(consents) if len(resting) == len(carried) else ()
        grounds = tuple([row.ground for row in carried])
        return Decision(Outcome.PERMIT, grounds, (), owed(carried, question, child, now), only)
    reasons = tuple(dict.fromkeys(why for why in failed if why != NOT_CLAIMED)) or ("NO_GROUND",)
    return Decision(Outcome.ASK if ASKS.intersection(reasons) else Outcome.DENY, (), reasons)


def _deny(*reasons: str) -> Decision:
    return Decision(Outcome.DENY, (), reasons)
