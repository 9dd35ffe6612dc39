"""`samband contract run`: what Samband asks of a party's own system, asked before it joins."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from samband.connectors.cli.terminal import Answer, As, Exit, Json, bad, emit, party_of
from samband.connectors.cli.words import either
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.conformity import Check, Report
    from samband.connectors.contract import FarSide

__all__ = ["app"]

app = typer.Typer(help="What Samband asks of your own system.", no_args_is_help=True, rich_markup_mode=None)

_UNIT: Final = "SE2120002080-IFO"


@app.callback()
def _contract() -> None:
    """Keep `run` a command of its own."""


@app.command()
def run(
    against: Annotated[
        str, typer.Option(metavar="URL", help="Your webhook's address; it answers GET with what it has.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead: the folder that your system reads.")
    ] = None,
    rest: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            help="Your system fetches over REST, from this port; --against says what it has.",
            min=0,
            max=65535,
            show_default="none",
        ),
    ] = 0,
    secret: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The webhook's secret.", show_default="the sandbox's")
    ] = None,
    unit: Annotated[str, typer.Option(metavar="UNIT", help="At which unit of the sandbox your system stands.")] = _UNIT,
    who: As = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as JSON here.", show_default="none")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand real messages over to your system, through everything that goes wrong, and report what it keeps.

    A sandbox runs for as long as the test does. Each check says what was seen: once or at least once, in order,
    acknowledged, forged signatures refused. With --as your party's own key signs the report, as `samband join --test`
    does, and it is what you hand in at the hub. Exit code 1 where something failed. Needs `samband[sandbox]`.
    """
    try:
        from samband.connectors import contract
    except ModuleNotFoundError as error:
        raise OperatorError(
            "SANDBOX_MISSING", f"the suite needs `{error.name}`", "pip install 'samband[sandbox]'"
        ) from error
    side = _side(against, folder, secret, rest)
    if rest and not as_json:
        _say_where(unit, rest)
    party = party_of(who) if who else None
    report = asyncio.run(contract.run(side, unit=unit, party=party, tell=_quiet if as_json else _tell))
    files = []
    if party is not None:
        from samband.connectors.conformity import write

        files = [str(each) for each in write(party, report)]
    if out is not None:
        _write(out, report)
        files.append(str(out))
    if as_json:
        emit({**report.plain(), "files": files})
    else:
        _end(report)
        for each in files:
            print(each)
    if not report.passed:
        raise Answer(Exit.DIFFERENT)


def _say_where(unit: str, port: int) -> None:
    from samband.connectors.sandbox.doors import secret_of
    from samband.connectors.sandbox.house import House

    party = House.check_unit(unit)
    address = f"http://127.0.0.1:{port}/parties/{party}"
    print(either("Ditt system hämtar från", "Your system fetches from"), address)
    known = f"`{party}`", f"`{secret_of(party)}`"
    print(either("klient {}, hemlighet {}\n", "client {}, secret {}\n").format(*known), flush=True)


def _side(against: str, folder: Path | None, secret: Path | None, rest: int) -> FarSide:
    from samband.connectors.contract import FolderSide, RestSide, WebhookSide
    from samband.connectors.sandbox.serving import SECRET

    if bool(against) == (folder is not None):
        raise bad("it is not said against what", "--against URL, or --folder DIR")
    if rest and (folder is not None or secret is not None):
        raise bad("a system that fetches has neither folder nor secret here", "--rest PORT --against URL")
    if rest:
        return RestSide(rest, against)
    if folder is not None:
        return FolderSide(folder)
    try:
        return WebhookSide(against, secret.read_text("utf-8").strip() if secret else SECRET)
    except (OSError, UnicodeDecodeError) as error:
        raise bad("the secret's file cannot be read", "--secret FILE") from error


def _quiet(line: Check) -> None:
    """Say nothing until the end."""


def _tell(line: Check) -> None:
    mark = {"ok": "ok", "failed": either("FEL", "FAILED"), "skipped": either("utelämnat", "left out")}[line.state]
    print(f"{mark:<10} {either(*line.check):<48} {line.found}", flush=True)


def _end(report: Report) -> None:
    """Say the whole, with how much was asked at all: what is left out is no failure, and no promise kept."""
    states = [line.state for line in report.checks]
    counts = states.count("ok"), states.count("skipped")
    said = either("\ngodkänt" if report.passed else "\nunderkänt", "\npassed" if report.passed else "\nFAILED")
    print(said + either(": {} hålls, {} utelämnade", ": {} kept, {} left out").format(*counts))


def _write(out: Path, report: Report) -> None:
    import json

    try:
        out.write_text(json.dumps(report.plain(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise OperatorError("REPORT_WRITE", f"`{out}` cannot be written: {error.strerror}") from error
