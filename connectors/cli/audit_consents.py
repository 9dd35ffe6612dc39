"""`samband audit consents`: what held for the child of a decision at a time, and who knew of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.audit_topic import audit_records
from samband.connectors.cli.terminal import Json, bad, emit, home_of, message_id_of, moment, table
from samband.connectors.cli.words import category_words, either, say
from samband.schemas.errors import InputError, OperatorError, SambandError

if TYPE_CHECKING:
    from samband.schemas.stamp import StampRecord
    from samband.streams.authority import Home
    from samband.streams.decision.child import ChildState, ConsentRecord

__all__ = ["consents"]


def consents(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="The id of a decision or an event.")],
    at: Annotated[
        str,
        typer.Option(metavar="TIME", help="As of a time, such as 2026-11-24T10:15.", show_default="that decision"),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the consents as they stood for the child of a decision, when it was made or at another time, and who knew.

    A consent counts from when it was recorded: a date in the past never makes an earlier refusal right. Reads the
    gate's own memory, so it needs the hub's user on the hub's machine; no child's name or number is in it.

    \b
    samband audit list                                            find the decision
    samband audit consents 0f3b5f984e2ddde4d844336f314f57bb       what held when it was made
    """  # noqa: D301
    from samband.streams.decision.history import as_of, knew

    home = home_of()
    record = asyncio.run(_record(home, message_id_of(message)))
    seconds = _seconds(at) if at else record.decided_at // 1000
    child = asyncio.run(_child(home, record.ref))
    then, now = as_of(child, seconds), int(time.time())
    known = [
        {"consent_id": each.consent_id.hex(), "unit": each.unit, "since": each.since, "how": each.how}
        for each in knew(child, seconds)
    ]
    found = {
        "at": seconds,
        "decision": {"type": record.type, "outcome": record.outcome, "reasons": list(record.reasons)},
        "consents": [_told(each, seconds) for each in then.consents],
        "since_then": [_told(each, now) for each in child.consents if each not in then.consents],
        "knew": known,
    }
    if as_json:
        emit(found)
    else:
        _show(found)


def _told(consent: ConsentRecord, at: int) -> dict[str, Any]:
    from samband.streams.decision.consents import status

    given = consent.given
    return {
        "consent_id": given.consent_id.hex(),
        "disclosers": list(given.disclosers),
        "recipients": [each.unit for each in given.recipients],
        "categories": [each.value for each in given.categories],
        "about": given.about.value,
        "until": given.valid_to,
        "recorded_by": consent.recorded_by,
        "recorded_at": consent.recorded_at,
        "missing": list(consent.missing),
        "confirmed": [each.by for each in consent.confirmations],
        "doubted": [each.by for each in consent.disputes if not each.settled_at],
        "child": consent.child_view.view.value,
        "closed_at": consent.closed_at,
        "state": status(consent, at).value,
    }


def _show(found: dict[str, Any]) -> None:
    print(f"{moment(found['at'] * 1000)}: {found['decision']['type']}, {say(found['decision']['outcome'])}")
    columns = (say("consent"), say("from"), say("to"), say("tells"), say("recorded"), say("state"))
    for title, key in (
        (either("Så stod samtyckena då", "The consents as they stood"), "consents"),
        (either("Sedan dess", "Since then"), "since_then"),
    ):
        if found[key]:
            print(f"\n{title}")
            table(
                columns,
                [
                    (
                        each["consent_id"],
                        ", ".join(each["disclosers"]),
                        ", ".join(each["recipients"]),
                        ", ".join(map(category_words, each["categories"])),
                        moment(each["recorded_at"] * 1000),
                        say(each["state"]),
                    )
                    for each in found[key]
                ],
            )
    if not found["consents"]:
        print(either("Inga samtycken var registrerade då.", "No consents were recorded then."))
    if found["knew"]:
        print("\n" + either("Vem som kände till det", "Who knew"))
        rows = [(each["unit"], moment(each["since"] * 1000), say(f"knew.{each['how']}")) for each in found["knew"]]
        table((say("unit"), say("since"), ""), rows)


async def _record(home: Home, message: bytes) -> StampRecord:
    """Return the decision, or the event, that has an id.

    Raises:
        InputError: the audit topic does not hold it (`MESSAGE_UNKNOWN`).
    """
    from samband.streams.audit import UnverifiedAudit

    keys = home.audit_keys
    async with aclosing(audit_records(home)) as records:
        async for _, value, _ in records:
            with suppress(SambandError):  # one that does not read is `audit list`'s matter
                record = UnverifiedAudit.decode(value).record(keys.of)
                if record.message_id == message and record.kind in ("decision", "event"):
                    return record
    raise InputError("MESSAGE_UNKNOWN", "the audit records hold no such decision", "samband audit list")


async def _child(home: Home, ref: bytes) -> ChildState:
    """Return what the gate remembers of a child, from the compacted topic of its state.

    Raises:
        OperatorError: Kafka does not answer, or a record is not the gate's.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    from samband.streams import clients
    from samband.streams.crypto.hub import HubStore
    from samband.streams.crypto.reference import partition_of
    from samband.streams.gate.loop import unpad
    from samband.streams.gate.state import View
    from samband.streams.topics import state

    store, name = HubStore(home.hub_keys.secret("store")), b"child/" + ref
    key = store.key(name)
    topic = TopicPartition(state(home.root.agreement), partition_of(ref, home.root.shards))
    consumer = AIOKafkaConsumer(**home.kafka("hub").aiokafka(), isolation_level="read_committed")
    held: dict[bytes, bytes] = {}
    try:
        await consumer.start()
        consumer.assign([topic])
        await consumer.seek_to_beginning(topic)
        end = (await consumer.end_offsets([topic]))[topic]
        while await consumer.position(topic) < end:
            for record in (await consumer.getmany(topic, timeout_ms=500)).get(topic, ()):
                if record.key == key and record.value is not None:
                    held[name] = unpad(store.open(topic.topic, key, record.value)[1])
    except KafkaError as error:
        raise OperatorError(
            "KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "samband hub status", retriable=True
        ) from error
    finally:
        await clients.stop(consumer)
    return View(held).child(ref)


def _seconds(text: str) -> int:
    from samband.streams.inbox import STOCKHOLM

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise bad("a time is written YYYY-MM-DD or YYYY-MM-DDTHH:MM", "", "DATE_FORM") from None
    return int((found if found.tzinfo else found.replace(tzinfo=STOCKHOLM)).timestamp())
