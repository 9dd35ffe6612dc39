"""Idempotency keys: the same request again is the same act, whatever crashed in between.

    once = Once(store, "verksamhetssystem", key)
    said = once.do(body, lambda ids: {"message_id": client.send(…, message_id=ids("message")).hex()})

The ids of an act are made from client, key and body, and the store takes an id once; so a repeat that comes after a
crash, before the answer was kept, does nothing new either. What the key stood for is kept for as long as a message may
live. The same key with another body is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from samband.connectors.rest.problems import ProblemError

if TYPE_CHECKING:
    from samband.connectors.store import Store

__all__ = ["KEY_FORM", "Once"]

KEY_FORM: Final = "^[!-~]{1,128}$"
_KEY: Final = re.compile(r"[!-~]{1,128}")
_KEPT_MS: Final = 15 * 86_400_000
_TABLE: Final = """CREATE TABLE IF NOT EXISTS requests
    (key BLOB PRIMARY KEY, body BLOB NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS requests_at ON requests (at)"
"""So that what is over is found without reading fifteen days of keys for each new one."""

Ids = Callable[[str], bytes | None]
"""The id of a part of an act; None: a random one."""


class Once:
    """One request of one client."""

    def __init__(self, store: Store, client: str, key: str | None) -> None:
        """Know a client's key; None where it sends none.

        Raises:
            ProblemError: the key is not of its form (`IDEMPOTENCY_KEY`).
        """
        # The draft standard writes the key as a quoted string; most clients do not.
        if key is not None and len(key) > 1 and key[0] == key[-1] == '"':
            key = key[1:-1]
        if key is not None and not _KEY.fullmatch(key):
            raise ProblemError(400, "IDEMPOTENCY_KEY", "an idempotency key is 1 to 128 visible ASCII characters")
        self._store = store
        self._key = None if key is None else self._mac("key", f"{client}\0{key}".encode())
        self.repeated = False

    def do(self, path: str, body: object, act: Callable[[Ids], dict[str, str]]) -> dict[str, str]:
        """Act, or return what the act gave before.

        Raises:
            ProblemError: the key stood for another request (`IDEMPOTENCY_REUSED`).
        """
        if self._key is None:
            return act(lambda _: None)
        key, database = self._key, self._store.database
        said = self._mac("body", path.encode() + b"\0" + msgspec.json.encode(body, order="sorted"))
        database.execute(_TABLE)
        database.execute(_INDEX)
        row = database.execute("SELECT body, answer FROM requests WHERE key = ?", (key,)).fetchone()
        if row is not None:
            if not hmac.compare_digest(bytes(row[0]), said):
                raise ProblemError(422, "IDEMPOTENCY_REUSED", "the idempotency key was used for another request")
            self.repeated = True
            return msgspec.json.decode(bytes(row[1]), type=dict[str, str])
        answer = act(lambda part: self._mac("id", key + said + part.encode())[:16])
        self._keep(key, said, answer)
        return answer

    def _keep(self, key: bytes, said: bytes, answer: dict[str, str]) -> None:
        now = time.time_ns() // 1_000_000
        with self._store.transaction():
            self._store.database.execute("DELETE FROM requests WHERE at < ?", (now - _KEPT_MS,))
            self._store.database.execute(
                "INSERT INTO requests VALUES (?, ?, ?, ?)", (key, said, msgspec.json.encode(answer), now)
            )

    def _mac(self, what: str, data: bytes) -> bytes:
        """Keyed, since a body holds a child's number, which a plain digest would give away to who guesses."""
        return hmac.new(self._store.secret, f"rest/{what}\0".encode() + data, hashlib.sha256).digest()
