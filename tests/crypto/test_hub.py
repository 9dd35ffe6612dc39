"""What the hub writes for itself: sealed, in its place, and its own."""

from __future__ import annotations

import pytest

from samband.schemas.errors import FormatError, SambandError, TrustError
from samband.streams.crypto.hub import HubStore

STORE = HubStore(bytes(32))


def test_opens_again():
    """A hub record opens to its name and data."""
    key, value = STORE.seal("topic", b"name", b"data")
    assert STORE.open("topic", key, value) == (b"name", b"data")


def test_same_name_same_key():
    """A name has one compaction key, which holds nothing of it; another hub's key for it is another."""
    assert STORE.seal("topic", b"child/0123456789abcdef", b"1")[0] == STORE.key(b"child/0123456789abcdef")
    assert b"child" not in STORE.key(b"child/0123456789abcdef")
    assert HubStore(b"\x01" * 32).key(b"name") != STORE.key(b"name")


def test_same_data_nothing_in_common():
    """Two records of the same name and data share no 16 bytes."""
    one, two = (STORE.seal("topic", b"name", b"data" * 50)[1] for _ in range(2))
    assert not {one[i : i + 16] for i in range(len(one) - 15)} & {two[i : i + 16] for i in range(len(two) - 15)}


def test_moved():
    """A record moved to another topic, or under another key, is refused."""
    key, value = STORE.seal("topic", b"name", b"data")
    for topic, place in (("other", key), ("topic", STORE.key(b"other")), ("topic", b"")):
        with pytest.raises(TrustError) as refusal:
            STORE.open(topic, place, value)
        assert refusal.value.code == "HUB_RECORD_BROKEN"


def test_another_hub():
    """A record that another hub sealed is refused."""
    _, value = HubStore(b"\x01" * 32).seal("topic", b"name", b"data")
    with pytest.raises(TrustError) as refusal:
        STORE.open("topic", STORE.key(b"name"), value)
    assert refusal.value.code == "HUB_RECORD_BROKEN"


def test_every_byte_counts():
    """A record with any one byte flipped, cut off or added is refused."""
    key, value = STORE.seal("topic", b"name", b"data")
    broken = [value[:i] + bytes([value[i] ^ 1]) + value[i + 1 :] for i in range(len(value))]
    for each in (*broken, value + b"\0", value[:-1], b""):
        with pytest.raises(SambandError) as refusal:
            STORE.open("topic", key, each)
        assert isinstance(refusal.value, FormatError | TrustError)


def test_size_of_a_key():
    """A store key has 32 bytes."""
    with pytest.raises(ValueError, match="32 bytes"):
        HubStore(bytes(31))
