"""The records inside events: consent with all its fields, signatures, withdrawals, marks, the circle, receipts.

They hold codes, times, units and digests, never a text and nothing that names a child; `events` writes and reads them
and checks what a single field cannot say. Times are whole seconds since 1970 UTC. Fields may be added with a new
version of the format, never by the way.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from samband.schemas.categories import About, Category

__all__ = [
    "Act",
    "ActLogged",
    "CardBytes",
    "ChildView",
    "CircleAccepted",
    "CircleHandover",
    "CircleUpdate",
    "ConsentConfirmed",
    "ConsentDisputed",
    "ConsentGiven",
    "ConsentRefused",
    "ConsentSigned",
    "ConsentWithdrawn",
    "Digest",
    "EventBody",
    "GivenHow",
    "Giver",
    "GiverRole",
    "GroundMotivated",
    "Id16",
    "IdentityChanged",
    "InvestigationDeclared",
    "KeySaid",
    "Level",
    "LogCosigned",
    "MarkKind",
    "Maturity",
    "MaturityAssessed",
    "Member",
    "Objection",
    "ProtectionMarked",
    "Recall",
    "Receipt",
    "Recipient",
    "Scope",
    "View",
]

Id16 = NewType("Id16", bytes)
"""16 bytes."""
Digest = NewType("Digest", bytes)
"""32 bytes, SHA-256 or a salted commitment."""
CardBytes = NewType("CardBytes", bytes)
"""A signed key card, as it stands in the directory."""


class GiverRole(StrEnum):
    """Who gives, refuses or takes back a consent."""

    CHILD = "child"
    GUARDIAN = "guardian"
    APPOINTED_CUSTODIAN = "appointed_custodian"
    GOD_MAN = "god_man"
    OTHER = "other"


class View(StrEnum):
    """The child's own view of a consent."""

    AGREES = "agrees"
    OBJECTS = "objects"
    NOT_ASKED = "not_asked"
    TOO_YOUNG = "too_young"


class GivenHow(StrEnum):
    """How a consent was given."""

    PAPER = "paper"
    ORAL = "oral"
    E_SIGNATURE = "e_signature"
    INTERPRETED = "interpreted"


class Scope(StrEnum):
    """What a withdrawal takes back."""

    EVERYTHING = "everything"
    CONSENT = "consent"
    RECIPIENT = "recipient"
    CATEGORY = "category"


class MarkKind(StrEnum):
    """Which protection a child has."""

    SECRECY = "secrecy"
    """sekretessmarkering"""
    PROTECTED_REGISTRATION = "protected_registration"
    """skyddad folkbokföring"""
    SECRET_WHEREABOUTS = "secret_whereabouts"  # noqa: S105  a kind of mark, not a password
    """OSL 26:2, LVU 14 §"""
    THREAT = "threat"
    """OSL 21:3"""


class Maturity(StrEnum):
    """Who must consent, by the child's maturity as a discloser has assessed it."""

    GUARDIANS = "guardians"
    GUARDIANS_AND_CHILD = "guardians+child"
    CHILD = "child"


class Act(StrEnum):
    """What a unit did beside the messages, and owes the log a line about."""

    PAPER_RELEASED = "paper_released"
    """A paper was given to somebody of the family."""
    TRANSPORT_ERASED = "transport_erased"
    """Copies of messages were erased by a disposal decision (gallringsbeslut)."""
    SUBJECT_ACCESS = "subject_access"
    """Somebody was told what Samband has about them (GDPR 15)."""
    LOOKED_UP = "looked_up"
    """A person looked at a child's data and said why."""


class Level(StrEnum):
    """How far a message has come at its recipient; the first four only rise."""

    ACCEPTED = "accepted"
    HANDED_OVER = "handed_over"
    OPENED = "opened"
    ACTED = "acted"
    REFUSED = "refused"
    MISMATCH = "mismatch"
    MISDIRECTED = "misdirected"
    """It was not meant for the unit that got it, who says so and does not keep it (felsänt)."""


class Recipient(Struct, frozen=True, array_like=True):
    """A unit that may receive, and the role that it was chosen by, if any."""

    unit: str
    role: str = ""


class Giver(Struct, frozen=True, array_like=True):
    """Somebody whose consent counts; the id is a pseudonym such as `guardian-1`."""

    role: GiverRole
    id: str
    required: bool = True


class Objection(Struct, frozen=True, array_like=True):
    """What the child objects to; both empty means the whole."""

    recipients: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()


class ChildView(Struct, frozen=True, array_like=True):
    """The child's own view; `code` says why not asked, or who assessed too young and why."""

    view: View
    code: str = ""
    motive: Digest | None = None
    objection: Objection = Objection()


class ConsentGiven(Struct, frozen=True, array_like=True, kw_only=True):
    """A consent as the recorder says that it was given."""

    consent_id: Id16
    disclosers: tuple[str, ...]
    """Units whose secrecy it lifts; nobody else's."""
    recipients: tuple[Recipient, ...]
    categories: tuple[Category, ...]
    about: About = About.CHILD
    purpose: str
    valid_from: int
    valid_to: int
    givers: tuple[Giver, ...]
    signed_by: tuple[str, ...] = ()
    """Ids of the givers who have signed so far."""
    child_view: ChildView
    explained: tuple[str, ...] = ()
    """Codes of what was explained."""
    language: str = "sv"
    given_how: GivenHow = GivenHow.PAPER
    evidence: Digest
    """Digest of the evidence that the recorder keeps."""
    recorder_role: str
    acting_user: Digest
    """Salted commitment to the acting user."""
    follows_role: bool = False
    """The givers said that it follows the role to its next holder."""
    first_said: int = 0
    """When it was accepted first, under an earlier child-reference key; 0: it is said for the first time."""


class ConsentSigned(Struct, frozen=True, array_like=True):
    """One giver's part; `child_view` only where it was taken down at the same time."""

    consent_id: Id16
    giver: str
    evidence: Digest
    child_view: ChildView | None = None


class ConsentConfirmed(Struct, frozen=True, array_like=True):
    """A discloser who did not record the consent says that its part is on file; only then is it carried for it."""

    consent_id: Id16


class ConsentDisputed(Struct, frozen=True, array_like=True):
    """A unit that the consent names, or the responsible one, doubts it: it carries nothing until that is settled."""

    consent_id: Id16
    settled: bool = False
    """The unit that doubted it takes that back."""
    code: str = ""


class ConsentWithdrawn(Struct, frozen=True, array_like=True):
    """A consent taken back: no form, no reason, any unit that hears it."""

    scope: Scope = Scope.EVERYTHING
    consent_id: Id16 | None = None
    recipient: str = ""
    category: Category | None = None
    giver_role: GiverRole = GiverRole.GUARDIAN
    first_said: int = 0
    """When it was accepted first, under an earlier child-reference key; 0: it is said for the first time."""


class ConsentRefused(Struct, frozen=True, array_like=True):
    """A giver said no to a consent that was asked for."""

    consent_id: Id16
    giver_role: GiverRole
    giver: str = ""
    first_said: int = 0
    """When it was accepted first, under an earlier child-reference key; 0: it is said for the first time."""


class ProtectionMarked(Struct, frozen=True, array_like=True):
    """A protection mark set, or one of the two words that lift it."""

    mark: MarkKind
    lifted: bool = False
    named: tuple[str, ...] = ()
    """Units that may still be told where the child is; only the responsible unit names them."""


class Member(Struct, frozen=True, array_like=True):
    """A unit's role for the child; `until` 0 means open."""

    unit: str
    role: str
    valid_from: int
    valid_to: int = 0

    def holds_at(self, now: int) -> bool:
        """Say whether the unit has the role at a time."""
        return self.valid_from <= now and not 0 < self.valid_to <= now


class CircleUpdate(Struct, frozen=True, array_like=True):
    """The units around the child, whole; `claim` says that the signer is responsible."""

    members: tuple[Member, ...] = ()
    claim: bool = False


class CircleHandover(Struct, frozen=True, array_like=True):
    """The responsible unit hands the child over; it stays responsible until the other unit accepts.

    From a unit whose claim stands against another's, to that other unit: it gives its claim up.
    """

    to: str


class CircleAccepted(Struct, frozen=True, array_like=True):
    """The unit that a child is handed over to takes it."""

    sender: str
    """The unit that handed over."""


class MaturityAssessed(Struct, frozen=True, array_like=True):
    """What a discloser has found about who must consent; it holds for that discloser's own information only."""

    level: Maturity
    motive: Digest
    exceptional: bool = False
    """Said aloud where a child under 15 consents alone (JO 3153-2016)."""


class InvestigationDeclared(Struct, frozen=True, array_like=True):
    """The board's own word that an investigation of the child's situation is open, or closed (SoL 20:1)."""

    open: bool
    decision: Digest
    first_said: int = 0
    """When it was accepted first, under an earlier child-reference key; 0: it is said for the first time."""


class GroundMotivated(Struct, frozen=True, array_like=True, kw_only=True):
    """A named function's motivated decision that a manual ground carries something, for a placement and until a day."""

    motivation_id: Id16
    ground: str
    recipients: tuple[str, ...]
    categories: tuple[Category, ...]
    about: About = About.CHILD
    valid_from: int
    valid_to: int
    function: str
    """Who decided, as a code of the party's own."""
    motive: Digest
    acting_user: Digest


class IdentityChanged(Struct, frozen=True, array_like=True):
    """The child has another number, or one at last: said once at each reference, at the new one first."""

    other: Id16
    """The other reference; the gate does not keep it."""
    arriving: bool
    """Said at the new reference; else at the old one, which then ends."""


class ActLogged(Struct, frozen=True, array_like=True):
    """An act that changes nothing the gate decides on, and that the log shall hold."""

    act: Act
    function: str
    detail: Digest
    count: int = 0
    subject: Id16 | None = None
    """The message, decision or consent that it was about, where there is one."""


class KeySaid(Struct, frozen=True, array_like=True):
    """What a party says about a key of its own: a signed key card, perhaps with its revocation. About no child."""

    record: CardBytes


class LogCosigned(Struct, frozen=True, array_like=True):
    """A witness's word on a checkpoint of the log: the largest state that it has seen, and every other begins it."""

    size: int
    root: Digest
    timestamp: int
    """Seconds since 1970 UTC."""
    kid: Digest
    """The witness key."""
    signature: CardBytes
    """cosignature/v1, 64 bytes."""


class Receipt(Struct, frozen=True, array_like=True):
    """What became of a message at its recipient."""

    message_id: Id16
    level: Level
    code: str = ""
    at: int = 0


class Recall(Struct, frozen=True, array_like=True):
    """A message that shall not be handed over."""

    message_id: Id16
    code: str = ""


EventBody = (
    ConsentGiven
    | ConsentSigned
    | ConsentConfirmed
    | ConsentDisputed
    | ConsentWithdrawn
    | ConsentRefused
    | MaturityAssessed
    | ProtectionMarked
    | CircleUpdate
    | CircleHandover
    | CircleAccepted
    | InvestigationDeclared
    | GroundMotivated
    | IdentityChanged
    | ActLogged
    | KeySaid
    | LogCosigned
    | Receipt
    | Recall
)
"""What an event of the gate says."""
