"""The log on a real Kafka: a hub, two parties as witnesses, a sequencer that is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.witness import FORK, ROLLED_BACK, TICK_OFF
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.children import Child, end_all
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.hub import Hub
from samband.streams.log.checkpoint import origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Journal
from samband.streams.log.tiles import Tiles
from samband.streams.log.verify import Report, verify
from samband.streams.log.witnessed import witnesses_of
from samband.streams.topics import LOG_TOPIC

pytestmark = pytest.mark.kafka

WAIT_S = 100
PARTIES = {
    "social": ("SE-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26, "2120002080"),
    "bup": ("SE-BUP", UnitKind.CARE_BUP, Regime.OSL_25, "2321000172"),
}
ADAPTER = '\n[[adapter]]\nunit = "{}"\nkind = "folder"\npath = "inbox"\n'
LOGGED = '\n[[handover]]\ntype = "concern.report"\nwhen = "logged"\n\n[log]\nwitnesses = 2\noperator = "2120002080"\n'
Until = Callable[[Callable[[], bool], float], None]


class House:
    """A hub that puts a checkpoint to its witnesses every twelve seconds, and two parties' connectors."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path / "home")
        self.home.found("barn", now=datetime.now(UTC), shards=1)
        with (self.home.path / "hub.toml").open("a") as file:
            file.write('\n[log]\nwitnesses = 2\noperator = "2120002080"\nwitness_minutes = 0.2\n')
        for party, (unit, kind, regime, organisation) in PARTIES.items():
            one = Unit(UnitId(unit), PartyId(party), kind, regime, unit)
            extra = ADAPTER.format(unit) + (LOGGED if party == "social" else "")
            self.home.add_party(party, party, organisation, [one], now=datetime.now(UTC), extra=extra)
        self.hub = Hub(self.home)
        self.hub.up()
        self.connectors = [self.connect(party) for party in PARTIES]
        self.folder = LogFolder(self.home.hub / "log-tiles")
        root = self.home.root
        self.origin = origin_of(root.realm, root.agreement)
        self.key = VerifyKey(root.realm, Purpose.LOG, self.home.hub_keys.sign_key(Purpose.LOG).public)

    def connect(self, party: str) -> Child:
        """Start a party's connector."""
        child = Child("samband.connectors.serve", (str(self.config(party)),), self.home.hub / "log" / f"{party}.log")
        child.start()
        return child

    def config(self, party: str) -> Path:
        """Return a party's settings file."""
        return self.home.parties / party / "connector.toml"

    def report(self, folder: LogFolder | None = None) -> Report:
        """Work a log out anew."""
        now = time.time_ns() // 1_000_000
        witnesses = witnesses_of(self.home.root, self.home.directory(now), now)
        return verify((folder or self.folder).read, [self.key], self.origin, witnesses)

    def party(self, name: str) -> Party:
        """Open a party's files."""
        return Party.load(self.config(name))

    def look(self, name: str, what: Callable[[Party], Any]) -> Any:
        """Ask a party's files something."""
        party = self.party(name)
        try:
            return what(party)
        finally:
            party.store.close()

    def is_ticked_off(self, name: str) -> bool:
        """Say whether everything that a party has heard of is in its mirror."""
        return not self.look(name, lambda each: each.store.numbers("due/"))

    def files(self, party: str) -> set[str]:
        """Return what was handed over."""
        return {path.stem for path in (self.home.parties / party / "inbox" / "new").glob("*.json")}

    def send(self) -> bytes:
        """Say what duty permits, from care to social services; return the message's id."""
        child = synthetic(3, born=date(datetime.now(UTC).year - 10, 1, 1))
        content = {
            "child_identifier": child.identifier, "child_name": child.name, "acting_user": {"id": "u", "role": "r"},
            "urgency": "normal", "concern": "oro", "family_told": "yes",
        }  # fmt: skip
        sent: bytes = self.look("bup", lambda party: Client(party).send(
            "concern.report", recipient="SE-IFO", content=content, now=datetime.now(UTC)
        ))  # fmt: skip
        return sent

    def kill_log(self) -> None:
        """Kill the sequencer and start it again, as the hub's watch does."""
        os.kill(self.hub.pids["log"], signal.SIGKILL)
        child = self.hub._children["log"]
        while child.bury() is None:
            time.sleep(0.01)
        child.start()

    def end(self) -> None:
        """Stop everything."""
        end_all(self.connectors)
        self.hub.down()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("log"))
    try:
        yield made
    finally:
        made.end()


def test_logged_before_it_is_handed_over(house: House, until: Until) -> None:
    """A message whose type waits for the log comes when its permit is in a witnessed checkpoint, over a `kill -9`.

    Both parties mirror and cosign, one of them from outside the operator's organisation; everybody's own entries are
    ticked off and nobody raises an alarm.
    """
    until(lambda: bool(house.look("bup", lambda each: each.units)), WAIT_S)
    message = house.send()
    house.kill_log()
    until(lambda: message.hex() in house.files("social"), WAIT_S)
    row = house.look("social", lambda each: each.store.letter(message))
    report = house.report()
    assert (report.differences, len(report.witnesses)) == ([], 2)
    entry = bytes.fromhex(row.letter["decision"])
    tiles = Tiles(house.folder.read, report.witnessed)
    assert entry in [each for n in range(-(-report.witnessed // 256)) for each in tiles.entries(n)]
    for name in PARTIES:
        until(partial(house.is_ticked_off, name), WAIT_S)
        mirror = house.report(LogFolder(house.config(name).parent / "log"))
        assert mirror.differences == []
        assert mirror.size >= report.witnessed
        alarms = house.look(name, lambda each: each.store.numbers("alarm/"))
        assert not any(alarms.get(f"alarm/{each}") for each in (FORK, ROLLED_BACK, TICK_OFF))
    journal = Journal(house.home.hub / "sequencer" / "journal.db")
    assert journal.counts() == {}
    journal.close()


def test_it_grows_no_more_by_itself(house: House, until: Until) -> None:
    """The witnesses' own words are leaves, and do not keep the log asking for new ones."""
    sizes = [house.report().size]
    deadline = time.monotonic() + WAIT_S
    while len(sizes) < 6 or sizes[-1] != sizes[-6]:
        assert time.monotonic() < deadline, sizes
        time.sleep(1)  # what must not happen is looked for over a time
        sizes.append(house.report().size)


@pytest.mark.parametrize("principal", ["gate", "records"])
async def test_nobody_else_writes_the_log(house: House, principal: str) -> None:
    """Only the sequencer's principal may write the log's topic."""
    producer = AIOKafkaProducer(**house.home.kafka(principal).aiokafka())
    await producer.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(LOG_TOPIC, b"x", partition=0)
    finally:
        await producer.stop()
