"""Key files as bytes: what is sealed opens in its own place under its own passphrase, and nothing eats the memory."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.crypto import keybox
from samband.streams.crypto.keybox import COST, Cost, FolderKey, Header, State, StoredKey
from samband.streams.crypto.keys import realm_of

REALM, OTHER = realm_of(b"root"), realm_of(b"other")
QUICK = Cost(2)
KEY = FolderKey(bytes(range(8)), bytes(range(32)))
STORED = StoredKey("unit-content", "unit-a", bytes(range(96)))
NAME = "unit-content-0a.key"
SEALED = STORED.encode(REALM, NAME, KEY)
HEADER = Header.seal(REALM, State.SEALED, b"right", [KEY], cost=QUICK).encode()


def refused(data: bytes, name: str = NAME, *, keys=(KEY,), realm=REALM) -> str:
    """Return the code by which a key file is refused."""
    with pytest.raises(OperatorError) as refusal:
        StoredKey.decode(data, realm, name, keys, "file")
    return refusal.value.code


def refused_header(data: bytes, passphrase: bytes = b"right", realm=REALM) -> str:
    """Return the code by which a header is refused."""
    with pytest.raises(OperatorError) as refusal:
        Header.decode(data, realm, "file").open(passphrase)
    return refusal.value.code


def changed(data: bytes, **fields: object) -> bytes:
    """Return a file with other fields."""
    return json.dumps(json.loads(data) | fields).encode()


def flipped(digits: str) -> str:
    """Return hexadecimal digits with the last bit another."""
    value = bytes.fromhex(digits)
    return (value[:-1] + bytes([value[-1] ^ 1])).hex()


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "sealed"])
def test_a_key_file_comes_back(key):
    """A plain or sealed file gives back what it was made of; sealed, it does not show the key."""
    data = STORED.encode(REALM, NAME, key)
    found = StoredKey.decode(data, REALM, NAME, [KEY], "file")
    assert (found.purpose, found.unit, found.private) == ("unit-content", "unit-a", STORED.private)
    assert (STORED.private.hex().encode() in data) == (key is None)


@pytest.mark.parametrize("field", ["purpose", "unit", "key", "sealed"])
def test_every_field_is_bound(field):
    """A sealed file with any field changed does not open."""
    value = json.loads(SEALED)[field]
    other = flipped(value) if field in ("key", "sealed") else value + "x"
    assert refused(changed(SEALED, **{field: other})) == "KEY_FILE_BROKEN"


def test_a_file_opens_under_its_own_name_only():
    """A file that took another's name does not open, so that two keys cannot be exchanged."""
    assert refused(SEALED, "unit-content-0b.key") == "KEY_FILE_BROKEN"


def test_a_file_of_another_realm_is_refused():
    """Nor with the realm written over."""
    assert refused(SEALED, realm=OTHER) == "KEY_FILE_REALM"
    assert refused(changed(SEALED, realm=OTHER.id.hex()), realm=OTHER) == "KEY_FILE_BROKEN"


def test_fields_do_not_flow_into_each_other():
    """A letter moved from the purpose to the unit does not give the same place."""
    moved = changed(SEALED, purpose="unit-conten", unit="tunit-a")
    assert refused(moved) == "KEY_FILE_BROKEN"


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"\xff", changed(SEALED, samband="key/3"), changed(SEALED, sealed="0"), changed(SEALED, key=1),
     changed(SEALED, unit=None), SEALED + b" " * 4096],
)  # fmt: skip
def test_no_key_file(data):
    """What is no key file of version 1 or 2 is said to be none."""
    assert refused(data) == "KEY_FILE_FORM"


def test_the_same_key_is_never_sealed_to_the_same_bytes():
    """Each sealing has a nonce of its own."""
    assert STORED.encode(REALM, NAME, KEY) != SEALED


def test_the_header_opens_with_its_passphrase_only():
    """The right passphrase gives the keys; another gives an error with a way out."""
    assert Header.decode(HEADER, REALM, "file").open(b"right") == (KEY,)
    with pytest.raises(OperatorError) as refusal:
        Header.decode(HEADER, REALM, "file").open(b"wrong")
    assert (refusal.value.code, bool(refusal.value.hint)) == ("KEY_PASSPHRASE", True)


@pytest.mark.parametrize(
    "fields", [{"state": "converting"}, {"n": 4}, {"r": 9}, {"p": 2}, {"salt": "00" * 16}, {"box": "00" * 60}]
)
def test_every_field_of_the_header_is_bound(fields):
    """Nobody turns a sealed folder into one on its way, which takes plain files, without the passphrase."""
    assert refused_header(changed(HEADER, **fields)) == "KEY_PASSPHRASE"


def test_a_header_of_another_realm_is_refused():
    """Nor with the realm written over."""
    assert refused_header(HEADER, realm=OTHER) == "KEY_FILE_REALM"
    assert refused_header(changed(HEADER, realm=OTHER.id.hex()), realm=OTHER) == "KEY_PASSPHRASE"


@pytest.mark.parametrize(
    "fields",
    [{"n": 1 << 40}, {"n": 1 << 18, "r": 9}, {"n": 1 << 19}, {"r": 1 << 30}, {"p": 5}, {"p": 1 << 40}, {"n": 3},
     {"n": 1}, {"n": 0}, {"n": -2}, {"r": 0}, {"p": 0}],
)  # fmt: skip
def test_a_hostile_header_costs_nothing(fields, monkeypatch):
    """Scrypt's numbers out of bounds are refused before scrypt runs."""
    monkeypatch.setattr(keybox, "_scrypt", lambda *_: pytest.fail("scrypt ran"))
    tracemalloc.start()
    try:
        assert refused_header(changed(HEADER, **fields)) == "KEY_FILE_COST"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "fields", [{"n": "2"}, {"n": 2.0}, {"p": True}, {"state": "open"}, {"samband": "keys/3"}, {"salt": 1}]
)
def test_no_header(fields):
    """What is no header of version 2 is said to be none."""
    assert refused_header(changed(HEADER, **fields)) == "KEY_FILE_FORM"


def test_the_usual_cost_is_borne():
    """The numbers for new folders are OWASP's least for scrypt, and within what is read."""
    assert Cost(1 << 17, 8, 1) == COST
    assert COST.is_bearable
    assert Cost(1 << 18, 8, 4).is_bearable
