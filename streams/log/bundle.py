"""Everything that its holder may show of one message, in one file that proves itself. Pure.

    data = Bundle(origin, message_id, label, stamps, keys, checkpoint).encode()
    lines = verify_bundle(data, [log_key], origin, witnesses, policy, named)     what holds, line by line

A file has one accepted form: JSON as `encode` writes it, byte for byte. Nothing in it is believed: records follow from
their entries, entries from the signed root, the root from log and witnesses, whose public keys come from elsewhere. So
do the names behind the other keys (`named`); without them a line says that it was not looked at. Format page: § Bundle.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from samband.schemas.errors import FormatError, SambandError, TrustError
from samband.schemas.message import Message
from samband.schemas.routing import Routing
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams.crypto.keys import Purpose, Realm, VerifyKey, kid_of
from samband.streams.crypto.merkle import leaf_hash, root_from_path
from samband.streams.crypto.signature import entry_of, verify_entry
from samband.streams.log.checkpoint import Checkpoint, Policy, Witness, cosigners, opened
from samband.streams.log.note import Note
from samband.streams.log.tree import verify_inclusion

__all__ = ["Bundle", "Label", "Line", "Named", "State", "Told", "label_of", "verify_bundle"]

_VERSION: Final = "bundle/1"
_MOST: Final = 4_000_000


class State(StrEnum):
    """How a line stands."""

    HOLDS = "holds"
    BROKEN = "broken"
    OPEN = "open"
    """Not looked at: what it takes is not here."""


class Line(NamedTuple):
    """One thing that was looked at: which, how it stands, and what is said of it (a code where it is broken)."""

    what: str
    state: State
    said: str = ""


Named = Callable[[str, VerifyKey, int], str]
"""(purpose, key, when in ms) → the party whose key it was then, by the directory; raises where it was nobody's."""


@dataclass(frozen=True, slots=True)
class Label:
    """A message as it was signed, with the hash of its sealed content in place of the content."""

    routing: bytes
    content: bytes
    kid: bytes
    sig: bytes
    n: int
    i: int
    path: tuple[bytes, ...]

    def value(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "routing": _text(self.routing), "content": self.content.hex(), "kid": self.kid.hex(),
            "sig": self.sig.hex(), "n": self.n, "i": self.i, "path": _hexes(self.path),
        }  # fmt: skip

    @classmethod
    def of(cls, value: dict[str, Any]) -> Self:
        """Return the label of its JSON; ValueError, TypeError, KeyError where it is none."""
        return cls(
            _bytes(value["routing"]), _hex(value["content"], 32), _hex(value["kid"], 32), _hex(value["sig"], 64),
            _number(value["n"]), _number(value["i"]), _path(value["path"]),
        )  # fmt: skip

    def leaf(self, realm: Realm) -> bytes:
        """Return the leaf that the gate's decision names."""
        return leaf_hash(realm.domain("message") + hashlib.sha256(self.routing).digest() + self.content)


def label_of(message: Message) -> Label:
    """Return a message's label."""
    content = hashlib.sha256(message.content).digest()
    return Label(message.routing, content, message.kid, message.sig, message.n, message.i, message.path)


@dataclass(frozen=True, slots=True)
class Told:
    """A stamped record with its place in the log and the path to the checkpoint's root."""

    stamp: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The file's content; nothing in it is verified."""

    origin: str
    message_id: bytes
    label: Label | None
    stamps: tuple[Told, ...]
    """As they stand in the log."""
    keys: tuple[tuple[str, bytes], ...]
    """(purpose, public key) that its signatures name, sorted."""
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the file."""
        value = {
            "samband": _VERSION,
            "origin": self.origin,
            "message": self.message_id.hex(),
            "label": None if self.label is None else self.label.value(),
            "stamps": [{"stamp": _text(x.stamp), "index": x.index, "path": _hexes(x.path)} for x in self.stamps],
            "keys": [[purpose, public.hex()] for purpose, public in self.keys],
            "checkpoint": self.checkpoint.decode(),
        }
        return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the bundle in `data`.

        Raises:
            FormatError: not one of version 1 in its one form.
        """
        if len(data) > _MOST:
            raise FormatError("FORMAT_BUNDLE_FILE", "the file is too long")
        try:
            value = json.loads(data)
            found = cls(
                value["origin"],
                bytes.fromhex(value["message"]),
                None if value["label"] is None else Label.of(value["label"]),
                tuple(Told(_bytes(x["stamp"]), _number(x["index"]), _path(x["path"])) for x in value["stamps"]),
                tuple((str(purpose), _hex(public, 32)) for purpose, public in value["keys"]),
                value["checkpoint"].encode(),
            )  # fmt: skip
            same = found.encode() == data
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise FormatError("FORMAT_BUNDLE_FILE", "the file is no bundle of version 1") from error
        if not same:
            raise FormatError("FORMAT_BUNDLE_FILE", "the bundle is not in its one form")
        return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _hexes(path: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in path]


def _hex(text: str, length: int) -> bytes:
    found = bytes.fromhex(text)
    if len(found) != length:
        raise ValueError
    return found


def _path(rows: list[str]) -> tuple[bytes, ...]:
    return tuple(_hex(each, 32) for each in rows)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError
    return value


def verify_bundle(
    data: bytes,
    keys: Sequence[VerifyKey],
    origin: str,
    witnesses: Sequence[Witness],
    policy: Policy,
    named: Named | None = None,
) -> list[Line]:
    """Look at everything in a file and say what holds; nothing here raises for what the file says.

    Args:
        data: the file.
        keys: the log's public keys, from somewhere else.
        origin: the log's name.
        witnesses: who may cosign; none: the line stays open.
        policy: how many of them must have.
        named: whose the other keys were; without it those lines stay open.
    """
    try:
        bundle = Bundle.decode(data)
        realm = Realm(bytes.fromhex(origin.rpartition("/")[2]))
        if bundle.origin != origin:
            raise TrustError("LOG_ORIGIN", "the bundle is of another log")
    except (SambandError, ValueError) as error:
        return [Line("file", State.BROKEN, error.code if isinstance(error, SambandError) else "LOG_ORIGIN")]
    lines = [Line("file", State.HOLDS, bundle.message_id.hex())]
    try:
        checkpoint, note = opened(bundle.checkpoint, keys, origin)
    except SambandError as error:
        return [*lines, Line("checkpoint", State.BROKEN, error.code)]
    lines.append(Line("checkpoint", State.HOLDS, str(checkpoint.size)))
    lines.append(_witnesses(note, witnesses, policy))
    held = {kid_of(realm, Purpose(purpose), public): VerifyKey(realm, Purpose(purpose), public)
            for purpose, public in _known(bundle)}  # fmt: skip
    records: list[StampRecord] = []
    used: set[bytes] = set()
    for told in bundle.stamps:
        lines += _stamp(told, bundle, checkpoint, realm, held, named, records, used)
    lines += _label(bundle, realm, held, named, records, used)
    if {bytes(kid) for kid in held} != used or len(held) != len(bundle.keys):
        lines.append(Line("keys", State.BROKEN, "KEY_UNUSED"))
    return [*lines, _order(bundle, records)]


def _known(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    """Yield the keys whose purpose is one that a bundle may carry, and that are keys at all."""
    for purpose, public in bundle.keys:
        try:
            VerifyKey(Realm(bytes(16)), Purpose(purpose), public)
        except (SambandError, ValueError):
            continue
        if purpose in (Purpose.GATE_STAMP, Purpose.PARTY_SIGN):
            yield purpose, public


def _witnesses(note: Note, witnesses: Sequence[Witness], policy: Policy) -> Line:
    if not witnesses:
        return Line("witnesses", State.OPEN, "no witness keys are known here")
    try:
        said = cosigners(note, witnesses)
        policy.check(said)
    except SambandError as error:
        return Line("witnesses", State.BROKEN, error.code)
    if len(note.lines) != len({each.witness.name for each in said}) + 1:
        return Line("witnesses", State.BROKEN, "BUNDLE_LINES")
    return Line("witnesses", State.HOLDS, ", ".join(sorted(each.witness.name.rpartition("/")[2] for each in said)))


def _stamp(
    told: Told, bundle: Bundle, checkpoint: Checkpoint, realm: Realm, held: dict[Any, VerifyKey], named: Named | None,
    records: list[StampRecord], used: set[bytes],
) -> Iterator[Line]:  # fmt: skip
    what = "record"
    try:
        stamp = Stamped.decode(told.stamp)
        record = StampRecord.decode(stamp.record)
        what = record.kind if record.kind in ("decision", "receipt", "recall", "event", "refusal") else "record"
        if bundle.message_id not in (record.message_id, record.subject):
            raise TrustError("BUNDLE_OTHER", "the record is of another message")
        entry = entry_of(realm, stamp.salt, stamp.record)
        verify_inclusion(leaf_hash(entry), told.index, checkpoint.size, checkpoint.root, told.path)
        yield Line(f"{what}.log", State.HOLDS, f"{record.outcome}, {told.index}")
        if (key := held.get(stamp.kid)) is None:
            raise TrustError("KEY_UNKNOWN", "the key of the gate's signature is not in the file")
        used.add(stamp.kid)
        verify_entry(key, entry, stamp)
        yield _named(f"{what}.gate", named, Purpose.GATE_STAMP, key, record.decided_at)
        records.append(record)
    except SambandError as error:
        yield Line(what, State.BROKEN, error.code)


def _label(
    bundle: Bundle, realm: Realm, held: dict[Any, VerifyKey], named: Named | None, records: list[StampRecord],
    used: set[bytes],
) -> Iterator[Line]:  # fmt: skip
    label = bundle.label
    if label is None:
        yield Line("label", State.OPEN, "its holder does not keep it")
        return
    try:
        routing = Routing.decode(label.routing)
        leaf = label.leaf(realm)
        judged = next((each for each in records if each.message_id == routing.message_id and each.leaf == leaf), None)
        if routing.message_id != bundle.message_id or judged is None:
            raise TrustError("LEAF", "the gate judged another message")
        yield Line("label", State.HOLDS, f"{routing.type}, {routing.sender} → {routing.recipient}")
        if (key := held.get(label.kid)) is None:
            raise TrustError("KEY_UNKNOWN", "the key of the sender's signature is not in the file")
        used.add(label.kid)
        root = root_from_path(leaf, label.n, label.i, label.path)
        key.verify("batch", label.kid + label.n.to_bytes(4, "big") + root, label.sig)
        yield _named("label.sender", named, Purpose.PARTY_SIGN, key, judged.decided_at)
    except SambandError as error:
        yield Line("label", State.BROKEN, error.code)


def _named(what: str, named: Named | None, purpose: Purpose, key: VerifyKey, at: int) -> Line:
    if key.purpose is not purpose:
        return Line(what, State.BROKEN, "KEY_PURPOSE")
    if named is None:
        return Line(what, State.OPEN, "the signature holds; whose the key is was not looked at")
    try:
        return Line(what, State.HOLDS, named(purpose, key, at))
    except SambandError as error:
        return Line(what, State.BROKEN, error.code)


def _order(bundle: Bundle, records: list[StampRecord]) -> Line:
    """Say whether there is a decision, each leaf once, in the log's order."""
    places = [each.index for each in bundle.stamps]
    judged = any(each.message_id == bundle.message_id for each in records)
    if places != sorted(set(places)) or not judged:
        return Line("whole", State.BROKEN, "BUNDLE_ORDER")
    return Line("whole", State.HOLDS, str(len(records)))
