"""Stamped records: the gate's word about one message, to the parties as permit or receipt and to the log as a leaf.

    entry   = SHA-256(D("entry") ‖ salt32 ‖ record)
    STAMPED = 0x01 ‖ lp32 record ‖ salt32 ‖ gate kid32 ‖ gsig64 ‖ u32 n ‖ u32 i ‖ u8 p ‖ p × 32

Format page: § Layout, STAMPED and AUDIT.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from msgspec import Struct

from samband.schemas.codec import FlatCodec, Reader, check_times, fixed, lp32
from samband.schemas.errors import FormatError
from samband.schemas.message import read_path, write_path

__all__ = ["AUDIT", "PART", "StampRecord", "Stamped", "entries_text"]

_ENTRIES: Final = re.compile(r"entries ([1-9][0-9]{0,18})", re.ASCII)

_CODEC: Final = FlatCodec(
    "stamp",
    {
        "v": "int",
        "kind": "string",
        "leaf": fixed(32),
        "message_id": fixed(16),
        "subject": ["null", fixed(16)],
        "sender": "string",
        "recipient": "string",
        "ref": fixed(16),
        "type": "string",
        "ask": "boolean",
        "outcome": "string",
        "code": "string",
        "grounds": {"type": "array", "items": "string"},
        "reasons": {"type": "array", "items": "string"},
        "consents": {"type": "array", "items": fixed(32)},
        "obligations": {"type": "array", "items": "string"},
        "categories": {"type": "array", "items": "string"},
        "user": fixed(32),
        "rulebook": fixed(32),
        "directory": "long",
        "decided_at": "long",
        "appended_at": "long",
    },
    limits={
        "kind": 16,
        "sender": 64,
        "recipient": 64,
        "type": 40,
        "outcome": 16,
        "code": 40,
        "grounds": 8,
        "reasons": 8,
        "consents": 8,
        "obligations": 8,
        "categories": 12,
    },
)

AUDIT: Final = FlatCodec(
    "audit",
    {
        "v": "int",
        "month": "int",
        "partition": "int",
        "audit_seq": "long",
        "entry": fixed(32),
        "kid": fixed(32),
        "sig": fixed(64),
        "n": "int",
        "i": "int",
        "path": "bytes",
        "sealed": "bytes",
    },
    limits={"path": 32 * 32, "sealed": 4096},
)
"""One record of `samband.audit.v1`: the leaf in the open, its (salt, record) sealed under the audit key of `month`."""


PART: Final = "PART"
"""Code of the decision on a piece of a file; its `subject` is the message that the file goes with."""


class StampRecord(Struct, frozen=True, kw_only=True):
    """What the gate says about one message. Times are milliseconds since 1970 UTC.

    `kind`: `decision` (a message or a question was judged; of a piece of a file `code` is `PART` and `subject` the
    message that it goes with), `answer` (what a unit that has no part in the child is told instead of the decision,
    which the log alone holds), `event` (a consent, circle or mark was taken or refused),
    `notice` (to those who lean on it: a consent, `subject`, that a withdrawal closed), `receipt` (a recipient's receipt
    was taken), `recall` (`subject` is stopped), `refusal` (not even judged: `code`), `erasure` (kept records were
    erased: `leaf` is the hash over their entries, `code` the rule, `sender` the unit), `sample` (a spot check was asked
    for, drawn, or something was found: `subject` the check, `leaf` the decision), `head` (the gate's sign of life
    to every inbox: `leaf` is the hash of the directory's head, `user` the root of the newest checkpoint that the gate
    was shown and `reasons` its size as "entries N"; zeros and none before the first), `gate_state` (to the log alone:
    what the gate's own state was when it said this: `leaf` is the sum over it, `reasons` its "version N", "audit N").
    `outcome`: `permit`, `deny`, `ask`, `accepted`, `refused`, `recalled`, `erased`, `said`, or a receipt's level.
    """

    v: int = 1
    kind: str
    leaf: bytes
    message_id: bytes
    subject: bytes | None = None
    sender: str
    recipient: str
    ref: bytes
    type: str
    ask: bool = False
    outcome: str
    code: str = ""
    grounds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    consents: tuple[bytes, ...] = ()
    """Log entries of the consents that were leaned on."""
    obligations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    user: bytes = bytes(32)
    """The sender's salted commitment to the acting user."""
    rulebook: bytes
    directory: int
    decided_at: int
    appended_at: int

    @property
    def checkpoint(self) -> tuple[int, bytes] | None:
        """The log's (size, root) that a head names; None where it names none."""
        if self.kind != "head" or len(self.reasons) != 1 or not (found := _ENTRIES.fullmatch(self.reasons[0])):
            return None
        return int(found[1]), self.user

    def encode(self) -> bytes:
        """Return the record's one encoding."""
        return _CODEC.encode_object(self)

    @classmethod
    def decode(cls, data: bytes) -> StampRecord:
        """Return the record in `data`.

        Raises:
            FormatError: not a record of version 1 in its one form.
        """
        record = _CODEC.decode_as(cls, data)
        if record.v != 1:
            raise FormatError("FORMAT_VERSION", f"version {record.v} is not read here, only 1")
        check_times(record.decided_at)
        return record


def entries_text(size: int) -> str:
    """Return a number of log entries as a record says it."""
    return f"entries {size}"


_PLACE: Final = struct.Struct(">IIB")


class Stamped(Struct, frozen=True):
    """A stamp record with its salt and the gate's signature over the root of its transaction."""

    record: bytes
    salt: bytes
    kid: bytes
    sig: bytes
    n: int
    i: int
    path: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the stamp's bytes."""
        proof = write_path(self.n, self.i, self.path, _PLACE)
        return b"\x01" + lp32(self.record) + self.salt + self.kid + self.sig + proof

    @classmethod
    def decode(cls, data: bytes) -> Stamped:
        """Return the one stamp in `data`; nothing in it is verified.

        Raises:
            FormatError: not one stamp of version 1.
        """
        reader = Reader(data)
        stamped = cls._read(reader)
        reader.end()
        return stamped

    @classmethod
    def decode_all(cls, data: bytes) -> list[Stamped]:
        """Return the stamps that stand in `data` one after the other, at least one; nothing in them is verified.

        Raises:
            FormatError: not stamps of version 1.
        """
        reader = Reader(data)
        found = [cls._read(reader)]
        while not reader.ended:
            found.append(cls._read(reader))
        return found

    @classmethod
    def _read(cls, reader: Reader) -> Stamped:
        reader.version(1)
        record, salt, kid, sig = reader.lp32(), reader.take(32), reader.take(32), reader.take(64)
        return cls(record, salt, kid, sig, *read_path(reader, _PLACE))
