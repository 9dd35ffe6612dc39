"""What does not come is told, and blocks nothing: gaps, heads, directory records, decisions and hand-overs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from samband.connectors.boxes import Gap, Place, gaps, take_number
from samband.connectors.service import Service
from samband.connectors.store import Store
from samband.connectors.waiting import waiting
from samband.connectors.watch import DIRECTORY, HUB_SILENT, LATE, LATE_MS, SILENCE_MS, UNDECIDED_MS, Watch, alarm
from samband.streams.gate.state import HEAD
from samband.streams.inbox import Batch
from tests.connectors.line import Connector, Line

MINUTE = 60_000


@pytest.fixture(autouse=True)
def _clock(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connector's clock to the world's."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)


@pytest.fixture
def line(gate: Any) -> Line:
    """Return a gate with inboxes."""
    return Line(gate)


@pytest.fixture
def social(line: Line, tmp_path: Path) -> Any:
    """Return the social services' connector."""
    made = line.connector("social", tmp_path / "first")
    yield made
    made.store.close()


@pytest.fixture
def skola(line: Line, tmp_path: Path) -> Any:
    """Return the school's connector."""
    made = line.connector("skola", tmp_path / "skola")
    yield made
    made.store.close()


def codes(caplog: Any) -> list[str]:
    """Return the codes that were logged."""
    return [each.code for each in caplog.records if getattr(each, "code", "")]


# numbers


def test_numbers(social):
    """A gap has both ends; a number in it is taken once, splits it, and closes it; any other old number is a repeat."""
    store: Store = social.store
    said = []
    for number in (1, 2, 6, 4, 4, 2, 3, 5, 5, 7):
        with store.transaction():
            said.append(take_number(store, 0, number, 9))
        if number == 6:
            assert gaps(store) == [Gap(0, 3, 5, 9)]
        if number == 4:
            assert gaps(store) == [Gap(0, 3, 3, 9), Gap(0, 5, 5, 9)]
    n, late, repeat = Place.NEXT, Place.LATE, Place.REPEAT
    assert said == [n, n, n, late, repeat, repeat, late, late, repeat, n]
    assert gaps(store) == []
    assert (store.number("count/box_gap"), store.number("count/box_late")) == (1, 3)


def test_a_gap_is_its_partitions_own(social):
    """A number that is missing of one partition is a repeat of another's."""
    with social.store.transaction():
        take_number(social.store, 0, 3, 9)
        take_number(social.store, 1, 1, 9)
        assert take_number(social.store, 1, 1, 9) is Place.REPEAT
    assert gaps(social.store) == [Gap(0, 1, 2, 9)]


def test_gaps_are_bounded(social):
    """Of very many gaps the newest are remembered."""
    with social.store.transaction():
        for number in range(2, 2300, 2):
            take_number(social.store, 0, number, 9)
    found = gaps(social.store)
    assert len(found) == 1000
    assert found[-1].last == 2297


def test_a_late_letter_is_taken(line, social, skola):
    """A letter that the broker held back is reported while it is away, and handed over when it comes; once."""
    first = skola.say(line.gate.world.concern())
    skola.send()
    lost = len(line.inboxes["social"]) - 1
    second = skola.say(line.gate.world.concern())
    skola.send()
    social.read(lost)
    assert [row.message_id for row in social.store.letters()] == [second]
    assert [(each.first, each.last) for each in gaps(social.store)] == [(1, 1)]
    for _ in range(2):
        with social.store.transaction():
            social.service._receiver.take(lost, line.inboxes["social"][lost], line.gate.now)
    assert [row.message_id for row in social.store.letters()] == [first, second]
    assert not gaps(social.store)
    assert social.store.number("count/box_repeat") == 1


def test_a_late_letter_that_was_recalled(line, social, skola, kit):
    """A recall that comes before the letter that it stops holds when the letter comes: it is never handed over."""
    world = line.gate.world
    draft = world.concern()
    skola.say(draft)
    skola.send()
    lost = len(line.inboxes["social"]) - 1
    recall = world.event(kit.events.Recall(draft.message_id, "MISDIRECTED"), "SKOLA", recipient="IFO")
    skola.say(recall)
    skola.send()
    social.read(lost)
    with social.store.transaction():
        assert social.service._receiver.take(lost, line.inboxes["social"][lost], line.gate.now)
    assert [(row.state, row.code) for row in social.store.letters()] == [("recalled", "RECALLED_BY_SENDER")]
    ((receipt, _),) = social.store.new_drafts(9)
    assert kit.events.decode("receipt", receipt.body).level == "refused"


# heads


def test_silence(line, social, kit, caplog):
    """75 minutes at the inbox's end without a head is one episode for each partition, and a head ends it."""
    watch, store = Watch(social.party), social.store
    line.take(expired=(HEAD,))
    social.read()
    for minute in range(80):
        watch.look(kit.NOW + minute * MINUTE, MINUTE)
        assert bool(alarm(store, "0")) == (minute >= 74), minute
    assert codes(caplog).count("GATE_SILENT") == 2
    assert store.number("count/gate_silent") == 2
    line.take(expired=(HEAD,))
    social.read()
    watch.look(kit.NOW, MINUTE)
    assert not alarm(store, "0")
    assert alarm(store, "1")


def test_a_head_says_that_the_gate_is_there(line, social, kit):
    """Heads every half hour keep the alarm away."""
    watch = Watch(social.party)
    for _ in range(8):
        line.take(expired=(HEAD,))
        social.read()
        for _ in range(30):
            watch.look(kit.NOW, MINUTE)
    assert not alarm(social.store, "0")
    assert social.store.number("head/0") == kit.NOW


def test_a_head_that_was_held_back_is_no_sign_of_life(line, social, kit, monkeypatch):
    """A broker that shows old heads on time is found: what counts is when the gate said it."""
    watch = Watch(social.party)
    line.take(expired=(HEAD,))
    watch.look(kit.NOW, 80 * MINUTE)
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW + SILENCE_MS)
    social.read()
    watch.look(kit.NOW + SILENCE_MS, MINUTE)
    assert alarm(social.store, "0")


def test_a_night_off_is_no_silence(social, kit):
    """Time in which the connector did not read does not count; what it had counted before is kept."""
    watch = Watch(social.party)
    watch.look(kit.NOW, 74 * MINUTE)
    watch = Watch(social.party)
    watch.look(kit.NOW + 12 * kit.HOUR, 0)
    assert not alarm(social.store, "0")
    watch.look(kit.NOW + 12 * kit.HOUR, MINUTE)
    assert alarm(social.store, "0")


# directory


def test_directory_records_that_are_withheld(line, social, skola, kit, caplog):
    """A gate that decides by cards that are not here is reported after five minutes, and until they come."""
    world = kit.World()
    line.gate.judge._directory = newer = world.directory
    version = 1
    while newer.version <= social.party.directory.version:  # other tests may have published to the world of this one
        version += 1
        world.publish(newer, world.card("bup", world.units("bup"), version=version))
    watch = Watch(social.party)
    line.take(expired=(HEAD,))
    social.read()
    for minute in range(7):
        watch.look(kit.NOW, MINUTE)
        assert bool(alarm(social.store, DIRECTORY)) == (minute > 4), minute
    assert codes(caplog).count("DIRECTORY_WITHHELD") == 1
    social.party.directory = newer
    watch.look(kit.NOW, MINUTE)
    assert not alarm(social.store, DIRECTORY)


# what waits


def test_the_hub_does_not_answer(line, skola, kit, caplog):
    """A message that is sent and not decided for ten minutes is reported; others that pass do not hide it."""
    watch = Watch(skola.party)
    message = skola.say(line.gate.world.concern())
    skola.records()
    for minute in range(13):
        watch.look(kit.NOW, MINUTE)
        assert bool(alarm(skola.store, HUB_SILENT)) == (minute > 10), minute
    assert codes(caplog).count("HUB_SILENT") == 1
    (waits,) = waiting(skola.party, kit.NOW + UNDECIDED_MS + 1)
    assert (waits.message_id, waits.recipient, waits.state, waits.late) == (message, "IFO", "undecided", True)
    assert not next(waiting(skola.party, kit.NOW + UNDECIDED_MS)).late
    skola.settle()
    watch.look(kit.NOW, MINUTE)
    assert not alarm(skola.store, HUB_SILENT)


def test_missing_receipts(line, skola, kit, caplog):
    """What was permitted and is not handed over within a day is reported, and ends with the receipt."""
    draft = line.gate.world.concern()
    message = skola.say(draft)
    skola.settle()
    (waits,) = waiting(skola.party, kit.NOW + LATE_MS)
    assert (waits.state, waits.late) == ("permitted", False)
    assert next(waiting(skola.party, kit.NOW + LATE_MS + 1)).late
    Watch(skola.party).look(kit.NOW + LATE_MS, MINUTE)
    assert not alarm(skola.store, LATE)
    watch = Watch(skola.party)
    watch.look(kit.NOW + LATE_MS + 1, MINUTE)
    assert (skola.store.number("late"), codes(caplog)) == (1, ["RECEIPTS_MISSING"])
    line.take(line.gate.record(line.gate.world.seal(line.gate.world.receipt(draft)), "social"))
    skola.read()
    assert skola.outcomes(message) == ["permit", "handed_over"]
    for _ in range(6):
        watch.look(kit.NOW + LATE_MS + 1, MINUTE)
    assert not alarm(skola.store, LATE)
    assert not list(waiting(skola.party, kit.NOW))


def test_a_permitted_question_waits_for_nothing(line, skola, kit):
    """A question that was answered is not waited for."""
    skola.say(replace(line.gate.world.concern(), ask=True, content=None, content_schema=bytes(32)))
    skola.settle()
    assert not list(waiting(skola.party, kit.NOW + kit.DAY))


# an inbox that was cut


def test_an_inbox_that_was_cut(line, social, skola, caplog):
    """An inbox that ends before what was read is read from its beginning: reported; repeats are dropped silently."""
    world = line.gate.world
    for _ in range(3):
        skola.say(world.concern())
    skola.send()
    social.read()
    waiting_before = [row.message_id for row in social.store.letters("waiting")]
    values = line.inboxes["social"][:2]
    service: Service = social.service
    batch = Batch(tuple(enumerate(values)), 2, 2)
    assert service._is_cut(batch, 3)
    service._keep(batch, -1)
    assert not service._is_cut(Batch((), 2, 2), 2)
    assert social.store.number("count/inbox_cut") == 1
    assert social.store.number("count/box_repeat") is None
    assert codes(caplog) == ["INBOX_CUT"]
    assert [row.message_id for row in social.store.letters("waiting")] == waiting_before
    assert not social.store.waiting("IFO", -1, 9)
    assert social.store.waiting("IFO", 0, 9)


def test_an_older_store_is_brought_up(tmp_path, line, kit, world):
    """A store of version 2 is brought to the present one; a question that was permitted there waits for nothing."""
    import sqlite3

    made = line.connector("skola", tmp_path / "first")
    asked = made.say(replace(world.concern(), ask=True, content=None, content_schema=bytes(32)))
    made.say(world.concern())
    made.settle()
    old = made.copy(tmp_path / "old")
    made.store.close()
    raw = sqlite3.connect(old / "store.db")
    raw.execute("UPDATE outbox SET state = 'decided', draft = x'00' WHERE message_id = ?", (asked,))
    raw.executescript("DROP TABLE uploads; DROP TABLE upload_pieces")
    raw.executescript("DROP INDEX outbox_main; ALTER TABLE outbox DROP COLUMN main; DROP TABLE parts")
    raw.executescript("DROP TABLE spoken; DROP INDEX outbox_open; PRAGMA user_version = 2")
    raw.close()
    again: Connector = line.connector("skola", old)
    assert [row.state for row in again.store.said()] == ["decided", "done"]
    again.store.close()
