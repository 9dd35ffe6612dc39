"""A hub whose settings name a cluster uses that one, and starts no Kafka of its own."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.broker import Broker
from samband.streams.children import Child, end_all
from samband.streams.hub import Hub

pytestmark = pytest.mark.kafka

FOLDER = '\n[[adapter]]\nunit = "{}"\nkind = "folder"\npath = "inbox"\n'


def test_the_named_cluster_carries_the_message(tmp_path: Path) -> None:
    """With `bootstrap` pointed elsewhere, topics, rights, gate and connectors all work there, new parties included."""
    home, now = Home(tmp_path / "home"), datetime.now(UTC)
    home.found("vastmanland", now=now, shards=1)
    cluster = Broker(tmp_path / "elsewhere", home.credential("broker"))
    connectors: list[Child] = []
    hub = None
    try:
        cluster.start()
        cluster.wait_ready()
        (home.path / "hub.toml").write_text(f'[kafka]\nbootstrap = "{cluster.bootstrap}"\n', "utf-8")
        for party, unit, kind, regime in (
            ("social", "SE2120002080-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26),
            ("bup", "SE2321000172-BUP", UnitKind.CARE_BUP, Regime.OSL_25),
        ):
            one = Unit(UnitId(unit), PartyId(party), kind, regime, unit)
            home.add_party(party, party, "2120002080", [one], now=now, extra=FOLDER.format(unit))
        hub = Hub(home)
        hub.up()
        assert "kafka" not in hub.pids
        assert not (home.hub / "kafka").exists()
        for party in ("social", "bup"):
            config = home.parties / party / "connector.toml"
            connectors.append(Child("samband.connectors.serve", (str(config),), home.hub / "log" / f"{party}.log"))
            connectors[-1].start()
        sender = Party.load(home.parties / "social" / "connector.toml")
        deadline = time.monotonic() + 60
        while not sender.units or sender.directory.find_unit("SE2321000172-BUP") is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            sender.store.close()
            sender = Party.load(home.parties / "social" / "connector.toml")
        client = Client(sender)
        child = synthetic(3, born=date(now.year - 10, 1, 1))
        message = client.send(
            "health_exam.request",
            recipient="SE2321000172-BUP",
            content={
                "child_identifier": child.identifier,
                "acting_user": {"id": "u-1", "role": "handläggare"},
                "part": "physical",
                "law": "SoL",
                "placed_on": "2026-11-02",
            },
            now=now,
        )
        while client.outcome(message).state != "handed_over":
            assert time.monotonic() < deadline, client.outcome(message)
            time.sleep(0.05)
        assert (home.parties / "bup" / "inbox" / "new" / f"{message.hex()}.json").exists()
        sender.store.close()
    finally:
        end_all(connectors)
        if hub is not None:
            hub.down()
        cluster.stop()
