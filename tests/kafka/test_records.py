"""The keeper on a real Kafka: a hub's folder, the gate's principal writing, the process keeping and erasing."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from samband.connectors.cli import main
from samband.schemas.stamp import StampRecord
from samband.streams import access
from samband.streams.audit import STOCKHOLM, UnverifiedAudit, seal_audit
from samband.streams.authority import Home
from samband.streams.broker import Broker
from samband.streams.cards import publish
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import stamp_all
from samband.streams.records import opened, read
from samband.streams.records.keeper import PARTITION
from samband.streams.topics import AUDIT, DIRECTORY, acls_for, inbox, topics_for

pytestmark = pytest.mark.kafka

AGREEMENT = "provlan"
UNIT = "planted-unit-bup"


@dataclass
class Hub:
    """A founded hub with a running Kafka, and the gate's hand to write its audit topic."""

    home: Home
    seq: int = 0

    async def say(self, *days: str, aborted: bool = False) -> list[bytes]:
        """Write records decided on these days in one transaction of the gate's; return their entries."""
        keys, made, values = self.home.audit_keys, [self._record(day) for day in days], []
        salted = [(secrets.token_bytes(32), record.encode()) for record in made]
        stamped = stamp_all(self.home.hub_keys.sign_key(Purpose.GATE_STAMP), salted)
        for n, (record, (entry, stamp)) in enumerate(zip(made, stamped, strict=True), self.seq + 1):
            values.append(seal_audit(*keys.at(record.decided_at), 0, n, entry, stamp))
        producer = AIOKafkaProducer(
            transactional_id="gate.test", transaction_timeout_ms=30_000, **self.home.kafka("gate").aiokafka()
        )
        await producer.start()
        try:
            await producer.begin_transaction()
            await asyncio.gather(*[await producer.send(AUDIT, value, partition=0) for value in values])
            await (producer.abort_transaction() if aborted else producer.commit_transaction())
        finally:
            await producer.stop()
        self.seq += 0 if aborted else len(made)
        return [entry for entry, _ in stamped]

    def _record(self, day: str) -> StampRecord:
        noon = int(datetime.fromisoformat(day).replace(hour=12, tzinfo=STOCKHOLM).timestamp() * 1000)
        return StampRecord(
            kind="decision", leaf=bytes(32), message_id=secrets.token_bytes(16), sender=UNIT, recipient="",
            ref=secrets.token_bytes(16), type="planted.type", outcome="permit", rulebook=bytes(32), directory=1,
            decided_at=noon, appended_at=noon,
        )  # fmt: skip

    def kept(self) -> list[bytes]:
        """Return the entries of the gate's records that are kept."""
        return [each.entry for each in read(self.home) if each.partition != PARTITION]

    async def on_topic(self) -> list[UnverifiedAudit]:
        """Return every committed record of the topic."""
        where = TopicPartition(AUDIT, 0)
        consumer = AIOKafkaConsumer(**self.home.kafka("hub").aiokafka(), isolation_level="read_committed")
        await consumer.start()
        try:
            consumer.assign([where])
            await consumer.seek_to_beginning(where)
            end, found = (await consumer.end_offsets([where]))[where], []
            while await consumer.position(where) < end:
                for record in (await consumer.getmany(where, timeout_ms=500)).get(where, ()):
                    found.append(UnverifiedAudit.decode(record.value or b""))
            return found
        finally:
            await consumer.stop()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    home = Home(tmp_path_factory.mktemp("records") / "home")
    home.found(AGREEMENT, now=datetime.now(UTC), shards=1)
    with Broker(home.hub / "kafka", home.credential("broker"), home.settings.kafka.port):
        access.apply(home.kafka("hub"), topics_for(AGREEMENT, ["bup"], 1), acls_for(AGREEMENT, ["bup"]))
        asyncio.run(publish(home.kafka("hub").aiokafka(), home.published(time.time_ns() // 1_000_000)))
        yield Hub(home)


class Process:
    """The keeper's process; a new one after a kill."""

    def __init__(self, home: Home) -> None:
        self._command = [sys.executable, "-m", "samband.streams.records", os.fspath(home.path)]
        self.start()

    def start(self) -> None:
        """Start it."""
        self._running = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)

    def end(self, how: signal.Signals = signal.SIGTERM) -> str:
        """End it and return what it logged."""
        if self._running.poll() is None:
            self._running.send_signal(how)
        return self._running.communicate(timeout=20)[1]


@pytest.fixture
def keeper(hub: Hub) -> Iterator[Process]:
    process = Process(hub.home)
    yield process
    process.end(signal.SIGKILL)


def samband(hub: Hub, *words: str, code: int = 0) -> None:
    """Give a command on this hub."""
    assert main(["--home", str(hub.home.path), *words]) == code, words


def test_kept_erased_and_checked(
    hub: Hub, keeper: Process, until: Callable[[Callable[[], bool], float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Committed records are kept over a `kill -9`, aborted ones never; an erasure is one leaf, and the check agrees."""
    old = asyncio.run(hub.say("2020-03-01", "2020-04-01"))
    asyncio.run(hub.say("2020-03-01", aborted=True))
    until(lambda: (hub.home.hub / "records" / "records.db").exists() and hub.kept() == old, 30)
    keeper.end(signal.SIGKILL)
    young = asyncio.run(hub.say("2026-11-01"))

    # Asked while the keeper is dead: nothing goes, and the next start carries it out.
    erase = ("audit", "erase", "--rule", "care", "--unit", UNIT, "--before", "2020-04-01", "--decision", "RS 2026/1")
    samband(hub, *erase, "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["found"] == 1
    asking = _asked(hub, erase)
    assert hub.kept() == old
    keeper.start()
    assert asking() == 0
    until(lambda: hub.kept() == [old[1], *young], 30)
    leaves = [each for each in asyncio.run(hub.on_topic()) if each.partition == PARTITION]
    assert [each.audit_seq for each in leaves] == [1]
    capsys.readouterr()

    samband(hub, "hub", "keys", "destroy-records", "--month", "2020-04", "--decision", "RS 2026/2", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["erased"], told["rule"]) == (1, "records.all")
    assert hub.kept() == young
    samband(hub, "audit", "check", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["kept"], report["erased"], report["compared"], report["findings"]) == (3, 2, 5, [])
    samband(hub, "audit", "list", "--since", "2020-01-01", "--json")
    assert [each["kind"] for each in json.loads(capsys.readouterr().out)] == ["decision", "erasure", "erasure"]

    with opened(hub.home) as store, store.transaction():
        store.erase(young, b"")
    samband(hub, "audit", "check", "--json", code=3)
    assert json.loads(capsys.readouterr().out)["findings"][0]["entry"] == young[0].hex()
    log = keeper.end()
    assert "alarm" not in log
    assert UNIT not in log


def _asked(hub: Hub, words: Sequence[str]) -> Callable[[], int]:
    """Give a command in a process of its own, wait until it has asked, and return a way to wait for its end."""
    command = [sys.executable, "-m", "samband.connectors", "--home", str(hub.home.path), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        with opened(hub.home) as store:
            if store.erasures():
                return lambda: process.wait(40)
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("topic", [DIRECTORY, inbox("bup")])
async def test_the_keeper_writes_nothing_else(hub: Hub, topic: str) -> None:
    """The keeper's principal has no right to write cards or into an inbox."""
    producer = AIOKafkaProducer(**hub.home.kafka("records").aiokafka())
    await producer.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(topic, b"x", partition=0)
    finally:
        await producer.stop()


def test_a_folder_without_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a hub has kept anything, the commands say so in one line."""
    home = Home(tmp_path / "home")
    home.found(AGREEMENT, now=datetime.now(UTC), shards=1)
    samband(Hub(home), "audit", "check", code=3)
    assert "[RECORDS_MISSING]" in capsys.readouterr().err
    too_early = ("audit", "erase", "--rule", "care", "--unit", UNIT, "--before", "2026-11-01", "--decision", "RS 1")
    samband(Hub(home), *too_early, code=2)
    assert "are kept until 2031-11-01 [RETENTION_TOO_EARLY]" in capsys.readouterr().err
