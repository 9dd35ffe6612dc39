"""`samband webhook`: what your own system has refused, and the secrets that sign what it gets."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from samband.connectors.cli.terminal import As, Json, bad, emit, message_id_of, moment, party_of, table
from samband.connectors.cli.words import either, say

__all__ = ["app"]

app = typer.Typer(help="Your webhook: what it refused, and its secrets.", no_args_is_help=True, rich_markup_mode=None)

Message = Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")]


@app.command()
def dead(who: As = "", as_json: Json = False) -> None:
    """List what your own system has refused for good and that waits for a person here; its sender is not told yet."""
    from samband.connectors.dead import dead as of_party

    rows = of_party(party_of(who))
    found = [
        {"message_id": row.message_id.hex(), "unit": row.unit, "code": row.code, "since": row.changed,
         "until": row.expires}
        for row in rows
    ]  # fmt: skip
    if as_json:
        emit(found)
    elif not found:
        print(say("nothing"))
    else:
        table(
            (say("message"), say("unit"), say("since"), say("until"), say("state")),
            [
                (row.message_id.hex(), row.unit, moment(row.changed), moment(row.expires), f"{say('dead')} {row.code}")
                for row in rows
            ],
        )


@app.command()
def replay(
    message: Annotated[str, typer.Argument(metavar="[MESSAGE]", help="Its id.", show_default="all of them")] = "",
    who: As = "",
    as_json: Json = False,
) -> None:
    """Have what was refused tried again, one message or all of them."""
    from samband.connectors.dead import dead as of_party
    from samband.connectors.dead import replay as again

    party, now = party_of(who), time.time_ns() // 1_000_000
    ids = [message_id_of(message)] if message else [row.message_id for row in of_party(party)]
    for each in ids:
        again(party, each, now)
    if as_json:
        emit({"replayed": [each.hex() for each in ids]})
    else:
        print(f"{len(ids)} {either('försöks igen', 'are tried again')}")


@app.command("give-up")
def give_up(message: Message, who: As = "", as_json: Json = False) -> None:
    """Refuse a message that your own system will not take; its sender is told."""
    from samband.connectors.dead import give_up as refuse

    refuse(party_of(who), message_id_of(message), time.time_ns() // 1_000_000)
    if as_json:
        emit({"message_id": message, "state": "refused"})
    else:
        print(f"{message}  {say('refused')}")


@app.command()
def secret(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The adapter's `secret` in connector.toml.")],
    pair: Annotated[
        bool, typer.Option("--pair", help="A key pair (v1a) instead of a shared secret: print the public key.")
    ] = False,
    end_earlier: Annotated[
        bool, typer.Option("--end-earlier", help="Take the earlier one of this kind away, and make none.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a new secret that holds beside the newest earlier one, and print what the receiver needs.

    Change the receiver, then --end-earlier. The connector reads the file when it starts.

    \b
    samband webhook secret webhook.secret --pair
    samband webhook secret webhook.secret --pair --end-earlier
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors import secret_file, signing

    made = signing.new_key(os.urandom(32)) if pair else signing.new_secret(os.urandom(32))
    lines = secret_file.read(file)
    same = [each for each in lines if each.startswith(signing.PRIVATE) is pair]
    other = [each for each in lines if each not in same]
    kept = secret_file.ended(same) if end_earlier else secret_file.added(same, made)
    if not kept:
        raise bad("there is no secret of this kind yet", "leave --end-earlier out to make one", "SECRET_NONE")
    secret_file.write(file, [*kept, *other])
    told = signing.public_of(kept[0]) if pair else kept[0]
    if as_json:
        emit({"receiver": told, "hold": len(kept)})
    else:
        print(told)
