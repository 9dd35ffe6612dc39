"""`samband track`, `recall` and `mark`: what became of a message, stopping it, and protecting a child."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from samband.connectors.cli.answers import answer, exit_of, ladder, step_json
from samband.connectors.cli.said import Child, From, Wait, child_of
from samband.connectors.cli.terminal import (
    Answer,
    As,
    Exit,
    Json,
    bad,
    emit,
    home_of,
    message_id_of,
    note,
    party_of,
    table,
)
from samband.connectors.cli.waiting import late_words
from samband.connectors.cli.words import either, say
from samband.connectors.tracking import VIEW

__all__ = ["mark", "recall", "track"]

Message = Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")]


def track(message: Message, who: As = "", as_json: Json = False) -> None:
    """Show what became of a message, step by step.

    With --as from the party's own store: what the gate and the recipient have told it. Without, on the hub's machine,
    from the hub's own stream.
    """
    message_id = message_id_of(message)
    found = _own(who, message_id) if who else _hub(message)
    if as_json:
        emit(found)
    else:
        about = f"{found['type']}: {found['sender']} → {found['recipient']}" if found.get("type") else ""
        print(f"{message}  {say(found['state'])}" + (f"  {about}" if about else ""))
        table((say("time"), say("what"), say("outcome"), say("why")), ladder(found["steps"]))
        if parts := found.get("parts"):
            done, every = parts["decided"], parts["of"]
            note(either(f"bilagor: {done} av {every} delar bedömda", f"attachments: {done} of {every} parts decided"))
        if overdue := found.get("overdue"):
            note(overdue)
    code = exit_of(found["state"])
    if code not in (Exit.OK, Exit.TIMEOUT):
        raise Answer(code)


def _hub(message: str) -> dict[str, Any]:
    from samband.streams.derived.track import ask_status

    return ask_status(home_of(), message)


def _own(who: str, message_id: bytes) -> dict[str, Any]:
    from samband.connectors.tracking import track as of_party

    found = of_party(party_of(who), message_id, time.time_ns() // 1_000_000)
    shown: dict[str, Any] = {
        "message_id": message_id.hex(),
        "type": found.type,
        "sender": found.sender,
        "recipient": found.recipient,
        "state": found.state,
        "steps": [
            step_json(step) | ({"by": step.detail.get("acting_user")} if step.kind == VIEW else {})
            for step in found.steps
        ],
    }
    if found.parts[1]:
        shown["parts"] = {"decided": found.parts[0], "of": found.parts[1]}
    late = found.waits is not None and found.waits.late
    return shown | {"overdue": late_words(found.waits)} if found.waits and late else shown


def recall(message: Message, who: As = "", wait: Wait = 15.0, as_json: Json = False) -> None:
    """Stop a message that you sent and that is not handed over yet. Too late is answered as refused."""
    from samband.connectors.client import Client

    client = Client(party_of(who))
    asked = client.recall(message_id_of(message), now=datetime.now(UTC))
    answer(client, asked, wait, what="event", as_json=as_json)


def mark(
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="secrecy, protected_registration, secret_whereabouts or threat."),
    ],
    *,
    who: As = "",
    child: Child,
    lift: Annotated[
        bool, typer.Option("--lift", help="Say that it shall be lifted; a second party says so too, within 14 days.")
    ] = False,
    named: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT", help="Who may still be told; only the responsible unit says it. Repeatable."),
    ] = None,
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Mark a child as protected: address, whereabouts and school are then told to nobody, from anybody.

    It takes effect when it is accepted. Adapters then get a reference and no content. Setting it anew ends a request to
    lift it, and says anew who may still be told.

    Two parties lift it, one of them the responsible unit where there is one. The first word is accepted and waits.

    \b
    samband mark secret_whereabouts --as social --child 201201019805 --named SE2120002080-SKOLA
    samband mark secret_whereabouts --as social --child 201201019805 --lift
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors.client import Client
    from samband.schemas.events import MarkKind, ProtectionMarked

    if kind not in list(MarkKind):
        raise bad("no such kind of mark", ", ".join(MarkKind), "MARK_KIND")
    if lift and named:
        raise bad("a mark that is lifted names nobody", "--lift or --named", "MARK_FORM")
    client = Client(party_of(who))
    body = ProtectionMarked(MarkKind(kind), lift, tuple(named or ()))
    event = client.record(body, child=child_of(child), now=datetime.now(UTC), unit=unit)
    answer(client, event, wait, what="event", as_json=as_json)
