"""A second reader, in Go and from the format page alone, reads what Samband writes and refuses what Samband refuses.

It needs Go 1.24 or later, on PATH or named in SAMBAND_GO; where there is none these tests are skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.errors import FormatError, TrustError
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto.content import open_content
from samband.streams.topics import AUDIT, inbox
from tests.vectors.test_vectors import FOLDER, NAMES, read, run

SOURCE = Path(__file__).parent
NEWEST_THAT_IS_TOO_OLD = (1, 23)
ROUNDS = 100
"""Alterations of each vector that passes."""

Answers = dict[str, dict[str, Any]]
Reader = Callable[[Path], Answers]


def go() -> str:
    """Return the Go that can build the reader, or skip."""
    found = shutil.which(os.environ.get("SAMBAND_GO") or "go")
    if not found:
        pytest.skip("there is no Go on PATH: the second reader is not run")
    said = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    number = re.match(r"go(\d+)\.(\d+)", said)
    if not number or tuple(map(int, number.groups())) <= NEWEST_THAT_IS_TOO_OLD:
        pytest.skip(f"{said.strip()} is older than 1.24: the second reader is not run")
    return found


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Return the second reader, built: folder of vectors → its answers by name."""
    tool, binary = go(), tmp_path_factory.mktemp("reader") / "reader"
    alone = {**os.environ, "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    subprocess.run([tool, "build", "-o", binary, "."], cwd=SOURCE, env=alone, check=True)

    def answers(folder: Path) -> Answers:
        done = subprocess.run([binary, folder], capture_output=True, text=True, check=True)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return {each.pop("name"): each for each in found}

    return answers


def verdict(vector: dict[str, str]) -> dict[str, Any]:
    """Return what Samband's own code makes of a vector, as the reader says it."""
    try:
        return {"verdict": "ok", **run(vector)}
    except TrustError:
        return {"verdict": "trust"}
    except FormatError:
        return {"verdict": "format"}


def write(folder: Path, name: str, vector: dict[str, Any]) -> None:
    """Write a vector without its base."""
    keys = {key: value for key, value in vector.items() if key not in ("base", "edit", "expect")}
    lines = [f"{key}: {value.hex() if isinstance(value, bytes) else value}" for key, value in keys.items()]
    (folder / f"{name}.txt").write_text("\n".join(["# Made for one run.", "samband-vector/1", *lines]) + "\n", "utf-8")


def test_every_vector(reader):
    """Both readers say the same about every vector: passed, with the same fields, or refused, for the same class."""
    answers = reader(FOLDER)
    assert set(answers) == set(NAMES)
    assert {name: answers[name] for name in NAMES} == {name: verdict(read(name)) for name in NAMES}


def altered(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with one thing wrong, mostly near the front, where lengths and versions are."""
    at = min(chance.randrange(len(data)), chance.randrange(len(data)))
    match chance.randrange(5):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + bytes([chance.choice((0, 1, 2, 0x7F, 0x80, 0xFF))]) + data[at + 1 :]
        case 2:
            return data[:at]
        case 3:
            return data[:at] + chance.randbytes(chance.randint(1, 3)) + data[at:]
    return data[:at] + data[at + 1 :]


def test_altered_vectors(reader, tmp_path):
    """Both readers say the same about vectors with a bit, a byte or a length that is wrong, whatever it is."""
    chance, expected = random.Random(9), {}
    for name in NAMES:
        vector = read(name)
        for number in range(ROUNDS if vector["expect"] == "ok" else 0):
            other = {**vector, "data": altered(bytes.fromhex(vector["data"]), chance).hex()}
            write(tmp_path, f"{name}-{number}", other)
            expected[f"{name}-{number}"] = verdict(other)
    assert reader(tmp_path) == expected
    assert {each["verdict"] for each in expected.values()} == {"ok", "format", "trust"}


@pytest.fixture
def letter(kit: Any) -> tuple[dict[str, Any], bytes]:
    """Return (vector, content): a message that a school has sealed and a gate permitted, all new."""
    world = kit.World(os.urandom(8).hex())
    gate = kit.Gate(world)
    gate.say(world.concern(), world.concern())
    turn = gate.turns[-1]
    (received, *_), (value, *_) = gate.inbox(turn, "social"), gate.values(turn, inbox("social"))
    social, unit = world.parties["social"], world.parties["social"].content["IFO"]
    message, routing = received.message, received.routing
    assert message is not None
    assert routing is not None
    vector = {
        "kind": "letter", "realm": world.realm.id, "sign": world.parties["skola"].sign.public,
        "stamp": world.stamp.public, "open": social.hop.private(), "unit": unit.private(), "topic": inbox("social"),
        "partition": 0, "data": value,
    }  # fmt: skip
    content = open_content(unit, message.content, message.routing, routing.plain_commit)
    return vector, content


def test_a_letter_is_read_to_the_end(reader, tmp_path, letter):
    """A message that was sealed, signed, permitted and put into an inbox just now opens in Go down to its content.

    On the way stand the lane, the gate's stamp, the sender's batch signature, the label and its commitment.
    """
    vector, content = letter
    write(tmp_path, "letter", vector)
    (answer,) = reader(tmp_path).values()
    assert answer["verdict"] == "ok"
    assert bytes.fromhex(answer["content"]) == content
    assert b"HEMLIGT-ORD" in content
    assert (answer["fields"]["sender"], answer["fields"]["recipient"]) == ("SKOLA", "IFO")


@pytest.mark.parametrize("key", ["realm", "sign", "stamp", "open", "unit", "topic", "partition", "data"])
def test_a_letter_with_one_thing_swapped(reader, tmp_path, letter, kit, key):
    """The same message is refused with the key, place, realm or record of another."""
    vector, other = letter[0], kit.World("another")
    swapped: dict[str, Any] = {
        "realm": other.realm.id, "sign": other.parties["skola"].sign.public, "stamp": other.stamp.public,
        "open": other.parties["social"].hop.private(), "unit": other.parties["social"].content["IFO"].private(),
        "topic": inbox("skola"), "partition": 1, "data": vector["data"][:-1] + bytes([vector["data"][-1] ^ 1]),
    }  # fmt: skip
    write(tmp_path, "letter", {**vector, key: swapped[key]})
    assert reader(tmp_path) == {"letter": {"verdict": "trust"}}


def test_the_log_has_what_the_party_was_told(reader, tmp_path, kit):
    """The leaf that Go reads from the audit topic is the entry of the stamp that it reads from the inbox."""
    world = kit.World(os.urandom(8).hex())
    gate = kit.Gate(world)
    gate.say(world.concern())
    turn = gate.turns[-1]
    realm, stamp = world.realm.id, world.stamp.public
    entries = set()
    for party in ("skola", "social"):
        (received,) = gate.inbox(turn, party)
        keys = {"realm": realm, "stamp": stamp}
        write(tmp_path, f"stamped-{party}", {"kind": "stamped", **keys, "data": received.down.stamped})
        entries.add(received.entry.hex())
    for number, value in enumerate(gate.values(turn, AUDIT)):
        month = UnverifiedAudit.decode(value).month
        store = hashlib.sha256(world.audit_seed + month.to_bytes(4, "big")).digest()
        keys = {"realm": realm, "stamp": stamp, "store": store}
        write(tmp_path, f"audit-{number}", {"kind": "audit", **keys, "data": value})
    answers = reader(tmp_path)
    told = {each["entry"] for name, each in answers.items() if name.startswith("stamped")}
    logged = {each["entry"] for name, each in answers.items() if name.startswith("audit")}
    assert told == entries == logged
