"""`samband consent list`: where each consent that this party has recorded stands, as far as it knows."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.book import ConsentBook
from samband.connectors.cli.consent_words import second_of
from samband.connectors.cli.said import child_of
from samband.connectors.cli.terminal import As, Json, emit, moment, note, party_of, table
from samband.connectors.cli.words import category_words, either, say

if TYPE_CHECKING:
    from samband.connectors.client import Client
    from samband.connectors.store import Step

__all__ = ["list_"]

_SHOWN: Final = ("disclosers", "recipients", "categories", "about", "until", "givers", "recorded_at")
_ADULT: Final = 18


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

    party = party_of(who)
    client = Client(party)
    number = child_of(child) if child else ""
    seconds = second_of(at, clock.max) if at else int(time.time())
    found = [
        _listed(client, each, entry, party.store.steps(each), seconds)
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


def _listed(client: Client, consent: bytes, entry: dict[str, Any], heard: list[Step], at: int) -> dict[str, Any]:
    """Return a consent as it stood at a time: our own words that the gate took, and the notices of others'."""

    def taken(message: str) -> bool:
        steps = client.outcome(bytes.fromhex(message)).steps
        return bool(steps) and steps[-1].outcome == "accepted" and steps[-1].at < (at + 1) * 1000

    notices = [step for step in heard if step.at < (at + 1) * 1000]
    told = {(step.detail.get("type", ""), step.code) for step in notices}
    signed = [giver for giver, message in entry["signatures"].items() if taken(message)]
    ended = {each["scope"] for each in entry["ended"] if taken(each["message_id"])}
    withdrawn = {code for kind, code in told if kind in ("consent.withdrawn", "consent.refused")}
    recorded = client.outcome(bytes.fromhex(entry["message_id"])).state
    return {
        "consent_id": consent.hex(),
        **{key: entry[key] for key in _SHOWN},
        "signed": signed,
        "confirmed": sorted({step.detail["sender"] for step in notices if step.detail["type"] == "consent.confirmed"}),
        "doubted": _doubted(notices),
        "state": _state(entry, recorded, signed, ended, withdrawn, at) if recorded == "accepted" else recorded,
        "renew_before": _renewal(entry, at) if recorded == "accepted" and not withdrawn and not ended else "",
    }


def _state(
    entry: dict[str, Any], recorded: str, signed: list[str], ended: set[str], withdrawn: set[str], at: int
) -> str:
    if {"everything", "consent"} & ended or "CONSENT_WITHDRAWN" in withdrawn:
        return "withdrawn"
    if entry["until"] < at:
        return "expired"
    if ended or withdrawn:
        return "partly_withdrawn"
    return "complete" if set(entry["givers"]) <= set(signed) else "pending"


def _doubted(notices: list[Step]) -> list[str]:
    """Return the units that have said an odd number of times that they doubt it, or take that back."""
    units: set[str] = set()
    for step in notices:
        if step.detail["type"] == "consent.disputed":
            units ^= {step.detail["sender"]}
    return sorted(units)


def _renewal(entry: dict[str, Any], at: int) -> str:
    """Return the day before which to renew, empty where there is time."""
    from samband.connectors.consents import renewal
    from samband.schemas.identifiers import birth_date
    from samband.streams.inbox import STOCKHOLM

    born = birth_date(entry["child"])
    adult = None
    if born is not None and any(giver != "child" for giver in entry["givers"]):
        birthday = date(born.year + _ADULT, 3, 1) if (born.month, born.day) == (2, 29) else born.replace(
            year=born.year + _ADULT
        )  # fmt: skip
        adult = datetime.combine(birthday, clock.min, STOCKHOLM)
    ends = renewal(entry["until"], adult, datetime.fromtimestamp(at, UTC))
    return ends.astimezone(STOCKHOLM).date().isoformat() if ends else ""


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
