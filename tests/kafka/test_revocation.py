"""Certificates are revoked and renewed under a running hub: nobody is restarted by hand, and no message is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from samband.connectors.cli import main
from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.certificates import issue, open_authority
from samband.streams.children import Child, end_all
from samband.streams.hub import Hub, provision
from samband.streams.renewal import Renewal

pytestmark = pytest.mark.kafka

FOLDER = '\n[[adapter]]\nunit = "{}"\nkind = "folder"\npath = "inbox"\n'
PARTIES = (
    ("social", "SE2120002080-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26),
    ("bup", "SE2321000172-BUP", UnitKind.CARE_BUP, Regime.OSL_25),
)
Until = Callable[[Callable[[], bool], float], None]


def say(home: Home, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Run a command and return its exit code and JSON answer."""
    capsys.readouterr()
    code = main(["--home", str(home.path), *arguments, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


def name(home: Home, party: str) -> str:
    """Return the name in a party's certificate."""
    found = x509.load_pem_x509_certificate((home.parties / party / "tls" / "keystore.pem").read_bytes())
    return found.subject.rfc4514_string()


def hand_over(client: Client, until: Until) -> bytes:
    """Send a message and return its id when it was handed over."""
    now = datetime.now(UTC)
    content = {
        "child_identifier": synthetic(3, born=date(now.year - 10, 1, 1)).identifier,
        "acting_user": {"id": "u-1", "role": "handläggare"},
        "part": "physical",
        "law": "SoL",
        "placed_on": "2026-11-02",
    }
    message = client.send("health_exam.request", recipient="SE2321000172-BUP", content=content, now=now)
    until(lambda: client.outcome(message).state == "handed_over", 90)
    return message


def test_a_running_hub_revokes_and_renews(tmp_path: Path, capsys: pytest.CaptureFixture[str], until: Until) -> None:
    """Connectors, gate and Kafka go on with new certificates by themselves, and the revoked one has no right left."""
    home, now = Home(tmp_path / "home"), datetime.now(UTC)
    home.found("vastmanland", now=now, shards=1)
    for party, unit, kind, regime in PARTIES:
        one = Unit(UnitId(unit), PartyId(party), kind, regime, unit)
        home.add_party(party, party, "2120002080", [one], now=now, extra=FOLDER.format(unit))
    told: list[str] = []
    hub, connectors = Hub(home, told.append), []
    sender = None
    try:
        hub.up()
        threading.Thread(target=hub.watch, daemon=True).start()
        for party, *_ in PARTIES:
            config = home.parties / party / "connector.toml"
            connectors.append(Child("samband.connectors.serve", (str(config),), home.hub / "log" / f"{party}.log"))
            connectors[-1].start()
        until(lambda: knows_the_other(home), 60)
        sender = Party.load(home.parties / "social" / "connector.toml")
        client = Client(sender)
        hand_over(client, until)
        code, change = say(home, capsys, "topics", "diff")
        assert code == 0
        assert not any(change.values())

        for party, *_ in PARTIES:
            code, answer = say(home, capsys, "party", "certificate", "revoke", party)
            assert (code, answer["name"], answer["applied"]) == (0, f"{party}.2", True)
            assert name(home, party) == f"CN={party}.2"
        assert say(home, capsys, "topics", "diff")[0] == 0
        hand_over(client, until)
        states = {each["check"]: each for each in say(home, capsys, "doctor", "--as", "social")[1]}
        assert states["rights"]["state"] == "ok"

        gate = hub.pids["gate-0"]
        assert say(home, capsys, "party", "certificate", "revoke", "gate")[1]["name"] == "gate.2"
        until(lambda: hub.pids.get("gate-0", gate) != gate, 30)
        hand_over(client, until)

        authority = open_authority(home.authority / "tls")
        issue(authority, "social", home.parties / "social" / "tls")  # the revoked name again
        code, checks = say(home, capsys, "doctor", "--as", "social")
        assert code == 3
        assert "revoked" in {each["check"]: each["found"] for each in checks}["rights"]
        past = datetime(2020, 1, 1, tzinfo=UTC)
        issue(authority, "social.2", home.parties / "social" / "tls", now=past)
        code, checks = say(home, capsys, "doctor", "--as", "social")
        assert code == 3
        assert "ended 2020-12" in {each["check"]: each["found"] for each in checks}["rights"]

        issue(authority, "broker", home.hub / "tls" / "broker", hosts=("localhost", "127.0.0.1"), now=past)
        Renewal(home, told.append, provision).look(at_once=True)
        assert {line for line in told if line.startswith(("renewed", "certificates"))} == {
            "renewed the certificate of social",
            "renewed the certificate of broker",
        }
        hand_over(client, until)
        assert say(home, capsys, "party", "certificate", "revoke", "hub")[0] == 3
        assert say(home, capsys, "party", "certificate", "revoke", "nobody")[0] == 2
    finally:
        end_all(connectors)
        if sender is not None:
            sender.store.close()
        hub.down()


def knows_the_other(home: Home) -> bool:
    """Tell whether the sender's connector has learned of the recipient."""
    party = Party.load(home.parties / "social" / "connector.toml")
    try:
        return bool(party.units) and party.directory.find_unit("SE2321000172-BUP") is not None
    finally:
        party.store.close()
