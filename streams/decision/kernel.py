"""The decision: may this be told, by this unit, to that unit, about this child, now?

    1. Is the type one that the sender's kind sends and the recipient's kind receives?       no → deny
    2. Does a forbid row apply?                                                              yes → deny, whatever else
    3. Each row about these two, in order: does its ground carry the message?                one is enough → permit
    4. Is there a ground that a person could open by deciding?                               yes → ask
    5. Otherwise                                                                             deny, with what failed

Default is deny, and so is any error. The law is in the rows (`samband.schemas.rulebook`), the memory in `ChildState`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.rulebook import Effect
from samband.streams.decision.consents import support

if TYPE_CHECKING:
    from samband.schemas.rulebook import Rule, Rulebook
    from samband.schemas.units import Unit
    from samband.streams.decision.child import ChildState

__all__ = ["HOLD_PROTECTED", "SHOW_OBJECTION", "Claims", "Decision", "Outcome", "Question", "decide"]

HOLD_PROTECTED: Final = "hold_protected"
"""Obligation: the child has a mark, so an adapter hands over a reference and keeps the content back."""

SHOW_OBJECTION: Final = "show_objection"
"""Obligation: it is told on a duty or necessity although the child objects, and the recipient sees that."""


class Outcome(StrEnum):
    """What is decided."""

    PERMIT = "permit"
    DENY = "deny"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Claims:
    """What the sender states besides: age band, limb of a necessity ground, necessity code."""

    age_band: str
    limb: str = ""
    necessity: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One message to one recipient, as far as the gate knows it; units from their cards."""

    type: str
    sender: Unit
    recipient: Unit
    categories: tuple[str, ...]
    claims: Claims
    claimed_ground: str = ""
    """Empty: any that carries it."""
    recipient_role: str = ""
    """The role that the recipient was chosen by; empty: it was chosen as a unit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: why, or why not."""

    outcome: Outcome
    grounds: tuple[str, ...] = ()
    """All that carry it, duties first; for a deny by a forbid row, that row."""
    reasons: tuple[str, ...] = ()
    """What failed, as codes of `samband.schemas.reasons`."""
    obligations: tuple[str, ...] = ()
    consents: tuple[bytes, ...] = ()
    """Ids of the consents that a permit leans on, so that withdrawing one recalls it; none where a duty carries too."""


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
    if recipient.receives and question.type not in recipient.receives:
        return _deny("TYPE_NOT_RECEIVED")
    if question.recipient_role and not child.circle.holds(recipient.id, question.recipient_role, now):
        return _deny("ROLE_MOVED")

    rows = rulebook.rows(question.type)
    for row in rows.forbids:
        if row.concerns(sender, recipient) and _forbids(row, question, child):
            return Decision(Outcome.DENY, (row.ground,), (row.reason,))

    grounds: list[str] = []
    failed: list[str] = []
    asks = False
    obligations: list[str] = [HOLD_PROTECTED] if child.marks else []
    consents: tuple[bytes, ...] = ()
    by_consent = 0
    for row in rows.permits:
        if not row.concerns(sender, recipient) or question.claimed_ground not in ("", row.ground):
            continue
        reason, leaned = _fails(row, question, child, now)
        if not reason:
            grounds.append(row.ground)
            obligations += row.obligations
            consents += leaned
            by_consent += row.needs_consent
        else:
            failed.append(reason)
            asks = asks or reason in _ASKS

    if grounds:
        if "CHILD_OBJECTS" in failed:
            obligations.append(SHOW_OBJECTION)
        leaned_on = consents if by_consent == len(grounds) else ()
        return Decision(Outcome.PERMIT, tuple(grounds), (), tuple(dict.fromkeys(obligations)), leaned_on)
    if asks:
        return Decision(Outcome.ASK, (), tuple(dict.fromkeys(failed)))
    return _deny(*dict.fromkeys(failed or ["NO_GROUND"]))


_ASKS: Final = frozenset({"CHILD_OBJECTS", "ASK_MANUAL"})
"""What a person may still decide: the child objects, or the law asks for a motivated decision."""


def _forbids(row: Rule, question: Question, child: ChildState) -> bool:
    if row.marked and not child.marks:
        return False
    return not row.categories or any(tag.partition(":")[0] in row.categories for tag in question.categories)


def _fails(row: Rule, question: Question, child: ChildState, now: int) -> tuple[str, tuple[bytes, ...]]:
    """Return why a row does not carry the message (empty: it does), and the consents that it leans on."""
    claims = question.claims
    if row.limbs:
        limb = row.limbs.get(claims.limb)
        if limb is None or claims.age_band not in limb.ages:
            return "LIMB_MISSING", ()
    if row.needs_necessity and not claims.necessity:
        return "NECESSITY_MISSING", ()
    if row.effect is Effect.ASK:
        return "ASK_MANUAL", ()
    if row.needs_consent:
        found = support(child, question.sender.id, question.recipient.id, question.categories, claims.age_band, now)
        return found.reason, found.consents
    return "", ()


def _deny(*reasons: str) -> Decision:
    return Decision(Outcome.DENY, (), reasons)
