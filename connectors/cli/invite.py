"""`samband party invite|approve|report`: let a party in that makes its keys on its own machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.cli.cards import municipality_of
from samband.connectors.cli.environment import world
from samband.connectors.cli.join_files import Fingerprint, confirm, file_json, read_file, write_file
from samband.connectors.cli.party import parse_unit
from samband.connectors.cli.terminal import Answer, Exit, Json, emit, home_of, moment
from samband.connectors.cli.words import either

if TYPE_CHECKING:
    from samband.streams.invitations import Case

__all__ = ["approve", "invite", "report"]

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it.", show_default=False)]


def invite(
    party: Annotated[str, typer.Argument(help="Its id, as in topic names: a–z, 0–9, single hyphens.")],
    unit: Annotated[list[str], typer.Option(metavar="ID:KIND[:NAME]", help="A unit of it. Repeatable.")],
    name: Annotated[str, typer.Option(help="Its name.", show_default="its id")] = "",
    organisation: Annotated[str, typer.Option(help="Organisation number.")] = "",
    municipality: Annotated[
        str, typer.Option(metavar="CODE|NAME", help="The municipality of its units; none for a region's.")
    ] = "",
    private: Annotated[
        bool, typer.Option("--private", help="A private provider: no authority, other secrecy.")
    ] = False,
    bootstrap: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the party reaches Kafka.", show_default="as the hub does")
    ] = "",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Invite a party that makes its keys on its own machine: write an invitation, to be sent however you like.

    It holds nothing secret, is used once, and ends after 14 days. Read its fingerprint out by telephone.

    \b
    samband party invite skola --unit SE2120002080-SKOLA:school.pedagogic:Exempelskolan --out skola.invitation
    """  # noqa: D301
    from samband.schemas.joining import Invitation, read
    from samband.streams.invitations import invite as make

    home = home_of()
    place = municipality_of(municipality)
    units = [parse_unit(text, party, place, private=private) for text in unit]
    data = make(home, party, name or party, organisation, units, datetime.now(UTC), bootstrap=bootstrap)
    path = write_file(out or Path(f"{party}.invitation"), data)
    made = read(data, Invitation)
    if as_json:
        emit(file_json(path, made.environment, made.realm, made.party, made.fingerprint) | {"expires": made.expires})
        return
    print(f"{world(made.environment)}: invitation of {party}: {path}")
    print(f"fingerprint, to read out by telephone:  {made.fingerprint}")
    print(f"until {moment(made.expires)}. There they type: samband join {path.name}")


def approve(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The party's join request.")],
    fingerprint: Fingerprint = "",
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A certificate (PEM) from your own authority, where Kafka trusts that one.",
            show_default="the hub's authority signs",
        ),
    ] = None,
    out: Out = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the card is right.")] = False,
    as_json: Json = False,
) -> None:
    """Approve a party's join request: show its card, compare the fingerprint, sign card and certificate.

    Writes the welcome, to be sent back: it holds nothing that anybody else can open. A running hub gives the party its
    topics and rights at once.
    """
    from samband.streams.hub import refresh
    from samband.streams.invitations import approve as sign
    from samband.streams.invitations import examine

    home, now = home_of(), datetime.now(UTC)
    case = examine(home, read_file(request), now)
    if not as_json:
        _show_case(case)
    confirm(case.data, fingerprint, case.request.party, as_json=as_json)
    if not yes and not as_json:
        typer.confirm("is the card right?", abort=True, err=True)
    given = read_file(certificate).decode("ascii", "replace") if certificate else ""
    welcome = sign(home, case, now, certificate=given)
    path = write_file(out or Path(f"{case.request.party}.welcome"), welcome)
    live = refresh(home)
    if as_json:
        made = file_json(path, case.request.environment, case.request.realm, case.request.party, case.fingerprint)
        emit(made | {"live": live})
        return
    print(f"{world(case.request.environment)}: {case.request.party} is approved. Send back: {path}")
    print(f"There they type: samband join {path.name}")


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The party's conformity-report.json.")],
    as_json: Json = False,
) -> None:
    """Read a party's conformity report: whose it is, that it is whole, and whether everything passed."""
    import time

    from samband.connectors.conformity import verified

    home = home_of()
    fields = verified(read_file(file), home.directory(time.time_ns() // 1_000_000))
    if as_json:
        emit(fields)
    else:
        print(f"{world(fields['environment'])}: {fields['party']}, {fields['ended']}")
        for each in fields["checks"]:
            print(f"  {each['state']:<8}{each['check']}: {each['found']}")
        print(either("godkänt", "passed") if fields["passed"] else either("underkänt", "failed"))
    if not fields["passed"]:
        raise Answer(Exit.OPERATOR)


def _show_case(case: Case) -> None:
    from samband.connectors.cli.cards import show_unit

    card = case.card
    print(
        f"{world(card.environment)}: {card.name} ({card.party}{', ' + card.organisation if card.organisation else ''})"
    )
    for unit in card.units:
        print()
        show_unit(unit, {card.party: card})
        print(f"  {either('sekretess', 'secrecy')}: {unit.regime}")
    print()
    for key in case.keys:
        print(f"  {key.purpose:<14}{key.unit or card.party:<24}{_short(key.public)}  until {moment(key.not_after)}")
    print(f"  {'party-root':<14}{card.party:<24}{_short(card.root)}")
    print()


def _short(public: bytes) -> str:
    import hashlib

    return hashlib.sha256(public).hexdigest()[:16]
