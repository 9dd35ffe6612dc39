"""Lanes: one key agreement per hour and direction instead of one per message.

    o      = Avro{v, suite, epoch16, realm4, party, instance16, agreement, from kid, to kid, not_before, not_after}
    kem    = HPKE.Seal(to, secret32, info = D("opener") ‖ o)
    opener = lp16 o ‖ lp16 kem ‖ Ed25519(from, D("opener") ‖ o ‖ kem)
    key    = HKDF-SHA-256(secret32, info = D("lane") ‖ SHA-256(opener))
    ct     = AES-256-GCM(key, nonce12, padded hop, aad = D("lane") ‖ SHA-256(opener) ‖ topic ‖ u32 partition)

A record carries its opener, so a reader needs no earlier record. The key lives in memory only. The realm stands in the
open by its first four bytes, for a clear error; all of it is bound by D. Format page: § Layout, OPENER, RECORD.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct
from msgspec.structs import asdict

from samband.schemas.codec import Codec, Reader, check_frame, fixed, frame, lp16
from samband.schemas.errors import FormatError, TrustError
from samband.schemas.message import RECORD, pad, unpad
from samband.streams.crypto.held import Opening, Signing
from samband.streams.crypto.keys import SUITE, Kid, Realm, SealKey, VerifyKey

__all__ = ["LANE_MS", "LaneIn", "LaneOut", "Opener", "UnverifiedRecord"]

LANE_MS: Final = 3_600_000
"""Longest life of a lane in milliseconds."""

_RECORDS: Final = 1 << 20
_SECRET: Final = 32
_OPENER: Final = Codec(
    "opener",
    {
        "v": "int",
        "suite": "int",
        "epoch": fixed(16),
        "realm": fixed(4),
        "party": "string",
        "instance": fixed(16),
        "agreement": "string",
        "from_kid": fixed(32),
        "to_kid": fixed(32),
        "not_before": "long",
        "not_after": "long",
    },
    limits={"party": 40, "agreement": 14},
)


class Opener(Struct, frozen=True):
    """Who opened a lane to whom, and for how long. Times are milliseconds since 1970 UTC."""

    v: int
    suite: int
    epoch: bytes
    realm: bytes
    party: str
    instance: bytes
    agreement: str
    from_kid: bytes
    to_kid: bytes
    not_before: int
    not_after: int


class UnverifiedRecord(Struct, frozen=True):
    """A record that was parsed and nothing more: who it says it is from may be a lie."""

    opener_bytes: bytes
    opener_hash: bytes
    nonce: bytes
    ct: bytes

    @classmethod
    def decode(cls, value: bytes) -> UnverifiedRecord:
        """Return the record in a Kafka value.

        Raises:
            FormatError: garbage, or another schema or version.
        """
        return RECORD.decode_as(cls._of, value, check_frame(RECORD, value))

    @classmethod
    def _of(cls, v: int, opener: bytes, nonce: bytes, ct: bytes) -> UnverifiedRecord:
        if v != 1:
            raise FormatError("FORMAT_VERSION", f"version {v} is not read here, only 1")
        return cls(opener, hashlib.sha256(opener).digest(), nonce, ct)

    def opener(self, realm: Realm) -> tuple[Opener, bytes, bytes, bytes]:
        """Return (opener, its bytes o, kem, signature), not verified.

        Raises:
            FormatError: not an opener, or another suite.
            TrustError: another realm.
        """
        reader = Reader(self.opener_bytes)
        o, kem, sig = reader.lp16(), reader.lp16(), reader.take(64)
        reader.end()
        opener = Opener(**_OPENER.decode(o))
        if opener.v != 1 or opener.suite != SUITE:
            raise FormatError("FORMAT_SUITE", f"suite {opener.suite} is not accepted, only {SUITE}")
        if opener.realm != realm.id[:4]:
            raise TrustError("REALM", "the record is from another installation's realm")
        return opener, o, kem, sig


def _key(realm: Realm, secret: bytes, opener_hash: bytes) -> AESGCM:
    derived = HKDF(SHA256(), 32, salt=None, info=realm.domain("lane") + opener_hash).derive(secret)
    return AESGCM(derived)


def _aad(realm: Realm, opener_hash: bytes, topic: str, partition: int) -> bytes:
    return realm.domain("lane") + opener_hash + topic.encode() + partition.to_bytes(4, "big")


class LaneOut:
    """The writing end of a lane."""

    def __init__(
        self, sign: Signing, to: SealKey, *, party: str, instance: bytes, agreement: str, now: int, life: int = LANE_MS
    ) -> None:
        realm = sign.realm
        self.opener = Opener(
            v=1,
            suite=SUITE,
            realm=realm.id[:4],
            epoch=secrets.token_bytes(16),
            party=party,
            instance=instance,
            agreement=agreement,
            from_kid=sign.kid,
            to_kid=to.kid,
            not_before=now,
            not_after=now + min(life, LANE_MS),
        )
        o = _OPENER.encode(asdict(self.opener))
        secret = secrets.token_bytes(_SECRET)
        kem = to.seal("opener", o, secret)
        self._bytes = lp16(o) + lp16(kem) + sign.sign("opener", o + kem)
        self._hash = hashlib.sha256(self._bytes).digest()
        self._realm = realm
        self._aead = _key(realm, secret, self._hash)
        self._left = _RECORDS

    def fresh(self, now: int) -> bool:
        """Say whether the lane may still be written: five minutes before its end it may not."""
        return self._left > 0 and now < self.opener.not_after - 300_000

    def seal(self, hop: bytes, sealed_content: int, topic: str, partition: int) -> bytes:
        """Return the Kafka value for `hop`; `sealed_content` is the length of its message's content in bytes.

        Raises:
            FormatError: the hop is longer than its class allows.
        """
        self._left -= 1
        nonce = secrets.token_bytes(12)
        aad = _aad(self._realm, self._hash, topic, partition)
        ct = self._aead.encrypt(nonce, pad(hop, sealed_content), aad)
        return frame(RECORD, {"v": 1, "opener": self._bytes, "nonce": nonce, "ct": ct})


class LaneIn:
    """The reading end of a lane, made by checking its opener once."""

    def __init__(self, record: UnverifiedRecord, realm: Realm, signer: VerifyKey, own: Opening) -> None:
        """Check signature and addressee and derive the key.

        Raises:
            TrustError: signed by another, altered, or not sealed to `own`.
            FormatError: no opener, or another suite.
        """
        self.opener, o, kem, sig = record.opener(realm)
        if self.opener.from_kid != signer.kid or self.opener.to_kid != own.kid:
            raise TrustError("OPENER_KEY", "the opener names another key")
        if not 0 < self.opener.not_after - self.opener.not_before <= LANE_MS:
            raise TrustError("OPENER_LIFE", "the opener's life is longer than an hour")
        signer.verify("opener", o + kem, sig)
        secret = own.open("opener", o, kem)
        if len(secret) != _SECRET:
            raise FormatError("FORMAT_RECORD", f"a lane's secret has {_SECRET} bytes")
        self.from_kid, self.to_kid = Kid(signer.kid), Kid(own.kid)
        self._realm = realm
        self._hash = record.opener_hash
        self._aead = _key(realm, secret, self._hash)

    def open(self, record: UnverifiedRecord, topic: str, partition: int) -> bytes:
        """Return the hop in `record`.

        Raises:
            TrustError: altered, or moved from another topic, partition or lane.
            FormatError: padding that is not zero.
        """
        try:
            padded = self._aead.decrypt(record.nonce, record.ct, _aad(self._realm, self._hash, topic, partition))
        except InvalidTag as error:
            raise TrustError("RECORD_BROKEN", "the record is altered, or from another topic or partition") from error
        return unpad(padded)
