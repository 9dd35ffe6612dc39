"""The keeper: takes every leaf of the audit topic into the store, and carries erasures out.

    keeper = Keeper(store, directory, stamp)
    await keep(keeper, topic)                     until cancelled

Taking. A record is kept only when the gate's signature holds over its entry and its entry over salt and record; else it
is refused, counted and passed over. audit_seq rises by one in each gate partition: a gap or a repeat is an alarm, and
what came is kept. Records, alarms and the next offset are one transaction.

Erasing. A wish becomes a leaf of its own on the topic, in the keeper's own partition; the rows go in the transaction in
which that leaf is read back from the topic, hence never before it is durable there, and whatever crashes in between,
the next start reads the same leaf and deletes:

    asked → stamped (what it names is kept here) → on the topic → read back: erased → journal and month key gone: done

A saying of a spot check becomes a leaf in the same way, and nothing is deleted for it.

The leaf goes out exactly once: whoever sends has fenced its predecessor and has read the topic to the end it had then.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from msgspec.structs import replace

from samband.schemas.errors import FormatError, SambandError, TrustError
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams.audit import ERASURES, UnverifiedAudit, month_of, seal_audit
from samband.streams.crypto.held import Signing
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import entry_of, stamp_all, verify_entry
from samband.streams.directory import Directory
from samband.streams.records.erasure import ERASURE, Wish, check_time, check_unit, chosen, digest, leaf_record, wish_of
from samband.streams.records.sample import SAMPLE, sample_of
from samband.streams.records.store import Alarm, Erasure, Leaf, RecordStore, Saying, State

__all__ = ["PARTITION", "Incoming", "Keeper", "Topic", "keep"]

log = logging.getLogger("samband.records")

PARTITION: Final = 255
"""The keeper's own partition number in its leaves: above every gate partition."""


class Incoming(NamedTuple):
    """A record as Kafka gave it. `appended_at`: the broker's word, milliseconds since 1970 UTC."""

    offset: int
    value: bytes | None
    appended_at: int


class Topic(Protocol):
    """The audit topic as the keeper needs it: Kafka, or a file in a test."""

    async def start(self, offset: int) -> None:
        """Begin to read at an offset."""

    async def read(self) -> tuple[Sequence[Incoming], int]:
        """Return the next records, perhaps none, and the offset after them."""

    async def fence(self) -> None:
        """Shut out whoever wrote as the keeper before; what it wrote is on the topic from now on, or never."""

    async def read_all(self) -> bool:
        """Say whether everything that was on the topic at the fence has been read."""

    async def send(self, value: bytes) -> None:
        """Return when a record is durable on the topic."""


class Keeper:
    """The store's one writer, without Kafka."""

    def __init__(self, store: RecordStore, directory: Directory, stamp: Signing) -> None:
        self.store = store
        self._directory = directory
        self._stamp = stamp

    def take(self, records: Iterable[Incoming], after: int) -> None:
        """Keep records and go on at offset `after`.

        Raises:
            OperatorError: the store cannot be written, or a month's key is missing: nothing is passed over for that.
        """
        with self.store.transaction():
            for record in records:
                try:
                    self._take(record)
                except (FormatError, TrustError) as error:
                    self._alarm("refused", error.code, offset=record.offset)
            self.store.move(after)

    def _take(self, incoming: Incoming) -> None:
        audit = UnverifiedAudit.decode(incoming.value or b"")
        _, key = self._directory.verify_key(audit.proof.kid, Purpose.GATE_STAMP, incoming.appended_at)
        verify_entry(key, audit.entry, audit.proof)
        if not self.store.keys.has(audit.month):
            _check_month(audit.month, incoming.appended_at)
        stamped = audit.open(self.store.keys.of(audit.month))
        if entry_of(key.realm, stamped.salt, stamped.record) != audit.entry:
            raise TrustError("AUDIT_ENTRY", "the audit record's content belongs to another entry")
        record = StampRecord.decode(stamped.record)
        self._keep(audit, incoming.offset, stamped, record)
        if record.kind == ERASURE and audit.partition == PARTITION:
            self._carry_out(audit.entry, record)
        elif record.kind == SAMPLE and audit.partition == PARTITION:
            self.store.said(audit.entry)

    def _keep(self, audit: UnverifiedAudit, offset: int, stamped: Stamped, record: StampRecord) -> None:
        store, expected = self.store, self.store.next_seq(audit.partition)
        if audit.audit_seq != expected:
            kind = "gap" if audit.audit_seq > expected else "repeat"
            self._alarm(kind, "AUDIT_SEQ", audit.partition, audit.audit_seq, offset)
        if audit.audit_seq >= expected:
            store.count_on(audit.partition, audit.audit_seq)
        if store.find(audit.entry) is None:
            month = ERASURES if record.kind == ERASURE else month_of(record.decided_at)
            proof = replace(stamped, record=b"", salt=bytes(32)).encode()
            leaf = Leaf(audit.entry, audit.partition, audit.audit_seq, offset, month, None, None, proof)
            store.put(leaf, stamped.salt, stamped.record)

    def _carry_out(self, erasure: bytes, record: StampRecord) -> None:
        """Delete what an erasure's leaf names; a store from a backup works out anew what was wished."""
        found = next((each for each in self.store.erasures() if each.entry == erasure), None)
        if found is not None and found.state is not State.STAMPED:
            return  # a repeat
        if found is not None:
            number, entries = found.id, _split(found.entries)
        else:
            try:
                wish = wish_of(record)
                entries = chosen(wish, self.store, self._directory, record.decided_at)
            except SambandError as error:
                self._alarm("erasure", error.code)
                return
            number = self.store.ask(wish.encode())
        if digest(self.store.realm, entries) != record.leaf:
            self.store.set_erasure(number, State.REFUSED, code="ERASURE_UNKNOWN")
            self._alarm("erasure", "ERASURE_UNKNOWN")
            return
        self.store.erase(entries, erasure)
        self.store.set_erasure(number, State.ERASED, entry=erasure, entries=None, count=len(entries))
        log.info("records erased", extra={"records": len(entries)})

    def finish(self) -> None:
        """Empty the journal and destroy the keys of months that are erased; repeated after a crash."""
        erased = self.store.erasures(State.ERASED)
        if not erased or not self.store.tidy():
            return
        for each in erased:
            if month := Wish.decode(each.wish).month:
                self.store.keys.destroy(month)
        with self.store.transaction():
            for each in erased:
                self.store.set_erasure(each.id, State.DONE)

    def wanted(self) -> Erasure | None:
        """Return the oldest erasure that is not on its way out yet."""
        return next(iter(self.store.erasures(State.ASKED, State.STAMPED)), None)

    def stamped(self, erasure: Erasure, now: int) -> bytes | None:
        """Return the leaf of an erasure as a Kafka value; None where there is nothing to send.

        What it names is kept before it is sent. One that an earlier keeper stamped is stamped anew: whoever asks has
        fenced that keeper and read the topic to its end, so the earlier leaf is not there and never will be.

        Raises:
            OperatorError: the store cannot be written.
        """
        wish = Wish.decode(erasure.wish)
        try:
            check_time(wish, now)
            check_unit(wish, self._directory)
            entries = chosen(wish, self.store, self._directory, now)
        except SambandError as error:
            self._settle(erasure, State.REFUSED, error.code)
            return None
        if not entries and not wish.month:
            self._settle(erasure, State.DONE, "")
            return None
        record = leaf_record(wish, entries, self.store.realm, self._directory.version, now)
        ((entry, proof),) = stamp_all(self._stamp, [(secrets.token_bytes(32), record.encode())])
        seq, key = self.store.next_seq(PARTITION), self.store.keys.making(ERASURES)
        with self.store.transaction():
            self.store.set_erasure(erasure.id, State.STAMPED, entry=entry, entries=b"".join(entries))
        return seal_audit(ERASURES, key, PARTITION, seq, entry, proof)

    def saying(self) -> Saying | None:
        """Return the oldest saying that is not on its way out yet."""
        return next(iter(self.store.sayings(State.ASKED, State.STAMPED)), None)

    def said(self, saying: Saying, now: int) -> bytes | None:
        """Return the leaf of a saying as a Kafka value, under the time at which it goes; None where it says nothing.

        Raises:
            OperatorError: the store cannot be written.
        """
        try:
            told = StampRecord.decode(saying.record)
            sample_of(told)
        except FormatError as error:
            with self.store.transaction():
                self.store.refuse_saying(saying.id)
            log.warning("saying refused", extra={"code": error.code})
            return None
        record = replace(told, decided_at=now, appended_at=now, directory=self._directory.version)
        ((entry, proof),) = stamp_all(self._stamp, [(secrets.token_bytes(32), record.encode())])
        month, key = self.store.keys.at(now)
        with self.store.transaction():
            self.store.stamp_saying(saying.id, entry)
        return seal_audit(month, key, PARTITION, self.store.next_seq(PARTITION), entry, proof)

    def _settle(self, erasure: Erasure, state: State, code: str) -> None:
        with self.store.transaction():
            self.store.set_erasure(erasure.id, state, code=code)
        log.warning("erasure settled", extra={"state": state, "code": code})

    def _alarm(
        self, kind: str, code: str, partition: int | None = None, seq: int | None = None, offset: int | None = None
    ) -> None:
        self.store.alarm(Alarm(kind, code, partition, seq, offset, time.time_ns() // 1_000_000))
        log.error("alarm", extra={"kind": kind, "code": code, "partition": partition, "seq": seq, "offset": offset})

    def lost(self, first: int) -> None:
        """Note that the topic begins after our place, and go on at its beginning."""
        with self.store.transaction():
            self._alarm("lost", "AUDIT_OFFSET", offset=self.store.offset)
            self.store.move(first)


async def keep(keeper: Keeper, topic: Topic) -> None:
    """Take what comes and carry out what is asked, until cancelled.

    Raises:
        SambandError: the store or Kafka fails; whoever runs it starts it again.
    """
    await topic.start(keeper.store.offset)
    fenced = False
    sent: Erasure | Saying | None = None
    while True:
        keeper.finish()
        records, after = await topic.read()
        if records or after != keeper.store.offset:
            keeper.take(records, after)
        wanted = keeper.saying() or keeper.wanted()
        if wanted is None or (sent is not None and (type(wanted), wanted.id) == (type(sent), sent.id)):
            continue
        if not fenced:
            await topic.fence()
            fenced = True
        elif await topic.read_all():
            now = time.time_ns() // 1_000_000
            value = keeper.said(wanted, now) if isinstance(wanted, Saying) else keeper.stamped(wanted, now)
            if value is not None:
                await topic.send(value)
                sent = wanted


def _split(entries: bytes) -> list[bytes]:
    return [entries[k : k + 32] for k in range(0, len(entries), 32)]


def _check_month(month: int, appended_at: int) -> None:
    """Check that a record whose key is missing names about the month of its time: nobody signs the month.

    Else whoever writes on the topic could stop the keeper by naming a month that never was.

    Raises:
        TrustError: it names another (`AUDIT_MONTH`).
    """
    near = {month_of(appended_at + days * 86_400_000) for days in (-31, 0, 31)}
    if month != ERASURES and month not in near:
        raise TrustError("AUDIT_MONTH", "an audit record names another month than its own")
