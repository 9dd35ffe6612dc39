"""The records of the directory as they are read: verified against each other, in any order; not yet in use.

    book = Book(root)
    book.learn(value)            "skola", "key-…", "rules-0001" or "reference-2-skola"
    book.verified()              what holds so far, by name

Invariants: a higher version of a card replaces a lower one and never the other way; nothing overwrites a key card but
its own revocation; a number of the rules is one text; an epoch of the child-reference key begins at one time. A key
card waits for its party's card, since compaction may give it first. Pure: no clock, no file. What a record says under
a root is worked out once a process (`verified`): it is the same for every book, and never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from samband.schemas.card import SIGNED_CARD, Card
from samband.schemas.codec import is_framed, unframe
from samband.schemas.errors import FormatError, SambandError, TrustError
from samband.schemas.key_card import SIGNED_KEY, SIGNED_REVOCATION, KeyCard, Reason, Revocation
from samband.schemas.reference_key import SIGNED_REFERENCE, Reference
from samband.schemas.signed_rules import SIGNED_RULES, Rules
from samband.schemas.units import Unit
from samband.streams.crypto.keys import SUITE, Kid, Purpose, SealKey, VerifyKey
from samband.streams.directory_records import HUB, key_name, kid_of_card, reference_name, rules_name
from samband.streams.root import Root
from samband.streams.rules import read_rules
from samband.streams.verified import Verified

__all__ = ["Book", "Known"]

_SEALING: Final = frozenset({Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER, Purpose.PARTY_HOP, Purpose.GATE_HOP})
_HUBS: Final = frozenset({Purpose.GATE_HOP, Purpose.GATE_STAMP, Purpose.DIRECTORY_HEAD, Purpose.LOG})
_PARTYS: Final = frozenset(
    {Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER, Purpose.PARTY_HOP, Purpose.PARTY_SIGN, Purpose.PARTY_WITNESS}
)


@dataclass(frozen=True, slots=True)
class Known:
    """A key with the party's word about it."""

    party: str
    card: KeyCard
    kid: Kid
    key: VerifyKey | SealKey
    revocation: Revocation | None

    def is_good(self, now: int) -> bool:
        """Say whether the key is within its time and not revoked."""
        if self.revocation is not None and now >= self.revocation.at:
            return False
        return self.card.not_before <= now < self.card.not_after

    def check(self, now: int) -> None:
        """Check that the key is within its time and not revoked.

        Raises:
            TrustError: `KEY_REVOKED` or `KEY_EXPIRED`.
        """
        if self.is_good(now):
            return
        if self.revocation is not None and now >= self.revocation.at:
            text = f"the {self.card.purpose} key of `{self.party}` is revoked ({self.revocation.reason})"
            raise TrustError("KEY_REVOKED", text)
        raise TrustError("KEY_EXPIRED", f"a {self.card.purpose} key of `{self.party}` is outside its time")

    def check_standing(self) -> None:
        """Check that the key was never taken back as stolen.

        Raises:
            TrustError: it was (`KEY_REVOKED`).
        """
        if self.revocation is not None and self.revocation.reason is Reason.STOLEN:
            raise TrustError("KEY_REVOKED", f"the {self.card.purpose} key of `{self.party}` is revoked as stolen")


class Book:
    """Every record that was read, by name."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._under = (root.data, root.threshold, frozenset(root.keys))
        """What a signature of the authority is checked by."""
        self._values: dict[str, bytes] = {}
        self._cards: dict[str, Card] = {}
        self._keys: dict[str, Known] = {}
        self._rules: dict[str, Rules] = {}
        self._references: dict[str, Reference] = {}
        self._early: dict[str, dict[str, bytes]] = {}
        """Key cards whose party card is not here, or has another root key: by party and name."""

    def __len__(self) -> int:
        """Return how many records hold."""
        return len(self._values)

    def verified(self) -> dict[str, bytes]:
        """Return the values that hold, by name."""
        return dict(self._values)

    def cards(self) -> dict[str, Card]:
        """Return the party cards by party."""
        return dict(self._cards)

    def keys(self) -> dict[Kid, Known]:
        """Return the keys by kid."""
        return {known.kid: known for known in self._keys.values()}

    def rules(self) -> Sequence[Rules]:
        """Return the versions of the rules by number."""
        return [self._rules[name] for name in sorted(self._rules)]

    def references(self) -> Sequence[Reference]:
        """Return the child-reference keys, sealed, by epoch and party."""
        return sorted(self._references.values(), key=lambda each: (each.e, each.party))

    def units(self) -> dict[str, Unit]:
        """Return the units by id.

        Raises:
            TrustError: one stands on two parties' cards (`CARD_UNIT`).
        """
        units: dict[str, Unit] = {}
        for card in self._cards.values():
            for unit in card.units:
                if unit.id in units:
                    raise TrustError("CARD_UNIT", f"unit `{unit.id}` is on two cards")
                units[unit.id] = replace(unit, retired=True) if card.retired else unit
        return units

    def learn(self, value: bytes) -> str:
        """Verify a record and keep it if it is newer than what is there; return its name.

        Raises:
            FormatError: not a card, key card, rules or child-reference key.
            TrustError: not signed by whom it must be, or another text under the same version.
        """
        if is_framed(SIGNED_RULES, value):
            return self._learn_rules(value)
        if is_framed(SIGNED_REFERENCE, value):
            return self._learn_reference(value)
        if is_framed(SIGNED_KEY, value):
            return self._learn_key(value)
        return self._learn_card(value)

    def _learn_rules(self, value: bytes) -> str:
        rules = read_rules(self._root, value)
        name = rules_name(rules.number)
        if self._rules.setdefault(name, rules) != rules:
            raise TrustError("RULES_NUMBER", f"there is another text with the number {rules.number}")
        self._values.setdefault(name, value)
        return name

    def _learn_reference(self, value: bytes) -> str:
        signed = _version_1(unframe(SIGNED_REFERENCE, value))
        self._root.verify("reference", signed["reference"], signed["sigs"])
        record = Reference.decode(signed["reference"])
        if record.agreement != self._root.agreement:
            raise TrustError("AGREEMENT", "the child-reference key is for another agreement")
        for other in self._references.values():
            if (record.e > other.e) != (record.effective_from > other.effective_from) or (
                record.e == other.e and record.effective_from != other.effective_from
            ):
                raise TrustError("REFERENCE_TIME", "the epochs of the child-reference key do not follow each other")
        name = reference_name(record.e, record.party)
        known = self._references.get(name)
        if known is not None and known.issued >= record.issued:
            if known.issued == record.issued and known != record:
                raise TrustError("REFERENCE_ISSUED", "there is another child-reference key of the same time")
            return name
        self._references[name], self._values[name] = record, value
        return name

    def _learn_card(self, value: bytes) -> str:
        card, value = _CARDS.once((self._under, value), lambda: (self._read_card(value), value))
        known = self._cards.get(card.party)
        if known is not None and known.version >= card.version:
            if known.version == card.version and known != card:
                raise TrustError("CARD_VERSION", f"there is another card of `{card.party}` with the same version")
            return card.party
        self._cards[card.party], self._values[card.party] = card, value
        if known is not None and known.root != card.root:
            self._forget_keys(card.party)
        for name, early in self._early.pop(card.party, {}).items():
            self._try_key(name, early)
        return card.party

    def _read_card(self, value: bytes) -> Card:
        signed = _version_1(unframe(SIGNED_CARD, value))
        self._root.verify("card", signed["card"], signed["sigs"])
        card = Card.decode(signed["card"])
        if (card.agreement, card.environment) != (self._root.agreement, self._root.environment):
            raise TrustError("AGREEMENT", "the card is for another agreement or environment")
        return card

    def _forget_keys(self, party: str) -> None:
        """A new root key of a party: its key cards count again when that key has signed them."""
        for name in [name for name, known in self._keys.items() if known.party == party]:
            del self._keys[name]
            self._early.setdefault(party, {})[name] = self._values.pop(name)

    def _try_key(self, name: str, value: bytes) -> None:
        try:
            self._learn_key(value)
        except SambandError:
            return  # it came before its card, and that card does not know its signer

    def _learn_key(self, value: bytes) -> str:
        name, card, value = _KEY_CARDS.once((self._under, value), lambda: self._read_key_card(value))
        if card.party not in self._cards:
            self._early.setdefault(card.party, {})[name] = value
            return name
        known, before = self.read_key(value), self._keys.get(name)
        if before is not None and before.card != card:
            raise TrustError("KEY_CARD_CHANGED", "nothing overwrites a key card but its revocation")
        if before is None or _weight(known.revocation) > _weight(before.revocation):
            self._keys[name], self._values[name] = known, value
        return name

    def read_key(self, value: bytes) -> Known:
        """Verify a key card of a party whose card is here, without keeping it.

        Raises:
            FormatError: no key card, or of another suite.
            TrustError: not signed by its party's root key, or of a key that the party may not have.
        """
        _, card, value = _KEY_CARDS.once((self._under, value), lambda: self._read_key_card(value))
        if (party := self._cards.get(card.party)) is None:
            raise TrustError("PARTY_UNKNOWN", f"no card names party `{card.party}`")
        key = (self._under, value, self._values[card.party])
        return _KEYS.once(key, lambda: self._verify_key(value, card, party))

    def _read_key_card(self, value: bytes) -> tuple[str, KeyCard, bytes]:
        """Return what a key card says, unverified, with its name."""
        card = KeyCard.decode(_version_1(unframe(SIGNED_KEY, value))["key"])
        return key_name(kid_of_card(self._root.realm, card)), card, value

    def _verify_key(self, value: bytes, card: KeyCard, party: Card) -> Known:
        signed = unframe(SIGNED_KEY, value)
        owner = VerifyKey(self._root.realm, Purpose.PARTY_ROOT, party.root)
        if signed["kid"] != owner.kid:
            raise TrustError("KEY_CARD_SIGNER", f"a key card of `{card.party}` is not signed by its root key")
        owner.verify("key", signed["key"], signed["sig"])
        return self._open(card, party, signed["revocation"], owner)

    def _open(self, card: KeyCard, party: Card, revocation: bytes | None, owner: VerifyKey) -> Known:
        if card.suite != SUITE:
            raise FormatError("FORMAT_SUITE", f"suite {card.suite} is not accepted, only {SUITE}")
        kid, purpose = Kid(kid_of_card(self._root.realm, card)), Purpose(card.purpose)
        if purpose not in (_HUBS if card.party == HUB else _PARTYS):
            raise TrustError("KEY_CARD_PURPOSE", f"`{card.party}` may have no {purpose} key")
        if card.unit and all(unit.id != card.unit for unit in party.units):
            raise TrustError("KEY_CARD_UNIT", "the key card is for a unit of another party")
        key = (SealKey if purpose in _SEALING else VerifyKey)(self._root.realm, purpose, card.public)
        taken_back = None if revocation is None else self._revocation(revocation, card.party, kid, owner)
        return Known(card.party, card, kid, key, taken_back)

    def _revocation(self, data: bytes, party: str, kid: Kid, owner: VerifyKey) -> Revocation:
        signed = _version_1(SIGNED_REVOCATION.decode(data))
        sigs = signed["sigs"]
        if len(sigs) == 1 and sigs[0]["kid"] == owner.kid:
            owner.verify("revocation", signed["revocation"], sigs[0]["sig"])
        else:
            self._root.verify("revocation", signed["revocation"], sigs)
        revocation = Revocation.decode(signed["revocation"])
        if (revocation.revoked, revocation.party) != (kid, party):
            raise TrustError("REVOCATION", "the revocation is another key's")
        return revocation


_CARDS: Final = Verified[tuple[Card, bytes]]()
_KEY_CARDS: Final = Verified[tuple[str, KeyCard, bytes]]()
_KEYS: Final = Verified[Known]()
"""By root, key card and party card, which it hangs on."""


def _weight(revocation: Revocation | None) -> tuple[bool, bool, int]:
    """Say which of two words on a key counts: taken back, then stolen, then the earlier time."""
    if revocation is None:
        return (False, False, 0)
    return (True, revocation.reason is Reason.STOLEN, -revocation.at)


def _version_1(value: dict[str, Any]) -> dict[str, Any]:
    if value["v"] != 1:
        raise FormatError("FORMAT_VERSION", f"version {value['v']} is not read here, only 1")
    return value
