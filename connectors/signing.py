"""Signatures of a webhook, Standard Webhooks: `v1` with a shared secret, `v1a` with a key pair; several at once.

    Signer.of(["whsec_…", "whsk_…"]).sign(message_id, now, body)      'v1,… v1a,…'

A receiver takes a message when one signature is right. So a secret is changed without a moment when none fits: put the
new one before the old one, change the receiver, take the old one out. With `v1a` the receiver keeps only a public key,
and nothing that it loses lets anybody sign.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from samband.schemas.errors import OperatorError

__all__ = ["PRIVATE", "Signer", "new_key", "new_secret", "public_of"]

_SECRET_BYTES: Final = 24
"""The shortest secret that Standard Webhooks allows."""
_KEY_BYTES: Final = 32
_MOST: Final = 4
"""Two of each kind: one that holds and one that comes."""
PRIVATE: Final = "whsk_"
"""Before a private key; what begins otherwise is a shared secret."""
_SHARED, _PUBLIC = "whsec_", "whpk_"


@dataclass(frozen=True, slots=True)
class Signer:
    """All the secrets of one webhook, in order."""

    shared: tuple[Webhook, ...]
    keys: tuple[Ed25519PrivateKey, ...]

    @classmethod
    def of(cls, secrets: bytes | str | Sequence[str]) -> Signer:
        """Return the signer of one secret or several.

        Raises:
            OperatorError: one is no secret, or there are none or too many (`WEBHOOK_SECRET`).
        """
        given = [secrets] if isinstance(secrets, bytes | str) else list(secrets)
        if not 0 < len(given) <= _MOST:
            raise OperatorError("WEBHOOK_SECRET", f"a webhook has one to {_MOST} secrets, one a line")
        private = [each for each in given if isinstance(each, str) and each.strip().startswith(PRIVATE)]
        return cls(
            tuple(Webhook(_shared(each)) for each in given if each not in private),
            tuple(_key(each) for each in private),
        )

    def sign(self, message_id: str, now: datetime, body: str) -> str:
        """Return the header `webhook-signature`."""
        signed = f"{message_id}.{int(now.timestamp())}.{body}".encode()
        found = [each.sign(message_id, now, body) for each in self.shared]
        found += [f"v1a,{base64.b64encode(each.sign(signed)).decode()}" for each in self.keys]
        return " ".join(found)


def new_secret(random: bytes) -> str:
    """Return a shared secret of 32 random bytes as receivers write it."""
    return _SHARED + base64.b64encode(random).decode()


def new_key(random: bytes) -> str:
    """Return a private key of 32 random bytes; its receiver gets `public_of` it."""
    return PRIVATE + base64.b64encode(random).decode()


def public_of(key: str) -> str:
    """Return the public key of a private one, as receivers write it.

    Raises:
        OperatorError: it is none (`WEBHOOK_SECRET`).
    """
    return _PUBLIC + base64.b64encode(_key(key).public_key().public_bytes_raw()).decode()


def _shared(secret: bytes | str) -> bytes:
    if isinstance(secret, str):
        secret = _bytes(secret, _SHARED)
    if len(secret) < _SECRET_BYTES:
        raise OperatorError("WEBHOOK_SECRET", f"the webhook's secret is shorter than {_SECRET_BYTES} bytes")
    return secret


def _key(text: str) -> Ed25519PrivateKey:
    seed = _bytes(text, PRIVATE)
    if len(seed) not in (_KEY_BYTES, 2 * _KEY_BYTES):  # some tools write the public key behind it
        raise OperatorError("WEBHOOK_SECRET", f"the webhook's key is not {_KEY_BYTES} bytes")
    key = Ed25519PrivateKey.from_private_bytes(seed[:_KEY_BYTES])
    if seed[_KEY_BYTES:] not in (b"", key.public_key().public_bytes_raw()):
        raise OperatorError("WEBHOOK_SECRET", "the two halves of the webhook's key do not belong together")
    return key


def _bytes(text: str, prefix: str) -> bytes:
    """Return a secret's bytes; strictly, since the library drops characters that are not base64 without a word."""
    coded = text.strip().removeprefix(prefix).rstrip("=")
    try:
        return base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise OperatorError("WEBHOOK_SECRET", "the webhook's secret is not base64") from None
