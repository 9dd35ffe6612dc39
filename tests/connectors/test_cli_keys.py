"""`samband keys`: whose folders it converts, what it says, and what the doctor says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samband.connectors.cli.doctor import _at_rest
from samband.connectors.cli.terminal import options
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams import passphrase as sources
from samband.streams.authority import Home
from samband.streams.keyfile import KeyFolder
from tests.terminal import Terminal

VARIABLES = ("CREDENTIALS_DIRECTORY", "SAMBAND_PASSPHRASE_FILE", "SAMBAND_PASSPHRASE_FD")


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Give a way to be a new process with a passphrase in a file."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def use(text: str) -> Path:
        path = tmp_path / f"words-{len(text)}"
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(path))
        sources._known.clear()
        return path

    yield use
    sources._known.clear()
    options.home = None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a hub with one party, never started."""
    home, now = Home(tmp_path / "home"), datetime.now(UTC)
    home.found("vasteras", now=now, shards=1)
    unit = Unit(UnitId("SE2120002080-SKOLA"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan")
    home.add_party("skola", "Skolan", "2120002080", [unit], now=now)
    return home


def folders(home: Home) -> dict[str, bool]:
    """Return which key folders are encrypted."""
    named = {"hub": home.hub / "keys", "audit": home.hub / "keys" / "audit", "authority": home.authority,
             "skola": home.parties / "skola" / "keys"}  # fmt: skip
    return {name: KeyFolder(folder, home.root.realm).is_encrypted for name, folder in named.items()}


@pytest.mark.parametrize(
    ("arguments", "whose"),
    [((), {"hub", "audit"}), (("--authority",), {"authority"}), (("--as", "skola"), {"skola"})],
    ids=["hub", "authority", "party"],
)
def test_what_is_meant_is_converted_and_back(
    home: Home, words: Callable[[str], Path], arguments: tuple[str, ...], whose: set[str]
) -> None:
    """Each choice encrypts its own folders and no other; the month keys' folder too before there is any month key."""
    words("correct horse battery")
    terminal = Terminal(home.path)
    done = terminal.say_here("keys", "encrypt", *arguments, "--json")
    assert done.code == 0, done.err
    assert {name for name, encrypted in folders(home).items() if encrypted} == whose
    assert len(done.json) == len(whose)
    assert home.audit_keys.making(202611)
    again = terminal.say_here("keys", "decrypt", *arguments)
    assert again.code == 0, again.err
    assert not any(folders(home).values())
    assert home.audit_keys.of(202611)


def test_another_passphrase(home: Home, words: Callable[[str], Path]) -> None:
    """The new passphrase comes from a file, holds from then on, and the old one is refused with a way out."""
    words("correct horse battery")
    terminal = Terminal(home.path)
    plain = terminal.say_here("keys", "passphrase", "--new-file", "nowhere")
    assert (plain.code, plain.error) == (3, "KEY_FOLDER_PLAIN")
    secret = home.hub_keys.secret("store")
    assert terminal.say_here("keys", "encrypt").code == 0
    new = words("staple of another kind")
    words("correct horse battery")
    assert terminal.say_here("keys", "passphrase", "--new-file", str(new)).code == 0
    words("correct horse battery")
    refused = terminal.say_here("doctor", "--json")
    assert "KEY_PASSPHRASE" in refused.out
    words("staple of another kind")
    assert home.hub_keys.secret("store") == secret


def test_a_short_passphrase_encrypts_nothing(home: Home, words: Callable[[str], Path]) -> None:
    """A passphrase that could be guessed is refused before anything is written."""
    words("too short")
    said = Terminal(home.path).say_here("keys", "encrypt")
    assert (said.code, said.error) == (3, "KEY_PASSPHRASE_SHORT")
    assert not any(folders(home).values())


def test_the_doctor_warns_of_plain_keys(home: Home, words: Callable[[str], Path]) -> None:
    """Plain keys are a warning with the command that encrypts; encrypted ones are none, a crash's leftovers are."""
    found = {each["check"]: each for each in Terminal(home.path).say_here("doctor", "--json").json}["keys at rest"]
    count = len(list((home.hub / "keys").rglob("*.key")))
    assert (found["state"], found["found"]) == ("warn", f"{count} key files are not encrypted")
    assert "samband keys encrypt" in found["way_out"]
    words("correct horse battery")
    assert Terminal(home.path).say_here("keys", "encrypt").code == 0
    assert _at_rest(home.hub_keys).state == "ok"
    (home.hub / "keys" / ".secret-store.key.0123456789abcdef").touch()
    assert (_at_rest(home.hub_keys).state, _at_rest(home.hub_keys).found) == ("warn", "1 left by a crash")
