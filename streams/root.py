"""Root metadata: the public file that founds a realm. Everybody who takes part has the same copy.

    {"samband": "root/1", "agreement": "vastmanland", "environment": "test", "shards": 4, "public": "…", "created": "…"}

Its bytes are hashed into the realm, so a test hub's root and a production hub's are different worlds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.crypto.keys import Purpose, Realm, VerifyKey, realm_of

__all__ = ["Root"]

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
    key: VerifyKey

    @property
    def production(self) -> bool:
        """Say whether real children are in it."""
        return self.environment == "production"

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
            shards, environment = int(fields["shards"]), fields["environment"]
            if not 1 <= shards <= MAX_SHARDS or environment not in ("test", "production"):
                raise ValueError
            realm = realm_of(data)
            key = VerifyKey(realm, Purpose.ROOT, bytes.fromhex(fields["public"]))
        except (ValueError, KeyError, TypeError) as error:
            raise OperatorError("ROOT_FORM", "the root metadata is not of version 1") from error
        return cls(data, fields["agreement"], environment, shards, realm, key)

    @staticmethod
    def compose(agreement: str, environment: str, shards: int, public: bytes, created: str) -> bytes:
        """Return new root metadata as bytes.

        Raises:
            OperatorError: a name or number that the format does not allow.
        """
        data = json.dumps(
            {
                "samband": "root/1",
                "agreement": agreement,
                "environment": environment,
                "shards": shards,
                "public": public.hex(),
                "created": created,
            },
            indent=1,
        ).encode()
        Root.parse(data)
        return data
