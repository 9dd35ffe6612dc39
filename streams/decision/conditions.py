"""What a row needs before its ground carries a message, one condition each, and what a permit obliges to.

fails(row, question, child, now)     ("CONSENT_PENDING", ())  or  ("", the consents that it leans on)
forbids(row, question, child)        whether a forbid row stops it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.rulebook import Effect, Need
from samband.streams.decision.question import categories_told
from samband.streams.decision.support import objects, support

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samband.schemas.rulebook import Rule
    from samband.streams.decision.child import ChildState, Motivation
    from samband.streams.decision.question import Question

__all__ = [
    "ASKS",
    "HOLD_PROTECTED",
    "NOT_CLAIMED",
    "REVIEW_URGENT",
    "SHOW_OBJECTION",
    "URGENT",
    "fails",
    "forbids",
    "owed",
]

HOLD_PROTECTED: Final = "hold_protected"
"""Obligation: the child has a mark, so an adapter hands over a reference and keeps the content back."""

SHOW_OBJECTION: Final = "show_objection"
"""Obligation: it is told on a duty or necessity although the child objects, and the recipient sees that."""

REVIEW_URGENT: Final = "review_urgent"
"""Obligation: a manual ground was opened at once, so a reviewing function at the sender looks at it now."""

URGENT: Final = "urgent"
"""Necessity code of a disclosure that could not wait for the function that usually decides."""

NOT_CLAIMED: Final = "-"
"""A manual ground that nobody claimed fails without a reason: it is only a person's to open."""

ASKS: Final = frozenset({"ASK_MANUAL", "CHILD_OBJECTS", "CIRCLE_CONTESTED", "CONSENT_DISPUTED", "CONSENT_ROLE"})
"""What a person may still decide: the law asks for a motivated decision, the child objects, two units claim the child,
a unit doubts the consent, or a role went to another unit and the givers did not say that the consent follows it."""


def forbids(row: Rule, question: Question, child: ChildState) -> bool:
    """Say whether a forbid row applies: its marks, its purposes and its categories, where it names any."""
    if row.marks and not (
        child.marks
        and any(mark.kind in row.marks and question.recipient.id not in mark.named for mark in child.standing_marks)
    ):
        return False
    if row.purposes and question.claims.necessity not in row.purposes:
        return False
    return not row.categories or not row.categories.isdisjoint(categories_told(question.categories))


def fails(row: Rule, question: Question, child: ChildState, now: int) -> tuple[str, tuple[bytes, ...]]:
    """Return why a row does not carry the message (empty: it does), and the consents that it leans on."""
    claims, needs = question.claims, row.needs
    manual = row.effect is Effect.ASK and not _motivated(row, question, child, now)
    if manual and question.claimed_ground != row.ground:
        return NOT_CLAIMED, ()
    if row.limbs:
        limb = row.limbs.get(claims.limb)
        if limb is None or claims.age_band not in limb.ages:
            return "LIMB_MISSING", ()
    if Need.NECESSITY in needs and not claims.necessity:
        return "NECESSITY_MISSING", ()
    if Need.INVESTIGATION in needs and not _investigates(question, child, now):
        return "INVESTIGATION_MISSING", ()
    if Need.REPORT in needs and not _reported(question, child):
        return "REPORT_MISSING", ()
    if Need.PART in needs and not _is_part(question, child):
        return "CONSENT_MISSING", ()
    if Need.UNIDENTIFIED in needs and any(tag.startswith("identity:") for tag in question.categories):
        return "IDENTITY_TOLD", ()
    if row.needs_consent:
        if child.circle.contender:
            return "CIRCLE_CONTESTED", ()
        found = support(child, question, now, one_giver=Need.ONE_GIVER in needs)
        return found.reason or ("ASK_MANUAL" if manual else ""), found.consents
    return "ASK_MANUAL" if manual else "", ()


def owed(carried: Iterable[Rule], question: Question, child: ChildState, now: int) -> tuple[str, ...]:
    """Return the obligations of a permit, each once."""
    found = [HOLD_PROTECTED] if child.standing_marks else []
    consented = False
    for row in carried:
        consented = consented or row.needs_consent
        found += row.obligations
        if row.effect is Effect.ASK and question.claims.necessity == URGENT:
            found.append(REVIEW_URGENT)
    if child.consents and not consented and objects(child, question, now):  # no consent carries what a child objects to
        found.append(SHOW_OBJECTION)
    return tuple(dict.fromkeys(found))


def _motivated(row: Rule, question: Question, child: ChildState, now: int) -> bool:
    """Say whether a named function at the discloser has decided: in this message, or until a day."""
    if question.claims.motivated and question.claimed_ground == row.ground:
        return True
    if not child.motivations:
        return False
    return any(_opens(motivation, row.ground, question, now) for motivation in child.motivations)


def _opens(motivation: Motivation, ground: str, question: Question, now: int) -> bool:
    said = motivation.motivated
    return (
        said.ground == ground
        and motivation.party == question.sender.party
        and question.recipient.id in said.recipients
        and said.valid_from <= now < said.valid_to
        and all(tag in {f"{each}:{said.about}" for each in said.categories} for tag in question.categories)
    )


def _investigates(question: Question, child: ChildState, now: int) -> bool:
    """Say whether the recipient's own board has an open investigation of this child (SoL 20:6)."""
    return any(each.party == question.recipient.party and now < each.until for each in child.investigations)


def _reported(question: Question, child: ChildState) -> bool:
    """Say whether the recipient reported to the sender's authority what is answered (OSL 26:9 a)."""
    return any(
        (each.message_id, each.by, each.to) == (question.ref_to, question.recipient.id, question.sender.party)
        for each in child.reports
    )


def _is_part(question: Question, child: ChildState) -> bool:
    """Say whether the sender recorded the consent that it tells of, and the recipient is one of its disclosers."""
    return any(
        consent.given.consent_id == question.ref_to
        and consent.recorded_party == question.sender.party
        and question.recipient.id in consent.given.disclosers
        and not consent.closed_at
        for consent in child.consents
    )
