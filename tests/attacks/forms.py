"""Attacks on the format: altered, moved, lifted, re-signed, written in another way."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from samband.schemas.errors import SambandError
from samband.schemas.message import Down, Message, Up
from samband.schemas.routing import Routing
from samband.schemas.stamp import Stamped
from samband.streams import topics
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.crypto.lane import LaneIn, UnverifiedRecord
from samband.streams.crypto.signature import BatchCache, message_leaf, sign_batch, verify_stamp
from tests.attacks.ground import Ground, done, flips
from tests.attacks.register import attack

HOUR = 3_600_000


def lane_record(ground: Ground, **lane: Any) -> UnverifiedRecord:
    """Return an honest record of the school, in a lane that is perhaps different in something."""
    made = ground.world.lane("skola", **lane)
    return UnverifiedRecord.decode(made.seal(Up(1, b"x").encode(), 0, ground.gate.topic, 0))


def opens(ground: Ground, record: UnverifiedRecord, signer: str = "skola") -> bool:
    """Say whether a lane opens on a record."""
    public = ground.sign(signer).public
    key = VerifyKey(ground.world.realm, Purpose.PARTY_SIGN, public)
    return done(LaneIn, record, ground.world.realm, key, ground.world.hop)


# flip each byte of every signed or bound field

FLIP = "flip each byte of every signed or bound field"


@attack("format.flip-opener", FLIP, "opener.signature")
def flip_opener(ground: Ground) -> bool:
    """No lane opens on an opener in which one bit of any byte is another."""
    record = lane_record(ground)
    altered = (UnverifiedRecord(data, b"h" * 32, record.nonce, record.ct) for data in flips(record.opener_bytes))
    return any(opens(ground, each) for each in altered)


@attack("format.flip-record", FLIP, "lane.tag")
def flip_record(ground: Ground) -> bool:
    """No record opens in which one bit of any byte of nonce or ciphertext is another."""
    record, world = lane_record(ground), ground.world
    key = VerifyKey(world.realm, Purpose.PARTY_SIGN, ground.sign("skola").public)
    lane = LaneIn(record, world.realm, key, world.hop)
    altered = [replace(record, nonce=each) for each in flips(record.nonce)]
    altered += [replace(record, ct=each) for each in flips(record.ct)]
    return any(done(lane.open, each, ground.gate.topic, 0) for each in altered)


@attack("format.flip-message", FLIP, "batch.signature")
def flip_message(ground: Ground) -> bool:
    """No message verifies in which one bit of any byte of label, content, key name, signature or path is another."""
    drafts = [(f"label {n}".encode(), bytes(40)) for n in range(5)]
    message = sign_batch(ground.sign("skola"), drafts)[0]
    key = VerifyKey(ground.world.realm, Purpose.PARTY_SIGN, ground.sign("skola").public)
    BatchCache().verify(key, message)

    def holds(data: bytes) -> bool:
        try:
            BatchCache().verify(key, Message.decode(data))
        except SambandError:
            return False
        return True

    return any(holds(each) for each in flips(message.encode()))


@attack("format.flip-stamp", FLIP, "stamp.signature")
def flip_stamp(ground: Ground) -> bool:
    """No stamp verifies in which one bit of any byte of record, salt, key name, signature or path is another."""
    turn = ground.gate.take(*(ground.gate.record(ground.world.seal(ground.world.concern()), "skola") for _ in range(3)))
    honest = ground.gate.inbox(turn, "social")[0].down.stamped
    key = VerifyKey(ground.world.realm, Purpose.GATE_STAMP, ground.world.stamp.public)
    verify_stamp(key, Stamped.decode(honest))
    return any(done(lambda data: verify_stamp(key, Stamped.decode(data)), each) for each in flips(honest))


@attack("format.flip-label", FLIP, "batch.signature", "party.leaf")
def flip_label(ground: Ground) -> bool:
    """No inbox record is taken whose label has another byte than the one that was stamped and signed."""
    honest = ground.world.seal(ground.world.concern())
    for routing in flips(honest.routing):
        altered = replace(honest, routing=routing)
        if done(lambda message: Routing.decode(message.routing), altered):
            value = ground.stamped(altered, leaf=message_leaf(ground.world.realm, honest.routing, honest.content))
            if done(ground.world.accept("social").open, value):
                return True
    return False


@attack("format.flip-hub", FLIP, "hub.tag")
def flip_hub(ground: Ground) -> bool:
    """No state record opens in which one bit of any byte is another."""
    store, topic = ground.world.store, topics.state("barn")
    key, value = store.seal(topic, b"child/x", bytes(256))
    return any(done(store.open, topic, key, each) for each in flips(value))


# trailing byte, split block

OTHER_FORM = "trailing byte, split block"


@attack("format.trailing-label", OTHER_FORM, "codec.one-form")
def trailing_label(ground: Ground) -> bool:
    """A label with a byte behind its end, signed with it, is not let through."""
    routing = ground.world.seal(ground.world.concern()).routing + b"\0"
    return resigned(ground, routing)


@attack("format.split-block", OTHER_FORM, "codec.one-form")
def split_block(ground: Ground) -> bool:
    """A label whose categories stand in two Avro blocks, signed so, is not let through."""
    routing = ground.world.seal(ground.world.concern()).routing
    told = Routing.decode(routing).categories
    items = [bytes([2 * len(each)]) + each.encode() for each in told]
    whole = bytes([2 * len(items)]) + b"".join(items) + b"\0"
    split = b"\2" + items[0] + bytes([2 * (len(items) - 1)]) + b"".join(items[1:]) + b"\0"
    assert routing.count(whole) == 1
    return resigned(ground, routing.replace(whole, split))


def resigned(ground: Ground, routing: bytes) -> bool:
    """Say whether the gate lets a label through that its sender has signed in another form."""
    message = sign_batch(ground.sign("skola"), [(routing, ground.world.seal(ground.world.concern()).content)])[0]
    return ground.permitted(message, "skola")


@attack("format.trailing-message", OTHER_FORM, "codec.end")
def trailing_message(ground: Ground) -> bool:
    """A message with a byte behind its end is not let through."""
    data = ground.world.seal(ground.world.concern()).encode() + b"\0"
    turn = ground.gate.take(ground.gate.record(data, "skola"))
    return ground.gate.stamps(turn)[0].outcome == "permit"


# moved, re-signed, swapped

MOVED = "record moved to another topic, partition, inbox"


@attack("format.moved-topic", MOVED, "lane.topic")
def moved_topic(ground: Ground) -> bool:
    """A record that was written to another outbox carries nothing here."""
    return ground.carried(ground.world.concern(), "skola", topic="samband.outbox.other.v1")


@attack("format.moved-partition", MOVED, "lane.partition")
def moved_partition(ground: Ground) -> bool:
    """A record that was written to another partition carries nothing here."""
    return ground.carried(ground.world.concern(), "skola", partition=1)


@attack("format.moved-inbox", MOVED, "lane.topic")
def moved_inbox(ground: Ground) -> bool:
    """A record that was written to another's inbox is not taken, though it would open."""
    message = ground.world.seal(ground.world.concern())
    return done(ground.delivered, ground.stamped(message, topic=topics.inbox("bup")), "social")


@attack("format.resigned", "content re-signed by another", "gate.sender-party", "gate.sender-key")
def resigned_by_another(ground: Ground) -> bool:
    """A message that another party has signed as its own is not let through."""
    return ground.permitted(ground.world.seal(ground.world.concern(), sign=ground.sign("bup")), "bup")


@attack("format.resigned-to-recipient", "content re-signed by another", "party.sender-party")
def resigned_to_recipient(ground: Ground) -> bool:
    """Even where the gate lets it through, the recipient takes no message that another party has signed."""
    message = ground.world.seal(ground.world.concern(), sign=ground.sign("bup"))
    return done(ground.delivered, ground.stamped(message), "social")


RECIPIENT = "recipient or its key swapped"


@attack("format.recipient-key", RECIPIENT, "party.recipient-key")
def recipient_key(ground: Ground) -> bool:
    """What a gate lets through for one unit and is sealed to another, of the same party, is not handed over."""
    message = ground.forge(ground.world.draft("dialogue.message", "IFO", "SKOLA"), to="EMI")
    return done(ground.delivered, ground.stamped(message, "skola"), "skola")


@attack("format.recipient-key-at-gate", RECIPIENT, "gate.recipient-key")
def recipient_key_at_gate(ground: Ground) -> bool:
    """What is judged for one unit and sealed to another party's is not let through."""
    return ground.permitted(ground.forge(ground.world.concern(), to="BUP"), "skola")


@attack("format.recipient", RECIPIENT, "party.recipient")
def recipient(ground: Ground) -> bool:
    """What is for another party's unit is not believed, though the gate has put it into the inbox."""
    message = ground.world.seal(ground.world.draft("placement.notice", "IFO", "SKOLA"))
    return done(ground.world.accept("social").open, ground.stamped(message, recipient="SKOLA"))


HOSTILE = "routing altered under the same epoch key by a hostile gate"


@attack("format.hostile-gate", HOSTILE, "batch.signature", "content.label")
def hostile_gate(ground: Ground) -> bool:
    """A gate that alters a label, stamps it and sends it down its own lane hands nothing over."""
    honest = ground.world.seal(ground.world.concern())
    routing = replace(Routing.decode(honest.routing), conversation=b"another one here").encode()
    return done(ground.delivered, ground.stamped(replace(honest, routing=routing)), "social")


@attack("format.hostile-gate-deny", HOSTILE, "party.permit")
def hostile_gate_deny(ground: Ground) -> bool:
    """A message that was denied is not handed over, though the gate sends it on."""
    return done(ground.delivered, ground.stamped(ground.world.seal(ground.world.concern()), outcome="deny"), "social")


@attack("format.no-stamp", HOSTILE, "party.stamp")
def no_stamp(ground: Ground) -> bool:
    """A message without a stamp is not believed."""
    down = Down(0, 1, b"", ground.world.seal(ground.world.concern()).encode())
    return done(ground.world.accept("social").open, ground.down(down))
