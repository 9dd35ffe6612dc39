"""A client's secret: 32 random bytes that are shown once; what is kept of it is its SHA-256.

So many random bits need no slow hash. A secret begins with a word, so that one that strays into a repository is found.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

__all__ = ["digest_of_secret", "is_digest", "new_secret"]

_PREFIX: Final = "sbs_"
_DIGEST: Final = "sha256:"


def new_secret() -> str:
    """Return a fresh secret."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest_of_secret(secret: str) -> str:
    """Return what is kept of a secret."""
    return _DIGEST + hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def is_digest(line: str) -> bool:
    """Say whether a line is what is kept of a secret."""
    return line.startswith(_DIGEST) and len(line) == len(_DIGEST) + 64
