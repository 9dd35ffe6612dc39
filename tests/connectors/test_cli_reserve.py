"""`samband reserve` and what an answer says while the hub is away: text, JSON, exit codes, both languages."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import main
from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.reserve import number_of
from samband.connectors.watch import REACHED

HOUR = 3_600_000


@pytest.fixture
def parties(world: Any, kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Party]:
    """Return two stores of one party, and another party's, as the command line finds them."""
    found = {
        name: world.open_party(name.split("-")[0], tmp_path / name) for name in ("skola-here", "skola-there", "social")
    }
    monkeypatch.setattr("samband.connectors.cli.reserve.party_of", found.__getitem__)
    monkeypatch.setattr("samband.connectors.cli.reserve._now", lambda: kit.NOW)
    return found


def say(party: Party, draft: Any) -> bytes:
    with party.store.transaction():
        party.store.add_draft(draft, 0)
    return bytes(draft.message_id)


def away(party: Party, now: int) -> None:
    with party.store.transaction():
        party.store.keep_number(REACHED, now - HOUR)


def test_list_and_find(parties, world, kit, capsys) -> None:
    """The list says since when the hub is away and what waits; a number leads to its message."""
    here = parties["skola-here"]
    assert main(["--lang", "sv", "reserve", "list", "--as", "skola-here"]) == 0
    assert capsys.readouterr().out == "Navet nås.\n"
    message = say(here, world.concern())
    away(here, kit.NOW)
    assert main(["--lang", "sv", "reserve", "list", "--as", "skola-here"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Navet nås inte sedan ")
    assert number_of(message) in out
    assert message.hex() in out
    assert main(["--lang", "en", "reserve", "list", "--as", "skola-here"]) == 0
    assert capsys.readouterr().out.startswith("The hub is not reached since ")
    assert main(["reserve", "list", "--as", "skola-here", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "away_since": kit.NOW - HOUR,
        "waiting": [{"reserve_number": number_of(message), "message_id": message.hex()}],
    }
    assert main(["reserve", "find", number_of(message).lower(), "--as", "skola-here", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"message_id": message.hex(), "state": "waiting"}]
    assert main(["--lang", "en", "reserve", "find", number_of(message), "--as", "skola-here"]) == 0
    assert "waits for the gate" in capsys.readouterr().out
    assert main(["reserve", "find", "00000-00001", "--as", "skola-here"]) == 2
    assert "[RESERVE_NUMBER]" in capsys.readouterr().err


def test_export_and_import(parties, world, kit, capsys, tmp_path) -> None:
    """A file out of one store and into another, twice; a file that is there is not written over."""
    message, file = say(parties["skola-here"], world.concern()), str(tmp_path / "reserv")
    assert main(["reserve", "export", "--as", "skola-there", "--out", file]) == 2
    assert "[RESERVE_NOTHING]" in capsys.readouterr().err
    assert main(["reserve", "export", "--as", "skola-here", "--out", file, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"files": [{"file": file, "messages": [message.hex()]}], "left": []}
    assert Path(file).stat().st_mode & 0o777 == 0o600
    assert main(["reserve", "export", "--as", "skola-here", "--out", file]) == 3
    assert "[RESERVE_FILE]" in capsys.readouterr().err
    for words in ("taken in here", "is here already"):
        assert main(["--lang", "en", "reserve", "import", file, "--as", "skola-there"]) == 0
        out = capsys.readouterr().out
        assert words in out
        assert number_of(message) in out
    assert main(["reserve", "import", file, "--as", "social"]) == 2
    assert "[RESERVE_PARTY]" in capsys.readouterr().err
    assert main(["reserve", "import", str(tmp_path / "none"), "--as", "social"]) == 3
    Path(file).write_bytes(Path(file).read_bytes()[:-1])
    assert main(["reserve", "import", file, "--as", "skola-there"]) == 2
    assert "[RESERVE_BROKEN]" in capsys.readouterr().err


def test_what_is_too_old_ends_with_12(parties, world, kit, capsys, tmp_path, monkeypatch) -> None:
    """An import and an export that leave something out say so by their exit code, and say what."""
    message, file = say(parties["skola-here"], world.concern()), str(tmp_path / "reserv")
    assert main(["reserve", "export", "--as", "skola-here", "--out", file]) == 0
    monkeypatch.setattr("samband.connectors.cli.reserve._now", lambda: kit.NOW + 20 * 24 * HOUR)
    capsys.readouterr()
    assert main(["reserve", "import", file, "--as", "skola-there", "--json"]) == 12
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["message_id"], told["state"], told["code"]) == (message.hex(), "expired", "EXPIRED")
    assert main(["reserve", "export", "--as", "skola-here", "--out", f"{file}2"]) == 12
    assert "[EXPIRED]" in capsys.readouterr().out


@pytest.mark.parametrize(("lang", "words"), [("sv", "reservnummer"), ("en", "reserve number")])
def test_an_answer_gives_the_number(parties, world, kit, capsys, monkeypatch, lang, words) -> None:
    """While the hub is away an answer says that the message is kept, and its number; in JSON too."""
    from samband.connectors.cli.answers import answer
    from samband.connectors.cli.terminal import Answer, options

    here = parties["skola-here"]
    message = say(here, world.concern())
    monkeypatch.setattr(options, "lang", lang)
    with pytest.raises(Answer):
        answer(Client(here), message, 0, what="message", as_json=False)
    assert words not in capsys.readouterr().out
    now = time.time_ns() // 1_000_000
    away(here, now)
    with pytest.raises(Answer):
        answer(Client(here), message, 0, what="message", as_json=False)
    assert f"{words} {number_of(message)}." in capsys.readouterr().out
    with pytest.raises(Answer):
        answer(Client(here), message, 0, what="message", as_json=True)
    assert json.loads(capsys.readouterr().out)["reserve"] == {"number": number_of(message), "since": now - HOUR}
