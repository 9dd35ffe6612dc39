"""`samband inbox`: what came to the own units, and reading it; every reading is recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.answers import ground_json
from samband.connectors.cli.attachments import attachments
from samband.connectors.cli.said import ActingUser, acting_user
from samband.connectors.cli.terminal import As, Json, emit, message_id_of, moment, party_of, table
from samband.connectors.cli.types import value_words
from samband.connectors.cli.words import either, say

if TYPE_CHECKING:
    from samband.connectors.store import InboxRow

__all__ = ["app"]

app = typer.Typer(help="What came to your units.", no_args_is_help=True, rich_markup_mode=None)

app.command()(attachments)


@app.command("list")
def list_(
    who: As = "", limit: Annotated[int, typer.Option(help="The newest so many.")] = 50, as_json: Json = False
) -> None:
    """List what came, newest first; of what is held back only that it came."""
    _list(party_of(who).store.letters(limit=limit), as_json=as_json)


@app.command()
def unacknowledged(
    who: As = "", limit: Annotated[int, typer.Option(help="The newest so many.")] = 50, as_json: Json = False
) -> None:
    """List what was handed over and that nobody has acknowledged: in a folder, not yet moved to acknowledged/."""
    _list(party_of(who).store.letters("handed_over", limit), as_json=as_json)


@app.command()
def gaps(who: As = "", as_json: Json = False) -> None:
    """List the numbers of your inbox that are missing: what the gate wrote and the broker has not shown.

    What comes late is taken and leaves the list. Give the numbers to the hub's operator: the log has what they held.
    """
    from samband.connectors.boxes import gaps as of_store

    found = of_store(party_of(who).store)
    if as_json:
        emit([{"partition": each.partition, "from": each.first, "to": each.last, "seen": each.at} for each in found])
    elif not found:
        print(say("nothing"))
    else:
        table(
            ("partition", say("from"), say("to"), say("time")),
            [(str(each.partition), str(each.first), str(each.last), moment(each.at)) for each in found],
        )


def _list(rows: list[InboxRow], *, as_json: bool) -> None:
    found = [_listed(row) for row in rows]
    if as_json:
        emit(found)
    elif not found:
        print(say("nothing"))
    else:
        table(
            (say("message"), say("time"), say("type"), say("from"), say("unit"), say("state")),
            [
                (
                    each["message_id"],
                    moment(each["received"]),
                    each["type"] or say("held"),
                    each["from"] or "–",
                    each["unit"],
                    say(each["state"]) + (f" {each['code']}" if each["code"] else ""),
                )
                for each in found
            ],
        )


def _listed(row: InboxRow) -> dict[str, Any]:
    return {
        "message_id": row.message_id.hex(),
        "received": row.received,
        "type": None if row.held else row.type,
        "from": None if row.held else row.letter["sender_unit"],
        "unit": row.unit,
        "state": row.state,
        "code": row.code,
        "held": row.held,
    }


@app.command()
def show(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")],
    who: As = "",
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why you read it; asked for where the child is protected.")
    ] = "",
    acting_user_: ActingUser = "",
    as_json: Json = False,
) -> None:
    """Show one message with its content. That you read it, when and why, is recorded in its ladder.

    What is held back, since the child is protected, is shown for a stated reason only.
    """
    from samband.connectors.reading import letter_of, read

    party = party_of(who)
    row = letter_of(party, message_id_of(message))
    read(party, row, reason=reason, user=acting_user(acting_user_), now=time.time_ns() // 1_000_000)
    letter = row.letter
    shown: dict[str, Any] = {
        **_listed(row),
        "type": row.type,
        "from": letter["sender_unit"],
        "from_party": letter["sender_party"],
        "conversation": letter["conversation"],
        "ref_to": letter["ref_to"],
        "decided_at": letter["decided_at"],
        "grounds": [ground_json(each) for each in letter["grounds"]],
        "obligations": letter["obligations"],
        "categories": letter["categories"],
        "content": letter["content"],
        "erased": row.erased or None,
        "disposal": letter.get("disposal"),
    }
    if as_json:
        emit(shown)
    else:
        _show(shown)


@app.command()
def misdirected(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")],
    who: As = "",
    acting_user_: ActingUser = "",
    as_json: Json = False,
) -> None:
    """Say that a message was not meant for your unit (felsänt). Its sender is told, and its content is erased here.

    What your own system has taken over already it must erase itself: the message's id is what was handed over.
    """
    from samband.connectors.reading import misdirect

    now = time.time_ns() // 1_000_000
    misdirect(party_of(who), message_id_of(message), user=acting_user(acting_user_), now=now)
    if as_json:
        emit({"message_id": message, "state": "misdirected"})
    else:
        print(f"{message}  {say('misdirected')}")


def _show(shown: dict[str, Any]) -> None:
    from samband.schemas.catalogue import find
    from samband.schemas.message_types import COMMON_FIELDS

    row = find(shown["type"])
    grounds = ", ".join(f"{each['ground']} ({each['citation']})" for each in shown["grounds"])
    head = [
        (say("type"), f"{shown['type']}, {either(row.label_sv, row.label_en)}"),
        (say("from"), f"{shown['from']} ({shown['from_party']})"),
        (say("to"), shown["unit"]),
        (say("time"), moment(shown["decided_at"])),
        (say("ground"), grounds),
        (say("state"), f"{say(shown['state'])} {shown['code']}".strip()),
        *((say("obligation"), say(each)) for each in shown["obligations"]),
    ]
    if shown["erased"]:
        head.append((either("gallrat", "erased"), f"{moment(shown['erased'])}, {shown['disposal']}"))
    fields = {each.name: each for each in (*COMMON_FIELDS, *row.fields)}
    labels = {name: either(each.label_sv, each.label_en) for name, each in fields.items()}
    content = shown["content"] or {}
    body = [
        (
            labels.get(key, key),
            f"{value['id']}, {value['role']}" if isinstance(value, dict) else value_words(fields.get(key), value),
        )
        for key, value in content.items()
        if value is not None
    ]
    width = max(len(label) for label, _ in head + body)
    for label, value in head:
        print(f"{label:<{width}}  {value}")
    print()
    for label, value in body:
        print(f"{label:<{width}}  {value}")
