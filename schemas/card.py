"""Cards: what the agreement's authority says about a party and its units. Public, on a compacted topic.

    CARD (Kafka value) = Confluent frame, Avro{v, card, sigs};  each sig = {kid, Ed25519(root key, D("card") ‖ card)}

A card holds as many signatures of different root keys as the root metadata asks for. It names the party's own root key;
that key signs the party's key cards (`samband.schemas.key_card`), so the authority never makes a key for a party. The
hub has a card too, without units. Format page: § Directory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from samband.schemas.codec import Codec, fixed
from samband.schemas.errors import FormatError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

__all__ = ["MOST_SIGNATURES", "SIGNATURES", "SIGNED_CARD", "Card"]

MOST_SIGNATURES: Final = 16
SIGNATURES: Final = {
    "type": "array",
    "items": {
        "type": "record",
        "name": "signature",
        "fields": [{"name": "kid", "type": fixed(32)}, {"name": "sig", "type": fixed(64)}],
    },
}
"""Signatures of root keys, sorted by kid, each key once."""

SIGNED_CARD: Final = Codec(
    "card", {"v": "int", "card": "bytes", "sigs": SIGNATURES}, {"card": 200_000, "sigs": MOST_SIGNATURES}
)

_TEXTS: Final = ("id", "kind", "regime", "name", "municipality", "telephone", "hours", "does", "covering")
_UNIT: Final = {
    "type": "record",
    "name": "unit",
    "fields": [
        *({"name": name, "type": "string"} for name in _TEXTS),
        {"name": "receives", "type": {"type": "array", "items": "string"}},
        {"name": "retired", "type": "boolean"},
        {"name": "serves", "type": {"type": "array", "items": "string"}},
    ],
}
_CARD: Final = Codec(
    "party_card",
    {
        "v": "int",
        "party": "string",
        "version": "long",
        "name": "string",
        "organisation": "string",
        "agreement": "string",
        "environment": "string",
        "root": fixed(32),
        "retired": "boolean",
        "units": {"type": "array", "items": _UNIT},
    },
    limits={"party": 40, "name": 200, "organisation": 12, "agreement": 14, "environment": 10, "units": 500},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A party as the authority describes it. A higher version replaces a lower one."""

    v: int = 1
    party: PartyId
    version: int
    name: str
    organisation: str
    """Organisation number, 10 digits."""
    agreement: str
    environment: str
    """`test` or `production`; never mixed."""
    root: bytes
    """The party's root key (Ed25519, 32 bytes), which signs its key cards."""
    retired: bool = False
    """It says nothing more. What it said before still verifies."""
    units: tuple[Unit, ...]

    def encode(self) -> bytes:
        """Return the card's one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        value: dict[str, Any] = asdict(self)
        for unit in value["units"]:
            del unit["party"]
            unit["kind"], unit["regime"] = str(unit["kind"]), str(unit["regime"])
            unit["receives"], unit["serves"] = list(unit["receives"]), list(unit["serves"])
        value["units"] = list(value["units"])
        return _CARD.encode(value)

    @classmethod
    def decode(cls, data: bytes) -> Card:
        """Return the card in `data`; nothing is verified.

        Raises:
            FormatError: not a card of version 1 in its one form, or with a kind of unit that is not known here.
        """
        value = _CARD.decode(data)
        if value["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
        party = PartyId(value["party"])
        try:
            units = tuple(_unit(each, party) for each in value.pop("units"))
        except ValueError as error:
            raise FormatError("CARD_KIND", "the card names a kind of unit that is not known here") from error
        return cls(units=units, **value)


def _unit(fields: dict[str, Any], party: PartyId) -> Unit:
    return Unit(
        **{
            **fields,
            "id": UnitId(fields["id"]),
            "party": party,
            "kind": UnitKind(fields["kind"]),
            "regime": Regime(fields["regime"]),
            "receives": tuple(fields["receives"]),
            "serves": tuple(fields["serves"]),
        }
    )
