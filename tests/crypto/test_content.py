"""Sealed content: one length per class, bound to its label, and nothing but zeros behind it."""

from __future__ import annotations

import hashlib

import pytest

from samband.schemas.catalogue import CATALOGUE, encode_content, max_plain
from samband.schemas.errors import FormatError, TrustError
from samband.schemas.message import CONTENT_CLASSES, SEAL_OVERHEAD, content_class
from samband.streams.crypto.content import commit, open_content, pad_content, seal_content
from samband.streams.crypto.keys import OpenKey, Purpose, SealKey, realm_of
from tests.contents import content as made

REALM = realm_of(b"root")
OWN = OpenKey(REALM, Purpose.UNIT_CONTENT, bytes(range(96)))
TO = SealKey(REALM, Purpose.UNIT_CONTENT, OWN.public)
ROUTING = b"the label"


def sealed(plain: bytes, routing: bytes = ROUTING) -> tuple[bytes, bytes]:
    """Return (content, plain_commit)."""
    return seal_content(TO, plain, routing), commit(REALM, plain)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("type_name", sorted(CATALOGUE))
def test_every_type_has_its_classs_one_length(type_name, full):
    """Each type's smallest and largest content is sealed to exactly one of five lengths, and opens again."""
    content = encode_content(type_name, made(type_name, full=full))
    assert len(content) <= max_plain(type_name)
    plain = pad_content(content)
    assert len(plain) == content_class(len(content) + 36)
    box, promise = sealed(plain)
    assert len(box) - SEAL_OVERHEAD in CONTENT_CLASSES
    assert open_content(OWN, box, ROUTING, promise) == content


@pytest.mark.parametrize("limit", CONTENT_CLASSES)
def test_class_borders(limit):
    """A content that just fits has its class's length; one byte more has the next one's, or is refused."""
    assert len(pad_content(bytes(limit - 36))) == limit
    if limit == CONTENT_CLASSES[-1]:
        with pytest.raises(FormatError) as refusal:
            pad_content(bytes(limit - 35))
        assert refusal.value.code == "CONTENT_TOO_LARGE"
    else:
        assert len(pad_content(bytes(limit - 35))) == CONTENT_CLASSES[CONTENT_CLASSES.index(limit) + 1]


def test_commitment_known_answer():
    """The commitment is the format page's hash, worked out here by hand; equal contents have different ones."""
    plain = pad_content(b"x")
    assert commit(REALM, plain) == hashlib.sha256(b"samband/1/plain\0" + REALM.id + plain).digest()
    assert commit(REALM, plain) != commit(REALM, pad_content(b"x"))


def test_content_moved_to_another_label():
    """A content does not open under another label."""
    box, promise = sealed(pad_content(b"x"))
    with pytest.raises(TrustError) as refusal:
        open_content(OWN, box, ROUTING + b"!", promise)
    assert refusal.value.code == "SEAL_BROKEN"


def test_content_for_another_unit():
    """A content does not open with another unit's key."""
    box, promise = sealed(pad_content(b"x"))
    with pytest.raises(TrustError) as refusal:
        open_content(OpenKey.generate(REALM, Purpose.UNIT_CONTENT), box, ROUTING, promise)
    assert refusal.value.code == "SEAL_BROKEN"


@pytest.mark.parametrize("at", [0, 31, 1119, 1120, 2000, -1])
def test_content_altered(at):
    """A content with a flipped bit anywhere does not open."""
    box, promise = sealed(pad_content(b"x"))
    broken = bytearray(box)
    broken[at] ^= 1
    with pytest.raises(TrustError) as refusal:
        open_content(OWN, bytes(broken), ROUTING, promise)
    assert refusal.value.code == "SEAL_BROKEN"


def test_other_content_than_committed():
    """A content that opens but is not what the label committed to is refused."""
    box, _ = sealed(pad_content(b"x"))
    with pytest.raises(TrustError) as refusal:
        open_content(OWN, box, ROUTING, commit(REALM, pad_content(b"y")))
    assert refusal.value.code == "COMMIT_BROKEN"


@pytest.mark.parametrize("plain", [
    pad_content(b"x")[:-1] + b"\x01",
    pad_content(b"x")[:37] + b"\x01" + pad_content(b"x")[38:],
    pad_content(b"x")[:-1],
    pad_content(b"x") + b"\0",
    pad_content(b"x") + bytes(6144),
])  # fmt: skip
def test_padding_is_its_classs_zeros(plain):
    """A content whose padding holds anything, or is not its class's length, is refused though sealed and committed."""
    box, promise = sealed(plain)
    with pytest.raises(FormatError) as refusal:
        open_content(OWN, box, ROUTING, promise)
    assert refusal.value.code == "FORMAT_PADDING"


@pytest.mark.parametrize("plain", [b"", bytes(31), bytes(32) + b"\xff" * 4, bytes(32) + b"\0\0\x10\0" + bytes(2012)])
def test_length_outside(plain):
    """A content whose length points outside itself is refused."""
    box, promise = sealed(plain)
    with pytest.raises(FormatError) as refusal:
        open_content(OWN, box, ROUTING, promise)
    assert refusal.value.code == "FORMAT_SHORT"


@pytest.mark.parametrize("purpose", [Purpose.PARTY_HOP, Purpose.GATE_HOP])
def test_content_is_sealed_to_units_only(purpose):
    """Content cannot be sealed to a hop key: neither a whole party nor the gate ever reads it."""
    with pytest.raises(ValueError, match="a unit's key only"):
        seal_content(SealKey(REALM, purpose, OWN.public), pad_content(b"x"), ROUTING)
