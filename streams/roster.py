"""What a party's card may become: no unit is dropped or changes its kind, and who covers for another really can.

    check_change(before, after, cards)

Records name units for as long as records are kept, so a unit that is gone stays on the card as retired. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from samband.schemas.card import Card
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import InputError
from samband.schemas.media_types import KIND_PREFIX, KINDS, NONE
from samband.schemas.municipalities import municipalities, regions
from samband.schemas.units import Unit, UnitKind

__all__ = ["check_change", "covering_for", "takes"]

_FILES: Final = frozenset({NONE, *(KIND_PREFIX + kind.name for kind in KINDS)})
"""What a card says of files, among the types."""


def check_change(before: Card | None, after: Card, cards: Mapping[str, Card]) -> None:
    """Check a new version of a party's card against the last one and against all others.

    Raises:
        InputError: a unit is dropped, changed in kind, or brought back; a covering unit cannot cover; a code is none.
    """
    if before is not None:
        _check_kept(before, after)
    units: dict[str, Unit] = {
        unit.id: unit for card in cards.values() if card.party != after.party for unit in card.units
    }
    for unit in after.units:
        if unit.id in units:
            raise InputError("CARD_UNIT", f"unit `{unit.id}` is another party's", "a unit's id is its own everywhere")
        units[unit.id] = unit
    if len(units) != sum(len(card.units) for card in {**cards, after.party: after}.values()):
        raise InputError("PARTY_UNITS", "two units have the same id")
    known = before.units if before is not None else ()
    changed: dict[str, Unit] = {unit.id: unit for unit in after.units if unit not in known}
    for unit in changed.values():
        _check_codes(unit)
    for unit in units.values():
        covering = changed.get(unit.covering)
        if unit.retired or not unit.covering or (unit.id not in changed and covering is None):
            continue
        if covering is not None and covering.retired:
            raise InputError(
                "COVERING_IN_USE",
                f"unit `{covering.id}` covers for `{unit.id}`",
                f"first samband unit change {unit.id} --covering ANOTHER, or '' for nobody",
            )
        _check_covering(unit, units)


def takes(unit: Unit) -> frozenset[str]:
    """Return the message types that a unit receives: those of its kind, as far as its card names some."""
    rows = (row for row in CATALOGUE.values() if not row.event and row.taken_by(unit))
    return frozenset(row.name for row in rows if any(row.may(sender, unit.kind) for sender in UnitKind))


def covering_for(unit: Unit, units: Mapping[str, Unit]) -> Unit | None:
    """Return who covers for a unit: the first on its way that is not retired itself."""
    seen: set[str] = set()
    while unit.covering and unit.covering not in seen and (found := units.get(unit.covering)):
        seen.add(unit.covering)
        if not found.retired:
            return found
        unit = found
    return None


def _check_kept(before: Card, after: Card) -> None:
    now = {unit.id: unit for unit in after.units}
    if before.retired and not after.retired:
        raise InputError("PARTY_RETIRED", f"party `{before.party}` is retired for good", "add it under another name")
    for unit in before.units:
        kept = now.get(unit.id)
        if kept is None:
            raise InputError("CARD_DROPS", f"unit `{unit.id}` would vanish from its card", "samband unit retire")
        if (kept.kind, kept.regime) != (unit.kind, unit.regime):
            raise InputError("UNIT_KIND", f"unit `{unit.id}` would change its kind", "add a new unit, retire this one")
        if unit.retired and not kept.retired:
            raise InputError("UNIT_RETIRED", f"unit `{unit.id}` is retired for good", "add a new unit")


def _check_codes(unit: Unit) -> None:
    if unit.municipality and unit.municipality not in municipalities():
        raise InputError("MUNICIPALITY_UNKNOWN", f"`{unit.municipality}` is no municipality's code")
    for code in unit.serves:
        if code not in municipalities() and code not in regions():
            raise InputError("MUNICIPALITY_UNKNOWN", f"`{code}` is no municipality's or region's code")
    for name in unit.receives:
        if name in _FILES:
            continue
        row = CATALOGUE.get(name)
        if row is None or row.event or not any(row.may(sender, unit.kind) for sender in UnitKind):
            raise InputError("TYPE_NOT_FOR_KIND", f"no unit sends `{name}` to a {unit.kind}", "samband types")


def _check_covering(unit: Unit, units: Mapping[str, Unit]) -> None:
    covering = units.get(unit.covering)
    if covering is None:
        raise InputError("COVERING_UNKNOWN", f"no card names unit `{unit.covering}`", "samband unit search")
    if covering.retired:
        raise InputError("COVERING_RETIRED", f"unit `{covering.id}` is retired", "samband unit search")
    if missing := takes(unit) - takes(covering):
        raise InputError(
            "COVERING_KIND",
            f"unit `{covering.id}` does not take `{min(missing)}`, which `{unit.id}` takes",
            "a covering unit takes all that the other takes; --receives narrows what that is",
        )
    seen, way = {unit.id}, covering
    while way.id not in seen:
        seen.add(way.id)
        way = units.get(way.covering, way)
    if way.id == unit.id:
        raise InputError("COVERING_CYCLE", f"units `{unit.id}` and `{covering.id}` would cover for each other")
