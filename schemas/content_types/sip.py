"""Coordinated individual plan (SIP; SoL 10:8–9, HSL 16:4), from the offer to its end.

That the family wants a plan is a precondition of the conversation and no ground for telling anything: each message
needs a ground of its own. A plan says who does what in one field per field of work, so that each counts as what it
tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.content_types.fields import (
    ANYONE,
    FIELD_ATTACHMENTS,
    FIELD_INTERPRETER,
    HEALTH,
    MEETING,
    SCHEDULE,
    SCHOOL_SUPPORT,
    SIP,
    SIP_GUARDIAN,
    SOCIAL,
    choice,
    content_type,
    day,
    free,
    text,
)

if TYPE_CHECKING:
    from samband.schemas.message_type import MessageType

__all__ = ["TYPES"]

_SERVICES: Final = ("social", "care", "school")
_GIVERS: Final = ("child", "guardian", "relative", "unit")
_SCALE: Final = ("fully", "mostly", "little", "not_at_all")
_PARTICIPANTS: Final = text("participants", "inbjudna eller deltagare", "invited or taking part", 1000, SIP)
_VERSION: Final = text("version", "planens version", "version of the plan", 20, SIP, required=True)

TYPES: Final[tuple[MessageType, ...]] = (
    content_type(
        "sip.offered",
        "SIP erbjuden",
        "SIP offered",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            choice("asked_by", "vem som tog upp det", "who raised it", _GIVERS, SIP, required=True),
            day("offered_on", "erbjuden", "offered on", SCHEDULE, required=True),
            choice(
                "answer",
                "familjens svar",
                "the family's answer",
                ("accepted", "undecided", "declined"),
                SIP,
                required=True,
            ),
            text("reason", "skäl, om det sagts", "reason, if given", 1000, SIP),
        ),
        tags=(SIP,),
    ),
    content_type(
        "sip.initiative",
        "Initiativ till SIP",
        "SIP initiative",
        senders=_SERVICES,
        recipients=ANYONE,
        fields=(
            choice("asked_by", "vem som tog upp det", "who raised it", _GIVERS, SIP, required=True),
            free("reason", "varför samordning behövs", "why coordination is needed", 5000, SIP, required=True),
            choice("urgency", "brådska", "urgency", ("immediate", "soon", "normal"), SIP),
            _PARTICIPANTS,
            text("contact", "kontakt hos avsändaren", "contact at the sender", 300),
        ),
        tags=(SIP,),
        reply="sip.invitation",
    ),
    content_type(
        "sip.pre_meeting",
        "Förmöte inför SIP",
        "SIP pre-meeting",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            *MEETING,
            _PARTICIPANTS,
            free("agenda", "vad som ska förberedas", "what to prepare", 5000, SIP, required=True),
        ),
        tags=(SIP,),
        reply="sip.reply",
    ),
    content_type(
        "sip.preparation",
        "Barnets och familjens önskemål inför SIP",
        "The child's and the family's wishes before a SIP",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            choice(
                "child_asked",
                "barnet har fått frågan",
                "the child has been asked",
                ("yes", "no", "too_young"),
                SIP,
                required=True,
            ),
            text("not_asked_why", "varför inte", "why not", 1000, SIP, when=("child_asked", "no")),
            free("child_words", "barnets egna ord", "the child's own words", 10000, SIP),
            free("guardian_words", "vårdnadshavares egna ord", "the guardians' own words", 10000, SIP_GUARDIAN),
            text("wants_present", "vilka barnet vill ha med", "whom the child wants to be there", 1000, SIP),
            text("comfort", "vad som gör mötet lättare", "what makes the meeting easier", 1000, SIP),
            FIELD_INTERPRETER,
            FIELD_ATTACHMENTS,
        ),
        tags=(SIP,),
    ),
    content_type(
        "sip.invitation",
        "Kallelse till SIP-möte",
        "Invitation to a SIP meeting",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            *MEETING,
            _PARTICIPANTS,
            free("agenda", "vad mötet gäller", "what the meeting is about", 5000, SIP, required=True),
            day("reply_before", "svara senast", "reply before", SCHEDULE),
            text("convener", "sammankallande och telefon", "convener and telephone", 300),
            FIELD_ATTACHMENTS,
        ),
        tags=(SIP,),
        reply="sip.reply",
    ),
    content_type(
        "sip.reply",
        "Svar på kallelse till SIP",
        "Reply to a SIP invitation",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            choice("answer", "svar", "answer", ("accepted", "declined"), SIP, required=True),
            text("attending", "vem som kommer", "who attends", 300),
            text("reason", "skäl", "reason", 1000, SIP, when=("answer", "declined")),
            text("substitute", "ersättare", "substitute", 300, when=("answer", "declined")),
            FIELD_INTERPRETER,
        ),
        tags=(SIP,),
    ),
    content_type(
        "sip.plan",
        "Samordnad individuell plan",
        "Coordinated individual plan",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            _VERSION,
            day("decided_on", "upprättad", "drawn up on", SCHEDULE, required=True),
            free("needs", "barnets behov", "the child's needs", 20000, SIP, required=True),
            text("goals", "mål", "goals", 5000, SIP),
            text("measures_social", "socialtjänsten gör", "what social services do", 5000, SOCIAL),
            text("measures_care", "hälso- och sjukvården gör", "what health care does", 5000, HEALTH),
            text("measures_school", "skolan gör", "what the school does", 5000, SCHOOL_SUPPORT),
            text("measures_others", "andras insatser", "what others do", 5000, SIP),
            text("family_does", "barnet och familjen gör", "what the child and the family do", 5000, SIP),
            text("responsible", "vem som har huvudansvaret", "who has overall responsibility", 300, SIP, required=True),
            text("contacts", "kontakt hos var och en", "contact at each", 2000, SIP),
            _PARTICIPANTS,
            day("follow_up_on", "följs upp", "follow-up on", SCHEDULE),
            FIELD_ATTACHMENTS,
        ),
        tags=(SIP,),
        reply="sip.approved",
    ),
    content_type(
        "sip.approved",
        "SIP godkänd",
        "SIP approved",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            _VERSION,
            choice("approved_by", "godkänd av", "approved by", ("unit", "child", "guardian"), SIP, required=True),
            day("approved_on", "godkänd den", "approved on", SCHEDULE, required=True),
            text("reservation", "reservation", "reservation", 2000, SIP),
        ),
        tags=(SIP,),
    ),
    content_type(
        "sip.follow_up",
        "Uppföljning av SIP",
        "SIP follow-up",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            _VERSION,
            *MEETING,
            choice("goals_met", "målen är nådda", "the goals are met", _SCALE, SIP),
            free("summary", "vad uppföljningen visar", "what the follow-up shows", 10000, SIP, required=True),
            text("child_view", "barnets egen bild", "the child's own view", 2000, SIP),
            day("next_on", "nästa uppföljning", "next follow-up", SCHEDULE),
            _PARTICIPANTS,
            FIELD_ATTACHMENTS,
        ),
        tags=(SIP,),
    ),
    content_type(
        "sip.closed",
        "SIP avslutad",
        "SIP closed",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            day("closed_on", "avslutad", "closed on", SCHEDULE, required=True),
            choice(
                "reason",
                "skäl",
                "reason",
                ("goals_met", "family_ended", "no_longer_needed", "moved", "age", "other"),
                SIP,
                required=True,
            ),
            free("summary", "sammanfattning", "summary", 5000, SIP),
        ),
        tags=(SIP,),
    ),
    content_type(
        "sip.evaluation",
        "Utvärdering av SIP, utan namn",
        "SIP evaluation, without a name",
        senders=ANYONE,
        recipients=ANYONE,
        fields=(
            choice("voice", "vems röst", "whose voice", ("child", "guardian"), SIP, required=True),
            choice("listened_to", "blev lyssnad på", "was listened to", _SCALE, SIP),
            choice("took_part", "kunde påverka", "could influence", _SCALE, SIP),
            choice("knows_contact", "vet vart man vänder sig", "knows whom to turn to", _SCALE, SIP),
            choice("helped", "planen hjälpte", "the plan helped", _SCALE, SIP),
            text("own_words", "med egna ord", "in their own words", 2000, SIP),
        ),
        tags=(SIP,),
        unidentified=True,
    ),
)
"""The group's rows, in the order in which people read them."""
