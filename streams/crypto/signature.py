"""Batch signatures over messages and transaction signatures over stamps: one Ed25519 signature for a Merkle root.

    message leaf = SHA-256(0x00 ‖ D("message") ‖ SHA-256(routing) ‖ SHA-256(content))
    batch        = Ed25519(party sign, D("batch") ‖ kid ‖ u32 n ‖ root), n ≤ 64
    entry        = SHA-256(D("entry") ‖ salt32 ‖ record)
    stamp        = Ed25519(gate stamp, D("stamp") ‖ kid ‖ u32 n ‖ root over SHA-256(0x00 ‖ D("stamped") ‖ entry))

Format page: § Layout, LEAF, BATCH, STAMPED.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from samband.schemas.errors import TrustError
from samband.schemas.message import Message
from samband.schemas.stamp import Stamped
from samband.streams.crypto.held import Signing
from samband.streams.crypto.keys import Purpose, Realm, VerifyKey
from samband.streams.crypto.merkle import leaf_hash, root_and_paths, root_from_path

__all__ = [
    "BATCH_MAX",
    "BatchCache",
    "Held",
    "entry_of",
    "message_leaf",
    "sign_batch",
    "stamp_all",
    "verify_entry",
    "verify_stamp",
]

BATCH_MAX: Final = 64
_CACHE: Final = 4096


def message_leaf(realm: Realm, routing: bytes, content: bytes) -> bytes:
    """Return the leaf that names a message in its batch, its stamp and the log."""
    digests = hashlib.sha256(routing).digest() + hashlib.sha256(content).digest()
    return leaf_hash(realm.domain("message") + digests)


def _signed_root(kid: bytes, n: int, root: bytes) -> bytes:
    return kid + n.to_bytes(4, "big") + root


def sign_batch(key: Signing, parts: Sequence[tuple[bytes, bytes]]) -> list[Message]:
    """Sign up to 64 (routing, content) pairs at once and return the messages in the order given.

    The leaves are shuffled first, so that a place in the tree says nothing about order.
    """
    if not 1 <= len(parts) <= BATCH_MAX:
        raise ValueError(f"a batch has 1 to {BATCH_MAX} messages")
    order = list(range(len(parts)))
    secrets.SystemRandom().shuffle(order)
    root, paths = root_and_paths([message_leaf(key.realm, *parts[k]) for k in order])
    n = len(parts)
    sig = key.sign("batch", _signed_root(key.kid, n, root))
    place = {k: i for i, k in enumerate(order)}
    return [
        Message(routing, content, key.kid, sig, n, place[k], paths[place[k]])
        for k, (routing, content) in enumerate(parts)
    ]


class Held:
    """Check signatures over roots, remembering which (what, kid, n, root, sig) held: one check for all that it covers.

    It caches arithmetic only: whether the key is still good is asked each time by the caller.
    """

    def __init__(self, limit: int = _CACHE) -> None:
        self._held: dict[tuple[str, bytes, int, bytes, bytes], None] = {}
        self._limit = limit

    def verify(self, key: VerifyKey, what: str, n: int, root: bytes, sig: bytes) -> None:
        """Check a signature over a root.

        Raises:
            TrustError: it does not hold.
        """
        known = (what, key.kid, n, root, sig)
        if known not in self._held:
            key.verify(what, _signed_root(key.kid, n, root), sig)
            if len(self._held) >= self._limit:
                del self._held[next(iter(self._held))]
            self._held[known] = None


class BatchCache:
    """Verify messages, checking a batch's one signature once."""

    def __init__(self, limit: int = _CACHE) -> None:
        self._held = Held(limit)

    def verify(self, key: VerifyKey, message: Message) -> bytes:
        """Check the sender's signature and return the message's leaf.

        Raises:
            TrustError: the key is another, has another purpose, or the signature or path does not hold.
        """
        if key.purpose is not Purpose.PARTY_SIGN or key.kid != message.kid:
            raise TrustError("KEY_PURPOSE", "a message must be signed with a party's signing key")
        if message.n > BATCH_MAX:
            raise TrustError("BATCH_TOO_LARGE", f"a batch has at most {BATCH_MAX} messages")
        leaf = message_leaf(key.realm, message.routing, message.content)
        self._held.verify(
            key, "batch", message.n, root_from_path(leaf, message.n, message.i, message.path), message.sig
        )
        return leaf


def entry_of(realm: Realm, salt: bytes, record: bytes) -> bytes:
    """Return the log entry of a stamp record: says nothing without its salt."""
    return hashlib.sha256(realm.domain("entry") + salt + record).digest()


def stamp_all(
    key: Signing, salted: Sequence[tuple[bytes, bytes]], entries: Sequence[bytes] = ()
) -> list[tuple[bytes, Stamped]]:
    """Stamp (salt, record) pairs with one signature and return (entry, stamped) in the order given; n ≥ 1.

    `entries` are the pairs' own, where the caller knows them already.
    """
    entries = entries or [entry_of(key.realm, salt, record) for salt, record in salted]
    prefix = key.realm.domain("stamped")
    root, paths = root_and_paths([leaf_hash(prefix + entry) for entry in entries])
    n = len(entries)
    sig = key.sign("stamp", _signed_root(key.kid, n, root))
    return [
        (entries[i], Stamped(record, salt, key.kid, sig, n, i, paths[i])) for i, (salt, record) in enumerate(salted)
    ]


def verify_stamp(key: VerifyKey, stamped: Stamped) -> bytes:
    """Check the gate's signature over a stamp and return its log entry.

    Raises:
        TrustError: the key is no gate's stamping key, or the signature or path does not hold.
    """
    entry = entry_of(key.realm, stamped.salt, stamped.record)
    verify_entry(key, entry, stamped)
    return entry


def verify_entry(key: VerifyKey, entry: bytes, stamped: Stamped, held: Held | None = None) -> None:
    """Check the gate's signature over a log entry, by the proof in `stamped`; its record may still be sealed.

    `held`: for whoever reads many entries; a transaction's one signature is then checked once.

    Raises:
        TrustError: the key is no gate's stamping key, or the signature or path does not hold.
    """
    if key.purpose is not Purpose.GATE_STAMP or key.kid != stamped.kid:
        raise TrustError("KEY_PURPOSE", "a stamp must be signed with a gate's stamping key")
    root = root_from_path(leaf_hash(key.realm.domain("stamped") + entry), stamped.n, stamped.i, stamped.path)
    checks = Held() if held is None else held
    checks.verify(key, "stamp", stamped.n, root, stamped.sig)
