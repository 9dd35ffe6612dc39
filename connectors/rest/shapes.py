"""What is handed in and out, as records: decoded strictly, and described from the same place.

An unknown field is an error. Identifiers of messages are 32 lower-case hexadecimal digits, days are `YYYY-MM-DD` in
Europe/Stockholm, moments RFC 3339 in UTC. What is said of a child's number is said in bodies only.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from samband.schemas.attachment import MOST_FILES
from samband.schemas.categories import About, Category
from samband.schemas.events import GivenHow, GiverRole, View

Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", examples=["7d0f5b1c9a3e4f62b8d1c0a9e7f6d5c4"])]
UnitId = Annotated[
    str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._:-]+$", examples=["SE2120002080-SKOLA"])
]
"""A unit, or `role:NAME` where a recipient is meant."""
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._:-]+$")]
OptionalUnit = Annotated[
    str, Meta(max_length=64, pattern="^[A-Za-z0-9._:-]*$", description="the own unit, where there are several")
]
OptionalCode = Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9._:-]*$")]
Number = Annotated[
    str,
    Meta(
        min_length=9, max_length=33, description="the child's number, or R and 32 hexadecimal digits for one without",
        examples=["201703309812"],
    ),
]  # fmt: skip
Giver = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,30}(-[0-9]{1,2})?$", examples=["guardian-1"])]
Words = Annotated[str, Meta(min_length=1, max_length=300)]
Cursor = Annotated[str, Meta(max_length=60)]


class In(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is handed in."""


class Out(Struct, kw_only=True):
    """What is handed out."""


class User(In):
    """Who does this in your own system; the log holds a commitment and no name."""

    id: Annotated[str, Meta(min_length=1, max_length=100)]
    role: Annotated[str, Meta(min_length=1, max_length=100)]


class Send(In):
    """A message about one child to one unit."""

    type: Annotated[str, Meta(max_length=64, examples=["placement.notice"])]
    recipient: Annotated[UnitId, Meta(description="a unit, or `role:NAME`: who has that role for the child now")]
    content: Annotated[dict[str, Any], Meta(description="the type's fields")]
    unit: OptionalUnit = ""
    ground: Annotated[OptionalCode, Meta(description="claim this ground only")] = ""
    limb: OptionalCode = ""
    necessity: OptionalCode = ""
    reply_to: Annotated[Id | None, Meta(description="a message that this answers")] = None
    life_days: Annotated[int, Meta(ge=1, le=14, description="after so long it is not handed over")] = 13
    attachments: (
        Annotated[
            tuple[Id, ...],
            Meta(
                max_length=MOST_FILES,
                extra_json_schema={"uniqueItems": True},
                description="files that were handed in at `POST /v1/files`, in this order; each goes with one message",
            ),
        ]
        | UnsetType
    ) = UNSET  # where none are named, the body's digest is what it was before there were files


class Ask(In):
    """A question: would a message be permitted? Nothing reaches the other unit."""

    type: Annotated[str, Meta(max_length=64, examples=["placement.notice"])]
    recipient: UnitId
    child: Number
    fields: Annotated[tuple[Code, ...], Meta(max_length=100, description="fields that would be filled in")] = ()
    unit: OptionalUnit = ""
    ground: OptionalCode = ""
    limb: OptionalCode = ""
    necessity: OptionalCode = ""


class Acknowledge(In):
    """Your system durably has the message."""

    opened: Annotated[bool, Meta(description="a person has opened it too")] = False


class Read(In):
    """Why a message that is held back is read, and by whom; it is recorded."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    acting_user: User


class Misdirected(In):
    """The message was not meant for the unit."""

    acting_user: User


class Evidence(In):
    """What shows it: the SHA-256 of a document, or the place where it is kept. Only a digest leaves the party."""

    sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""
    kept_at: Annotated[str, Meta(max_length=300, examples=["akt 2026-0417, blad 3"])] = ""


class ChildView(In):
    """The child's own view."""

    view: View
    why: Annotated[OptionalCode, Meta(description="not_asked: why; too_young: who assessed it")] = ""
    objects_to: Annotated[
        tuple[Code, ...], Meta(max_length=16, description="units and categories; none: the whole")
    ] = ()


class Consent(In, kw_only=True):
    """What a family has consented to."""

    child: Number
    recipients: Annotated[tuple[UnitId, ...], Meta(min_length=1, max_length=16)]
    disclosers: Annotated[tuple[UnitId, ...], Meta(max_length=16, description="none: the own unit")] = ()
    categories: Annotated[tuple[Category, ...], Meta(max_length=16)] = ()
    types: Annotated[
        tuple[Code, ...], Meta(max_length=16, description="all that these message types could tell about the child")
    ] = ()
    about: About = About.CHILD
    purpose: Code = "coordination"
    from_date: Annotated[date | None, Meta(description="null: now")] = None
    to_date: Annotated[date, Meta(description="its last day; within a year")]
    guardians: Annotated[int, Meta(ge=0, le=4, description="how many must sign")] = 2
    with_child: Annotated[bool, Meta(description="the child must sign too; at 18 it is the only one")] = False
    signed_by: Annotated[tuple[Giver, ...], Meta(max_length=5)] = ()
    child_view: ChildView
    evidence: Evidence
    language: Code = "sv"
    given_how: GivenHow = GivenHow.PAPER
    recorder_role: Code = "handlaggare"
    follows_role: bool = False
    acting_user: User
    unit: OptionalUnit = ""


class Sign(In):
    """One giver's signature."""

    giver: Giver
    evidence: Evidence
    child: Annotated[Number | None, Meta(description="where another party recorded the consent")] = None
    child_view: ChildView | None = None
    unit: OptionalUnit = ""


class Withdraw(In):
    """What is taken back: everything of the child's, or what one of the three names."""

    child: Number
    consent_id: Id | None = None
    recipient: OptionalUnit = ""
    category: Category | None = None
    giver_role: GiverRole = GiverRole.GUARDIAN
    unit: OptionalUnit = ""


class Dispute(In):
    """A doubt about a consent that names your unit, or taking that back."""

    child: Number | None = None
    settled: bool = False
    unit: OptionalUnit = ""


class Refuse(In):
    """Somebody who was asked said no."""

    child: Number | None = None
    giver: Annotated[str, Meta(pattern="^([a-z][a-z_]{0,30}(-[0-9]{1,2})?)?$")] = ""
    giver_role: GiverRole = GiverRole.GUARDIAN
    unit: OptionalUnit = ""


class Member(In):
    """A unit, its role, and the last day of it."""

    unit: UnitId
    role: Annotated[str, Meta(pattern="^[a-z][a-z_]{0,30}$", examples=["school"])]
    to_date: date | None = None


class Circle(In):
    """All the units around a child; who is not named has no role any more."""

    child: Number
    members: Annotated[tuple[Member, ...], Meta(max_length=16)]
    claim: Annotated[bool, Meta(description="your unit is responsible; the first social services unit is")] = False
    unit: OptionalUnit = ""


class OfChild(In):
    """Whose."""

    child: Number


class Ground(Out):
    """A ground in words."""

    ground: str
    citation: str
    text_sv: str
    text_en: str


class Reason(Out):
    """What failed, and who can remedy it."""

    reason: str
    text_sv: str
    text_en: str
    who: str
    remedy_sv: str
    remedy_en: str


class Step(Out):
    """One thing that was said about a message."""

    at: str
    kind: str
    outcome: str
    code: str
    grounds: list[Ground]
    reasons: list[Reason]
    obligations: list[str]
    categories: list[str]


class Reserve(Out):
    """The message waits and the hub is not reached: it is kept and goes by itself."""

    number: Annotated[str, Meta(description="to read out, and to ask by", examples=["7K3M4-92QXT"])]
    since: Annotated[str, Meta(description="since when the hub is not reached")]
    text_sv: str
    text_en: str


class Message(Out):
    """What became of something that was said, or that came."""

    message_id: Id
    type: Annotated[str, Meta(description="empty where the message is held back")]
    sender: str
    recipient: str
    state: Annotated[
        str,
        Meta(
            description="waiting, permit, deny, ask, refused, accepted, handed_over, opened, acted, recalled, …",
            examples=["permit"],
        ),
    ]
    late: bool
    openings: Annotated[list[Ground], Meta(description="manual grounds that a named function could still open")]
    steps: list[Step]
    consent_id: Id | UnsetType = UNSET
    reserve: Reserve | UnsetType = UNSET


class Said(Out):
    """A line of what was said."""

    message_id: Id
    type: str
    state: str
    created: str


class SaidPage(Out):
    """What was said, newest first."""

    items: list[Said]
    next: Annotated[Cursor | None, Meta(description="the cursor of the next page; null: there is none")]


class KeptFile(Out):
    """A file that was handed in and is not sent yet."""

    file_id: Id
    name: str
    media_type: str
    size: Annotated[int, Meta(description="bytes")]
    sha256: str
    expires: Annotated[str, Meta(description="it is erased then, where no message has taken it")]


class KeptFiles(Out):
    """The client's own files that no message has taken, oldest first."""

    items: list[KeptFile]


class Letter(Out):
    """A line of what came."""

    message_id: Id
    type: Annotated[str | None, Meta(description="null where the message is held back")]
    sender: str | None
    unit: str
    state: Annotated[
        str,
        Meta(description="waiting and handing: to be fetched and acknowledged; handed_over, opened, recalled, …"),
    ]
    code: str
    held: bool
    received: str
    expires: str


class LetterPage(Out):
    """What came, oldest first."""

    items: list[Letter]
    next: Cursor | None


class Acknowledged(Out):
    """How a letter stands now."""

    message_id: Id
    state: str


class ConsentLine(Out):
    """Where a consent that this party recorded stands."""

    consent_id: Id
    state: str
    disclosers: list[str]
    recipients: list[str]
    categories: list[str]
    about: str
    until: str
    givers: list[str]
    signed: list[str]
    confirmed: list[str]
    doubted: list[str]
    renew_before: Annotated[str | None, Meta(description="a day, where it should be renewed by now")]


class ConsentPage(Out):
    """The consents that this party recorded."""

    items: list[ConsentLine]
    next: Cursor | None


class Part(Out):
    """The own part of a consent that another party recorded."""

    consent_id: Id
    message_id: Id
    unit: str
    recipients: str
    told: str
    about: str
    purpose: str
    from_date: str
    to_date: str


class PartPage(Out):
    """The parts that came here."""

    items: list[Part]
    next: Cursor | None


class MemberLine(Out):
    """A unit around a child."""

    unit: str
    role: str
    from_date: str
    to_date: str | None


class CircleNow(Out):
    """The circle as this party last said it."""

    members: list[MemberLine]


class UnitLine(Out):
    """A unit of the directory."""

    id: str
    name: str
    kind: str
    party: str
    own: bool


class UnitPage(Out):
    """The units that can be written to."""

    items: list[UnitLine]
    next: Cursor | None


class TypeLine(Out):
    """A message type."""

    type: str
    label_sv: str
    label_en: str
    senders: list[str]
    recipients: list[str]


class TypePage(Out):
    """The message types."""

    items: list[TypeLine]
    next: Cursor | None


class TypeWhole(Out):
    """A message type, its content as JSON Schema, and an example."""

    type: str
    label_sv: str
    label_en: str
    senders: list[str]
    recipients: list[str]
    content: dict[str, Any]
    example: dict[str, Any]


class Event(Out):
    """A CloudEvents 1.0 event in JSON's structured form."""

    specversion: Annotated[str, Meta(examples=["1.0"])]
    id: str
    source: str
    type: Annotated[str, Meta(examples=["samband.delivery.waiting"])]
    time: str
    datacontenttype: str
    data: dict[str, Any]
    subject: str | UnsetType = UNSET


class EventPage(Out):
    """What happened after a place; empty when the time of waiting was over."""

    items: list[Event]
    next: Annotated[Cursor, Meta(description="the place after the last event")]


class Token(Out):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenProblem(Out):
    """Why there is none (RFC 6749 section 5.2)."""

    error: str
    error_description: str


class Fault(Out):
    """One thing that is wrong."""

    pointer: Annotated[str, Meta(description="where, as a JSON Pointer in the body", examples=["/content/from_date"])]
    code: str
    detail: str


class Problem(Out):
    """An error (RFC 9457)."""

    type: Annotated[str, Meta(examples=["urn:samband:error:CONTENT_INVALID"])]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Annotated[str, Meta(examples=["CONTENT_INVALID"])]
    detail: str
    retriable: Annotated[bool, Meta(description="the same request may succeed later")]
    errors: list[Fault] | UnsetType = UNSET


class Health(Out):
    """Whether the connector has its inbox."""

    ready: bool
    version: str
