"""One host with five parties in two processes, on a real Kafka: a flood, a kill, and settings that cannot be used."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from samband.connectors.client import Client
from samband.connectors.host.places import Places
from samband.connectors.host.status import standing
from samband.connectors.host.supervisor import Host
from samband.connectors.party import Party
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.hub import Hub

pytestmark = pytest.mark.kafka

FLOOD = 2000
WAIT_S = 150
FOLDER = '\n[[adapter]]\nunit = "{}"\nkind = "folder"\npath = "inbox"\n'
PARTIES = ("bup", "familj", "social", "vaster", "norr")
Until = Callable[[Callable[[], bool], float], None]


class House:
    """A hub, and a host for all its parties."""

    def __init__(self, path: Path) -> None:
        self.home, now = Home(path / "home"), datetime.now(UTC)
        self.home.found("barn", now=now, shards=1)
        for name in PARTIES:
            kind, regime = (UnitKind.CARE_BUP, Regime.OSL_25) if name == "bup" else (UnitKind.SOCIAL_IFO, Regime.OSL_26)
            unit = Unit(UnitId(f"SE-{name.upper()}"), PartyId(name), kind, regime, name)
            self.home.add_party(name, name, "2120002080", [unit], now=now, extra=FOLDER.format(unit.id))
        self.hub = Hub(self.home)
        self.places = Places(self.home.parties, workers=2)
        self.host = Host(self.places)
        self._watching = threading.Thread(target=self.host.watch)

    def up(self) -> None:
        """Start the hub and the host."""
        self.hub.up()
        self.host.up()
        self._watching.start()

    def down(self) -> None:
        """Leave nothing behind."""
        self.host.stop()
        if self._watching.is_alive():
            self._watching.join()
        self.host.down()
        self.hub.down()

    def states(self) -> dict[str, str]:
        """Return how each party stands, with the code of what failed."""
        return {
            each.party: each.code if each.state == "failed" else each.state
            for each in standing(self.places, time.time())
        }

    def ask(self, name: str, what: Callable[[Party], Any]) -> Any:
        """Ask a party's files something."""
        party = Party.load(self.places.config(name))
        try:
            return what(party)
        finally:
            party.store.close()

    def say(self, name: str) -> bytes:
        """Let social services ask care for a health examination; return the message's id."""
        now = datetime.now(UTC)
        content = {
            "child_identifier": synthetic(3, born=date(now.year - 10, 1, 1)).identifier, "part": "physical",
            "acting_user": {"id": "u-1", "role": "handläggare"}, "law": "SoL", "placed_on": "2026-11-02",
        }  # fmt: skip
        said: bytes = self.ask(
            name, lambda each: Client(each).send("health_exam.request", recipient="SE-BUP", content=content, now=now)
        )
        return said

    def flood(self, name: str) -> None:
        """Let a party say the same thousands of times, each a message of its own."""
        model = self.say(name)

        def fill(party: Party) -> None:
            draft = party.store.draft(model)
            assert draft is not None
            with party.store.transaction():
                for _ in range(FLOOD):
                    party.store.add_draft(replace(draft, message_id=secrets.token_bytes(16)), 0)

        self.ask(name, fill)

    def state(self, name: str, message: bytes) -> str:
        """Return how far a message is."""
        return str(self.ask(name, lambda each: Client(each).outcome(message).state))

    def undecided(self, name: str) -> int:
        """Return how many messages of a party wait for the gate."""
        return int(self.ask(name, lambda each: each.store.open_count()))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give a house whose `vaster` has settings that cannot be used."""
    made = House(tmp_path)
    with made.places.config("vaster").open("a") as file:
        file.write("\nnonsense = 1\n")
    try:
        made.up()
        yield made
    finally:
        made.down()


def test_each_party_is_served_apart(house: House, until: Until) -> None:
    """A party that fails, one that floods and a killed process leave the others' messages on their way."""
    good = set(PARTIES) - {"vaster"}
    until(lambda: house.states() == {**dict.fromkeys(good, "serving"), "vaster": "SETTINGS_UNKNOWN_KEY"}, WAIT_S)
    assert {house.places.falls_to(name) for name in good} == {"1", "2"}

    house.flood("social")
    until(lambda: house.undecided("social") < FLOOD, WAIT_S)  # it is on its way
    message = house.say("familj")
    until(lambda: house.state("familj", message) not in ("new", "sent", "waiting"), WAIT_S)
    assert house.undecided("social") > FLOOD // 4

    slot = house.places.falls_to("familj")
    before = house.host.pids
    os.kill(before[slot], signal.SIGKILL)
    until(lambda: house.host.pids.get(slot, before[slot]) != before[slot], WAIT_S)
    message = house.say("familj")
    until(lambda: house.state("familj", message) == "handed_over", WAIT_S)
    assert {each: pid for each, pid in house.host.pids.items() if each != slot}.items() <= before.items()

    config = house.places.config("vaster")
    config.write_text(config.read_text("utf-8").replace("nonsense = 1\n", ""), "utf-8")
    until(lambda: house.states() == dict.fromkeys(PARTIES, "serving"), WAIT_S)
    until(lambda: house.undecided("social") == 0, WAIT_S)
