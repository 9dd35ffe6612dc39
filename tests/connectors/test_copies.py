"""A store that was restored or cloned: every message is judged exactly once, and whoever must know is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.message import Down
from tests.connectors.line import Connector, Line


@pytest.fixture(autouse=True)
def _clock(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connector's clock to the world's."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)


@pytest.fixture
def line(gate: Any) -> Line:
    """Return a gate with inboxes."""
    return Line(gate)


def judged(line: Line) -> Counter[bytes]:
    """Return how often each message was decided or taken."""
    return Counter(each.message_id for each in line.log if each.kind in ("decision", "event"))


def restored(line: Line, world: Any, tmp_path: Path, *, before: int, after: int) -> tuple[Connector, list[bytes]]:
    """Say `before` messages, back up, say `after` more; return the restored connector and all ids."""
    first = line.connector("skola", tmp_path / "first")
    ids = [first.say(world.concern()) for _ in range(before)]
    first.settle()
    backup = first.copy(tmp_path / "backup")
    ids += [first.say(world.concern()) for _ in range(after)]
    first.settle()
    first.store.close()
    return line.connector("skola", backup), ids


@pytest.mark.parametrize("reads_first", [True, False])
@pytest.mark.parametrize("new", [1, 3, 7])
def test_a_restored_store(line, world, tmp_path, reads_first, new):
    """A store behind what the gate has had loses nothing: each new message is judged once, and the store says so."""
    connector, ids = restored(line, world, tmp_path, before=2, after=3)
    old = connector.store.instance
    new_ids = [connector.say(world.concern()) for _ in range(new)]
    if reads_first:
        connector.service._receiver.caught_up = False
        connector.read()
    connector.settle()
    assert judged(line) == dict.fromkeys([*ids, *new_ids], 1)
    assert [connector.outcomes(each) for each in new_ids] == [["permit"]] * new
    assert connector.store.instance != old
    if reads_first:
        assert connector.store.number("count/store_restored") == 1
        assert connector.store.number("count/cloned_store") is None
    connector.store.close()


def test_a_restored_store_is_behind_by_less_than_it_says(line, world, tmp_path):
    """New messages under numbers that the gate has had are acknowledged unread: they are said again all the same."""
    connector, ids = restored(line, world, tmp_path, before=1, after=2)
    connector.store.keep_number("offset", len(line.inboxes["skola"]))  # what told of the two is not there any more
    connector.store.keep_number("box/0", len(line.inboxes["skola"]))
    new_ids = [connector.say(world.concern()) for _ in range(4)]
    connector.settle()
    assert judged(line) == dict.fromkeys([*ids, *new_ids], 1)
    assert [connector.outcomes(each) for each in new_ids] == [["permit"]] * 4
    connector.store.close()


def test_what_was_undecided_in_the_backup(line, world, tmp_path):
    """What the backup holds as sent and was decided since counts as taken, not as refused."""
    first = line.connector("skola", tmp_path / "first")
    message = first.say(world.concern())
    first.records()
    backup = first.copy(tmp_path / "backup")
    other = first.say(world.concern())
    first.settle()
    first.store.close()
    connector = line.connector("skola", backup)
    new = connector.say(world.concern())
    connector.settle()
    assert judged(line) == {message: 1, other: 1, new: 1}
    assert [connector.outcomes(each) for each in (message, new)] == [["permit"]] * 2
    assert [row.state for row in connector.store.open_messages()] == ["decided"] * 2
    connector.store.close()


def test_an_event_said_again_counts_once(line, world, kit, tmp_path):
    """A withdrawal that a restored store says again does not close a consent that was recorded since."""
    first = line.connector("social", tmp_path / "first")
    withdrawal = first.say(world.event(kit.events.ConsentWithdrawn(), "IFO"))
    first.records()
    backup = first.copy(tmp_path / "backup")
    first.settle()
    first.say(world.event(kit.consent(), "IFO"))
    first.settle()
    before = line.gate.remembered()
    first.store.close()
    connector = line.connector("social", backup)
    connector.say(world.notice())
    with connector.store.transaction():
        connector.store.begin_anew()
    connector.service._writer.renew(connector.store.instance)
    connector.settle()
    assert judged(line)[withdrawal] == 1
    (decision,) = [each for each in line.log if each.kind == "decision"]
    assert decision.outcome == "permit"
    assert {name for name in before if name.startswith(b"child/")} <= line.gate.remembered().keys()
    connector.store.close()


@pytest.mark.parametrize("order", ["aabb", "abab", "abba", "baab"])
def test_a_cloned_store(line, world, tmp_path, order, caplog):
    """Two connectors on copies of one store: both see it, one takes a new instance, and each message counts once."""
    first = line.connector("skola", tmp_path / "first")
    ids = [first.say(world.concern())]
    first.settle()
    second = line.connector("skola", first.copy(tmp_path / "clone"))
    second.read()
    for who in order:
        connector = first if who == "a" else second
        ids.append(connector.say(world.concern()))
        connector.send()
    for _ in range(6):
        for connector in (first, second):
            connector.read()
            connector.send()
    assert judged(line) == dict.fromkeys(ids, 1)
    assert first.store.instance != second.store.instance
    for connector in (first, second):
        assert connector.store.number("count/cloned_store")
        assert not connector.store.open_count()
        connector.store.close()
    assert [each for each in caplog.records if getattr(each, "code", "") == "CLONED_STORE"]


def test_an_honest_store_is_never_taken_for_another(line, world, kit, tmp_path):
    """Answers, denials, refusals, receipts, resends and another party's notices raise no suspicion."""
    school, social = (line.connector(name, tmp_path / name) for name in ("skola", "social"))
    for draft in (world.concern(), world.concern(expires=kit.NOW), world.draft("dialogue.message", "SKOLA", "IFO")):
        school.say(draft)
    said = [world.notice(), world.event(kit.consent(), "IFO"), world.notice()]
    for draft in said:
        social.say(draft)
    for connector in (school, social):
        line.take(*connector.records())
        line.take(*connector.records())  # the whole tail once more
    for _ in range(3):
        for connector in (school, social):
            connector.read()
            for row in connector.store.letters("waiting"):
                with connector.store.transaction():
                    connector.store.mark_letter(row.message_id, "handed_over", kit.NOW)
                    connector.service.handing._receipt(row, kit.events.Level.HANDED_OVER, "", kit.NOW)
            connector.send()
    for connector in (school, social):
        counts = [connector.store.number(f"count/{name}") for name in ("cloned_store", "store_restored", "incident")]
        assert counts == [None] * 3
        connector.store.close()


def test_a_finished_message_leaves_no_hole(line, world, tmp_path):
    """What ends before its number is acknowledged keeps its bytes until then, so the numbers behind it pass."""
    school = line.connector("skola", tmp_path / "first")
    first, second = school.say(world.concern()), school.say(world.concern())
    school.records()
    with school.store.transaction():
        school.store.finish(first)
    school.settle()
    assert judged(line) == {first: 1, second: 1}
    assert [row.state for row in school.store.said()] == ["decided", "done"]
    school.store.close()


def test_a_lost_answer(line, world, tmp_path, caplog):
    """What the gate acknowledged and whose answer was withheld is said again, judged once, and waits in the open."""
    school = line.connector("skola", tmp_path / "first")
    first = school.say(world.concern())
    school.send()
    lost = len(line.inboxes["skola"]) - 1
    second = school.say(world.concern())
    school.send()
    school.read(lost)
    assert [getattr(each, "code", "") for each in caplog.records][:2] == ["BOX_GAP", "ANSWER_MISSING"]
    school.settle()
    assert judged(line) == {first: 1, second: 1}
    assert [school.outcomes(each) for each in (first, second)] == [[], ["permit"]]
    late = line.inboxes["skola"][lost]
    with school.store.transaction():
        school.service._receiver.take(lost, late, line.gate.now)
        school.service._receiver.take(lost, late, line.gate.now)
    assert school.outcomes(first) == ["permit"]
    school.store.close()


def test_acknowledged_beyond_what_was_sent(line, world, tmp_path):
    """An acknowledgement of a number that this store never gave makes it begin anew, and marks nothing as decided."""
    school = line.connector("skola", tmp_path / "first")
    message = school.say(world.concern())
    school.records()
    old = school.store.instance
    gate = line.gate
    lane = gate.judge._lanes.writing("skola", gate.now)
    hop = Down(0, 1, b"", b"", old, 2)
    line.inboxes["skola"].append(lane.seal(hop.encode(), 0, "samband.inbox.skola.v1", 0))
    school.read()
    assert school.store.instance != old
    assert [(row.message_id, row.state, row.seq) for row in school.store.said()] == [(message, "new", None)]
    school.store.close()


def test_a_refused_receipt_that_is_told_late(line, world, tmp_path):
    """The refusal of a receipt that is forgotten already is nobody else's word."""
    social = line.connector("social", tmp_path / "first")
    social.say(world.receipt(world.concern()))
    social.send()
    lost = len(line.inboxes["social"]) - 1
    social.say(world.notice())
    social.send()
    social.read(lost)
    with social.store.transaction():
        social.service._receiver.take(lost, line.inboxes["social"][lost], line.gate.now)
    assert line.log[0].kind == "refusal"
    assert social.store.number("count/box_late") == 1
    assert social.store.number("count/cloned_store") is None
    social.store.close()
