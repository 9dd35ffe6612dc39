"""The gate's head: every party hears that the gate is there, and what it decides by."""

from __future__ import annotations

from samband.schemas.errors import TrustError
from samband.schemas.message import NO_INSTANCE
from samband.streams import topics
from samband.streams.gate.state import HEAD


def say_head(gate):
    """Let the gate say a head, and commit it."""
    turn = gate.judge.turn([], gate.state.values, gate.now, [HEAD])
    for name, data in turn.changes.items():
        gate.state.load(name, data)
    return turn


def test_a_head_reaches_every_party(gate, world):
    """One stamp in the log; in each inbox a record of it with the next box number, verified, about nobody."""
    gate.say(world.concern())
    turn = say_head(gate)
    logged, state = gate.stamps(turn)
    assert state.kind == "gate_state", "the log alone gets it"
    assert (logged.kind, logged.outcome, logged.code) == ("head", "said", "")
    assert (logged.directory, logged.leaf) == (world.directory.version, world.directory.head_hash)
    assert (logged.sender, logged.recipient, logged.subject, logged.type) == ("", "", None, "")
    assert not any(logged.ref + logged.message_id + logged.user)
    assert (logged.checkpoint, logged.reasons) == (None, ())
    assert logged.rulebook == world.directory.rules.at(gate.now).rulebook.hash
    numbers = {}
    for party in world.parties:
        (received,) = gate.inbox(turn, party)
        assert (received.stamp, received.message, received.down.instance) == (logged, None, NO_INSTANCE)
        numbers[party] = received.down.box_seq
    assert numbers == {"social": 2, "skola": 2, "bup": 1}
    assert turn.counts == {"said": 2}


def test_a_head_is_as_long_as_any_small_record(gate, world):
    """In an inbox a head is as long as an answer."""
    answered = gate.take(gate.record(world.seal(world.notice()), "social"))
    told = [gate.values(turn, topics.inbox("social")) for turn in (answered, say_head(gate))]
    assert len({len(value) for values in told for value in values}) == 1


def test_the_state_says_when(gate):
    """The state holds when the last head was said, so that a restarted lane knows."""
    assert gate.state.head_said == 0
    say_head(gate)
    assert gate.state.head_said == gate.now


def test_a_party_without_key_stops_no_head(gate, world, monkeypatch):
    """A party whose key is over hears nothing; the others do."""
    seal_key = world.directory.seal_key

    def none_of_bup(party, *rest):
        if party == "bup":
            raise TrustError("KEY_MISSING", "party `bup` has no hop key that is good now")
        return seal_key(party, *rest)

    monkeypatch.setattr(world.directory, "seal_key", none_of_bup)
    turn = say_head(gate)
    assert turn.counts == {"said": 1, "unreachable": 1}
    assert len(gate.inbox(turn, "skola")) == 1


def test_an_event_said_again_under_another_number(gate, world, kit):
    """An event's or a recall's id is judged once: a repeat changes nothing, and is told so."""
    consent = world.seal(world.event(kit.consent(), "IFO"))
    gate.say(consent)
    notice = world.notice()
    assert gate.say(notice)[0].outcome == "permit"
    recall = world.seal(world.event(kit.events.Recall(notice.message_id, "MISDIRECTED"), "IFO", recipient="SKOLA"))
    assert [each.kind for each in gate.say(recall)] == ["event", "recall"]
    before = gate.remembered()
    for message in (consent, recall):
        (refusal,) = gate.say(message)
        assert (refusal.kind, refusal.code) == ("refusal", "MESSAGE_ID_USED")
    assert gate.remembered() == before


def test_replay_at_a_restarted_gate(gate, world, kit):
    """A gate that starts anew from its committed state knows every seq and every id."""
    message = world.seal(world.concern())
    gate.take(gate.record(message, "skola", seq=1))
    after = kit.Gate(world, state=gate.state, now=gate.now)
    assert after.take(after.record(message, "skola", seq=1)).counts == {"duplicate": 1}
    assert after.take(after.record(message, "skola", seq=2)).counts == {"refused": 1}
    other = world.lane("skola", gate.now, instance=b"other instance 1")
    assert after.take(after.record(message, "skola", seq=1, lane=other)).counts == {"refused": 1}


def test_replay_when_the_lane_is_forgotten(gate, world):
    """A lane that the gate has dropped from its memory is opened again, and its numbers are where they were."""
    message = world.seal(world.concern())
    lane = gate.lane("skola")
    gate.take(gate.record(message, "skola", seq=1, lane=lane))
    gate.judge._lanes._in.clear()
    turn = gate.take(gate.record(message, "skola", seq=1, lane=lane))
    assert turn.counts == {"duplicate": 1}
    assert gate.take(gate.record(world.seal(world.concern()), "skola", seq=2, lane=lane)).counts == {"permit": 1}


def test_a_head_names_the_log(gate):
    """It names the newest checkpoint that the gate was shown: size and root."""
    gate.judge._logged = lambda: (7, b"r" * 32)
    (logged,) = gate.stamps(say_head(gate))
    assert (logged.checkpoint, logged.user, logged.reasons) == ((7, b"r" * 32), b"r" * 32, ("entries 7",))
