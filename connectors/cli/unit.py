"""`samband unit`: find the unit to turn to; add, change and retire units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from samband.connectors.cli.cards import (
    AsParty,
    Kind,
    Municipality,
    Receives,
    Retired,
    cards_of,
    described,
    found_table,
    municipality_of,
    show_unit,
    unit_of,
)
from samband.connectors.cli.party import adapter_text, parse_unit
from samband.connectors.cli.terminal import Json, bad, emit, home_of

__all__ = ["app"]

app = typer.Typer(help="Find the unit to turn to; add, change and retire units.", no_args_is_help=True,
                  rich_markup_mode=None)  # fmt: skip

Unit = Annotated[str, typer.Argument(metavar="UNIT", help="Its id.")]
Name = Annotated[str | None, typer.Option(help="Its name.", show_default=False)]
Hours = Annotated[str | None, typer.Option(help="When somebody answers: `mån–fre 8–16`.", show_default=False)]
Telephone = Annotated[str | None, typer.Option(help="Its telephone.", show_default=False)]
Does = Annotated[str | None, typer.Option(help="One sentence: what it does, and what not.", show_default=False)]
Covering = Annotated[
    str | None,
    typer.Option(metavar="UNIT", help="Who to write to while it is closed; '' for nobody.", show_default=False),
]
Place = Annotated[str | None, typer.Option(metavar="CODE|NAME", help="Its municipality; '' for a region's.",
                                           show_default=False)]  # fmt: skip
Serves = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE|NAME",
        help="A municipality or region that it serves, where that is not its own or the whole agreement; '' for those. "
        "Repeatable.",
        show_default=False,
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--receives",
        metavar="TYPE",
        help="A message type that it really receives; '' for all that its kind may. Repeatable.",
        show_default=False,
    ),
]


@app.command("list")
def list_(who: AsParty = "", retired: Retired = False, as_json: Json = False) -> None:
    """List all units."""
    from samband.connectors.finder import find

    cards = cards_of(who)
    found_table(find(cards, retired=retired), cards, as_json=as_json)


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="What you look for: `BUP for Köping`.")] = None,
    kind: Kind = "",
    municipality: Municipality = "",
    receives: Receives = "",
    party: Annotated[str, typer.Option(help="Units of this party.")] = "",
    who: AsParty = "",
    retired: Retired = False,
    as_json: Json = False,
) -> None:
    """Find the unit to turn to, likeliest first.

    Words are looked for in the kind of unit (Swedish and English), the unit's and party's name, and what the unit does;
    a municipality among them asks who serves it, its region's units too.

    \b
    samband unit search BUP for Köping
    samband unit search --kind social --municipality 1983 --receives concern.report
    """  # noqa: D301
    from samband.connectors.finder import find
    from samband.schemas.catalogue import find as find_type
    from samband.schemas.units import KIND_TEXTS

    if kind and kind not in KIND_TEXTS:
        raise bad(f"`{kind}` is no kind of unit", ", ".join(KIND_TEXTS), "UNIT_FORM")
    if receives:
        find_type(receives)
    cards = cards_of(who)
    found = find(
        cards, words=" ".join(words or ()), kind=kind, municipality=municipality_of(municipality, region=True),
        receives=receives, party=party, retired=retired,
    )  # fmt: skip
    found_table(found, cards, as_json=as_json)


@app.command()
def show(unit: Unit, who: AsParty = "", as_json: Json = False) -> None:
    """Show a unit: hours, telephone, who covers, what it receives, what it does and does not do."""
    cards = cards_of(who)
    found = unit_of(cards, unit)
    if as_json:
        emit(described(found, cards[found.party]))
    else:
        show_unit(found, cards)


@app.command()
def add(
    party: Annotated[str, typer.Argument(help="The party's id.")],
    unit: Annotated[str, typer.Argument(metavar="ID:KIND[:NAME]", help="The unit.")],
    private: Annotated[bool, typer.Option("--private", help="A private provider's.")] = False,
    hours: Hours = None,
    telephone: Telephone = None,
    does: Does = None,
    covering: Covering = None,
    municipality: Place = None,
    serves: Serves = None,
    receives: Types = None,
    as_json: Json = False,
) -> None:
    """Add a unit to a party: a new version of its card, signed by the root keys on this machine.

    Where the party's keys are here too, the unit gets its key and a folder to hand over in; a party elsewhere makes the
    key itself.
    """
    from samband.streams.membership import add_unit

    home = home_of()
    changes = _changes(None, hours, telephone, does, covering, municipality, serves, receives)
    made = replace(parse_unit(unit, party, private=private), **changes)
    here = add_unit(home, made, datetime.now(UTC))
    if here:
        with (home.parties / party / "connector.toml").open("a", encoding="utf-8") as file:
            file.write(adapter_text(made.id, "folder", path=f"inbox/{made.id}"))
    _done(home, made.id, "added", as_json=as_json)
    if not here and not as_json:
        print(f"next: {party} makes the unit's key where its own keys are")


@app.command()
def change(
    unit: Unit,
    name: Name = None,
    hours: Hours = None,
    telephone: Telephone = None,
    does: Does = None,
    covering: Covering = None,
    municipality: Place = None,
    serves: Serves = None,
    receives: Types = None,
    as_json: Json = False,
) -> None:
    """Change what a unit's card says: a new version, signed by the root keys on this machine.

    A covering unit must exist, take all that this one takes, and not be covered by it in turn. Who writes seals to the
    covering unit's own key; no key is lent.
    """
    from samband.streams.membership import change_unit

    changes = _changes(name, hours, telephone, does, covering, municipality, serves, receives)
    if not changes:
        raise bad("it is not said what changes", "samband unit change --help")
    home = home_of()
    change_unit(home, unit, **changes)
    _done(home, unit, "changed", as_json=as_json)


@app.command()
def retire(
    unit: Unit, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: Json = False
) -> None:
    """Close a unit for good. It stays on its card, since records name it, and nothing is said to or by it any more."""
    from samband.streams.membership import card_of, retire_unit

    home = home_of()
    card_of(home, unit)
    if not yes and not as_json:
        typer.confirm(f"retire {unit}, for good?", abort=True, err=True)
    retire_unit(home, unit)
    _done(home, unit, "retired", as_json=as_json)


def _changes(
    name: str | None,
    hours: str | None,
    telephone: str | None,
    does: str | None,
    covering: str | None,
    municipality: str | None,
    serves: list[str] | None,
    receives: list[str] | None,
) -> dict[str, Any]:
    """Return what was said, as fields of a unit."""
    given: dict[str, Any] = {
        "name": name or None,
        "hours": hours,
        "telephone": telephone,
        "does": does,
        "covering": covering,
        "municipality": None if municipality is None else municipality_of(municipality),
        "serves": None if serves is None else tuple(municipality_of(each, region=True) for each in serves if each),
        "receives": None if receives is None else tuple(sorted({each for each in receives if each})),
    }
    return {key: value for key, value in given.items() if value is not None}


def _done(home: Any, unit: str, what: str, *, as_json: bool) -> None:
    """Let a running hub publish the change, and say what the card says now."""
    from samband.streams.hub import refresh

    live = refresh(home)
    cards = home.cards()
    found = unit_of(cards, unit)
    card = cards[found.party]
    if as_json:
        emit({**described(found, card), "version": card.version, "live": live})
        return
    print(f"{what}: version {card.version} of the card of {card.party}")
    show_unit(found, cards)
