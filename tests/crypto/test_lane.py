"""Lanes: a record holds only where it was written, from whom, to whom and when."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from samband.schemas.codec import frame, lp16
from samband.schemas.errors import FormatError, SambandError, TrustError
from samband.schemas.message import RECORD, content_class
from samband.streams.crypto import lane as module
from samband.streams.crypto.keys import OpenKey, Purpose, SealKey, SignKey, VerifyKey, realm_of
from samband.streams.crypto.lane import LANE_MS, LaneIn, LaneOut, UnverifiedRecord

NOW = 1_800_000_000_000
REALM = realm_of(b"root")
SIGN = SignKey(REALM, Purpose.PARTY_SIGN, bytes(32))
VERIFY = VerifyKey(REALM, Purpose.PARTY_SIGN, SIGN.public)
OWN = OpenKey(REALM, Purpose.GATE_HOP, bytes(range(96)))
TO = SealKey(REALM, Purpose.GATE_HOP, OWN.public)
LANE = LaneOut(SIGN, TO, party="skola", instance=bytes(16), agreement="barn", now=NOW)
VALUE = LANE.seal(b"the hop", 0, "topic", 1)
RECORD_OF = UnverifiedRecord.decode(VALUE)


def read(
    value: bytes, topic: str = "topic", partition: int = 1, signer: VerifyKey = VERIFY, own: OpenKey = OWN
) -> bytes:
    """Return the hop in a Kafka value, as a reader without any cache reads it."""
    record = UnverifiedRecord.decode(value)
    return LaneIn(record, signer.realm, signer, own).open(record, topic, partition)


def framed(opener: bytes = RECORD_OF.opener_bytes, nonce: bytes = RECORD_OF.nonce, ct: bytes = RECORD_OF.ct) -> bytes:
    """Return a Kafka value of these parts."""
    return frame(RECORD, {"v": 1, "opener": opener, "nonce": nonce, "ct": ct})


def test_opens():
    """What goes into a lane comes out of it."""
    assert read(VALUE) == b"the hop"
    assert framed() == VALUE


def test_length_tells_the_class_only():
    """Every hop of a content class has one length, the empty one too."""
    lengths = {len(LANE.seal(bytes(size), 0, "topic", 1)) for size in (0, 1, 500, 2048)}
    assert lengths == {len(VALUE)}
    assert len(RECORD_OF.ct) == content_class(0) + 4096 + 16


def test_hop_too_long():
    """A hop that does not fit its class's length is refused, not written longer."""
    with pytest.raises(FormatError) as refusal:
        LANE.seal(bytes(6144 - 3), 0, "topic", 1)
    assert refusal.value.code == "HOP_TOO_LONG"


@pytest.mark.parametrize(("topic", "partition"), [("other", 1), ("topic", 0), ("topi", 1), ("", 1)])
def test_moved(topic, partition):
    """A record moved to another topic or partition is refused."""
    with pytest.raises(TrustError) as refusal:
        read(VALUE, topic, partition)
    assert refusal.value.code == "RECORD_BROKEN"


def test_moved_to_another_lane():
    """A ciphertext put behind another opener of the same party is refused."""
    other = UnverifiedRecord.decode(
        LaneOut(SIGN, TO, party="skola", instance=bytes(16), agreement="barn", now=NOW).seal(b"", 0, "topic", 1)
    )
    with pytest.raises(TrustError) as refusal:
        read(framed(opener=other.opener_bytes))
    assert refusal.value.code == "RECORD_BROKEN"


def test_every_byte_of_the_opener_counts():
    """An opener with any one byte flipped, cut off or added is refused."""
    opener = RECORD_OF.opener_bytes
    broken = [opener[:i] + bytes([opener[i] ^ 1]) + opener[i + 1 :] for i in range(len(opener))]
    for each in (*broken, opener + b"\0", opener[:-1], b""):
        with pytest.raises(SambandError):
            read(framed(opener=each))


def test_every_byte_of_the_ciphertext_counts():
    """A record with any one byte of nonce or ciphertext flipped is refused, with the lane already open too."""
    lane = LaneIn(RECORD_OF, REALM, VERIFY, OWN)
    for name in ("nonce", "ct"):
        part = getattr(RECORD_OF, name)
        for i in range(len(part)):
            broken = part[:i] + bytes([part[i] ^ 0x80]) + part[i + 1 :]
            with pytest.raises(TrustError) as refusal:
                lane.open(replace(RECORD_OF, **{name: broken}), "topic", 1)
            assert refusal.value.code == "RECORD_BROKEN"


@pytest.mark.parametrize(
    "value", [VALUE + b"\0", VALUE[:-1], VALUE[:5], b"\x01" + VALUE[1:], VALUE[:4] + b"\x02" + VALUE[5:]]
)
def test_frame(value):
    """A trailing or missing byte, another magic and another schema id are refused before anything is opened."""
    with pytest.raises(FormatError):
        UnverifiedRecord.decode(value)


def test_version():
    """A record of another version is refused by name."""
    with pytest.raises(FormatError) as refusal:
        UnverifiedRecord.decode(frame(RECORD, {"v": 2, "opener": b"", "nonce": bytes(12), "ct": b""}))
    assert refusal.value.code == "FORMAT_VERSION"


def test_lifted_and_signed_again():
    """An opener that another party lifts and signs as its own opens nothing: the secret is bound to the words."""
    thief = SignKey(REALM, Purpose.PARTY_SIGN, b"\x07" * 32)
    reader = VerifyKey(REALM, Purpose.PARTY_SIGN, thief.public)
    _, o, kem, _ = RECORD_OF.opener(REALM)
    same_words = lp16(o) + lp16(kem) + thief.sign("opener", o + kem)
    with pytest.raises(TrustError) as refusal:
        read(framed(opener=same_words), signer=reader)
    assert refusal.value.code == "OPENER_KEY"
    own_words = o.replace(SIGN.kid, thief.kid)
    with pytest.raises(TrustError) as refusal:
        read(framed(opener=lp16(own_words) + lp16(kem) + thief.sign("opener", own_words + kem)), signer=reader)
    assert refusal.value.code == "SEAL_BROKEN"


def test_signed_by_another():
    """An opener that names a key which did not sign it is refused."""
    _, o, kem, _ = RECORD_OF.opener(REALM)
    forged = SignKey(REALM, Purpose.PARTY_SIGN, b"\x07" * 32).sign("opener", o + kem)
    with pytest.raises(TrustError) as refusal:
        read(framed(opener=lp16(o) + lp16(kem) + forged))
    assert refusal.value.code == "SIGNATURE_BROKEN"


def test_for_another_gate():
    """An opener sealed to another key is refused."""
    with pytest.raises(TrustError) as refusal:
        read(VALUE, own=OpenKey(REALM, Purpose.GATE_HOP, bytes(96)))
    assert refusal.value.code == "OPENER_KEY"


def test_another_realm():
    """A test hub's record is refused in production by name, and does not open there even with the same first bytes."""
    there = realm_of(b"production")
    with pytest.raises(TrustError) as refusal:
        read(
            VALUE,
            signer=VerifyKey(there, Purpose.PARTY_SIGN, SIGN.public),
            own=OpenKey(there, Purpose.GATE_HOP, OWN.private()),
        )
    assert refusal.value.code == "REALM"
    near = type(REALM)(REALM.id[:4] + bytes(12))
    with pytest.raises(TrustError) as refusal:
        read(
            VALUE,
            signer=VerifyKey(near, Purpose.PARTY_SIGN, SIGN.public),
            own=OpenKey(near, Purpose.GATE_HOP, OWN.private()),
        )
    assert refusal.value.code == "OPENER_KEY"


@pytest.mark.parametrize("life", [LANE_MS + 1, 0, -1])
def test_life(world, life):
    """An opener that would live longer than an hour, or not at all, is refused though it is well signed."""
    opener = replace(LANE.opener, not_after=NOW + life)
    data = world.opener_bytes(opener, SIGN, TO, bytes(32))
    with pytest.raises(TrustError) as refusal:
        read(framed(opener=data))
    assert refusal.value.code == "OPENER_LIFE"


@pytest.mark.parametrize("change", [{"v": 2}, {"suite": 0}, {"suite": 2}])
def test_suite_and_version(world, change):
    """Only suite 1 of version 1 is read: no weaker suite can be offered."""
    with pytest.raises(FormatError) as refusal:
        read(framed(opener=world.opener_bytes(replace(LANE.opener, **change), SIGN, TO, bytes(32))))
    assert refusal.value.code == "FORMAT_SUITE"


def test_lane_ends():
    """A lane is not written in its last five minutes, and no longer than asked for."""
    assert LANE.fresh(NOW + LANE_MS - 300_001)
    assert not LANE.fresh(NOW + LANE_MS - 300_000)
    assert LANE.opener.not_after == NOW + LANE_MS


def test_lane_is_not_written_for_ever():
    """After 2^20 records a lane asks for a new key."""
    lane = LaneOut(SIGN, TO, party="skola", instance=bytes(16), agreement="barn", now=NOW)
    lane._left = 1
    assert lane.fresh(NOW)
    lane.seal(b"", 0, "topic", 1)
    assert not lane.fresh(NOW)


def test_padding_is_zero():
    """A hop whose padding holds anything is refused: nothing travels beside the message."""
    lane = LaneIn(RECORD_OF, REALM, VERIFY, OWN)
    aad = module._aad(REALM, RECORD_OF.opener_hash, "topic", 1)
    ct = lane._aead.encrypt(bytes(12), b"\0\0\0\x01x" + bytes(6138) + b"!", aad)
    with pytest.raises(FormatError) as refusal:
        lane.open(replace(RECORD_OF, nonce=bytes(12), ct=ct), "topic", 1)
    assert refusal.value.code == "FORMAT_PADDING"
