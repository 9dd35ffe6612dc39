"""What a party tells about a child: everything that is there, nobody else's, and no trace of what is left out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.book import ConsentBook
from samband.connectors.cli import main
from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.store import Step
from samband.connectors.subject_access import Reader, about, act_of, is_protected
from samband.schemas import events
from samband.schemas.errors import InputError
from samband.schemas.events import Act, ActLogged, CircleUpdate, MarkKind, Member, ProtectionMarked
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.decision.conditions import HOLD_PROTECTED
from samband.streams.snapshot import Snapshot

NOW = datetime.now(UTC)
MS = int(NOW.timestamp() * 1000)
CHILD, OTHER = (synthetic(each, born=date(NOW.year - 9, 1, 1)).identifier for each in (41, 42))
SECRET = "HEMLIGT-ORD"
CONSENT = {
    "child": CHILD, "message_id": "00", "recorded_at": MS, "disclosers": ["SE-IFO"], "recipients": ["SE-SKOLA"],
    "categories": ["placement"], "about": "child", "until": MS // 1000, "givers": [], "signatures": {}, "ended": [],
}  # fmt: skip


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """Give a social services party that knows a school, both from signed cards."""
    home = Home(tmp_path / "home")
    home.found("barn", now=NOW, shards=1, port=9)
    for name, unit, kind, regime in (
        ("social", "SE-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26),
        ("skola", "SE-SKOLA", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23),
    ):
        one = Unit(UnitId(unit), PartyId(name), kind, regime, unit)
        extra = '\n[retention]\ntransport_days = 30\ndecision = "SN 2026/1"\n' if name == "social" else ""
        home.add_party(name, name, "2120002080", [one], now=NOW, extra=extra)
    folder = home.parties / "social"
    Snapshot(folder / "directory.snapshot").write([*home.published(int(NOW.timestamp() * 1000)).values()])
    return Party.load(folder / "connector.toml")


def receive(party: Party, number: int, child: str, *, is_held: bool = False, state: str = "handed_over") -> bytes:
    """Let a concern report have come."""
    message_id = bytes([number]) * 16
    letter = {
        "conversation": message_id.hex(), "ref_to": None, "unit": "SE-IFO", "sender_unit": "SE-SKOLA",
        "sender_party": "skola", "created": MS, "decided_at": MS, "grounds": ["DUTY_REPORT"],
        "obligations": [HOLD_PROTECTED] if is_held else [], "decision": "00", "age_band": "<12",
        "categories": [
            "concern:child", "reporter_identity:other", "reporter_identity:child", "concern:sibling", "identity:child",
        ],
        "content": {"child_identifier": child, "concern": SECRET, "reporter": "Anmälare Påhittad"},
    }  # fmt: skip
    with party.store.transaction():
        party.store.add_letter(message_id, offset=number, ref=party.ref(child, 1), unit="SE-IFO", type="concern.report",
                               expires=1 << 50, held=is_held, letter=letter, now=MS, state=state)  # fmt: skip
    return message_id


def say(party: Party, child: str) -> bytes:
    """Send a placement notice that was permitted and handed over."""
    content = {"child_identifier": child, "acting_user": {"id": "anna01", "role": "handlaggare"}, "event": "started",
               "law": "SoL", "from_date": "2026-12-01", "note": SECRET}  # fmt: skip
    message_id = Client(party).send("placement.notice", recipient="SE-SKOLA", content=content, now=NOW)
    detail = {
        "type": "placement.notice", "sender": "SE-IFO", "recipient": "SE-SKOLA", "ref": party.ref(child, 1).hex(),
        "grounds": ["CONSENT"], "categories": ["placement:child", "contact:guardian"], "obligations": [],
    }  # fmt: skip
    with party.store.transaction():
        party.store.add_step(message_id, Step(MS, "decision", "permit", "", detail))
        party.store.add_step(message_id, Step(MS + 1, "receipt", "handed_over", "", detail))
        party.store.finish(message_id)
    return message_id


def whole(party: Party, child: str = CHILD, *leave_out: str) -> dict[str, Any]:
    consents = ConsentBook(party).entries()
    return about(party, child, Reader.CHILD, NOW, consents=consents, leave_out=leave_out)


def test_everything_that_is_there(party: Party) -> None:
    """Letters, what was said and what waits, readings, consents, circle and retention dates: of this child only."""
    letter, said = receive(party, 1, CHILD), say(party, CHILD)
    receive(party, 2, OTHER)
    say(party, OTHER)
    client = Client(party)
    waiting = client.record(ProtectionMarked(MarkKind.SECRECY), child=CHILD, now=NOW)
    circle = CircleUpdate((Member("SE-SKOLA", "school", MS // 1000),), claim=True)
    event = client.record(circle, child=CHILD, now=NOW)
    with party.store.transaction():
        detail = {"acting_user": "anna01", "role": "handlaggare", "reason": "00"}
        party.store.add_step(letter, Step(MS, "view", "shown", "", detail))
    ConsentBook(party).keep(b"c" * 16, CONSENT)
    ConsentBook(party).keep(b"d" * 16, {**CONSENT, "child": OTHER})
    found = whole(party)
    assert [each["message_id"] for each in found["received"]] == [letter.hex()]
    assert found["received"][0]["content_goes"] == (NOW + timedelta(days=30)).date().isoformat()
    assert [each["message_id"] for each in found["said"]] == [each.hex() for each in (said, waiting, event)]
    assert [each["state"] for each in found["said"]] == ["handed_over", "waiting", "waiting"]
    assert found["said"][0]["to"] == "SE-SKOLA"
    assert found["said"][0]["grounds"][0]["citation"].startswith("OSL 10:1")
    assert found["said"][0]["kept_at_least_until"].startswith(str(NOW.year + 5))
    assert [each["role"] for each in found["readings"]] == ["handlaggare"]
    assert [each["consent_id"] for each in found["consents"]] == [(b"c" * 16).hex()]
    assert [each["unit"] for each in found["circle"]] == ["SE-SKOLA"]
    assert {each["citation"] for each in found["retention"]} >= {"PDL 3:17"}
    party.store.close()


def test_nobody_else_s_and_no_content(party: Party) -> None:
    """No content, no reporter, nothing about a sibling or guardian, no user's id, and not the child's number."""
    receive(party, 1, CHILD)
    say(party, CHILD)
    found = whole(party)
    assert found["received"][0]["tells"] == ["concern", "identity"]
    assert found["said"][0]["tells"] == ["placement"]
    text = json.dumps(found, ensure_ascii=False)
    for secret in (SECRET, "Påhittad", "reporter", "sibling", "guardian", "anna01", CHILD, party.ref(CHILD, 1).hex()):
        assert secret not in text
    party.store.close()


def test_what_is_left_out_leaves_no_trace(party: Party) -> None:
    """An answer with something left out has the same bytes as one where it never was; a slip lets nothing through."""
    said = say(party, CHILD)
    before = json.dumps(whole(party))
    letter = receive(party, 1, CHILD)
    with party.store.transaction():
        party.store.add_step(letter, Step(MS, "view", "shown", "", {"role": "x"}))
    assert json.dumps(whole(party)) != before
    assert json.dumps(whole(party, CHILD, letter.hex())) == before
    empty = json.dumps(whole(party, CHILD, letter.hex(), said.hex()))
    ConsentBook(party).keep(b"c" * 16, CONSENT)
    assert json.dumps(whole(party, CHILD, "SE-SKOLA")) == empty
    with pytest.raises(InputError) as caught:
        whole(party, CHILD, letter.hex()[:-1])
    assert caught.value.code == "LEAVE_OUT_UNKNOWN"
    assert empty == json.dumps(whole(party, synthetic(43, born=date(NOW.year - 9, 1, 1)).identifier))
    party.store.close()


def test_the_act_tells_the_log_nothing(party: Party) -> None:
    """The log gets how much was told and a digest that only this party can make, also of an answer that is guessed."""
    receive(party, 1, CHILD)
    found = whole(party)
    act = act_of(party, found, "dataskyddsombud")
    assert (act.act, act.count, act.function, act.subject) == (Act.SUBJECT_ACCESS, 1, "dataskyddsombud", None)
    assert act == act_of(party, found, "dataskyddsombud")
    assert act.detail != act_of(party, whole(party, OTHER), "dataskyddsombud").detail
    party.store.secret = b"x" * 32
    assert act.detail != act_of(party, found, "dataskyddsombud").detail
    party.store.close()


def test_a_protected_child_is_known_by_what_came(party: Party) -> None:
    """A letter that was to be held, or an own mark that the gate has answered, says that the child is protected."""
    receive(party, 1, CHILD)
    assert not is_protected(party, CHILD)
    receive(party, 2, CHILD, is_held=True)
    assert is_protected(party, CHILD)
    assert not is_protected(party, OTHER)
    marked = Client(party).record(ProtectionMarked(MarkKind.SECRECY), child=OTHER, now=NOW)
    assert is_protected(party, OTHER)
    party.store.finish(marked)
    assert not is_protected(party, OTHER)
    detail = {"type": "protection.marked", "sender": "SE-IFO", "recipient": "SE-IFO", "ref": party.ref(OTHER, 1).hex()}
    with party.store.transaction():
        party.store.add_step(b"e" * 16, Step(MS, "event", "accepted", "", detail))
    assert is_protected(party, OTHER)
    party.store.close()


def test_the_command(party: Party, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints JSON or text with the sentence about limits, and keeps an act with its user in the outbox."""
    letter = receive(party, 1, CHILD)
    party.store.close()
    config = str(party.folder / "connector.toml")
    command = ("subject-access", "--as", config, "--child", CHILD, "--acting-user", "dso:ombud")
    assert main([*command, "--json", "--lang", "sv"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert [each["message_id"] for each in found["received"]] == [letter.hex()]
    assert "25 kap. 6 §" in found["limits"]
    assert main([*command, "--lang", "sv", "--for", "guardian", "--leave-out", letter.hex()]) == 0
    text = capsys.readouterr().out
    assert "Mottagna meddelanden\n  inget\n" in text
    assert "oavsett om något har utelämnats" in text
    assert "Orosanmälan" not in text
    assert CHILD not in said.out + said.err + text
    opened = Party.load(party.folder / "connector.toml")
    acts = [draft for draft, _ in opened.store.new_drafts(10)]
    bodies = [events.decode(each.type, each.body or b"") for each in acts]
    assert [each.act for each in bodies if isinstance(each, ActLogged)] == [Act.SUBJECT_ACCESS] * 2
    assert all(any(each.user) and each.ref == opened.ref(CHILD, 1) for each in acts)
    opened.store.close()


def test_a_guardian_of_a_protected_child_is_answered_by_hand(party: Party, capsys: pytest.CaptureFixture[str]) -> None:
    """No answer for a guardian is made where the child is protected: exit code 11, nothing printed, nothing logged."""
    receive(party, 1, CHILD, is_held=True)
    party.store.close()
    config = str(party.folder / "connector.toml")
    assert main(["subject-access", "--as", config, "--child", CHILD, "--for", "guardian", "--lang", "en"]) == 11
    said = capsys.readouterr()
    assert said.out == ""
    assert "decided by hand" in said.err
    opened = Party.load(party.folder / "connector.toml")
    assert opened.store.new_drafts(10) == []
    opened.store.close()
    assert main(["subject-access", "--as", config, "--child", CHILD, "--for", "child"]) == 0
    capsys.readouterr()
    assert main(["subject-access", "--as", config, "--child", CHILD, "--for", "neighbour"]) == 2
