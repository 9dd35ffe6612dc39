"""What consents add up to: who may record, sign and take back, and which consents carry a message now.

Recording      only a discloser named in it (its authority), or the responsible social services unit; and never so that
               the recorder's own authority receives what somebody else holds.
Signing        every required giver, or the consent is pending and carries nothing.
Withdrawal     any unit, never refused. It closes whatever was recorded before it and lies in its scope, whoever
               recorded it; a consent recorded later counts, unless the withdrawal named that very consent.
The child      who objects, wholly or to one recipient or category, turns a permit on consent into a question.

A consent that is partly closed (one recipient, one category) carries the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import (
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    GiverRole,
    Objection,
    Scope,
    View,
)
from samband.schemas.identifiers import AgeBand
from samband.streams.decision.child import ChildState, ConsentRecord, Signature, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samband.streams.decision.said import Said

__all__ = ["Status", "Support", "record", "sign", "status", "stops", "support", "withdraw", "withdrawn_by"]

MOST: Final = 200
"""Consents remembered of one child; more is a fault or an attack, and would slow every decision."""


class Status(StrEnum):
    """Where a consent stands."""

    ACTIVE = "active"
    PENDING = "pending"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


def status(consent: ConsentRecord, now: int) -> Status:
    """Return where a consent stands at a time."""
    if consent.closed_at:
        return Status.REFUSED if consent.refused else Status.WITHDRAWN
    if now >= consent.given.valid_to:
        return Status.EXPIRED
    if consent.missing:
        return Status.PENDING
    return Status.NOT_YET if now < consent.given.valid_from else Status.ACTIVE


def record(state: ChildState, body: ConsentGiven, said: Said) -> ChildState:
    """Return the state with a consent recorded.

    Raises:
        RefusedError: the signer may not record it, or it is not one that can be recorded.
    """
    signer, now = said.signer, said.now
    disclosers = [said.unit(unit) for unit in body.disclosers]
    recipients = [said.unit(recipient.unit) for recipient in body.recipients]
    own = signer.party
    if signer.id != state.circle.responsible and all(unit.party != own for unit in disclosers):
        raise RefusedError("CONSENT_RECORDER", "only a named discloser or the responsible unit records a consent")
    if any(unit.party == own for unit in recipients) and any(unit.party != own for unit in disclosers):
        raise RefusedError("RECORDER_IS_RECIPIENT", "a unit never becomes recipient by its own record")
    if any(unit.kind.family == "coordination" for unit in (*disclosers, *recipients)):
        raise RefusedError("TYPE_NOT_FOR_KIND", "a steering group gets no information about a child")
    if body.valid_to <= now or body.valid_to - max(body.valid_from, now) > said.longest:
        raise RefusedError("CONSENT_PERIOD", "a consent ends in the future, within the longest period")
    if any(consent.given.consent_id == body.consent_id for consent in state.consents):
        raise RefusedError("CONSENT_ID_USED", "this consent is recorded already")
    if len(state.consents) >= MOST:
        raise RefusedError("CONSENT_TOO_MANY", f"at most {MOST} consents are kept for one child")
    missing = tuple(giver.id for giver in body.givers if giver.required and giver.id not in body.signed_by)
    added = ConsentRecord(body, signer.id, own, now, said.entry, body.child_view, missing=missing)
    for earlier in state.withdrawals:
        if earlier.scope is Scope.CONSENT and earlier.consent_id == body.consent_id:
            added = replace(added, closed_at=now, closed_by=earlier.entry, refused=earlier.refused)
    return replace(state, consents=(*state.consents, added))


def sign(state: ChildState, body: ConsentSigned, said: Said) -> ChildState:
    """Return the state with one giver's part added; a part that is there already changes nothing.

    Raises:
        RefusedError: no such open consent, no such giver, or not the signer's to hand in.
    """
    found = next((consent for consent in state.consents if consent.given.consent_id == body.consent_id), None)
    if found is None:
        raise RefusedError("CONSENT_UNKNOWN", "no such consent")
    signer, now = said.signer, said.now
    disclosers = (said.directory(named) for named in found.given.disclosers)
    parties = {found.recorded_party} | {unit.party for unit in disclosers if unit}
    if signer.party not in parties and signer.id != state.circle.responsible:
        raise RefusedError("CONSENT_RECORDER", "only a named discloser or the responsible unit hands in a signature")
    if status(found, now) in (Status.WITHDRAWN, Status.REFUSED, Status.EXPIRED):
        raise RefusedError("CONSENT_CLOSED", "the consent is closed; ask for a new one")
    if body.giver not in {giver.id for giver in found.given.givers}:
        raise RefusedError("CONSENT_GIVER", "the consent names no such giver")
    signed = replace(found, child_view=body.child_view or found.child_view)
    if body.giver not in found.given.signed_by and all(body.giver != part.giver for part in found.signatures):
        part = Signature(body.giver, body.evidence, signer.id, now, said.entry)
        missing = tuple(giver for giver in found.missing if giver != body.giver)
        signed = replace(signed, signatures=(*found.signatures, part), missing=missing)
    return replace(state, consents=tuple(signed if one is found else one for one in state.consents))


def withdraw(state: ChildState, body: ConsentWithdrawn | ConsentRefused, said: Said) -> ChildState:
    """Return the state with everything in the scope closed; any unit may say it, and it is never refused."""
    taken = _withdrawal(body, said.signer.id, said.now, said.entry)
    closed = tuple(_close(consent, taken) for consent in state.consents)
    if closed == state.consents and any(_same_scope(taken, earlier) for earlier in state.withdrawals):
        return state
    return replace(state, consents=closed, withdrawals=(*state.withdrawals, taken))


def _withdrawal(body: ConsentWithdrawn | ConsentRefused, by: str, now: int, entry: bytes) -> Withdrawal:
    if isinstance(body, ConsentRefused):
        return Withdrawal(Scope.CONSENT, body.giver_role, by, now, entry, body.consent_id, refused=True)
    return Withdrawal(body.scope, body.giver_role, by, now, entry, body.consent_id, body.recipient, body.category)


def _same_scope(one: Withdrawal, other: Withdrawal) -> bool:
    return (one.scope, one.consent_id, one.recipient, one.category) == (
        other.scope, other.consent_id, other.recipient, other.category,
    )  # fmt: skip


def _close(consent: ConsentRecord, taken: Withdrawal) -> ConsentRecord:
    """Return the consent without what lies in the scope; a consent that keeps nothing is closed whole."""
    given = consent.given
    if consent.closed_at or not _in_scope(consent, taken):
        return consent
    if taken.scope is Scope.RECIPIENT:
        left_out = tuple(dict.fromkeys((*consent.closed_recipients, taken.recipient)))
        if {recipient.unit for recipient in given.recipients} - set(left_out):
            return replace(consent, closed_recipients=left_out)
    if taken.scope is Scope.CATEGORY and taken.category is not None:
        gone = tuple(dict.fromkeys((*consent.closed_categories, taken.category)))
        if set(given.categories) - set(gone):
            return replace(consent, closed_categories=gone)
    return replace(consent, closed_at=taken.at, closed_by=taken.entry, refused=taken.refused)


def _in_scope(consent: ConsentRecord, taken: Withdrawal) -> bool:
    match taken.scope:
        case Scope.EVERYTHING:
            return True
        case Scope.CONSENT:
            return consent.given.consent_id == taken.consent_id
        case Scope.RECIPIENT:
            return any(recipient.unit == taken.recipient for recipient in consent.given.recipients)
        case Scope.CATEGORY:
            return taken.category in consent.given.categories


def withdrawn_by(state: ChildState, body: ConsentWithdrawn | ConsentRefused) -> set[bytes]:
    """Return the ids of the consents that a withdrawal closes, wholly or in part, in the state before it."""
    taken = _withdrawal(body, "", 1, b"")
    return {one.given.consent_id for one in state.consents if _close(one, taken) != one}


def stops(
    state: ChildState,
    body: ConsentWithdrawn | ConsentRefused,
    leaned_on: Iterable[bytes],
    recipient: str,
    categories: Iterable[str],
) -> bool:
    """Say whether a message, permitted on these consents, is recalled by a withdrawal, in the state before it."""
    if not withdrawn_by(state, body).intersection(leaned_on):
        return False
    if isinstance(body, ConsentWithdrawn) and body.scope is Scope.RECIPIENT:
        return body.recipient == recipient
    if isinstance(body, ConsentWithdrawn) and body.scope is Scope.CATEGORY:
        return any(tag.partition(":")[0] == body.category for tag in categories)
    return True


@dataclass(frozen=True, slots=True)
class Support:
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
            "CONSENT_PENDING",
            "CONSENT_CATEGORY",
        )
    )
}
"""Why a consent does not carry, from furthest to nearest: the nearest miss is what a person can mend."""

_STANDING: Final = ("", "CONSENT_PENDING", "CONSENT_NOT_YET")
"""A consent that carries or may come to; what the child says in it counts."""


def support(
    state: ChildState, sender: str, recipient: str, categories: tuple[str, ...], age_band: str, now: int
) -> Support:
    """Return what the child's consents say to telling these categories; every one must be covered."""
    told = [(category, about) for category, _, about in (tag.partition(":") for tag in categories)]
    uncovered = set(told)
    leaned: list[bytes] = []
    nearest, objected = "CONSENT_MISSING", False
    for consent in state.consents:
        why = _miss(consent, sender, recipient, age_band, now)
        if why in _STANDING and consent.child_view.view is View.OBJECTS:
            objected = objected or _objects(consent.child_view.objection, recipient, told)
        if not why:
            left = {piece for piece in uncovered if not _covers(consent, piece)}
            if len(left) < len(uncovered):
                leaned.append(consent.given.consent_id)
            uncovered = left
            taken_back = any(category in consent.closed_categories for category, _ in left)
            why = "CONSENT_WITHDRAWN" if taken_back else "CONSENT_CATEGORY"
        if _NEARNESS[why] > _NEARNESS[nearest]:
            nearest = why
    if uncovered or not leaned:
        return Support((), nearest)
    return Support(tuple(leaned), "CHILD_OBJECTS" if objected else "")


def _miss(consent: ConsentRecord, sender: str, recipient: str, age_band: str, now: int) -> str:
    """Return why a consent says nothing to this sender and recipient now, empty where it does."""
    given = consent.given
    discloses = sender in given.disclosers
    receives = any(named.unit == recipient for named in given.recipients)
    if not (discloses and receives):
        if receives:
            return "CONSENT_DISCLOSER"
        return "CONSENT_RECIPIENT" if discloses else "CONSENT_MISSING"
    if consent.closed_at:
        return "CONSENT_REFUSED" if consent.refused else "CONSENT_WITHDRAWN"
    if recipient in consent.closed_recipients:
        return "CONSENT_WITHDRAWN"
    if now >= given.valid_to:
        return "CONSENT_EXPIRED"
    if age_band == AgeBand.FROM_18 and not any(
        giver.role is GiverRole.CHILD and giver.required for giver in given.givers
    ):
        return "CONSENT_ADULT"
    if consent.missing:
        return "CONSENT_PENDING"
    return "CONSENT_NOT_YET" if now < given.valid_from else ""


def _covers(consent: ConsentRecord, piece: tuple[str, str]) -> bool:
    category, about = piece
    given = consent.given
    return about == given.about and category in given.categories and category not in consent.closed_categories


def _objects(to: Objection, recipient: str, told: list[tuple[str, str]]) -> bool:
    return (not to.recipients or recipient in to.recipients) and (
        not to.categories or any(category in to.categories for category, _ in told)
    )
