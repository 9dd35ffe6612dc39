"""The next child-reference key, as the agreement's authority gives it to one party on the directory's topic.

    REFERENCE (Kafka value) = Confluent frame, Avro{v, reference, sigs};  sigs as on a card, over D("reference")

Everybody reads from when an epoch holds, and nobody but the party reads the key: not the hub, not its operator. Format
page: § Layout, REFERENCE.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from samband.schemas.card import MOST_SIGNATURES, SIGNATURES
from samband.schemas.codec import Codec, fixed
from samband.schemas.errors import FormatError

__all__ = ["FIRST_EPOCH", "REFERENCE_BYTES", "SIGNED_REFERENCE", "Reference"]

FIRST_EPOCH: Final = 1
"""The epoch of the key that a party gets when it joins a new agreement; no record announces it."""

REFERENCE_BYTES: Final = 32 + 1136
"""Length of the sealed key."""

SIGNED_REFERENCE: Final = Codec(
    "reference", {"v": "int", "reference": "bytes", "sigs": SIGNATURES}, {"reference": 1400, "sigs": MOST_SIGNATURES}
)
_REFERENCE: Final = Codec(
    "reference_key",
    {
        "v": "int",
        "agreement": "string",
        "e": "int",
        "effective_from": "long",
        "issued": "long",
        "party": "string",
        "hop": fixed(32),
        "sealed": "bytes",
    },
    limits={"agreement": 14, "party": 40, "sealed": REFERENCE_BYTES},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One epoch's key for one party. Times are milliseconds since 1970 UTC."""

    v: int = 1
    agreement: str
    e: int
    """From 2, one more at each rotation."""
    effective_from: int
    """From when messages go under it; the same for every party."""
    issued: int
    """When it was sealed: a later one, to another hop key, replaces an earlier one."""
    party: str
    hop: bytes
    """The kid of the hop key that it is sealed to."""
    sealed: bytes

    def encode(self) -> bytes:
        """Return the one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        return _REFERENCE.encode(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Reference:
        """Return the record in `data`; nothing is verified.

        Raises:
            FormatError: not a record of version 1 in its one form, or of an epoch that no record announces.
        """
        value = _REFERENCE.decode(data)
        if value["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
        if not FIRST_EPOCH < value["e"] < 1 << 31 or value["effective_from"] <= 0 or value["issued"] <= 0:
            raise FormatError("FORMAT_FIELD", "an epoch has a number from 2 and begins at a time")
        if len(value["sealed"]) != REFERENCE_BYTES:
            raise FormatError("FORMAT_FIELD", "a sealed child-reference key has one length")
        return cls(**value)
