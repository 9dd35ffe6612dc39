"""What the gate has logged about its own state: said with each head, and looked for when a partition begins again.

    say = state_say(directory, values, rulebook, now)      the word on the state that this commit is made on
    found = seen(tail, partition, directory, key_of)       what the end of the audit topic says about a partition

A `gate_state` record goes to the log alone: no party learns how much the gate decides. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from samband.schemas.errors import SambandError, TrustError
from samband.schemas.stamp import StampRecord
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.crypto.signature import entry_of, verify_entry
from samband.streams.directory import HUB, Directory
from samband.streams.gate.digest import Digest, Seen
from samband.streams.gate.verdicts import Say

__all__ = ["STATE", "seen", "state_say"]

STATE: Final = "gate_state"


def state_say(
    directory: Directory, values: Mapping[bytes, bytes], rulebook: bytes, now: int, code: str = ""
) -> list[Say]:
    """Return the record that names a partition's state by version and sum; none where nothing was committed yet."""
    found = Digest.of(values)
    if not found.version:
        return []
    number = int.from_bytes(values.get(b"audit", b""), "big")
    record = StampRecord(
        kind=STATE,
        leaf=found.sum,
        message_id=bytes(16),
        sender="",
        recipient="",
        ref=bytes(16),
        type="",
        outcome="said",
        code=code,
        reasons=(f"version {found.version}", f"audit {number}"),
        rulebook=rulebook,
        directory=directory.version,
        decided_at=now,
        appended_at=now,
    )
    return [Say.of(record, directory.realm, answer=False)]


def seen(tail: Sequence[bytes], partition: int, directory: Directory, key_of: Callable[[int], HubStore]) -> Seen:
    """Return what audit records, oldest first, say about a partition; what is not the gate's says nothing."""
    number, state = 0, None
    for value in reversed(tail):
        try:
            audit = UnverifiedAudit.decode(value)
            if audit.partition != partition:
                continue
            if not number:
                _stamped(audit, directory)
                number = audit.audit_seq
            if state is None and (record := _opened(audit, directory, key_of)).kind == STATE:
                state = record
        except SambandError:
            continue
    return Seen(number, state)


def _opened(audit: UnverifiedAudit, directory: Directory, key_of: Callable[[int], HubStore]) -> StampRecord:
    stamped = audit.open(key_of(audit.month))
    record = StampRecord.decode(stamped.record)
    if entry_of(directory.realm, stamped.salt, stamped.record) != audit.entry:
        raise TrustError("AUDIT_ENTRY", "the audit record's content belongs to another entry")
    _stamped(audit, directory)
    return record


def _stamped(audit: UnverifiedAudit, directory: Directory) -> None:
    """Check that a gate of this hub has stamped an entry, whenever that was."""
    known = directory.known(audit.proof.kid)
    if (known.party, known.card.purpose) != (HUB, Purpose.GATE_STAMP) or not isinstance(known.key, VerifyKey):
        raise TrustError("STAMP_KEY", "a stamp must be the gate's")
    verify_entry(known.key, audit.entry, audit.proof)
