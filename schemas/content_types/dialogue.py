"""Who answers for health measures, the dialogue itself, and messages about messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.content_types.fields import (
    ANYONE,
    COOPERATION,
    DIALOGUE,
    FIELD_ADDRESS,
    FIELD_ATTACHMENTS,
    FIELD_INTERPRETER,
    FIELD_SCHOOL_NAME,
    FIELD_WHEREABOUTS,
    HEALTH,
    PLACEMENT,
    SCHEDULE,
    choice,
    content_type,
    day,
    flag,
    free,
    text,
)

if TYPE_CHECKING:
    from samband.schemas.message_type import MessageType

__all__ = ["DIALOGUE_TYPES", "RESPONSIBILITY_TYPES", "SERVICE_TYPES"]

_SUBJECT: Final = text("subject", "ämne", "subject", 200, DIALOGUE)
_WANTED_BEFORE: Final = day("wanted_before", "svar önskas senast", "answer wanted before", SCHEDULE)
_WITH_BUS: Final = (*ANYONE, "coordination")

RESPONSIBILITY_TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "hsl.responsibility",
        "Ansvar för hälso- och sjukvård under placering",
        "Responsibility for health measures during a placement",
        senders=("social", "care", "institution"),
        recipients=("social", "care", "institution"),
        fields=(
            day("from_date", "från och med", "from", SCHEDULE, required=True),
            day("to_date", "till och med", "to", SCHEDULE),
            text("measures", "vilka åtgärder", "which measures", 5000, HEALTH, required=True),
            text("responsible", "vem som ansvarar", "who is responsible", 300, HEALTH, required=True),
            text("performs", "vem som utför", "who carries it out", 300, HEALTH),
            text(
                "medication",
                "läkemedel: vem ordinerar och vem ger",
                "medicine: who prescribes and who gives",
                5000,
                HEALTH,
            ),
            text("telephone", "telefon, även utanför kontorstid", "telephone, also out of hours", 200),
            free("note", "övrigt", "other", 5000),
        ),
        tags=(HEALTH, PLACEMENT),
    ),
    content_type(
        "care.discharge_notice",
        "Meddelande om utskrivning",
        "Discharge notice",
        senders=("care",),
        recipients=("social", "care", "institution"),
        fields=(
            choice("event", "händelse", "what happened", ("planned", "discharged", "postponed"), HEALTH, required=True),
            day("discharge_on", "utskrivning", "discharge on", SCHEDULE, required=True),
            free("needs", "behov efter utskrivning", "needs after discharge", 10000, HEALTH, required=True),
            text("medication", "läkemedel", "medicine", 5000, HEALTH),
            text("responsible", "ansvarig efter utskrivning", "responsible after discharge", 300, HEALTH),
            flag("sip_needed", "SIP behövs", "a SIP is needed", HEALTH),
            text("revisit", "återbesök", "next visit", 300, SCHEDULE),
            FIELD_INTERPRETER,
            FIELD_ATTACHMENTS,
        ),
        tags=(HEALTH,),
        duties=("DUTY_INVESTIGATION",),
    ),
)
"""Who answers for what."""

DIALOGUE_TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "dialogue.message",
        "Meddelande i dialog",
        "Dialogue message",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            _SUBJECT,
            free("text", "text", "text", 20000, DIALOGUE, required=True),
            FIELD_ADDRESS,
            FIELD_WHEREABOUTS,
            FIELD_SCHOOL_NAME,
            FIELD_ATTACHMENTS,
        ),
        tags=(DIALOGUE,),
    ),
    content_type(
        "dialogue.question",
        "Fråga i dialog",
        "Dialogue question",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            _SUBJECT,
            free("text", "frågan", "the question", 20000, DIALOGUE, required=True),
            _WANTED_BEFORE,
            FIELD_ATTACHMENTS,
        ),
        tags=(DIALOGUE,),
        reply="dialogue.answer",
    ),
    content_type(
        "dialogue.answer",
        "Svar i dialog",
        "Dialogue answer",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(_SUBJECT, free("text", "svaret", "the answer", 20000, DIALOGUE, required=True), FIELD_ATTACHMENTS),
        tags=(DIALOGUE,),
        duties=("DUTY_INVESTIGATION",),
    ),
)
"""Questions and answers in words."""

SERVICE_TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "reminder",
        "Påminnelse",
        "Reminder",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            text("about_type", "vilken typ av meddelande", "type of the message", 40, DIALOGUE, required=True),
            day("sent_on", "skickat", "sent on", SCHEDULE),
            day("due_on", "skulle ha besvarats", "was due on", SCHEDULE, required=True),
            text("telephone", "telefon till avsändaren", "the sender's telephone", 100),
        ),
        tags=(DIALOGUE,),
    ),
    content_type(
        "correction",
        "Rättelse",
        "Correction",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            text("field", "vilken uppgift", "which information", 200, DIALOGUE, required=True),
            free("corrected", "rätt uppgift", "the right information", 20000, DIALOGUE, required=True),
            text("reason", "hur felet uppstod", "how it went wrong", 1000),
        ),
        tags=(DIALOGUE,),
        duties=("DUTY_INVESTIGATION", "SCHOOL_CHANGE"),
    ),
    content_type(
        "deviation.report",
        "Avvikelse i samverkan, utan barn",
        "Deviation in the cooperation, without a child",
        senders=_WITH_BUS,
        recipients=_WITH_BUS,
        fields=(
            choice(
                "kind",
                "vad som brast",
                "what failed",
                ("late", "no_answer", "wrong_recipient", "absent", "missing_information", "routine", "other"),
                COOPERATION,
                required=True,
            ),
            choice("stage", "läge", "stage", ("reported", "answered", "closed"), COOPERATION, required=True),
            day("happened_on", "inträffat", "happened on", COOPERATION),
            text("description", "beskrivning", "description", 5000, COOPERATION, required=True),
            text("measures", "åtgärd", "measures", 5000, COOPERATION),
            text("contact", "kontakt hos avsändaren", "contact at the sender", 300),
        ),
        tags=(COOPERATION,),
        unidentified=True,
    ),
)
"""Messages about messages."""
