"""Placement, and whom to turn to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.content_types.fields import (
    ANYONE,
    DIALOGUE,
    FIELD_ADDRESS,
    FIELD_GUARDIAN_CONTACT,
    FIELD_SCHOOL_NAME,
    FIELD_WHEREABOUTS,
    LAWS,
    MEETING,
    PLACEMENT,
    PLACEMENT_FORMS,
    SCHEDULE,
    SCHOOL_PLAN,
    choice,
    content_type,
    day,
    free,
    text,
)

if TYPE_CHECKING:
    from samband.schemas.message_type import MessageType

__all__ = ["TYPES"]

TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "placement.consultation",
        "Samråd inför placering",
        "Consultation before a placement",
        senders=("social",),
        recipients=ANYONE,
        fields=(
            free("question", "vad samrådet gäller", "what the consultation is about", 5000, PLACEMENT, required=True),
            choice("form", "tänkt placeringsform", "intended form of placement", PLACEMENT_FORMS, PLACEMENT),
            day("planned_from", "tänkt från och med", "intended from", SCHEDULE),
            day("wanted_before", "svar önskas senast", "answer wanted before", SCHEDULE),
            *MEETING,
            free("needs", "kända behov", "known needs", 5000),
            text("contact", "kontakt på socialtjänsten", "contact at social services", 300),
        ),
        tags=(PLACEMENT,),
        reply="dialogue.answer",
        deadline="placement.consultation",
    ),
    content_type(
        "placement.notice",
        "Meddelande om placering",
        "Placement notice",
        senders=("social",),
        recipients=ANYONE,
        fields=(
            choice("event", "händelse", "what happened", ("started", "moved", "ended"), PLACEMENT, required=True),
            choice("law", "lag", "law", LAWS, PLACEMENT, required=True),
            choice("form", "placeringsform", "form of placement", PLACEMENT_FORMS, PLACEMENT),
            day("from_date", "från och med", "from", SCHEDULE, required=True),
            day("to_date", "till och med", "to", SCHEDULE),
            FIELD_ADDRESS,
            FIELD_WHEREABOUTS,
            FIELD_SCHOOL_NAME,
            text("school_plan", "skolgången under placeringen", "schooling during the placement", 2000, SCHOOL_PLAN),
            FIELD_GUARDIAN_CONTACT,
            text("responsible", "ansvarig funktion och telefon", "responsible function and telephone", 300),
            free("note", "övrigt", "other", 5000),
        ),
        tags=(PLACEMENT,),
    ),
    content_type(
        "contact.request",
        "Fråga om vem som är ansvarig",
        "Request for a contact",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            choice(
                "sought",
                "vem som söks",
                "who is sought",
                ("responsible_unit", "coordinator", "school", "student_health", "care", "institution"),
                DIALOGUE,
                required=True,
            ),
            text("call_back", "var avsändaren nås", "where the sender is reached", 300),
        ),
        tags=(DIALOGUE,),
        reply="contact.card",
    ),
    content_type(
        "contact.card",
        "Kontaktkort: vem som är ansvarig och hur den nås",
        "Contact card: who is responsible and how to reach them",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            text("function", "funktion", "function", 200, DIALOGUE, required=True),
            text("telephone", "telefon", "telephone", 100, required=True),
            text("hours", "tider", "hours", 200),
            text("out_of_hours", "utanför kontorstid", "out of hours", 200),
            text("deputy", "ersättare", "deputy", 200),
            day("valid_from", "gäller från och med", "valid from"),
        ),
        tags=(DIALOGUE,),
    ),
)
"""The group's rows, in the order in which people read them."""
