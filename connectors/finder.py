"""Knowing whom to turn to: find units in the directory's cards, the likeliest first.

    find(cards, words="BUP för Köping")
    find(cards, kind="social", municipality="1983", receives="concern.report")

Each word must be found: in the kind (its code, its Swedish or English name), in the unit's or party's name, or in what
the unit does. A municipality's name among the words asks who serves it: a unit of its own comes before one that names
it, before its region's, before one for the whole agreement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from samband.schemas.card import Card
from samband.schemas.municipalities import name_of, named_in
from samband.schemas.units import KIND_TEXTS, Unit
from samband.streams.directory_records import HUB
from samband.streams.roster import takes

__all__ = ["Found", "find"]

_WORD: Final = re.compile(r"[^\W_]+(?:[.-][^\W_]+)*")
_SMALL: Final = frozenset(
    [
        "för",
        "i",
        "inom",
        "på",
        "vid",
        "till",
        "hos",
        "och",
        "en",
        "ett",
        "den",
        "for",
        "in",
        "at",
        "to",
        "of",
        "and",
        "the",
        "a",
        "an",
    ]
)
_PART: Final = 4
"""Letters from which a word is found inside another: `psykiatri` in `ungdomspsykiatri`."""
_ENDING: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A unit with its party's name, and how well it fits: a higher number first."""

    unit: Unit
    party_name: str
    fits: int


def find(
    cards: Mapping[str, Card],
    *,
    words: str = "",
    kind: str = "",
    municipality: str = "",
    receives: str = "",
    party: str = "",
    retired: bool = False,
) -> list[Found]:
    """Return the units that fit everything asked for, likeliest first.

    `kind` is a kind or a family of kinds, `municipality` a code, `receives` a message type. Retired units are left out
    unless asked for.
    """
    asked = [word for word in _WORD.findall(words.casefold()) if word not in _SMALL]
    place, others = (municipality, asked) if municipality else named_in(asked)
    found = []
    for card in cards.values():
        if card.party == HUB or (party and card.party != party):
            continue
        for unit in card.units:
            if (unit.retired or card.retired) and not retired:
                continue
            if kind not in ("", unit.kind.value, unit.kind.family) or (receives and receives not in takes(unit)):
                continue
            if fits := _fits(unit, card, place, others):
                found.append(Found(unit, card.name, fits))
    return sorted(found, key=lambda each: (-each.fits, each.unit.retired, each.unit.name, each.unit.id))


def _fits(unit: Unit, card: Card, place: str, words: Iterable[str]) -> int:
    """Return how well a unit fits; 0 where a word is not found, or it does not serve the place."""
    near = _near(unit, place)
    if not near:
        return 0
    total = near
    for word in words:
        weight = _weight(unit, card, word)
        if not weight:
            return 0
        total += 10 * weight
    return total


def _near(unit: Unit, place: str) -> int:
    if not place:
        return 1
    if unit.municipality == place:
        return 5
    if place in unit.serves:
        return 4
    if len(place) == 2:  # a region: its own units, and those in it
        return 2 if not unit.area or any(code.startswith(place) for code in unit.area) else 0
    if unit.serves_in(place):
        return 3 if unit.area else 2
    return 1 if name_of(place).casefold() in f"{unit.name} {unit.does}".casefold() else 0


def _weight(unit: Unit, card: Card, word: str) -> int:
    """Return how much a word says for a unit: the kind more than the name, the name more than what it does."""
    kind, family = unit.kind.value, unit.kind.family
    if word in (unit.id.casefold(), kind, *kind.split(".")[1:]):
        return 6
    return max(
        5 * _in(word, " ".join(KIND_TEXTS[kind])) // 2,
        2 * _in(word, unit.name),
        _in(word, f"{card.name} {card.party} {card.organisation}"),
        _in(word, unit.does),
        _in(word, f"{family} {' '.join(KIND_TEXTS[family])}"),
        _in(word, " ".join(map(name_of, unit.area))),
    )


def _in(word: str, text: str) -> int:
    """Return 2 where a word stands in a text, 1 where a word there begins with it, holds it or is its stem, else 0."""
    there = _WORD.findall(text.casefold())
    if word in there:
        return 2
    return int(
        any(each.startswith(word) or (len(word) >= _PART and word in each) or _stem(word, each) for each in there)
    )


def _stem(word: str, each: str) -> bool:
    """Say whether a word is another with an ending, as `habiliteringen` is."""
    return len(each) >= _PART and word.startswith(each) and len(word) - len(each) <= _ENDING
