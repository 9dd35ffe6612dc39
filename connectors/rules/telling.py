"""A situation in plain words, Swedish and English, so that a lawyer can judge what a rulebook makes of it."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.connectors.rules.situation import SomeConsent
from samband.connectors.rules.words import LIMBS, MARKS, PURPOSES, Words, listed
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.event_bodies import Maturity
from samband.schemas.units import KIND_TEXTS, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from samband.connectors.rules.situation import Situation
    from samband.schemas.units import Regime

__all__ = ["known", "message"]

_FLAGS: Final = MappingProxyType(
    {
        "same_party": ("båda hör till samma myndighet", "both belong to the same authority"),
        "by_role": ("mottagaren är vald efter sin roll", "the recipient is chosen by its role"),
        "moved": ("barnet har fått ett annat nummer", "the child has got another number"),
        "motivated": ("en utsedd funktion har motiverat det", "a named function has given its reasons"),
        "investigation": ("mottagarens nämnd utreder barnet", "the recipient's board investigates the child"),
        "report": ("det svarar på mottagarens anmälan", "it answers the recipient's report"),
        "part": ("det gäller mottagarens del av ett samtycke", "it is the recipient's part of a consent"),
        "contested": ("två enheter säger sig ha ansvaret", "two units claim the child"),
    }
)
_MATURITY: Final = MappingProxyType(
    {
        Maturity.GUARDIANS: ("vårdnadshavarna samtycker", "the guardians consent"),
        Maturity.GUARDIANS_AND_CHILD: ("vårdnadshavarna och barnet samtycker", "the guardians and the child consent"),
        Maturity.CHILD: ("barnet samtycker självt", "the child consents"),
    }
)
_FLAWS: Final = MappingProxyType(
    {
        "role_gone": ("rollen har gått till en annan enhet", "the role has gone to another unit"),
        "withdrawn": ("återkallat", "withdrawn"),
        "withdrawn_towards": ("återkallat gentemot mottagaren", "withdrawn towards the recipient"),
        "expired": ("utgånget", "expired"),
        "not_yet": ("har inte börjat gälla", "does not hold yet"),
        "disputed": ("ifrågasatt", "doubted"),
        "objected": ("barnet vill inte", "the child objects"),
    }
)


def message(situation: Situation) -> Words:
    """Return the message itself: what, from whom, to whom, telling what."""
    label = CATALOGUE[situation.type]
    sender = _unit(situation.sender_kind, situation.sender_regime)
    recipient = _unit(situation.recipient_kind, situation.recipient_regime)
    told = listed(CATEGORY_TEXTS[each] for each in Category if each in situation.told) if situation.told else ("–", "–")
    return (
        f"{label.label_sv} ({situation.type}) från {sender[0]} till {recipient[0]}; berättar {told[0]}",
        f"{label.label_en} ({situation.type}) from {sender[1]} to {recipient[1]}; tells {told[1]}",
    )


def known(situation: Situation) -> list[Words]:
    """Return what the sender claims and what is known of the child, one sentence each."""
    return [*_claims(situation), *_child(situation)]


def _unit(kind: UnitKind, regime: Regime) -> Words:
    sv, en = KIND_TEXTS[kind]
    return (f"{sv} (privat)", f"{en} (private)") if regime.private else (sv, en)


def _claims(situation: Situation) -> Iterator[Words]:
    yield f"barnet är {situation.age or '?'} år", f"the child is {situation.age or '?'} years old"
    if situation.claimed:
        yield f"åberopar {situation.claimed}", f"claims {situation.claimed}"
    if situation.limb:
        sv, en = LIMBS.get(situation.limb, (situation.limb, situation.limb))
        yield f"villkor: {sv}", f"condition: {en}"
    if situation.necessity:
        sv, en = PURPOSES.get(situation.necessity, (situation.necessity, situation.necessity))
        yield f"behövs för: {sv}", f"needed for: {en}"


def _child(situation: Situation) -> Iterator[Words]:
    for name, words in _FLAGS.items():
        if getattr(situation, name):
            yield words
    if not situation.taken:
        yield "mottagaren tar inte emot typen", "the recipient does not take the type"
    for ground in sorted(situation.standing):
        yield f"ett gällande motiverat beslut: {ground}", f"a standing motivated decision: {ground}"
    if situation.marks:
        sv, en = listed(MARKS[each] for each in sorted(situation.marks))
        yield f"barnet är skyddat: {sv}", f"the child is protected: {en}"
    if situation.maturity:
        sv, en = _MATURITY[Maturity(situation.maturity)]
        yield f"bedömd mognad: {sv}", f"maturity as assessed: {en}"
    for consent in situation.consents:
        if consent.exists:
            yield _consent(consent)


def _consent(consent: SomeConsent) -> Words:
    """Return a consent with who has signed and what is wrong with it."""
    parts: list[Words] = []
    if not consent.discloses:
        parts.append(("gäller en annan enhets uppgifter", "names another discloser"))
    if not consent.named:
        parts.append(("gäller en annan mottagare", "names another recipient"))
    signed = {
        "guardian_1": ("en vårdnadshavare", "one guardian"),
        "guardian_2": ("den andra vårdnadshavaren", "the other guardian"),
        "child_signed": ("barnet", "the child"),
    }
    may = {"guardian_1": consent.guardians, "guardian_2": consent.guardians, "child_signed": consent.child_named}
    has = [words for name, words in signed.items() if may[name] and getattr(consent, name)]
    lacks = [words for name, words in signed.items() if may[name] and not getattr(consent, name)]
    for words, (sv, en) in ((has, ("underskrivet av", "signed by")), (lacks, ("inte av", "not by"))):
        if words:
            listing = listed(words)
            parts.append((f"{sv} {listing[0]}", f"{en} {listing[1]}"))
    if not (consent.own_record or consent.confirmed):
        parts.append(("inte bekräftat av avsändaren", "not confirmed by the sender"))
    names = [field.name for field in fields(SomeConsent)]
    parts += [_FLAWS[name] for name in names if name in _FLAWS and getattr(consent, name)]
    covers = [CATEGORY_TEXTS[each] for each in Category if each in consent.covers] or [("inget", "nothing")]
    listing = listed(covers)
    parts.append((f"omfattar {listing[0]}", f"covers {listing[1]}"))
    return "ett samtycke: " + ", ".join(sv for sv, _ in parts), "a consent: " + ", ".join(en for _, en in parts)
