"""The acting user, committed to: the log can be asked about a person whom it does not name.

    commitment = SHA-256(D("user") ‖ salt32 ‖ id ‖ 0x00 ‖ role)
    salt       = HMAC-SHA-256(the party's store secret, D("user") ‖ message id)

Only the party that has the secret can say whose a commitment is, and two messages of one person have nothing in common
for anybody else. Format page: § Layout, ROUTING.
"""

from __future__ import annotations

import hashlib
import hmac

from samband.schemas.errors import InputError
from samband.streams.crypto.keys import Realm

__all__ = ["user_commitment"]


def user_commitment(secret: bytes, realm: Realm, message_id: bytes, user: str, role: str) -> bytes:
    """Return the 32 bytes that stand for who said a message (16-byte id).

    Raises:
        InputError: a NUL in id or role, which would let one person be taken for another (`ACTING_USER`).
    """
    if "\0" in user + role:
        raise InputError("ACTING_USER", "the acting user's id and role are plain text")
    salt = hmac.digest(secret, realm.domain("user") + message_id, "sha256")
    return hashlib.sha256(realm.domain("user") + salt + user.encode() + b"\0" + role.encode()).digest()
