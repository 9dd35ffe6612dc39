"""Who is told that an event was taken: parties, never persons; a notice holds the stamped record and no content."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from samband.schemas.event_bodies import (
    Act,
    ActLogged,
    ChildView,
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    EventBody,
    IdentityChanged,
    ProtectionMarked,
    View,
)

if TYPE_CHECKING:
    from samband.schemas.units import Unit
    from samband.streams.decision.child import ChildState, ConsentRecord

__all__ = ["closed", "notified", "said_of", "subject_of"]


def notified(
    before: ChildState, after: ChildState, body: EventBody, signer: Unit, find: Callable[[str], Unit | None]
) -> tuple[str, ...]:
    """Return the parties that get a notice, sorted, the signer's own left out.

    That somebody looked at a child in their own party's store is no other's matter: the log has it.
    """
    if isinstance(body, ActLogged) and body.act is Act.LOOKED_UP:
        return ()
    units = {after.circle.responsible, *_units(before, after, body)}
    found = (find(unit) for unit in units)
    return tuple(sorted({unit.party for unit in found if unit is not None} - {signer.party}))


def _units(before: ChildState, after: ChildState, body: EventBody) -> set[str]:
    """Return the units that an event is about, beside the responsible one."""
    match body:
        case ConsentGiven():
            return {*body.disclosers, *(recipient.unit for recipient in body.recipients)}
        case ConsentSigned() | ConsentConfirmed():
            return {consent.recorded_by for consent in _changed(before, after)}
        case ConsentWithdrawn() | ConsentRefused():
            return set()  # `closed` tells those whom it concerns which consent it was
        case ConsentDisputed():
            return {
                unit for consent in _changed(before, after) for unit in (consent.recorded_by, *consent.given.disclosers)
            }
        case CircleUpdate() if before.circle.responsible != after.circle.responsible or after.circle.contender:
            # A claim is told to every unit that has been told something about the child.
            return {*before.contacts, after.circle.contender}
        case CircleHandover() | CircleAccepted():
            return {
                before.circle.responsible,
                after.circle.handing_to,
                before.circle.contender,
                *(member.unit for member in after.circle.members),
            }
        case ProtectionMarked():
            # The mark follows the child at once; who set it learns when it is lifted, and does not set it anew.
            setters = {each.set_by for each in before.marks if each not in after.marks}
            return {*setters, *(member.unit for member in after.circle.members)}
        case IdentityChanged():
            # Consents are recorded anew by those who recorded them.
            return {consent.recorded_by for consent in before.consents if not consent.closed_at}
        case _:
            return set()


def closed(
    before: ChildState, after: ChildState, signer: Unit, find: Callable[[str], Unit | None]
) -> list[tuple[ConsentRecord, tuple[str, ...]]]:
    """Return each consent that a withdrawal changed, with the parties that are told: its recorder and disclosers."""
    found: list[tuple[ConsentRecord, tuple[str, ...]]] = []
    for consent in _changed(before, after):
        units = (find(unit) for unit in (consent.recorded_by, *consent.given.disclosers))
        parties = {unit.party for unit in units if unit is not None} - {signer.party}
        if parties:
            found.append((consent, tuple(sorted(parties))))
    return found


def _changed(before: ChildState, after: ChildState) -> list[ConsentRecord]:
    return [consent for consent in after.consents if consent not in before.consents]


def said_of(body: EventBody, before: ChildState, after: ChildState) -> str:
    """Return the code that tells those who are told what else they must know to record anew what they recorded."""
    match body:
        case ConsentGiven() if after.consents[-1].closed_at:
            return "CONSENT_WITHDRAWN"  # it was taken back before it came
        case ConsentDisputed(settled=True):
            return "DISPUTE_SETTLED"
        case ConsentSigned(child_view=ChildView(view=View.OBJECTS)):
            return "CHILD_OBJECTS"
        case ProtectionMarked() if len(after.standing_marks) < len(before.standing_marks):
            return f"MARK_LIFTED_{body.mark.name}"
        case IdentityChanged(arriving=False):
            return "IDENTITY_LEFT"
        case ActLogged(act=Act.LOOKED_UP):
            return "LOOKED_UP"  # for who looks for misuse; which other act it was stays with its party
        case _:
            return ""


def subject_of(body: EventBody) -> bytes | None:
    """Return the consent that an event is about, so that a notice says which one it is."""
    found: bytes | None = getattr(body, "consent_id", None)
    return found
