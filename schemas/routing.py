"""Routing: the label of a message. The gate reads it, the broker does not; the letter stays sealed.

It holds no name, number, birth date or free text. Format page: § Layout, ROUTING.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from samband.schemas.codec import FlatCodec, check_times, fixed
from samband.schemas.errors import FormatError

__all__ = ["NO_COMMIT", "Routing"]

NO_COMMIT: Final = bytes(32)
"""Stands where a message has no content: nothing is sealed, so nothing is committed to."""

_CODEC: Final = FlatCodec(
    "routing",
    {
        "v": "int",
        "salt": fixed(16),
        "agreement": "string",
        "message_id": fixed(16),
        "conversation": fixed(16),
        "ref_to": ["null", fixed(16)],
        "ask": "boolean",
        "sender": "string",
        "sender_kid": fixed(32),
        "recipient": "string",
        "recipient_kid": fixed(32),
        "e": "int",
        "ref": fixed(16),
        "type": "string",
        "categories": {"type": "array", "items": "string"},
        "ground": "string",
        "age_band": "string",
        "limb": "string",
        "necessity": "string",
        "recipient_role": "string",
        "motive": ["null", fixed(32)],
        "user": fixed(32),
        "created": "long",
        "expires": "long",
        "content_schema": fixed(32),
        "plain_commit": fixed(32),
        "body": ["null", "bytes"],
    },
    limits={
        "agreement": 14,
        "sender": 64,
        "recipient": 64,
        "type": 40,
        "categories": 12,
        "ground": 32,
        "age_band": 8,
        "limb": 32,
        "necessity": 32,
        "recipient_role": 32,
        "body": 2048,
    },
)


class Routing(Struct, frozen=True, kw_only=True):
    """One message's label, as the sender signed it. Times are milliseconds since 1970 UTC."""

    v: int = 1
    salt: bytes
    agreement: str
    message_id: bytes
    conversation: bytes
    ref_to: bytes | None = None
    ask: bool = False
    """A question only: is decided and answered, never forwarded."""
    sender: str
    sender_kid: bytes
    recipient: str
    recipient_kid: bytes
    e: int
    """Epoch of the child-reference key."""
    ref: bytes
    type: str
    categories: tuple[str, ...]
    ground: str = ""
    """The ground that the sender claims, or empty: any that carries it."""
    age_band: str
    limb: str = ""
    necessity: str = ""
    recipient_role: str = ""
    """The role that the recipient was chosen by, or empty: it was chosen as a unit."""
    motive: bytes | None = None
    """Digest of the motivation, where the sender's named function has decided on a manual ground."""
    user: bytes = NO_COMMIT
    """Salted commitment to the acting user; only the sender's party can say whose it is."""
    created: int
    expires: int
    content_schema: bytes = NO_COMMIT
    plain_commit: bytes = NO_COMMIT
    body: bytes | None = None

    def encode(self) -> bytes:
        """Return the label's one encoding.

        Raises:
            FormatError: a field is too long or of the wrong type.
        """
        return _CODEC.encode_object(self)

    @classmethod
    def decode(cls, data: bytes) -> Routing:
        """Return the label in `data`.

        Raises:
            FormatError: not a label of version 1 in its one form.
        """
        routing = _CODEC.decode_as(cls, data)
        if routing.v != 1:
            raise FormatError("FORMAT_VERSION", f"version {routing.v} is not read here, only 1")
        check_times(routing.created, routing.expires)
        return routing
