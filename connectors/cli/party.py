"""`samband party`: add a party to the hub; list, show, find and retire parties."""

from __future__ import annotations

import base64
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli import certificate
from samband.connectors.cli.cards import AsParty, cards_of, described, municipality_of, show_unit
from samband.connectors.cli.terminal import Json, bad, emit, home_of, table
from samband.connectors.cli.words import either
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

if TYPE_CHECKING:
    from samband.schemas.card import Card

__all__ = ["adapter_text", "app", "parse_unit"]

app = typer.Typer(help="Add, find, show and retire parties.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(certificate.app, name="certificate")

_UNIT_HINT: Final = "SE2120002080-SKOLA:school.pedagogic:Exempelskolan"
_PUBLIC: Final = {"school": Regime.OSL_23, "care": Regime.OSL_25, "social": Regime.OSL_26, "institution": Regime.OSL_26}
_PRIVATE: Final = {
    "school": Regime.SKOLLAGEN_29_14,
    "care": Regime.PSL_6_12,
    "social": Regime.SOL_17_11,
    "institution": Regime.SOL_17_11,
}


@app.command()
def add(
    party: Annotated[str, typer.Argument(help="Its id, as in topic names: a–z, 0–9, single hyphens.")],
    unit: Annotated[
        list[str], typer.Option(metavar="ID:KIND[:NAME]", help=f"A unit of it, such as {_UNIT_HINT}. Repeatable.")
    ],
    name: Annotated[str, typer.Option(help="Its name.", show_default="its id")] = "",
    organisation: Annotated[str, typer.Option(help="Organisation number.")] = "",
    municipality: Annotated[
        str, typer.Option(metavar="CODE|NAME", help="The municipality of its units; none for a region's.")
    ] = "",
    telephone: Annotated[str, typer.Option(help="Telephone of its units.")] = "",
    private: Annotated[
        bool, typer.Option("--private", help="A private provider: no authority, other secrecy.")
    ] = False,
    folder: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT=PATH", help="Hand a unit's messages over as files.", show_default="inbox/UNIT"),
    ] = None,
    webhook: Annotated[
        list[str] | None, typer.Option(metavar="UNIT=URL", help="Hand a unit's messages over by HTTP POST.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT=FILE", help="The webhook's shared secret.", show_default="a new one is made"),
    ] = None,
    desk: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT", help="A unit without a system: its people read at `samband desk`. Repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a party: keys, certificate, signed card and connector.toml, in the hub's parties/PARTY.

    The secrecy regime follows from each unit's kind, and from --private. A unit without adapter gets a folder beside
    its connector.toml. A running hub gives the party its topics and rights at once.

    \b
    samband party add skola --name Utbildningsnämnden --unit SE2120002080-SKOLA:school.pedagogic:Exempelskolan
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.streams.hub import refresh

    home = home_of()
    place = municipality_of(municipality)
    units = tuple(parse_unit(text, party, place, telephone, private=private) for text in unit)
    if len({each.id for each in units}) != len(units):
        raise bad("two units have the same id", code="PARTY_UNITS")
    here = home.parties / party
    folders, urls, secret_files = (_pairs(given, units) for given in (folder, webhook, secret))
    desks = set(desk or ())
    if desks - {each.id for each in units}:
        raise bad("the desk is for one of the party's units", _UNIT_HINT, "PARTY_UNITS")
    if folders.keys() & urls.keys() or desks & (folders.keys() | urls.keys()) or secret_files.keys() - urls.keys():
        raise bad(
            "a unit has a folder, a webhook or the desk, and only a webhook has a secret", code="ADAPTER_SETTINGS"
        )
    extra, made = "", []
    for each in units:
        if url := urls.get(each.id):
            file = (
                Path(secret_files[each.id]).absolute() if each.id in secret_files else Path(f"webhook-{each.id}.secret")
            )
            if each.id not in secret_files:
                made.append(here / file)
            extra += adapter_text(each.id, "webhook", url=url, secret=str(file))
        elif each.id in desks:
            extra += adapter_text(each.id, "desk")
        else:
            path = Path(folders[each.id]).absolute() if each.id in folders else Path("inbox") / each.id
            extra += adapter_text(each.id, "folder", path=str(path))
    home.add_party(party, name or party, organisation, units, now=datetime.now(UTC), extra=extra)
    (here / "inbox").mkdir(mode=0o700, exist_ok=True)
    for path in made:
        _write_secret(path)
    live = refresh(home)
    config = here / "connector.toml"
    if as_json:
        emit({"party": party, "config": str(config), "units": [_described(each) for each in units], "live": live})
        return
    print(f"added {party}: {config}")
    for path in made:
        print(f"webhook secret, for the receiving system: {path}")
    print(f"next: {'' if live else 'samband hub up, then '}samband connect {party}")


@app.command("list")
def list_(who: AsParty = "", as_json: Json = False) -> None:
    """List parties and their units, with kind, regime and whether they are retired."""
    from samband.streams.directory import HUB

    cards = [card for name, card in cards_of(who).items() if name != HUB]
    if as_json:
        emit([_party_json(card) for card in cards])
        return
    rows = [
        (card.party, each.id, each.kind.value, each.regime.value, each.name,
         either("nedlagd", "retired") if each.retired or card.retired else "")
        for card in cards
        for each in card.units
    ]  # fmt: skip
    if not rows:
        print("no parties yet: samband party add --help")
        return
    table(("party", "unit", "kind", "regime", "name", ""), rows)


@app.command()
def show(party: Annotated[str, typer.Argument(help="Its id.")], who: AsParty = "", as_json: Json = False) -> None:
    """Show a party and each of its units: hours, telephone, who covers, what it does and does not do."""
    from samband.streams.directory import HUB

    cards = cards_of(who)
    if (card := cards.get(party)) is None or party == HUB:
        raise bad(f"there is no party `{party}`", "samband party list", "PARTY_UNKNOWN")
    if as_json:
        emit({**_party_json(card), "version": card.version, "environment": card.environment})
        return
    told = "" if card.environment == "production" else either(" – TEST", " – TEST")
    closed = either(" – nedlagd", " – retired") if card.retired else ""
    print(f"{card.name} ({card.party}{', ' + card.organisation if card.organisation else ''}){closed}{told}")
    for each in card.units:
        print()
        show_unit(each, cards)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Its name, number, or what its units are.")],
    who: AsParty = "",
    as_json: Json = False,
) -> None:
    """Find parties by name, number, or what their units are and do."""
    from samband.connectors.finder import find

    cards = cards_of(who)
    parties = dict.fromkeys(each.unit.party for each in find(cards, words=" ".join(words)))
    if as_json:
        emit([_party_json(cards[party]) for party in parties])
    elif not parties:
        print(either("ingen myndighet passar", "no party fits"))
    else:
        table(
            ("party", "name", "organisation", "units"),
            [
                (party, cards[party].name, cards[party].organisation, ", ".join(each.id for each in cards[party].units))
                for party in parties
            ],
        )


@app.command()
def retire(
    party: Annotated[str, typer.Argument(help="Its id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Close a party and its units for good: nothing is said to or by them any more. What was said still verifies."""
    from samband.streams.hub import refresh
    from samband.streams.membership import retire_party

    home = home_of()
    card = home.card(party)
    if not yes and not as_json:
        typer.confirm(f"retire {party} with {len(card.units)} units, for good?", abort=True, err=True)
    card = retire_party(home, party)
    live = refresh(home)
    if as_json:
        emit({**_party_json(card), "version": card.version, "live": live})
        return
    print(f"retired {party}")


def parse_unit(text: str, party: str, municipality: str = "", telephone: str = "", *, private: bool = False) -> Unit:
    """Return the unit that `ID:KIND[:NAME]` says.

    Raises:
        InputError: not of that form, or no such kind (`UNIT_FORM`).
    """
    unit, _, rest = text.partition(":")
    kind_text, _, name = rest.partition(":")
    if kind_text not in list(UnitKind):
        raise bad(f"a unit is ID:KIND[:NAME], such as {_UNIT_HINT}", f"kinds: {', '.join(UnitKind)}", "UNIT_FORM")
    if not 3 <= len(unit) <= 64 or not all(
        character.isascii() and (character.isalnum() or character in "-._") for character in unit
    ):
        raise bad("a unit's id is 3–64 letters, digits, hyphens, dots or underscores", _UNIT_HINT, "UNIT_FORM")
    kind = UnitKind(kind_text)
    return Unit(
        UnitId(unit), PartyId(party), kind, regime_of(kind, private=private), name or unit, municipality, telephone
    )


def regime_of(kind: UnitKind, *, private: bool) -> Regime:
    """Return the secrecy regime that a kind brings; the school's medical unit lives under health care's."""
    if kind.family == "coordination":
        return Regime.NONE
    family = "care" if kind is UnitKind.SCHOOL_MEDICAL else kind.family
    return (_PRIVATE if private else _PUBLIC)[family]


def _pairs(given: list[str] | None, units: tuple[Unit, ...]) -> dict[str, str]:
    found = dict(text.partition("=")[::2] for text in given or ())
    if found.keys() - {each.id for each in units} or not all(found.values()):
        raise bad(
            "an adapter is UNIT=VALUE for a unit of this party", "--folder SE2120002080-SKOLA=PATH", "ADAPTER_SETTINGS"
        )
    return found


def adapter_text(unit: str, kind: str, **values: str) -> str:
    """Return an adapter's part of `connector.toml`."""
    lines = {"unit": unit, "kind": kind, **values}.items()
    return "\n[[adapter]]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in lines)


def _write_secret(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}\n")


def _described(unit: Unit) -> dict[str, Any]:
    return {"id": unit.id, "kind": unit.kind.value, "regime": unit.regime.value, "name": unit.name}


def _party_json(card: Card) -> dict[str, Any]:
    return {
        "party": card.party,
        "name": card.name,
        "organisation": card.organisation,
        "retired": card.retired,
        "units": [described(each, card) for each in card.units],
    }
