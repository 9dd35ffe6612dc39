"""A hub with a year of made-up decisions, sealed and stamped as the gate does, and the index that finds them.

    fill(home, index, count, say)       records in `home`, a row of each in the index

The records are real: a page opens each one that it shows, and proves it. Only Kafka and the keeper are left out, which
would take hours for a million.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.rulebook import shipped
from samband.schemas.stamp import StampRecord
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.audit import month_of
from samband.streams.authority import Home
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import stamp_all
from samband.streams.index.rows import Row, Tokens
from samband.streams.index.store import IndexStore
from samband.streams.records.store import Leaf, RecordStore

__all__ = ["UNITS", "Told", "fill", "found"]

UNITS: Final = tuple(f"BENCH-{number:03}" for number in range(300))
DAYS: Final = 365
_CHILDREN: Final = 50_000
_CONSENTS: Final = 50
"""A consent for every so many decisions."""
_BATCH: Final = 2000
_REASONS: Final = ("CONSENT_MISSING", "CONSENT_DISCLOSER", "CONSENT_CLOSED")


@dataclass
class Told:
    """Some of what was said, by kind of page: entries in hexadecimal, and message ids."""

    decisions: list[str] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def found(home: Home, now: datetime) -> None:
    """Found a hub whose keys have stood for longer than its decisions."""
    begun = now - timedelta(days=DAYS + 10)
    home.found("bench", now=begun, shards=1, workers=1)
    units = [
        Unit(UnitId(unit), PartyId("social"), UnitKind.SOCIAL_IFO, Regime.OSL_26, f"Enhet {unit[-3:]}")
        for unit in UNITS
    ]
    home.add_party("social", "Kommunen", "2120002080", tuple(units[:20]), now=begun)


def _records(count: int, now: int, chance: random.Random) -> Iterator[StampRecord]:
    """Yield decisions in the order of time, and a consent before every fiftieth; entries of consents come later."""
    types, grounds = sorted(CATALOGUE), [rule.ground for rule in shipped().rules]
    step = DAYS * 86_400_000 // count
    common = {"leaf": bytes(32), "rulebook": shipped().hash, "directory": 1}
    for number in range(count):
        at = now - (count - number) * step
        # Few units, types and grounds stand for most of it, as everywhere.
        sender, recipient = (UNITS[int(len(UNITS) * chance.random() ** 3)] for _ in range(2))
        values = {"decided_at": at, "appended_at": at, "sender": sender, "recipient": recipient, **common}
        ref = chance.randrange(_CHILDREN).to_bytes(16, "big")
        if number % _CONSENTS == 0:
            yield StampRecord(kind="event", outcome="accepted", type="consent.given", subject=secrets.token_bytes(16),
                              message_id=secrets.token_bytes(16), ref=ref, **{**values, "recipient": sender})  # type: ignore[arg-type] # fmt: skip
        fate = chance.random()
        outcome = "permit" if fate < 0.7 else "deny" if fate < 0.95 else "ask"
        yield StampRecord(
            kind="decision", outcome=outcome, type=types[int(len(types) * chance.random() ** 2)], ref=ref,
            message_id=secrets.token_bytes(16), ask=number % 10 == 0,
            grounds=(grounds[int(len(grounds) * chance.random() ** 2)],) if outcome == "permit" else (),
            reasons=(chance.choice(_REASONS),) if outcome == "deny" else (), **values,  # type: ignore[arg-type]
        )  # fmt: skip


def _leaning(records: Sequence[StampRecord], known: list[bytes], chance: random.Random) -> list[StampRecord]:
    """Let a third of the permits lean on a consent of before."""
    return [
        replace(each, consents=(chance.choice(known[-2000:]),), grounds=("CONSENT",))
        if known and each.outcome == "permit" and chance.random() < 0.33 else each
        for each in records
    ]  # fmt: skip


def fill(home: Home, index: IndexStore, count: int, say: Callable[[str], None]) -> tuple[Told, float]:
    """Fill records and index; return some of what was said, and the µs that a record's row took to be written."""
    chance, told, spent = random.Random(6), Told(), 0.0
    keys, tokens = home.audit_keys, Tokens(home.audit_keys)
    store = RecordStore(home.hub / "records" / "records.db", keys, home.root.realm)
    stamp = home.hub_keys.sign_key(Purpose.GATE_STAMP)
    now, place, consents = int(datetime.now(UTC).timestamp() * 1000), 0, []
    source = _records(count, now, chance)
    while some := [each for _, each in zip(range(_BATCH), source, strict=False)]:
        some = _leaning(some, consents, chance)
        rows: list[Row] = []
        salted = [(secrets.token_bytes(32), each.encode()) for each in some]
        with store.transaction():
            for record, (salt, data), (entry, proof) in zip(some, salted, stamp_all(stamp, salted), strict=True):
                month = month_of(record.decided_at)
                bare = replace(proof, record=b"", salt=bytes(32)).encode()
                store.put(Leaf(entry, 0, place + 1, place, month, None, None, bare), salt, data)
                rows.append(tokens.row(record, place=place, entry=entry, month=month))
                consents += [entry] if record.kind == "event" else []
                place += 1
            store.move(place)
        begin = time.perf_counter()
        index.take(rows, [], place, 0)
        spent += time.perf_counter() - begin
        for record, row in list(zip(some, rows, strict=True))[:: _BATCH // 4]:
            (told.consents if record.kind == "event" else told.decisions).append(row.entry.hex())
            told.messages.append(record.message_id.hex())
        told.consents += [consents[-1].hex()]
        if place % (25 * _BATCH) < _BATCH:
            say(f"{place:,} records")
    store.tidy()
    store.close()
    return told, 1e6 * spent / place
