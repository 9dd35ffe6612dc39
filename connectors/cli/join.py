"""`samband join`: become a party on one's own machine, and test that one is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.cli.environment import world
from samband.connectors.cli.join_files import Fingerprint, confirm, file_json, read_file
from samband.connectors.cli.terminal import Answer, Exit, Json, bad, config_of, emit, party_of, table
from samband.connectors.cli.words import either
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.schemas.joining import Invitation

__all__ = ["join"]


def join(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The invitation, later the welcome.", show_default=False),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="The party's folder.", show_default="the party's id, here"),
    ] = None,
    fingerprint: Fingerprint = "",
    telephone: Annotated[str, typer.Option(help="Telephone of your units, for the card.")] = "",
    hours: Annotated[str, typer.Option(help="When somebody answers: `mån–fre 8–16`.")] = "",
    does: Annotated[str, typer.Option(help="One sentence: what the unit does, and what not.")] = "",
    test: Annotated[
        bool, typer.Option("--test", help="Send to yourself through the gate, and write the conformity report.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", envvar="SAMBAND_WAIT", help="With --test: how long to wait for each answer."
        ),
    ] = 30.0,
    as_json: Json = False,
) -> None:
    """Join a hub as a party, on your own machine: with an invitation, then with a welcome, then --test.

    With the invitation the party's keys are made in its folder; they never leave it. What goes back to the hub is a
    join request with public keys. The welcome brings certificate, reference key and directory.

    \b
    samband join skola.invitation          asks for the fingerprint that the hub reads to you
    samband join skola.welcome
    samband join --test --dir skola        sends to your own unit, and writes the report to hand in
    """  # noqa: D301
    if test:
        if file is not None:
            raise bad("--test takes no file", "samband join --test --dir DIR")
        _test(config_of(str(folder or "")), wait, as_json=as_json)
        return
    if file is None:
        raise bad("it is not said which file", "samband join INVITATION, samband join WELCOME, or --test")
    from samband.schemas.joining import Invitation, Paper, Welcome, read

    data = read_file(file)
    paper: Paper = read(data)
    if isinstance(paper, Invitation):
        _ask_to_join(data, folder or Path(paper.party), fingerprint, as_json=as_json,
                     own={"telephone": telephone, "hours": hours, "does": does})  # fmt: skip
    elif isinstance(paper, Welcome):
        _be_welcome(data, folder or Path(paper.party), as_json=as_json)
    else:
        raise bad("a join request goes to the hub", "there: samband party approve FILE", "JOIN_KIND")


def _ask_to_join(data: bytes, folder: Path, heard: str, *, own: dict[str, str], as_json: bool) -> None:
    from samband.streams.join_files import fingerprint as fingerprint_of
    from samband.streams.joining import REQUEST_FILE, open_invitation, prepare

    now = datetime.now(UTC)
    root, invitation = open_invitation(data, now)
    if not as_json:
        _show_invitation(invitation)
    if not (folder / REQUEST_FILE).exists():
        confirm(root.data, heard, "the hub", as_json=as_json)
    request = prepare(folder, data, now, **own)
    path, read_out = folder / REQUEST_FILE, fingerprint_of(request)
    if as_json:
        emit(file_json(path, invitation.environment, invitation.realm, invitation.party, read_out))
        return
    print(f"{world(invitation.environment)}: keys are made in {folder}; they stay there")
    print(f"send to the hub: {path}")
    print(f"and read out by telephone:  {read_out}")


def _be_welcome(data: bytes, folder: Path, *, as_json: bool) -> None:
    from samband.streams.joining import take_welcome

    welcome = take_welcome(folder, data)
    if as_json:
        config = str(folder / "connector.toml")
        emit({"party": welcome.party, "environment": welcome.environment, "realm": welcome.realm, "config": config})
        return
    print(f"{world(welcome.environment)}: {welcome.party} is in; certificate and keys are in {folder}")
    print(f"next: samband join --test --dir {folder}, then samband connect {folder}")


def _show_invitation(invitation: Invitation) -> None:
    print(
        f"{world(invitation.environment)}: {invitation.name} ({invitation.party}) is invited to {invitation.agreement}"
    )
    for unit in invitation.units:
        print(f"  {unit.id}  {unit.kind}  {unit.name}")


def _test(config: Path, wait: float, *, as_json: bool) -> None:
    import asyncio

    from samband.connectors.conformity import write
    from samband.connectors.selftest import run
    from samband.streams.joining import REQUEST_FILE

    folder = config.resolve().parent
    if (folder / REQUEST_FILE).exists() and not (folder / "tls" / "client.pem").exists():
        hint = f"samband join WELCOME --dir {folder}"
        raise OperatorError("JOIN_WAITING", "the hub's welcome is not taken yet", hint)
    party = party_of(str(config))
    report = asyncio.run(run(party, wait))
    files = write(party, report)
    if as_json:
        emit({**report.plain(), "files": [str(each) for each in files]})
    else:
        print(f"{world(report.environment)}: {report.party}, realm {report.realm[:8]}")
        table(
            ("", either("löfte", "promise"), either("provat", "checked"), either("sett", "seen"), "ms"),
            [
                (each.state, either(*each.promise), either(*each.check), each.found, str(each.ms or ""))
                for each in report.checks
            ],
        )
        print(either("godkänt" if report.passed else "underkänt", "passed" if report.passed else "failed"))
        print(f"{either('att lämna in', 'to hand in')}: {files[0]}")
    if not report.passed:
        raise Answer(Exit.OPERATOR)
