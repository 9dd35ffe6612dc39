"""Cards: what the agreement's authority says about a party, its units and its keys. Public, on a compacted topic.

    CARD (Kafka value) = Confluent frame, Avro{v, card, kid, sig};  sig = Ed25519(root, D("card") ‖ card)

The hub has a card too, with the gate's keys and no unit. Format page: § Directory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from samband.schemas.codec import Codec, fixed
from samband.schemas.errors import FormatError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

__all__ = ["SIGNED_CARD", "Card", "CardKey"]

SIGNED_CARD: Final = Codec("card", {"v": "int", "card": "bytes", "kid": fixed(32), "sig": fixed(64)}, {"card": 200_000})

_KEY: Final = {
    "type": "record",
    "name": "key",
    "fields": [
        {"name": "purpose", "type": "string"},
        {"name": "unit", "type": "string"},
        {"name": "suite", "type": "int"},
        {"name": "public", "type": "bytes"},
        {"name": "not_before", "type": "long"},
        {"name": "not_after", "type": "long"},
    ],
}
_UNIT: Final = {
    "type": "record",
    "name": "unit",
    "fields": [
        *(
            {"name": name, "type": "string"}
            for name in ("id", "kind", "regime", "name", "municipality", "telephone", "does")
        ),
        {"name": "receives", "type": {"type": "array", "items": "string"}},
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
        "units": {"type": "array", "items": _UNIT},
        "keys": {"type": "array", "items": _KEY},
    },
    limits={"party": 40, "name": 200, "organisation": 12, "agreement": 14, "units": 500, "keys": 1200},
)


@dataclass(frozen=True, slots=True)
class CardKey:
    """A public key on a card. `unit` is empty for a party's own keys. Times are milliseconds since 1970 UTC."""

    purpose: str
    unit: str
    suite: int
    public: bytes
    not_before: int
    not_after: int


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
    units: tuple[Unit, ...]
    keys: tuple[CardKey, ...]

    def encode(self) -> bytes:
        """Return the card's one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        value: dict[str, Any] = asdict(self)
        for unit in value["units"]:
            del unit["party"]
            unit["kind"], unit["regime"] = str(unit["kind"]), str(unit["regime"])
            unit["receives"] = list(unit["receives"])
        value["units"], value["keys"] = list(value["units"]), list(value["keys"])
        return _CARD.encode(value)

    @classmethod
    def decode(cls, data: bytes) -> Card:
        """Return the card in `data`; nothing is verified.

        Raises:
            FormatError: not a card of version 1 in its one form.
        """
        value = _CARD.decode(data)
        if value["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
        party = PartyId(value["party"])
        units = tuple(
            Unit(
                id=UnitId(each["id"]),
                party=party,
                kind=UnitKind(each["kind"]),
                regime=Regime(each["regime"]),
                name=each["name"],
                municipality=each["municipality"],
                telephone=each["telephone"],
                does=each["does"],
                receives=tuple(each["receives"]),
            )
            for each in value.pop("units")
        )
        keys = tuple(CardKey(**each) for each in value.pop("keys"))
        return cls(units=units, keys=keys, **value)
