"""A folder of key files: rights, places, one scrypt, and nothing left of what is destroyed."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.crypto import keybox
from samband.streams.crypto.keybox import Cost
from samband.streams.crypto.keys import Kid, Purpose, realm_of
from samband.streams.keychange import encrypt
from samband.streams.keyfile import KeyFolder

REALM = realm_of(b"root")
WORDS = b"correct horse battery"


def never() -> bytes:
    """Be no passphrase, and not asked for one."""
    pytest.fail("the passphrase was asked for")


@pytest.fixture(params=["plain", "encrypted"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> KeyFolder:
    """Give a folder, plain or encrypted."""
    folder = KeyFolder(tmp_path / "keys", REALM, never if request.param == "plain" else lambda: WORDS)
    if request.param == "encrypted":
        encrypt(folder, WORDS, cost=Cost(2))
    return folder


def refused(keys: KeyFolder) -> str:
    """Return the code by which the folder is refused."""
    with pytest.raises(OperatorError) as refusal:
        keys.open_keys(Purpose.UNIT_CONTENT)
    return refusal.value.code


def test_files_are_their_owners_only(keys: KeyFolder) -> None:
    """Every file has the rights 0600, and one that others may read is refused."""
    keys.make(Purpose.PARTY_SIGN)
    keys.make_secret("store")
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in keys.folder.iterdir()} == {0o600}
    (keys.folder / "secret-store.key").chmod(0o640)
    assert refused(keys) == "KEY_FILE_RIGHTS"


def test_files_cannot_be_exchanged(tmp_path: Path) -> None:
    """In an encrypted folder no file passes for another, nor one of another folder with the same passphrase."""
    keys, other = (KeyFolder(tmp_path / name, REALM, lambda: WORDS) for name in ("a", "b"))
    for each in (keys, other):
        encrypt(each, WORDS, cost=Cost(2))
        each.make_secret("reference-1")
        each.make_secret("store")
    whole = (keys.folder / "secret-store.key").read_bytes()
    for source in (keys.folder / "secret-reference-1.key", other.folder / "secret-store.key"):
        shutil.copyfile(source, keys.folder / "secret-store.key")
        assert refused(keys) == "KEY_FILE_BROKEN"
    (keys.folder / "secret-store.key").write_bytes(whole)
    assert keys.secret("store") != other.secret("store")


def test_many_files_cost_one_derivation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred encrypted files are read with one scrypt, and read again with none."""
    keys = KeyFolder(tmp_path / "keys", REALM, lambda: WORDS)
    for number in range(100):
        keys.make_secret(f"audit-{number:06}")
    encrypt(keys, WORDS, cost=Cost(2))
    keybox._scrypt.cache_clear()
    ran, scrypt = [], keybox.Scrypt
    monkeypatch.setattr(keybox, "Scrypt", lambda **given: ran.append(given) or scrypt(**given))
    again = KeyFolder(tmp_path / "keys", REALM, lambda: WORDS)
    assert all(again.secret(f"audit-{number:06}") for number in (0, 50, 99))
    assert len(ran) == 1


def test_no_passphrase_is_asked_for_a_plain_folder(tmp_path: Path) -> None:
    """An installation without encrypted keys never hears of a passphrase."""
    keys = KeyFolder(tmp_path / "keys", REALM, never)
    keys.unlock()
    made = keys.make(Purpose.PARTY_SIGN)
    keys.destroy(made.kid)
    assert (keys.held(), keys.is_encrypted) == ([], False)


def test_sealed_files_without_their_header(tmp_path: Path) -> None:
    """A folder that was restored without `folder.json` says so, and gives no key."""
    keys = KeyFolder(tmp_path / "keys", REALM, lambda: WORDS)
    encrypt(keys, WORDS, cost=Cost(2))
    keys.make_secret("store")
    (keys.folder / "folder.json").unlink()
    with pytest.raises(OperatorError) as refusal:
        keys.secret("store")
    assert (refusal.value.code, "folder.json" in refusal.value.hint) == ("KEY_FILE_BROKEN", True)


@pytest.mark.parametrize("what", ["key", "secret"])
def test_nothing_is_left_of_what_is_destroyed(keys: KeyFolder, what: str) -> None:
    """The bytes of a destroyed key are overwritten before the name goes, those of its neighbours are not."""
    gone, kept = keys.make(Purpose.UNIT_CONTENT, "u"), keys.make(Purpose.UNIT_CONTENT, "u")
    keys.make_secret("store")
    which: Kid | str = gone.kid if what == "key" else "store"
    path = keys.folder / (f"unit-content-{gone.kid.hex()[:12]}.key" if what == "key" else "secret-store.key")
    handle = os.open(path, os.O_RDONLY)
    try:
        keys.destroy(which)
        data = os.pread(handle, 9999, 0)
    finally:
        os.close(handle)
    assert data
    assert not data.strip(b"\0")
    assert not path.exists()
    assert kept.kid in keys.open_keys(Purpose.UNIT_CONTENT)


def test_what_a_crash_left_of_a_key_goes_with_it(keys: KeyFolder) -> None:
    """A copy under a hidden name, as a process leaves that dies while it writes, is overwritten too."""
    keys.make_secret("store")
    left = keys.folder / ".secret-store.key.00112233445566aa"
    shutil.copyfile(keys.folder / "secret-store.key", left)
    handle = os.open(left, os.O_RDONLY)
    try:
        keys.destroy("store")
        assert not os.pread(handle, 9999, 0).strip(b"\0")
    finally:
        os.close(handle)
    assert [path.name for path in keys.folder.iterdir()] in ([], ["folder.json"])


def test_a_key_is_destroyed_by_its_whole_kid(keys: KeyFolder) -> None:
    """A kid that only begins alike destroys nothing."""
    made = keys.make(Purpose.GATE_HOP)
    keys.destroy(Kid(made.kid[:-1] + bytes([made.kid[-1] ^ 1])))
    assert [each.kid for each in keys.held()] == [made.kid]


def test_a_secret_is_destroyed_without_the_passphrase(tmp_path: Path) -> None:
    """Who may erase need not be able to read."""
    keys = KeyFolder(tmp_path / "keys", REALM, lambda: WORDS)
    encrypt(keys, WORDS, cost=Cost(2))
    keys.make_secret("audit-202011")
    KeyFolder(tmp_path / "keys", REALM, never).destroy("audit-202011")
    assert not (keys.folder / "secret-audit-202011.key").exists()


def test_readers_and_destroyers_at_once(keys: KeyFolder) -> None:
    """While keys are made and destroyed, a reader always finds its own key and never half a file."""
    keys.make_secret("store")

    def churn(number: int) -> None:
        for turn in range(10):
            keys.make_secret(f"audit-{number}{turn:05}")
            keys.destroy(f"audit-{number}{turn:05}")

    def read(_: int) -> set[bytes]:
        return {keys.secret("store") for _ in range(50)}

    with ThreadPoolExecutor(4) as pool:
        churning = [pool.submit(churn, number) for number in range(2)]
        seen = set().union(*pool.map(read, range(2)))
        for each in churning:
            each.result()
    assert seen == {keys.secret("store")}
