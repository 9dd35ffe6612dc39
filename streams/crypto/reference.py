"""Child references: what stands for a child in a label.

    ref       = HMAC-SHA-256(K[agreement, e], D("child") ‖ agreement ‖ u32 e ‖ identifier)[:16]
    partition = u64(ref[:8]) mod shards

The key is the parties' own; the hub never holds it. Format page: § Layout, CHILD.
"""

from __future__ import annotations

import hmac

from samband.streams.crypto.keys import Realm

__all__ = ["child_ref", "partition_of"]


def child_ref(key: bytes, realm: Realm, agreement: str, e: int, identifier: str) -> bytes:
    """Return the 16-byte reference of a child within an agreement and key epoch."""
    message = realm.domain("child") + agreement.encode() + e.to_bytes(4, "big") + identifier.encode()
    return hmac.digest(key, message, "sha256")[:16]


def partition_of(ref: bytes, shards: int) -> int:
    """Return the one partition that carries everything about a child."""
    return int.from_bytes(ref[:8], "big") % shards
