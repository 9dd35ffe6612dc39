"""What must hold after everything was killed, checked from the outside: audit, stores, folders, what was said.

    seen = gather(home, parties, said, consents)
    failures, figures = check(seen)

Nothing here asks the gate's own state: the audit topic says what was decided, the recipients' folders what was handed
over, the senders' stores what they were told, and a naive replay of the consents (`fault_ledger`) who might be
permitted when.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from samband.connectors.party import Party
from samband.schemas.event_bodies import ConsentGiven, ConsentWithdrawn
from samband.schemas.stamp import StampRecord
from samband.streams.audit import UnverifiedAudit
from samband.streams.authority import Home
from samband.streams.topics import AUDIT as AUDIT_TOPIC
from samband.streams.topics import QUARANTINE, inbox
from tests.kafka.fault_ledger import Ledger

__all__ = ["Entry", "Evidence", "Said", "check", "gather", "read_topic"]


@dataclass(slots=True)
class Said:
    """A message that a party's outbox accepted, and what must become of it."""

    message_id: bytes
    sender: str
    to: str
    child: str
    content: dict[str, Any]
    expected: str
    """`permit`, `deny`, or `either` where nothing orders it against another party's withdrawal."""


class Entry(NamedTuple):
    """One record of the audit topic."""

    partition: int
    seq: int
    entry: bytes
    record: StampRecord


@dataclass(slots=True)
class Evidence:
    """Everything that is compared."""

    home: Home
    said: Sequence[Said]
    audit: Sequence[Entry]
    consents: Mapping[bytes, tuple[str, ConsentGiven | ConsentWithdrawn]]
    parties: Mapping[str, Party]
    files: dict[str, dict[bytes, tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    """Party → message id → (time of the file in ns, document)."""
    decided: dict[bytes, list[tuple[int, Entry]]] = field(default_factory=lambda: defaultdict(list))
    """Message id → its decisions with their places in the audit."""
    recalled: set[bytes] = field(default_factory=set)


def gather(
    home: Home,
    parties: Mapping[str, Party],
    said: Sequence[Said],
    consents: Mapping[bytes, tuple[str, ConsentGiven | ConsentWithdrawn]],
) -> Evidence:
    """Read the audit topic and the folders of a run that has come to rest."""
    seen = Evidence(home, said, list(_audit(home)), consents, parties)
    for place, entry in enumerate(seen.audit):
        if entry.record.kind == "decision":
            seen.decided[entry.record.message_id].append((place, entry))
        elif entry.record.kind == "recall":
            seen.recalled.add(entry.record.subject or b"")
    for name in parties:
        seen.files[name] = dict(_files(home.parties / name / "taken"))
    return seen


def check(seen: Evidence) -> tuple[list[str], dict[str, int]]:
    """Return what does not hold, with message ids, and the run's figures."""
    quarantined = len(read_topic(seen.home, QUARANTINE))
    failures = [f"{quarantined} records in quarantine"] if quarantined else []
    for look in (_numbers, _decisions, _letters, _told, _order, _consents):
        failures += look(seen)
    kinds = Counter(f"{entry.record.kind} {entry.record.outcome} {entry.record.code}".strip() for entry in seen.audit)
    figures = {"messages": len(seen.said), "audit records": len(seen.audit)}
    figures |= {f"  {kind}": count for kind, count in sorted(kinds.items())}
    figures["handed over"] = sum(map(len, seen.files.values()))
    late = list(_overtaken(seen))
    figures["  recalled on their way over"] = len(late)
    figures["  the latest of them, ms"] = max(late, default=0)
    figures["inbox records"] = sum(len(read_topic(seen.home, inbox(name), values=False)) for name in seen.parties)
    return failures, figures


def read_topic(home: Home, topic: str, partition: int = 0, *, values: bool = True) -> list[Any]:
    """Return every committed record of a partition (their values, or only their offsets), as the hub's principal."""

    async def read() -> list[Any]:
        where = TopicPartition(topic, partition)
        consumer = AIOKafkaConsumer(
            **home.kafka("hub").aiokafka(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=16 << 20,
        )
        consumer.assign([where])
        await consumer.start()
        try:
            await consumer.seek_to_beginning(where)
            end = (await consumer.end_offsets([where]))[where]
            found: list[Any] = []
            while await consumer.position(where) < end:
                got = (await consumer.getmany(where, timeout_ms=500)).get(where, ())
                found += [each.value if values else each.offset for each in got]
            return found
        finally:
            await consumer.stop()

    return asyncio.run(read())


def _audit(home: Home) -> Iterator[Entry]:
    keys = home.audit_keys
    for value in read_topic(home, AUDIT_TOPIC):
        audit = UnverifiedAudit.decode(value)
        yield Entry(audit.partition, audit.audit_seq, audit.entry, audit.record(keys.of))


def _files(root: Path) -> Iterator[tuple[bytes, tuple[int, dict[str, Any]]]]:
    for folder in ("new", "acknowledged"):
        for path in (root / folder).iterdir():
            yield bytes.fromhex(path.stem), (path.stat().st_mtime_ns, json.loads(path.read_bytes()))


def _numbers(seen: Evidence) -> Iterator[str]:
    """Audit and inbox numbers run without gap or repeat; no connector met an incident."""
    last: defaultdict[int, int] = defaultdict(int)
    for each in seen.audit:
        if each.seq != last[each.partition] + 1:
            yield f"audit of partition {each.partition}: {each.seq} after {last[each.partition]}"
        last[each.partition] = each.seq
    if len({each.entry for each in seen.audit}) != len(seen.audit):
        yield "an audit entry stands twice"
    for name, party in seen.parties.items():
        for count in ("incident", "box_gap", "box_repeat"):
            if found := party.store.number(f"count/{count}"):
                yield f"`{name}` counted {found} {count}"


def _decisions(seen: Evidence) -> Iterator[str]:
    """Every accepted message and event has exactly one answer in the audit, and the expected one; nobody else has."""
    for each in seen.said:
        outcomes = [entry.record.outcome for _, entry in seen.decided.get(each.message_id, ())]
        name = f"{each.message_id.hex()} ({each.sender} → {each.to})"
        if len(outcomes) != 1:
            yield f"{name}: {len(outcomes)} decisions; {_where(seen, each)}"
        elif each.expected not in (outcomes[0], "either"):
            yield f"{name}: {outcomes[0]}, not {each.expected}"
    known = {each.message_id for each in seen.said}
    events = Counter(each.record.message_id for each in seen.audit if each.record.kind == "event")
    for event in seen.consents:
        if events[event] != 1:
            yield f"{event.hex()}: {events[event]} answers to a consent event"
    for record in (entry.record for entry in seen.audit):
        if record.kind == "refusal":
            yield f"{record.message_id.hex()}: `{record.type}` refused as {record.code}"
        elif record.kind == "decision" and record.message_id not in known:
            yield f"{record.message_id.hex()}: decided and never said"


def _where(seen: Evidence, each: Said) -> str:
    for row in seen.parties[each.sender].store.said(limit=1_000_000):
        if row.message_id == each.message_id:
            return f"in its sender's outbox: {row.state}, seq {row.seq}, partition {row.partition}"
    return "gone from its sender's outbox"


def _letters(seen: Evidence) -> Iterator[str]:
    """Audit equals inboxes: a permit is one letter at its recipient, handed over once or recalled, and unchanged."""
    to = {each.message_id: each for each in seen.said}
    permitted: defaultdict[str, set[bytes]] = defaultdict(set)
    for message_id, decisions in seen.decided.items():
        if decisions[0][1].record.outcome == "permit" and message_id in to:
            permitted[to[message_id].to].add(message_id)
    for name, party in seen.parties.items():
        letters = {row.message_id: row for row in party.store.letters(limit=1_000_000)}
        files = seen.files[name]
        for message_id in permitted[name] ^ set(letters):
            what = "a permit without letter" if message_id in permitted[name] else "a letter without permit"
            yield f"{message_id.hex()}: {what} at `{name}`"
        for message_id, row in letters.items():
            if row.state not in ("handed_over", "opened", "recalled"):
                yield f"{message_id.hex()}: stands as {row.state} {row.code} at `{name}`"
            if (row.state != "recalled") != (message_id in files):
                yield f"{message_id.hex()}: {row.state} at `{name}`, and its file is not as that says"
            if row.state == "recalled" and message_id not in seen.recalled:
                yield f"{message_id.hex()}: recalled at `{name}` and not in the audit"
        for message_id, (_, document) in files.items():
            if message_id not in letters:
                yield f"{message_id.hex()}: a file without letter at `{name}`"
            elif message_id in to and not to[message_id].content.items() <= document["content"].items():
                yield f"{message_id.hex()}: another content at `{name}` than was written"


def _told(seen: Evidence) -> Iterator[str]:
    """Each sender was told one decision, and of each hand-over once."""
    for each in seen.said:
        steps = seen.parties[each.sender].store.steps(each.message_id)
        kinds = Counter(step.kind for step in steps)
        outcomes = Counter(step.outcome for step in steps)
        if kinds["decision"] != 1 or max(outcomes.values(), default=0) > 1:
            yield f"{each.message_id.hex()}: its sender was told {[(step.kind, step.outcome) for step in steps]}"
        elif (outcomes["handed_over"] == 1) != (each.message_id in seen.files[each.to]):
            yield f"{each.message_id.hex()}: hand-over and what its sender was told differ"


def _order(seen: Evidence) -> Iterator[str]:
    """About one child, what a party says is decided in the order said, and handed over in the order decided."""
    last: dict[tuple[str, str], int] = {}
    for each in seen.said:
        for place, _ in seen.decided.get(each.message_id, ()):
            if place < last.get((each.sender, each.child), -1):
                yield f"{each.message_id.hex()}: decided before what `{each.sender}` said earlier about the child"
            last[each.sender, each.child] = place
    to = {each.message_id: each.to for each in seen.said}
    newest: dict[tuple[str, bytes], int] = {}
    for record in (entry.record for entry in seen.audit):
        message_id, name = record.message_id, to.get(record.message_id, "")
        if record.kind != "decision" or message_id not in seen.files.get(name, {}):
            continue
        at = seen.files[name][message_id][0]
        if at < newest.get((name, record.ref), 0):
            yield f"{message_id.hex()}: handed over at `{name}` before an earlier one about the child"
        newest[name, record.ref] = at


def _consents(seen: Evidence) -> Iterator[str]:
    """No permit leans on a consent that was not given before it, or that a withdrawal before it had closed for it."""
    ledger = Ledger()
    for each in seen.audit:
        record = each.record
        if record.kind == "event" and record.message_id in seen.consents:
            ledger.take(record.ref, each.entry, seen.consents[record.message_id][1])
        elif (
            (record.kind, record.outcome) == ("decision", "permit")
            and "CONSENT" in record.grounds
            and not ledger.carries(record)
        ):
            yield f"{record.message_id.hex()}: permitted on a consent that was not open"


def _overtaken(seen: Evidence) -> Iterator[int]:
    """Yield, for each message that was handed over while its recall was under way, the milliseconds between them.

    It was permitted before the withdrawal; its recipient had not read the recall yet, or was just handing over.
    """
    to = {each.message_id: each.to for each in seen.said}
    for record in (entry.record for entry in seen.audit):
        file = seen.files.get(to.get(record.message_id, ""), {}).get(record.message_id)
        if record.kind == "recall" and file is not None:
            yield max(0, file[0] // 1_000_000 - record.decided_at)
