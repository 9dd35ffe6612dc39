"""What is written by hand is Avro: the same bytes, and the same bytes taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.codec import Codec, FlatCodec, fixed
from samband.schemas.errors import FormatError
from samband.schemas.flat import writer

FIELDS: dict[str, Any] = {
    "v": "int",
    "id": fixed(4),
    "flag": "boolean",
    "name": "string",
    "maybe": ["null", fixed(4)],
    "body": ["null", "bytes"],
    "list": {"type": "array", "items": "string"},
    "ids": {"type": "array", "items": fixed(4)},
    "at": "long",
}
LIMITS = {"name": 5, "body": 9, "list": 3}
FLAT, AVRO = FlatCodec("record", FIELDS, LIMITS), Codec("record", FIELDS, LIMITS)
ID = st.binary(min_size=4, max_size=4)
VALUES = st.fixed_dictionaries({
    "v": st.integers(-(2**31), 2**31 - 1), "id": ID, "flag": st.booleans(), "name": st.text(max_size=7),
    "maybe": st.none() | ID, "body": st.none() | st.binary(max_size=11), "list": st.lists(st.text(), max_size=4),
    "ids": st.lists(ID, max_size=70), "at": st.integers(-(2**63), 2**63 - 1),
})  # fmt: skip


def outcome(act: Any, given_: Any) -> Any:
    """Return what an action gives, or the code that it fails with."""
    try:
        return act(given_)
    except FormatError as error:
        return error.code


@given(VALUES)
def test_same_bytes(value):
    """Every type is written as Avro writes it, within the same limits, and comes back."""
    data = outcome(AVRO.encode, value)
    assert outcome(FLAT.encode, value) == data
    if isinstance(data, bytes):
        assert FLAT.decode(data) == AVRO.decode(data) == value


@given(VALUES, st.data())
def test_same_refusals(value, data):
    """Bytes that were altered anywhere are taken or refused alike; where two things are wrong, either is named."""
    short = {**value, "name": "å", "body": b"abc", "list": value["list"][:2], "ids": value["ids"][:2]}
    good = FLAT.encode(short)
    at = data.draw(st.integers(0, len(good)))
    bad = good[:at] + data.draw(st.binary(max_size=3)) + good[at + data.draw(st.integers(0, 3)) :]
    taken, told = outcome(FLAT.decode, bad), outcome(AVRO.decode, bad)
    assert taken == told or {taken, told} == {"FORMAT_RECORD", "FORMAT_NOT_CANONICAL"}


@pytest.mark.parametrize("change", [
    {"v": "1"}, {"id": b"123"}, {"name": None}, {"name": b"a"}, {"maybe": b"12345"}, {"body": "text"}, {"ids": [b"1"]},
    {"list": [1]}, {"at": 1 << 63}, {"v": None},
])  # fmt: skip
def test_wrong_types(change):
    """A value of another type or size is not written."""
    good = {
        "v": 1,
        "id": b"1234",
        "flag": True,
        "name": "a",
        "maybe": None,
        "body": None,
        "list": [],
        "ids": [],
        "at": 0,
    }
    assert outcome(FLAT.encode, good) == AVRO.encode(good)
    assert outcome(FLAT.encode, {**good, **change}) == "FORMAT_FIELD"


def test_types_in_use_only():
    """A type that no hot record has is refused when the codec is made."""
    with pytest.raises(TypeError):
        writer("double")
