"""`samband audit`: what the gate has decided, for the hub's operator; `list` has no child, unit or content in it."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli import audit_sample
from samband.connectors.cli.affected import affected
from samband.connectors.cli.answers import ladder
from samband.connectors.cli.audit_bundle import bundle
from samband.connectors.cli.audit_check import check
from samband.connectors.cli.audit_consents import consents
from samband.connectors.cli.audit_log import export, prove, verify
from samband.connectors.cli.audit_misuse import misuse
from samband.connectors.cli.audit_topic import audit_records
from samband.connectors.cli.audit_watch import watch
from samband.connectors.cli.erase import erase
from samband.connectors.cli.terminal import Json, bad, emit, home_of, table
from samband.connectors.cli.words import say
from samband.schemas.errors import SambandError

if TYPE_CHECKING:
    from samband.schemas.stamp import StampRecord
    from samband.streams.authority import Home

__all__ = ["app"]

app = typer.Typer(help="What the gate has decided, and what rested on it.", no_args_is_help=True, rich_markup_mode=None)

app.command("affected")(affected)
app.command("consents")(consents)
app.command("check")(check)
app.command("erase")(erase)
app.command("verify")(verify)
app.command("prove")(prove)
app.command("export")(export)
app.command("bundle")(bundle)
app.command("watch")(watch)
app.command("misuse")(misuse)
app.add_typer(audit_sample.app, name="sample")


@app.command("list")
def list_(
    last: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    since: Annotated[str, typer.Option(metavar="DATE", help="From this day on, out of the hub's records.")] = "",
    before: Annotated[str, typer.Option(metavar="DATE", help="Before this day, out of the hub's records.")] = "",
    as_json: Json = False,
) -> None:
    """List decisions, events, receipts, refusals and erasures, oldest first: when, what, outcome, ground or reason.

    Without a day they come from Kafka, which keeps them 30 days. Needs the hub's own user on the hub's own machine: the
    records are sealed with the hub's secrets.
    """
    home = home_of()
    found = _kept(home, last, since, before) if since or before else asyncio.run(_read(home, last))
    if as_json:
        emit(found)
    elif not found:
        print(say("nothing"))
    else:
        rows = zip(ladder(found), found, strict=True)
        table(
            (say("time"), say("what"), say("type"), say("outcome"), say("why"), say("message")),
            [(row[0], row[1], each["type"], row[2], row[3], each["message_id"]) for row, each in rows],
        )


async def _read(home: Home, last: int) -> list[dict[str, Any]]:
    """Read the newest records of the audit topic."""
    keys = home.audit_keys
    # Transactions leave marks between the records, so more are read than are asked for.
    found = deque(maxlen=last)  # type: deque[dict[str, Any]]
    async for offset, value, _ in audit_records(home, newest=3 * last):
        found.append(_entry(keys, offset, value))
    return list(found)


def _kept(home: Home, last: int, since: str, before: str) -> list[dict[str, Any]]:
    """Read the newest records of a time from the hub's records."""
    from samband.streams.records import read

    kept = read(home, since=_day(since), before=_day(before))
    return [_told(each.partition, each.audit_seq, each.record) for each in deque(kept, maxlen=last)]


def _day(text: str) -> datetime | None:
    from samband.streams.audit import STOCKHOLM

    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=STOCKHOLM) if text else None
    except ValueError:
        raise bad("a date is written as 2026-11-24") from None


def _entry(keys: Any, offset: int, value: bytes) -> dict[str, Any]:
    from samband.streams.audit import UnverifiedAudit

    try:
        audit = UnverifiedAudit.decode(value)
        record = audit.record(keys.of)
    except SambandError as error:
        return {"offset": offset, "at": 0, "kind": "unreadable", "type": "", "outcome": "", "code": error.code,
                "grounds": [], "reasons": [], "message_id": ""}  # fmt: skip
    return {"offset": offset, **_told(audit.partition, audit.audit_seq, record)}


def _told(partition: int, seq: int, record: StampRecord) -> dict[str, Any]:
    # A receipt or recall is about a message; the subject of an event is a consent, and the event has an id of its own.
    about = record.subject if record.subject is not None and record.kind in ("receipt", "recall") else record.message_id
    return {
        "partition": partition,
        "seq": seq,
        "at": record.decided_at,
        "kind": "question" if record.ask and record.kind == "decision" else record.kind,
        "type": record.type,
        "outcome": record.outcome,
        "code": record.code,
        "grounds": list(record.grounds),
        "reasons": list(record.reasons),
        "message_id": about.hex(),
    }
