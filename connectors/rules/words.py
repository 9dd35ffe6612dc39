"""A row of the rulebook in plain words, Swedish and English: from whom to whom, when, with what duties.

way(rule)            (”från socialtjänst till skola”, ”from social services to school”)
conditions(rule)     one pair of sentences for each thing that must be so
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.connectors.rules.situation import regimes_of
from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.event_bodies import MarkKind
from samband.schemas.identifiers import AgeBand
from samband.schemas.rulebook import Effect, Need, Status, Within
from samband.schemas.units import KIND_TEXTS, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from samband.schemas.rulebook import Limb, Rule
    from samband.schemas.units import Regime

__all__ = [
    "EFFECTS", "LIMBS", "MARKS", "OBLIGATIONS", "PURPOSES", "STATUSES", "Words", "conditions", "kinds", "listed",
    "side", "status", "way",
]  # fmt: skip

Words = tuple[str, str]
"""Swedish and English."""

EFFECTS: Final = MappingProxyType(
    {
        Effect.PERMIT: ("tillåter", "permits"),
        Effect.ASK: ("kräver en motiverad bedömning", "needs a motivated decision"),
        Effect.FORBID: ("förbjuder, vad som än talar för", "forbids, whatever speaks for it"),
    }
)
STATUSES: Final = MappingProxyType(
    {
        Status.READ: ("läst men inte bekräftad av jurist", "read, not yet confirmed by a lawyer"),
        Status.VERIFIED: ("bekräftad av jurist", "confirmed by a lawyer"),
    }
)
LIMBS: Final = MappingProxyType(
    {
        "under_18": ("den unge är under 18 år", "the young person is under 18"),
        "ongoing_abuse": ("fortgående missbruk", "ongoing abuse"),
        "compulsory_care": ("tvångsvård (LPT eller LRV)", "compulsory psychiatric care"),
        "expected_child": ("den unge väntar barn", "the young person expects a child"),
        "placement_decision": ("det finns ett beslut om placering", "a placement has been decided"),
        "admission_decision": (
            "eleven har fått plats på den nya skolan",
            "the pupil has a place at the new school",
        ),
    }
)
MARKS: Final = MappingProxyType(
    {
        MarkKind.SECRECY: ("sekretessmarkering", "secrecy"),
        MarkKind.PROTECTED_REGISTRATION: ("skyddad folkbokföring", "protected registration"),
        MarkKind.SECRET_WHEREABOUTS: ("hemlig vistelseort", "secret whereabouts"),
        MarkKind.THREAT: ("hot", "threat"),
    }
)
PURPOSES: Final = MappingProxyType(
    {
        "crime_prevention": ("att förebygga brott", "preventing crime"),
        "crime_investigation": ("att utreda brott", "investigating crime"),
        "benefit_fraud": ("att motverka bidragsbrott", "stopping benefit fraud"),
        "incorrect_payment": ("att hindra felaktiga utbetalningar", "stopping incorrect payments"),
    }
)
OBLIGATIONS: Final = MappingProxyType(
    {
        "register_arrival": ("mottagaren registrerar det som kommit in", "the recipient registers what arrived"),
        "call_if_urgent": ("ring också, om det är brådskande", "call as well, if it is urgent"),
    }
)
_NEEDS: Final = MappingProxyType(
    {
        Need.CONSENT: (
            "ett samtycke omfattar allt som berättas, och alla som ska samtycka har gjort det",
            "a consent covers all that is told, and everybody who must consent has",
        ),
        Need.ONE_GIVER: (
            "ett samtycke omfattar allt som berättas, och minst en av dem som ska samtycka har gjort det",
            "a consent covers all that is told, and at least one of those who must consent has",
        ),
        Need.NECESSITY: ("avsändaren anger vad uppgifterna behövs för", "the sender states what it is needed for"),
        Need.INVESTIGATION: (
            "mottagarens nämnd har anmält att en utredning om barnet är öppen",
            "the recipient's board has declared an investigation of the child open",
        ),
        Need.REPORT: (
            "det svarar på en anmälan som mottagaren gjort till avsändarens nämnd",
            "it answers a report that the recipient made to the sender's board",
        ),
        Need.PART: (
            "avsändaren har registrerat samtycket, och mottagaren ska lämna ut uppgifter enligt det",
            "the sender recorded the consent, and the recipient is to disclose by it",
        ),
        Need.UNIDENTIFIED: ("inget i meddelandet pekar ut någon", "nothing in the message identifies anybody"),
    }
)
_WITHIN: Final = MappingProxyType(
    {
        Within.SAME: ("båda hör till samma myndighet", "both belong to the same authority"),
        Within.OTHER: ("de hör till olika myndigheter", "they belong to different authorities"),
    }
)
_MANUAL: Final = (
    "en utsedd funktion hos den som lämnar ut har bestämt och motiverat det, för meddelandet eller till en viss dag",
    "a named function at the discloser has decided and said why, for the message or until a day",
)
_EVERY: Final = ("alla verksamheter", "every service")
_AUTHORITIES: Final = ("alla myndigheter", "every authority")
_FOUR: Final = frozenset(kind for kind in UnitKind if kind.family != "coordination")
_AGES: Final = tuple(AgeBand)


def listed(words: Iterable[Words], last: Words = ("och", "and")) -> Words:
    """Return several words as one list in each language."""
    pairs = list(words)
    return _series([sv for sv, _ in pairs], last[0]), _series([en for _, en in pairs], last[1])


def _series(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def kinds(which: Iterable[UnitKind]) -> list[Words]:
    """Return kinds of units in words: a whole family by its name, else each kind."""
    chosen = set(which)
    if chosen >= _FOUR:
        return [_EVERY, *kinds(chosen - _FOUR)]
    found = []
    for family in dict.fromkeys(kind.family for kind in UnitKind):
        whole = [kind for kind in UnitKind if kind.family == family]
        if chosen.issuperset(whole):
            found.append(KIND_TEXTS[family])
        else:
            found += [KIND_TEXTS[kind] for kind in whole if kind in chosen]
    return found


def side(which: frozenset[UnitKind], regimes: frozenset[Regime]) -> Words:
    """Return one side of a row: which kinds of units, and whether only an authority's."""
    within = {kind for kind in which if regimes.intersection(regimes_of(kind))}
    sv, en = listed(kinds(within), ("samt", "and"))
    usual = {regime for kind in within for regime in regimes_of(kind)}
    if any(regime.private for regime in usual & regimes) or not any(regime.private for regime in usual):
        return sv, en
    return _AUTHORITIES if within == _FOUR else (f"{sv} (bara myndigheter)", f"{en} (authorities only)")


def way(rule: Rule) -> Words:
    """Return from whom to whom a row is about."""
    sender = side(rule.sender_kinds, rule.sender_regimes)
    recipient = side(rule.recipient_kinds, rule.recipient_regimes)
    return f"från {sender[0]} till {recipient[0]}", f"from {sender[1]} to {recipient[1]}"


def conditions(rule: Rule) -> list[Words]:
    """Return what must be so before a row applies, beside from whom to whom."""
    found = [_WITHIN[rule.within]] if rule.within in _WITHIN else []
    found += [_NEEDS[need] for need in Need if need in rule.needs]
    if rule.limbs:
        sv, en = listed((_limb(code, limb) for code, limb in rule.limbs.items()), ("eller", "or"))
        found.append((f"minst ett av lagens villkor: {sv}", f"at least one of the law's conditions: {en}"))
    if rule.effect is Effect.ASK:
        found.append(_MANUAL)
    if rule.marks:
        sv, en = listed((MARKS[mark] for mark in MarkKind if mark in rule.marks), ("eller", "or"))
        found.append(
            (
                f"barnet har {sv}, och markeringen namnger inte mottagaren",
                f"the child is marked with {en}, and the mark does not name the recipient",
            )
        )
    if rule.purposes:
        sv, en = listed((PURPOSES.get(code, (code, code)) for code in sorted(rule.purposes)), ("eller", "or"))
        found.append((f"ändamålet är {sv}", f"the purpose is {en}"))
    if rule.categories:
        sv, en = listed((CATEGORY_TEXTS[each] for each in Category if each in rule.categories), ("eller", "or"))
        found.append((f"meddelandet berättar {sv}", f"the message tells {en}"))
    return found


def _limb(code: str, limb: Limb) -> Words:
    sv, en = LIMBS.get(code, (code, code))
    if len(limb.ages) == len(_AGES) or code == "under_18":
        return sv, en
    ages = ", ".join(age for age in _AGES if age in limb.ages)
    return f"{sv} ({ages} år)", f"{en} (aged {ages})"


def status(rule: Rule) -> Words:
    """Return how far a row has been confirmed, and when it was read."""
    sv, en = STATUSES[rule.status]
    return f"{sv}, {rule.verified_on}", f"{en}, {rule.verified_on}"
