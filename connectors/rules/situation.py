"""A situation: one message and what is known of the child, as far as a rulebook can tell situations apart.

    situation.decide(shipped())       the real kernel's decision

It names no unit and no child: two kinds of units, a type, what is told, what is claimed, and at most two consents with
what is true of each. `model` looks for situations with z3; each one that it finds can be asked of the kernel itself.
All that is told is about the child, and a category taken back of a consent is one that the consent does not cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.schemas.categories import Category
from samband.schemas.event_bodies import (
    ChildView,
    ConsentGiven,
    Digest,
    Giver,
    GiverRole,
    GroundMotivated,
    Id16,
    MarkKind,
    Maturity,
    Member,
    Recipient,
    View,
)
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.decision.child import (
    ChildState,
    Circle,
    Confirmation,
    ConsentRecord,
    Dispute,
    Investigation,
    Mark,
    MaturityFinding,
    Motivation,
    Report,
)
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from samband.schemas.rulebook import Rulebook
    from samband.streams.decision.question import Decision

__all__ = ["Situation", "SomeConsent", "regimes_of"]

_NOW: Final = 1_800_000_000
_DIGEST: Final = Digest(bytes(32))
_REF: Final = Id16(b"\x07" * 16)
_ROLE: Final = "coordinator"


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeConsent:
    """What is true of one consent, seen from the message."""

    exists: bool = False
    discloses: bool = False
    """It names the sender among those whose secrecy it lifts."""
    named: bool = False
    """It names the recipient."""
    role_gone: bool = False
    """It names it by a role that another unit has now."""
    covers: frozenset[Category] = frozenset()
    withdrawn: bool = False
    withdrawn_towards: bool = False
    """Taken back towards this recipient."""
    expired: bool = False
    not_yet: bool = False
    guardians: bool = False
    """Two guardians must consent."""
    guardian_1: bool = False
    """The first has signed."""
    guardian_2: bool = False
    child_named: bool = False
    """The child is among those who may sign."""
    child_required: bool = False
    child_signed: bool = False
    own_record: bool = False
    """The sender's own authority recorded it."""
    confirmed: bool = False
    """The sender's authority has said that its part is on file."""
    disputed: bool = False
    objected: bool = False
    """The child does not want it."""

    def record(self, number: int, sender: Unit, recipient: Unit) -> ConsentRecord:
        """Return the consent as the gate would remember it."""
        child = [Giver(GiverRole.CHILD, "child", self.child_required)] if self.child_named else []
        guardians = [Giver(GiverRole.GUARDIAN, f"guardian-{n}") for n in (1, 2)] if self.guardians else []
        signs = {"guardian-1": self.guardian_1, "guardian-2": self.guardian_2, "child": self.child_signed}
        signed = tuple(giver.id for giver in (*guardians, *child) if signs[giver.id])
        to = Recipient(recipient.id, f"role-{number}" if self.role_gone else "")
        given = ConsentGiven(
            consent_id=Id16(bytes([number]) * 16),
            disclosers=(sender.id if self.discloses else "elsewhere",),
            recipients=(to if self.named else Recipient("elsewhere"),),
            categories=tuple(sorted(self.covers)),
            purpose="coordination",
            valid_from=_NOW + 10 if self.not_yet else _NOW - 10,
            valid_to=_NOW if self.expired else _NOW + 1000,
            givers=(*guardians, *child),
            signed_by=signed,
            child_view=ChildView(View.OBJECTS if self.objected else View.AGREES),
            evidence=_DIGEST,
            recorder_role="social_secretary",
            acting_user=_DIGEST,
        )
        return ConsentRecord(
            given,
            recorded_by=sender.id if self.own_record else "elsewhere",
            recorded_party=sender.party if self.own_record else "elsewhere",
            recorded_at=_NOW - 10,
            entry=_DIGEST,
            missing=tuple(giver.id for giver in given.givers if giver.required and giver.id not in signed),
            confirmations=(Confirmation(sender.party, sender.id, _NOW, _DIGEST),) if self.confirmed else (),
            disputes=(Dispute("elsewhere", _NOW, _DIGEST),) if self.disputed else (),
            closed_at=_NOW if self.withdrawn else 0,
            closed_recipients=(recipient.id,) if self.withdrawn_towards else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One message between two kinds of units, and what is known of the child."""

    type: str
    sender_kind: UnitKind
    sender_regime: Regime
    recipient_kind: UnitKind
    recipient_regime: Regime
    same_party: bool = False
    taken: bool = True
    """The recipient takes the type."""
    by_role: bool = False
    role_held: bool = False
    moved: bool = False
    """The child has got another number."""
    age: str = "12-14"
    limb: str = ""
    necessity: str = ""
    claimed: str = ""
    motivated: bool = False
    standing: frozenset[str] = frozenset()
    """Manual grounds that a function has decided on until a day."""
    told: frozenset[Category] = frozenset()
    marks: frozenset[MarkKind] = frozenset()
    """Standing marks that do not name the recipient."""
    investigation: bool = False
    report: bool = False
    part: bool = False
    contested: bool = False
    maturity: str = ""
    """What the sender's authority has found, empty: nothing."""
    consents: tuple[SomeConsent, ...] = ()

    def decide(self, rulebook: Rulebook) -> Decision:
        """Return what the kernel decides."""
        sender, recipient = self._units()
        claims = Claims(self.age, self.limb, self.necessity, self.motivated)
        question = Question(
            self.type, sender, recipient, tuple(f"{each}:child" for each in sorted(self.told)), claims, self.claimed,
            _ROLE if self.by_role else "", _REF if self.report or self.part else b"",
        )  # fmt: skip
        return decide(question, self._child(sender, recipient), rulebook, _NOW)

    def _units(self) -> tuple[Unit, Unit]:
        takes = (self.type,) if self.taken else ("another.type",)
        to = PartyId("party-a" if self.same_party else "party-b")
        return (
            Unit(UnitId("unit-a"), PartyId("party-a"), self.sender_kind, self.sender_regime, "A"),
            Unit(UnitId("unit-b"), to, self.recipient_kind, self.recipient_regime, "B", receives=takes),
        )

    def _child(self, sender: Unit, recipient: Unit) -> ChildState:
        members = [Member(recipient.id if self.role_held else "elsewhere", _ROLE, 0)]
        members += [Member("elsewhere", f"role-{n}", 0) for n, _ in enumerate(self.consents, start=1)]
        known = [one.record(n, sender, recipient) for n, one in enumerate(self.consents, start=1) if one.exists]
        return ChildState(
            consents=(*known, *([self._part(sender, recipient)] if self.part else [])),
            marks=tuple(Mark(kind, "elsewhere", _NOW, _DIGEST) for kind in sorted(self.marks)),
            circle=Circle("responsible", 1, tuple(members), "contender" if self.contested else ""),
            maturities=tuple(self._findings(sender)),
            investigations=(Investigation(recipient.id, recipient.party, _NOW, _NOW + 1, _DIGEST),)
            if self.investigation
            else (),
            motivations=tuple(self._motivation(ground, sender, recipient) for ground in sorted(self.standing)),
            reports=(Report(_REF, recipient.id, sender.party, _NOW),) if self.report else (),
            moved_at=_NOW if self.moved else 0,
        )

    def _findings(self, sender: Unit) -> Iterator[MaturityFinding]:
        if self.maturity:
            yield MaturityFinding(Maturity(self.maturity), sender.id, sender.party, _NOW, _DIGEST)

    def _part(self, sender: Unit, recipient: Unit) -> ConsentRecord:
        """Return the consent whose part is told: the sender recorded it, the recipient is to disclose."""
        record = SomeConsent(covers=self.told, guardians=True, own_record=True).record(7, sender, recipient)
        given = ConsentGiven(
            consent_id=_REF, disclosers=(recipient.id,), recipients=(Recipient("elsewhere"),),
            categories=record.given.categories, purpose="coordination", valid_from=_NOW - 10, valid_to=_NOW + 1000,
            givers=record.given.givers, child_view=ChildView(View.AGREES), evidence=_DIGEST,
            recorder_role="social_secretary", acting_user=_DIGEST,
        )  # fmt: skip
        return ConsentRecord(given, sender.id, sender.party, _NOW - 10, _DIGEST, missing=record.missing)

    def _motivation(self, ground: str, sender: Unit, recipient: Unit) -> Motivation:
        body = GroundMotivated(
            motivation_id=Id16(bytes(16)), ground=ground, recipients=(recipient.id,),
            categories=tuple(sorted(self.told)), valid_from=_NOW - 10, valid_to=_NOW + 10, function="head_of_unit",
            motive=_DIGEST, acting_user=_DIGEST,
        )  # fmt: skip
        return Motivation(body, sender.id, sender.party, _NOW, _DIGEST)


def regimes_of(kind: UnitKind) -> tuple[Regime, ...]:
    """Return the regimes that units of a kind live under: as an authority's, and as a private provider's."""
    match "care" if kind is UnitKind.SCHOOL_MEDICAL else kind.family:
        case "school":
            return Regime.OSL_23, Regime.SKOLLAGEN_29_14
        case "care":
            return Regime.OSL_25, Regime.PSL_6_12
        case "coordination":
            return (Regime.NONE,)
        case _:
            return Regime.OSL_26, Regime.SOL_17_11
