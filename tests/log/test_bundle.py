"""One message's file: whole it holds line by line, offline; with any part of it altered, a line says so."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import main
from samband.streams.log.bundle import Bundle, State, verify_bundle
from samband.streams.log.checkpoint import Policy, key_text, witness_text
from samband.streams.log.witnessed import witnesses_of
from tests.console.logged import LoggedHouse


class Shown:
    """A hub's message, its file, and the public keys that somebody else has."""

    def __init__(self, house: LoggedHouse, file: Path) -> None:
        self.house, self.file, self.data = house, file, file.read_bytes()
        directory = house.home.directory(house.ms)
        self.witnesses = witnesses_of(house.home.root, directory, house.ms)
        self.key = house.sequencer._keys()[0]

    def states(self, data: bytes, *, policy: Policy = Policy(2)) -> dict[str, State]:  # noqa: B008  a constant
        """Return what holds, with nothing but the log's and the witnesses' keys."""
        lines = verify_bundle(data, [self.key], self.house.origin, self.witnesses, policy)
        return {each.what: each.state for each in lines}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Give a hub with a story in its log, and the file of a message that was handed over."""
    folder = tmp_path_factory.mktemp("bundle")
    house = LoggedHouse(folder / "home")
    house.told = house.story()
    for _ in range(20):
        house.say(house.record("a", "b"))
    house.settle()
    house.witness("skola", "bup")
    assert samband(house, "bundle", house.told["first"].hex(), "--out", str(folder / "file.json")) == 0
    yield Shown(house, folder / "file.json")
    house.close()


def samband(house: LoggedHouse | None, *words: str) -> int:
    home = str(house.home.path) if house else "/nowhere"
    return main(["--home", home, "--lang", "en", "audit", *words])


def test_a_file_that_is_whole(shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    """Decision and receipt hold with the log's and two witnesses' keys alone; by the directory, whose each key is."""
    words = ["verify", "--bundle", str(shown.file), "--key", key_text(shown.key, shown.house.origin)]
    for each in shown.witnesses:
        if not each.name.endswith("social"):
            words += ["--witness", witness_text(each)]
    assert samband(None, *words, "--json") == 0
    told = {each["what"]: each["state"] for each in json.loads(capsys.readouterr().out)}
    assert told == {"file": "holds", "checkpoint": "holds", "witnesses": "holds", "decision.log": "holds",
                    "decision.gate": "open", "receipt.log": "holds", "receipt.gate": "open", "label": "open",
                    "whole": "holds"}  # fmt: skip
    assert samband(shown.house, "verify", "--bundle", str(shown.file)) == 0
    out = capsys.readouterr().out
    assert "decision, signed by" in out
    assert "bup, skola" in out
    assert "✗" not in out
    assert shown.file.stat().st_mode & 0o777 == 0o600
    assert samband(shown.house, "bundle", shown.house.told["first"].hex(), "--out", str(shown.file)) == 2
    assert samband(shown.house, "bundle", "00" * 16) == 2


def _changes(value: Any) -> Iterator[Any]:
    """Yield a value with each single part of it altered."""
    if isinstance(value, dict):
        for key in value:
            yield {each: value[each] for each in value if each != key}
            for other in _changes(value[key]):
                yield {**value, key: other}
        yield {**value, "more": 1}
    elif isinstance(value, list):
        for at in range(len(value)):
            yield [*value[:at], *value[at + 1 :]]
            for other in _changes(value[at]):
                yield [*value[:at], other, *value[at + 1 :]]
        if len(value) > 1:
            yield value[::-1]
        yield [*value, *value[:1]]
    elif isinstance(value, int):
        yield value + 1
        yield str(value)
    elif isinstance(value, str):
        yield from _texts(value)
        yield None
    elif value is None:
        yield {}


def _texts(text: str) -> Iterator[str]:
    chance = random.Random(text)
    for at in {chance.randrange(len(text)) for _ in range(12)}:
        yield text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return
    for at in range(0, len(data), 7):
        yield base64.b64encode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]).decode()


def test_any_part_that_is_altered(shown: Shown) -> None:
    """Each field dropped, each number and text changed, each list cut, turned or repeated: something does not hold.

    But for a whole receipt that is left out: a file shows what is in it, not that there is nothing else.
    """
    value = json.loads(shown.data)
    assert State.BROKEN not in shown.states(shown.data).values()
    tried = 0
    for changed in _changes(value):
        data = (json.dumps(changed, ensure_ascii=False, indent=1) + "\n").encode()
        if changed.get("stamps") == value["stamps"][:1] and {**changed, "stamps": value["stamps"]} == value:
            continue
        assert State.BROKEN in shown.states(data).values(), changed
        tried += 1
    assert tried > 300


def test_one_form_only(shown: Shown) -> None:
    """Other spaces, another order, a trailing byte, a longer number: refused before anything is looked at."""
    value = json.loads(shown.data)
    turned = dict(reversed(value.items()))
    for data in (
        json.dumps(value).encode(), shown.data + b" ", shown.data[:-1], b"", b"null", b"[" * 9999, b"\xff",
        (json.dumps(turned, ensure_ascii=False, indent=1) + "\n").encode(),
        shown.data.replace(b'"index": ', b'"index": 0', 1), shown.data.replace(b"bundle/1", b"bundle/2"),
    ):  # fmt: skip
        assert shown.states(data) == {"file": State.BROKEN}
    assert Bundle.decode(shown.data).encode() == shown.data


def test_too_few_witnesses(shown: Shown) -> None:
    """The file holds no more than its witnesses: three asked for, none known, another log's key."""
    assert shown.states(shown.data, policy=Policy(3))["witnesses"] is State.BROKEN
    lines = verify_bundle(shown.data, [shown.key], shown.house.origin, [], Policy(1))
    assert {each.what: each.state for each in lines}["witnesses"] is State.OPEN
    assert samband(shown.house, "verify", "--bundle", "/nowhere") == 2
    assert samband(None, "verify", "--bundle", str(shown.file), "--key", "x") == 2
