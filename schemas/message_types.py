"""The rows of the message catalogue: every message type, as data.

A row says who may send it to whom, which fields it has and what each field tells about whom, which grounds may carry
it, what answer is expected, and how people call it. `catalogue` reads the rows; adding a type is adding a row, in
`content_types` to the module of its group. What stands there is compiled into the schema whose hash is in every
routing, so a changed field is another schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from samband.schemas.content_types import concern, consent, dialogue, health, placement, referral, school, sip
from samband.schemas.content_types.fields import ANYONE as _ANYONE
from samband.schemas.content_types.fields import CONSENT as _CONSENT
from samband.schemas.content_types.fields import IDENTITY as _IDENTITY
from samband.schemas.content_types.fields import free as _free
from samband.schemas.content_types.fields import text as _text
from samband.schemas.message_type import Field, MessageType

__all__ = ["COMMON_FIELDS", "GROUPS", "MESSAGE_TYPES", "Group"]


@dataclass(frozen=True, slots=True)
class Group:
    """Types that people look for in one place."""

    label_sv: str
    label_en: str
    types: tuple[MessageType, ...]


GROUPS: Final[tuple[Group, ...]] = (
    Group("Placering", "Placement", placement.TYPES),
    Group("Obruten skolgång", "Unbroken schooling", school.TYPES),
    Group("Hälsoundersökning och läkarundersökning", "Health and medical examination", health.TYPES),
    Group("Samordnad individuell plan (SIP)", "Coordinated individual plan (SIP)", sip.TYPES),
    Group("Remiss", "Referral", referral.TYPES),
    Group("Oro och tidig konsultation", "Concern and early consultation", concern.TYPES),
    Group("Samtycke", "Consent", consent.TYPES),
    Group("Vem som ansvarar", "Who is responsible", dialogue.RESPONSIBILITY_TYPES),
    Group("Dialog", "Dialogue", dialogue.DIALOGUE_TYPES),
    Group("Meddelanden om meddelanden", "Messages about messages", dialogue.SERVICE_TYPES),
)
"""Every type that tells something, in the order in which people read them."""

COMMON_FIELDS: tuple[Field, ...] = (
    _text("child_identifier", "personnummer eller motsvarande", "identity number", 33, _IDENTITY, required=True),
    _text("child_name", "barnets namn", "the child's name", 200, _IDENTITY),
    _text("sender_reference", "avsändarens ärendenummer", "sender's case number", 100),
    _text("recipient_reference", "mottagarens ärendenummer", "recipient's case number", 100),
)
"""What every content holds besides its own fields and `acting_user` {id, role}."""

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
    MessageType(
        "key.card",
        "Egen nyckel",
        "Key of one's own",
        sender_kinds=(*_ANYONE, "coordination"),
        recipient_kinds=(*_ANYONE, "coordination"),
        fields=(),
        event=True,
        carries_content=False,
    ),
    MessageType(
        "log.cosigned",
        "Vittnesord om loggen",
        "Witness's word on the log",
        sender_kinds=(*_ANYONE, "coordination"),
        recipient_kinds=(*_ANYONE, "coordination"),
        fields=(),
        event=True,
        carries_content=False,
    ),
)


def _event(name: str, sv: str, en: str, *fields: Field, senders: tuple[str, ...] = _ANYONE) -> MessageType:
    return MessageType(name, sv, en, senders, (), fields, tags=(_CONSENT,), event=True, carries_content=False)


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

_CONTENT_TYPES: tuple[MessageType, ...] = tuple(row for group in GROUPS for row in group.types)

MESSAGE_TYPES: tuple[MessageType, ...] = _CONTENT_TYPES + _SERVICE_TYPES + _EVENT_TYPES
"""Every row, in the order in which people read them."""
