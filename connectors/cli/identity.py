"""`samband identity`: a child that has another number, or one at last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from samband.connectors.cli.answers import answer, wait_for
from samband.connectors.cli.said import From, Wait, child_of
from samband.connectors.cli.terminal import As, Json, party_of

__all__ = ["app"]

app = typer.Typer(
    help="A child that has another number than before, or a number at last. Only the responsible unit says it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("change")
def change(
    *,
    who: As = "",
    from_child: Annotated[
        str, typer.Option(metavar="NUMBER", help="The number, or reference, until now; - reads it from standard input.")
    ],
    to_child: Annotated[
        str, typer.Option(metavar="NUMBER", help="The new number; - reads it from standard input, after the old one.")
    ],
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Move a child from one number to another. The old number ends for good, so check both before you say it.

    Your unit becomes responsible at the new number and the circle that you have said goes along. Consents do not: those
    who recorded them get a notice and record them anew. Under a threat (fingerade personuppgifter) it is refused, since
    nothing may link the two: start anew with `samband circle set --claim` at the new number.

    \b
    samband identity change --as social --from-child 201201619805 --to-child 201201019805
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors.client import Client

    client = Client(party_of(who))
    old = child_of(from_child)
    new = child_of(to_child)
    first = client.change_identity(old=old, new=new, now=datetime.now(UTC), unit=unit)
    if wait_for(client, first, wait).state != "accepted":
        answer(client, first, 0.0, what="event", as_json=as_json)  # says why, and ends
    second = client.change_identity(old=old, new=new, now=datetime.now(UTC), unit=unit, arrived=first)
    answer(client, second, wait, what="event", as_json=as_json, extra={"arrived": first.hex()})
