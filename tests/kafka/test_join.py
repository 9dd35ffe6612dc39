"""A party joins a real hub from a folder of its own: invitation, request, welcome, self-test, report."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.terminal import Said, Terminal

pytestmark = pytest.mark.kafka

SCHOOL, EMI = "SE2120002080-SKOLA", "SE2120002080-EMI"


@dataclass
class Apart:
    """A hub, and a party's terminal that knows no hub's folder."""

    hub: Terminal
    party: Terminal
    mail: Path


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """Give a running hub, and a party elsewhere."""
    at = tmp_path_factory.mktemp("samband")
    hub = Terminal(at / "hub")
    party = Terminal(at / "elsewhere" / "no-hub")
    (at / "mail").mkdir()
    try:
        up = hub.say("hub", "up", "--detach", "--agreement", "vasteras", "--shards", "2")
        assert up.code == 0, up.err
        yield Apart(hub, party, at / "mail")
    finally:
        hub.close()


def good(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


def test_ten_minutes(apart: Apart) -> None:
    """From invitation to a report that the hub reads, with nothing but three files and two telephone calls between."""
    hub, party, mail = apart.hub, apart.party, apart.mail
    folder = party.home.parent / "skola"
    invited = good(hub.say(
        "party", "invite", "skola", "--name", "Skolan", "--municipality", "Västerås",
        "--unit", f"{SCHOOL}:school.pedagogic:Exempelskolan", "--unit", f"{EMI}:school.medical:EMI",
        "--out", str(mail / "skola.invitation"), "--json",
    )).json  # fmt: skip
    assert invited["environment"] == "TEST"
    joining = ("join", str(mail / "skola.invitation"), "--dir", str(folder))
    assert party.say(*joining).error == "FINGERPRINT_NEEDED"
    assert party.say(*joining, "--fingerprint", "0000 " * 8).error == "FINGERPRINT_OTHER"
    assert not folder.exists()
    asked = good(party.say(*joining, "--fingerprint", invited["fingerprint"], "--hours", "mån–fre 8–16"))
    assert asked.out.startswith("TEST: Skolan (skola) is invited to vasteras")
    assert not party.home.exists()
    read_out = asked.out.strip().rpartition("telephone:")[2].strip()
    assert good(party.say(*joining, "--json")).json["fingerprint"] == read_out

    request = shutil.copy(folder / "join-request.json", mail / "skola.request")
    approving = ("party", "approve", str(request), "--out", str(mail / "skola.welcome"))
    assert hub.say(*approving, "--yes").error == "FINGERPRINT_NEEDED"
    assert hub.say(*approving, "--yes", "--fingerprint", invited["fingerprint"]).error == "FINGERPRINT_OTHER"
    assert hub.say("party", "show", "skola").error == "PARTY_UNKNOWN"
    approved = good(hub.say(*approving, "--yes", "--fingerprint", read_out))
    for text in ("TEST: Skolan (skola)", "school.pedagogic", "osl23", "unit-content", "mån–fre 8–16", "party-root"):
        assert text in approved.out

    welcomed = good(party.say("join", str(mail / "skola.welcome"), "--dir", str(folder)))
    assert welcomed.out.startswith("TEST: skola is in")
    tested = party.say("join", "--test", "--dir", str(folder), "--json")
    report = tested.json
    assert [each for each in report["checks"] if each["state"] != "ok"] == []
    assert (tested.code, report["passed"], report["environment"]) == (0, True, "TEST"), tested.err
    assert {each["check"] for each in report["checks"]} >= {
        f"{SCHOOL}: out, back, handed over, receipted",
        f"{EMI}: out, back, handed over, receipted",
        "about a made-up child, without ground",
        "a message that may not be is refused",
        "garbage on our outbox stops nothing",
        "nothing of others is seen",
    }
    assert "Passed" in (folder / "conformity-report.md").read_text("utf-8")

    handed_in = shutil.copy(folder / "conformity-report.json", mail / "report.json")
    assert "passed" in good(hub.say("party", "report", str(handed_in))).out
    Path(handed_in).write_text(Path(handed_in).read_text("utf-8").replace('"realm"', '"Realm"', 1), "utf-8")
    assert hub.say("party", "report", str(handed_in)).code != 0

    doctor = party.say("doctor", "--as", str(folder), "--json")
    assert {each["check"]: each["found"] for each in doctor.json}["environment"].startswith("TEST")
    assert hub.say("doctor", "--json").json[1]["found"].startswith("TEST")


def test_beside_a_running_connector(apart: Apart) -> None:
    """The self-test uses the connector that runs, and starts no second one on the same store."""
    folder = apart.party.home.parent / "skola"
    connector = subprocess.Popen(
        apart.party.command("connect", str(folder)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert connector.stdout is not None
        assert connector.stdout.readline().startswith("connected as skola")
        tested = apart.party.say("join", "--test", "--dir", str(folder), "--json")
        assert [each for each in tested.json["checks"] if each["state"] != "ok"] == []
        assert tested.code == 0
    finally:
        connector.terminate()
        _, log = connector.communicate(timeout=30)
    assert "EXPIRES_TOO_LATE" in log  # it was this connector that heard the gate's refusal


def test_used_once_and_only_here(apart: Apart, tmp_path: Path) -> None:
    """A second request on the same invitation, and an invitation to the wrong world, end with a code and a way out."""
    thief = tmp_path / "thief"
    invitation = apart.mail / "skola.invitation"
    fingerprint = json.loads(invitation.read_text("utf-8"))["fingerprint"]
    asked = good(apart.party.say("join", str(invitation), "--dir", str(thief), "--fingerprint", fingerprint, "--json"))
    refused = apart.hub.say("party", "approve", asked.json["file"], "--yes", "--fingerprint", asked.json["fingerprint"])
    assert (refused.code, refused.error) == (2, "INVITATION_USED")
    assert "hint: " in refused.err
    told = apart.party.say("join", asked.json["file"])
    assert told.error == "JOIN_KIND"
    assert apart.party.say("join", str(tmp_path / "none")).error == "FILE_READ"
    assert apart.party.say("join", "--test", "--dir", str(thief)).error == "JOIN_WAITING"
