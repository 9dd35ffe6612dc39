"""What runs in place of a defence that is more than a check: encryption that nobody checks, or none, a lax reader."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import fastavro
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from samband.schemas import catalogue
from samband.schemas.errors import FormatError
from samband.streams.crypto import keys, merkle
from tests.attacks.switch import edited

__all__ = ["Clear", "Malleable", "as_any_type", "domain", "duplicated", "duplicating", "lenient"]


class Malleable:
    """AES-GCM whose tag nobody looks at."""

    def __init__(self, key: bytes) -> None:
        self._key, self._whole = key, AESGCM(key)

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Encrypt as ever."""
        return self._whole.encrypt(nonce, data, aad)

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Decrypt whatever there is."""
        del aad
        return Cipher(algorithms.AES(self._key), modes.CTR(nonce + b"\0\0\0\2")).decryptor().update(data[:-16])


class Clear(Malleable):
    """No encryption, but its length."""

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Encrypt nothing."""
        del nonce, aad
        return data + bytes(16)

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Decrypt nothing."""
        del nonce, aad
        return data[:-16]


def lenient(self: Any, make: Any, data: bytes, at: int = 0, many: type = tuple) -> Any:
    """Read as Avro itself: several blocks, long integers and bytes behind the end are all the same to it."""
    fields: Any = fastavro.schemaless_reader(io.BytesIO(data[at:]), fastavro.parse_schema(self.schema), None)
    return make(**{key: many(value) if isinstance(value, list) else value for key, value in fields.items()})


def as_any_type(type_name: str, data: bytes) -> dict[str, Any]:
    """Return a content of whatever type its bytes are."""
    for name in (type_name, *catalogue.CATALOGUE):
        with suppress(FormatError):
            return catalogue.decode_content(name, data)
    raise FormatError("CONTENT_FORM", "no type")


def domain(*changes: tuple[str, str]) -> Callable[[], AbstractContextManager[None]]:
    """Return a switch that changes the domain string."""

    @contextmanager
    def switch() -> Iterator[None]:
        keys._domain.cache_clear()
        try:
            with edited(keys._domain, *changes):
                yield
        finally:
            keys._domain.cache_clear()

    return switch


def duplicating(leaves: Any) -> Any:
    """Return root and paths of a tree whose odd node is paired with itself."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        level = levels[-1] + levels[-1][-1:] * (len(levels[-1]) % 2)
        levels[-1] = level
        levels.append([merkle.node_hash(*level[k : k + 2]) for k in range(0, len(level), 2)])
    paths = [tuple(level[(k >> d) ^ 1] for d, level in enumerate(levels[:-1])) for k in range(len(leaves))]
    return levels[-1][0], paths


def duplicated(leaf: bytes, n: int, i: int, path: Any) -> bytes:
    """Return the root in such a tree."""
    del n
    for step in path:
        leaf = merkle.node_hash(step, leaf) if i & 1 else merkle.node_hash(leaf, step)
        i >>= 1
    return leaf
