"""The digest of the gate's state: what is not as its last commit left it, or older than what was logged, is noticed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from samband.schemas.codec import frame, unframe
from samband.schemas.errors import OperatorError
from samband.schemas.stamp import AUDIT
from samband.streams import topics
from samband.streams.gate.digest import DIGEST, Digest, check, summed
from samband.streams.gate.state import HEAD


def commit(gate: Any, *records: Any, head: bool = False) -> list[bytes]:
    """Let the gate commit a turn, and return its audit records."""
    turn = gate.judge.turn(records, gate.state.values, gate.now, [HEAD] if head else [])
    for name, data in turn.changes.items():
        gate.state.load(name, data)
    return list(gate.values(turn, topics.AUDIT))


@pytest.fixture
def story(gate: Any, world: Any, kit: Any) -> list[tuple[dict[bytes, bytes], list[bytes]]]:
    """Give the state after each of several commits, with the audit topic as it stands then."""
    found, topic = [], []
    events = [world.event(kit.consent(), "IFO"), world.notice(), world.concern(), world.notice()]
    party = {"IFO": "social", "SKOLA": "skola"}
    for number, draft in enumerate(events):
        topic += commit(gate, gate.record(world.seal(draft), party[draft.sender]), head=number == 2)
        found.append((dict(gate.state.values), list(topic)))
    return found


def refused(gate: Any, values: dict[bytes, bytes], tail: list[bytes] | None) -> str:
    """Return by which code a gate that begins with such a state stops; empty where it goes on."""
    try:
        gate.judge.verify(values, None)
        gate.judge.verify(values, tail or [])
    except OperatorError as error:
        return error.code
    return ""


def test_each_commit_moves_it(gate: Any, story: Any) -> None:
    """After every commit the sum is what the whole state gives when it is worked out anew, and the version one more."""
    for number, (values, topic) in enumerate(story, 1):
        assert Digest.of(values) == (number, summed(gate.world.store.mark, values.items()))
        assert refused(gate, values, topic) == ""
    assert refused(gate, {}, []) == "", "a new partition"


def test_a_forgotten_name_counts_no_more(gate: Any, world: Any) -> None:
    """What has served its time and is forgotten is out of the sum."""
    gate.say(world.concern())
    gate.now += 20 * 86_400_000
    expired = gate.state.expired(gate.now)
    assert expired
    turn = gate.judge.turn([], gate.state.values, gate.now, expired)
    assert None in turn.changes.values()
    for name, data in turn.changes.items():
        gate.state.load(name, data)
    check(world.store.mark, gate.state.values)


@pytest.mark.parametrize("what", ["old", "gone", "back", "digest gone"])
def test_a_single_old_record_is_noticed(gate: Any, story: Any, what: str) -> None:
    """An old record of one name, one that is missing, and one that was forgotten and is back: each stops the gate."""
    (before, _), (now, topic) = story[0], story[-1]
    name = next(each for each in now if each.startswith(b"child/") and now[each] != before.get(each)) if what == "old" \
        else next(each for each in now if each.startswith(b"child/"))  # fmt: skip
    altered = {
        "old": {**now, name: before[name]},
        "gone": {each: data for each, data in now.items() if each != name},
        "back": {**now, b"child/" + bytes(16): b"x"},
        "digest gone": {each: data for each, data in now.items() if each != DIGEST},
    }[what]
    assert refused(gate, altered, topic) == "STATE_ALTERED"


def test_a_state_that_was_rolled_back_whole_is_noticed(gate: Any, story: Any) -> None:
    """A state as it was a single commit ago fits in itself, and is older than the number on the audit topic."""
    for (values, _), (_, topic) in pairwise(story):
        assert refused(gate, values, topic) == "STATE_ROLLED_BACK"


def test_and_by_the_gate_s_own_signed_word(gate: Any, story: Any) -> None:
    """Whoever also writes other numbers on the audit topic has the word that the gate signed against it."""
    topic = story[-1][1]
    forged = [frame(AUDIT, {**unframe(AUDIT, each), "audit_seq": 0}) for each in topic]
    found = [refused(gate, values, forged) for values, _ in story]
    assert found == ["STATE_ROLLED_BACK", "STATE_ROLLED_BACK", "", ""], "it was said in the third commit"


def test_another_partition_s_words_count_nothing(gate: Any, story: Any, world: Any, kit: Any) -> None:
    """Numbers and words of another partition, of another hub, and garbage, say nothing about this one."""
    others = (kit.Gate(world, partition=1), kit.Gate(kit.World("another hub")))
    topic = [record for other in others for _ in range(9) for record in commit(other, head=True)]
    assert refused(gate, story[0][0], [*topic, b"", b"garbage"]) == ""


def test_the_word_on_the_state(gate: Any, story: Any, world: Any) -> None:
    """With a head the log alone is told which state its commit is made on: version, sum, last number; about nobody."""
    before = dict(gate.state.values)
    turn = gate.judge.turn([], before, gate.now, [HEAD])
    _, said = gate.stamps(turn)
    assert (said.kind, said.outcome, said.leaf) == ("gate_state", "said", Digest.of(before).sum)
    number = int.from_bytes(before[b"audit"], "big")
    assert said.reasons == (f"version {Digest.of(before).version}", f"audit {number}")
    assert (said.sender, said.recipient, said.type) == ("", "", "")
    told = [each.stamp for party in world.parties for each in gate.inbox(turn, party)]
    assert {each.kind for each in told} == {"head"}


def test_going_on_from_an_older_state(world: Any, kit: Any) -> None:
    """Where somebody says so, the outbox is judged again from the old place: nothing that was taken back carries again.

    Numbers go on above all that were given, the log is told, and the state is then no older than what is logged.
    """
    gate = kit.Gate(world)
    events = [world.event(kit.consent(), "IFO"), world.event(kit.events.ConsentWithdrawn(), "IFO")]
    records = [gate.record(world.seal(event), "social") for event in events]
    topic = commit(gate, records[0])
    old = dict(gate.state.values)
    topic += commit(gate, records[1])
    new = dict(gate.state.values)
    assert refused(gate, old, topic) == "STATE_ROLLED_BACK"

    begun = kit.Gate(world)
    for name, data in old.items():
        begun.state.load(name, data)
    turn = begun.judge.go_on(begun.state.values, topic, gate.now)
    (said,) = begun.stamps(turn)
    assert (said.kind, said.code) == ("gate_state", "STATE_ROLLED_BACK")
    assert not any(begun.inbox(turn, party) for party in world.parties)
    for name, data in turn.changes.items():
        begun.state.load(name, data)
    topic += begun.values(turn, topics.AUDIT)
    assert refused(begun, begun.state.values, topic) == ""
    topic += commit(begun, records[1])
    assert refused(begun, begun.state.values, topic) == ""
    for name in new:
        if name.startswith(b"box/") or name == b"audit":
            assert begun.state.values[name] > new[name]
    begun.seqs["social"] = 2
    outcomes = {each.outcome for each in begun.say(world.notice())}
    assert outcomes == {"deny"}, "the withdrawal came again"
