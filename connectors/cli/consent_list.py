"""`samband consent list`: where each consent that this party has recorded stands, as far as it knows."""

from __future__ import annotations

import time
from datetime import time as clock
from typing import Annotated, Any

import typer

from samband.connectors.book import ConsentBook
from samband.connectors.cli.consent_words import second_of
from samband.connectors.cli.said import child_of
from samband.connectors.cli.terminal import As, Json, emit, moment, note, party_of, table
from samband.connectors.cli.words import category_words, either, say

__all__ = ["list_"]


def list_(
    who: As = "",
    child: Annotated[
        str, typer.Option(metavar="NUMBER", help="One child's only; - reads it from standard input.")
    ] = "",
    due: Annotated[
        bool, typer.Option("--due", help="Only those that end within 30 days: ask the family for a renewal.")
    ] = False,
    at: Annotated[
        str, typer.Option(metavar="DATE", help="As it was known at the end of a day.", show_default="now")
    ] = "",
    as_json: Json = False,
) -> None:
    """List what this party has recorded itself, with what it was told of signatures, confirmations and withdrawals.

    What other parties recorded is not here: `samband ask` tells what carries a message now. At 18 the guardians'
    consents end, and the young adult is asked; --due proposes both ahead.
    """
    from samband.connectors.client import Client
    from samband.connectors.consent_standing import standing

    party = party_of(who)
    client = Client(party)
    number = child_of(child) if child else ""
    seconds = second_of(at, clock.max) if at else int(time.time())
    found = [
        standing(client, each, entry, party.store.steps(each), seconds)
        for each, entry in ConsentBook(party).entries()
        if number in ("", entry["child"]) and entry["recorded_at"] < (seconds + 1) * 1000
    ]
    found = [each for each in found if each["renew_before"] or not due]
    if as_json:
        emit(found)
    elif not found:
        print(say("nothing"))
    else:
        table(
            (say("consent"), say("from"), say("to"), say("tells"), say("until"), say("signed"), say("state")),
            [_row(each) for each in found],
        )
        for each in found:
            if each["renew_before"]:
                note(
                    either("förnya", "renew") + f" {each['consent_id']}: "
                    + either("slutar gälla", "it ends") + f" {each['renew_before']}"
                )  # fmt: skip


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    return (
        each["consent_id"],
        ", ".join(each["disclosers"]),
        ", ".join(each["recipients"]),
        ", ".join(map(category_words, each["categories"])),
        moment(each["until"] * 1000)[:10],
        f"{len(each['signed'])}/{len(each['givers'])}",
        _state_words(each),
    )


def _state_words(each: dict[str, Any]) -> str:
    waits = f"{len(each['signed'])} {either('av', 'of')} {len(each['givers'])}"
    words = {
        "withdrawn": ("återkallat", "withdrawn"),
        "partly_withdrawn": ("delvis återkallat", "partly withdrawn"),
        "complete": ("undertecknat av alla", "signed by all"),
        "pending": (f"väntar ({waits})", f"pending ({waits})"),
    }
    state = each["state"]
    found = either(*words[state]) if state in words else say(state)
    return f"{found}, {either('ifrågasatt', 'doubted')}" if each["doubted"] else found
