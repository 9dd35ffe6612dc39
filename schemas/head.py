"""Heads: which records the directory holds, all of them, at one version. Public, on the directory's compacted topic.

    HEAD (Kafka value) = Confluent frame, Avro{v, head, kid, sig};  sig = Ed25519(directory head key, D("head") ‖ head)
    root = Merkle root (RFC 6962) over SHA-256(0x00 ‖ D("directory") ‖ lp16 name ‖ value) of each, by name

A reader takes no record into use that a fitting head does not name: so nobody can show it an old card beside a new one,
or hold one back unnoticed. Format page: § Directory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from samband.schemas.codec import Codec, fixed
from samband.schemas.errors import FormatError

__all__ = ["HEAD_MS", "SIGNED_HEAD", "STALE_MS", "Head"]

HEAD_MS: Final = 24 * 3_600_000
"""Life of a head in milliseconds: an expired one is not taken."""

STALE_MS: Final = 72 * 3_600_000
"""Age in milliseconds at which gate and connectors stop, counted from when the last head was made."""

SIGNED_HEAD: Final = Codec("head", {"v": "int", "head": "bytes", "kid": fixed(32), "sig": fixed(64)}, {"head": 300})
_HEAD: Final = Codec(
    "directory_head",
    {
        "v": "int",
        "agreement": "string",
        "version": "long",
        "previous": fixed(32),
        "root": fixed(32),
        "count": "int",
        "suite": "int",
        "issued": "long",
        "expires": "long",
    },
    limits={"agreement": 14},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One version of the directory. Times are milliseconds since 1970 UTC."""

    v: int = 1
    agreement: str
    version: int
    """From 1, one more each time."""
    previous: bytes
    """SHA-256 of the head before; zeros in the first."""
    root: bytes
    count: int
    """How many records."""
    suite: int
    """Lowest suite that is accepted."""
    issued: int
    expires: int

    def encode(self) -> bytes:
        """Return the one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        return _HEAD.encode(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Head:
        """Return the head in `data`; nothing is verified.

        Raises:
            FormatError: not a head of version 1 in its one form.
        """
        value = _HEAD.decode(data)
        if value["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
        return cls(**value)
