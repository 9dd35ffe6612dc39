"""Attacks on openers: lifted, in another's name, for another place or time."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from samband.schemas.codec import frame, lp16
from samband.schemas.message import RECORD, Up
from samband.streams.crypto.keys import OpenKey, Purpose, SealKey, SignKey, VerifyKey
from samband.streams.crypto.lane import _OPENER, UnverifiedRecord
from samband.streams.crypto.signature import BatchCache, sign_batch
from tests.attacks.forms import lane_record, opens
from tests.attacks.ground import Ground, done
from tests.attacks.register import attack
from tests.gate.world import Gate, World, key_of

HOUR = 3_600_000

# lifted opener re-signed; opener for another …

LIFTED = "lifted opener re-signed"


@attack("format.lifted-opener", LIFTED, "lane.kem-opener", "lane.key-opener", "lane.seal-opener")
def lifted_opener(ground: Ground) -> bool:
    """What another party has sent does not open through an opener that carries its secret under an own signature."""
    record = lane_record(ground)
    opener, _, kem, _ = record.opener(ground.world.realm)
    thief = ground.sign("bup")
    o = _OPENER.encode({name: getattr(opener, name) for name in opener.__struct_fields__} | {
        "party": "bup", "from_kid": thief.kid,
    })  # fmt: skip
    data = lp16(o) + lp16(kem) + thief.sign("opener", o + kem)
    value = frame(RECORD, {"v": 1, "opener": data, "nonce": record.nonce, "ct": record.ct})
    taken = UnverifiedRecord.decode(value)
    lane = ground.gate.judge._lanes.reading(taken, ground.now)
    return done(lane.open, taken, ground.gate.topic, 0)


@attack("format.opener-in-anothers-name", LIFTED, "opener.signature")
def opener_in_anothers_name(ground: Ground) -> bool:
    """An opener that names another party's key, signed with an own one, moves nothing of that party's."""
    victim = ground.sign("skola")
    made = SignKey(ground.world.realm, Purpose.PARTY_SIGN, b"\x09" * 32)
    made.kid = victim.kid
    return moves_seq(ground, sign=made)


@attack("format.opener-of-another", LIFTED, "opener.party")
def opener_of_another(ground: Ground) -> bool:
    """Nor does one that is signed with its own key and names the other party."""
    return moves_seq(ground, sign=ground.sign("bup"))


def moves_seq(ground: Ground, **lane: Any) -> bool:
    """Say whether a record through such a lane uses up a number of the school's."""
    through = ground.world.lane("skola", **lane)
    ground.gate.take(ground.gate.record(b"x", "skola", seq=1, lane=through))
    return any(name.startswith(b"seq/skola/") for name in ground.gate.state.values)


OPENER = "opener for another gate, realm, agreement, expired, future"


@attack("format.opener-other-gate", OPENER, "opener.signature", "opener.addressee", "opener.keys")
def opener_other_gate(ground: Ground) -> bool:
    """A hostile gate cannot seal the lane that it was given anew, to another gate, in the party's name."""
    world, there = ground.own(), OpenKey(ground.world.realm, Purpose.GATE_HOP, bytes(96))
    world.publish(world.directory, world.key("hub", there))
    record = lane_record(ground, to=SealKey(world.realm, Purpose.GATE_HOP, there.public))
    _, o, _, sig = record.opener(world.realm)
    to = SealKey(world.realm, Purpose.GATE_HOP, world.hop.public)
    data = lp16(o) + lp16(to.seal("opener", o, bytes(32))) + sig
    return done(ground.gate.judge._lanes.reading, UnverifiedRecord(data, b"h" * 32, bytes(12), b""), ground.now)


@attack("format.opener-other-realm", OPENER, "opener.realm", "domain.realm")
def opener_other_realm(ground: Ground) -> bool:
    """What was sent at a test hub does not open at another hub, though both were given the same keys."""
    here, there = twins()
    value = there.lane("skola").seal(Up(1, there.seal(there.concern()).encode()).encode(), 3184, "x", 0)
    record = UnverifiedRecord.decode(value)
    gate = Gate(here)
    del ground
    return done(gate.judge._lanes.reading, record, gate.now)


def twins() -> tuple[World, World]:
    """Return two realms whose parties and gates have the same key bytes."""
    worlds = World("root"), World("twin")
    for world in worlds:
        world.hop = key_of(OpenKey, world.realm, Purpose.GATE_HOP, "same/gate")
        for name, keys in world.parties.items():
            keys.sign = key_of(SignKey, world.realm, Purpose.PARTY_SIGN, f"same/{name}")
        signs = [world.key(name, keys.sign) for name, keys in world.parties.items()]
        world.publish(world.directory, world.key("hub", world.hop), *signs)
    return worlds


@attack("format.message-other-realm", OPENER, "domain.realm")
def message_other_realm(ground: Ground) -> bool:
    """A message that was signed in a test realm does not verify in another, though the key is the same."""
    del ground
    here, there = twins()
    seed = here.parties["skola"].sign
    message = sign_batch(there.parties["skola"].sign, [(b"label", b"content")])[0]
    key = VerifyKey(here.realm, Purpose.PARTY_SIGN, seed.public)
    return done(BatchCache().verify, key, replace(message, kid=key.kid))


@attack("format.opener-other-agreement", OPENER, "opener.agreement")
def opener_other_agreement(ground: Ground) -> bool:
    """A lane for another agreement carries nothing here."""
    lane = ground.world.lane("skola", agreement="vuxna")
    return ground.carried(ground.world.concern(), "skola", lane=lane)


@attack("format.label-other-agreement", OPENER, "gate.agreement")
def label_other_agreement(ground: Ground) -> bool:
    """A message that is labelled for another agreement is not let through."""
    return ground.permitted(ground.forge(ground.world.concern(), agreement="vuxna"), "skola")


@attack("format.opener-expired", OPENER, "opener.time")
def opener_expired(ground: Ground) -> bool:
    """A lane of an hour ago carries nothing."""
    return ground.carried(ground.world.concern(), "skola", lane=ground.world.lane("skola", ground.now - HOUR))


@attack("format.opener-future", OPENER, "opener.time")
def opener_future(ground: Ground) -> bool:
    """A lane of tomorrow carries nothing today."""
    return ground.carried(ground.world.concern(), "skola", lane=ground.world.lane("skola", ground.now + 24 * HOUR))


@attack("format.opener-long-lived", OPENER, "opener.life")
def opener_long_lived(ground: Ground) -> bool:
    """A lane that would live for two hours, however well signed, does not open."""
    world = ground.world
    opener = replace(world.lane("skola").opener, not_after=ground.now + 2 * HOUR)
    to = SealKey(world.realm, Purpose.GATE_HOP, world.hop.public)
    data = world.opener_bytes(opener, ground.sign("skola"), to, bytes(32))
    return opens(ground, UnverifiedRecord(data, b"h" * 32, bytes(12), b""))


@attack("format.opener-suite", "suite below the minimum", "opener.suite")
def opener_suite(ground: Ground) -> bool:
    """A lane of a weaker suite than the one that is known does not open."""
    world = ground.world
    opener = replace(world.lane("skola").opener, suite=0)
    to = SealKey(world.realm, Purpose.GATE_HOP, world.hop.public)
    data = world.opener_bytes(opener, ground.sign("skola"), to, bytes(32))
    return opens(ground, UnverifiedRecord(data, b"h" * 32, bytes(12), b""))
