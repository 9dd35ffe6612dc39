"""Audit records on Kafka, and the month keys that their content is sealed under.

    keys = AuditKeys(folder)
    value = seal_audit(*keys.at(now), partition, audit_seq, entry, stamped)
    audit = UnverifiedAudit.decode(value);  audit.open(keys.of(audit.month)).record

The leaf and its proof stand in the open; (salt, record) is sealed under the key of the calendar month in Stockholm in
which the gate decided. The hub's records are kept under the same keys, so that destroying one makes a month unreadable
in the database, on the topic and in every backup of the two. Month 0 is the key of erasures, which name no child and
are kept as long as the log. A key is one file, kept beside no backup of what it opens. Format page: § Layout, AUDIT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from samband.schemas.codec import Reader, frame, lp16, unframe
from samband.schemas.errors import FormatError, OperatorError, TrustError
from samband.schemas.stamp import AUDIT, Stamped, StampRecord
from samband.streams.crypto.hub import HubStore
from samband.streams.topics import AUDIT as TOPIC

if TYPE_CHECKING:
    from samband.streams.keyfile import KeyFolder

__all__ = ["AUDIT_CLASS", "ERASURES", "STOCKHOLM", "AuditKeys", "UnverifiedAudit", "month_of", "seal_audit"]

AUDIT_CLASS: Final = 1536
"""Bytes of salt, length and record: every audit record has this one length."""

ERASURES: Final = 0
"""The month of an erasure's own record: none, so that its key is never destroyed."""

STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
_SALT: Final = 32
_U32: Final = 1 << 32


def month_of(ms: int) -> int:
    """Return the calendar month in Stockholm as 202611, given milliseconds since 1970 UTC."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(STOCKHOLM)
    return local.year * 100 + local.month


class AuditKeys:
    """The month keys in a folder of their own."""

    def __init__(self, folder: KeyFolder) -> None:
        self._folder = folder
        self._stores: dict[int, HubStore] = {}
        self._at = lru_cache(1)(month_of)  # a gate asks for the same moment once per record

    def at(self, now: int) -> tuple[int, HubStore]:
        """Return the month of `now` (ms) and its key; the first who asks makes it.

        Raises:
            OperatorError: the folder cannot be read or written.
        """
        month = self._at(now)
        return month, self.making(month)

    def making(self, month: int) -> HubStore:
        """Return a month's key, made where there is none.

        Raises:
            OperatorError: the folder cannot be read or written.
        """
        if month not in self._stores:
            try:
                self._folder.make_secret(_name(month))
            except OperatorError as error:
                if error.code != "KEY_FILE_EXISTS":
                    raise
        return self.of(month)

    def of(self, month: int) -> HubStore:
        """Return a month's key.

        Raises:
            OperatorError: it is missing or destroyed (`KEY_FILE_MISSING`), or cannot be read.
        """
        if month not in self._stores:
            self._stores[month] = HubStore(self._folder.secret(_name(month)))
        return self._stores[month]

    def has(self, month: int) -> bool:
        """Say whether a month's key is there."""
        return (self._folder.folder / f"secret-{_name(month)}.key").exists()

    def destroy(self, month: int) -> None:
        """Destroy a month's key; does nothing where it is gone.

        Raises:
            OperatorError: the folder cannot be written.
        """
        if month == ERASURES:
            raise ValueError("the key of erasures stays")
        self._folder.destroy_secret(_name(month))
        self._stores.pop(month, None)


def _name(month: int) -> str:
    return f"audit-{month:06}"


def seal_audit(month: int, store: HubStore, partition: int, audit_seq: int, entry: bytes, stamped: Stamped) -> bytes:
    """Return an audit record as a Kafka value."""
    plain = (stamped.salt + lp16(stamped.record)).ljust(AUDIT_CLASS, b"\0")
    return frame(
        AUDIT,
        {
            "v": 1,
            "month": month,
            "partition": partition,
            "audit_seq": audit_seq,
            "entry": entry,
            "kid": stamped.kid,
            "sig": stamped.sig,
            "n": stamped.n,
            "i": stamped.i,
            "path": b"".join(stamped.path),
            "sealed": store.seal(TOPIC, entry, plain)[1],
        },
    )


@dataclass(frozen=True, slots=True)
class UnverifiedAudit:
    """An audit record as it stands on the topic; whether the gate stamped it is not checked here."""

    month: int
    partition: int
    audit_seq: int
    entry: bytes
    proof: Stamped
    """Its salt and record are empty until it is opened."""
    sealed: bytes

    @classmethod
    def decode(cls, value: bytes) -> UnverifiedAudit:
        """Return the audit record in a Kafka value.

        Raises:
            FormatError: not an audit record of version 1.
        """
        fields = unframe(AUDIT, value)
        if fields["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {fields['v']} is not read here, only 1")
        path: bytes = fields["path"]
        if len(path) % 32:
            raise FormatError("FORMAT_RECORD", "the audit record's path is no row of hashes")
        if not 0 <= fields["i"] < _U32 or not 0 <= fields["n"] < _U32:
            raise FormatError("FORMAT_RECORD", "the audit record's place is no place in a tree")
        steps = tuple(path[k : k + 32] for k in range(0, len(path), 32))
        proof = Stamped(b"", b"", fields["kid"], fields["sig"], fields["n"], fields["i"], steps)
        return cls(fields["month"], fields["partition"], fields["audit_seq"], fields["entry"], proof, fields["sealed"])

    def open(self, store: HubStore) -> Stamped:
        """Return the stamp with salt and record.

        Raises:
            FormatError: what was sealed is not a salt and a record, zero-filled to its class.
            TrustError: not sealed by this hub in this month, or moved from another entry.
        """
        name, plain = store.open(TOPIC, store.key(self.entry), self.sealed)
        if name != self.entry:
            raise TrustError("AUDIT_ENTRY", "the audit record's content belongs to another entry")
        reader = Reader(plain)
        salt, record = reader.take(_SALT), reader.lp16()
        if plain != (salt + lp16(record)).ljust(AUDIT_CLASS, b"\0"):
            raise FormatError("FORMAT_PADDING", "the padding of an audit record is not its class's zeros")
        proof = self.proof
        return Stamped(record, salt, proof.kid, proof.sig, proof.n, proof.i, proof.path)

    def record(self, key_of: Callable[[int], HubStore]) -> StampRecord:
        """Return the record, opened with the key that `key_of` gives for its month.

        Raises:
            FormatError: as `open`.
            TrustError: as `open`.
            OperatorError: the month's key is missing or destroyed.
        """
        return StampRecord.decode(self.open(key_of(self.month)).record)
