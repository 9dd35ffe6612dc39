"""Unbroken schooling: before, during and after a placement, and what schools are asked and tell.

Sources: skollagen 3:12 j (handover to a receiving school unit); the SAMS model of the national agencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.content_types.fields import (
    ABSENCE,
    ANYONE,
    FIELD_ATTACHMENTS,
    FIELD_SCHOOL_NAME,
    MEETING,
    PLACEMENT,
    PLACEMENT_FORMS,
    PSYCHOSOCIAL,
    SCHEDULE,
    SCHOOL_PLAN,
    SCHOOL_SUPPORT,
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

_TEACHING: Final = (
    "school.preschool",
    "school.pedagogic",
    "school.leisure",
    "school.administration",
    "school.psychosocial",
)
_HOMES: Final = ("social", "institution")
_FORMS: Final = (
    "preschool",
    "preschool_class",
    "compulsory",
    "adapted_compulsory",
    "special",
    "sami",
    "upper_secondary",
    "adapted_upper_secondary",
    "institution_school",
)

_SCHOOL_FORM: Final = choice("school_form", "skolform", "school form", _FORMS, SCHOOL_PLAN)
_YEAR: Final = text("year", "årskurs", "year", 50, SCHOOL_PLAN)
_RESULTS: Final = text("results", "kunskapsutveckling", "progress", 5000, SCHOOL_PLAN)
_ATTENDANCE: Final = text("attendance", "närvaro och frånvaro", "attendance and absence", 2000, ABSENCE)
_SUPPORT: Final = text("support", "stöd och anpassningar", "support and adaptations", 5000, SCHOOL_SUPPORT)
_STUDENT_HEALTH: Final = text(
    "psychosocial", "elevhälsans psykosociala insatser", "psychosocial work of student health", 5000, PSYCHOSOCIAL
)
_CONTACT: Final = text("contact", "kontakt på skolan", "contact at the school", 300)

TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "school.before_placement",
        "Skolgången planeras inför placering",
        "Schooling before a placement",
        senders=("social",),
        recipients=("school",),
        fields=(
            day("planned_from", "tänkt från och med", "intended from", SCHEDULE, required=True),
            choice("form", "tänkt placeringsform", "intended form of placement", PLACEMENT_FORMS, PLACEMENT),
            flag("change_of_school", "byte av skola kan bli aktuellt", "a change of school may follow", SCHOOL_PLAN),
            FIELD_SCHOOL_NAME,
            free("wanted", "vad skolan behöver planera för", "what the school needs to plan for", 5000, required=True),
            day("wanted_before", "svar önskas senast", "answer wanted before", SCHEDULE),
            *MEETING,
            text("contact", "kontakt på socialtjänsten", "contact at social services", 300),
        ),
        tags=(PLACEMENT, SCHOOL_PLAN),
        reply="school.plan",
    ),
    content_type(
        "school.handover",
        "Överlämning till ny skola",
        "Handover to a new school",
        senders=_TEACHING,
        recipients=_TEACHING,
        fields=(
            day("last_day", "sista skoldag", "last day of school", SCHEDULE, required=True),
            FIELD_SCHOOL_NAME,
            _SCHOOL_FORM,
            _YEAR,
            _RESULTS,
            _ATTENDANCE,
            _SUPPORT,
            flag("support_decision", "åtgärdsprogram finns", "there is a support programme", SCHOOL_SUPPORT),
            _STUDENT_HEALTH,
            free("transition", "vad som underlättar övergången", "what eases the transition", 5000, required=True),
            *MEETING,
            _CONTACT,
            FIELD_ATTACHMENTS,
        ),
        tags=(SCHOOL_PLAN,),
        duties=("SCHOOL_CHANGE",),
        reply="school.received",
    ),
    content_type(
        "school.received",
        "Ny skola har tagit emot",
        "Received by the new school",
        senders=_TEACHING,
        recipients=(*_TEACHING, *_HOMES),
        fields=(
            day("starts_on", "börjar i skolan", "starts school", SCHEDULE, required=True),
            FIELD_SCHOOL_NAME,
            choice("complete", "underlaget är komplett", "the handover is complete", ("yes", "no"), required=True),
            text("missing", "vad som saknas", "what is missing", 2000, when=("complete", "no")),
            _CONTACT,
        ),
        tags=(SCHOOL_PLAN,),
    ),
    content_type(
        "school.plan",
        "Plan för skolgången",
        "Plan for the schooling",
        senders=("school",),
        recipients=ANYONE,
        fields=(
            FIELD_SCHOOL_NAME,
            _SCHOOL_FORM,
            _YEAR,
            free("plan", "planen", "the plan", 10000, SCHOOL_PLAN, required=True),
            day("from_date", "från och med", "from", SCHEDULE),
            _SUPPORT,
            text("child_view", "barnets egna önskemål", "the child's own wishes", 2000, SCHOOL_PLAN),
            day("follow_up_on", "följs upp", "follow-up on", SCHEDULE),
            text("responsible", "ansvarig funktion och telefon", "responsible function and telephone", 300),
            FIELD_ATTACHMENTS,
        ),
        tags=(SCHOOL_PLAN,),
    ),
    content_type(
        "school.before_end",
        "Skolgången planeras inför placeringens slut",
        "Schooling before a placement ends",
        senders=_HOMES,
        recipients=("school",),
        fields=(
            day("ends_on", "placeringen upphör", "the placement ends", SCHEDULE, required=True),
            FIELD_SCHOOL_NAME,
            free("wanted", "vad skolan behöver planera för", "what the school needs to plan for", 5000, required=True),
            day("wanted_before", "svar önskas senast", "answer wanted before", SCHEDULE),
            *MEETING,
            text("contact", "kontakt på socialtjänsten", "contact at social services", 300),
        ),
        tags=(PLACEMENT, SCHOOL_PLAN),
        reply="school.plan",
    ),
    content_type(
        "school.follow_up",
        "Uppföljning av skolgången",
        "Follow-up of the schooling",
        senders=("school", *_HOMES),
        recipients=("school", *_HOMES),
        fields=(
            day("period_from", "från och med", "from", SCHEDULE),
            day("period_to", "till och med", "to", SCHEDULE),
            _RESULTS,
            _ATTENDANCE,
            _SUPPORT,
            text("child_view", "barnets egen bild", "the child's own view", 2000, SCHOOL_PLAN),
            free("summary", "sammanfattning", "summary", 10000, SCHOOL_PLAN, required=True),
            *MEETING,
            FIELD_ATTACHMENTS,
        ),
        tags=(SCHOOL_PLAN,),
    ),
    content_type(
        "school.information_request",
        "Begäran om uppgifter från skolan",
        "Request for information from school",
        senders=("social", "care", "school", "institution"),
        recipients=("school",),
        fields=(
            choice(
                "asked_for",
                "vad som efterfrågas",
                "what is asked for",
                ("results", "attendance", "support", "whole"),
                SCHOOL_PLAN,
                required=True,
            ),
            free("purpose", "vad uppgifterna behövs till", "what it is needed for", 5000, required=True),
            day("wanted_before", "svar önskas senast", "answer wanted before", SCHEDULE),
            text("contact", "kontakt hos avsändaren", "contact at the sender", 300),
        ),
        tags=(SCHOOL_PLAN,),
        reply="school.information",
    ),
    content_type(
        "school.information",
        "Uppgifter från skolan",
        "Information from school",
        senders=("school",),
        recipients=ANYONE,
        fields=(
            _SCHOOL_FORM,
            _YEAR,
            _RESULTS,
            _ATTENDANCE,
            _SUPPORT,
            _STUDENT_HEALTH,
            free("description", "skolans beskrivning", "the school's description", 20000, SCHOOL_PLAN, required=True),
            _CONTACT,
            FIELD_ATTACHMENTS,
        ),
        tags=(SCHOOL_PLAN,),
        duties=("DUTY_INVESTIGATION",),
    ),
    content_type(
        "school.absence_signal",
        "Signal om frånvaro",
        "Absence signal",
        senders=("school",),
        recipients=("social", "institution", "school"),
        fields=(
            day("period_from", "från och med", "from", ABSENCE, required=True),
            day("period_to", "till och med", "to", ABSENCE, required=True),
            choice("extent", "omfattning", "extent", ("some", "much", "all"), ABSENCE, required=True),
            flag("cause_known", "orsaken är känd", "the cause is known", ABSENCE),
            _CONTACT,
        ),
        tags=(ABSENCE,),
        opt_in=True,
    ),
)
"""The group's rows, in the order in which people read them."""
