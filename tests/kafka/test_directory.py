"""The directory on a real Kafka: published while the hub runs, renewed, taken back, and read by all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.client import Client
from samband.connectors.keys import OwnKeys
from samband.connectors.party import Party
from samband.schemas.key_card import Reason
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.cards import publish
from samband.streams.children import Child, end_all
from samband.streams.crypto.keys import Kid, Purpose
from samband.streams.hub import Hub, refresh
from samband.streams.registrar import Registrar

pytestmark = pytest.mark.kafka

FOLDER = '\n[[adapter]]\nunit = "{}"\nkind = "folder"\npath = "inbox"\n'
WAIT_S = 60
PARTIES = {
    "social": ("SE-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26),
    "bup": ("SE-BUP", UnitKind.CARE_BUP, Regime.OSL_25),
    "skola": ("SE-SKOLA", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23),
}
Until = Callable[[Callable[[], bool], float], None]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class House:
    """A running hub and connectors of its parties."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path / "home")
        self.home.found("barn", now=datetime.now(UTC), shards=1)
        self.connectors: dict[str, Child] = {}
        for party in ("social", "bup"):
            self.add(party)
        self.hub = Hub(self.home)
        self.hub.up()
        for party in ("social", "bup"):
            self.connect(party)

    def add(self, party: str) -> None:
        """Add a party."""
        unit, kind, regime = PARTIES[party]
        one = Unit(UnitId(unit), PartyId(party), kind, regime, unit)
        self.home.add_party(party, party, "2120002080", [one], now=datetime.now(UTC), extra=FOLDER.format(unit))

    def connect(self, party: str) -> None:
        """Start its connector."""
        config = self.home.parties / party / "connector.toml"
        child = Child("samband.connectors.serve", (str(config),), self.home.hub / "log" / f"{party}.log")
        child.start()
        self.connectors[party] = child

    def party(self, name: str) -> Party:
        """Open a party's files as they are now."""
        return Party.load(self.home.parties / name / "connector.toml")

    def look(self, name: str, what: Callable[[Party], Any]) -> Any:
        """Ask a party's files something."""
        party = self.party(name)
        try:
            return what(party)
        finally:
            party.store.close()

    def files(self, party: str) -> set[str]:
        """Return what was handed over."""
        return {path.stem for path in (self.home.parties / party / "inbox" / "new").glob("*.json")}

    def send(self, sender: str, recipient: str) -> bytes:
        """Say what duty permits; return the message's id."""
        child = synthetic(3, born=date(datetime.now(UTC).year - 10, 1, 1))
        content = {
            "child_identifier": child.identifier, "child_name": child.name, "acting_user": {"id": "u", "role": "r"},
            "urgency": "normal", "concern": "oro", "family_told": "yes",
        }  # fmt: skip
        return self.look(
            sender,
            lambda party: Client(party).send(
                "concern.report", recipient=PARTIES[recipient][0], content=content, now=datetime.now(UTC)
            ),
        )

    def outcome(self, party: str, message: bytes) -> str:
        """Return what became of a message."""
        state: str = self.look(party, lambda each: Client(each).outcome(message).state)
        return state

    def close(self) -> None:
        """Stop everything."""
        end_all(self.connectors.values())
        self.hub.down()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("directory"))
    try:
        yield made
    finally:
        made.close()


def version(house: House, party: str) -> int:
    """Return which version of the directory a party has taken."""
    found: int = house.look(party, lambda each: each.directory.version)
    return found


def test_a_party_that_joins_while_all_run(house: House, until: Until) -> None:
    """A new party is known to gate and connectors without a restart, and its first message arrives."""
    house.add("skola")
    assert refresh(house.home)
    house.connect("skola")
    until(lambda: bool(house.look("skola", lambda each: each.units)), WAIT_S)
    message = house.send("skola", "social")
    until(lambda: message.hex() in house.files("social"), WAIT_S)
    until(lambda: house.outcome("skola", message) == "handed_over", WAIT_S)


def test_a_rotated_key_is_sealed_to_at_once(house: House, until: Until) -> None:
    """A party rotates by command while its connector runs; the next message is sealed to the new key and opened."""
    party = house.party("social")
    kid = OwnKeys(party).rotate(Purpose.UNIT_CONTENT, "SE-IFO", now_ms())
    party.store.close()
    until(lambda: kid in house.look("bup", lambda each: dict(each.directory.keys)), WAIT_S)
    message = house.send("bup", "social")
    until(lambda: message.hex() in house.files("social"), WAIT_S)
    sealed_to = house.look("social", lambda each: each.store.letter(message).letter["sealed_to"])
    assert sealed_to == kid.hex()


def test_a_key_that_the_authority_takes_back(house: House, until: Until) -> None:
    """After the authority revokes a party's signing key nothing more of it passes, and its next key works."""
    party = house.party("bup")
    old = Kid(party.sign(now_ms()).kid)
    fresh = OwnKeys(party).rotate(Purpose.PARTY_SIGN, "", now_ms())
    party.store.close()
    until(lambda: fresh in house.look("bup", lambda each: dict(each.directory.keys)), WAIT_S)
    house.home.revoke_key(old, Reason.STOLEN, now_ms())
    assert refresh(house.home)
    until(lambda: house.look("bup", lambda each: each.directory.known(old).revocation) is not None, WAIT_S)
    message = house.send("bup", "social")
    until(lambda: house.outcome("bup", message) == "handed_over", WAIT_S)
    kid = house.look("social", lambda each: each.store.letter(message).letter["kid"])
    assert kid == fresh.hex()


def test_garbage_and_old_heads_on_the_topic(house: House, until: Until) -> None:
    """Whatever else is written to the directory's topic, readers keep what they have, and take what is true next."""
    before = version(house, "social")
    old = dict(house.home.published(now_ms()))
    asyncio.run(
        publish(house.home.kafka("hub").aiokafka(), {"x": b"garbage", "head": b"\0\0\0\0\x08", "bup": old["social"]})
    )
    house.home.change_card("skola", name="Skolan, ny")
    assert refresh(house.home)
    asyncio.run(publish(house.home.kafka("hub").aiokafka(), {"head": old["head"], "skola": old["skola"]}))
    until(lambda: house.look("social", lambda each: each.directory.cards["skola"].name) == "Skolan, ny", WAIT_S)
    assert version(house, "social") > before
    log = (house.home.hub / "log" / "social.log").read_text("utf-8")
    assert "HEAD_ROLLBACK" in log


def test_the_registrar_comes_back(house: House, until: Until) -> None:
    """Killed, it starts again, misses nothing that was said meanwhile, and never makes two heads for one version."""
    import os
    import signal

    pid = house.hub.pids["registrar"]
    os.kill(pid, signal.SIGKILL)
    party = house.party("social")
    kid = OwnKeys(party).rotate(Purpose.PARTY_HOP, "", now_ms())
    party.store.close()
    deadline = time.monotonic() + WAIT_S
    while kid not in house.look("bup", lambda each: dict(each.directory.keys)):
        assert time.monotonic() < deadline
        house.hub._look()
        time.sleep(0.1)
    message = house.send("bup", "social")
    until(lambda: house.outcome("bup", message) == "handed_over", WAIT_S)
    for name in ("social", "bup", "skola"):
        assert "HEAD_FORK" not in (house.home.hub / "log" / f"{name}.log").read_text("utf-8")


def test_the_hubs_own_keys_are_renewed(tmp_path: Path) -> None:
    """A day later there is a next hop key, begun a little ahead, with a new head; ten days later the first is gone."""
    home, now = Home(tmp_path / "home"), datetime.now(UTC)
    home.found("barn", now=now, shards=1, port=9)
    registrar = Registrar(home)
    (home.hub / "run").mkdir(exist_ok=True)

    def at(moment: datetime) -> int:
        return int(moment.timestamp() * 1000)

    first = registrar.changed(at(now))
    registrar.wrote(first, at(now))
    (hop,) = home.hub_keys.open_keys(Purpose.GATE_HOP)
    assert list(first)[-1] == "head"
    assert registrar.changed(at(now + timedelta(hours=1))) == {}
    later = at(now + timedelta(days=1))
    changed = registrar.changed(later)
    registrar.wrote(changed, later)
    assert len([name for name in changed if name.startswith("key-")]) == 1
    assert "head" in changed
    directory = home.directory(later)
    assert directory.seal_key("hub", Purpose.GATE_HOP, later).kid == hop
    assert directory.seal_key("hub", Purpose.GATE_HOP, later + 900_000).kid != hop
    registrar.changed(at(now + timedelta(days=9)))
    assert hop in home.hub_keys.open_keys(Purpose.GATE_HOP)
    registrar.changed(at(now + timedelta(days=10, minutes=1)))
    assert hop not in home.hub_keys.open_keys(Purpose.GATE_HOP)
