"""What every store of keys promises: each test runs once per store."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError, TrustError
from samband.streams.crypto.content import commit, open_content, pad_content, seal_content
from samband.streams.crypto.keybox import Cost
from samband.streams.crypto.keys import Kid, Purpose, SealKey, SignKey, VerifyKey, realm_of
from samband.streams.keychange import encrypt
from samband.streams.keyfile import KeyFolder
from samband.streams.keystore import ClosedKeys, KeyStore

REALM = realm_of(b"root")


def plain(folder: Path) -> KeyStore:
    """Return a folder of plain files."""
    return KeyFolder(folder / "keys", REALM)


def encrypted(folder: Path) -> KeyStore:
    """Return a folder of encrypted files."""
    keys = KeyFolder(folder / "keys", REALM, lambda: b"correct horse battery")
    encrypt(keys, b"correct horse battery", cost=Cost(2))
    return keys


def closed(folder: Path) -> KeyStore:
    """Return keys that are used by call."""
    return ClosedKeys(REALM)


@pytest.fixture(params=[plain, encrypted, closed], ids=lambda make: make.__name__)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> KeyStore:
    """Give an empty store."""
    made: KeyStore = request.param(tmp_path)
    return made


def test_a_signing_key_signs(store: KeyStore) -> None:
    """What the key of a purpose signs, its public half verifies."""
    made = store.make(Purpose.PARTY_SIGN)
    key = store.sign_key(Purpose.PARTY_SIGN)
    assert key.kid == made.kid
    VerifyKey(REALM, Purpose.PARTY_SIGN, key.public).verify("batch", b"root", key.sign("batch", b"root"))


def test_an_opening_key_opens_what_was_sealed_to_it_only(store: KeyStore) -> None:
    """A unit's content opens with the unit's key, through the store, and with no other."""
    store.make(Purpose.UNIT_CONTENT, "unit-a")
    store.make(Purpose.UNIT_CONTENT, "unit-b")
    store.make(Purpose.PARTY_HOP)
    by_unit = dict(store.open_keys(Purpose.UNIT_CONTENT).values())
    assert set(by_unit) == {"unit-a", "unit-b"}
    padded = pad_content(b"said")
    box = seal_content(SealKey(REALM, Purpose.UNIT_CONTENT, by_unit["unit-a"].public), padded, b"label")
    assert open_content(by_unit["unit-a"], box, b"label", commit(REALM, padded)) == b"said"
    with pytest.raises(TrustError) as refusal:
        open_content(by_unit["unit-b"], box, b"label", commit(REALM, padded))
    assert refusal.value.code == "SEAL_BROKEN"


def test_a_secret_is_kept_once(store: KeyStore) -> None:
    """A secret comes back as it was, and a second of the same name changes nothing."""
    value = secrets.token_bytes(32)
    store.make_secret("store", value)
    with pytest.raises(OperatorError) as refusal:
        store.make_secret("store")
    assert refusal.value.code == "KEY_FILE_EXISTS"
    assert store.secret("store") == value


def test_held_names_keys_and_no_secret(store: KeyStore) -> None:
    """The list has every key with purpose and unit, and no secret."""
    made = {
        (store.make(Purpose.GATE_STAMP).kid, "gate-stamp", ""),
        (store.make(Purpose.UNIT_REPORTER, "u").kid, "unit-reporter", "u"),
    }
    store.make_secret("store")
    assert set(store.held()) == made


def test_what_is_not_there_is_said(store: KeyStore) -> None:
    """A key or a secret that is missing is an operator's error with its way out; no opening keys are none."""
    store.make(Purpose.GATE_HOP)
    for asked in (lambda: store.sign_key(Purpose.LOG), lambda: store.secret("store")):
        with pytest.raises(OperatorError) as refusal:
            asked()
        assert (refusal.value.code, bool(refusal.value.hint)) == ("KEY_FILE_MISSING", True)
    assert store.open_keys(Purpose.UNIT_CONTENT) == {}


def test_destroyed_is_gone(store: KeyStore) -> None:
    """A key goes by its kid and a secret by its name, the others stay, and to destroy twice is no error."""
    gone, kept = store.make(Purpose.GATE_HOP), store.make(Purpose.GATE_HOP)
    store.make_secret("reference-1")
    store.make_secret("store")
    for _ in range(2):
        store.destroy(gone.kid)
        store.destroy("reference-1")
        store.destroy(Kid(bytes(32)))
    assert list(store.open_keys(Purpose.GATE_HOP)) == [kept.kid]
    assert store.secret("store")
    with pytest.raises(OperatorError):
        store.secret("reference-1")


def test_a_closed_key_has_no_private_half(tmp_path: Path) -> None:
    """Keys that are used by call offer no way to have them, and one that is destroyed works for nobody any more."""
    store = ClosedKeys(REALM)
    key = store.make(Purpose.PARTY_SIGN)
    assert hasattr(SignKey, "private")
    assert {name for name in dir(key) if not name.startswith("_")} == {
        "destroy", "kid", "open", "public", "purpose", "realm", "sign", "sign_note",
    }  # fmt: skip
    assert not hasattr(key, "__dict__")
    held = store.sign_key(Purpose.PARTY_SIGN)
    store.destroy(key.kid)
    with pytest.raises(OperatorError):
        held.sign("batch", b"")
