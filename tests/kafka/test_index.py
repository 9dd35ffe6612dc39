"""The console's index on a real Kafka: fed by the derived streams, killed, forgotten, and made anew from the topics."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from samband.connectors.cli import main
from samband.connectors.console.index import Index, Wanted
from samband.streams import access
from samband.streams.authority import Home
from samband.streams.broker import Broker
from samband.streams.cards import publish
from samband.streams.index import engine_of
from samband.streams.index.sqlite import Sqlite
from samband.streams.records import opened
from samband.streams.topics import AUDIT, acls_for, topics_for
from tests.index.ground import picture
from tests.kafka.test_records import AGREEMENT, UNIT, Hub
from tests.postgres import Cluster, found

pytestmark = pytest.mark.kafka

LEVEL_S = 90.0
YOUNG = ("2026-10-03", "2026-11-01", "2026-11-20")


class Kept:
    """A process that is started again whenever it ends, as the hub does."""

    def __init__(self, home: Home, station: str) -> None:
        self._command = [sys.executable, "-m", f"samband.streams.{station}", os.fspath(home.path)]
        self._end = threading.Event()
        self.starts = 0
        self._start()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def _start(self) -> None:
        self.starts += 1
        self.running = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def _look(self) -> None:
        while not self._end.wait(0.2):
            if self.running.poll() is not None:
                self._start()

    def kill(self) -> None:
        """`kill -9`; it starts again."""
        self.running.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End it for good."""
        self._end.set()
        self._watch.join(5)
        self.running.kill()
        self.running.wait(10)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    home = Home(tmp_path_factory.mktemp("index") / "home")
    home.found(AGREEMENT, now=datetime.now(UTC), shards=1)
    with Broker(home.hub / "kafka", home.credential("broker"), home.settings.kafka.port):
        access.apply(home.kafka("hub"), topics_for(AGREEMENT, ["bup"], 1), acls_for(AGREEMENT, ["bup"]))
        asyncio.run(publish(home.kafka("hub").aiokafka(), home.published(time.time_ns() // 1_000_000)))
        yield Hub(home)


@pytest.fixture
def derived(hub: Hub) -> Iterator[Kept]:
    """Give the derived streams, with the keeper beside them."""
    keeper, derived = Kept(hub.home, "records"), Kept(hub.home, "derived")
    yield derived
    derived.close()
    keeper.close()


@contextmanager
def running(home: Home) -> Iterator[None]:
    """Be the hub that runs, as far as a command can tell."""
    with (home.hub / "run" / "hub.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def level(hub: Hub, records_wanted: int) -> Any:
    """Wait until so many records are kept and found; return what the index holds, the same as the records tell."""
    deadline = time.monotonic() + LEVEL_S
    while not (hub.home.hub / "records" / "records.db").exists():
        assert time.monotonic() < deadline, "the keeper keeps nothing"
        time.sleep(0.2)
    index = Index(engine_of(hub.home), hub.home.audit_keys)
    other = hub.home.path / "other.db"
    try:
        with opened(hub.home) as records:
            while records.count() != records_wanted or not index.is_level(records):
                index.follow(records)
                assert time.monotonic() < deadline, (records.count(), len(index), index.position, index.store.gap)
                time.sleep(0.2)
            index.follow(records)
            apart = Index(Sqlite(other), hub.home.audit_keys)
            apart.follow(records)
        held = picture(index.store)
        assert held == picture(apart.store), "the stream and the records tell different things"
        apart.close()
        assert len(index.every(Wanted(unit=UNIT), 1000)) == len(index) == records_wanted
        return held
    finally:
        index.close()
        for each in hub.home.path.glob("other.db*"):
            each.unlink()


def rebuild(hub: Hub, capsys: pytest.CaptureFixture[str]) -> int:
    """Make the index anew by the command, beside a hub that runs; return how many records it tells."""
    capsys.readouterr()
    with running(hub.home):
        assert main(["--home", str(hub.home.path), "console", "rebuild", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert sum(each["number"] for each in said["totals"]) == said["records"]
    return int(said["records"])


def cut(hub: Hub, offset: int) -> None:
    """Let the topic begin at an offset, as it does when its oldest records are over."""
    admin = AdminClient(hub.home.kafka("hub").confluent())
    for each in admin.delete_records([TopicPartition(AUDIT, 0, offset)]).values():
        each.result(20)


def test_fed_killed_and_made_anew(hub: Hub, derived: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """Fed by the stream over kills, forgotten, its topic cut, its database another: totals and rows are the same."""
    asyncio.run(hub.say("2020-03-01", "2020-03-02"))
    for _ in range(3):
        asyncio.run(hub.say(*YOUNG * 5))
        asyncio.run(hub.say(*YOUNG, aborted=True))
    level(hub, 47)

    for _ in range(3):  # killed while it writes
        asyncio.run(hub.say(*YOUNG * 10))
        derived.kill()
        asyncio.run(hub.say(*YOUNG * 2))
    before = level(hub, 47 + 108)
    assert derived.starts >= 4

    assert rebuild(hub, capsys) == before[1]
    assert level(hub, 155) == before

    erase = ("audit", "erase", "--rule", "care", "--unit", UNIT, "--before", "2020-04-01", "--decision", "RS 2026/1")
    assert main(["--home", str(hub.home.path), *erase]) == 0
    erased = level(hub, 154)  # two went, and the erasure's own record came
    rebuild(hub, capsys)  # the topic has them still
    assert level(hub, 154) == erased

    cut(hub, 60)
    rebuild(hub, capsys)
    assert level(hub, 154) == erased, "what the topic no longer has comes from the records"
    files = b"".join(each.read_bytes() for each in (hub.home.hub / "run" / "console").iterdir())
    assert not files.count(UNIT.encode())
    assert not files.count(b"planted.type")


def test_another_database_is_filled_from_the_topics(hub: Hub, derived: Kept) -> None:
    """Where hub.toml names a PostgreSQL the next start fills it, with what SQLite held."""
    if found() is None:
        pytest.skip("no PostgreSQL on this machine")
    settings = hub.home.path / "hub.toml"
    plain = settings.read_text()
    before = level(hub, 154)
    with Cluster("fsync=off") as cluster:
        (hub.home.path / "index.uri").write_text(cluster.database())
        try:
            settings.write_text(f'{plain}\n[console]\npostgres = "index.uri"\n')
            derived.kill()
            assert level(hub, 154) == before
            asyncio.run(hub.say(*YOUNG))
            derived.kill()
            after = level(hub, 157)
            assert after[1] == before[1] + 3
            assert UNIT.encode() not in cluster.disk()
            derived.close()
        finally:
            settings.write_text(plain)
