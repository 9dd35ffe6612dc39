"""Concern for a child (SoL 19:1, 19:6), and the early question that names nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.categories import About, Category, tag
from samband.schemas.content_types.fields import (
    ANYONE,
    CONCERN,
    DIALOGUE,
    FIELD_ADDRESS,
    FIELD_ATTACHMENTS,
    FIELD_GUARDIAN_CONTACT,
    FIELD_SCHOOL_NAME,
    REPORTER,
    SCHEDULE,
    WHEREABOUTS,
    choice,
    content_type,
    day,
    flag,
    free,
    text,
)

if TYPE_CHECKING:
    from samband.schemas.message_type import MessageType

__all__ = ["TYPES"]

_REPORTERS: Final = ("school", "care", "social")

TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "concern.report",
        "Orosanmälan",
        "Concern report",
        senders=_REPORTERS,
        recipients=("social",),
        fields=(
            choice("urgency", "brådska", "urgency", ("immediate", "today", "normal"), CONCERN, required=True),
            free("concern", "oron", "the concern", 20000, CONCERN, required=True),
            choice(
                "family_told",
                "familjen är underrättad",
                "the family has been told",
                ("yes", "no"),
                CONCERN,
                required=True,
            ),
            free("family_not_told_why", "varför inte", "why not", 2000, CONCERN, when=("family_told", "no")),
            flag("feedback_wanted", "återkoppling önskas", "feedback is wanted"),
            FIELD_ADDRESS,
            text("whereabouts", "var barnet är nu", "where the child is now", 300, WHEREABOUTS),
            FIELD_SCHOOL_NAME,
            FIELD_GUARDIAN_CONTACT,
            text(
                "siblings", "anmälningar om syskon", "reports about siblings", 300, tag(Category.CONCERN, About.SIBLING)
            ),
            text("reporter", "anmälare", "reporter", 300, REPORTER),
            FIELD_ATTACHMENTS,
        ),
        tags=(CONCERN,),
        duties=("DUTY_REPORT",),
        duties_only=True,
        reply="concern.received",
        deadline="concern.feedback",
    ),
    content_type(
        "concern.received",
        "Orosanmälan mottagen",
        "Concern report received",
        senders=("social",),
        recipients=_REPORTERS,
        fields=(
            day("received_on", "mottagen", "received on", CONCERN, required=True),
            text("telephone", "telefon vid brådska", "telephone if urgent", 100),
            text("contact", "kontakt på socialtjänsten", "contact at social services", 300),
        ),
        tags=(CONCERN,),
        duties=("FEEDBACK",),
        duties_only=True,
        reply="concern.feedback",
    ),
    content_type(
        "concern.feedback",
        "Återkoppling på orosanmälan",
        "Feedback on a concern report",
        senders=("social",),
        recipients=_REPORTERS,
        fields=(
            choice(
                "outcome",
                "besked",
                "outcome",
                ("opened", "not_opened", "already_open", "no_information_given"),
                CONCERN,
                required=True,
            ),
            day("decided_on", "beslutat", "decided on", CONCERN),
        ),
        tags=(CONCERN,),
        duties=("FEEDBACK",),
        duties_only=True,
    ),
    content_type(
        "consult.question",
        "Konsultation utan namn",
        "Consultation without a name",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            free("question", "frågan", "the question", 10000, DIALOGUE, required=True),
            choice("age_group", "ungefärlig ålder", "approximate age", ("under_6", "6-12", "13-15", "16-20")),
            day("wanted_before", "svar önskas senast", "answer wanted before", SCHEDULE),
            text("contact", "kontakt hos avsändaren", "contact at the sender", 300),
        ),
        tags=(DIALOGUE,),
        reply="dialogue.answer",
        deadline="consult.question",
        unidentified=True,
    ),
)
"""The group's rows, in the order in which people read them."""
