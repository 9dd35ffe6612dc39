"""What Samband asks of whoever keeps its private keys, and when an opening key's time is over.

    store.sign_key(Purpose.PARTY_SIGN).sign("batch", root)
    for kid, (unit, key) in store.open_keys(Purpose.UNIT_CONTENT).items(): …

`KeyFolder` (`keyfile`) is the store of every installation: files, plain or encrypted. `ClosedKeys` has keys that are
used by call and cannot be had: what takes its keys works with a security module too. It keeps them in this process's
memory, so it is the boundary of one and not its protection. Two things a module behind it would have to bring itself:
HPKE around its ML-KEM-768 and X25519, and durability. Symmetric secrets leave a store in any case, since what is
encrypted under them (a database, a topic) is encrypted in this process.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from samband.schemas.errors import OperatorError
from samband.streams.crypto.held import Opening, Signing
from samband.streams.crypto.keys import Kid, OpenKey, Purpose, Realm, SignKey
from samband.streams.topics import DAY_MS

__all__ = ["KEPT_DAYS", "SEALING", "ClosedKeys", "HeldKey", "KeyStore", "expired_keys", "missing"]

SEALING: Final = (Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER, Purpose.PARTY_HOP, Purpose.GATE_HOP)
"""What is sealed to; all other purposes sign."""

KEPT_DAYS: Final[Mapping[Purpose, int]] = {
    Purpose.UNIT_CONTENT: 30,  # what was sealed to it stands in an inbox topic
    Purpose.UNIT_REPORTER: 30,
    Purpose.PARTY_HOP: 30,
    Purpose.GATE_HOP: 7,  # what was sealed to it stands in an outbox topic
}
"""Days that an opening key is kept after its end: as long as Kafka keeps what it opens (format page: § Erasure)."""


class HeldKey(NamedTuple):
    """A private key that a store holds, without the key."""

    kid: Kid
    purpose: Purpose
    unit: str


class KeyStore(Protocol):
    """A keeper of the private keys of one realm."""

    realm: Realm

    def make(self, purpose: Purpose, unit: str = "") -> Signing | Opening:
        """Make and keep a new key.

        Raises:
            OperatorError: it cannot be kept.
        """

    def make_secret(self, name: str, value: bytes | None = None) -> bytes:
        """Make (or take) and keep a symmetric secret of 32 bytes.

        Raises:
            OperatorError: there is one (`KEY_FILE_EXISTS`), or it cannot be kept.
        """

    def held(self) -> list[HeldKey]:
        """Return what keys there are, secrets not among them."""

    def sign_key(self, purpose: Purpose) -> Signing:
        """Return the signing key of a purpose.

        Raises:
            OperatorError: it is missing (`KEY_FILE_MISSING`), or cannot be used.
        """

    def open_keys(self, purpose: Purpose) -> Mapping[Kid, tuple[str, Opening]]:
        """Return the opening keys of a purpose by kid, each with its unit."""

    def secret(self, name: str) -> bytes:
        """Return a symmetric secret.

        Raises:
            OperatorError: it is missing (`KEY_FILE_MISSING`), or cannot be used.
        """

    def destroy(self, which: Kid | str) -> None:
        """Destroy a key by kid, or a secret by name; does nothing where it is gone.

        Raises:
            OperatorError: it cannot be destroyed.
        """


class _Call:
    """A key that is used by call; who has it can neither read nor copy the private half through it."""

    __slots__ = ("_key", "kid", "public", "purpose", "realm")

    def __init__(self, key: SignKey | OpenKey) -> None:
        self.kid, self.realm, self.purpose, self.public = key.kid, key.realm, key.purpose, key.public
        self._key: SignKey | OpenKey | None = key

    def _held(self) -> SignKey | OpenKey:
        if self._key is None:
            raise missing("the store", f"{self.purpose} key")
        return self._key

    def destroy(self) -> None:
        """Let it go, for all who have it."""
        self._key = None

    def sign(self, label: str, message: bytes) -> bytes:
        """Return the 64-byte signature over D(label) ‖ message."""
        key = self._held()
        assert isinstance(key, SignKey)
        return key.sign(label, message)

    def sign_note(self, text: bytes) -> bytes:
        """Return the 64-byte signature over a note's text."""
        key = self._held()
        assert isinstance(key, SignKey)
        return key.sign_note(text)

    def open(self, label: str, context: bytes, sealed: bytes) -> bytes:
        """Return what was sealed with info D(label) ‖ context."""
        key = self._held()
        assert isinstance(key, OpenKey)
        return key.open(label, context, sealed)


class ClosedKeys:
    """Keys that are used by call and never handed out. In memory: gone with the process."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self._keys: dict[Kid, tuple[str, _Call]] = {}
        self._secrets: dict[str, bytes] = {}

    def make(self, purpose: Purpose, unit: str = "") -> _Call:
        """Make and keep a new key."""
        call = _Call((OpenKey if purpose in SEALING else SignKey).generate(self.realm, purpose))
        self._keys[call.kid] = (unit, call)
        return call

    def make_secret(self, name: str, value: bytes | None = None) -> bytes:
        """Make (or take) and keep a symmetric secret of 32 bytes.

        Raises:
            OperatorError: there is one (`KEY_FILE_EXISTS`).
        """
        if name in self._secrets:
            raise OperatorError("KEY_FILE_EXISTS", f"the store has a `{name}` secret already")
        self._secrets[name] = value or secrets.token_bytes(32)
        return self._secrets[name]

    def held(self) -> list[HeldKey]:
        """Return what keys there are, secrets not among them."""
        return [HeldKey(kid, call.purpose, unit) for kid, (unit, call) in self._keys.items()]

    def sign_key(self, purpose: Purpose) -> Signing:
        """Return the signing key of a purpose.

        Raises:
            OperatorError: it is missing (`KEY_FILE_MISSING`).
        """
        for _, call in self._keys.values():
            if call.purpose == purpose:
                return call
        raise missing("the store", f"{purpose} key")

    def open_keys(self, purpose: Purpose) -> dict[Kid, tuple[str, Opening]]:
        """Return the opening keys of a purpose by kid, each with its unit."""
        return {kid: (unit, call) for kid, (unit, call) in self._keys.items() if call.purpose == purpose}

    def secret(self, name: str) -> bytes:
        """Return a symmetric secret.

        Raises:
            OperatorError: it is missing (`KEY_FILE_MISSING`).
        """
        if name not in self._secrets:
            raise missing("the store", f"`{name}` secret")
        return self._secrets[name]

    def destroy(self, which: Kid | str) -> None:
        """Destroy a key by kid, or a secret by name; does nothing where it is gone."""
        if isinstance(which, str):
            self._secrets.pop(which, None)
        elif found := self._keys.pop(which, None):
            found[1].destroy()


def missing(where: str, what: str) -> OperatorError:
    """Return the error for a key that is not there."""
    return OperatorError("KEY_FILE_MISSING", f"{where} has no {what}", "restore it from your backup")


def expired_keys(
    rows: Iterable[tuple[Kid, Purpose, int]], now: int, kept_days: Mapping[Purpose, int] = KEPT_DAYS
) -> list[Kid]:
    """Return the opening keys whose time is over: Kafka keeps nothing more that they could open. Pure.

    Only purposes in `kept_days` go by time. Signing keys, and secrets such as the child reference's, never do.

    Args:
        rows: kid, purpose and end of every key, as cards say it: milliseconds since 1970 UTC.
        now: milliseconds since 1970 UTC.
        kept_days: how long after its end a key of a purpose is kept.
    """
    return [
        kid
        for kid, purpose, not_after in rows
        if purpose in kept_days and now >= not_after + kept_days[purpose] * DAY_MS
    ]
