"""The file of a store: opened, brought to the newest version, changed in transactions; numbers and bytes by name.

Journal in WAL mode with full synchronisation: what was accepted survives power loss. What is erased is overwritten.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from samband.connectors.store.schema import VERSIONS
from samband.schemas.errors import OperatorError
from samband.streams.crypto.hub import HubStore
from samband.streams.database import transaction

__all__ = ["PATIENCE_S", "StoreFile"]

PATIENCE_S: Final = 10
"""How long another process's write is waited for."""


class StoreFile:
    """One SQLite file of a party, and what seals in it."""

    def __init__(self, path: Path, secret: bytes) -> None:
        """Open or make the store.

        Raises:
            OperatorError: it cannot be opened, or is of another version.
        """
        self.secret = secret
        """The party's own 32 bytes: they seal this store, and salt what the party commits to."""
        self.parked = True
        """Whether something may wait for `release`."""
        self._box = HubStore(secret)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            with self.transaction():
                version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
                for statements in VERSIONS[version:]:
                    self._run(statements)
                if version == 0:
                    self._put("instance", secrets.token_bytes(16))
                if version < len(VERSIONS):
                    self._db.execute(f"PRAGMA user_version = {len(VERSIONS)}")
        except (OSError, sqlite3.Error) as error:
            raise OperatorError("STORE_OPEN", f"the store `{path}` cannot be opened: {error}") from error
        if version > len(VERSIONS):
            raise OperatorError("STORE_VERSION", f"the store `{path}` is of version {version}, not {len(VERSIONS)}")

    def _run(self, statements: str) -> None:
        for statement in filter(str.strip, statements.split(";")):
            self._db.execute(statement)

    def transaction(self) -> AbstractContextManager[None]:
        """Do everything inside or nothing.

        Raises:
            OperatorError: the disk is full or broken; nothing of it is kept.
        """
        return transaction(self._db, "STORE_WRITE", "the store")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Do everything inside or nothing, within a transaction that goes on either way."""
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO attempt")
            raise
        finally:
            if self._db.in_transaction:
                self._db.execute("RELEASE attempt")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _get(self, key: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def _put(self, key: str, value: bytes) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )

    def number(self, key: str) -> int | None:
        """Return a kept number."""
        value = self._get(key)
        return None if value is None else int.from_bytes(value, "big")

    def keep_number(self, key: str, value: int) -> None:
        """Keep a number; inside a transaction of the caller's."""
        self._put(key, value.to_bytes(8, "big"))

    def numbers(self, prefix: str) -> dict[str, int]:
        """Return the kept numbers whose names begin so; `prefix` ends in a slash."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE key > ? AND key < ?", (prefix, prefix[:-1] + "0"))
        return {key: int.from_bytes(value, "big") for key, value in rows}

    def forget(self, key: str) -> None:
        """Forget a kept number or bytes; inside a transaction of the caller's."""
        self._db.execute("DELETE FROM meta WHERE key = ?", (key,))

    def kept(self, key: str) -> bytes | None:
        """Return kept bytes."""
        return self._get(key)

    def keep(self, key: str, value: bytes) -> None:
        """Keep bytes that say nothing about anybody; inside a transaction of the caller's."""
        self._put(key, value)

    def keep_sealed(self, name: str, plain: bytes) -> None:
        """Keep bytes under a name that says nothing outside this store."""
        key, value = self._box.seal("known", name.encode(), plain)
        self._put(f"known/{key.hex()}", value)

    def sealed(self, name: str) -> bytes | None:
        """Return the bytes that were kept under a name."""
        key = self._box.key(name.encode())
        value = self._get(f"known/{key.hex()}")
        return None if value is None else self._box.open("known", key, value)[1]

    def forget_sealed(self, name: str) -> None:
        """Forget the bytes that were kept under a name; inside a transaction of the caller's."""
        self.forget(f"known/{self._box.key(name.encode()).hex()}")

    @property
    def database(self) -> sqlite3.Connection:
        """The file itself, for a module that has a table of its own in it."""
        return self._db

    @property
    def box(self) -> HubStore:
        """What seals with the store's secret."""
        return self._box

    @property
    def instance(self) -> bytes:
        """This store's 16 bytes: the sequence numbers belong to it."""
        value = self._get("instance")
        assert value is not None
        return value

    @property
    def data_version(self) -> int:
        """A number that changes when another process has written."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version
