"""Consents as they are recorded, signed, confirmed and doubted; `withdrawals` takes them back, `support` leans on them.

Recording      only a discloser named in it (its authority), or the responsible social services unit; and never so that
               the recorder's own authority receives what somebody else holds.
Signing        every required giver, or the consent is pending and carries nothing. Who is required follows from the
               record, from 18 years, and from what the discloser has found about the child's maturity.
Confirming     a discloser that did not record it says once that its part is on file; only then is it carried for it.
Disputing      a unit that is named, or the responsible one, doubts it: a question until that unit takes it back.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from samband.schemas.categories import About
from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import (
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentSigned,
    GiverRole,
    View,
)
from samband.schemas.identifiers import AgeBand
from samband.streams.decision.child import (
    ChildState,
    Confirmation,
    ConsentRecord,
    Dispute,
    Signature,
    TakenView,
)
from samband.streams.decision.speech import may
from samband.streams.decision.withdrawals import close, reaches

if TYPE_CHECKING:
    from samband.streams.decision.said import Said

__all__ = ["Status", "confirm", "dispute", "record", "sign", "status"]

MOST_DISPUTES: Final = 16
MOST_VIEWS: Final = 32
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
    may(state, body, said)
    if any(unit.party == own for unit in recipients) and any(unit.party != own for unit in disclosers):
        raise RefusedError("RECORDER_IS_RECIPIENT", "a unit never becomes recipient by its own record")
    _check_givers(body, said)
    if any(unit.kind.family == "coordination" for unit in (*disclosers, *recipients)):
        raise RefusedError("TYPE_NOT_FOR_KIND", "a steering group gets no information about a child")
    if body.valid_to <= now or body.valid_to - max(body.valid_from, now) > said.longest:
        raise RefusedError("CONSENT_PERIOD", "a consent ends in the future, within the longest period")
    if any(consent.given.consent_id == body.consent_id for consent in state.consents):
        raise RefusedError("CONSENT_ID_USED", "this consent is recorded already")
    if len(state.consents) >= MOST:
        raise RefusedError("CONSENT_TOO_MANY", f"at most {MOST} consents are kept for one child")
    missing = tuple(giver.id for giver in body.givers if giver.required and giver.id not in body.signed_by)
    added = ConsentRecord(body, signer.id, own, now, said.entry, len(state.withdrawals), missing=missing)
    for earlier in state.withdrawals:
        if reaches(earlier, added, heard=False):
            added = close(added, replace(earlier, at=now, first_said=0))
    return replace(state, consents=(*state.consents, added))


def _check_givers(body: ConsentGiven, said: Said) -> None:
    """Check that those may consent who are named, and that the child was asked (FB 6:11, barnkonventionen art. 12).

    Raises:
        RefusedError: another person's information without that person, or a child over 12 not asked and not said why.
    """
    roles = {giver.role for giver in body.givers if giver.required}
    wanted = {About.CHILD: set(GiverRole), About.GUARDIAN: _FOR_GUARDIANS}.get(body.about, {GiverRole.OTHER})
    if not roles & wanted:
        raise RefusedError("CONSENT_ABOUT", "another person's information needs that person's own consent")
    asked_from = (AgeBand.FROM_12, AgeBand.FROM_15, AgeBand.FROM_18)
    if body.child_view.view is View.NOT_ASKED and said.age_band in asked_from and body.child_view.motive is None:
        raise RefusedError("CHILD_NOT_ASKED", "from 12 years the child is asked, or a motive says why not")


_FOR_GUARDIANS: Final = {GiverRole.GUARDIAN, GiverRole.APPOINTED_CUSTODIAN, GiverRole.GOD_MAN}


def sign(state: ChildState, body: ConsentSigned, said: Said) -> ChildState:
    """Return the state with one giver's part added; a part that is there already changes nothing.

    Raises:
        RefusedError: no such open consent, no such giver, or not the signer's to hand in.
    """
    found = _find(state, body.consent_id)
    may(state, body, said)
    signer, now = said.signer, said.now
    _check_open(found, now)
    if body.giver not in {giver.id for giver in found.given.givers}:
        raise RefusedError("CONSENT_GIVER", "the consent names no such giver")
    signed = found
    if body.child_view not in (None, found.child_view):
        if len(found.views) >= MOST_VIEWS:
            raise RefusedError("CONSENT_TOO_MANY", f"at most {MOST_VIEWS} views of the child are kept of one consent")
        signed = replace(found, views=(*found.views, TakenView(body.child_view, now)))
    if body.giver not in found.given.signed_by and all(body.giver != part.giver for part in found.signatures):
        part = Signature(body.giver, body.evidence, signer.id, now, said.entry)
        missing = tuple(giver for giver in found.missing if giver != body.giver)
        signed = replace(signed, signatures=(*found.signatures, part), missing=missing)
    return _put(state, found, signed)


def confirm(state: ChildState, body: ConsentConfirmed, said: Said) -> ChildState:
    """Return the state where a discloser's part of a consent is on file; a second word changes nothing.

    Raises:
        RefusedError: no such open consent, or not the signer's to confirm.
    """
    found = _find(state, body.consent_id)
    may(state, body, said)
    party = said.signer.party
    _check_open(found, said.now)
    if party == found.recorded_party or any(part.party == party for part in found.confirmations):
        return state
    part = Confirmation(party, said.signer.id, said.now, said.entry)
    return _put(state, found, replace(found, confirmations=(*found.confirmations, part)))


def dispute(state: ChildState, body: ConsentDisputed, said: Said) -> ChildState:
    """Return the state where a unit doubts a consent, or has taken its doubt back.

    Raises:
        RefusedError: no such consent, not named in it, or nothing of its own to settle.
    """
    found, unit = _find(state, body.consent_id), said.signer.id
    may(state, body, said)
    standing = next((each for each in found.disputes if each.by == unit and not each.settled_at), None)
    if body.settled:
        if standing is None:
            raise RefusedError("DISPUTE_UNKNOWN", "the unit has no doubt to take back")
        settled = tuple(replace(each, settled_at=said.now) if each is standing else each for each in found.disputes)
        return _put(state, found, replace(found, disputes=settled))
    if standing is not None:
        return state
    if len(found.disputes) >= MOST_DISPUTES:
        raise RefusedError("DISPUTE_TOO_MANY", "the consent has been doubted too often; ask for a new one")
    doubt = Dispute(unit, said.now, said.entry)
    return _put(state, found, replace(found, disputes=(*found.disputes, doubt)))


def _find(state: ChildState, consent_id: bytes) -> ConsentRecord:
    for consent in state.consents:
        if consent.given.consent_id == consent_id:
            return consent
    raise RefusedError("CONSENT_UNKNOWN", "no such consent")


def _put(state: ChildState, old: ConsentRecord, new: ConsentRecord) -> ChildState:
    return replace(state, consents=tuple(new if one is old else one for one in state.consents))


def _check_open(consent: ConsentRecord, now: int) -> None:
    if status(consent, now) in (Status.WITHDRAWN, Status.REFUSED, Status.EXPIRED):
        raise RefusedError("CONSENT_CLOSED", "the consent is closed; ask for a new one")
