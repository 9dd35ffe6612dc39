"""What the rows of the catalogue are written with: fields by kind, tags, kinds of units, and fields that recur."""

from __future__ import annotations

from typing import Final

from samband.schemas.categories import About, Category, CategoryTag, tag
from samband.schemas.grounds import between
from samband.schemas.message_type import Field, FieldKind, MessageType

__all__ = [
    "ABSENCE", "ADDRESS", "ANYONE", "CARE", "COMMUNICATION", "CONCERN", "CONSENT", "CONTACT", "COOPERATION", "DIALOGUE",
    "EXAM", "FIELD_ADDRESS", "FIELD_ATTACHMENTS", "FIELD_GUARDIAN_CONTACT", "FIELD_INTERPRETER", "FIELD_SCHOOL_NAME",
    "FIELD_WHEREABOUTS",
    "GUARDIAN_CONTACT", "HEALTH", "IDENTITY", "LAWS", "MEETING", "MENTAL", "PARTS", "PLACEMENT", "PLACEMENT_FORMS",
    "PSYCHOSOCIAL", "REPORTER", "SCHEDULE", "SCHOOL_NAME", "SCHOOL_PLAN", "SCHOOL_SUPPORT", "SIP", "SIP_GUARDIAN",
    "SOCIAL", "WHEREABOUTS", "choice", "content_type", "day", "flag", "free", "text",
]  # fmt: skip


def content_type(
    name: str, sv: str, en: str, *, senders: tuple[str, ...], recipients: tuple[str, ...], fields: tuple[Field, ...],
    tags: tuple[CategoryTag, ...], duties: tuple[str, ...] = (), reply: str = "", opt_in: bool = False,
    unidentified: bool = False, deadline: str = "", duties_only: bool = False,
) -> MessageType:  # fmt: skip
    """Return the row of a type that tells something about a child.

    `reply` is the type that answers it, and names the agreement's step that says how soon, unless `deadline` names
    another; without one, the receipt is all that is expected. A type with `duties_only` never waits for a consent:
    nobody who reports a concern is sent to ask the family. An `unidentified` type names nobody: no secrecy is lifted.
    """
    general = () if duties_only else ("UNIDENTIFIED",) if unidentified else between(senders, recipients)
    return MessageType(
        name, sv, en, senders, recipients, fields, tags,
        grounds=(*duties, *general),
        expected_reply=reply or "receipt", deadline=deadline or reply, opt_in=opt_in, unidentified=unidentified,
    )  # fmt: skip


def text(
    name: str, sv: str, en: str, limit: int, told: CategoryTag | None = None, *, required: bool = False,
    when: tuple[str, str] | None = None,
) -> Field:  # fmt: skip
    """Return a field of at most `limit` characters that tells one thing."""
    return Field(name, FieldKind.TEXT, sv, en, told, required, limit, required_when=when)


def free(
    name: str, sv: str, en: str, limit: int, told: CategoryTag | None = None, *, required: bool = False,
    when: tuple[str, str] | None = None,
) -> Field:  # fmt: skip
    """Return a field in which anybody may write anything, so that it counts as the worst that the sender knows."""
    return Field(name, FieldKind.TEXT, sv, en, told, required, limit, free_text=True, required_when=when)


def choice(
    name: str, sv: str, en: str, choices: tuple[str, ...], told: CategoryTag | None = None, *, required: bool = False
) -> Field:
    """Return a field that holds one of `choices`; `samband.schemas.choices` has their words."""
    return Field(name, FieldKind.CHOICE, sv, en, told, required, choices=choices)


def day(
    name: str, sv: str, en: str, told: CategoryTag | None = None, *, required: bool = False,
    when: tuple[str, str] | None = None,
) -> Field:  # fmt: skip
    """Return a field that holds a date."""
    return Field(name, FieldKind.DATE, sv, en, told, required, required_when=when)


def flag(name: str, sv: str, en: str, told: CategoryTag | None = None, *, required: bool = False) -> Field:
    """Return a field that is true or false."""
    return Field(name, FieldKind.FLAG, sv, en, told, required)


IDENTITY: Final = tag(Category.IDENTITY)
ADDRESS: Final = tag(Category.ADDRESS)
CONTACT: Final = tag(Category.CONTACT)
WHEREABOUTS: Final = tag(Category.WHEREABOUTS)
COMMUNICATION: Final = tag(Category.COMMUNICATION)
PLACEMENT: Final = tag(Category.PLACEMENT)
SCHEDULE: Final = tag(Category.SCHEDULE)
SCHOOL_NAME: Final = tag(Category.SCHOOL_NAME)
SCHOOL_PLAN: Final = tag(Category.SCHOOL_PLAN)
SCHOOL_SUPPORT: Final = tag(Category.SCHOOL_SUPPORT)
PSYCHOSOCIAL: Final = tag(Category.SCHOOL_PSYCHOSOCIAL)
ABSENCE: Final = tag(Category.ABSENCE)
EXAM: Final = tag(Category.HEALTH_EXAM)
HEALTH: Final = tag(Category.HEALTH)
MENTAL: Final = tag(Category.MENTAL_HEALTH)
SOCIAL: Final = tag(Category.SOCIAL_INVESTIGATION)
SIP: Final = tag(Category.SIP)
SIP_GUARDIAN: Final = tag(Category.SIP, About.GUARDIAN)
CONCERN: Final = tag(Category.CONCERN)
DIALOGUE: Final = tag(Category.DIALOGUE)
COOPERATION: Final = tag(Category.COOPERATION, About.OTHER)
CONSENT: Final = tag(Category.CONSENT)
REPORTER: Final = tag(Category.REPORTER_IDENTITY, About.OTHER)
GUARDIAN_CONTACT: Final = tag(Category.CONTACT, About.GUARDIAN)

ANYONE: Final = ("social", "school", "care", "institution")
CARE: Final = ("care", "school.medical")
"""Health care; the school's medical service lives under the same secrecy."""

LAWS: Final = ("SoL", "LVU")
PARTS: Final = ("physical", "psychological", "oral")
PLACEMENT_FORMS: Final = ("family_home", "network_home", "hvb", "sis", "support_home", "shelter", "other")

FIELD_ADDRESS: Final = text("address", "adress", "address", 300, ADDRESS)
FIELD_ATTACHMENTS: Final = Field("attachments", FieldKind.FILES, "bilagor", "attachments", free_text=True)
"""Stands last, in types that have free text: a file too counts as the worst that its sender knows."""
FIELD_WHEREABOUTS: Final = text("whereabouts", "vistelse", "whereabouts", 300, WHEREABOUTS)
FIELD_SCHOOL_NAME: Final = text("school_name", "skola", "school", 200, SCHOOL_NAME)
FIELD_GUARDIAN_CONTACT: Final = text(
    "guardian_contact", "vårdnadshavares kontaktuppgifter", "guardians' contact details", 500, GUARDIAN_CONTACT
)
FIELD_INTERPRETER: Final = text(
    "interpreter", "tolk eller kommunikationsstöd", "interpreter or communication support", 200, COMMUNICATION
)
"""Stands in every meeting and visit."""

MEETING: Final = (
    day("meeting_on", "mötesdag", "day of the meeting", SCHEDULE),
    text("meeting_time", "klockslag", "time of day", 20, SCHEDULE),
    text("meeting_place", "plats eller länk", "place or link", 300, SCHEDULE),
    FIELD_INTERPRETER,
)
"""When and where to meet, and what is needed to understand each other."""
