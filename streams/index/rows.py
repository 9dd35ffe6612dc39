"""A record's row: where and when it was decided, kind and outcome, and tokens of all that could tell of somebody.

    tokens = Tokens(audit_keys)
    row = tokens.row(record, place=offset, entry=entry, month=month)

A token is 64 bits of an HMAC under the key of the record's own month (`AuditKeys`): whoever has the rows alone cannot
make one, a token of one month says nothing of another month's, and where the month's key is destroyed its tokens lead
to nothing. Kind and outcome are of closed sets. Pure but for the keys' files.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from samband.schemas.stamp import PART
from samband.streams.audit import STOCKHOLM

if TYPE_CHECKING:
    from samband.schemas.stamp import StampRecord
    from samband.streams.audit import AuditKeys

__all__ = ["Row", "Tokens", "day_of", "kind_of"]

_HOUR_MS: Final = 3_600_000
_REMEMBERED: Final = 8192


class Row(NamedTuple):
    """One log entry. `place`: its offset on the audit topic. The columns of `places`, then two lists of tokens."""

    place: int
    entry: bytes
    month: int
    at: int
    day: int
    kind: str
    outcome: str
    sender: int
    recipient: int
    type: int
    message: int
    subject: int | None
    child: int
    grounds: frozenset[int]
    leans: frozenset[int]


class Tokens:
    """Words as tokens, each under the key of a month."""

    def __init__(self, keys: AuditKeys) -> None:
        self.keys = keys
        self._token = lru_cache(_REMEMBERED)(self._make)

    def of(self, month: int, what: str, value: bytes) -> int:
        """Return the token of a word of a month.

        Raises:
            OperatorError: the month's key is missing or destroyed.
        """
        return self._token(month, what, value)

    def over(self, months: Iterable[int], what: str, value: bytes) -> list[int]:
        """Return a word's tokens of several months."""
        return [self._token(month, what, value) for month in months]

    def forget(self) -> None:
        """Forget what is remembered: a key may have been destroyed."""
        self._token.cache_clear()

    def _make(self, month: int, what: str, value: bytes) -> int:
        name = b"console/" + what.encode() + b"/" + value
        return int.from_bytes(self.keys.of(month).key(name)[:8], "big", signed=True)

    def row(self, record: StampRecord, *, place: int, entry: bytes, month: int) -> Row:
        """Return a record's row.

        Raises:
            OperatorError: the month's key is missing or destroyed.
        """
        token = self._token
        return Row(
            place, entry, month, record.decided_at, day_of(record.decided_at), kind_of(record), record.outcome,
            token(month, "unit", record.sender.encode()), token(month, "unit", record.recipient.encode()),
            token(month, "type", record.type.encode()), self._make(month, "message", record.message_id),
            None if record.subject is None else self._make(month, "message", record.subject),
            self._make(month, "child", record.ref),
            frozenset(token(month, "ground", each.encode()) for each in (*record.grounds, *record.reasons)),
            frozenset(token(month, "consent", each) for each in record.consents),
        )  # fmt: skip


def kind_of(record: StampRecord) -> str:
    """Return what a record is listed as: its kind, but an answered question and a piece of a file are no decisions."""
    if record.kind != "decision":
        return record.kind
    return "question" if record.ask else "part" if record.code == PART else record.kind


@lru_cache(4096)
def _shift(hour: int) -> int:
    """Return Stockholm's distance from UTC in milliseconds, in an hour since 1970."""
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(STOCKHOLM).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() * 1000)


def day_of(ms: int) -> int:
    """Return the day in Stockholm of a time in milliseconds since 1970 UTC, in days since 1970."""
    return (ms + _shift(ms // _HOUR_MS)) // 86_400_000
