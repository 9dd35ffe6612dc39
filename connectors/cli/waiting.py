"""`samband waiting`: what was said and has not ended, and what of it is late."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import As, Json, emit, moment, party_of, table
from samband.connectors.cli.words import either, say

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.waiting import Waits

__all__ = ["late_words", "waiting"]


def waiting(
    who: As = "",
    late: Annotated[bool, typer.Option("--late", help="Only what should have gone on by now.")] = False,
    as_json: Json = False,
) -> None:
    """List what you said and what still waits: for the gate, for its answer, or to be handed over.

    Late is what the gate has not decided for ten minutes, or what is not handed over a day after its permit. Nothing of
    it is lost: it goes on by itself, and ends as expired at the latest when its own time is over.
    """
    from samband.connectors.waiting import waiting as of_party

    now = time.time_ns() // 1_000_000
    party = party_of(who)
    found = [each for each in of_party(party, now) if each.late or not late]
    _notices(party)
    if as_json:
        emit([_json(each) for each in found])
    elif not found:
        print(say("nothing"))
    else:
        table(
            (say("message"), say("type"), say("to"), say("since"), say("state")),
            [
                (each.message_id.hex(), each.type, each.recipient, moment(each.since), late_words(each))
                for each in found
            ],
        )


def _notices(party: Party) -> None:
    """Say beside the list which units are not told by mail that something waits at their desk."""
    from samband.connectors.notice import failing

    for each in failing(party):
        told = either(
            f"mejl till {each.unit} om att något väntar går inte fram sedan {moment(each.since)}",
            f"the mail to {each.unit} that something waits does not go, since {moment(each.since)}",
        )
        print(f"samband: {told} [{each.code}]", file=sys.stderr)


_STATES: Final = {
    "undecided": ("väntar på grinden", "waits for the gate"),
    "unanswered": ("grindens svar saknas", "the gate's answer is missing"),
    "permitted": ("väntar på överlämning", "waits to be handed over"),
}


def late_words(each: Waits) -> str:
    """Return what a message waits for, and whether it should have gone on."""
    told = either(*_STATES[each.state])
    return f"{told}, {either('försenat', 'late')}" if each.late else told


def _json(each: Waits) -> dict[str, Any]:
    return {
        "message_id": each.message_id.hex(),
        "type": each.type,
        "recipient": each.recipient,
        "state": each.state,
        "since": each.since,
        "due": each.due,
        "late": each.late,
    }
