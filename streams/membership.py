"""How the authority changes what its cards say: units added, changed and closed, parties closed. Each a new version.

    add_unit(home, unit, now)
    change_unit(home, "SE2120002080-IFO", hours="mån–fre 8–16")
    retire_unit(home, "SE2120002080-IFO")

What may change is in `samband.streams.roster`; every act needs the root keys on this machine.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from samband.schemas.card import Card
from samband.schemas.errors import InputError
from samband.schemas.units import Unit
from samband.streams.authority import Home, key_cards
from samband.streams.crypto.keys import Purpose
from samband.streams.directory import HUB
from samband.streams.keyfile import KeyFolder

__all__ = ["add_unit", "card_of", "change_unit", "retire_party", "retire_unit"]


def card_of(home: Home, unit: str) -> Card:
    """Return the card that names a unit.

    Raises:
        InputError: none does (`UNIT_UNKNOWN`).
    """
    for card in home.cards().values():
        if any(each.id == unit for each in card.units):
            return card
    raise InputError("UNIT_UNKNOWN", f"no card names unit `{unit}`", "samband unit list")


def add_unit(home: Home, unit: Unit, now: datetime) -> bool:
    """Add a unit to its party's card; True where the party's keys are here, so that the unit has its key too.

    A party that made its keys elsewhere makes the unit's key there.

    Raises:
        InputError: no such party, or the unit cannot be on its card.
    """
    card = home.card(unit.party)
    if card.retired or card.party == HUB:
        raise InputError("PARTY_RETIRED", f"party `{card.party}` takes no units", "samband party list")
    home.change_card(card.party, units=(*card.units, unit))
    folder = home.parties / card.party / "keys"
    if not folder.is_dir():
        return False
    keys = KeyFolder(folder, home.root.realm)
    made = keys.make(Purpose.UNIT_CONTENT, unit.id)
    home.publication.add(
        *key_cards(keys.sign_key(Purpose.PARTY_ROOT), card.party, [(made, unit.id)], int(now.timestamp() * 1000))
    )
    return True


def change_unit(home: Home, unit: str, **changes: Any) -> Unit:
    """Change what a card says of a unit, and return it as it is now.

    Raises:
        InputError: no such unit, or it may not become that.
    """
    card = card_of(home, unit)
    before = next(each for each in card.units if each.id == unit)
    after = replace(before, **changes)
    if after != before:
        home.change_card(card.party, units=tuple(after if each.id == unit else each for each in card.units))
    return after


def retire_unit(home: Home, unit: str) -> Unit:
    """Close a unit for good; it stays on its card, since records name it.

    Raises:
        InputError: no such unit, or it covers for another (`COVERING_IN_USE`).
    """
    return change_unit(home, unit, retired=True)


def retire_party(home: Home, party: str) -> Card:
    """Close a party and all its units for good.

    Raises:
        InputError: no such party, or one of its units covers for another party's (`COVERING_IN_USE`).
    """
    card = home.card(party)
    if party == HUB:
        raise InputError("PARTY_UNKNOWN", "the hub's own card is not a party's", "samband party list")
    if card.retired:
        return card
    return home.change_card(party, retired=True, units=tuple(replace(each, retired=True) for each in card.units))
