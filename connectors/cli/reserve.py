"""`samband reserve`: what waits while the hub is away, its numbers, and sealed envelopes in a file."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Answer, As, Exit, Json, bad, emit, moment, party_of, table
from samband.connectors.cli.words import either, say
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.reserve_file import Carried, Left

__all__ = ["app"]

app = typer.Typer(
    help="Reserve routine (reservrutin): when hub or network is away.", no_args_is_help=True, rich_markup_mode=None
)

_FILE_MOST: Final = 600 << 20
"""Bytes of the largest file: as many messages of the largest size as one may have."""


def _now() -> int:
    return time.time_ns() // 1_000_000


@app.command("list")
def list_(who: As = "", as_json: Json = False) -> None:
    """List what was said and is not decided, with reserve numbers, and say whether the hub is reached."""
    from samband.connectors.reserve import away_since, number_of
    from samband.connectors.reserve_file import MOST

    party, now = party_of(who), _now()
    since, after, found = away_since(party, now), 0, []
    while rows := party.store.undecided(MOST, after):
        found += [row.message_id for row in rows]
        after = rows[-1].id
    if as_json:
        emit({
            "away_since": since or None,
            "waiting": [{"reserve_number": number_of(each), "message_id": each.hex()} for each in found],
        })  # fmt: skip
        return
    print(_standing(since))
    if found:
        table((either("reservnummer", "reserve number"), say("message")), [(number_of(e), e.hex()) for e in found])


def _standing(since: int) -> str:
    if not since:
        return either("Navet nås.", "The hub is reached.")
    return either(f"Navet nås inte sedan {moment(since)}.", f"The hub is not reached since {moment(since)}.")


@app.command()
def find(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As it was read out; case and spaces do not matter.")],
    who: As = "",
    as_json: Json = False,
) -> None:
    """Find the message that a reserve number was given for, and what became of it."""
    from samband.connectors.client import Client
    from samband.connectors.reserve import ids_of

    party = party_of(who)
    client = Client(party)
    found = [(each, client.outcome(each).state) for each in ids_of(party.store, number)]
    if as_json:
        emit([{"message_id": each.hex(), "state": state} for each, state in found])
    else:
        table((say("message"), say("state")), [(each.hex(), say(state)) for each, state in found])


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file; more are numbered: FILE-2, FILE-3.")],
    who: As = "",
    as_json: Json = False,
) -> None:
    """Write what waits for the hub into a file, for another machine of yours that reaches it.

    Each message is sealed to its recipient, and the file to your own keys: whoever finds it reads nothing. What is said
    here goes on being tried; whichever way is first counts, and nothing is handed over twice.

    \b
    samband reserve export --as skola --out /media/usb/reserv
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors.reserve_file import export as carried

    party, now = party_of(who), _now()
    files: list[tuple[Path, Carried]] = []
    left: list[Left] = []
    after, number = 0, 1
    while True:
        made = carried(party, now, after)
        left += made.left
        if made.data:
            path = out if number == 1 else out.with_name(f"{out.name}-{number}")
            _write(path, made.data)
            files.append((path, made))
            number += 1
        if not (after := made.next):
            break
    if not files and not left:
        raise bad("nothing waits that could be carried", "samband reserve list", "RESERVE_NOTHING")
    if as_json:
        emit({
            "files": [{"file": str(path), "messages": [each.hex() for each in made.messages]} for path, made in files],
            "left": [{"message_id": each.message_id.hex(), "code": each.code} for each in left],
        })  # fmt: skip
    else:
        for path, made in files:
            print(f"{path}: {len(made.messages)} {either('meddelanden', 'messages')}")
        for each in left:
            print(f"{each.message_id.hex()}  {either('kom inte med', 'left out')} [{each.code}]")
    if left:
        raise Answer(Exit.REFUSED)


def _write(path: Path, data: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OperatorError("RESERVE_FILE", f"`{path}` cannot be written: {reason}", "name a new file") from error


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `samband reserve export` wrote.")],
    who: As = "",
    as_json: Json = False,
) -> None:
    """Put an exported file's messages into this machine's outbox; its connector sends them, and the gate judges them.

    The same file again does nothing new. A message lives 14 days at most; one whose recipient's key is over since must
    be exported again. Codes: 12 where something could not be taken.

    \b
    samband reserve import --as skola /media/usb/reserv
    """  # noqa: D301
    from samband.connectors.reserve_file import take_in

    party = party_of(who)
    try:
        if file.stat().st_size > _FILE_MOST:
            raise bad("the file is larger than any that was exported", code="RESERVE_BROKEN")
        data = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OperatorError("RESERVE_FILE", f"`{file}` cannot be read: {reason}", "samband reserve export") from error
    taken = take_in(party, data, _now())
    if as_json:
        emit([
            {"message_id": each.message_id.hex(), "state": each.state, "code": each.code, "expires": each.expires}
            for each in taken
        ])  # fmt: skip
    else:
        _told(taken)
    if any(each.code for each in taken):
        raise Answer(Exit.REFUSED)


_STATES: Final = {
    "taken": ("tas emot här", "taken in here"),
    "known": ("finns här redan", "is here already"),
    "expired": ("för gammalt: säg det på nytt", "too old: say it anew"),
    "key_over": ("nyckeln gäller inte längre: exportera igen", "its key is over: export it again"),
}


def _told(taken: list[Any]) -> None:
    from samband.connectors.reserve import number_of

    table(
        (either("reservnummer", "reserve number"), say("state"), say("until")),
        [(number_of(each.message_id), either(*_STATES[each.state]), moment(each.expires)) for each in taken],
    )
