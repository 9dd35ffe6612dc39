"""Every vector beside this file gives what it expects, byte for byte."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from samband.schemas.errors import SambandError, TrustError
from samband.schemas.message import Down, Message, Up
from samband.schemas.routing import Routing
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto.content import open_content
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.keys import OpenKey, Purpose, Realm, VerifyKey
from samband.streams.crypto.lane import LaneIn, UnverifiedRecord
from samband.streams.crypto.signature import BatchCache, entry_of, verify_entry, verify_stamp
from samband.streams.root import Root
from samband.streams.rules import read_rules

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

    def one(part: Any) -> Any:
        if isinstance(part, tuple):
            return [one(each) for each in part]
        return part.hex() if isinstance(part, bytes) else part

    return {key: one(part) for key, part in asdict(value).items()}


def verify_key(vector: dict[str, str], name: str, purpose: Purpose) -> VerifyKey:
    """Return a vector's public signing key."""
    return VerifyKey(Realm(bytes.fromhex(vector["realm"])), purpose, bytes.fromhex(vector[name]))


def open_key(vector: dict[str, str], purpose: Purpose) -> OpenKey:
    """Return a vector's private key."""
    return OpenKey(Realm(bytes.fromhex(vector["realm"])), purpose, bytes.fromhex(vector["open"]))


def lane_of(vector: dict[str, str], record: UnverifiedRecord) -> LaneIn:
    """Return the lane that a record's opener opens."""
    signer = verify_key(vector, "sign", Purpose(vector.get("sign_as", Purpose.PARTY_SIGN)))
    own = open_key(vector, Purpose(vector.get("open_as", Purpose.GATE_HOP)))
    return LaneIn(record, signer.realm, signer, own)


def routing(_: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run a label."""
    label = Routing.decode(data)
    assert label.encode() == data
    return {"fields": shown(label)}


def message(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run a message."""
    found = Message.decode(data)
    assert found.encode() == data
    return {"leaf": BatchCache().verify(verify_key(vector, "sign", Purpose.PARTY_SIGN), found).hex()}


def content(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run a sealed content."""
    label, promise = (bytes.fromhex(vector[key]) for key in ("routing", "plain_commit"))
    return {"content": open_content(open_key(vector, Purpose.UNIT_CONTENT), data, label, promise).hex()}


def opener(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run an opener."""
    return {"fields": shown(lane_of(vector, UnverifiedRecord(data, b"", b"", b"")).opener)}


def record(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run a record."""
    found = UnverifiedRecord.decode(data)
    return {"hop": lane_of(vector, found).open(found, vector["topic"], int(vector["partition"])).hex()}


def up(_: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run an upward hop."""
    hop = Up.decode(data)
    assert hop.encode() == data
    Message.decode(hop.message)
    return {"fields": shown(hop)}


def down(_: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run a downward hop, in the steps of `samband.streams.inbox.Accept.open`."""
    hop = Down.decode(data)
    assert hop.encode() == data
    if hop.message and not hop.stamped:
        raise TrustError("STAMP_MISSING", "a message came without the gate's stamp")
    if hop.message:
        Stamped.decode(hop.stamped)
        Message.decode(hop.message)
    elif hop.stamped:
        Stamped.decode_all(hop.stamped)
    return {"fields": shown(hop)}


def stamped(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run a stamp."""
    found = Stamped.decode(data)
    assert found.encode() == data
    fields = StampRecord.decode(found.record)
    entry = verify_stamp(verify_key(vector, "stamp", Purpose.GATE_STAMP), found)
    return {"fields": shown(fields), "entry": entry.hex()}


def audit(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run an audit record, in the steps of `samband.streams.records.keeper`."""
    key = verify_key(vector, "stamp", Purpose.GATE_STAMP)
    found = UnverifiedAudit.decode(data)
    verify_entry(key, found.entry, found.proof)
    opened = found.open(HubStore(bytes.fromhex(vector["store"])))
    if entry_of(key.realm, opened.salt, opened.record) != found.entry:
        raise TrustError("AUDIT_ENTRY", "the audit record's content belongs to another entry")
    StampRecord.decode(opened.record)
    proof = found.proof
    fields = {
        "v": 1, "month": found.month, "partition": found.partition, "audit_seq": found.audit_seq,
        "entry": found.entry.hex(), "kid": proof.kid.hex(), "sig": proof.sig.hex(), "n": proof.n, "i": proof.i,
        "path": b"".join(proof.path).hex(),
    }  # fmt: skip
    return {"fields": fields, "entry": found.entry.hex(), "record": opened.record.hex()}


def rules(vector: dict[str, str], data: bytes) -> dict[str, Any]:
    """Run signed rules."""
    realm, keys = Realm(bytes.fromhex(vector["realm"])), bytes.fromhex(vector["roots"])
    made = [VerifyKey(realm, Purpose.ROOT, keys[at : at + 32]) for at in range(0, len(keys), 32)]
    root = Root(b"", "barn", "test", 1, realm, {key.kid: key for key in made}, int(vector["threshold"]))
    return {"fields": dataclasses.asdict(read_rules(root, data))}


KINDS: dict[str, Callable[[dict[str, str], bytes], dict[str, Any]]] = {
    each.__name__: each for each in (routing, message, content, opener, record, up, down, stamped, audit, rules)
}
"""What runs a vector of each kind and returns what the code makes of it, as the vector would say it."""


def run(vector: dict[str, str]) -> dict[str, Any]:
    """Return what the code makes of a vector."""
    return KINDS[vector["kind"]](vector, bytes.fromhex(vector["data"]))


@pytest.mark.parametrize("name", NAMES)
def test_vector(name):
    """A vector gives exactly what it names, or is refused with the code that it names."""
    vector = read(name)
    if vector["expect"] != "ok":
        with pytest.raises(SambandError) as refusal:
            run(vector)
        assert refusal.value.code == vector["expect"]
        return
    assert run(vector) == {key: json.loads(vector[key]) if key == "fields" else vector[key] for key in told(vector)}


def told(vector: dict[str, str]) -> set[str]:
    """Return the keys with which a vector says what must come out."""
    return {"fields", "leaf", "content", "hop", "entry", "record"} & vector.keys()


def test_negative_ones_are_the_clear_majority():
    """For every kind at least three vectors of four must be refused, and at least one must pass."""
    found = [read(name) for name in NAMES]
    for kind in KINDS:
        good = sum(each["kind"] == kind and each["expect"] == "ok" for each in found)
        bad = sum(each["kind"] == kind and each["expect"] != "ok" for each in found)
        assert good >= 1, kind
        assert bad >= 3 * good, kind


def test_every_file_is_run():
    """Beside this file lie vectors, their description and the published ones, nothing else."""
    others = {path.name for path in FOLDER.iterdir() if path.suffix != ".txt" and path.name != "__pycache__"}
    assert others == {"README.md", "published", "test_vectors.py"}
