"""The rows of the message catalogue: every message type, as data.

A row says who may send it to whom, which fields it has and what each field tells about whom, which grounds may carry
it, what answer is expected, and how people call it. `catalogue` reads the rows; adding a type is adding a row. What
stands here is compiled into the schema whose hash is in every routing, so a changed field is another schema.
"""

from __future__ import annotations

from samband.schemas.categories import About, Category, CategoryTag, tag
from samband.schemas.message_type import Field, FieldKind, MessageType

__all__ = ["COMMON_FIELDS", "MESSAGE_TYPES"]


def _text(name: str, sv: str, en: str, limit: int, told: CategoryTag | None = None, *, required: bool = False) -> Field:
    return Field(name, FieldKind.TEXT, sv, en, told, required, limit)


def _free(name: str, sv: str, en: str, limit: int, told: CategoryTag | None = None, *, required: bool = False) -> Field:
    return Field(name, FieldKind.TEXT, sv, en, told, required, limit, free_text=True)


def _choice(
    name: str, sv: str, en: str, choices: tuple[str, ...], told: CategoryTag | None = None, *, required: bool = False
) -> Field:
    return Field(name, FieldKind.CHOICE, sv, en, told, required, choices=choices)


def _date(name: str, sv: str, en: str, told: CategoryTag | None = None, *, required: bool = False) -> Field:
    return Field(name, FieldKind.DATE, sv, en, told, required)


def _flag(name: str, sv: str, en: str, told: CategoryTag | None = None, *, required: bool = False) -> Field:
    return Field(name, FieldKind.FLAG, sv, en, told, required)


_IDENTITY = tag(Category.IDENTITY)
_ADDRESS = tag(Category.ADDRESS)
_WHEREABOUTS = tag(Category.WHEREABOUTS)
_PLACEMENT = tag(Category.PLACEMENT)
_SCHEDULE = tag(Category.SCHEDULE)
_SCHOOL_NAME = tag(Category.SCHOOL_NAME)
_SCHOOL_PLAN = tag(Category.SCHOOL_PLAN)
_EXAM = tag(Category.HEALTH_EXAM)
_HEALTH = tag(Category.HEALTH)
_MENTAL = tag(Category.MENTAL_HEALTH)
_CONCERN = tag(Category.CONCERN)
_DIALOGUE = tag(Category.DIALOGUE)
_CONSENT = tag(Category.CONSENT)
_REPORTER = tag(Category.REPORTER_IDENTITY, About.OTHER)
_GUARDIAN_CONTACT = tag(Category.CONTACT, About.GUARDIAN)

COMMON_FIELDS: tuple[Field, ...] = (
    _text("child_identifier", "personnummer eller motsvarande", "identity number", 33, _IDENTITY, required=True),
    _text("child_name", "barnets namn", "the child's name", 200, _IDENTITY),
    _text("sender_reference", "avsändarens ärendenummer", "sender's case number", 100),
    _text("recipient_reference", "mottagarens ärendenummer", "recipient's case number", 100),
)
"""What every content holds besides its own fields and `acting_user` {id, role}."""

_ANYONE = ("social", "school", "care", "institution")
_CARE = ("care", "school.medical")
_PARTS = ("physical", "psychological", "oral")
_NECESSITY = ("CARE_TO_SOCIAL", "SOCIAL_TO_CARE")

_CONTENT_TYPES: tuple[MessageType, ...] = (
    MessageType(
        "placement.notice",
        "Meddelande om placering",
        "Placement notice",
        sender_kinds=("social",),
        recipient_kinds=_ANYONE,
        fields=(
            _choice("event", "händelse", "what happened", ("started", "moved", "ended"), _PLACEMENT, required=True),
            _choice("law", "lag", "law", ("SoL", "LVU"), _PLACEMENT, required=True),
            _choice(
                "form",
                "placeringsform",
                "form of placement",
                ("family_home", "network_home", "hvb", "sis", "support_home", "shelter", "other"),
                _PLACEMENT,
            ),
            _date("from_date", "från och med", "from", _SCHEDULE, required=True),
            _date("to_date", "till och med", "to", _SCHEDULE),
            _text("address", "adress", "address", 300, _ADDRESS),
            _text("whereabouts", "vistelse", "whereabouts", 300, _WHEREABOUTS),
            _text("school_name", "skola", "school", 200, _SCHOOL_NAME),
            _text("school_plan", "skolgången under placeringen", "schooling during the placement", 2000, _SCHOOL_PLAN),
            _text(
                "guardian_contact",
                "vårdnadshavares kontaktuppgifter",
                "guardians' contact details",
                500,
                _GUARDIAN_CONTACT,
            ),
            _text("responsible", "ansvarig funktion och telefon", "responsible function and telephone", 300),
            _free("note", "övrigt", "other", 5000),
        ),
        tags=(_PLACEMENT,),
        grounds=("CONSENT", "SOCIAL_TO_CARE"),
        expected_reply="receipt",
    ),
    MessageType(
        "health_exam.request",
        "Underrättelse om hälsoundersökning",
        "Health examination request",
        sender_kinds=("social",),
        recipient_kinds=_CARE,
        fields=(
            _choice("part", "del", "part", _PARTS, _EXAM, required=True),
            _choice("law", "lag", "law", ("SoL", "LVU"), _PLACEMENT, required=True),
            _date("placed_on", "placerad från", "placed from", _PLACEMENT, required=True),
            _date("wanted_before", "önskas senast", "wanted before", _SCHEDULE),
            _text("address", "adress", "address", 300, _ADDRESS),
            _text("whereabouts", "vistelse", "whereabouts", 300, _WHEREABOUTS),
            _text(
                "guardian_contact",
                "vårdnadshavares kontaktuppgifter",
                "guardians' contact details",
                500,
                _GUARDIAN_CONTACT,
            ),
            _text("interpreter", "tolk eller kommunikationsstöd", "interpreter or communication support", 200),
            _free("background", "bakgrund", "background", 5000),
        ),
        tags=(_EXAM, _PLACEMENT),
        grounds=("DUTY_HEALTH_EXAM", "SOCIAL_TO_CARE", "CONSENT"),
        expected_reply="health_exam.accepted",
        deadline="health_exam.accepted",
    ),
    MessageType(
        "health_exam.accepted",
        "Hälsoundersökning tas emot",
        "Health examination accepted",
        sender_kinds=_CARE,
        recipient_kinds=("social",),
        fields=(
            _choice("part", "del", "part", _PARTS, _EXAM, required=True),
            _date("planned_on", "planerad till", "planned on", _SCHEDULE),
            _text("contact", "kontakt på mottagningen", "contact at the clinic", 300),
        ),
        tags=(_EXAM,),
        grounds=("CARE_TO_SOCIAL", "CONSENT"),
        expected_reply="health_exam.statement",
        deadline="health_exam.statement",
    ),
    MessageType(
        "health_exam.statement",
        "Utlåtande efter hälsoundersökning",
        "Health examination statement",
        sender_kinds=_CARE,
        recipient_kinds=("social",),
        fields=(
            _choice("part", "del", "part", _PARTS, _EXAM, required=True),
            _date("examined_on", "undersökt", "examined on", _EXAM, required=True),
            _free("assessment", "bedömning", "assessment", 20000, _HEALTH, required=True),
            _free("mental_health", "psykisk hälsa", "mental health", 10000, _MENTAL),
            _free("needs", "behov av vård och stöd", "needs of care and support", 10000, _HEALTH),
            _flag("follow_up", "uppföljning behövs", "follow-up is needed", _HEALTH),
        ),
        tags=(_EXAM, _HEALTH),
        grounds=("CARE_TO_SOCIAL", "CONSENT"),
        expected_reply="receipt",
    ),
    MessageType(
        "concern.report",
        "Orosanmälan",
        "Concern report",
        sender_kinds=("school", "care", "social"),
        recipient_kinds=("social",),
        fields=(
            _choice("urgency", "brådska", "urgency", ("immediate", "today", "normal"), _CONCERN, required=True),
            _free("concern", "oron", "the concern", 20000, _CONCERN, required=True),
            _choice(
                "family_told",
                "familjen är underrättad",
                "the family has been told",
                ("yes", "no"),
                _CONCERN,
                required=True,
            ),
            _free("family_not_told_why", "varför inte", "why not", 2000, _CONCERN),
            _flag("feedback_wanted", "återkoppling önskas", "feedback is wanted"),
            _text("address", "adress", "address", 300, _ADDRESS),
            _text("whereabouts", "var barnet är nu", "where the child is now", 300, _WHEREABOUTS),
            _text("school_name", "skola", "school", 200, _SCHOOL_NAME),
            _text(
                "guardian_contact",
                "vårdnadshavares kontaktuppgifter",
                "guardians' contact details",
                500,
                _GUARDIAN_CONTACT,
            ),
            _text(
                "siblings", "anmälningar om syskon", "reports about siblings", 300, tag(Category.CONCERN, About.SIBLING)
            ),
            _text("reporter", "anmälare", "reporter", 300, _REPORTER),
        ),
        tags=(_CONCERN,),
        grounds=("DUTY_REPORT",),
        expected_reply="receipt",
        deadline="concern.feedback",
    ),
    MessageType(
        "dialogue.message",
        "Meddelande i dialog",
        "Dialogue message",
        sender_kinds=_ANYONE,
        recipient_kinds=_ANYONE,
        fields=(
            _text("subject", "ämne", "subject", 200, _DIALOGUE),
            _free("text", "text", "text", 20000, _DIALOGUE, required=True),
            _text("address", "adress", "address", 300, _ADDRESS),
            _text("whereabouts", "vistelse", "whereabouts", 300, _WHEREABOUTS),
            _text("school_name", "skola", "school", 200, _SCHOOL_NAME),
        ),
        tags=(_DIALOGUE,),
        grounds=("CONSENT", *_NECESSITY),
        expected_reply="receipt",
    ),
)

_SERVICE_TYPES: tuple[MessageType, ...] = (
    MessageType(
        "receipt",
        "Kvittens",
        "Receipt",
        sender_kinds=_ANYONE,
        recipient_kinds=_ANYONE,
        fields=(_free("text", "text", "text", 2000),),
        event=True,
        carries_content=False,
    ),
    MessageType(
        "recall",
        "Återkallelse",
        "Recall",
        sender_kinds=_ANYONE,
        recipient_kinds=_ANYONE,
        fields=(_free("text", "skäl", "reason", 2000),),
        event=True,
        carries_content=False,
    ),
)


def _event(name: str, sv: str, en: str, *fields: Field, senders: tuple[str, ...] = _ANYONE) -> MessageType:
    return MessageType(name, sv, en, senders, (), fields, tags=(_CONSENT,), event=True, carries_content=False)


_CONSENT_TYPES: tuple[MessageType, ...] = (
    MessageType(
        "consent.part",
        "Del av ett samtycke, att bekräfta",
        "Part of a consent, to confirm",
        sender_kinds=_ANYONE,
        recipient_kinds=_ANYONE,
        fields=(
            _text("consent_id", "samtyckets id", "the consent's id", 32, required=True),
            _text("recipients", "får lämnas till", "may be told to", 2000, _CONSENT, required=True),
            _text("told", "uppgifter som omfattas", "information that it covers", 2000, _CONSENT, required=True),
            _choice(
                "about", "om vem", "about whom", ("child", "guardian", "sibling", "other"), _CONSENT, required=True
            ),
            _text("purpose", "ändamål", "purpose", 64, _CONSENT, required=True),
            _date("from_date", "gäller från", "holds from", _CONSENT, required=True),
            _date("to_date", "gäller till och med", "holds until", _CONSENT, required=True),
            _text("givers", "vilka som ska samtycka", "who must consent", 500, _CONSENT, required=True),
            _text("evidence_reference", "var underlaget finns", "where the evidence is kept", 300),
        ),
        tags=(_CONSENT,),
        grounds=("CONSENT_PART",),
        expected_reply="consent.confirmed",
    ),
)

_EVENT_TYPES: tuple[MessageType, ...] = (
    _event(
        "consent.given",
        "Samtycke lämnat",
        "Consent given",
        _free("giver_names", "vilka som samtyckt", "who consented", 500),
        _free("explained", "vad som förklarats", "what was explained", 5000),
        _free("child_words", "barnets egna ord", "the child's own words", 5000),
        _text("evidence_reference", "var underlaget finns", "where the evidence is kept", 300),
    ),
    _event(
        "consent.signed",
        "Samtycke undertecknat",
        "Consent signed",
        _free("child_words", "barnets egna ord", "the child's own words", 5000),
        _text("evidence_reference", "var underlaget finns", "where the evidence is kept", 300),
    ),
    _event("consent.confirmed", "Samtycke bekräftat", "Consent confirmed"),
    _event(
        "consent.disputed",
        "Samtycke ifrågasatt",
        "Consent disputed",
        _free("words", "varför", "why", 2000),
    ),
    _event(
        "consent.withdrawn",
        "Samtycke återkallat",
        "Consent withdrawn",
        _free("words", "med egna ord", "in their own words", 2000),
    ),
    _event(
        "consent.refused",
        "Samtycke nekat",
        "Consent refused",
        _free("words", "med egna ord", "in their own words", 2000),
    ),
    _event(
        "maturity.assessed",
        "Mognad bedömd",
        "Maturity assessed",
        _free("motive", "motivering", "motive", 5000),
    ),
    _event(
        "protection.marked",
        "Skyddsmarkering",
        "Protection mark",
        _free("note", "anteckning", "note", 2000),
    ),
    _event("circle.update", "Kretsen ändrad", "Circle update", senders=("social",)),
    _event("circle.handover", "Ansvaret lämnas över", "Responsibility handed over", senders=("social",)),
    _event("circle.accepted", "Ansvaret övertas", "Responsibility accepted", senders=("social",)),
    _event("investigation.declared", "Utredning öppen eller avslutad", "Investigation declared", senders=("social",)),
    _event(
        "ground.motivated",
        "Motiverat beslut om utlämnande",
        "Motivated decision",
        _free("motive", "motivering", "motive", 5000, required=True),
    ),
    _event("identity.changed", "Ändrad identitet", "Identity changed", senders=("social",)),
    _event("act.logged", "Åtgärd antecknad", "Act logged", _free("note", "anteckning", "note", 5000)),
)

MESSAGE_TYPES: tuple[MessageType, ...] = _CONTENT_TYPES + _SERVICE_TYPES + _CONSENT_TYPES + _EVENT_TYPES
"""Every row, in the order in which people read them."""
