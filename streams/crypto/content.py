"""Sealed content: padded to a size class, committed to in the label, sealed to one unit's key.

    plain        = random32 ‖ u32 len ‖ Avro content ‖ zeros → 2, 8, 32, 128 or 512 KiB
    plain_commit = SHA-256(D("plain") ‖ plain)
    content      = HPKE.Seal(unit, plain, info = D("content") ‖ kid ‖ SHA-256(routing))

Only the parties' ends may import this module; the hub cannot (an import contract). Format page: § Layout, CONTENT.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from samband.schemas.codec import Reader, lp32
from samband.schemas.errors import FormatError, TrustError
from samband.schemas.message import content_class
from samband.streams.crypto.held import Opening
from samband.streams.crypto.keys import Purpose, Realm, SealKey

__all__ = ["commit", "open_content", "pad_content", "seal_content"]


def pad_content(content: bytes) -> bytes:
    """Return `content` behind 32 random bytes and its length, zero-filled to its class.

    Raises:
        FormatError: more than the largest class holds.
    """
    head = secrets.token_bytes(32) + lp32(content)
    return head.ljust(content_class(len(head)), b"\0")


def commit(realm: Realm, plain: bytes) -> bytes:
    """Return the label's commitment to a padded content."""
    return hashlib.sha256(realm.domain("plain") + plain).digest()


def seal_content(key: SealKey, plain: bytes, routing: bytes) -> bytes:
    """Seal a padded content to a unit, bound to its label."""
    if key.purpose not in (Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER):
        raise ValueError("content is sealed to a unit's key only")
    return key.seal("content", key.kid + hashlib.sha256(routing).digest(), plain)


def open_content(key: Opening, sealed: bytes, routing: bytes, plain_commit: bytes) -> bytes:
    """Open a message's content, check it against the label's commitment and return the Avro bytes.

    Raises:
        TrustError: the seal does not open, or what is in it is not what the label committed to.
        FormatError: padding that is not zero, or not its class's length.
    """
    plain = key.open("content", key.kid + hashlib.sha256(routing).digest(), sealed)
    if not hmac.compare_digest(commit(key.realm, plain), plain_commit):
        raise TrustError("COMMIT_BROKEN", "the content is not what its label commits to")
    reader = Reader(plain)
    reader.take(32)
    content = reader.lp32()
    used = 36 + len(content)
    if len(plain) != content_class(used) or plain[used:] != bytes(len(plain) - used):
        raise FormatError("FORMAT_PADDING", "the padding of a content is not its class's zeros")
    return content
