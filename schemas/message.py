"""Message, hop and record: what is signed once and travels unchanged, and what wraps it from hop to hop.

    RECORD (Kafka value) = Confluent frame, Avro{v, opener, nonce12, ct};  ct seals a padded hop
    UP     = 0x01 ‖ u64 seq ‖ lp16 trace ‖ MESSAGE
    DOWN   = 0x02 ‖ u32 gate partition ‖ u64 box_seq ‖ lp16 trace ‖ lp32 STAMPED? ‖ lp32 MESSAGE? ‖ instance16 ‖ u64 ack
    MESSAGE = 0x01 ‖ lp32 routing ‖ lp32 content ‖ kid32 ‖ sig64 ‖ u16 n ‖ u16 i ‖ u8 p ‖ p × 32

Every hop is padded to one length per content size class, in both directions and for receipts too, so that a length
tells the class and nothing else. Format page: § Layout, MESSAGE, RECORD, UP, DOWN.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from msgspec import Struct

from samband.schemas.codec import FlatCodec, Reader, fixed, lp16, lp32
from samband.schemas.errors import FormatError

__all__ = [
    "CONTENT_CLASSES",
    "NO_INSTANCE",
    "RECORD",
    "SEAL_OVERHEAD",
    "Down",
    "Message",
    "Up",
    "content_class",
    "hop_length",
    "pad",
    "unpad",
]

RECORD: Final = FlatCodec(
    "record", {"v": "int", "opener": "bytes", "nonce": fixed(12), "ct": "bytes"}, {"opener": 2048}
)

CONTENT_CLASSES: Final = tuple(kib * 1024 for kib in (2, 8, 32, 128, 512))
"""Lengths of a padded content in bytes."""

SEAL_OVERHEAD: Final = 1136
"""Bytes that HPKE MLKEM768_X25519 with AES-256-GCM adds: 1120 encapsulated key, 16 tag."""

_ALLOWANCE: Final = 4096
"""Room in a hop for all that is not content; the format's field maxima keep below it."""

NO_INSTANCE: Final = bytes(16)
_SEQ: Final = struct.Struct(">BQ")
_BOX: Final = struct.Struct(">BIQ")
_ACK: Final = struct.Struct(">16sQ")
_PLACE: Final = struct.Struct(">HHB")


def content_class(size: int) -> int:
    """Return the smallest class in bytes that holds `size` bytes.

    Raises:
        FormatError: more than the largest class.
    """
    for each in CONTENT_CLASSES:
        if size <= each:
            return each
    raise FormatError("CONTENT_TOO_LARGE", f"the content is larger than {CONTENT_CLASSES[-1] // 1024} KiB")


@lru_cache(64)
def hop_length(sealed: int) -> int:
    """Return the padded length of a hop whose message has `sealed` bytes of sealed content (0: none)."""
    return content_class(max(sealed - SEAL_OVERHEAD, 0)) + _ALLOWANCE


def pad(hop: bytes, sealed: int) -> bytes:
    """Return `hop` behind its u32 length, zero-filled to its one length.

    Raises:
        FormatError: the label and its proofs are longer than the format allows.
    """
    length = hop_length(sealed)
    if len(hop) + 4 > length:
        raise FormatError("HOP_TOO_LONG", "the label and its proofs are longer than the format allows")
    return lp32(hop).ljust(length, b"\0")


def unpad(padded: bytes) -> bytes:
    """Return the hop in `padded`.

    Raises:
        FormatError: no hop, or padding that is not zero.
    """
    reader = Reader(padded)
    hop = reader.lp32()
    rest = padded[4 + len(hop) :]
    if rest != bytes(len(rest)):
        raise FormatError("FORMAT_PADDING", "the padding of a hop is not zero")
    return hop


def read_path(reader: Reader, place: struct.Struct) -> tuple[int, int, tuple[bytes, ...]]:
    """Return n, i and the audit path; `place` says how wide n and i are."""
    n, i, steps = reader.unpack(place)
    path = reader.take(32 * steps)
    return n, i, tuple([path[at : at + 32] for at in range(0, len(path), 32)])


def write_path(n: int, i: int, path: tuple[bytes, ...], place: struct.Struct) -> bytes:
    """Return n, i and the audit path as bytes."""
    return place.pack(n, i, len(path)) + b"".join(path)


class Message(Struct, frozen=True):
    """Label and sealed content with the sender's batch signature: unchanged from sender to recipient."""

    routing: bytes
    content: bytes
    kid: bytes
    sig: bytes
    n: int
    i: int
    path: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the message's bytes."""
        proof = write_path(self.n, self.i, self.path, _PLACE)
        routing, content = lp32(self.routing), lp32(self.content)
        return b"".join((b"\x01", routing, content, self.kid, self.sig, proof))

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """Return the message in `data`; nothing in it is verified.

        Raises:
            FormatError: not a message of version 1.
        """
        reader = Reader(data)
        reader.version(1)
        routing, content, proof = reader.lp32(), reader.lp32(), reader.take(96)
        n, i, path = read_path(reader, _PLACE)
        reader.end()
        return cls(routing, content, proof[:32], proof[32:], n, i, path)


class Up(Struct, frozen=True):
    """What a connector sends to the gate. `seq` counts per connector instance and partition, from 1, without gaps."""

    seq: int
    message: bytes
    trace: bytes = b""

    def encode(self) -> bytes:
        """Return the hop's bytes."""
        return _SEQ.pack(1, self.seq) + lp16(self.trace) + self.message

    @classmethod
    def decode(cls, data: bytes) -> Up:
        """Return the hop in `data`; the message is not parsed.

        Raises:
            FormatError: not an upward hop.
        """
        reader = Reader(data)
        reader.version(1)
        seq, trace = reader.number(8), reader.lp16()
        return cls(seq, reader.rest(), trace)


class Down(Struct, frozen=True):
    """What the gate sends to a party: a stamped record, a message with it, or only an acknowledgement.

    `stamped` is one stamp; without a message it may be several, one after the other: answers to one instance.
    `ack` is the highest seq of `instance` in the gate's partition that is decided; (NO_INSTANCE, 0) says nothing.
    """

    partition: int
    box_seq: int
    stamped: bytes
    message: bytes = b""
    instance: bytes = NO_INSTANCE
    ack: int = 0
    trace: bytes = b""

    def encode(self) -> bytes:
        """Return the hop's bytes."""
        head = _BOX.pack(2, self.partition, self.box_seq) + lp16(self.trace)
        return head + lp32(self.stamped) + lp32(self.message) + _ACK.pack(self.instance, self.ack)

    @classmethod
    def decode(cls, data: bytes) -> Down:
        """Return the hop in `data`; stamp and message are not parsed.

        Raises:
            FormatError: not a downward hop.
        """
        reader = Reader(data)
        reader.version(2)
        partition, box_seq, trace = reader.number(4), reader.number(8), reader.lp16()
        stamped, message, instance, ack = reader.lp32(), reader.lp32(), reader.take(16), reader.number(8)
        reader.end()
        return cls(partition, box_seq, stamped, message, instance, ack, trace)
