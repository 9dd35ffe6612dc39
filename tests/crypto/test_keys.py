"""Keys: one purpose, one realm, one name each."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from samband.schemas.errors import FormatError, TrustError
from samband.schemas.message import SEAL_OVERHEAD
from samband.schemas.routing import Routing
from samband.streams.crypto.keys import OpenKey, Purpose, Realm, SealKey, SignKey, VerifyKey, kid_of, realm_of
from samband.streams.crypto.reference import child_ref, partition_of
from samband.streams.crypto.signature import BatchCache, sign_batch, stamp_all, verify_stamp

HERE, THERE = realm_of(b"root metadata"), realm_of(b"other root metadata")
SEED = bytes(range(32))
SIGN = SignKey(HERE, Purpose.PARTY_SIGN, SEED)
OPEN = OpenKey(HERE, Purpose.UNIT_CONTENT, bytes(range(96)))


def same_key(realm: Realm = HERE, purpose: Purpose = Purpose.PARTY_SIGN) -> VerifyKey:
    """Return the public half of `SIGN` as another realm or purpose sees it."""
    return VerifyKey(realm, purpose, SIGN.public)


def test_realm_and_domain():
    """Realm and domain string are the ones that the format page spells out."""
    assert HERE.id == hashlib.sha256(b"samband/1/realm\0root metadata").digest()[:16]
    assert HERE.domain("batch") == b"samband/1/batch\0" + HERE.id


def test_kid_known_answer():
    """A kid is the format page's hash, worked out here by hand."""
    by_hand = b"samband/1/kid\0" + HERE.id + b"party-sign\0\x01" + SIGN.public
    assert SIGN.kid == hashlib.sha256(by_hand).digest() == same_key().kid


def test_kid_binds_purpose_realm_and_key():
    """The same public key has another name for each purpose and in each realm, and each key its own."""
    names = {kid_of(realm, purpose, SIGN.public) for realm in (HERE, THERE) for purpose in Purpose}
    names |= {kid_of(HERE, purpose, bytes(32)) for purpose in Purpose}
    assert len(names) == 3 * len(Purpose)


def test_rfc_8032_key():
    """A private key has the public key that RFC 8032 § 7.1 gives it (test 1)."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = SignKey(HERE, Purpose.LOG, seed)
    assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.private() == seed


def test_signature_verifies():
    """What was signed with a label verifies with that label."""
    same_key().verify("batch", b"m", SIGN.sign("batch", b"m"))


@pytest.mark.parametrize(
    ("label", "message", "realm"),
    [
        ("stamp", b"m", HERE),
        ("opener", b"m", HERE),
        ("batch", b"n", HERE),
        ("batch", b"m", THERE),
        ("batc", b"hm", HERE),
    ],
)
def test_signature_of_another_use(label, message, realm):
    """A signature does not verify under another label, over another message, or in another realm."""
    signature = SIGN.sign("batch", b"m")
    with pytest.raises(TrustError) as refusal:
        same_key(realm).verify(label, message, signature)
    assert refusal.value.code == "SIGNATURE_BROKEN"


@pytest.mark.parametrize("label", ["opener", "card", "stamp", "batch"])
def test_labels_do_not_run_into_messages(label):
    """No label is the beginning of another's domain string, so a message cannot bridge two uses."""
    domains = sorted(
        HERE.domain(each) for each in ("opener", "card", "stamp", "stamped", "batch", "message", "plain", label)
    )
    assert all(one == other or not other.startswith(one) for one, other in pairwise(domains))


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.PARTY_SIGN])
def test_message_needs_a_party_signing_key(purpose):
    """A message verifies with a party's signing key only, though the same bytes were a key for something else."""
    message = sign_batch(SIGN, [(b"routing", b"content")])[0]
    BatchCache().verify(same_key(), message)
    with pytest.raises(TrustError) as refusal:
        BatchCache().verify(same_key(purpose=purpose), message)
    assert refusal.value.code == "KEY_PURPOSE"
    for_real = SignKey(HERE, purpose, SEED)
    with pytest.raises(TrustError) as refusal:
        BatchCache().verify(same_key(purpose=purpose), sign_batch(for_real, [(b"routing", b"content")])[0])
    assert refusal.value.code == "KEY_PURPOSE"


def test_stamp_needs_a_gate_stamping_key():
    """A stamp verifies with a gate's stamping key only."""
    gate = SignKey(HERE, Purpose.GATE_STAMP, SEED)
    stamped = stamp_all(gate, [(bytes(32), b"record")])[0][1]
    verify_stamp(VerifyKey(HERE, Purpose.GATE_STAMP, gate.public), stamped)
    for wrong in (stamped, stamp_all(SIGN, [(bytes(32), b"record")])[0][1]):
        with pytest.raises(TrustError) as refusal:
            verify_stamp(same_key(), wrong)
        assert refusal.value.code == "KEY_PURPOSE"


def test_seal_opens():
    """What is sealed with a label and context opens with them, and is longer by what the format page says."""
    sealed = SealKey(HERE, Purpose.UNIT_CONTENT, OPEN.public).seal("content", b"context", b"plain")
    assert OPEN.open("content", b"context", sealed) == b"plain"
    assert len(sealed) == len(b"plain") + SEAL_OVERHEAD


@pytest.mark.parametrize(
    ("label", "context", "realm"),
    [("opener", b"context", HERE), ("content", b"other", HERE), ("content", b"context", THERE)],
)
def test_seal_of_another_use(label, context, realm):
    """A seal does not open under another label, context or realm, though the key is the same."""
    sealed = SealKey(HERE, Purpose.UNIT_CONTENT, OPEN.public).seal("content", b"context", b"plain")
    with pytest.raises(TrustError) as refusal:
        OpenKey(realm, Purpose.UNIT_CONTENT, OPEN.private()).open(label, context, sealed)
    assert refusal.value.code == "SEAL_BROKEN"


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(1119), bytes(1120), bytes(1136), bytes(3000), b"\xff" * 1200])
def test_garbage_does_not_open(sealed):
    """Bytes that nobody sealed are refused with a code, whatever their length."""
    with pytest.raises(TrustError) as refusal:
        OPEN.open("content", b"", sealed)
    assert refusal.value.code == "SEAL_BROKEN"


def test_sealing_twice_shows_nothing():
    """The same text sealed twice has no 16 bytes in common."""
    key = SealKey(HERE, Purpose.UNIT_CONTENT, OPEN.public)
    one, two = (key.seal("content", b"", b"the same text in both") for _ in range(2))
    assert not {one[i : i + 16] for i in range(len(one) - 15)} & {two[i : i + 16] for i in range(len(two) - 15)}


@pytest.mark.parametrize("make", [
    lambda: VerifyKey(HERE, Purpose.PARTY_SIGN, b"short"),
    lambda: SignKey(HERE, Purpose.PARTY_SIGN, b"short"),
    lambda: SealKey(HERE, Purpose.PARTY_HOP, b"short"),
    lambda: SealKey(HERE, Purpose.PARTY_HOP, bytes(1183) + bytes(32)),
    lambda: OpenKey(HERE, Purpose.PARTY_HOP, b"short"),
    lambda: OpenKey(HERE, Purpose.PARTY_HOP, bytes(97)),
])  # fmt: skip
def test_key_of_another_size(make):
    """Bytes of another length are no key."""
    with pytest.raises(FormatError) as refusal:
        make()
    assert refusal.value.code == "KEY_FORMAT"


def test_reference_known_answer():
    """A child's reference is HMAC-SHA-256 as the format page says; the bytes never change."""
    ref = child_ref(bytes(32), Realm(bytes(16)), "barn", 1, "201503179806")
    assert ref.hex() == "5c39ed81e995045da3ede55f005e7280"
    assert partition_of(bytes.fromhex("0000000000000005ffffffffffffffff"), 4) == 1


@pytest.mark.parametrize("changed", [
    {"key": b"\x01" * 32}, {"realm": Realm(b"\x01" * 16)}, {"agreement": "barn2"}, {"e": 2},
    {"identifier": "201503179807"},
])  # fmt: skip
def test_reference_binds_everything(changed):
    """Another key, realm, agreement, epoch or child gives another reference."""
    given = {"key": bytes(32), "realm": Realm(bytes(16)), "agreement": "barn", "e": 1, "identifier": "201503179806"}
    assert child_ref(**given) != child_ref(**{**given, **changed})


def test_errors_name_no_child(world):
    """No error of a decoder repeats what it was given."""
    data = world.seal(world.concern()).routing + b"X" + world.child.identifier.encode()
    with pytest.raises(FormatError) as refusal:
        Routing.decode(data)
    assert world.child.identifier not in f"{refusal.value!r} {refusal.value}"


@pytest.mark.parametrize(
    "public",
    [
        "01" + "00" * 31, "01" + "00" * 30 + "80", "00" * 32, "00" * 31 + "80", "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "ff", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ],
)  # fmt: skip
def test_a_signing_key_of_low_order_is_refused(public: str) -> None:
    """A key under which one signature fits many messages is no key: its holder could disown what it said."""
    with pytest.raises(FormatError) as refusal:
        VerifyKey(realm_of(b"low"), Purpose.PARTY_SIGN, bytes.fromhex(public))
    assert refusal.value.code == "KEY_FORMAT"
