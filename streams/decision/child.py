"""What the gate remembers of one child in one agreement.

    ChildState
    ├── consents       each as recorded, who has signed, what of it is closed
    ├── withdrawals    by scope; one that names an unknown consent wins over its later arrival
    ├── marks          protection
    └── circle         the responsible unit and the members

Plain records: msgspec's msgpack writes and reads them. Times are seconds since 1970 UTC, the gate's. An entry is the
32-byte log leaf of the event that made the record. Nothing here names the child. Records are replaced, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from samband.schemas.categories import Category
from samband.schemas.event_bodies import ChildView, ConsentGiven, Digest, GiverRole, Id16, MarkKind, Member, Scope

__all__ = ["ChildState", "Circle", "ConsentRecord", "Mark", "Signature", "Withdrawal"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One giver's part that came after the record."""

    giver: str
    evidence: Digest
    by: str
    at: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A consent, what has been signed, and what has been taken back of it."""

    given: ConsentGiven
    recorded_by: str
    recorded_party: str
    recorded_at: int
    entry: bytes
    child_view: ChildView
    """The latest; the first one stays in `given`."""
    missing: tuple[str, ...] = ()
    """Required givers who have not signed; while there is one, the consent is pending."""
    signatures: tuple[Signature, ...] = ()
    closed_at: int = 0
    """When the whole was closed; 0 while it is open."""
    closed_by: bytes = b""
    """Entry of the event that closed it."""
    refused: bool = False
    """It was closed by a refusal."""
    closed_recipients: tuple[str, ...] = ()
    closed_categories: tuple[Category, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawal:
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


@dataclass(frozen=True, slots=True)
class Mark:
    """A protection mark."""

    kind: MarkKind
    set_by: str
    set_at: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class Circle:
    """The responsible unit (empty: nobody has claimed the child) and who has which role."""

    responsible: str = ""
    claimed_at: int = 0
    members: tuple[Member, ...] = ()

    def holds(self, unit: str, role: str, now: int) -> bool:
        """Say whether a unit has a role for the child at a time."""
        return any((member.unit, member.role) == (unit, role) and member.holds_at(now) for member in self.members)


@dataclass(frozen=True, slots=True)
class ChildState:
    """Everything that the gate remembers of one child."""

    consents: tuple[ConsentRecord, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    marks: tuple[Mark, ...] = ()
    circle: Circle = Circle()
    v: int = 1
