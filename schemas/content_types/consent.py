"""A consent's part: what each discloser is told of a consent that another has recorded."""

from __future__ import annotations

from typing import Final

from samband.schemas.content_types.fields import ANYONE, CONSENT, choice, day, text
from samband.schemas.message_type import MessageType

__all__ = ["TYPES"]

TYPES: Final[tuple[MessageType, ...]] = (
    MessageType(
        "consent.part",
        "Del av ett samtycke, att bekräfta",
        "Part of a consent, to confirm",
        sender_kinds=ANYONE,
        recipient_kinds=ANYONE,
        fields=(
            text("consent_id", "samtyckets id", "the consent's id", 32, required=True),
            text("recipients", "får lämnas till", "may be told to", 2000, CONSENT, required=True),
            text("told", "uppgifter som omfattas", "information that it covers", 2000, CONSENT, required=True),
            choice("about", "om vem", "about whom", ("child", "guardian", "sibling", "other"), CONSENT, required=True),
            text("purpose", "ändamål", "purpose", 64, CONSENT, required=True),
            day("from_date", "gäller från", "holds from", CONSENT, required=True),
            day("to_date", "gäller till och med", "holds until", CONSENT, required=True),
            text("givers", "vilka som ska samtycka", "who must consent", 500, CONSENT, required=True),
            text("evidence_reference", "var underlaget finns", "where the evidence is kept", 300),
        ),
        tags=(CONSENT,),
        grounds=("CONSENT_PART",),
        expected_reply="consent.confirmed",
        deadline="consent.confirmed",
    ),
)
"""The group's rows, in the order in which people read them."""
