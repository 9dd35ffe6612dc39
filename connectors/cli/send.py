"""`samband send` and `ask`: say something, ask first."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.answers import answer, answer_each, wait_for
from samband.connectors.cli.attachments import Attach, kept, until_decided
from samband.connectors.cli.cards import said_to
from samband.connectors.cli.said import ActingUser, Child, From, To, Wait, child_of, content_of, digest_of
from samband.connectors.cli.terminal import As, Json, bad, message_id_of, party_of
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.client import Client

__all__ = ["ask", "send"]

Type = Annotated[str, typer.Argument(metavar="TYPE", help="Message type; `samband types` lists them.")]
Ground = Annotated[str, typer.Option(help="Claim this ground only, such as CONSENT or SOCIAL_TO_CARE.")]
Necessity = Annotated[str, typer.Option(metavar="CODE", help="Why it is needed for care or support, as one code word.")]
Limb = Annotated[
    str,
    typer.Option(
        metavar="CODE",
        help="Which of the law's conditions holds: under_18, ongoing_abuse, compulsory_care or expected_child.",
        show_default="under_18 where it is so",
    ),
]


def send(
    type_name: Type,
    *,
    who: As = "",
    to: To,
    child: Child,
    name: Annotated[str, typer.Option(help="The child's name.")] = "",
    unit: From = "",
    field: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Fill in a field. Repeatable.")] = None,
    content: Annotated[Path | None, typer.Option(metavar="FILE", help="Fields as a JSON object.")] = None,
    text: Annotated[str, typer.Option(help="The type's free text.")] = "",
    reference: Annotated[str, typer.Option(help="Your own case number.")] = "",
    acting_user: ActingUser = "",
    ground: Ground = "",
    limb: Limb = "",
    necessity: Necessity = "",
    attach: Attach = None,
    motive: Annotated[
        str,
        typer.Option(
            metavar="FILE|TEXT",
            help="Why a function of yours has decided that --ground carries it; only a digest leaves you.",
        ),
    ] = "",
    function: Annotated[str, typer.Option(metavar="CODE", help="Which function has decided, such as rektor.")] = "",
    reply_to: Annotated[
        str, typer.Option(metavar="MESSAGE", help="A message that this answers; its case numbers go along.")
    ] = "",
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER", help="A sibling's number: the same as a message of its own. Repeatable."),
    ] = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Ask for all first, and send only if all would be permitted.")
    ] = False,
    wait: Wait = 15.0,
    receipt: Annotated[bool, typer.Option("--receipt", help="Wait for the hand-over, not only the decision.")] = False,
    as_json: Json = False,
) -> None:
    """Send a message about one child, and show the decision for each unit that it goes to.

    One recipient and one child make one message with its own decision: the permitted go, the refused come back with
    reasons. A recipient sees no other, and a sibling's message does not tell of the first child's.

    A ground such as GENERAL_CLAUSE is a person's to open: --ground, --motive and --function say that a named function
    has done so for this message; `samband motivate` says it until a day.

    What it tells follows from its type and the fields that are filled in; `samband types TYPE` shows both. It is kept
    before the command returns: what the gate has not answered yet goes when connector and hub run.

    Files are given with --attach, to types that take them, and are handed over with the message or not at all. They are
    refused before anything is sent where they are too large, not what their name says, or not what the unit takes.

    \b
    samband send placement.notice --as social --to SE2120002080-SKOLA --child 201201019805 \\
        --field event=started --field law=SoL --field from_date=2026-12-01
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors.client import Client

    party = party_of(who)
    client = Client(party)
    said_to(to, party.directory.cards)
    said = content_of(
        type_name, child=child_of(child), fields=field or (), file=content, name=name, reference=reference, text=text,
        user=acting_user,
    )  # fmt: skip
    conversation = ref_to = None
    if reply_to:
        ref_to = message_id_of(reply_to)
        row = party.store.letter(ref_to)
        if row is not None:
            conversation = bytes.fromhex(row.letter["conversation"])
            theirs = (row.letter["content"] or {}).get("sender_reference")
            if theirs:
                said.setdefault("recipient_reference", theirs)
    contents = [said, *(_of_sibling(said, child_of(each)) for each in also or ())]
    with_files = ["attachments"] if attach else []
    if all_or_nothing:
        questions = [
            (
                recipient,
                client.ask(
                    type_name, recipient=recipient, child=each["child_identifier"], now=datetime.now(UTC), unit=unit,
                    fields=tuple(key for key in [*each, *with_files] if key != "acting_user"), ground=ground,
                    limb=limb, necessity=necessity,
                ),
            )
            for each in contents
            for recipient in to
        ]  # fmt: skip
        if any(wait_for(client, question, wait).state != "permit" for _, question in questions):
            answer_each(client, questions, 0.0, what="question", as_json=as_json)
    digest, reasons = _motive(motive, function, ground)
    sent = []
    for each in contents:
        shared = conversation if each is said else None
        for recipient in to:
            with kept() as told:
                message = client.send(
                    type_name, recipient=recipient, content=each, now=datetime.now(UTC), unit=unit, ground=ground,
                    limb=limb, necessity=necessity, motive=digest, conversation=shared,
                    ref_to=ref_to if each is said else None, attachments=attach or (), progress=told,
                )  # fmt: skip
            if reasons:
                party.store.keep_sealed(f"motive/{message.hex()}", json.dumps(reasons).encode())
            shared = shared or message
            sent.append((recipient, message))
    if attach and wait:
        until_decided(client, [message for _, message in sent], wait)
    if all_or_nothing:
        _recall_if_one_failed(client, [message for _, message in sent], wait)
    if len(sent) == 1:
        answer(client, sent[0][1], wait, what="message", as_json=as_json, receipt=receipt)
    else:
        answer_each(client, sent, wait, what="message", as_json=as_json, receipt=receipt)


def _motive(motive: str, function: str, ground: str) -> tuple[bytes | None, dict[str, str]]:
    """Return the digest of a motivation, and what it was made from, which stays here.

    Raises:
        InputError: one of motive, function and ground without the others (`MOTIVE_FORM`).
    """
    if not motive and not function:
        return None, {}
    if not (motive and function and ground):
        raise bad(
            "a motivated message names motive, function and ground", "--ground … --motive … --function …", "MOTIVE_FORM"
        )
    digest, salt, place = digest_of(motive)
    return digest, {"at": place, "salt": salt.hex(), "function": function}


def _recall_if_one_failed(client: Client, messages: list[bytes], wait: float) -> None:
    """Recall what was permitted where something changed between question and message, so that one was not."""
    from samband.connectors.client import FLOWING

    states = [wait_for(client, message, wait).state for message in messages]
    if any(state not in FLOWING for state in states):
        for message, state in zip(messages, states, strict=True):
            if state in FLOWING:
                with suppress(InputError):  # it was handed over meanwhile, and the answer shows it
                    client.recall(message, now=datetime.now(UTC), code="ALL_OR_NOTHING")


def _of_sibling(said: dict[str, Any], child: str) -> dict[str, Any]:
    """Return the same content about a sibling: without the name and case numbers, which are the first child's."""
    own = ("child_name", "sender_reference", "recipient_reference")
    return {key: value for key, value in said.items() if key not in own} | {"child_identifier": child}


def ask(
    type_name: Type,
    *,
    who: As = "",
    to: To,
    child: Child,
    unit: From = "",
    with_: Annotated[
        list[str] | None, typer.Option("--with", metavar="FIELD", help="A field that you would fill in. Repeatable.")
    ] = None,
    ground: Ground = "",
    necessity: Necessity = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Ask whether a message would be permitted: on what ground, or what is missing and who can remedy it.

    The same rules decide as when it is sent. Nothing reaches the other unit; the question itself is logged.

    \b
    samband ask placement.notice --as social --to SE2120002080-SKOLA --child 201201019805 --with address
    """  # noqa: D301
    from samband.connectors.client import Client

    party = party_of(who)
    client = Client(party)
    said_to(to, party.directory.cards)
    number = child_of(child)
    questions = [
        (
            recipient,
            client.ask(
                type_name, recipient=recipient, child=number, now=datetime.now(UTC), unit=unit,
                fields=tuple(with_ or ()), ground=ground, necessity=necessity,
            ),
        )
        for recipient in to
    ]  # fmt: skip
    if len(questions) == 1:
        answer(client, questions[0][1], wait, what="question", as_json=as_json)
    else:
        answer_each(client, questions, wait, what="question", as_json=as_json)
