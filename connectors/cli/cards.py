"""How the commands read and show the directory's cards: the hub's own, or those that a party keeps.

cards, stale = cards_of(who)
show_unit(unit, cards)
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import emit, home_of, moment, note, party_of, table
from samband.connectors.cli.words import either
from samband.schemas.errors import InputError
from samband.schemas.municipalities import name_of
from samband.schemas.units import KIND_TEXTS, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samband.connectors.finder import Found
    from samband.schemas.card import Card

__all__ = [
    "AsParty", "Kind", "Municipality", "Receives", "Retired", "area_words", "cards_of", "covering_words", "described",
    "found_table", "kind_words", "municipality_of", "said_to", "show_unit", "unit_of",
]  # fmt: skip

AsParty = Annotated[
    str,
    typer.Option(
        "--as",
        "--config",
        metavar="PARTY|FILE",
        envvar="SAMBAND_CONFIG",
        help="A party: its own kept directory is read, also without network.",
        show_default="the hub's",
    ),
]
Kind = Annotated[str, typer.Option(metavar="KIND", help="A kind such as care.bup, or a family such as care.")]
Municipality = Annotated[
    str, typer.Option(metavar="CODE|NAME", help="Who serves this municipality, its region's units too.")
]
Receives = Annotated[str, typer.Option(metavar="TYPE", help="Who receives this message type.")]
Retired = Annotated[bool, typer.Option("--retired", help="Those that are closed for good, too.")]

_OLD_MS: Final = 24 * 3_600_000


def cards_of(who: str) -> Mapping[str, Card]:
    """Return the cards by party: a party's kept ones where one is named, else the hub's; says so where they are old.

    Raises:
        InputError, OperatorError: no such party, no hub, or nothing was read yet (`DIRECTORY_EMPTY`).
    """
    from samband.schemas.errors import OperatorError

    if not who:
        return home_of().cards()
    directory = party_of(who).directory
    if directory.head is None:
        raise OperatorError("DIRECTORY_EMPTY", "no head of the directory was read yet", "samband connect reads it")
    if time.time() * 1000 - directory.head.issued > _OLD_MS:
        at = moment(directory.head.issued)
        note(either(f"katalogen är från {at}", f"the directory is of {at}"))
    return directory.cards


def unit_of(cards: Mapping[str, Card], unit: str) -> Unit:
    """Return a unit that a person named by its id.

    Raises:
        InputError: no card names it (`UNIT_UNKNOWN`).
    """
    for card in cards.values():
        for each in card.units:
            if each.id == unit:
                return each
    raise InputError("UNIT_UNKNOWN", f"no card names unit `{unit}`", "samband unit search WORDS")


def municipality_of(text: str, *, region: bool = False) -> str:
    """Return the code that a person means; empty for nothing."""
    from samband.schemas.municipalities import area_of, code_of

    if not text:
        return ""
    return area_of(text) if region else code_of(text)


def kind_words(unit: Unit) -> str:
    """Return a unit's kind in words."""
    return either(*KIND_TEXTS[unit.kind])


def area_words(unit: Unit) -> str:
    """Return what a unit serves, in words."""
    return ", ".join(map(name_of, unit.area)) or either("hela avtalet", "the whole agreement")


def covering_words(unit: Unit, cards: Mapping[str, Card]) -> str:
    """Return who covers for a unit: name, id and telephone; empty for nobody."""
    from samband.streams.roster import covering_for

    found = covering_for(unit, {each.id: each for card in cards.values() for each in card.units})
    return "" if found is None else ", ".join(filter(None, (found.name, found.id, found.telephone)))


def described(unit: Unit, card: Card) -> dict[str, Any]:
    """Return a unit as plain values."""
    return {
        "id": unit.id,
        "party": unit.party,
        "party_name": card.name,
        "kind": unit.kind.value,
        "kind_text": kind_words(unit),
        "regime": unit.regime.value,
        "name": unit.name,
        "municipality": unit.municipality,
        "serves": list(unit.area),
        "serves_text": area_words(unit),
        "hours": unit.hours,
        "telephone": unit.telephone,
        "covering": unit.covering,
        "does": unit.does,
        "receives": list(unit.receives),
        "retired": unit.retired or card.retired,
    }


def show_unit(unit: Unit, cards: Mapping[str, Card]) -> None:
    """Print a unit: who, where, when, and what it does and does not do."""
    card = cards[unit.party]
    everything = either("allt som går till en sådan enhet", "all that goes to such a unit")
    rows = [
        (either("myndighet", "party"), f"{card.name} ({card.party})"),
        (either("slag", "kind"), f"{kind_words(unit)} ({unit.kind})"),
        (either("gör", "does"), unit.does),
        (either("för", "serves"), area_words(unit)),
        (either("öppet", "hours"), unit.hours),
        (either("telefon", "telephone"), unit.telephone),
        (either("annars", "covered by"), covering_words(unit, cards)),
        (either("tar emot", "receives"), ", ".join(unit.receives) or everything),
    ]
    closed = either(" – nedlagd", " – retired") if unit.retired or card.retired else ""
    print(f"{unit.name} ({unit.id}){closed}")
    width = max(len(label) for label, text in rows if text)
    for label, text in rows:
        if text:
            print(f"  {label:<{width}}  {text}")


def found_table(found: Iterable[Found], cards: Mapping[str, Card], *, as_json: bool) -> None:
    """Print units that were found, likeliest first."""
    found = list(found)
    if as_json:
        emit([described(each.unit, cards[each.unit.party]) for each in found])
        return
    if not found:
        print(either("ingen enhet passar", "no unit fits"))
        return
    table(
        (
            either("enhet", "unit"), either("namn", "name"), either("slag", "kind"), either("för", "serves"),
            either("öppet", "hours"), either("telefon", "telephone"), either("annars", "covered by"),
            either("gör", "does"),
        ),
        [
            (
                each.unit.id + (either(" (nedlagd)", " (retired)") if each.unit.retired else ""), each.unit.name,
                kind_words(each.unit), area_words(each.unit), each.unit.hours, each.unit.telephone,
                each.unit.covering, each.unit.does,
            )
            for each in found
        ],
    )  # fmt: skip


def said_to(units: Iterable[str], directory_cards: Mapping[str, Card]) -> None:
    """Say whom to write to instead of a unit that is closed for good, or closed now as far as its hours can be read."""
    from datetime import UTC, datetime

    from samband.schemas.hours import is_open
    from samband.streams.inbox import STOCKHOLM

    known: dict[str, Unit] = {each.id: each for card in directory_cards.values() for each in card.units}
    for unit in [known[name] for name in units if name in known]:
        instead = covering_words(unit, directory_cards)
        if unit.retired:
            note(either(f"{unit.name} är nedlagd", f"{unit.name} is retired") + (f" → {instead}" if instead else ""))
        elif instead and is_open(unit.hours, datetime.now(UTC).astimezone(STOCKHOLM)) is False:
            when = f"{unit.name} ({unit.hours}): "
            note(when + either(f"stängt nu; {instead} svarar så länge", f"closed now; {instead} covers for it"))
