"""Who may say what about a child: one row per event, as data, so that it can be read, printed and tried whole.

    row_of(CircleHandover("SE…-IFO")).by        (Relation.RESPONSIBLE, Relation.CONTENDER)

A row names the relations to the child of which the signing unit must have one. What a relation is at a moment is worked
out in `samband.streams.decision.speech`; what an event may not hold is checked where it changes something. A steering
group has no relation at all: it gets nothing about a child and says nothing. The page `docs/speech.md` is written from
the rows: python -m samband.schemas.speech > docs/speech.md
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.schemas.catalogue import find
from samband.schemas.event_bodies import EventBody, IdentityChanged, ProtectionMarked
from samband.schemas.events import name_of
from samband.schemas.reasons import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MANUAL_GROUNDS", "RELATION_TEXTS", "SPEECH", "Form", "Relation", "SpeechRow", "page", "row_of"]

MANUAL_GROUNDS: Final = frozenset({"CANNOT_CONSENT", "GENERAL_CLAUSE", "LVU_BOARD", "NECESSARY_OWN", "ONE_GUARDIAN"})
"""Grounds that a named function of the discloser opens by a motivated decision; no other can be motivated."""


class Relation(StrEnum):
    """What a unit is to a child, at a moment and for one event."""

    RESPONSIBLE = "responsible"
    CONTENDER = "contender"
    OFFERED = "offered"
    CLAIMANT = "claimant"
    RIVAL = "rival"
    MEMBER = "member"
    MARKER = "marker"
    RECORDER = "recorder"
    DISCLOSER = "discloser"
    NAMED = "named"
    SOCIAL = "social"
    ANYONE = "anyone"


RELATION_TEXTS: Final[Mapping[Relation, tuple[str, str]]] = MappingProxyType(
    {
        Relation.RESPONSIBLE: (
            "den enhet som ensam har ansvaret för barnet",
            "the unit that alone is responsible for the child",
        ),
        Relation.CONTENDER: (
            "en av två enheter som båda säger att de har ansvaret",
            "one of two units that both claim the child",
        ),
        Relation.OFFERED: (
            "den enhet som den ansvariga vill lämna över till",
            "the unit that the responsible one hands the child over to",
        ),
        Relation.CLAIMANT: (
            "en socialtjänstenhet, så länge ingen enhet har ansvaret",
            "a social services authority's unit, while nobody is responsible",
        ),
        Relation.RIVAL: (
            "en socialtjänstenhet hos en annan myndighet, inom ett dygn från att ansvaret togs",
            "a unit of another social services authority, within a day of the claim",
        ),
        Relation.MEMBER: ("en enhet som har en roll i kretsen nu", "a unit that has a role in the circle now"),
        Relation.MARKER: (
            "en enhet hos den som satte skyddsmarkeringen",
            "a unit of the authority or provider that set the mark",
        ),
        Relation.RECORDER: (
            "en enhet hos den som registrerade samtycket",
            "a unit of the authority or provider that recorded the consent",
        ),
        Relation.DISCLOSER: (
            "en enhet hos den som enligt samtycket lämnar ut",
            "a unit of the authority or provider that discloses by the consent",
        ),
        Relation.NAMED: (
            "en enhet som samtycket nämner, som utlämnare eller mottagare",
            "a unit that the consent names, as discloser or recipient",
        ),
        Relation.SOCIAL: (
            "en enhet hos en socialnämnd (inte en privat utförare)",
            "a unit of a social services authority (not a private provider)",
        ),
        Relation.ANYONE: ("vilken enhet som helst, utom en BUS-grupp", "any unit, except a steering group"),
    }
)
"""Each relation in Swedish and English."""


class Form(StrEnum):
    """What an event says, where one type says several things."""

    WHOLE = ""
    SET = "set"
    NAME = "name"
    LIFT = "lift"
    ARRIVING = "arriving"
    LEAVING = "leaving"


_FORM_TEXTS: Final[Mapping[Form, tuple[str, str]]] = MappingProxyType(
    {
        Form.WHOLE: ("", ""),
        Form.SET: ("sätta", "set"),
        Form.NAME: ("sätta, och namnge vem som ändå får veta", "set, and name who may still be told"),
        Form.LIFT: ("häva", "lift"),
        Form.ARRIVING: ("på det nya numret", "at the new number"),
        Form.LEAVING: ("på det gamla numret", "at the old number"),
    }
)


@dataclass(frozen=True, slots=True)
class SpeechRow:
    """One row: the signer has one of these relations, or is refused with the code."""

    event: str
    by: tuple[Relation, ...]
    code: str = "TYPE_NOT_FOR_KIND"
    form: Form = Form.WHOLE
    not_social: str = ""
    """The code for a signer that is no social services authority's unit, where that is what is wrong."""


_R = Relation
_ROWS: Final = (
    SpeechRow("consent.given", (_R.DISCLOSER, _R.RESPONSIBLE), "CONSENT_RECORDER"),
    SpeechRow("consent.signed", (_R.RECORDER, _R.DISCLOSER, _R.RESPONSIBLE), "CONSENT_RECORDER"),
    SpeechRow("consent.confirmed", (_R.DISCLOSER,), "CONSENT_CONFIRMER"),
    SpeechRow("consent.disputed", (_R.NAMED, _R.RESPONSIBLE), "CONSENT_DISPUTER"),
    SpeechRow("consent.withdrawn", (_R.ANYONE,)),
    SpeechRow("consent.refused", (_R.ANYONE,)),
    SpeechRow("maturity.assessed", (_R.ANYONE,)),
    SpeechRow("protection.marked", (_R.ANYONE,), form=Form.SET),
    SpeechRow("protection.marked", (_R.RESPONSIBLE,), "MARK_NAMED", Form.NAME),
    SpeechRow(
        "protection.marked",
        (_R.RESPONSIBLE, _R.CONTENDER, _R.MEMBER, _R.MARKER, _R.RECORDER, _R.DISCLOSER, _R.NAMED),
        "MARK_UNINVOLVED",
        Form.LIFT,
    ),
    SpeechRow("circle.update", (_R.RESPONSIBLE, _R.CLAIMANT, _R.RIVAL), "CIRCLE_TAKEN", not_social="CIRCLE_NOT_SOCIAL"),
    SpeechRow("circle.handover", (_R.RESPONSIBLE, _R.CONTENDER), "CIRCLE_NOT_YOURS", not_social="CIRCLE_NOT_SOCIAL"),
    SpeechRow("circle.accepted", (_R.OFFERED,), "CIRCLE_NOT_OFFERED", not_social="CIRCLE_NOT_SOCIAL"),
    SpeechRow("investigation.declared", (_R.SOCIAL,), "INVESTIGATION_NOT_BOARD"),
    SpeechRow("ground.motivated", (_R.ANYONE,)),
    SpeechRow(
        "identity.changed",
        (_R.RESPONSIBLE, _R.CLAIMANT),
        "CIRCLE_TAKEN",
        Form.ARRIVING,
        not_social="IDENTITY_NOT_SOCIAL",
    ),
    SpeechRow(
        "identity.changed", (_R.RESPONSIBLE,), "CIRCLE_NOT_YOURS", Form.LEAVING, not_social="IDENTITY_NOT_SOCIAL"
    ),
    SpeechRow("act.logged", (_R.ANYONE,)),
)

SPEECH: Final[Mapping[tuple[str, Form], SpeechRow]] = MappingProxyType({(row.event, row.form): row for row in _ROWS})
"""The rows, by event and what it says."""


def row_of(body: EventBody) -> SpeechRow | None:
    """Return the row of what an event says; None for a receipt or recall, which is about a message and not a child."""
    match body:
        case ProtectionMarked():
            form = Form.LIFT if body.lifted else Form.NAME if body.named else Form.SET
        case IdentityChanged():
            form = Form.ARRIVING if body.arriving else Form.LEAVING
        case _:
            form = Form.WHOLE
    return SPEECH.get((name_of(body), form))


_HEAD_SV: Final = """# Vem får säga vad om ett barn

Skrivet av raderna i `samband.schemas.speech` med `python -m samband.schemas.speech`; ett test jämför. In English below.

Grinden tar emot en händelse bara från en enhet som har minst ett av de förhållanden till barnet som står på raden. Den
som inte har det får den kod som står sist. En enhet kan ha flera förhållanden på en gång. En BUS-grupp har inget.
"""
_HEAD_EN: Final = """# Who may say what about a child

The gate takes an event only from a unit that has at least one of the relations to the child that its row names. Whoever
has none is answered with the code in the last column. A unit may have several at once. A steering group has none.
"""


def page() -> str:
    """Return `docs/speech.md`: the rows in Swedish and in English."""
    return f"{_HEAD_SV}\n{_tables(0)}\n{_HEAD_EN}\n{_tables(1)}"


def _tables(language: int) -> str:
    """Return the two tables in Swedish (0) or English (1)."""
    event, who, code = (("händelse", "vem", "annars"), ("event", "who", "otherwise"))[language]
    relation, means = (("förhållande", "betyder"), ("relation", "means"))[language]
    lines = [f"| {event} | | {who} | {code} |", "|---|---|---|---|"]
    for row in _ROWS:
        kind = find(row.event)
        label, form = (kind.label_sv, kind.label_en)[language], _FORM_TEXTS[row.form][language]
        codes = " ".join(f"`{each}`" for each in dict.fromkeys((row.not_social, row.code)) if each)
        named = ", ".join(f"`{each}`" for each in row.by)
        lines.append(f"| `{row.event}` | {label}{f': {form}' if form else ''} | {named} | {codes} |")
    lines += ["", f"| {relation} | {means} |", "|---|---|"]
    lines += [f"| `{each}` | {RELATION_TEXTS[each][language]} |" for each in Relation]
    lines += ["", f"| {('kod', 'code')[language]} | {means} |", "|---|---|"]
    for each in dict.fromkeys(code for row in _ROWS for code in (row.not_social, row.code) if code):
        reason = explain(each)
        lines.append(
            f"| `{each}` | {(reason.sv, reason.en)[language]} {(reason.remedy_sv, reason.remedy_en)[language]} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
