"""Referral from school to the region on suspected ADHD or autism, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.categories import About, Category, tag
from samband.schemas.content_types.fields import (
    ABSENCE,
    FIELD_ATTACHMENTS,
    FIELD_GUARDIAN_CONTACT,
    FIELD_INTERPRETER,
    HEALTH,
    MENTAL,
    PSYCHOSOCIAL,
    SCHEDULE,
    SCHOOL_SUPPORT,
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
        "referral.request",
        "Remiss vid misstänkt adhd eller autism",
        "Referral on suspected ADHD or autism",
        senders=("school",),
        recipients=("care",),
        fields=(
            choice(
                "suspected", "frågeställning", "question", ("adhd", "autism", "both", "other"), MENTAL, required=True
            ),
            free("question", "vad som efterfrågas", "what is asked for", 5000, MENTAL, required=True),
            free("observations", "vad skolan ser", "what the school sees", 10000, SCHOOL_SUPPORT, required=True),
            text("support_tried", "prövat stöd och dess effekt", "support tried and its effect", 5000, SCHOOL_SUPPORT),
            text(
                "assessments",
                "pedagogisk och psykologisk kartläggning",
                "educational and psychological assessment",
                10000,
                PSYCHOSOCIAL,
            ),
            text("health", "elevhälsans medicinska uppgifter", "the school's medical information", 5000, HEALTH),
            text("attendance", "närvaro och frånvaro", "attendance and absence", 2000, ABSENCE),
            text("child_view", "barnets egen bild", "the child's own view", 2000, MENTAL),
            text(
                "guardian_view",
                "vårdnadshavares bild av hemsituationen",
                "the guardians' view of home",
                5000,
                tag(Category.SOCIAL_INVESTIGATION, About.GUARDIAN),
            ),
            FIELD_GUARDIAN_CONTACT,
            FIELD_INTERPRETER,
            FIELD_ATTACHMENTS,
        ),
        tags=(MENTAL,),
        reply="referral.response",
    ),
    content_type(
        "referral.response",
        "Svar på remiss",
        "Referral response",
        senders=("care",),
        recipients=("school",),
        fields=(
            choice(
                "answer", "svar", "answer", ("accepted", "incomplete", "forwarded", "declined"), MENTAL, required=True
            ),
            text(
                "missing",
                "vad som behöver kompletteras",
                "what needs to be added",
                5000,
                MENTAL,
                when=("answer", "incomplete"),
            ),
            text("reason", "skäl", "reason", 2000, MENTAL, when=("answer", "declined")),
            day("planned_on", "planerad till", "planned on", SCHEDULE),
            FIELD_INTERPRETER,
            text("contact", "kontakt på mottagningen", "contact at the clinic", 300),
        ),
        tags=(MENTAL,),
        reply="referral.feedback",
    ),
    content_type(
        "referral.feedback",
        "Återkoppling efter remiss",
        "Referral feedback",
        senders=("care",),
        recipients=("school",),
        fields=(
            day("finished_on", "utredningen avslutad", "assessment finished on", SCHEDULE),
            free("summary", "sammanfattning", "summary", 10000, MENTAL, required=True),
            text("advice", "råd till skolan", "advice to the school", 5000, SCHOOL_SUPPORT),
            text("continued_care", "fortsatt vård", "continued care", 5000, HEALTH),
            text("contact", "kontakt på mottagningen", "contact at the clinic", 300),
        ),
        tags=(MENTAL,),
    ),
)
"""The group's rows, in the order in which people read them."""
