"""Rules as the agreement's authority signs them: the rulebook and the agreement's terms, from when they hold. Public.

    RULES (Kafka value) = Confluent frame, Avro{v, rules, sigs};  sig = {kid, Ed25519(root key, D("rules") ‖ rules)}

Both texts are TOML as people wrote it, so that what lawyers read is what is signed. Format page: § Directory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from samband.schemas.card import MOST_SIGNATURES, SIGNATURES
from samband.schemas.codec import Codec
from samband.schemas.errors import FormatError

__all__ = ["SIGNED_RULES", "Rules"]

SIGNED_RULES: Final = Codec(
    "rules", {"v": "int", "rules": "bytes", "sigs": SIGNATURES}, {"rules": 600_000, "sigs": MOST_SIGNATURES}
)
_RULES: Final = Codec(
    "agreement_rules",
    {
        "v": "int",
        "number": "int",
        "effective_from": "long",
        "rulebook": "string",
        "terms": "string",
    },
    limits={"rulebook": 400_000, "terms": 100_000},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One version. The one with the highest number among those that have begun holds."""

    v: int = 1
    number: int
    """From 1, one more each time; a number is never used for two texts."""
    effective_from: int
    """Milliseconds since 1970 UTC, by the gate's clock."""
    rulebook: str
    terms: str
    """The agreement as data; empty: none."""

    def encode(self) -> bytes:
        """Return the one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        return _RULES.encode(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Rules:
        """Return the rules in `data`; nothing is verified.

        Raises:
            FormatError: not rules of version 1 in their one form.
        """
        value = _RULES.decode(data)
        if value["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
        return cls(**value)
