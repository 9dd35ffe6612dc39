"""Disposal: what goes, when, by whose decision, and what the log is told; never before hand-over."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import main
from samband.connectors.party import Party
from samband.connectors.retention import dispose, due, erased_digest, held
from samband.connectors.service import Service
from samband.connectors.store import Step, Store
from samband.schemas import events
from samband.schemas.errors import OperatorError
from samband.schemas.events import Act, ActLogged
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.snapshot import Snapshot

UNIT = Unit(UnitId("SE-SKOLA-1"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan")
NOW = datetime.now(UTC)
ENDED = int((NOW - timedelta(days=40)).timestamp() * 1000)
SECRET = "HEMLIGT-ORD"
DECISION = "SKN 2026/12"


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """Give a school whose disposal decision lets contents go after 30 days."""
    home = Home(tmp_path / "home")
    home.found("prov", now=NOW, port=9)
    folder = home.add_party(
        "skola", "Skolan", "2120002080", [UNIT], now=NOW,
        extra=f'\n[retention]\ntransport_days = 30\ndecision = "{DECISION}"\n',
    )  # fmt: skip
    Snapshot(folder / "directory.snapshot").write([*home.published(int(NOW.timestamp() * 1000)).values()])
    return Party.load(folder / "connector.toml")


def receive(
    party: Party,
    number: int,
    state: str,
    *,
    changed: int = ENDED,
    is_held: bool = False,
    kind: str = "dialogue.message",
) -> bytes:
    """Let a letter have come and reached a state."""
    message_id = bytes([number]) * 16
    letter = {
        "conversation": message_id.hex(), "ref_to": None, "unit": UNIT.id, "sender_unit": "SE-SOC-1",
        "sender_party": "social", "created": 1, "decided_at": 2, "grounds": ["CONSENT"], "obligations": [],
        "categories": ["dialogue:child"], "decision": "00", "age_band": "12-14",
        "content": {"text": f"{SECRET} {number} " + "…" * 4000},  # more than a page of the file
    }  # fmt: skip
    with party.store.transaction():
        party.store.add_letter(message_id, offset=number, ref=bytes(16), unit=UNIT.id, type=kind or "dialogue.message",
                               expires=1 << 50, held=is_held, letter=letter, now=changed, state=state)  # fmt: skip
    return message_id


def content(party: Party, message_id: bytes) -> Any:
    row = party.store.letter(message_id)
    assert row is not None
    return row.letter["content"]


@pytest.mark.parametrize("state", ["handed_over", "opened", "refused", "recalled"])
def test_an_ended_letter_loses_its_content(party: Party, state: str) -> None:
    """Thirty days after its end the content is gone; that it came, from whom and by which decision it went, stays."""
    message_id = receive(party, 1, state)
    assert dispose(party, NOW) == 1
    row = party.store.letter(message_id)
    assert row is not None
    assert (row.letter["content"], row.letter["disposal"], row.letter["sender_unit"]) == (None, DECISION, "SE-SOC-1")
    assert row.erased == int(NOW.timestamp() * 1000)
    assert dispose(party, NOW) == 0
    party.store.close()


@pytest.mark.parametrize("state", ["waiting", "handing"])
def test_never_before_hand_over(party: Party, state: str) -> None:
    """A letter that the party's own system has not taken stays, however old it is."""
    message_id = receive(party, 1, state, changed=1)
    assert dispose(party, NOW + timedelta(days=4000)) == 0
    assert content(party, message_id)
    party.store.close()


def test_not_a_moment_too_early(party: Party) -> None:
    """The time is counted from the end of the letter, to the millisecond."""
    message_id = receive(party, 1, "handed_over")
    end = datetime.fromtimestamp(ENDED / 1000, UTC) + timedelta(days=30)
    assert dispose(party, end - timedelta(milliseconds=1)) == 0
    assert content(party, message_id)
    assert dispose(party, end) == 1
    party.store.close()


@pytest.mark.parametrize("state", ["handed_over", "opened"])
def test_a_held_letter_stays_until_it_was_read(party: Party, state: str) -> None:
    """Of a held letter the far side has a reference only: the one copy stays until 30 days after somebody read it."""
    message_id = receive(party, 1, state, is_held=True)
    assert dispose(party, NOW) == 0
    read = int((NOW - timedelta(days=29)).timestamp() * 1000)
    with party.store.transaction():
        party.store.add_step(message_id, Step(read, "view", "shown", "", {}))
    assert dispose(party, NOW) == 0
    assert dispose(party, NOW + timedelta(days=1)) == 1
    party.store.close()


def test_a_part_of_a_consent_is_no_copy(party: Party) -> None:
    """What a discloser needs in order to confirm a consent stays with the consents, however old."""
    message_id = receive(party, 1, "opened", kind="consent.part", changed=1)
    assert dispose(party, NOW) == 0
    assert content(party, message_id)
    assert {each.retention.category: each.count for each in held(party, NOW)}["transport.letter"] == 0
    party.store.close()


def test_without_a_decision_nothing_goes(party: Party) -> None:
    """No disposal decision, no erasure, whatever the age; the command says why."""
    receive(party, 1, "opened", changed=1)
    undecided = replace(party.settings, retention=replace(party.settings.retention, decision=""))
    party.settings = undecided
    assert dispose(party, NOW) == 0
    assert due(party, NOW) == 1
    party.store.close()


def test_each_erasure_is_an_act_for_the_log(party: Party) -> None:
    """In the same transaction an event says how many went and, by digest, which; it is about no child."""
    ids = [receive(party, number, "opened") for number in (3, 1, 2)]
    assert dispose(party, NOW) == 3
    ((draft, _),) = party.store.new_drafts(10)
    body = events.decode("act.logged", draft.body or b"")
    assert isinstance(body, ActLogged)
    assert (draft.type, draft.sender, body.act, body.count) == ("act.logged", UNIT.id, Act.TRANSPORT_ERASED, 3)
    assert body.detail == erased_digest(party, ids) == erased_digest(party, sorted(ids))
    assert body.detail != erased_digest(party, ids[:2])
    assert draft.ref != bytes(16)
    assert draft.content is None
    party.store.close()


def test_the_gate_takes_the_act(world: Any, kit: Any, social: Party) -> None:
    """The log gets the erasure: the gate accepts it, though it is about no child that anybody knows."""
    settings = replace(social.settings.retention, decision=DECISION)
    social.settings = replace(social.settings, retention=settings)
    now = datetime.fromtimestamp(kit.NOW / 1000, UTC)
    with social.store.transaction():
        letter = {"content": {"text": SECRET}}
        social.store.add_letter(bytes(16), offset=0, ref=bytes(16), unit="IFO", type="concern.report", expires=1,
                                held=False, letter=letter, now=1, state="opened")  # fmt: skip
    assert dispose(social, now) == 1
    ((draft, partition),) = social.store.new_drafts(10)
    (stamp,) = kit.Gate(world, partition).say(draft)
    assert (stamp.kind, stamp.type, stamp.outcome) == ("event", "act.logged", "accepted")


def test_an_erasure_that_cannot_be_told_does_not_happen(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the act cannot be kept, the contents are not erased either: both or nothing."""
    message_id = receive(party, 1, "opened")

    def fail(*_: object) -> bool:
        raise OperatorError("STORE_WRITE", "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "add_draft", fail)
        with pytest.raises(OperatorError):
            dispose(party, NOW)
    assert content(party, message_id)
    assert party.store.new_drafts(10) == []
    assert dispose(party, NOW) == 1
    party.store.close()


def test_many_go_in_batches(party: Party) -> None:
    """More than a batch goes in several transactions, each with its act, and all of it goes."""
    with party.store.transaction():
        letter = {"content": {"text": SECRET}, "sender_unit": "x"}
        for number in range(450):
            party.store.add_letter(number.to_bytes(16, "big"), offset=number, ref=bytes(16), unit=UNIT.id, type="x",
                                   expires=1, held=False, letter=letter, now=ENDED, state="opened")  # fmt: skip
    counts = []
    while count := dispose(party, NOW):
        counts.append(count)
    assert counts == [200, 200, 50]
    assert len(party.store.new_drafts(10)) == 3
    party.store.close()


def test_what_is_erased_leaves_the_file(party: Party) -> None:
    """The sealed bytes of an erased letter are in neither the database nor its journal."""
    message_id = receive(party, 1, "opened")
    raw = sqlite3.connect(party.folder / "store.db")
    sealed = bytes(raw.execute("SELECT letter FROM inbox WHERE message_id = ?", (message_id,)).fetchone()[0])
    raw.close()

    def on_disk() -> bool:
        return any(sealed[-64:] in path.read_bytes() for path in party.folder.glob("store.db*"))

    assert on_disk()
    dispose(party, NOW)
    assert not on_disk()
    party.store.close()


async def test_the_running_connector_does_it(party: Party) -> None:
    """A connector that runs erases by itself, and has the act to send."""
    import asyncio

    message_id = receive(party, 1, "opened")
    service = Service(party, {})
    task = asyncio.create_task(service._dispose())
    async with asyncio.timeout(5):
        while content(party, message_id):  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(party.store.new_drafts(10)) == 1
    party.store.close()


def test_a_store_of_version_1_goes_on(party: Party, tmp_path: Path) -> None:
    """A store that an earlier Samband made opens, keeps its letters, and can erase."""
    path = tmp_path / "old.db"
    Store(path, bytes(32)).close()
    raw = sqlite3.connect(path)
    raw.executescript(
        "DROP TABLE uploads; DROP TABLE upload_pieces;"
        "DROP INDEX outbox_main; ALTER TABLE outbox DROP COLUMN main; DROP TABLE parts;"
        " DROP TABLE spoken; DROP INDEX outbox_open; DROP INDEX inbox_kept;"
        " ALTER TABLE inbox DROP COLUMN erased; PRAGMA user_version = 1"
    )
    raw.close()
    party.store.close()
    party.store = Store(path, bytes(32))
    message_id = receive(party, 1, "opened")
    party.store.close()
    party.store = Store(path, bytes(32))
    assert content(party, message_id)
    assert dispose(party, NOW) == 1
    party.store.close()


def test_the_list_says_what_is_kept_and_why(party: Party) -> None:
    """Each category has its count, what may go now, when the next may, and the source of its time."""
    receive(party, 1, "opened")
    receive(party, 2, "opened", changed=ENDED + 20 * 86_400_000)
    receive(party, 3, "waiting")
    with party.store.transaction():
        party.store.add_step(b"x" * 16, Step(ENDED, "decision", "permit", "", {}))
    found = {each.retention.category: each for each in held(party, NOW)}
    letters, ladder = found["transport.letter"], found["log.ladder"]
    assert (letters.count, letters.due) == (2, 1)
    assert letters.next == datetime.fromtimestamp(ENDED / 1000, UTC) + timedelta(days=30)
    assert (ladder.count, ladder.due) == (1, 0)
    assert ladder.next is not None
    assert ladder.next.year == datetime.fromtimestamp(ENDED / 1000, UTC).year + 5
    party.store.close()


def test_the_command(party: Party, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run changes nothing; the real one erases, shows the decision, and the letter says that it is gone."""
    message_id = receive(party, 1, "opened")
    party.store.close()
    config = str(party.folder / "connector.toml")

    def said(*arguments: str) -> Any:
        assert main([*arguments, "--as", config, "--lang", "en"]) == 0
        return capsys.readouterr()

    dry = json.loads(said("retention", "--dry-run", "--json").out)
    assert (dry["erased"], dry["decision"]) == (0, DECISION)
    assert {each["category"]: each["due"] for each in dry["kept"]}["transport.letter"] == 1
    assert "30 days: the terminal receipt" in said("retention", "--dry-run").out
    assert SECRET in said("inbox", "show", message_id.hex()).out
    assert f"1 erased by {DECISION}." in said("retention").err
    shown = said("inbox", "show", message_id.hex()).out
    assert SECRET not in shown
    assert "erased" in shown
    assert DECISION in shown


def test_a_time_that_is_none_is_refused(party: Party) -> None:
    """Zero days would erase at once what nobody has had time to look at."""
    party.store.close()
    config = party.folder / "connector.toml"
    config.write_text(config.read_text("utf-8").replace("transport_days = 30", "transport_days = 0"), "utf-8")
    with pytest.raises(OperatorError) as caught:
        Party.load(config)
    assert caught.value.code == "SETTINGS_RETENTION"
