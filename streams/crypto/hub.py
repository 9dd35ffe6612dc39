"""What the hub writes to Kafka for itself, sealed: state, quarantine notes, derived tables, audit copies.

    key   = HMAC-SHA-256(k, name)                                   compaction works, names stay hidden
    value = Confluent frame, Avro{v, salt16, nonce12, ct};  ct = AES-256-GCM(HMAC-SHA-256(v, salt16), name ‖ data,
            aad = topic ‖ key)

A key per record, from a random salt, so no two records share a byte string and no counter has to survive a crash.
Format page: § Layout, HUB.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from samband.schemas.codec import FlatCodec, check_frame, fixed, frame, lp16
from samband.schemas.errors import FormatError, TrustError

__all__ = ["HubStore"]

_HUB: Final = FlatCodec("hub", {"v": "int", "salt": fixed(16), "nonce": fixed(12), "ct": "bytes"})
_PADS: Final = tuple(bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
"""HMAC's two paddings, as tables that turn a byte of the key into the padded one."""


class HubStore:
    """The hub's own symmetric key. 32 bytes; never on Kafka."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("a hub store key has 32 bytes")
        self.key = _hmac(HKDF(SHA256(), 32, salt=None, info=b"samband/1/hub/k").derive(key))
        """Return the compaction key of a name: 32 bytes that do not tell it."""
        self.mark = _hmac(HKDF(SHA256(), 32, salt=None, info=b"samband/1/hub/d").derive(key))
        """Return the keyed hash of some bytes, for the digest of a state: 32 bytes that nobody else works out."""
        self._value_key = _hmac(HKDF(SHA256(), 32, salt=None, info=b"samband/1/hub/v").derive(key))

    def seal(self, topic: str, name: bytes, data: bytes) -> tuple[bytes, bytes]:
        """Return (key, value) of a record of `topic`."""
        key = self.key(name)
        chance = secrets.token_bytes(28)
        salt, nonce = chance[:16], chance[16:]
        aead = AESGCM(self._value_key(salt))
        ct = aead.encrypt(nonce, lp16(name) + data, topic.encode() + key)
        return key, frame(_HUB, {"v": 1, "salt": salt, "nonce": nonce, "ct": ct})

    def open(self, topic: str, key: bytes, value: bytes) -> tuple[bytes, bytes]:
        """Return (name, data) of a record.

        Raises:
            FormatError: not a hub record of version 1.
            TrustError: not sealed by this hub, altered, or moved from another topic or key.
        """
        salt, nonce, ct = _HUB.decode_as(_fields, value, check_frame(_HUB, value))
        aead = AESGCM(self._value_key(salt))
        try:
            plain = aead.decrypt(nonce, ct, topic.encode() + key)
        except InvalidTag as error:
            raise TrustError("HUB_RECORD_BROKEN", "a hub record is altered, moved or of another hub") from error
        end = 2 + int.from_bytes(plain[:2], "big")
        return plain[2:end], plain[end:]


def _fields(v: int, salt: bytes, nonce: bytes, ct: bytes) -> tuple[bytes, bytes, bytes]:
    if v != 1:
        raise FormatError("FORMAT_VERSION", f"version {v} is not read here, only 1")
    return salt, nonce, ct


def _hmac(key: bytes) -> Callable[[bytes], bytes]:
    """Return HMAC-SHA-256 under a key of 32 bytes, whose two hashes have begun already (RFC 2104 § 4)."""
    inner, outer = (hashlib.sha256(key.ljust(64, b"\0").translate(pad)) for pad in _PADS)

    def digest(data: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(data)
        second.update(first.digest())
        return second.digest()

    return digest
