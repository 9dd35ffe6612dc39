"""Decisions: a list to look in, and one decision with why or why not, its consents, its ladder and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.console.ask import Ask, Csv, Shown
from samband.connectors.console.source import Wanted
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import InputError
from samband.schemas.reasons import REASONS, REFUSALS
from samband.schemas.rulebook import Rulebook, shipped
from samband.streams.index.rows import kind_of

if TYPE_CHECKING:
    from samband.connectors.console.source import Found
    from samband.schemas.stamp import StampRecord

__all__ = ["KINDS", "decision", "decisions", "decisions_csv", "row_of"]

KINDS: Final = ("decision", "question", "event", "receipt", "recall", "refusal", "notice", "answer", "part")
"""What may be chosen; pieces of files, the last, are listed with their message or when they are asked for."""
_OF_ANOTHER: Final = ("receipt", "recall", "part")
_OUTCOMES: Final = (
    "permit", "deny", "ask", "accepted", "refused", "recalled", "handed_over", "opened", "acted", "mismatch",
)  # fmt: skip
_COLUMNS: Final = ("time", "kind", "type", "from", "to", "outcome", "why", "message", "entry")
_FILTERS: Final = ("from", "to", "kind", "outcome", "type", "unit", "ground", "message")
_ROWS: Final = 50
_MOST: Final = 50_000
_DAY_MS: Final = 86_400_000


def decisions(ask: Ask) -> Shown:
    """List what the gate has said, newest first."""
    found = ask.house.hub.records(_wanted(ask), ask.query.cursor(), _ROWS)
    given = {name: value for name, value in ask.query.values.items() if value and name in _FILTERS}
    grounds = [rule.ground for rule in shipped().rules]
    return Shown(
        "decisions",
        rows=[row_of(ask, each) for each in found.rows],
        after=ask.link("decisions", **given, after=f"{found.after.month}-{found.after.offset}") if found.after else "",
        csv=ask.link("decisions.csv", **given),
        given=given,
        later=bool(ask.query.values.get("after")),
        kinds=KINDS,
        outcomes=_OUTCOMES,
        types=sorted(((name, ask.words.type(name)) for name in CATALOGUE), key=lambda each: each[1].lower()),
        grounds=grounds,
        reasons=sorted(REASONS),
        units=ask.house.hub.directory.units,
    )


def _wanted(ask: Ask) -> Wanted:
    query = ask.query
    kind = query.one_of("kind", KINDS)
    before = query.day("to")
    return Wanted(
        kinds=(kind,) if kind else KINDS if query.text("message") else KINDS[:-1],
        outcome=query.one_of("outcome", _OUTCOMES),
        unit=query.text("unit"),
        type=query.text("type"),
        ground=query.text("ground"),
        message=query.hexes("message", 16),
        since=query.day("from"),
        before=before + _DAY_MS if before else 1 << 62,
    )


def decisions_csv(ask: Ask) -> Csv:
    """Give the same list as a file, at most 50 000 rows."""
    columns = [ask.words(f"column.{name}") for name in _COLUMNS]
    return Csv("samband-decisions.csv", columns, _csv_rows(ask, _wanted(ask)))


def _csv_rows(ask: Ask, wanted: Wanted) -> Iterator[list[str]]:
    after, left = None, _MOST
    while left > 0:
        found = ask.house.hub.records(wanted, after, min(500, left))
        for each in found.rows:
            record = each.record
            yield [
                ask.words.iso(record.decided_at), kind_of(record), record.type, record.sender, record.recipient,
                record.outcome, " ".join(filter(None, (record.code, *record.grounds, *record.reasons))),
                _about(record).hex(), each.entry.hex(),
            ]  # fmt: skip
        left -= len(found.rows)
        after = found.after
        if after is None:
            return


def row_of(ask: Ask, found: Found) -> dict[str, Any]:
    """Return what a list says of a record."""
    record, words = found.record, ask.words
    return {
        "entry": found.entry.hex(),
        "at": record.decided_at,
        "kind": words.say(kind_of(record)),
        "type": words.type(record.type) if record.type else "–",
        "sender": record.sender,
        "sender_name": ask.house.hub.unit_name(record.sender),
        "recipient": "" if record.recipient == record.sender else record.recipient,
        "recipient_name": "" if record.recipient == record.sender else ask.house.hub.unit_name(record.recipient),
        "outcome": record.outcome,
        "outcome_text": words.say(record.outcome),
        "why": [code for code in (record.code, *record.grounds, *record.reasons) if code],
        "message": _about(record).hex(),
    }


def _about(record: StampRecord) -> bytes:
    """Return the id of the message that a record tells about."""
    return record.subject if record.subject is not None and kind_of(record) in _OF_ANOTHER else record.message_id


def decision(ask: Ask) -> Shown:
    """Show one record: what it says, why, what it rests on, what came of it, and whether it holds.

    Raises:
        InputError: there is no such log entry, or its record is erased (`CONSOLE_UNKNOWN`).
    """
    source = ask.house.hub
    entry = ask.entry()
    found = source.found(entry)
    if found is None:
        raise InputError("CONSOLE_UNKNOWN", "there is no such record; it may have been erased by law")
    record = found.record
    book, number = _rules(ask, record)
    proof = source.proof(entry)
    codes = [*record.reasons, *([record.code] if record.code in REASONS or record.code in REFUSALS else [])]
    return Shown(
        "decision",
        row=row_of(ask, found),
        record=record,
        about=_about(record).hex(),
        grounds=[ask.words.ground(each, book) for each in record.grounds],
        reasons=[ask.words.reason(each) for each in dict.fromkeys(codes)],
        other_code=record.code if record.code and record.code not in codes else "",
        categories=[ask.words.category(each) for each in record.categories],
        obligations=[ask.words.say(each) for each in record.obligations],
        version=number,
        rests_on=[_consent(ask, each, record.decided_at) for each in record.consents],
        stood=_stood(ask, found) if record.kind == "decision" and record.outcome != "permit" else None,
        ladder=[row_of(ask, each) for each in source.ladder(_about(record))],
        proof=proof,
        included=source.inclusion(entry),
    )


def _rules(ask: Ask, record: StampRecord) -> tuple[Rulebook, int]:
    """Return the rulebook that a record was decided by, and its number; the shipped one and 0 where it is not here."""
    for version in ask.house.hub.directory.rules.versions:
        if version.rulebook.hash == record.rulebook:
            return version.rulebook, version.number
    return shipped(), 0


def _consent(ask: Ask, entry: bytes, at: int) -> dict[str, Any]:
    """Return what the records say of a consent as it stood at a time."""
    source = ask.house.hub
    found = source.found(entry)
    if found is None:
        return {"entry": entry.hex(), "known": False}
    about = found.record.subject or found.record.message_id
    events = [each for each in source.ladder(about) if each.record.decided_at <= at]
    return {
        "entry": entry.hex(),
        "known": True,
        "at": found.record.decided_at,
        "by": found.record.sender,
        "by_name": source.unit_name(found.record.sender),
        "events": [row_of(ask, each) for each in events],
        "since_then": sum(each.record.decided_at > at for each in source.ladder(about)),
    }


def _stood(ask: Ask, found: Found) -> list[dict[str, Any]]:
    """Return what had been said about consents for the same child when it was refused."""
    events = ask.house.hub.consent_events(found.record.ref, found.record.decided_at + 1)
    return [row_of(ask, each) for each in events]
