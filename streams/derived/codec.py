"""The one codec of the derived streams: seals every value and hides every key that Faust writes.

    key    HMAC(hub store/k, "track/" ‖ message id)
    value  HUB record, aad = topic ‖ key; inside lp32(row) ‖ zeros, to a multiple of 2 kB

Faust knows rows only by hidden keys, so that nothing else can ever slip into the changelog: a key that is not 32
bytes, or a value that is not a row's, is an error and never written. Format page: § Layout, HUB.
"""

from __future__ import annotations

from typing import Any, Final

import faust
from faust.types import Message

from samband.schemas.codec import Reader, lp32
from samband.schemas.errors import SambandError, TrustError
from samband.streams.crypto.hub import HubStore
from samband.streams.derived.status import Row, decode_row, encode_row
from samband.streams.topics import DERIVED_CHANGELOG

__all__ = ["BROKEN", "RowSchema", "RowStore"]

BROKEN: Final = b"broken"
"""What a recovered table holds where a row could not be read; no row's bytes."""

SIZE_CLASS: Final = 2048
"""Bytes; a usual row's 4 to 6 steps fit, so that a value's size tells nothing of a decision."""


class RowStore:
    """Rows under the hub's store key."""

    def __init__(self, store: HubStore) -> None:
        self._store = store

    def key(self, message_id: bytes) -> bytes:
        """Return the hidden key of a message's row."""
        return self._store.key(_name(message_id))

    def seal(self, row: Row) -> bytes:
        """Return the changelog's value of a row."""
        plain = lp32(encode_row(row))
        padded = plain.ljust(-(-len(plain) // SIZE_CLASS) * SIZE_CLASS, b"\0")
        return self._store.seal(DERIVED_CHANGELOG, _name(row.message_id), padded)[1]

    def open(self, key: bytes, value: bytes) -> Row:
        """Return the row in a changelog record.

        Raises:
            FormatError: not a row of version 1.
            TrustError: not sealed by this hub, altered, or moved from another key.
        """
        name, plain = self._store.open(DERIVED_CHANGELOG, key, value)
        row = decode_row(Reader(plain).lp32())
        if name != _name(row.message_id) or key != self._store.key(name):
            raise TrustError("HUB_RECORD_BROKEN", "a row of the message table lies under another's key")
        return row


class RowSchema(faust.Schema):  # type: ignore[type-arg]
    """How Faust writes and reads the changelog: hidden key → row's bytes in memory, → sealed row on Kafka."""

    def __init__(self, rows: RowStore) -> None:
        super().__init__(key_serializer="raw", value_serializer="raw", allow_empty=True)
        self._rows = rows

    def dumps_key(self, app: Any, key: Any, *, serializer: Any = None, headers: Any) -> tuple[Any, Any]:
        """Return a hidden key as it is, and nothing else ever."""
        if not isinstance(key, bytes) or len(key) != 32:
            raise TypeError("a row's key on Kafka has 32 bytes and is hidden")
        return key, headers

    def dumps_value(self, app: Any, value: Any, *, serializer: Any = None, headers: Any) -> tuple[Any, Any]:
        """Return a row sealed; a tombstone stays one."""
        return (None if value is None else self._rows.seal(decode_row(value))), headers

    def loads_key(self, app: Any, message: Message, *, loads: Any = None, serializer: Any = None) -> Any:
        """Return the hidden key."""
        return message.key

    def loads_value(self, app: Any, message: Message, *, loads: Any = None, serializer: Any = None) -> Any:
        """Return the row's bytes, proved to be this hub's and this key's, else `BROKEN`.

        It raises nothing, for a later record of the key may be in order: only the table as a whole can be judged.
        """
        try:
            return encode_row(self._rows.open(message.key or b"", message.value or b""))
        except SambandError:
            return BROKEN


def _name(message_id: bytes) -> bytes:
    return b"track/" + message_id
