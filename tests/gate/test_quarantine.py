"""What the gate cannot even read: put aside with code, place and size; the next record is judged as if it were not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas.codec import frame
from samband.schemas.errors import TrustError
from samband.schemas.message import RECORD, Up
from samband.schemas.routing import Routing
from samband.streams.crypto.keys import OpenKey, Purpose, SealKey, SignKey
from samband.streams.crypto.lane import UnverifiedRecord
from samband.streams.gate.judge import RECORD_MAX

HOUR = 3_600_000


def good(gate: Any) -> bytes:
    """Return a record that the gate would take, with the seq of none."""
    value = gate.record(gate.world.seal(gate.world.concern()), "skola", seq=1).value
    assert value is not None
    return value


def through(gate: Any, **lane: Any) -> bytes:
    """Return a record in a lane that is wrong in something."""
    made = gate.world.lane(lane.pop("of", "skola"), lane.pop("now", gate.now), **lane)
    value = gate.record(gate.world.seal(gate.world.concern()), "skola", seq=1, lane=made).value
    assert value is not None
    return value


def stranger(world: Any) -> SignKey:
    """Return a signing key that no card names."""
    return SignKey(world.realm, Purpose.PARTY_SIGN, b"\x09" * 32)


def other_gate(world: Any) -> SealKey:
    """Return a hop key that the gate does not have."""
    return SealKey(world.realm, Purpose.GATE_HOP, OpenKey(world.realm, Purpose.GATE_HOP, bytes(96)).public)


def long_life(gate: Any) -> bytes:
    """Return a record whose well-signed opener would live for two hours."""
    keys, world = gate.world.parties["skola"], gate.world
    opener = replace(world.lane("skola").opener, not_after=gate.now + 2 * HOUR)
    to = SealKey(world.realm, Purpose.GATE_HOP, world.hop.public)
    data = world.opener_bytes(opener, keys.sign, to, bytes(32))
    return frame(RECORD, {"v": 1, "opener": data, "nonce": bytes(12), "ct": bytes(6160)})


def version_2(gate: Any) -> bytes:
    """Return a record of a version that is not read here."""
    return frame(RECORD, {"v": 2, "opener": b"", "nonce": bytes(12), "ct": b""})


def no_hop(gate: Any) -> bytes:
    """Return a well-sealed record with something else than an upward hop in it."""
    value: bytes = gate.lane("skola").seal(b"\x02downward", 0, gate.topic, 0)
    return value


def another_realm(gate: Any) -> bytes:
    """Return a record of a hub with another root."""
    there = type(gate.world)("elsewhere")
    return there.lane("skola", gate.now).seal(Up(1, b"").encode(), 0, gate.topic, 0)


UNREADABLE = {
    "garbage": ("FORMAT_SCHEMA", lambda g: b"garbage bytes"),
    "empty": ("FORMAT_SCHEMA", lambda g: b""),
    "tombstone": ("FORMAT_SCHEMA", lambda g: None),
    "zeros": ("FORMAT_SCHEMA", lambda g: bytes(100_000)),
    "unknown schema id": ("FORMAT_SCHEMA", lambda g: b"\0\0\0\xff\xff" + good(g)[5:]),
    "JSON": ("FORMAT_SCHEMA", lambda g: b'{"child": "x"}'),
    "version 2": ("FORMAT_VERSION", version_2),
    "cut off": ("FORMAT_RECORD", lambda g: good(g)[:-1]),
    "trailing byte": ("FORMAT_NOT_CANONICAL", lambda g: good(g) + b"\0"),
    "oversized": ("RECORD_TOO_LARGE", lambda g: good(g) + bytes(RECORD_MAX)),
    "altered": ("RECORD_BROKEN", lambda g: good(g)[:-1] + bytes([good(g)[-1] ^ 1])),
    "not a hop": ("FORMAT_VERSION", no_hop),
    "from another topic": (
        "RECORD_BROKEN",
        lambda g: g.record(b"", "skola", seq=1, topic="samband.outbox.other.v1").value,
    ),
    "from another partition": ("RECORD_BROKEN", lambda g: g.record(b"", "skola", seq=1, partition=1).value),
    "expired lane": ("LANE_EXPIRED", lambda g: through(g, now=g.now - HOUR)),
    "lane of tomorrow": ("LANE_EXPIRED", lambda g: through(g, now=g.now + 300_001)),
    "lane too long": ("OPENER_LIFE", long_life),
    "another realm": ("REALM", another_realm),
    "another agreement": ("AGREEMENT", lambda g: through(g, agreement="vuxna")),
    "another gate": ("GATE_KEY", lambda g: through(g, to=other_gate(g.world))),
    "unknown party": ("KEY_UNKNOWN", lambda g: through(g, sign=stranger(g.world), party="okand")),
    "key of another purpose": ("KEY_PURPOSE", lambda g: through(g, sign=g.world.stamp)),
    "another party's name": ("OPENER_PARTY", lambda g: through(g, party="bup")),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable(case, gate):
    """It ends in quarantine with its code, nobody is answered, nothing remembered, and the records around it pass."""
    code, make = UNREADABLE[case]
    first = gate.record(gate.world.seal(gate.world.concern()), "skola")
    poison = gate.raw(make(gate))
    last = gate.record(gate.world.seal(gate.world.concern()), "skola")
    turn = gate.take(first, poison, last)
    assert turn.quarantined == [(poison.offset, code)]
    assert [stamp.outcome for stamp in gate.stamps(turn)] == ["permit", "permit"]
    assert len(gate.messages()) == 2
    assert gate.state.position == last.offset + 1


def test_foreign_headers(gate):
    """A record with a key, or with headers of its own, is put aside though it would open."""
    record = gate.record(gate.world.seal(gate.world.concern()), "skola")
    turn = gate.take(record._replace(bare=False))
    assert turn.quarantined == [(record.offset, "RECORD_HEADERS")]
    assert not gate.stamps(turn)


def test_note_says_code_place_and_size_only(gate):
    """A quarantine note holds where the record lies, its code, size and time, and nothing of what stood in it."""
    text = b"HEMLIGT-ORD " * 20
    turn = gate.take(gate.raw(text), gate.raw(good(gate) + b"\0"))
    notes = gate.notes(turn)
    assert [name for name, _ in notes] == [f"{gate.topic}/0/{offset}".encode() for offset, _ in turn.quarantined]
    assert notes[0][1].split() == [b"FORMAT_SCHEMA", b"%d" % len(text), b"%d" % gate.now]
    assert {len(note) for _, note in notes} == {64}
    assert b"HEMLIGT" not in b"".join(note for _, note in notes)


def test_poison_only(gate):
    """A turn of nothing but poison ends, and the position moves past it."""
    turn = gate.take(*(gate.raw(bytes([n]) * n) for n in range(50)))
    assert len(turn.quarantined) == 50
    assert gate.state.position == gate.offset


def test_lane_quota(kit, world):
    """A party that opens too many lanes in an hour is put aside; others and its open lanes go on; an hour heals it."""
    gate = kit.Gate(world, new_per_hour=3)
    lanes = [world.lane("skola") for _ in range(4)]
    turn = gate.take(*(gate.record(world.seal(world.concern()), "skola", lane=lane) for lane in lanes))
    assert [code for _, code in turn.quarantined] == ["LANE_QUOTA"]
    gate.seqs["skola"] = 3
    turn = gate.take(
        gate.record(world.seal(world.concern()), "skola", lane=lanes[0]),
        gate.record(world.seal(world.notice()), "social"),
    )
    assert not turn.quarantined
    gate.now += HOUR
    assert not gate.take(
        gate.record(world.seal(world.concern()), "skola", lane=world.lane("skola", gate.now))
    ).quarantined


def test_cached_lane_ends(gate, world):
    """A lane that the gate has open already ends with its hour all the same."""
    lane = world.lane("skola")
    assert not gate.take(gate.record(world.seal(world.concern()), "skola", lane=lane)).quarantined
    gate.now += HOUR
    turn = gate.take(gate.record(world.seal(world.concern()), "skola", lane=lane))
    assert [code for _, code in turn.quarantined] == ["LANE_EXPIRED"]


def test_key_expires_under_an_open_lane(kit):
    """When a party's key ends, its open lane and its verified batches end with it: neither is asked of a cache."""
    world = kit.World("short", life=600_000)
    gate = kit.Gate(world)
    lane, message = world.lane("skola"), world.seal(world.concern())
    assert gate.stamps(gate.take(gate.record(message, "skola", lane=lane)))[0].outcome == "permit"
    gate.now += 600_000
    turn = gate.take(gate.record(message, "skola", lane=lane))
    assert [code for _, code in turn.quarantined] == ["KEY_EXPIRED"]


def test_batch_cache_after_expiry(kit):
    """A message of a batch that was verified before is refused once the key's time is over."""
    world = kit.World("short", life=600_000)
    gate = kit.Gate(world)
    message = world.seal(world.concern())
    checks = gate.judge._checks
    checks.check(message, Routing.decode(message.routing), "skola", gate.now)
    with pytest.raises(TrustError) as refusal:
        checks.check(message, Routing.decode(message.routing), "skola", gate.now + 600_000)
    assert refusal.value.code == "KEY_EXPIRED"


def test_lifted_opener(gate, world):
    """A record that rides on an honest party's opener does not get that lane's key."""
    honest = UnverifiedRecord.decode(good(gate))
    gate.take(gate.raw(good(gate)))
    forged = frame(RECORD, {"v": 1, "opener": honest.opener_bytes, "nonce": bytes(12), "ct": bytes(6160)})
    turn = gate.take(gate.raw(forged))
    assert [code for _, code in turn.quarantined] == ["RECORD_BROKEN"]


def test_reordered_and_repeated(gate, world):
    """A gap or a repeat changes nothing and is answered with how far the gate has come; then the tail passes."""
    records = [gate.record(world.seal(world.concern()), "skola") for _ in range(3)]
    turn = gate.take(records[2], records[0], records[0])
    assert turn.counts == {"gap": 1, "permit": 1, "duplicate": 1}
    before = gate.remembered()
    turn = gate.take(records[0], records[2])
    assert gate.remembered() == before
    assert not gate.stamps(turn)
    (answer,) = gate.inbox(turn, "skola")
    assert (answer.stamp, answer.message, answer.down.ack) == (None, None, 1)
    assert gate.take(records[1], records[2]).counts == {"permit": 2}


def test_same_seq_in_a_new_lane(gate, world):
    """A message sent again in a new lane is not judged again."""
    message = world.seal(world.concern())
    gate.take(gate.record(message, "skola"))
    turn = gate.take(gate.record(message, "skola", seq=1, lane=world.lane("skola")))
    assert turn.counts == {"duplicate": 1}


def test_same_id_with_a_new_seq(gate, world):
    """A message that comes back under a new seq is refused: an id is judged once."""
    message = world.seal(world.concern())
    gate.say(message)
    (refusal,) = gate.say(message)
    assert (refusal.kind, refusal.code) == ("refusal", "MESSAGE_ID_USED")


def test_denied_id_is_used_too(gate, world):
    """A denied message cannot be tried again under its id when a consent has come."""
    notice = world.seal(world.notice())
    assert gate.say(notice)[0].outcome == "deny"
    assert gate.say(notice)[0].code == "MESSAGE_ID_USED"


def test_replay_after_eviction(gate, world):
    """When a message is forgotten, its own time is over, so a replay is refused as expired."""
    draft = world.concern()
    message = world.seal(draft)
    gate.say(message)
    gate.now = draft.expires + 2 * HOUR
    gate.take()
    assert not gate.messages()
    assert gate.say(message)[0].code == "EXPIRED"


def test_replay_of_another_party(gate, world):
    """A party that copies another's message into its own lane gets nothing through."""
    message = world.seal(world.concern())
    (refusal,) = gate.say(message, party="bup")
    assert refusal.code == "SENDER_PARTY"
    assert gate.say(message)[0].outcome == "permit"
