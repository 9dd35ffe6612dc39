"""A folder is encrypted, decrypted, given another passphrase; whatever `kill -9` hits, no key is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams import keychange, keydisk
from samband.streams.crypto.keys import Purpose
from samband.streams.keychange import change, decrypt, encrypt
from samband.streams.keyfile import KeyFolder
from tests.streams.key_victim import NEW, OLD, QUICK, REALM, convert, convert_and_die

Known = dict[str, bytes]
SERVER = multiprocessing.get_context("forkserver")  # forks of a process without threads: a start takes a moment only
SERVER.set_forkserver_preload(["tests.streams.key_victim"])


def made(folder: Path) -> Known:
    """Make three plain keys and return what they are."""
    keys = KeyFolder(folder, REALM, lambda: OLD)
    sign, own = keys.make(Purpose.PARTY_SIGN), keys.make(Purpose.UNIT_CONTENT, "unit-a")
    return {"sign": sign.private(), "open": own.private(), "store": keys.make_secret("store")}


def known(folder: Path, passphrase: bytes) -> Known:
    """Read the three keys."""
    keys = KeyFolder(folder, REALM, lambda: passphrase)
    ((_, own),) = keys.open_keys(Purpose.UNIT_CONTENT).values()
    return {"sign": keys.sign_key(Purpose.PARTY_SIGN).private(), "open": own.private(), "store": keys.secret("store")}


def readable_by(folder: Path, expected: Known) -> list[bytes]:
    """Return the passphrases by which every key can be read."""
    found = []
    for passphrase in (OLD, NEW):
        try:
            if known(folder, passphrase) == expected:
                found.append(passphrase)
        except OperatorError as error:
            if error.code != "KEY_PASSPHRASE":
                raise
    return found


def held_open(folder: Path) -> list[int]:
    """Hold every key file's bytes, so that a test sees what became of them once the name is gone."""
    return [os.open(path, os.O_RDONLY) for path in sorted(folder.glob("*.key"))]


def are_wiped(handles: list[int]) -> bool:
    """Say whether nothing but zeros is left of what was held."""
    return not any(os.pread(handle, 9999, 0).strip(b"\0") for handle in handles)


def is_sealed(folder: Path, expected: Known) -> bool:
    """Say whether no file shows a key."""
    data = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    return not any(value.hex().encode() in data for value in expected.values())


def prepared(work: str, folders: list[Path]) -> list[Known]:
    """Make the folders that a conversion begins with."""
    expected = [made(folder) for folder in folders]
    if work != "encrypt":
        convert("encrypt", folders)
    return expected


@pytest.mark.parametrize("work", ["encrypt", "decrypt", "change"])
def test_killed_before_each_change_on_disk(tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every kill each folder opens whole by the old or the new passphrase, and the same command ends the work.

    What was replaced is overwritten then, nothing is left lying about, and where it is sealed no file shows a key.
    """
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # a killed process needs none
    for number in count(1):
        folders = [tmp_path / str(number), tmp_path / str(number) / "audit"]
        expected = prepared(work, folders)
        held = [handle for folder in folders for handle in held_open(folder)]
        victim = SERVER.Process(target=convert_and_die, args=(work, number, folders))
        victim.start()
        victim.join()
        assert victim.exitcode in (0, -signal.SIGKILL)
        for folder, keys in zip(folders, expected, strict=True):
            assert readable_by(folder, keys), number
        convert(work, folders)
        last = NEW if work == "change" else OLD
        for folder, keys in zip(folders, expected, strict=True):
            assert known(folder, last) == keys
            assert is_sealed(folder, keys) == (work != "decrypt")
            assert KeyFolder(folder, REALM).leftovers() == 0
            assert KeyFolder(folder, REALM).is_encrypted == (work != "decrypt")
        assert are_wiped(held), number
        for handle in held:
            os.close(handle)
        if victim.exitcode == 0:
            assert number > 30
            return


def test_a_second_name_of_a_key_in_use_is_not_overwritten(tmp_path: Path) -> None:
    """A process that dies between giving a file its name and taking its first one away loses no key."""
    expected = made(tmp_path)
    path = tmp_path / "secret-store.key"
    os.link(path, tmp_path / ".secret-store.key.0123456789abcdef")
    assert KeyFolder(tmp_path, REALM).leftovers() == 1
    keydisk.sweep(tmp_path)
    assert known(tmp_path, OLD) == expected
    assert KeyFolder(tmp_path, REALM).leftovers() == 0


def test_a_change_makes_the_old_passphrase_worthless(tmp_path: Path) -> None:
    """After a change the old passphrase opens neither folder nor, with the old header put back, any new file."""
    made(tmp_path)
    convert("encrypt", [tmp_path])
    header = (tmp_path / "folder.json").read_bytes()
    change(KeyFolder(tmp_path, REALM, lambda: OLD), NEW, cost=QUICK)
    for code in ("KEY_PASSPHRASE", "KEY_FILE_BROKEN"):
        with pytest.raises(OperatorError) as refusal:
            KeyFolder(tmp_path, REALM, lambda: OLD).secret("store")
        assert refusal.value.code == code
        (tmp_path / "folder.json").write_bytes(header)


@pytest.mark.parametrize(
    "work",
    [lambda keys: encrypt(keys, b"a wrong one", cost=QUICK), decrypt, lambda keys: change(keys, b"new and unknown")],
    ids=["encrypt", "decrypt", "change"],
)
def test_a_wrong_passphrase_changes_nothing(tmp_path: Path, work: Callable[[KeyFolder], int]) -> None:
    """No command touches a folder that it cannot open."""
    made(tmp_path)
    convert("encrypt", [tmp_path])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OperatorError) as refusal:
        work(KeyFolder(tmp_path, REALM, lambda: b"a wrong one"))
    assert refusal.value.code == "KEY_PASSPHRASE"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_plain_folder_has_no_passphrase_to_change(tmp_path: Path) -> None:
    """It is said, with the command that encrypts."""
    made(tmp_path)
    with pytest.raises(OperatorError) as refusal:
        change(KeyFolder(tmp_path, REALM, lambda: OLD), NEW)
    assert refusal.value.code == "KEY_FOLDER_PLAIN"
    assert decrypt(KeyFolder(tmp_path, REALM, lambda: OLD)) == 0


def test_a_plain_file_that_was_restored_is_sealed_again(tmp_path: Path) -> None:
    """An encrypted folder refuses a plain file until somebody says that it is theirs, by encrypting again."""
    expected = made(tmp_path)
    plain = (tmp_path / "secret-store.key").read_bytes()
    convert("encrypt", [tmp_path])
    keys = KeyFolder(tmp_path, REALM, lambda: OLD)
    (tmp_path / "secret-store.key").write_bytes(plain)
    with pytest.raises(OperatorError) as refusal:
        keys.sign_key(Purpose.PARTY_SIGN)
    assert (refusal.value.code, keys.plain_files()) == ("KEY_FILE_PLAIN", 1)
    assert encrypt(keys, OLD) == 1
    assert (known(tmp_path, OLD), keys.plain_files()) == (expected, 0)


def test_a_process_that_runs_on_loses_no_key(tmp_path: Path) -> None:
    """A key that a process makes after the passphrase was changed under it is not sealed under what is gone."""
    made(tmp_path)
    running = KeyFolder(tmp_path, REALM, lambda: OLD)
    convert("encrypt", [tmp_path])
    running.make_secret("early")
    convert("change", [tmp_path])
    with pytest.raises(OperatorError) as refusal:
        running.make_secret("late")
    assert refusal.value.code == "KEY_PASSPHRASE"
    assert KeyFolder(tmp_path, REALM, lambda: NEW).secret("early")
    assert keychange.decrypt(KeyFolder(tmp_path, REALM, lambda: NEW)) == 4
    assert running.make_secret("late") == running.secret("late")
