"""The directory's records: how each is signed, named and counted into a head. Pure.

    value = sign_card([root_key], card)             party card     named by the party: `skola`
    value = sign_key(party_root, key_card)          key card       `key-<kid>`
    value = revoke(value, revocation, [party_root]) the same card, taken back; the name stays
    head  = sign_head(head_key, Head(root=root_of(realm, records), …))   `head`

A record's name comes from what was signed, never from the Kafka key beside it. Format page: § Directory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from samband.schemas.card import SIGNED_CARD, Card
from samband.schemas.codec import frame, lp16, unframe
from samband.schemas.errors import FormatError
from samband.schemas.head import SIGNED_HEAD, Head
from samband.schemas.key_card import SIGNED_KEY, SIGNED_REVOCATION, KeyCard, Revocation
from samband.streams.crypto.keys import Purpose, Realm, SignKey, kid_of
from samband.streams.crypto.merkle import leaf_hash, root_and_paths
from samband.streams.root import sign_by

__all__ = [
    "HEAD_NAME",
    "HUB",
    "hash_of",
    "key_name",
    "kid_of_card",
    "reference_name",
    "revoke",
    "root_of",
    "rules_name",
    "sign_card",
    "sign_head",
    "sign_key",
]

HUB: Final = "hub"
"""The party id of the hub's own card: gate, log and directory head."""

HEAD_NAME: Final = "head"


def rules_name(number: int) -> str:
    """Return the name of a version of the rules."""
    return f"rules-{number:04}"


def reference_name(e: int, party: str) -> str:
    """Return the name of an epoch's child-reference key for a party."""
    return f"reference-{e}-{party}"


def key_name(kid: bytes) -> str:
    """Return the name of a key card."""
    return f"key-{kid.hex()}"


def sign_card(roots: Iterable[SignKey], card: Card) -> bytes:
    """Return the signed party card as a Kafka value."""
    data = card.encode()
    return frame(SIGNED_CARD, {"v": 1, "card": data, "sigs": sign_by(roots, "card", data)})


def sign_key(party_root: SignKey, card: KeyCard) -> bytes:
    """Return the signed key card as a Kafka value."""
    data = card.encode()
    fields = {"v": 1, "key": data, "kid": party_root.kid, "sig": party_root.sign("key", data), "revocation": None}
    return frame(SIGNED_KEY, fields)


def revoke(value: bytes, revocation: Revocation, signers: Iterable[SignKey]) -> bytes:
    """Return a key card with its revocation, signed by the party's root key or by the authority's.

    Raises:
        FormatError: `value` is no key card.
    """
    fields = unframe(SIGNED_KEY, value)
    data = revocation.encode()
    signed = {"v": 1, "revocation": data, "sigs": sign_by(signers, "revocation", data)}
    return frame(SIGNED_KEY, {**fields, "revocation": SIGNED_REVOCATION.encode(signed)})


def kid_of_card(realm: Realm, card: KeyCard) -> bytes:
    """Return the kid of the key on a card.

    Raises:
        FormatError: a purpose that is not known here.
    """
    if card.purpose not in list(Purpose):
        raise FormatError("CARD_KIND", "the card names a purpose of a key that is not known here")
    return kid_of(realm, Purpose(card.purpose), card.public)


def sign_head(key: SignKey, head: Head) -> bytes:
    """Return the signed head as a Kafka value."""
    data = head.encode()
    return frame(SIGNED_HEAD, {"v": 1, "head": data, "kid": key.kid, "sig": key.sign("head", data)})


def hash_of(head: Head) -> bytes:
    """Return the 32 bytes that the next head, and every stamped head, names this one by."""
    return hashlib.sha256(head.encode()).digest()


def root_of(realm: Realm, records: Mapping[str, bytes]) -> bytes:
    """Return the Merkle root over all records by name; zeros where there are none."""
    domain = realm.domain("directory")
    leaves = [leaf_hash(domain + lp16(name.encode()) + value) for name, value in sorted(records.items())]
    return root_and_paths(leaves)[0] if leaves else bytes(32)
