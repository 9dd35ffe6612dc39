"""Root metadata: the public file that founds a realm. Everybody who takes part has the same copy.

    {"samband": "root/1", "agreement": "vastmanland", "environment": "test", "shards": 4,
     "keys": ["…", "…", "…"], "threshold": 2, "created": "…"}

Its bytes are hashed into the realm, so a test hub's root and a production hub's are different worlds. What the
agreement's authority says (cards, rules, revocations) counts when `threshold` of its keys have signed it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samband.schemas.card import MOST_SIGNATURES
from samband.schemas.errors import OperatorError, TrustError
from samband.streams.crypto.keys import Kid, Purpose, Realm, SignKey, VerifyKey, realm_of

__all__ = ["Root", "sign_by"]

AGREEMENT: Final = re.compile(r"(?=.{1,14}$)[a-z0-9](-?[a-z0-9])*", re.ASCII)
MAX_SHARDS: Final = 8


@dataclass(frozen=True, slots=True)
class Root:
    """What the root metadata says."""

    data: bytes
    agreement: str
    environment: str
    shards: int
    realm: Realm
    keys: Mapping[Kid, VerifyKey]
    threshold: int
    """How many of the keys must sign."""

    @property
    def production(self) -> bool:
        """Say whether real children are in it."""
        return self.environment == "production"

    def verify(self, label: str, data: bytes, signatures: Sequence[Mapping[str, Any]]) -> None:
        """Check that enough of the authority's keys signed `data`.

        Args:
            label: what kind of thing is signed.
            data: its bytes.
            signatures: {kid, sig}, sorted by kid, each key once.

        Raises:
            TrustError: by another root (`ROOT_UNKNOWN`), too few or out of order (`ROOT_SIGNATURES`), or one does not
                hold.
        """
        kids = [each["kid"] for each in signatures]
        if sorted(set(kids)) != kids:
            raise TrustError("ROOT_SIGNATURES", "the authority's signatures are not sorted, or one stands twice")
        for each in signatures:
            if (key := self.keys.get(each["kid"])) is None:
                raise TrustError("ROOT_UNKNOWN", f"a {label} is signed by another root")
            key.verify(label, data, each["sig"])
        if len(kids) < self.threshold:
            raise TrustError(
                "ROOT_SIGNATURES", f"a {label} has {len(kids)} of the authority's signatures, not {self.threshold}"
            )

    @classmethod
    def read(cls, path: Path) -> Root:
        """Return the root metadata in a file.

        Raises:
            OperatorError: missing, or not root metadata of version 1.
        """
        try:
            return cls.parse(path.read_bytes())
        except OSError as error:
            raise OperatorError("ROOT_MISSING", f"`{path}` cannot be read", "samband hub up makes a new hub") from error

    @classmethod
    def parse(cls, data: bytes) -> Root:
        """Return the root metadata in `data`.

        Raises:
            OperatorError: not root metadata of version 1.
        """
        try:
            fields = json.loads(data)
            if fields["samband"] != "root/1" or not AGREEMENT.fullmatch(fields["agreement"]):
                raise ValueError
            shards, environment, threshold = fields["shards"], fields["environment"], fields["threshold"]
            if not 1 <= int(shards) <= MAX_SHARDS or environment not in ("test", "production"):
                raise ValueError
            realm = realm_of(data)
            made = [VerifyKey(realm, Purpose.ROOT, bytes.fromhex(public)) for public in fields["keys"]]
            keys = {key.kid: key for key in made}
            if not 1 <= int(threshold) <= len(keys) == len(made) <= MOST_SIGNATURES:
                raise ValueError
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise OperatorError("ROOT_FORM", "the root metadata is not of version 1") from error
        return cls(data, fields["agreement"], environment, int(shards), realm, keys, int(threshold))

    @staticmethod
    def compose(
        agreement: str, environment: str, shards: int, keys: Sequence[bytes], created: str, *, threshold: int = 1
    ) -> bytes:
        """Return new root metadata as bytes; `keys` are Ed25519 public keys.

        Raises:
            OperatorError: a name or number that the format does not allow.
        """
        data = json.dumps(
            {
                "samband": "root/1",
                "agreement": agreement,
                "environment": environment,
                "shards": shards,
                "keys": [key.hex() for key in keys],
                "threshold": threshold,
                "created": created,
            },
            indent=1,
        ).encode()
        Root.parse(data)
        return data


def sign_by(keys: Iterable[SignKey], label: str, data: bytes) -> list[dict[str, bytes]]:
    """Return the signatures of these root keys in the one order that the format has."""
    return [{"kid": key.kid, "sig": key.sign(label, data)} for key in sorted(keys, key=lambda key: key.kid)]
