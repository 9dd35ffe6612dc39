"""The sandbox's children, who do not exist, and what the gate answers about each: fixed, so that a test can rest on it.

    PERMITTED.identifier          '201903149816'
    for each in ANSWERS: …        child, type, from, to → outcome and why

Each name is also a word of the API: `"child": "permitted"`. What makes the answers so is said to the gate at the start
by the parties themselves, as real events (`history`); nothing is planted in anybody's memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from samband.connectors.sandbox.places import BUP, IFO, SCHOOL
from samband.schemas.catalogue import find
from samband.schemas.categories import About, Category
from samband.schemas.events import (
    ChildView,
    ConsentDisputed,
    ConsentGiven,
    Digest,
    EventBody,
    Giver,
    GiverRole,
    Id16,
    MarkKind,
    ProtectionMarked,
    Recipient,
    View,
)
from samband.schemas.identifiers import ChildIdentifier, without_number
from samband.schemas.testdata import synthetic

__all__ = ["ANSWERS", "CHILDREN", "Answer", "Child", "example_about", "history"]

_TOLD: Final = (
    Category.IDENTITY,
    Category.PLACEMENT,
    Category.SCHEDULE,
    Category.SCHOOL_NAME,
    Category.SCHOOL_PLAN,
    Category.SOCIAL_INVESTIGATION,
)
"""What the consents of the beginning allow to tell: all that the example of a placement notice does."""
_PLACES: Final = ("address", "whereabouts", "school_name")
"""Categories that are never told of a protected child."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child of the sandbox."""

    key: str
    identifier: ChildIdentifier
    name: str
    told: tuple[str, str]
    """What is true of it, in Swedish and English."""


def _child(number: int, key: str, swedish: str, english: str) -> Child:
    made = synthetic(number, born=date(2019, 3, number % 100))
    return Child(key, made.identifier, made.name, (swedish, english))


PERMITTED: Final = _child(
    101, "permitted", "Båda vårdnadshavarna har samtyckt till att skolan får veta var barnet bor.",
    "Both guardians have consented that the school is told where the child lives.",
)  # fmt: skip
DENIED: Final = _child(
    102, "denied", "Ingen har samtyckt till något, och ingen plikt finns.", "Nobody has consented, and no duty exists."
)
ASK: Final = _child(
    103, "ask", "Som `permitted`, men skolan tvivlar på samtycket: en människa måste avgöra.",
    "As `permitted`, but the school doubts the consent: a person must decide.",
)  # fmt: skip
PROTECTED: Final = _child(
    104, "protected", "Som `permitted`, med hemlig vistelseort: innehållet hålls i anslutningen, adress nekas.",
    "As `permitted`, with secret whereabouts: content is held in the connector, an address is denied.",
)  # fmt: skip
WITHOUT: Final = Child(
    "without_number",
    without_number(hashlib.sha256(b"samband sandbox: a child without number").digest()[:16]),
    "Testa Utan Nummer",
    (
        "Har inget personnummer: en slumpmässig referens står för barnet, och ingen ålder är känd.",
        "Has no personal number: a random reference stands for the child, and no age is known.",
    ),
)
CHILDREN: Final = {each.key: each for each in (PERMITTED, DENIED, ASK, PROTECTED, WITHOUT)}


class Answer(NamedTuple):
    """What comes of a message about a child, whoever asks."""

    child: str
    type: str
    sender: str
    recipient: str
    outcome: str
    why: str
    """A ground or a reason that the decision names."""
    held: bool = False
    """The recipient's own system gets a reference only."""


ANSWERS: Final = (
    Answer("permitted", "placement.notice", IFO, SCHOOL, "permit", "CONSENT"),
    Answer("permitted", "concern.report", SCHOOL, IFO, "permit", "DUTY_REPORT"),
    Answer("permitted", "health_exam.request", IFO, BUP, "permit", "DUTY_HEALTH_EXAM"),
    Answer("denied", "placement.notice", IFO, SCHOOL, "deny", "CONSENT_MISSING"),
    Answer("denied", "concern.report", SCHOOL, IFO, "permit", "DUTY_REPORT"),
    Answer("ask", "placement.notice", IFO, SCHOOL, "ask", "CONSENT_DISPUTED"),
    Answer("protected", "placement.notice", IFO, SCHOOL, "permit", "CONSENT", held=True),
    Answer("protected", "dialogue.message", IFO, BUP, "deny", "FORBID_PROTECTED"),
    Answer("without_number", "placement.notice", IFO, SCHOOL, "deny", "CONSENT_MISSING"),
    Answer("without_number", "concern.report", SCHOOL, IFO, "permit", "DUTY_REPORT"),
)
"""The answers that tests may rest on; there are more, since every type and pair can be asked about."""


class Said(NamedTuple):
    """An event of a child's history: which party says it, through which unit."""

    party: str
    unit: str
    child: Child
    body: EventBody


def history(now: int) -> Iterator[Said]:
    """Yield what the parties say at the start, in order; `now` in seconds."""
    for child in (PERMITTED, ASK, PROTECTED):
        yield Said("socialtjanst", IFO, child, _consent(child, now))
        yield Said("socialtjanst", IFO, child, _consent(child, now, About.GUARDIAN))
    for about in (About.CHILD, About.GUARDIAN):
        yield Said("skola", SCHOOL, ASK, ConsentDisputed(_consent_id(ASK, about), code="FORM"))
    yield Said("socialtjanst", IFO, PROTECTED, ProtectionMarked(MarkKind.SECRET_WHEREABOUTS))


def example_about(child: Child, type_name: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return an example content that is about a child of the sandbox; where the protected one is stays out.

    Raises:
        InputError: no such type.
    """
    about = {**content, "child_identifier": child.identifier}
    if "child_name" in about:
        about["child_name"] = child.name
    if child is PROTECTED:
        places = {each.name for each in find(type_name).fields if each.tag and each.tag.startswith(_PLACES)}
        about = {name: value for name, value in about.items() if name not in places}
        if type_name == "dialogue.message":
            about["address"] = "Exempelvägen 7, 720 00 Provsta"
    return about


def _consent_id(child: Child, about: About = About.CHILD) -> Id16:
    return Id16(hashlib.sha256(f"samband sandbox consent {child.key} {about}".encode()).digest()[:16])


def _consent(child: Child, now: int, about: About = About.CHILD) -> ConsentGiven:
    """Return a consent as both guardians signed it; about a guardian, that one's own, on how to be reached."""
    evidence = Digest(hashlib.sha256(b"samband sandbox evidence " + child.key.encode()).digest())
    guardians = ("guardian-1", "guardian-2") if about is About.CHILD else ("guardian-1",)
    return ConsentGiven(
        consent_id=_consent_id(child, about),
        about=about,
        disclosers=(IFO,),
        recipients=(Recipient(SCHOOL, "school"),),
        categories=_TOLD if about is About.CHILD else (Category.CONTACT,),
        purpose="schooling_during_placement",
        valid_from=now - 60,
        valid_to=now + 180 * 86_400,
        givers=tuple(Giver(GiverRole.GUARDIAN, each) for each in guardians),
        signed_by=guardians,
        child_view=ChildView(View.AGREES),
        explained=("what", "to_whom", "withdrawal"),
        evidence=evidence,
        recorder_role="socialsekreterare",
        acting_user=evidence,
    )
