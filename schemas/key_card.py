"""Key cards: what a party says about its own public keys, and takes back. Public, on the directory's compacted topic.

    KEY (Kafka value) = Confluent frame, Avro{v, key, kid, sig, revocation?}
        sig        = Ed25519(party root, D("key") ‖ key),  kid = the party root's
        revocation = Avro{v, revoked32, party, at, reason, kid, sig}
                     sig = Ed25519(party root or an agreement's root key, D("revocation") ‖ the fields before kid)

The record's name is the key's own kid: nothing overwrites a key card but the same card with its revocation, so what a
key signed can be verified for as long as there are records. Format page: § Directory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from samband.schemas.card import MOST_SIGNATURES, SIGNATURES
from samband.schemas.codec import Codec, fixed
from samband.schemas.errors import FormatError

__all__ = ["SIGNED_KEY", "SIGNED_REVOCATION", "KeyCard", "Reason", "Revocation"]

SIGNED_KEY: Final = Codec(
    "key",
    {"v": "int", "key": "bytes", "kid": fixed(32), "sig": fixed(64), "revocation": ["null", "bytes"]},
    {"key": 1600, "revocation": 1600},
)
SIGNED_REVOCATION: Final = Codec(
    "signed_revocation",
    {"v": "int", "revocation": "bytes", "sigs": SIGNATURES},
    {"revocation": 200, "sigs": MOST_SIGNATURES},
)
_KEY: Final = Codec(
    "key_card",
    {
        "v": "int",
        "party": "string",
        "purpose": "string",
        "unit": "string",
        "suite": "int",
        "public": "bytes",
        "not_before": "long",
        "not_after": "long",
    },
    limits={"party": 40, "purpose": 32, "unit": 64, "public": 1216},
)
_REVOCATION: Final = Codec(
    "revocation",
    {"v": "int", "revoked": fixed(32), "party": "string", "at": "long", "reason": "string"},
    limits={"party": 40, "reason": 16},
)


class Reason(StrEnum):
    """Why a key is taken back."""

    LOST = "lost"
    """Its holder cannot use it any more."""
    STOLEN = "stolen"
    """Somebody else may have it: what it signed from `at` on is in doubt."""
    REPLACED = "replaced"
    """Another has taken its place before its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCard:
    """A public key. `unit` is empty for a party's own keys. Times are milliseconds since 1970 UTC."""

    v: int = 1
    party: str
    purpose: str
    unit: str
    suite: int
    public: bytes
    not_before: int
    not_after: int

    def encode(self) -> bytes:
        """Return the one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        return _KEY.encode(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> KeyCard:
        """Return the key card in `data`; nothing is verified.

        Raises:
            FormatError: not a key card of version 1 in its one form.
        """
        return cls(**_version_1(_KEY.decode(data)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A key that counts no more. `at` (ms since 1970 UTC) is from when: what it signed before stands."""

    v: int = 1
    revoked: bytes
    party: str
    at: int
    reason: Reason

    def encode(self) -> bytes:
        """Return the one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        return _REVOCATION.encode({**asdict(self), "reason": self.reason.value})

    @classmethod
    def decode(cls, data: bytes) -> Revocation:
        """Return the revocation in `data`; nothing is verified.

        Raises:
            FormatError: not a revocation of version 1 in its one form.
        """
        value = _version_1(_REVOCATION.decode(data))
        if value["reason"] not in list(Reason):
            raise FormatError("REVOCATION_REASON", "the revocation gives a reason that is not known here")
        return cls(**{**value, "reason": Reason(value["reason"])})


def _version_1(value: dict[str, Any]) -> dict[str, Any]:
    if value["v"] != 1:
        raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
    return value
