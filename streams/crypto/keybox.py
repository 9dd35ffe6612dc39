"""Key files as bytes: one private key or secret each, plain or sealed under a passphrase.

    {"samband": "key/1", "realm": "…", "purpose": "party-sign", "unit": "", "private": "…"}              plain
    {"samband": "key/2", "realm": "…", "purpose": "party-sign", "unit": "", "key": "…", "sealed": "…"}   sealed

    {"samband": "keys/2", "realm": "…", "state": "sealed", "n": 131072, "r": 8, "p": 1, "salt": "…", "box": "…"}

The last is a folder's header, one for all its files, so that opening five hundred costs one scrypt (RFC 7914):

    box    = nonce12 ‖ AES-256-GCM(scrypt(passphrase, salt, n, r, p), (id8 ‖ key32)+,
             aad = D("keys") ‖ lp state ‖ u64 n ‖ u64 r ‖ u64 p ‖ salt)
    sealed = nonce12 ‖ AES-256-GCM(key of id, private, aad = D("key-file") ‖ lp purpose ‖ lp unit ‖ lp file name)

The first key in the box is the one that new files are sealed under; others are there only while a folder is converted.
A file that is renamed, moved to another realm, or given another purpose or unit does not open. scrypt's numbers are
checked before it runs, so a hostile header cannot eat the memory. Nothing here reads a file or a clock.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from samband.schemas.codec import lp16
from samband.schemas.errors import OperatorError
from samband.streams.crypto.keys import Realm

__all__ = ["COST", "FILE_BYTES", "Cost", "FolderKey", "Header", "State", "StoredKey"]

FILE_BYTES: Final = 4096
"""No key file and no header is longer."""

_MEMORY: Final = 256 << 20
_P_MOST: Final = 4
_NONCE: Final = 12
_ID: Final = 8
_KEY: Final = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's numbers: 128 · n · r bytes of memory, n · r · p steps."""

    n: int
    r: int = 8
    p: int = 1

    @property
    def is_bearable(self) -> bool:
        """Say whether this may be computed: at most 256 MiB, and about four times the time of `COST`."""
        power = self.n > 1 and self.n & (self.n - 1) == 0
        return power and self.r > 0 and 128 * self.n * self.r <= _MEMORY and 0 < self.p <= _P_MOST


COST: Final = Cost(1 << 17)
"""128 MiB and about half a second: OWASP's least for scrypt."""


class State(StrEnum):
    """What a folder's files are: all sealed, or on their way from or to plain or another key."""

    SEALED = "sealed"
    CONVERTING = "converting"


@dataclass(frozen=True, slots=True)
class FolderKey:
    """A key that a folder's files are sealed under."""

    id: bytes
    key: bytes

    @classmethod
    def generate(cls) -> FolderKey:
        """Return a new one."""
        return cls(secrets.token_bytes(_ID), secrets.token_bytes(_KEY))


@dataclass(frozen=True, slots=True)
class Header:
    """A folder's header, parsed; what is in its box is known only after `open`."""

    realm: Realm
    state: State
    cost: Cost
    salt: bytes
    box: bytes

    @classmethod
    def seal(
        cls,
        realm: Realm,
        state: State,
        passphrase: bytes,
        keys: Sequence[FolderKey],
        *,
        salt: bytes = b"",
        cost: Cost = COST,
    ) -> Header:
        """Return the header of a folder whose files are sealed under `keys`, the first for new ones."""
        empty = cls(realm, state, cost, salt or secrets.token_bytes(16), b"")
        plain = b"".join(each.id + each.key for each in keys)
        return cls(realm, state, cost, empty.salt, _seal(empty._derive(passphrase), plain, empty._bound()))

    @classmethod
    def decode(cls, data: bytes, realm: Realm, where: str) -> Header:
        """Return the header in a file's bytes; `where` names it in an error.

        Raises:
            OperatorError: it is none, is another realm's, or asks for more memory or time than is borne.
        """
        try:
            fields = _parse(data)
            cost = Cost(fields["n"], fields["r"], fields["p"])
            if fields["samband"] != "keys/2" or {type(each) for each in (cost.n, cost.r, cost.p)} != {int}:
                raise KeyError
            found = cls(
                realm, State(fields["state"]), cost, bytes.fromhex(fields["salt"]), bytes.fromhex(fields["box"])
            )
            belongs = fields["realm"] == realm.id.hex()
        except (ValueError, KeyError, TypeError) as error:
            raise _malformed(where, "header of version 2") from error
        if not belongs:
            raise _foreign(where)
        if not cost.is_bearable:
            raise OperatorError("KEY_FILE_COST", f"`{where}` asks for more memory or time than is borne")
        return found

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return _text(
            samband="keys/2", realm=self.realm.id.hex(), state=self.state.value, n=self.cost.n, r=self.cost.r,
            p=self.cost.p, salt=self.salt.hex(), box=self.box.hex(),
        )  # fmt: skip

    def open(self, passphrase: bytes) -> tuple[FolderKey, ...]:
        """Return the folder's keys.

        Raises:
            OperatorError: `KEY_PASSPHRASE`: the passphrase is another, or the header was altered.
        """
        step = _ID + _KEY
        try:
            plain = _open(self._derive(passphrase), self.box, self._bound())
        except InvalidTag:
            plain = b""
        if not plain or len(plain) % step:
            raise OperatorError(
                "KEY_PASSPHRASE",
                "the passphrase does not open the keys",
                "give the one they were encrypted with; after an interrupted `samband keys passphrase`, run it again",
            )
        return tuple(FolderKey(plain[k : k + _ID], plain[k + _ID : k + step]) for k in range(0, len(plain), step))

    def _derive(self, passphrase: bytes) -> bytes:
        return _scrypt(passphrase, self.salt, self.cost)

    def _bound(self) -> bytes:
        cost = self.cost
        numbers = b"".join(each.to_bytes(8, "big") for each in (cost.n, cost.r, cost.p))
        return self.realm.domain("keys") + lp16(self.state.encode()) + numbers + self.salt


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What one key file holds."""

    purpose: str
    unit: str
    private: bytes
    key: bytes = b""
    """Id of the folder key that it was sealed under; empty where it was plain."""

    def encode(self, realm: Realm, name: str, key: FolderKey | None) -> bytes:
        """Return the bytes of the file `name`, sealed under `key`, or plain."""
        fields = {"realm": realm.id.hex(), "purpose": self.purpose, "unit": self.unit}
        if key is None:
            return _text(samband="key/1", **fields, private=self.private.hex())
        sealed = _seal(key.key, self.private, _place(realm, self.purpose, self.unit, name))
        return _text(samband="key/2", **fields, key=key.id.hex(), sealed=sealed.hex())

    @classmethod
    def decode(cls, data: bytes, realm: Realm, name: str, keys: Sequence[FolderKey], where: str) -> StoredKey:
        """Return what the file `name` holds; `where` names it in an error.

        Raises:
            OperatorError: it is no key file, is another realm's, or sealed and altered, moved or of another folder.
        """
        try:
            fields = _parse(data)
            version, purpose, unit = fields["samband"], fields["purpose"], fields["unit"]
            if version not in ("key/1", "key/2") or not (isinstance(purpose, str) and isinstance(unit, str)):
                raise KeyError
            own = fields["realm"] == realm.id.hex()
            private = bytes.fromhex(fields["private" if version == "key/1" else "sealed"])
            id_ = bytes.fromhex(fields["key"]) if version == "key/2" else b""
        except (ValueError, KeyError, TypeError) as error:
            raise _malformed(where, "key file of version 1 or 2") from error
        if not own:
            raise _foreign(where)
        if version == "key/1":
            return cls(purpose, unit, private)
        for each in keys:
            if each.id == id_:
                try:
                    return cls(purpose, unit, _open(each.key, private, _place(realm, purpose, unit, name)), id_)
                except InvalidTag:
                    break
        raise OperatorError(
            "KEY_FILE_BROKEN",
            f"`{where}` is altered, renamed, or sealed in another folder",
            "restore the folder as a whole from your backup, with its folder.json",
        )


def _place(realm: Realm, purpose: str, unit: str, name: str) -> bytes:
    return realm.domain("key-file") + b"".join(lp16(each.encode()) for each in (purpose, unit, name))


def _seal(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _open(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    if len(sealed) < _NONCE + 16:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)


@lru_cache(16)
def _scrypt(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    """Derive a key; kept, since a process opens the same few folders again and again."""
    return Scrypt(salt=salt, length=_KEY, n=cost.n, r=cost.r, p=cost.p).derive(passphrase)


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > FILE_BYTES:
        raise ValueError("too long")
    try:
        fields = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(fields, dict):
        raise TypeError("no object")
    return fields


def _text(**fields: str | int) -> bytes:
    return json.dumps(fields).encode()


def _malformed(where: str, what: str) -> OperatorError:
    return OperatorError("KEY_FILE_FORM", f"`{where}` is no {what}", "restore it from your backup")


def _foreign(where: str) -> OperatorError:
    return OperatorError("KEY_FILE_REALM", f"`{where}` belongs to another installation's realm")
