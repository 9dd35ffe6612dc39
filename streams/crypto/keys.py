"""Keys, one purpose each, and the domain string that keeps their signatures and seals apart.

    D(x) = "samband/1/" ‖ x ‖ 0x00 ‖ realm          so nothing from a test hub verifies in production
    kid  = SHA-256(D("kid") ‖ kind ‖ suite ‖ public key)

Suite 1: HPKE base MLKEM768_X25519 (RFC 9180, draft-ietf-hpke-pq), HKDF-SHA256, AES-256-GCM; Ed25519 (RFC 8032);
SHA-256. Format page: § Names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, NewType

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from samband.schemas.errors import FormatError, TrustError

__all__ = ["SUITE", "Kid", "OpenKey", "Purpose", "Realm", "SealKey", "SignKey", "VerifyKey", "kid_of", "realm_of"]

SUITE: Final = 1
_HPKE: Final = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_MLKEM_PUBLIC: Final = 1184
_MLKEM_SEED: Final = 64
_ANY: Final = X25519PrivateKey.from_private_bytes(bytes(32))
"""Protects nothing: a point of low order gives all zeros with it as with every other."""

Kid = NewType("Kid", bytes)
"""A key's name: 32 bytes that bind kind, suite and public key."""


class Purpose(StrEnum):
    """What a key may be used for; part of its kid, so a key cannot change purpose."""

    ROOT = "root"
    PARTY_ROOT = "party-root"
    DIRECTORY_HEAD = "directory-head"
    UNIT_CONTENT = "unit-content"
    UNIT_REPORTER = "unit-reporter"
    PARTY_HOP = "party-hop"
    PARTY_SIGN = "party-sign"
    PARTY_WITNESS = "party-witness"
    GATE_HOP = "gate-hop"
    GATE_STAMP = "gate-stamp"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Realm:
    """One directory root's world: 16 bytes that every domain string ends with."""

    id: bytes

    def domain(self, label: str) -> bytes:
        """Return D(label)."""
        return _domain(self.id, label)


@lru_cache(256)
def _domain(realm: bytes, label: str) -> bytes:
    return b"samband/1/" + label.encode() + b"\0" + realm


def realm_of(root_metadata: bytes) -> Realm:
    """Return the realm that the first root metadata founds."""
    return Realm(hashlib.sha256(b"samband/1/realm\0" + root_metadata).digest()[:16])


def kid_of(realm: Realm, purpose: Purpose, public: bytes) -> Kid:
    """Return the name of a public key."""
    kind = purpose.value.encode()
    return Kid(hashlib.sha256(realm.domain("kid") + kind + b"\0" + bytes([SUITE]) + public).digest())


_NOTES: Final = frozenset({Purpose.LOG, Purpose.PARTY_WITNESS})
"""Keys that sign notes and nothing else: others' tools verify them, which know no D(x); the note names its origin."""


def _check_notes(purpose: Purpose) -> None:
    if purpose not in _NOTES:
        raise TrustError("KEY_PURPOSE", f"a {purpose} key signs no notes")


_P: Final = 2**255 - 19
_Y8: Final = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_LOW_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y of every Ed25519 point of low order (RFC 8032 § 5.1): under such a key one signature fits many messages."""


class VerifyKey:
    """An Ed25519 public key."""

    def __init__(self, realm: Realm, purpose: Purpose, public: bytes) -> None:
        self.public = public
        self.kid = kid_of(realm, purpose, public)
        self.purpose = purpose
        self.realm = realm
        if (int.from_bytes(public, "little") & (2**255 - 1)) % _P in _LOW_ORDER_Y:
            raise FormatError("KEY_FORMAT", "the Ed25519 public key is of low order: its signatures bind nothing")
        try:
            self._key = Ed25519PublicKey.from_public_bytes(public)
        except ValueError as error:
            raise FormatError("KEY_FORMAT", "the bytes are no Ed25519 public key") from error

    def verify(self, label: str, message: bytes, signature: bytes) -> None:
        """Check `signature` over D(label) ‖ message.

        Raises:
            TrustError: it does not hold.
        """
        try:
            self._key.verify(signature, self.realm.domain(label) + message)
        except InvalidSignature as error:
            raise TrustError("SIGNATURE_BROKEN", f"a `{label}` signature does not hold") from error

    def verify_note(self, text: bytes, signature: bytes) -> None:
        """Check `signature` over a note's text, as it stands (format page: § Log).

        Raises:
            TrustError: it does not hold, or the key signs no notes.
        """
        _check_notes(self.purpose)
        try:
            self._key.verify(signature, text)
        except InvalidSignature as error:
            raise TrustError("SIGNATURE_BROKEN", "a note's signature does not hold") from error


class SignKey:
    """An Ed25519 private key."""

    def __init__(self, realm: Realm, purpose: Purpose, private: bytes) -> None:
        try:
            self._key = Ed25519PrivateKey.from_private_bytes(private)
        except ValueError as error:
            raise FormatError("KEY_FORMAT", "the bytes are no Ed25519 private key") from error
        self.public = self._key.public_key().public_bytes_raw()
        self.realm = realm
        self.purpose = purpose
        self.kid = kid_of(realm, purpose, self.public)

    @classmethod
    def generate(cls, realm: Realm, purpose: Purpose) -> SignKey:
        """Return a new key."""
        return cls(realm, purpose, Ed25519PrivateKey.generate().private_bytes_raw())

    def private(self) -> bytes:
        """Return the 32 secret bytes."""
        return self._key.private_bytes_raw()

    def sign(self, label: str, message: bytes) -> bytes:
        """Return the 64-byte signature over D(label) ‖ message."""
        if self.purpose in _NOTES:
            raise TrustError("KEY_PURPOSE", f"a {self.purpose} key signs notes only")
        return self._key.sign(self.realm.domain(label) + message)

    def sign_note(self, text: bytes) -> bytes:
        """Return the 64-byte signature over a note's text, as it stands.

        Raises:
            TrustError: the key signs no notes.
        """
        _check_notes(self.purpose)
        return self._key.sign(text)


class SealKey:
    """A hybrid public key that content or a lane's secret is sealed to: ML-KEM-768 (1184 B) ‖ X25519 (32 B)."""

    def __init__(self, realm: Realm, purpose: Purpose, public: bytes) -> None:
        try:
            self._key = hpke.MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
                ecdh := X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
            )
            _ANY.exchange(ecdh)  # refuses a point of low order (RFC 7748 § 6.1), with which sealing would fail later
        except ValueError as error:
            raise FormatError("KEY_FORMAT", "the bytes are no hybrid public key") from error
        self.realm = realm
        self.purpose = purpose
        self.kid = kid_of(realm, purpose, public)

    def seal(self, label: str, context: bytes, plain: bytes) -> bytes:
        """Return `plain` sealed with info D(label) ‖ context: 1136 bytes longer."""
        return _HPKE.encrypt(plain, self._key, info=self.realm.domain(label) + context)


class OpenKey:
    """A hybrid private key: ML-KEM seed (64 B) ‖ X25519 (32 B)."""

    def __init__(self, realm: Realm, purpose: Purpose, private: bytes) -> None:
        try:
            mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED])
            ecdh = X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED:])
        except ValueError as error:
            raise FormatError("KEY_FORMAT", "the bytes are no hybrid private key") from error
        self._key = hpke.MLKEM768X25519PrivateKey(mlkem, ecdh)
        self._private = private
        self.public = mlkem.public_key().public_bytes_raw() + ecdh.public_key().public_bytes_raw()
        self.realm = realm
        self.purpose = purpose
        self.kid = kid_of(realm, purpose, self.public)

    @classmethod
    def generate(cls, realm: Realm, purpose: Purpose) -> OpenKey:
        """Return a new key."""
        seed = MLKEM768PrivateKey.generate().private_bytes_raw()
        return cls(realm, purpose, seed + X25519PrivateKey.generate().private_bytes_raw())

    def private(self) -> bytes:
        """Return the 96 secret bytes."""
        return self._private

    def open(self, label: str, context: bytes, sealed: bytes) -> bytes:
        """Return what was sealed with info D(label) ‖ context.

        Raises:
            TrustError: not sealed to this key, or not with this label and context.
        """
        try:
            return _HPKE.decrypt(sealed, self._key, info=self.realm.domain(label) + context)
        except (InvalidTag, ValueError) as error:
            raise TrustError("SEAL_BROKEN", f"a `{label}` seal does not open with this key") from error
