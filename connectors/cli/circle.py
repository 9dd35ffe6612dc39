"""`samband circle`: the units around a child and their roles, as the responsible unit says them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from samband.connectors.cli.answers import answer
from samband.connectors.cli.said import Child, From, Wait, child_of
from samband.connectors.cli.terminal import As, Json, bad, emit, party_of, table
from samband.connectors.cli.words import either, say
from samband.schemas.events import CircleAccepted, CircleHandover, CircleUpdate, Member
from samband.streams.inbox import STOCKHOLM

__all__ = ["app"]

app = typer.Typer(
    help="The units around a child: say who has which role. Only the responsible unit says it, and it is secret.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("set")
def set_(
    *,
    who: As = "",
    child: Child,
    member: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT:ROLE[:UNTIL]", help="A unit, its role and the last day of it. Repeatable."),
    ] = None,
    claim: Annotated[
        bool, typer.Option("--claim", help="Say that your unit is responsible; the first social services unit is.")
    ] = False,
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Say the whole circle; who is not named has no role any more.

    \b
    samband circle set --as social --child 201201019805 --claim \\
        --member SE2120002080-SKOLA:school --member SE2321000206-BUP:bup:2027-06-30
    """  # noqa: D301
    from samband.connectors.client import Client

    now = datetime.now(UTC)
    client = Client(party_of(who))
    body = CircleUpdate(tuple(_member(each, now) for each in member or ()), claim)
    event = client.record(body, child=child_of(child), now=now, unit=unit)
    answer(client, event, wait, what="event", as_json=as_json)


@app.command("show")
def show(*, who: As = "", child: Child, as_json: Json = False) -> None:
    """Show the circle as your own party last said it; `--to role:ROLE` sends to who has it."""
    from samband.connectors.client import Client

    rows: list[dict[str, Any]] = [
        {"unit": each.unit, "role": each.role, "from": each.valid_from, "until": each.valid_to}
        for each in Client(party_of(who)).circle(child_of(child))
    ]
    if as_json:
        emit(rows)
    elif rows:
        table(
            (say("unit"), either("roll", "role"), say("from"), either("till och med", "until")),
            [(each["unit"], each["role"], _day(each["from"]), _day(each["until"] - 1)) for each in rows],
        )
    else:
        print(either("Ni har inte sagt vilka som ingår.", "Your party has not said who belongs."))


@app.command("handover")
def handover(
    *,
    who: As = "",
    child: Child,
    to: Annotated[str, typer.Option("--to", metavar="UNIT", help="The social services unit that shall answer for it.")],
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Hand the child over to another social services unit. You stay responsible until that unit accepts.

    To your own unit, it takes an offer back. Where another authority claimed the child within the same day, nothing
    rests on consent until one of you yields: this command, to the other unit, gives your claim up at once.

    \b
    samband circle handover --as social --child 201201019805 --to SE2120002098-IFO
    """  # noqa: D301
    _say(who, child, CircleHandover(to), unit, wait, as_json=as_json)


@app.command("accept")
def accept(
    *,
    who: As = "",
    child: Child,
    sender: Annotated[str, typer.Option("--sender", metavar="UNIT", help="The unit that handed the child over.")],
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Accept a child that another unit has handed over: from when it is accepted, your unit is responsible.

    The units in the circle stay until you say the circle yourself.

    \b
    samband circle accept --as social --child 201201019805 --sender SE2120002080-IFO
    """  # noqa: D301
    _say(who, child, CircleAccepted(sender), unit, wait, as_json=as_json)


def _say(who: str, child: str, body: CircleHandover | CircleAccepted, unit: str, wait: float, *, as_json: bool) -> None:
    from samband.connectors.client import Client

    client = Client(party_of(who))
    event = client.record(body, child=child_of(child), now=datetime.now(UTC), unit=unit)
    answer(client, event, wait, what="event", as_json=as_json)


def _member(text: str, now: datetime) -> Member:
    unit, _, rest = text.partition(":")
    role, _, until = rest.partition(":")
    if not unit or not role:
        raise bad("a member is UNIT:ROLE, or UNIT:ROLE:UNTIL", "--member SE2120002080-SKOLA:school", "MEMBER_FORM")
    try:
        ends = _end_of(until) if until else 0
    except (ValueError, OverflowError) as error:
        raise bad("the last day is written YYYY-MM-DD", "", "MEMBER_FORM") from error
    return Member(unit, role, int(now.timestamp()), ends)


def _end_of(day: str) -> int:
    """Return the midnight after a day, in Europe/Stockholm."""
    from datetime import date, time, timedelta

    after = date.fromisoformat(day) + timedelta(days=1)
    return int(datetime.combine(after, time(), STOCKHOLM).timestamp())


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, STOCKHOLM).date().isoformat() if seconds > 0 else ""
