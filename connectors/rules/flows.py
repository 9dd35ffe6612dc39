"""The flow matrix: what kind of information can go from which service to which, and what it takes.

    flows(book)["social", "care", Category.HEALTH]       frozenset({"SOCIAL_TO_CARE", "CONSENT", …})

It says which grounds *may* carry something: for each message and child their conditions are tried anew. What a
forbid row always stops between two services is left out, and so is what identifies nobody.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import Category, free_text_category
from samband.schemas.rulebook import Effect, Need, Within
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from samband.connectors.rules.words import Words
    from samband.schemas.message_type import MessageType
    from samband.schemas.rulebook import Rows, Rule, Rulebook

__all__ = ["GROUPS", "WAYS", "Group", "flows", "way_of"]


@dataclass(frozen=True, slots=True)
class Group:
    """Services that the law treats alike."""

    code: str
    words: Words
    short: Words
    kinds: tuple[UnitKind, ...]
    regimes: tuple[Regime, ...]


def _family(*names: str) -> tuple[UnitKind, ...]:
    return tuple(kind for kind in UnitKind if kind.family in names)


_SCHOOL: Final = (UnitKind.SCHOOL_PEDAGOGIC, UnitKind.SCHOOL_LEISURE, UnitKind.SCHOOL_ADMINISTRATION)
_ALL_SCHOOL: Final = (UnitKind.SCHOOL_PRESCHOOL, *_SCHOOL, UnitKind.SCHOOL_PSYCHOSOCIAL)
GROUPS: Final = (
    Group("social", ("socialtjänsten", "social services"), ("Soc.tj.", "Social"), _family("social"), (Regime.OSL_26,)),
    Group("care", ("regionens vård", "public health care"), ("Vård", "Care"), _family("care"), (Regime.OSL_25,)),
    Group("school", ("skolan", "school"), ("Skola", "School"), _SCHOOL, (Regime.OSL_23,)),
    Group(
        "preschool", ("förskolan", "preschool"), ("Förskola", "Preschool"),
        (UnitKind.SCHOOL_PRESCHOOL,), (Regime.OSL_23,),
    ),
    Group(
        "psychosocial", ("elevhälsans psykosociala insats", "psychosocial student health"),
        ("Elevhälsa", "Student health"), (UnitKind.SCHOOL_PSYCHOSOCIAL,), (Regime.OSL_23,),
    ),
    Group(
        "emi", ("elevhälsans medicinska insats", "the school's medical service"), ("Skolsköt., EMI", "School nurse"),
        (UnitKind.SCHOOL_MEDICAL,), (Regime.OSL_25,),
    ),
    Group(
        "institution", ("offentliga boenden och SiS", "public homes and SiS"), ("Off. boende", "Public homes"),
        _family("institution"), (Regime.OSL_26,),
    ),
    Group(
        "private_social", ("privata boenden och privat omsorg", "private homes and private social care"),
        ("Priv. boende", "Priv. homes"), _family("institution", "social"), (Regime.SOL_17_11,),
    ),
    Group(
        "private_school", ("fristående skola och förskola", "independent school and preschool"),
        ("Friskola", "Ind. school"), _ALL_SCHOOL, (Regime.SKOLLAGEN_29_14,),
    ),
    Group(
        "private_care", ("privat vård", "private health care"), ("Priv. vård", "Priv. care"),
        (*_family("care"), UnitKind.SCHOOL_MEDICAL), (Regime.PSL_6_12,),
    ),
)  # fmt: skip

WAYS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "P": ("P", "plikt eller rätt enligt lag, utan samtycke", "D", "duty or right by law, without consent"),
    "N": ("N", "nödvändig vård eller stöd, utan samtycke", "N", "necessary care or support, without consent"),
    "I": ("I", "inom samma myndighet, när det behövs", "I", "inside one authority, where needed"),
    "S": ("S", "efter samtycke", "C", "after consent"),
    "M": ("M", "efter en utsedd funktions motiverade beslut", "M", "after a named function's motivated decision"),
}
"""How a ground opens: letter and words, Swedish and English; in the order in which they are written."""


def way_of(rule: Rule) -> str:
    """Return the letter of `WAYS` that a permitting row belongs to."""
    if rule.effect is Effect.ASK:
        return "M"
    if rule.needs_consent or Need.PART in rule.needs:
        return "S"
    if rule.within is Within.SAME:
        return "I"
    return "N" if Need.NECESSITY in rule.needs else "P"


def flows(book: Rulebook) -> dict[tuple[str, str, Category], frozenset[str]]:
    """Return the grounds that may carry each kind of information from each group to each group."""
    found: dict[tuple[str, str, Category], set[str]] = defaultdict(set)
    for row in CATALOGUE.values():
        if row.carries_content and not row.unidentified:
            for a in GROUPS:
                for b in GROUPS:
                    for told, ground in _between(row, book.rows(row.name), a, b):
                        found[a.code, b.code, told].add(ground)
    return {key: frozenset(grounds) for key, grounds in found.items()}


def _between(row: MessageType, rows: Rows, a: Group, b: Group) -> Iterator[tuple[Category, str]]:
    for sender in _units(a, "a"):
        for recipient in _units(b, "b"):
            if not row.may(sender.kind, recipient.kind):
                continue
            same = Unit(recipient.id, sender.party, recipient.kind, recipient.regime, "")
            tells = _tells(row, sender.kind)
            for forbid in rows.forbids:
                if not (forbid.marks or forbid.purposes) and forbid.concerns(sender, recipient):
                    tells = {told for told in tells if forbid.categories and told not in forbid.categories}
            for rule in rows.permits:
                if rule.concerns(sender, recipient) or rule.concerns(sender, same):
                    yield from ((told, rule.ground) for told in tells)


def _units(group: Group, party: str) -> Iterator[Unit]:
    for kind in group.kinds:
        for regime in group.regimes:
            yield Unit(UnitId(party), PartyId(party), kind, regime, "")


def _tells(row: MessageType, kind: UnitKind) -> set[Category]:
    tags = [*row.tags, *(field.tag for field in row.fields if field.tag)]
    told = {Category.IDENTITY, *(Category(each.partition(":")[0]) for each in tags)}
    if any(field.free_text for field in row.fields):
        told.add(free_text_category(kind))
    return told
