"""Children with a consent each, as the gate remembers them, and a decision on one of them.

A child has a circle of three, a consent that two guardians have signed, and the contacts that its first message made:
what the events of an ordinary placement leave behind. Only ids and entries differ from child to child.
"""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec.structs import replace

from samband.schemas.categories import Category
from samband.schemas.event_bodies import (
    ChildView,
    CircleUpdate,
    ConsentGiven,
    ConsentSigned,
    Digest,
    Giver,
    GiverRole,
    Id16,
    Member,
    Recipient,
    View,
)
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.decision.changes import apply
from samband.streams.decision.child import ChildState
from samband.streams.decision.question import Claims, Question
from samband.streams.decision.said import Said

__all__ = ["NOW", "QUESTION", "child", "ref_of"]

NOW: Final = 1_800_000_000
_DAY: Final = 86_400
SOCIAL: Final = Unit(UnitId("SE2120002080-IFO"), PartyId("social"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "Socialtjänst")
SCHOOL: Final = Unit(UnitId("SE2120002080-SKOLA"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skola")
CARE: Final = Unit(UnitId("SE2321000172-BUP"), PartyId("bup"), UnitKind.CARE_BUP, Regime.OSL_25, "BUP")
_UNITS: Final = {unit.id: unit for unit in (SOCIAL, SCHOOL, CARE)}

QUESTION: Final = Question("placement.notice", SOCIAL, SCHOOL, ("identity:child", "placement:child"), Claims("12-14"))
"""A placement notice from the social services to the school: it rests on the consent."""


def ref_of(number: int) -> bytes:
    """Return the reference of a child: 16 bytes."""
    return hashlib.sha256(b"ref" + number.to_bytes(8, "big")).digest()[:16]


def child(number: int) -> ChildState:
    """Return what the gate remembers of a child."""
    first = _CHILD.consents[0]
    entry = hashlib.sha256(number.to_bytes(8, "big")).digest()
    given = replace(first.given, consent_id=Id16(entry[:16]), evidence=Digest(entry), acting_user=Digest(entry[::-1]))
    return replace(_CHILD, consents=(replace(first, given=given, entry=entry[8:] + entry[:8]),))


def _story() -> ChildState:
    guardians = (Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.GUARDIAN, "guardian-2"))
    members = tuple(
        Member(unit.id, role, NOW - 30 * _DAY, NOW + 365 * _DAY)
        for unit, role in ((SOCIAL, "coordinator"), (SCHOOL, "school"), (CARE, "bup"))
    )
    given = ConsentGiven(
        consent_id=Id16(bytes(16)),
        disclosers=(SOCIAL.id,),
        recipients=(Recipient(SCHOOL.id), Recipient(CARE.id)),
        categories=(Category.IDENTITY, Category.PLACEMENT),
        purpose="coordination",
        valid_from=NOW - _DAY,
        valid_to=NOW + 90 * _DAY,
        givers=guardians,
        signed_by=("guardian-1",),
        child_view=ChildView(View.AGREES),
        evidence=Digest(bytes(32)),
        recorder_role="social_secretary",
        acting_user=Digest(bytes(32)),
    )
    state = ChildState()
    for body in (
        CircleUpdate(members, claim=True),
        given,
        ConsentSigned(given.consent_id, "guardian-2", Digest(bytes(32))),
    ):
        state = apply(state, body, Said(SOCIAL, NOW - _DAY, bytes(32), _UNITS.get, "12-14"))
    return replace(state, contacts=(SOCIAL.id, SCHOOL.id))


_CHILD: Final = _story()
