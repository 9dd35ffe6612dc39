"""Every vector beside this file gives what it expects, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from samband.schemas.errors import SambandError
from samband.schemas.message import Message
from samband.schemas.routing import Routing
from samband.streams.crypto.keys import OpenKey, Purpose, Realm, VerifyKey
from samband.streams.crypto.lane import LaneIn, Opener, UnverifiedRecord
from samband.streams.crypto.signature import BatchCache

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


def read(name: str) -> dict[str, str]:
    """Return a vector's keys, with those of its base."""
    comment, version, *lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    assert comment.startswith("# ")
    assert version == "samband-vector/1"
    vector = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines)
    if base := vector.get("base"):
        vector = {**read(base), **vector}
        vector["data"] = edited(bytes.fromhex(vector["data"]), vector.get("edit", "")).hex()
    return vector


def edited(data: bytes, edit: str) -> bytes:
    """Return bytes after an edit."""
    match edit.split():
        case []:
            return data
        case ["flip", at]:
            return data[: int(at)] + bytes([data[int(at)] ^ 1]) + data[int(at) + 1 :]
        case ["set", at, text]:
            new = bytes.fromhex(text)
            return data[: int(at)] + new + data[int(at) + len(new) :]
        case ["cut", count]:
            return data[: -int(count)]
        case ["append", text]:
            return data + bytes.fromhex(text)
    raise AssertionError(edit)


def shown(value: Any) -> dict[str, Any]:
    """Return a record's fields as the vectors write them."""
    fields = {key: part.hex() if isinstance(part, bytes) else part for key, part in asdict(value).items()}
    return {key: list(part) if isinstance(part, tuple) else part for key, part in fields.items()}


def lane_of(vector: dict[str, str], record: UnverifiedRecord) -> LaneIn:
    """Return the lane that a record's opener opens."""
    realm = Realm(bytes.fromhex(vector["realm"]))
    signer = VerifyKey(realm, Purpose.PARTY_SIGN, bytes.fromhex(vector["sign"]))
    own = OpenKey(realm, Purpose.GATE_HOP, bytes.fromhex(vector["open"]))
    return LaneIn(record, realm, signer, own)


def run(vector: dict[str, str]) -> dict[str, Any]:
    """Return what the code makes of a vector, as the vector would say it."""
    data = bytes.fromhex(vector["data"])
    match vector["kind"]:
        case "routing":
            label = Routing.decode(data)
            assert label.encode() == data
            return {"fields": shown(label)}
        case "message":
            message = Message.decode(data)
            assert message.encode() == data
            key = VerifyKey(Realm(bytes.fromhex(vector["realm"])), Purpose.PARTY_SIGN, bytes.fromhex(vector["sign"]))
            return {"leaf": BatchCache().verify(key, message).hex()}
        case "opener":
            opener: Opener = lane_of(vector, UnverifiedRecord(data, b"", b"", b"")).opener
            return {"fields": shown(opener)}
        case "record":
            record = UnverifiedRecord.decode(data)
            return {"hop": lane_of(vector, record).open(record, vector["topic"], int(vector["partition"])).hex()}
    raise AssertionError(vector["kind"])


@pytest.mark.parametrize("name", NAMES)
def test_vector(name):
    """A vector gives the fields, leaf or hop that it names, or is refused with the code that it names."""
    vector = read(name)
    if vector["expect"] != "ok":
        with pytest.raises(SambandError) as refusal:
            run(vector)
        assert refusal.value.code == vector["expect"]
        return
    for key, value in run(vector).items():
        assert value == (json.loads(vector[key]) if key == "fields" else vector[key])


def test_negative_ones_outnumber():
    """There are more vectors that must be refused than such that must pass, for every kind."""
    found = [read(name) for name in NAMES]
    for kind in ("routing", "message", "opener", "record"):
        good = [each for each in found if each["kind"] == kind and each["expect"] == "ok"]
        bad = [each for each in found if each["kind"] == kind and each["expect"] != "ok"]
        assert 1 <= len(good) < len(bad)


def test_every_file_is_run():
    """Beside this file lie vectors, their description and the published ones, nothing else."""
    others = {path.name for path in FOLDER.iterdir() if path.suffix != ".txt" and path.name != "__pycache__"}
    assert others == {"README.md", "published", "test_vectors.py"}
