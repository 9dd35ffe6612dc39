"""`samband audit sample`: a spot check whose draw nobody can choose, and what was found.

The commands write down what is said; the keeper, a process of the hub, makes a leaf of it.
"""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Answer, Exit, Json, bad, emit, home_of, message_id_of, moment, note, table
from samband.connectors.cli.words import either, say

if TYPE_CHECKING:
    from samband.connectors.spotcheck import Check, SpotChecks
    from samband.streams.records.store import RecordStore

__all__ = ["app"]

app = typer.Typer(
    help="Spot checks: asked for in the log, drawn by lot, and what was found.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip

_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.2

Id = Annotated[str, typer.Argument(metavar="ID", help="The spot check's id: 32 hexadecimal digits.")]
By = Annotated[str, typer.Option(metavar="WHO", help="Who checks: an id, as your organisation knows them.",
                                 show_default="the user of this machine")]  # fmt: skip
Copy = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="A party's copy of the log: what it saw witnessed may not be passed over."),
]


@app.command("request")
def request(
    count: Annotated[int, typer.Option(min=1, max=200, help="How many decisions are drawn.")] = 5,
    since: Annotated[str, typer.Option(metavar="DATE", help="Decided on this day or later.")] = "",
    before: Annotated[str, typer.Option(metavar="DATE", help="Decided before this day.", show_default="now")] = "",
    unit: Annotated[str, typer.Option(metavar="UNIT", help="Sent or received by this unit.")] = "",
    type_: Annotated[str, typer.Option("--type", metavar="TYPE", help="Of this message type.")] = "",
    outcome: Annotated[str, typer.Option(metavar="OUTCOME", help="permit, deny or ask.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Ask for a spot check; the request is a leaf of the log before anybody can know what will be drawn.

    The seed is the first checkpoint that witnesses cosign after it. Needs the hub's own user on the hub's own machine.
    """
    from samband.streams.records.sample import Request

    now = time.time_ns() // 1_000_000
    number = secrets.token_bytes(16)
    asked = Request(number, by or getpass.getuser(), count, _day(since), _day(before) or now, unit, type_, outcome)
    with _checks() as (checks, store):
        checks.ask(asked, now)
        done = _said(store)
        found = checks.one(number, now)
    _answer([found], as_json=as_json)
    _end(done=done)


@app.command("draw")
def draw(number: Id, by: By = "", copy: Copy = None, as_json: Json = False) -> None:
    """Draw, when witnesses have cosigned a checkpoint with the request; exit code 4 when they have not yet."""
    now = time.time_ns() // 1_000_000
    with _checks(copy) as (checks, store):
        check = checks.one(message_id_of(number), now)
        _holds(check)
        if check.stage in ("asked", "waiting"):
            note(either("Ingen bevittnad kontrollpunkt har begäran ännu.",
                        "No witnessed checkpoint has the request yet."))  # fmt: skip
            raise Answer(Exit.TIMEOUT)
        drawn = checks.drawn(check) if check.draw else checks.draw(check, by or getpass.getuser(), now)
        done = _said(store)
        check = checks.one(check.request.id, now)
    _drawn(check, drawn, as_json=as_json)
    _end(done=done)


@app.command("note")
def note_(
    number: Id,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="A drawn decision's log entry.")],
    code: Annotated[
        str, typer.Option("--deviation", metavar="CODE", help="What is wrong, as a code; without it nothing was found.")
    ] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Note what was found in a drawn decision; it is a leaf of the log, and a later one does not take it back."""
    try:
        wanted = bytes.fromhex(entry)
    except ValueError:
        raise bad("a log entry is 64 hexadecimal digits") from None
    now = time.time_ns() // 1_000_000
    with _checks() as (checks, store):
        check = checks.one(message_id_of(number), now)
        checks.find(check, by or getpass.getuser(), wanted, code, now)
        done = _said(store)
        check = checks.one(check.request.id, now)
    _answer([check], as_json=as_json)
    _end(done=done)


@app.command("show")
def show(number: Id, copy: Copy = None, as_json: Json = False) -> None:
    """Show what was drawn and found, the seed and the draw worked out anew; exit code 10 when they do not hold."""
    with _checks(copy) as (checks, _):
        check = checks.one(message_id_of(number), time.time_ns() // 1_000_000)
        _holds(check)
        drawn = checks.drawn(check)
    _drawn(check, drawn, as_json=as_json)


@app.command("list")
def list_(
    copy: Copy = None,
    open_: Annotated[bool, typer.Option("--open", help="Only those that somebody has yet to end.")] = False,
    as_json: Json = False,
) -> None:
    """List the spot checks, newest first; exit code 10 when one rests on something that does not hold."""
    with _checks(copy) as (checks, _):
        found = checks.all(time.time_ns() // 1_000_000)
    _answer([each for each in found if each.stage != "closed"] if open_ else found, as_json=as_json)
    if any(each.code for each in found):
        raise Answer(Exit.DENIED)


@contextmanager
def _checks(copies: list[Path] | None = None) -> Iterator[tuple[SpotChecks, RecordStore]]:
    from samband.connectors.spotcheck import SpotChecks
    from samband.streams.log.folder import LogFolder
    from samband.streams.records import opened

    home = home_of()
    others = [size for copy in copies or () for size in LogFolder(copy).witnessed()]
    with opened(home) as store:
        yield SpotChecks(home, store, home.directory(time.time_ns() // 1_000_000), others), store


def _said(store: RecordStore) -> bool:
    """Wait until everything that was said is a leaf; False where it takes longer."""
    from samband.streams.records.store import State

    deadline = time.monotonic() + _WAIT_S
    while store.sayings(State.ASKED, State.STAMPED):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def _end(*, done: bool) -> None:
    if not done:
        note(either("Sagt, men ännu inte i loggen: det blir det när hubben kör.",
                    "Said, and not in the log yet: it will be, as soon as the hub runs."))  # fmt: skip
        raise Answer(Exit.TIMEOUT)


def _holds(check: Check) -> None:
    if check.code:
        _answer([check], as_json=False)
        raise Answer(Exit.DENIED)


def _day(text: str) -> int:
    from samband.streams.audit import STOCKHOLM

    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=STOCKHOLM).timestamp() * 1000) if text else 0
    except ValueError:
        raise bad("a date is written as 2026-11-24") from None


def told(check: Check) -> dict[str, Any]:
    """Return a spot check as JSON."""
    request = check.request
    return {
        "id": request.id.hex(), "by": request.by, "at": check.at, "entry": check.entry.hex() or None,
        "count": request.count, "since": request.since, "before": request.before, "unit": request.unit,
        "type": request.type, "outcome": request.outcome, "state": check.stage, "code": check.code,
        "checkpoint": check.size or None, "seed": check.seed.hex() or None,
        "population": check.draw.population if check.draw else None, "drawn": check.number,
        "checked": len(check.found), "deviations": check.deviations,
    }  # fmt: skip


def _answer(found: list[Check], *, as_json: bool) -> None:
    if as_json:
        emit([told(each) for each in found])
    elif not found:
        print(say("nothing"))
    else:
        heads = (say("time"), "id", either("begärd av", "asked by"), say("state"), either("dragna", "drawn"),
                 either("granskade", "checked"), either("avvikelser", "deviations"), say("why"))  # fmt: skip
        table(heads, [(moment(each.at), each.request.id.hex(), each.request.by, stage_words(each.stage),
                       f"{each.number}/{each.draw.population}" if each.draw else "–", str(len(each.found)),
                       str(each.deviations), each.code) for each in found])  # fmt: skip


_STAGES: Final = {
    "asked": ("begärd, inte i loggen än", "asked, not in the log yet"),
    "waiting": ("väntar på vittnen", "waits for witnesses"),
    "ready": ("kan dras", "ready to draw"),
    "open": ("granskas", "being checked"),
    "closed": ("klar", "done"),
}


def stage_words(stage: str) -> str:
    """Return how far a spot check is, in words."""
    return either(*_STAGES[stage])


def _drawn(check: Check, drawn: list[bytes], *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"entry": each.hex(), "found": [
            {"by": one.finding.by, "at": one.at, "code": one.finding.code, "entry": one.entry.hex() or None}
            for one in check.found.get(each, [])
        ]}
        for each in drawn
    ]  # fmt: skip
    if as_json:
        emit({**told(check), "decisions": rows})
        return
    _answer([check], as_json=False)
    print()
    print(either(f"frö ur kontrollpunkt {check.size}: {check.seed.hex()}",
                 f"seed of checkpoint {check.size}: {check.seed.hex()}"))  # fmt: skip
    nothing = either("inget fel", "nothing wrong")
    table((either("loggpost", "log entry"), either("granskad av", "checked by"), either("fann", "found")), [
        (row["entry"], ", ".join(each["by"] for each in row["found"]) or "–",
         ", ".join(each["code"] or nothing for each in row["found"]) or "–")
        for row in rows
    ])  # fmt: skip
