"""Health examination of placed children, and medical examination before a case under LVU.

Sources: lag 2017:209, SoL 22:7, HSLF-FS 2019:19; LVU 32 §, with the times of 7–8 §§. Each part of a health examination
(physical, psychological, oral) is a message of its own to the unit that does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.content_types.fields import (
    CARE,
    EXAM,
    FIELD_ADDRESS,
    FIELD_ATTACHMENTS,
    FIELD_GUARDIAN_CONTACT,
    FIELD_INTERPRETER,
    FIELD_WHEREABOUTS,
    HEALTH,
    LAWS,
    MENTAL,
    PARTS,
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

__all__ = ["TYPES"]

_HOMES: Final = ("social", "institution")
_PART: Final = choice("part", "del", "part", PARTS, EXAM, required=True)
_CONTACT: Final = text("contact", "kontakt på mottagningen", "contact at the clinic", 300)

TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "health_exam.request",
        "Underrättelse om hälsoundersökning",
        "Health examination request",
        senders=("social",),
        recipients=CARE,
        fields=(
            _PART,
            choice("law", "lag", "law", LAWS, PLACEMENT, required=True),
            day("placed_on", "placerad från", "placed from", PLACEMENT, required=True),
            day("wanted_before", "önskas senast", "wanted before", SCHEDULE),
            FIELD_ADDRESS,
            FIELD_WHEREABOUTS,
            FIELD_GUARDIAN_CONTACT,
            FIELD_INTERPRETER,
            free("background", "bakgrund", "background", 5000),
            FIELD_ATTACHMENTS,
        ),
        tags=(EXAM, PLACEMENT),
        duties=("DUTY_HEALTH_EXAM",),
        reply="health_exam.accepted",
    ),
    content_type(
        "health_exam.accepted",
        "Hälsoundersökning tas emot",
        "Health examination accepted",
        senders=CARE,
        recipients=("social",),
        fields=(_PART, day("planned_on", "planerad till", "planned on", SCHEDULE), _CONTACT),
        tags=(EXAM,),
        reply="health_exam.statement",
    ),
    content_type(
        "health_exam.booking",
        "Tid för hälsoundersökning",
        "Health examination booking",
        senders=CARE,
        recipients=_HOMES,
        fields=(
            _PART,
            day("booked_on", "bokad dag", "booked on", SCHEDULE, required=True),
            text("booked_time", "klockslag", "time of day", 20, SCHEDULE),
            text("place", "mottagning och adress", "clinic and address", 300, SCHEDULE),
            FIELD_INTERPRETER,
            text("bring", "att ta med eller tänka på", "what to bring or think of", 1000),
            _CONTACT,
        ),
        tags=(EXAM,),
        reply="health_exam.statement",
    ),
    content_type(
        "health_exam.not_attended",
        "Uteblev från hälsoundersökning",
        "Health examination not attended",
        senders=CARE,
        recipients=_HOMES,
        fields=(
            _PART,
            day("missed_on", "missad dag", "missed on", EXAM, required=True),
            choice("new_booking", "ny tid erbjuds", "a new time is offered", ("yes", "no"), EXAM, required=True),
            day("booked_on", "ny dag", "new day", SCHEDULE),
            FIELD_INTERPRETER,
            _CONTACT,
        ),
        tags=(EXAM,),
    ),
    content_type(
        "health_exam.declined",
        "Tackade nej till hälsoundersökning",
        "Health examination declined",
        senders=CARE,
        recipients=("social",),
        fields=(
            _PART,
            choice(
                "declined_by",
                "vem som tackade nej",
                "who declined",
                ("child", "guardian", "young_adult"),
                EXAM,
                required=True,
            ),
            day("declined_on", "datum", "date", EXAM, required=True),
            text("reason", "skäl, om det sagts", "reason, if given", 1000, EXAM),
        ),
        tags=(EXAM,),
    ),
    content_type(
        "health_exam.statement",
        "Utlåtande efter hälsoundersökning",
        "Health examination statement",
        senders=CARE,
        recipients=("social",),
        fields=(
            _PART,
            day("examined_on", "undersökt", "examined on", EXAM, required=True),
            free("assessment", "bedömning", "assessment", 20000, HEALTH, required=True),
            free("mental_health", "psykisk hälsa", "mental health", 10000, MENTAL),
            free("needs", "behov av vård och stöd", "needs of care and support", 10000, HEALTH),
            flag("follow_up", "uppföljning behövs", "follow-up is needed", HEALTH),
            FIELD_ATTACHMENTS,
        ),
        tags=(EXAM, HEALTH),
        duties=("DUTY_INVESTIGATION",),
    ),
    content_type(
        "lvu_exam.request",
        "Begäran om läkarundersökning enligt LVU",
        "Request for a medical examination under LVU",
        senders=("social",),
        recipients=("care",),
        fields=(
            choice(
                "situation",
                "läge i ärendet",
                "state of the case",
                ("immediate_custody", "before_application"),
                PLACEMENT,
                required=True,
            ),
            day(
                "executed_on",
                "omhändertagandet verkställt",
                "custody executed on",
                PLACEMENT,
                when=("situation", "immediate_custody"),
            ),
            day("statement_before", "utlåtande behövs senast", "statement needed before", SCHEDULE, required=True),
            free("questions", "vad läkaren ska bedöma", "what the doctor is to assess", 10000, EXAM, required=True),
            FIELD_ADDRESS,
            FIELD_WHEREABOUTS,
            FIELD_GUARDIAN_CONTACT,
            FIELD_INTERPRETER,
            text("contact", "kontakt på socialtjänsten", "contact at social services", 300),
            FIELD_ATTACHMENTS,
        ),
        tags=(EXAM, PLACEMENT),
        duties=("DUTY_LVU_EXAM",),
        reply="lvu_exam.statement",
    ),
    content_type(
        "lvu_exam.statement",
        "Läkarutlåtande enligt LVU",
        "Medical statement under LVU",
        senders=("care",),
        recipients=("social",),
        fields=(
            day("examined_on", "undersökt", "examined on", EXAM, required=True),
            choice(
                "basis",
                "vad utlåtandet bygger på",
                "what it is based on",
                ("visit", "record", "both"),
                EXAM,
                required=True,
            ),
            free("physical_state", "kroppsligt tillstånd", "physical state", 10000, HEALTH, required=True),
            free("mental_state", "psykiskt tillstånd", "mental state", 10000, MENTAL, required=True),
            free("injuries", "skador och tecken på våld", "injuries and signs of violence", 10000, HEALTH),
            free("treatment", "pågående vård och läkemedel", "ongoing care and medicine", 5000, HEALTH),
            free("needs", "behov av vård och stöd", "needs of care and support", 10000, HEALTH),
            free("conclusion", "sammanfattande bedömning", "conclusion", 10000, HEALTH, required=True),
            text("doctor", "läkare och tjänsteställe", "doctor and workplace", 300),
            FIELD_ATTACHMENTS,
        ),
        tags=(EXAM, HEALTH),
        duties=("DUTY_LVU_EXAM", "DUTY_INVESTIGATION"),
    ),
)
"""The group's rows, in the order in which people read them."""
