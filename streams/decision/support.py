"""What a child's consents say to one message: which of them carry it, or the nearest reason why none does.

A consent carries from its named disclosers to its named recipients, for its categories, about whom it says, while
everybody who must has signed and confirmed, nobody doubts it, and what was taken back is left out. Several consents
may cover a message together. A child who objects turns what would be a permit into a question (OSL 12:2–3, FB 6:11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from samband.schemas.categories import About
from samband.schemas.event_bodies import GiverRole, Maturity, View
from samband.schemas.identifiers import AgeBand
from samband.streams.decision.question import categories_told, things_told

if TYPE_CHECKING:
    from samband.schemas.event_bodies import ConsentGiven
    from samband.streams.decision.child import ChildState, ConsentRecord
    from samband.streams.decision.question import Question

__all__ = ["Support", "objects", "support"]


class Support(Struct, frozen=True):
    """What the consents say to one message: those that cover it, and why they do not carry it (empty: they do)."""

    consents: tuple[bytes, ...]
    reason: str


_NEARNESS: Final = {
    why: near
    for near, why in enumerate(
        (
            "CONSENT_MISSING",
            "CONSENT_DISCLOSER",
            "CONSENT_RECIPIENT",
            "CONSENT_REFUSED",
            "CONSENT_WITHDRAWN",
            "CONSENT_EXPIRED",
            "CONSENT_ADULT",
            "CONSENT_NOT_YET",
            "MATURITY_MISSING",
            "CONSENT_CHILD_SIGNS",
            "CONSENT_PENDING",
            "CONSENT_UNCONFIRMED",
            "CONSENT_ROLE",
            "CONSENT_DISPUTED",
            "CONSENT_CATEGORY",
        )
    )
}
"""Why a consent does not carry, from furthest to nearest: the nearest miss is what a person can mend."""


def support(state: ChildState, question: Question, now: int, *, one_giver: bool) -> Support:
    """Return what the child's consents say to telling these categories; every one must be covered.

    `one_giver`: one of the required givers' signatures is enough (FB 6:13, with a decision that says so).
    """
    uncovered = things_told(question.categories)
    leaned: list[bytes] = []
    nearest = "CONSENT_MISSING"
    for consent in state.consents:
        why = _miss(consent, question, state, now, one_giver=one_giver)
        if not why:
            left = frozenset([piece for piece in uncovered if not _covers(consent, piece)])
            if len(left) < len(uncovered):
                leaned.append(consent.given.consent_id)
            uncovered = left
            taken_back = left and any(category in consent.closed_categories for category, _ in left)
            why = "CONSENT_WITHDRAWN" if taken_back else "CONSENT_CATEGORY"
        if _NEARNESS[why] > _NEARNESS[nearest]:
            nearest = why
    if uncovered or not leaned:
        return Support((), nearest)
    return Support(tuple(leaned), "CHILD_OBJECTS" if objects(state, question, now) else "")


def objects(state: ChildState, question: Question, now: int) -> bool:
    """Say whether the child objects to this being told: in any consent between the two that stands or may come to."""
    for consent in state.consents:
        if consent.child_view.view is not View.OBJECTS or consent.closed_at or now >= consent.given.valid_to:
            continue
        to, recipient = consent.child_view.objection, question.recipient.id
        between = question.sender.id in consent.given.disclosers and _receives(consent.given, recipient, state, now)
        meant = (not to.recipients or recipient in to.recipients) and (
            not to.categories or not categories_told(question.categories).isdisjoint(to.categories)
        )
        if between and meant and recipient not in consent.closed_recipients:
            return True
    return False


def _miss(consent: ConsentRecord, question: Question, state: ChildState, now: int, *, one_giver: bool) -> str:
    """Return why a consent says nothing to this sender and recipient now, empty where it does."""
    given, sender, recipient = consent.given, question.sender, question.recipient
    discloses, receives = sender.id in given.disclosers, _receives(given, recipient.id, state, now)
    if not (discloses and receives):
        if receives:
            return "CONSENT_DISCLOSER"
        return "CONSENT_RECIPIENT" if discloses else "CONSENT_MISSING"
    if consent.closed_at:
        return "CONSENT_REFUSED" if consent.refused else "CONSENT_WITHDRAWN"
    if recipient.id in consent.closed_recipients:
        return "CONSENT_WITHDRAWN"
    if now >= given.valid_to:
        return "CONSENT_EXPIRED"
    if unsigned := _unsigned(consent, question, state, one_giver=one_giver):
        return unsigned
    if sender.party != consent.recorded_party and all(part.party != sender.party for part in consent.confirmations):
        return "CONSENT_UNCONFIRMED"
    if receives == "CONSENT_ROLE":
        return receives
    if consent.disputes and any(not dispute.settled_at for dispute in consent.disputes):
        return "CONSENT_DISPUTED"
    return "CONSENT_NOT_YET" if now < given.valid_from else ""


def _receives(given: ConsentGiven, recipient: str, state: ChildState, now: int) -> str:
    """Return whether a consent names a recipient: `yes`, `CONSENT_ROLE` where a person must say, or empty for no.

    A recipient that was chosen by a role is the unit that held it then; the next holder only where the givers said so.
    """
    found, circle = "", state.circle
    for named in given.recipients:
        if not named.role:
            if named.unit == recipient:
                return "yes"
            continue
        holders = {each.unit for each in circle.members if each.role == named.role and each.holds_at(now)}
        if named.unit == recipient:
            if not holders or recipient in holders:
                return "yes"
            found = "CONSENT_ROLE"
        elif recipient in holders:
            if given.follows_role:
                return "yes"
            found = "CONSENT_ROLE"
    return found


def _unsigned(consent: ConsentRecord, question: Question, state: ChildState, *, one_giver: bool) -> str:
    """Return why those who must consent have not, empty where they have (OSL 12:2–3, FB 6:11)."""
    given = consent.given
    if given.about is not About.CHILD:  # another person's own consent, whatever the child's age
        return _waiting(consent, one_giver=one_giver)
    own = {giver.id for giver in given.givers if giver.role is GiverRole.CHILD}
    required = {giver.id for giver in given.givers if giver.required}
    if question.claims.age_band == AgeBand.FROM_18:
        if not own & required:
            return "CONSENT_ADULT"
        return "" if own <= _signed(consent) else "CONSENT_PENDING"
    found = [each.level for each in state.maturities if each.party == question.sender.party]
    level = found[-1] if found else None
    if required <= own and level is not Maturity.CHILD:
        return "MATURITY_MISSING"
    if level in (Maturity.GUARDIANS_AND_CHILD, Maturity.CHILD) and not own & _signed(consent):
        return "CONSENT_CHILD_SIGNS"
    return _waiting(consent, one_giver=one_giver)


def _signed(consent: ConsentRecord) -> set[str]:
    return {*consent.given.signed_by, *(part.giver for part in consent.signatures)}


def _waiting(consent: ConsentRecord, *, one_giver: bool) -> str:
    return "CONSENT_PENDING" if consent.missing and not (one_giver and _signed(consent)) else ""


def _covers(consent: ConsentRecord, piece: tuple[str, str]) -> bool:
    category, about = piece
    given = consent.given
    return about == given.about and category in given.categories and category not in consent.closed_categories
