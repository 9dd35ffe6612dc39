"""The directory: which party, unit, key and rule there is, learned from what the agreement's root has signed.

Nothing in it is believed that the root did not sign. A card replaces an older version of itself and never a newer one.
Heads, revocation and witnesses have their place in the format (§ Directory) and are not read here yet.

    directory = Directory(root)
    directory.learn(value_of_a_directory_record)
    directory.unit("SE2120002080-IFO").kind
"""

from __future__ import annotations

from dataclasses import dataclass

from samband.schemas.card import SIGNED_CARD, Card, CardKey
from samband.schemas.codec import frame, is_framed, unframe
from samband.schemas.errors import FormatError, RefusedError, TrustError
from samband.schemas.signed_rules import SIGNED_RULES
from samband.schemas.units import Unit
from samband.streams.crypto.keys import SUITE, Kid, Purpose, Realm, SealKey, SignKey, VerifyKey, kid_of
from samband.streams.rules import RulesInForce

__all__ = ["HUB", "Directory", "Known", "sign_card"]

HUB = "hub"
"""The party id of the gate's own card."""


def sign_card(root: SignKey, card: Card) -> bytes:
    """Return the signed card as a Kafka value."""
    data = card.encode()
    return frame(SIGNED_CARD, {"v": 1, "card": data, "kid": root.kid, "sig": root.sign("card", data)})


@dataclass(frozen=True, slots=True)
class Known:
    """A key with the card's word about it."""

    party: str
    card_key: CardKey
    kid: Kid
    key: VerifyKey | SealKey

    def check(self, now: int) -> None:
        """Check that the key is within its time.

        Raises:
            TrustError: not yet, or no longer.
        """
        if not self.card_key.not_before <= now < self.card_key.not_after:
            raise TrustError("KEY_EXPIRED", f"a {self.card_key.purpose} key of `{self.party}` is outside its time")


class Directory:
    """All verified cards, by party, unit and key. Only grows or moves to newer versions."""

    def __init__(self, root: VerifyKey, *, production: bool = False) -> None:
        self._root = root
        self.rules = RulesInForce(root, production=production)
        self.realm: Realm = root.realm
        self.cards: dict[str, Card] = {}
        self.version = 0
        """Sum of the cards' versions: rises with each change."""
        self._units: dict[str, Unit] = {}
        self._keys: dict[bytes, Known] = {}

    def learn(self, value: bytes) -> str:
        """Verify a directory record and take it, a card or rules; return the name that it is kept by.

        Raises:
            FormatError: neither.
            TrustError: the root did not sign it, or a unit or key is another party's.
            OperatorError: rules that cannot hold.
        """
        if is_framed(SIGNED_RULES, value):
            return f"rules-{self.rules.learn(value).number:04}"
        return self._learn_card(value).party

    def _learn_card(self, value: bytes) -> Card:
        """Take a card; an older version than the known one changes nothing."""
        signed = unframe(SIGNED_CARD, value)
        if signed["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {signed['v']} is not read here, only 1")
        if signed["kid"] != self._root.kid:
            raise TrustError("CARD_ROOT", "the card is signed by another root")
        self._root.verify("card", signed["card"], signed["sig"])
        try:
            card = Card.decode(signed["card"])
            purposes = [Purpose(each.purpose) for each in card.keys]
        except ValueError as error:
            raise FormatError("CARD_KIND", "the card names a kind of unit or key that is not known here") from error
        if (known := self.cards.get(card.party)) and known.version >= card.version:
            return known
        self._check_units(card)
        keys = [self._known(card, each, purpose) for each, purpose in zip(card.keys, purposes, strict=True)]
        for unit in [unit for unit in self._units.values() if unit.party == card.party]:
            del self._units[unit.id]
        for kid in [kid for kid, known_key in self._keys.items() if known_key.party == card.party]:
            del self._keys[kid]
        self.cards[card.party] = card
        self._units |= {unit.id: unit for unit in card.units}
        self._keys |= {each.kid: each for each in keys}
        self.version = sum(each.version for each in self.cards.values())
        return card

    def _check_units(self, card: Card) -> None:
        for unit in card.units:
            if (other := self._units.get(unit.id)) and other.party != card.party:
                raise TrustError("CARD_UNIT", f"unit `{unit.id}` is on another party's card already")

    def _known(self, card: Card, each: CardKey, purpose: Purpose) -> Known:
        if each.suite != SUITE:
            raise FormatError("FORMAT_SUITE", f"suite {each.suite} is not accepted, only {SUITE}")
        kid = kid_of(self.realm, purpose, each.public)
        if (other := self._keys.get(kid)) and other.party != card.party:
            raise TrustError("CARD_KEY", "a key is on another party's card already")
        sealing = purpose in (Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER, Purpose.PARTY_HOP, Purpose.GATE_HOP)
        key = (SealKey if sealing else VerifyKey)(self.realm, purpose, each.public)
        return Known(card.party, each, kid, key)

    def unit(self, unit: str) -> Unit:
        """Return a unit.

        Raises:
            RefusedError: no card names it.
        """
        if found := self._units.get(unit):
            return found
        raise RefusedError("UNIT_UNKNOWN", f"no card names unit `{unit}`")

    def find_unit(self, unit: str) -> Unit | None:
        """Return a unit, or None where no card names it."""
        return self._units.get(unit)

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units, by id."""
        return tuple(sorted(self._units.values(), key=lambda unit: unit.id))

    def key(self, kid: bytes, purpose: Purpose, now: int) -> Known:
        """Return a key that is good for `purpose` at `now`.

        Raises:
            TrustError: no card names it, it has another purpose, or it is outside its time.
        """
        found = self._keys.get(kid)
        if found is None:
            raise TrustError("KEY_UNKNOWN", f"no card names the {purpose} key")
        if found.card_key.purpose != purpose:
            raise TrustError("KEY_PURPOSE", f"a {found.card_key.purpose} key was used as {purpose}")
        found.check(now)
        return found

    def verify_key(self, kid: bytes, purpose: Purpose, now: int) -> tuple[str, VerifyKey]:
        """Return (party, key) of a signing key that is good at `now`.

        Raises:
            TrustError: as in `key`.
        """
        found = self.key(kid, purpose, now)
        assert isinstance(found.key, VerifyKey)
        return found.party, found.key

    def seal_key(self, party: str, purpose: Purpose, now: int, unit: str = "") -> SealKey:
        """Return the newest key to seal to for a party, or for one of its units.

        Raises:
            TrustError: its card has none that is good at `now`.
        """
        card = self.cards.get(party)
        for each in sorted(card.keys if card else (), key=lambda each: -each.not_before):
            if each.purpose == purpose and each.unit == unit and each.not_before <= now < each.not_after:
                key = self._keys[kid_of(self.realm, purpose, each.public)].key
                assert isinstance(key, SealKey)
                return key
        raise TrustError("KEY_MISSING", f"party `{party}` has no {purpose} key that is good now")

    def content_key_of(self, kid: bytes, unit: Unit, now: int) -> None:
        """Check that `kid` is a content key of `unit`, current or in overlap.

        Raises:
            TrustError: another unit's, unknown, or outside its time.
        """
        found = self._keys.get(kid)
        if found is None or found.party != unit.party or found.card_key.unit != unit.id:
            raise TrustError("RECIPIENT_KEY", "the content is sealed to a key that is not the recipient unit's")
        if found.card_key.purpose not in (Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER):
            raise TrustError("KEY_PURPOSE", "the content is sealed to a key that is not for content")
        found.check(now)
