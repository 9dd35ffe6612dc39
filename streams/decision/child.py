"""What the gate remembers of one child in one agreement.

    ChildState
    ├── consents         each as recorded, who has signed and confirmed it, who doubts it, what of it is closed
    ├── withdrawals      by scope; one that names an unknown consent wins over its later arrival
    ├── marks            protection, and who has asked to lift it
    ├── circle           the responsible unit, the members, a handover or a second claim under way
    ├── maturities       what each discloser has found about who must consent
    ├── investigations   a board's own word that one is open
    ├── motivations      manual grounds that a named function has decided on, until a day
    ├── reports          who has reported a concern to whom, so that feedback can be given
    └── contacts         units that have been told something

Plain records: msgspec's msgpack writes and reads them. Times are seconds since 1970 UTC, the gate's. An entry is the
32-byte log leaf of the event that made the record. Nothing here names the child. Records are replaced, never changed,
and what is closed stays with the time it was closed, so that `history` can say what held before.
"""

from __future__ import annotations

from msgspec import Struct

from samband.schemas.categories import Category
from samband.schemas.event_bodies import (
    ChildView,
    ConsentGiven,
    Digest,
    GiverRole,
    GroundMotivated,
    Id16,
    MarkKind,
    Maturity,
    Member,
    Scope,
)

__all__ = [
    "ChildState",
    "Circle",
    "Confirmation",
    "ConsentRecord",
    "Dispute",
    "Investigation",
    "Mark",
    "MaturityFinding",
    "Motivation",
    "Report",
    "Signature",
    "TakenView",
    "Withdrawal",
]


class Signature(Struct, frozen=True, array_like=True):
    """One giver's part that came after the record."""

    giver: str
    evidence: Digest
    by: str
    at: int
    entry: bytes


class TakenView(Struct, frozen=True, array_like=True):
    """The child's own view, and when it was taken down."""

    view: ChildView
    at: int


class Confirmation(Struct, frozen=True, array_like=True):
    """A discloser's word that its part of a consent is on file."""

    party: str
    by: str
    at: int
    entry: bytes


class Dispute(Struct, frozen=True, array_like=True):
    """A unit's doubt; it suspends the consent until `settled_at`, 0 while it stands."""

    by: str
    at: int
    entry: bytes
    settled_at: int = 0


class ConsentRecord(Struct, frozen=True, array_like=True):
    """A consent, what has been signed, and what has been taken back of it."""

    given: ConsentGiven
    recorded_by: str
    recorded_party: str
    recorded_at: int
    entry: bytes
    heard: int = 0
    """How many withdrawals there were before it: those close it only where they named it."""
    views: tuple[TakenView, ...] = ()
    """The child's view as it was taken down later; the first one stays in `given`."""
    missing: tuple[str, ...] = ()
    """Required givers who have not signed; while there is one, the consent is pending."""
    signatures: tuple[Signature, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    """By disclosers other than the recorder's own authority."""
    disputes: tuple[Dispute, ...] = ()
    closed_at: int = 0
    """When the whole was closed; 0 while it is open."""
    closed_by: bytes = b""
    """Entry of the event that closed it."""
    refused: bool = False
    """It was closed by a refusal."""
    closed_recipients: tuple[str, ...] = ()
    closed_categories: tuple[Category, ...] = ()

    @property
    def first_at(self) -> int:
        """When it was recorded first, under whichever child-reference key."""
        return min(self.given.first_said or self.recorded_at, self.recorded_at)

    @property
    def child_view(self) -> ChildView:
        """The child's latest view."""
        return self.views[-1].view if self.views else self.given.child_view


class Withdrawal(Struct, frozen=True, array_like=True):
    """A withdrawal or refusal, by its scope."""

    scope: Scope
    giver_role: GiverRole
    by: str
    at: int
    entry: bytes
    consent_id: Id16 | None = None
    recipient: str = ""
    category: Category | None = None
    refused: bool = False
    first_said: int = 0
    """When it was said first, where this is a repetition under another child-reference key."""
    again: int = 0
    """When the same was said again, the last time."""

    @property
    def first_at(self) -> int:
        """When it was said first, under whichever child-reference key."""
        return min(self.first_said or self.at, self.at)

    @property
    def last_at(self) -> int:
        """When it was said last."""
        return max(self.first_at, self.again)


class Mark(Struct, frozen=True, array_like=True):
    """A protection mark; it stands until `lifted_at`, which takes the word of two units."""

    kind: MarkKind
    set_by: str
    set_at: int
    entry: bytes
    named: tuple[str, ...] = ()
    """Units that may still be told where the child is."""
    lift_by: str = ""
    """The unit that has asked to lift it, while a second one is waited for."""
    lift_party: str = ""
    lift_at: int = 0
    """When it asked."""
    lifted_at: int = 0


class Circle(Struct, frozen=True, array_like=True):
    """The responsible unit (empty: nobody has claimed the child) and who has which role."""

    responsible: str = ""
    claimed_at: int = 0
    members: tuple[Member, ...] = ()
    contender: str = ""
    """Another unit that claimed the child at about the same time; while there is one, nothing rests on consent."""
    handing_to: str = ""
    """The unit that the responsible one has offered the child to."""

    def holds(self, unit: str, role: str, now: int) -> bool:
        """Say whether a unit has a role for the child at a time."""
        return any((member.unit, member.role) == (unit, role) and member.holds_at(now) for member in self.members)

    def has(self, unit: str, now: int) -> bool:
        """Say whether a unit belongs to the circle at a time: as responsible, or with a role."""
        return unit == self.responsible or any(member.unit == unit and member.holds_at(now) for member in self.members)


class MaturityFinding(Struct, frozen=True, array_like=True):
    """What a discloser has found about who must consent; the latest of a party counts."""

    level: Maturity
    by: str
    party: str
    at: int
    entry: bytes
    exceptional: bool = False


class Investigation(Struct, frozen=True, array_like=True):
    """A board's open investigation; ends at `until` at the latest (SoL: four months)."""

    by: str
    party: str
    at: int
    until: int
    entry: bytes


class Motivation(Struct, frozen=True, array_like=True):
    """A named function's decision on a manual ground, and whose it is."""

    motivated: GroundMotivated
    by: str
    party: str
    at: int
    entry: bytes


class Report(Struct, frozen=True, array_like=True):
    """A concern that was reported: its message id, by which unit, to which party, when."""

    message_id: Id16
    by: str
    to: str
    at: int


class ChildState(Struct, frozen=True, array_like=True):
    """Everything that the gate remembers of one child."""

    consents: tuple[ConsentRecord, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    marks: tuple[Mark, ...] = ()
    circle: Circle = Circle()
    maturities: tuple[MaturityFinding, ...] = ()
    investigations: tuple[Investigation, ...] = ()
    motivations: tuple[Motivation, ...] = ()
    reports: tuple[Report, ...] = ()
    contacts: tuple[str, ...] = ()
    moved_at: int = 0
    """When the child got another reference; 0: it has this one."""
    v: int = 1

    @property
    def standing_marks(self) -> tuple[Mark, ...]:
        """The marks that are not lifted."""
        return tuple([mark for mark in self.marks if not mark.lifted_at]) if self.marks else ()
