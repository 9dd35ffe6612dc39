"""`samband audit verify`, `prove` and `export` on a copied folder, with nothing but the log's key from elsewhere."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from samband.connectors.cli import main
from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.checkpoint import key_text
from samband.streams.log.folder import LogFolder
from samband.streams.log.tree import verify_inclusion
from tests.log.altered import altered
from tests.log.logs import KEY, ORIGIN, Log, entries

KEY_TEXT = key_text(KEY, ORIGIN)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copied folder of a log of 300."""
    LogFolder(tmp_path / "copy").write(Log(entries(300)).files.items())
    return tmp_path / "copy"


def samband(*words: str | Path) -> int:
    return main(["--home", "/nowhere", "--lang", "en", "audit", *map(str, words)])


def test_a_copy_that_is_whole(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Anybody verifies a copy without a hub, a party or a network."""
    assert samband("verify", "--folder", copy, "--key", KEY_TEXT) == 0
    assert "300 log entries" in (out := capsys.readouterr().out)
    assert "nothing differs" in out
    assert samband("verify", "--folder", copy, "--key", KEY_TEXT, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["size"], told["keys"], told["differences"]) == (300, [KEY_TEXT], [])


def test_a_copy_that_is_altered(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One byte of one tile ends the command with code 10 and names the file."""
    path = copy / "tile" / "0" / "001.p" / "44"
    path.write_bytes(bytes(1) + path.read_bytes()[1:])
    assert samband("verify", "--folder", copy, "--key", KEY_TEXT, "--json") == 10
    assert json.loads(capsys.readouterr().out)["differences"] == [{"path": "tile/0/001.p/44", "code": "LOG_TILE"}]


def test_what_is_altered_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads what was done to the log and what to do now, in both languages, in few rows."""
    log = Log(entries(12_000))
    files = dict(altered(log))["drop/entries"]
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert samband("verify", "--folder", tmp_path, "--key", KEY_TEXT) == 10
    said = " ".join(capsys.readouterr().out.split())
    assert "the tile does not fit the entries" in said
    assert "more" in said
    assert "Compare with a copy" in said
    assert (
        main(["--home", "/nowhere", "--lang", "sv", "audit", "verify", "--folder", str(tmp_path), "--key", KEY_TEXT])
        == 10
    )
    said = " ".join(capsys.readouterr().out.split())
    assert "plattan stämmer inte med posterna" in said
    assert "Jämför med en kopia" in said


def test_a_proof_holds_by_itself(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed proves the entry under the signed root; one that is no leaf ends with code 10."""
    entry = entries(300)[290]
    assert samband("prove", entry.hex(), "--folder", copy, "--key", KEY_TEXT, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    path = [bytes.fromhex(each) for each in told["path"]]
    verify_inclusion(leaf_hash(entry), told["index"], told["size"], bytes.fromhex(told["root"]), path)
    assert told["index"] == 290
    assert samband("prove", bytes(32).hex(), "--folder", copy, "--key", KEY_TEXT) == 10


def test_a_database_to_ask(copy: Path, tmp_path: Path) -> None:
    """The copy in SQLite has every entry in its place, and replaces no file."""
    file = tmp_path / "log.db"
    assert samband("export", "--sqlite", file, "--folder", copy, "--key", KEY_TEXT) == 0
    database = sqlite3.connect(file)
    rows = database.execute('SELECT "index", entry FROM log ORDER BY "index"').fetchall()
    database.close()
    assert rows == [(index, entry.hex()) for index, entry in enumerate(entries(300))]
    assert samband("export", "--sqlite", file, "--folder", copy, "--key", KEY_TEXT) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("verify", "--key", "x"), 2),
        (("verify",), 3),
        (("verify", "--folder", "/nowhere", "--key", KEY_TEXT), 3),
        (("prove", "abc", "--key", KEY_TEXT), 2),
    ],
)
def test_what_cannot_be_asked(words: tuple[str, ...], code: int) -> None:
    """A key that is none, no key, no folder and no entry are said, each with its code."""
    assert samband(*words) == code
