"""The derived streams on a real Kafka: a hub's folder, the gate's principal writing, the process reading."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faust.transport.consumer import Consumer
from faust.types import EventT

from samband.schemas.errors import InputError, OperatorError
from samband.schemas.stamp import StampRecord
from samband.streams import access
from samband.streams.audit import seal_audit
from samband.streams.authority import Home
from samband.streams.broker import Broker
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import stamp_all
from samband.streams.derived.app import Derived
from samband.streams.derived.codec import RowStore
from samband.streams.derived.rebuild import forget
from samband.streams.derived.track import ask_status, ask_summary, is_ready
from samband.streams.topics import AUDIT as AUDIT_TOPIC
from samband.streams.topics import DERIVED_CHANGELOG, DERIVED_GROUP, acls_for, topics_for

pytestmark = pytest.mark.kafka

AGREEMENT = "provlan"
SENDER, RECIPIENT = "socialtjanst/planted-unit-a", "skola/planted-unit-b"
TYPE = "planted.type"
READY_S = 45.0
NOW = 1_800_000_000_000


@dataclass
class Hub:
    """A founded hub with a running Kafka, and the gate's hand to write its audit topic."""

    home: Home
    seq: int = 0
    ids: list[bytes] = field(default_factory=list)

    def new_id(self) -> bytes:
        """Return the id of a new message."""
        self.ids.append(secrets.token_bytes(16))
        return self.ids[-1]

    def record(self, kind: str, outcome: str, about: bytes, code: str = "") -> StampRecord:
        """Return what the gate says of `about`."""
        back = kind == "receipt"
        return StampRecord(
            kind=kind,
            leaf=bytes(32),
            message_id=secrets.token_bytes(16) if back else about,
            subject=about if kind in ("receipt", "recall") else None,
            sender=RECIPIENT if back else SENDER,
            recipient=SENDER if back else RECIPIENT,
            ref=secrets.token_bytes(16),
            type="receipt" if back else TYPE,
            outcome=outcome,
            code=code,
            rulebook=bytes(32),
            directory=1,
            decided_at=1_000_000 + self.seq,
            appended_at=1_000_000,
        )

    def sealed(self, records: Sequence[StampRecord]) -> list[bytes]:
        """Return audit records as the gate writes them."""
        keys = self.home.audit_keys
        salted = [(secrets.token_bytes(32), record.encode()) for record in records]
        values = []
        for entry, stamp in stamp_all(self.home.hub_keys.sign_key(Purpose.GATE_STAMP), salted):
            self.seq += 1
            values.append(seal_audit(*keys.at(NOW), 0, self.seq, entry, stamp))
        return values

    async def write(self, *batches: Sequence[bytes], aborted: Sequence[bytes] = ()) -> None:
        """Write each batch in a transaction, with an aborted one before each."""
        producer = AIOKafkaProducer(
            transactional_id=f"gate.test.{self.seq}",
            transaction_timeout_ms=30_000,
            **self.home.kafka("gate").aiokafka(),
        )
        await producer.start()
        try:
            for batch in batches:
                if aborted:
                    await producer.begin_transaction()
                    await asyncio.gather(*[await producer.send(AUDIT_TOPIC, value, partition=0) for value in aborted])
                    await producer.abort_transaction()
                async with producer.transaction():
                    await asyncio.gather(*[await producer.send(AUDIT_TOPIC, value, partition=0) for value in batch])
        finally:
            await producer.stop()

    async def changelog(self) -> list[tuple[bytes, bytes | None]]:
        """Return every record of the table's topic, as the broker has it."""
        partition = TopicPartition(DERIVED_CHANGELOG, 0)
        consumer = AIOKafkaConsumer(**self.home.kafka("hub").aiokafka())
        await consumer.start()
        try:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            found = []
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [(record.key, record.value) for record in records]
            return found
        finally:
            await consumer.stop()

    async def behind(self) -> int:
        """Return how many offsets the group's commit is behind the end of the audit topic."""
        partition = TopicPartition(AUDIT_TOPIC, 0)
        consumer = AIOKafkaConsumer(
            group_id=DERIVED_GROUP, enable_auto_commit=False, **self.home.kafka("derived").aiokafka()
        )
        await consumer.start()
        try:
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            return int(end - (await consumer.committed(partition) or 0))
        finally:
            await consumer.stop()

    def table(self) -> dict[str, Any]:
        """Return every known message's status."""
        found: dict[str, Any] = {}
        for each in self.ids:
            try:
                found[each.hex()] = ask_status(self.home, each.hex())
            except InputError as error:
                found[each.hex()] = error.code
        return found


class Process:
    """The process of the derived streams."""

    def __init__(self, home: Home, *options: str) -> None:
        command = [sys.executable, "-m", "samband.streams.derived", os.fspath(home.path), *options]
        self.running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.home = home

    def ready(self) -> Process:
        """Wait until it answers."""
        deadline = time.monotonic() + READY_S
        while not is_ready(self.home, self.running.pid):
            if self.running.poll() is not None or time.monotonic() > deadline:
                self.running.kill()
                raise AssertionError(self.running.communicate()[1])
            time.sleep(0.05)
        return self

    def end(self, how: signal.Signals = signal.SIGTERM) -> str:
        """End it and return what it logged."""
        if self.running.poll() is None:
            self.running.send_signal(how)
        return self.running.communicate(timeout=20)[1]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    home = Home(tmp_path_factory.mktemp("derived") / "home")
    home.found(AGREEMENT, now=datetime.now(UTC), shards=1)
    with Broker(home.hub / "kafka", home.credential("broker"), home.settings.kafka.port):
        access.apply(home.kafka("hub"), topics_for(AGREEMENT, [], 1), acls_for(AGREEMENT, []))
        yield Hub(home)


@pytest.fixture
def started(hub: Hub) -> Iterator[list[Process]]:
    """Give a list of processes that are ended afterwards."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.end(signal.SIGKILL)


async def eventually(hub: Hub, message_id: bytes, state: str) -> dict[str, Any]:
    """Wait until a message has a state."""
    deadline = time.monotonic() + 20
    while True:
        try:
            found = await asyncio.to_thread(ask_status, hub.home, message_id.hex())
        except InputError as error:
            found = {"state": error.code}
        if found["state"] == state:
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


async def all_committed(hub: Hub) -> None:
    """Wait until the group's commit is at the last transaction's marker, which comes after its records."""
    deadline = time.monotonic() + 15
    while (behind := await hub.behind()) > 1:
        assert time.monotonic() < deadline, behind
        await asyncio.sleep(0.1)


async def test_committed_records_become_states(hub: Hub, started: list[Process]) -> None:
    """What the gate committed is told, what it aborted never was, and rubbish in between stops nothing."""
    first, lost, denied = hub.new_id(), hub.new_id(), hub.new_id()
    # One record alone at offset 0: the gap that Faust does not see.
    await hub.write(hub.sealed([hub.record("decision", "permit", first)]))
    started.append(Process(hub.home).ready())
    aborted = hub.sealed([hub.record("decision", "permit", lost)] * 3)
    foreign = HubStore(bytes(32)).seal(AUDIT_TOPIC, bytes(32), bytes(1536))[1]
    await hub.write(
        [b"rubbish", b"", foreign],
        hub.sealed([hub.record("receipt", "accepted", first), hub.record("decision", "deny", denied)]),
        [b"\0" * 40],
        hub.sealed([hub.record("receipt", "handed_over", first)]),
        aborted=aborted,
    )
    found = await eventually(hub, first, "handed_over")
    assert [step["outcome"] for step in found["steps"]] == ["permit", "accepted", "handed_over"]
    assert (found["sender"], found["recipient"], found["type"]) == (SENDER, RECIPIENT, TYPE)
    await eventually(hub, denied, "denied")
    assert hub.table()[lost.hex()] == "MESSAGE_UNKNOWN"
    assert ask_summary(hub.home) == {"states": {"denied": 1, "handed_over": 1}, "unreadable": 4}
    await all_committed(hub)
    log = started[0].end()
    assert started[0].running.returncode == 0
    for line in log.splitlines():
        assert set(json.loads(line)) <= {"at", "level", "event", "offset", "code", "rows"}
    assert "planted" not in log


async def test_commits_follow_transactions(hub: Hub, started: list[Process]) -> None:
    """The group's commit follows many transactions, aborted ones too, to the end of the topic."""
    message = hub.new_id()
    started.append(Process(hub.home).ready())
    records = [hub.sealed([hub.record("refusal", "refused", hub.new_id(), "X")]) for _ in range(60)]
    aborted = hub.sealed([hub.record("refusal", "refused", message, "X")])
    await hub.write(*records, hub.sealed([hub.record("decision", "permit", message)]), aborted=aborted)
    await eventually(hub, message, "waiting")
    await all_committed(hub)


async def test_nothing_is_delivered_before_the_seek(
    hub: Hub, started: list[Process], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long Faust takes to seek after it resumed its streams, every record comes once and in its order."""
    await hub.write(*[hub.sealed([hub.record("refusal", "refused", hub.new_id(), "X")] * 20) for _ in range(20)])
    started.append(Process(hub.home, "--rebuild").ready())
    started[-1].end(signal.SIGKILL)
    await forget(hub.home.kafka("derived"))
    seek = Consumer.perform_seek

    async def late(consumer: Consumer) -> None:
        await asyncio.sleep(2)  # what a loaded machine does
        early.extend(taken)
        await seek(consumer)

    monkeypatch.setattr(Consumer, "perform_seek", late)
    derived = Derived(
        hub.home.kafka("derived"), RowStore(HubStore(hub.home.hub_keys.secret("store"))), hub.home.audit_keys, tmp_path
    )
    derived.app.conf.broker_commit_interval = 60  # or a commit in those seconds would hide what came too early
    early: list[int] = []
    taken: list[int] = []
    opened = derived._open

    def noted(event: EventT[Any]) -> Any:
        taken.append(event.message.offset)
        return opened(event)

    monkeypatch.setattr(derived, "_open", noted)
    await derived.start()
    try:
        assert len(taken) >= 400
        assert (early, taken) == ([], sorted(set(taken)))
    finally:
        async with asyncio.timeout(10):
            await derived.stop()
    await all_committed(hub)


async def test_killed_at_any_time_the_table_is_the_same(hub: Hub, started: list[Process]) -> None:
    """`kill -9` in the middle of the work, again and again, ends in the table that an undisturbed reader has."""
    messages = [hub.new_id() for _ in range(400)]
    batches = [
        hub.sealed([hub.record(kind, outcome, message) for message in messages[start : start + 50]])
        for kind, outcome in (("decision", "permit"), ("receipt", "handed_over"), ("receipt", "opened"))
        for start in range(0, 400, 50)
    ]
    writing = asyncio.create_task(hub.write(*batches, *batches[:4]))
    for _ in range(3):
        started.append(Process(hub.home))
        deadline = time.monotonic() + READY_S
        before = len(await hub.changelog())
        while len(await hub.changelog()) < before + 20 and not writing.done():
            assert time.monotonic() < deadline
        started[-1].end(signal.SIGKILL)
    await writing
    started.append(Process(hub.home).ready())
    for message in messages:
        found = await eventually(hub, message, "opened")
        assert [step["outcome"] for step in found["steps"]] == ["permit", "handed_over", "opened"]


async def test_restart_and_rebuild_tell_the_same(hub: Hub, started: list[Process]) -> None:
    """After `kill -9`, and after forgetting everything, every message's story is told word for word as before."""
    recalled = hub.new_id()
    await hub.write(
        hub.sealed(
            [
                hub.record("decision", "permit", recalled),
                hub.record("recall", "recalled", recalled, "CONSENT_WITHDRAWN"),
            ]
        )
    )
    for _ in range(10):  # so much that an answer before it is read would show
        await hub.write(hub.sealed([hub.record("decision", "deny", hub.new_id()) for _ in range(100)]))
    started.append(Process(hub.home).ready())
    before = hub.table()
    assert before[recalled.hex()]["state"] == "recalled"
    started[-1].end(signal.SIGKILL)
    started.append(Process(hub.home).ready())
    assert hub.table() == before
    await all_committed(hub)
    started[-1].end(signal.SIGKILL)
    started.append(Process(hub.home, "--rebuild").ready())
    assert hub.table() == before
    assert '"derived forgets"' in started[-1].end()
    values = [value for _, value in await hub.changelog()]
    assert None in values


async def test_changelog_tells_nothing(hub: Hub, started: list[Process]) -> None:
    """On the table's topic nothing can be read: no unit, type or message id, and all values have one size."""
    message = hub.new_id()
    started.append(Process(hub.home).ready())
    steps = [hub.record("decision", "permit", message), hub.record("receipt", "handed_over", message)]
    await hub.write(hub.sealed(steps))
    await eventually(hub, message, "handed_over")
    records = await hub.changelog()
    raw = b"".join(key + (value or b"") for key, value in records)
    planted = [b"planted", b"permit", b"handed_over", *hub.ids]
    for word in planted:
        assert word not in raw
        assert word.hex().encode() not in raw
    assert {len(key) for key, _ in records} == {32}
    assert len({len(value) for _, value in records if value is not None}) == 1
    control = hub.record("decision", "permit", message).encode()
    assert b"planted" in control


async def test_moved_row_ends_the_process(hub: Hub, started: list[Process]) -> None:
    """A row that was altered or laid under another's key is not taken: the process ends, and a rebuild repairs it."""
    message, other = hub.new_id(), hub.new_id()
    await hub.write(
        hub.sealed([hub.record("decision", outcome, each) for outcome, each in (("permit", message), ("deny", other))])
    )
    started.append(Process(hub.home).ready())
    started[-1].end()
    keys = {each: HubStore(hub.home.hub_keys.secret("store")).key(b"track/" + each) for each in (message, other)}
    latest = dict(await hub.changelog())
    producer = AIOKafkaProducer(**hub.home.kafka("hub").aiokafka())
    await producer.start()
    await producer.send_and_wait(DERIVED_CHANGELOG, latest[keys[other]], key=keys[message], partition=0)
    await producer.stop()
    started.append(Process(hub.home))
    assert await asyncio.to_thread(started[-1].running.wait, READY_S) == 1
    assert "DERIVED_BROKEN" in started[-1].end()
    started.append(Process(hub.home, "--rebuild").ready())
    assert ask_status(hub.home, message.hex())["state"] == "waiting"


async def test_only_one_per_home(hub: Hub, started: list[Process]) -> None:
    """A second process on the same home ends at once with a code, and the first goes on answering."""
    started.append(Process(hub.home).ready())
    second = Process(hub.home)
    started.append(second)
    assert await asyncio.to_thread(second.running.wait, 15) == 1
    assert "DERIVED_RUNNING" in second.end()
    ask_summary(hub.home)


async def test_answers_are_for_the_hub_only(hub: Hub, started: list[Process]) -> None:
    """Only the hub's user can open the socket; odd questions get a code; nobody there is an operator's error."""
    started.append(Process(hub.home).ready())
    path = json.loads((hub.home.hub / "run" / "derived.json").read_text())["socket"]
    assert Path(path).stat().st_mode & 0o777 == 0o600  # noqa: ASYNC240
    for question in (b"rubbish\n", b"[]\n", b'{"message": "zz"}\n', b'{"message": 3}\n', b"x" * 9000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            line.sendall(question)
            answer = line.makefile("rb").readline()
            assert answer == b"" or json.loads(answer)["error"]["code"] == "MESSAGE_ID_FORM"
    with pytest.raises(InputError) as unknown:
        ask_status(hub.home, "00" * 16)
    assert unknown.value.code == "MESSAGE_UNKNOWN"
    started[-1].end()
    with pytest.raises(OperatorError) as down:
        ask_status(hub.home, "00" * 16)
    assert down.value.code == "DERIVED_DOWN"


async def test_ends_with_its_parent(hub: Hub) -> None:
    """When the process that started it is gone, it ends by itself."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'samband.streams.derived', sys.argv[1]])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, os.fspath(hub.home.path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: ASYNC220
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    deadline = time.monotonic() + READY_S
    while not is_ready(hub.home, child):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    parent.kill()
    parent.communicate()
    while is_ready(hub.home, child):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
