"""The sequencer: gives every leaf of the audit topic its place in the log, once, and signs what there is.

    sequencer = Sequencer(folder, journal, directory, key, origin)
    sequencer.recover(last)          last: the newest checkpoint that others have
    sequencer.take(records, after)   True where there is something new to tell
    sequencer.news()                 what others get, by name
    sequencer.publish()              the folder's checkpoint, after others have it

Order, and what a crash leaves behind it:

    tiles and bundles durable → checkpoint signed → in the journal with its leaves and offset → told → published

Before the journal nobody has seen anything, and the next start writes the same places anew; after it, the next start
tells the very same bytes again. So there is one checkpoint for a size. What the gate did not stamp never becomes a
leaf. audit_seq rises by one in each gate partition: a gap or a repeat is an alarm, and what came is a leaf, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from samband.schemas.errors import FormatError, OperatorError, SambandError, TrustError
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto.held import Signing
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.crypto.signature import Held, verify_entry
from samband.streams.directory import Directory
from samband.streams.log.checkpoint import Checkpoint, opened, sign
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Alarm, Journal
from samband.streams.log.tiles import CHECKPOINT, Tiles, bundle, bundle_path, grow, tile_path
from samband.streams.log.tree import WIDTH, Edge, root_of

__all__ = ["ENTRIES", "Incoming", "Sequencer"]

log = logging.getLogger("samband.log")

ENTRIES: Final = "entries/"
"""What a bundle is called where others get it, before its number."""


class Incoming(NamedTuple):
    """A record as Kafka gave it. `appended_at`: the broker's word, milliseconds since 1970 UTC."""

    offset: int
    value: bytes | None
    appended_at: int


class Sequencer:
    """The log's one writer, without Kafka."""

    def __init__(self, folder: LogFolder, journal: Journal, directory: Directory, key: Signing, origin: str) -> None:
        self.folder, self.journal, self.origin = folder, journal, origin
        self._directory = directory
        self._key = key
        self._held = Held()
        self._edge, self._tail = Edge(), list[bytes]()
        self._told = 0
        """Size up to which others have every entry."""

    @property
    def offset(self) -> int:
        """The next offset of the audit topic."""
        return self.journal.number("offset")

    @property
    def note(self) -> bytes:
        """The newest signed checkpoint."""
        note = self.journal.get("note")
        assert note is not None, "recover() comes first"
        return note

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self._edge.size

    def root_at(self, size: int) -> bytes | None:
        """Return the root that this log had at a size; None where it is not so large."""
        return root_of(Tiles(self.folder.read, self.size).node, size) if size <= self.size else None

    def _keys(self) -> list[VerifyKey]:
        return [VerifyKey(self._key.realm, Purpose.LOG, self._key.public), *self._others()]

    def _others(self) -> list[VerifyKey]:
        """Return the log's earlier keys: what they signed still counts."""
        return [each.key for each in self._directory.keys.values()
                if each.card.purpose == Purpose.LOG and isinstance(each.key, VerifyKey)]  # fmt: skip

    def _read(self, note: bytes | None) -> Checkpoint | None:
        return None if note is None else opened(note, self._keys(), self.origin)[0]

    # start

    def recover(self, last: bytes | None) -> None:
        """Begin where the journal, the folder and others say that the log is.

        Args:
            last: the newest checkpoint that others have, if there is one.

        Raises:
            OperatorError: this log is older than what others have (`LOG_ROLLED_BACK`), or its tiles are not what it
                signed (`LOG_TILES`).
            TrustError: two checkpoints contradict each other (`LOG_FORK`).
        """
        try:
            published = self._read(self.folder.read(CHECKPOINT))
        except FileNotFoundError:
            published = None
        own, seen = self._read(self.journal.get("note")), self._read(last)
        if published is not None and (own is None or published.size > own.size):
            self._adopt(published)
            own = published
        for other in (published, seen):
            if own is not None and other is not None and own.size == other.size and own.root != other.root:
                raise TrustError("LOG_FORK", f"the log has two checkpoints of size {own.size}")
        if seen is not None and seen.size > (own.size if own else 0):
            raise OperatorError(
                "LOG_ROLLED_BACK",
                f"the log here has {own.size if own else 0} entries, and others have {seen.size}",
                "bring back the newest copy of the log's folder; `samband audit verify` tells whether it is whole",
            )
        if own is None:
            self._sign(Checkpoint(self.origin, 0, self._edge.root()), [], {}, [], 0)
        else:
            self._edge, self._tail = self._tiles(own)
        self._told = seen.size if seen else 0

    def _tiles(self, checkpoint: Checkpoint) -> tuple[Edge, list[bytes]]:
        try:
            edge, tail = Tiles(self.folder.read, checkpoint.size).edge()
        except SambandError as error:
            raise OperatorError("LOG_TILES", "the log's tiles cannot be read", "samband audit verify") from error
        if edge.root() != checkpoint.root:
            raise OperatorError("LOG_TILES", "the log's tiles are not what it signed", "samband audit verify")
        return edge, tail

    def _adopt(self, published: Checkpoint) -> None:
        """Take the folder's word where the journal is lost or older; the topic is read from its beginning again."""
        log.error("journal is older than the log", extra={"code": "LOG_JOURNAL", "size": published.size})
        tiles = Tiles(self.folder.read, published.size)
        with self.journal.transaction():
            self.journal.forget()
            for n in range(-(-published.size // WIDTH)):
                self.journal.add(n * WIDTH, tiles.entries(n))
            self.journal.put("note", self.folder.read(CHECKPOINT))
            self.journal.put_number("known", 1)

    # work

    def take(self, records: Iterable[Incoming], after: int) -> bool:
        """Give records their place and go on at offset `after`; True where the log has grown.

        Raises:
            OperatorError: folder or journal cannot be written.
        """
        entries: dict[bytes, None] = {}
        alarms: list[Alarm] = []
        following = self.journal.partitions()
        verified = [(record.offset, self._verified(record)) for record in records]
        leaves = self.journal.known([each.entry for _, each in verified if isinstance(each, UnverifiedAudit)])
        for offset, audit in verified:
            if isinstance(audit, UnverifiedAudit):
                self._place(offset, audit, leaves, entries, following, alarms)
            else:
                alarms.append(_alarm("refused", audit.code, offset=offset))
        if not entries:
            with self.journal.transaction():
                self._keep(following, alarms, after)
            return False
        edge, tail, new = self._edge.copy(), list(self._tail), list(entries)
        self.folder.write(grow(edge, tail, new))
        self._sign(Checkpoint(self.origin, edge.size, edge.root()), new, following, alarms, after)
        self._edge, self._tail = edge, tail
        return True

    def _verified(self, incoming: Incoming) -> UnverifiedAudit | SambandError:
        """Return an audit record whose stamp holds, or why it is none."""
        try:
            audit = UnverifiedAudit.decode(incoming.value or b"")
            _, key = self._directory.verify_key(audit.proof.kid, Purpose.GATE_STAMP, incoming.appended_at)
            verify_entry(key, audit.entry, audit.proof, self._held)
        except (FormatError, TrustError) as error:
            return error
        return audit

    def _place(
        self, offset: int, audit: UnverifiedAudit, leaves: set[bytes], entries: dict[bytes, None],
        following: dict[int, int], alarms: list[Alarm],
    ) -> None:  # fmt: skip
        """Give a record's entry its place among `entries`, and look at its number."""
        partition, seq = audit.partition, audit.audit_seq
        known = audit.entry in entries or audit.entry in leaves
        again = known and bool(self.journal.number("known"))
        expected = seq if again else following.get(partition, 1)
        if seq != expected:
            kind = "gap" if seq > expected else "repeat"
            alarms.append(_alarm(kind, "AUDIT_SEQ", partition, seq, offset))
        if seq >= expected:
            following[partition] = seq + 1
        if not known:
            entries[audit.entry] = None

    def _sign(
        self, checkpoint: Checkpoint, new: Sequence[bytes], following: dict[int, int], alarms: list[Alarm], after: int
    ) -> None:
        """Sign a state and keep it with all that belongs to it, before anybody sees it."""
        note = sign(self._key, checkpoint)
        with self.journal.transaction():
            self.journal.add(checkpoint.size - len(new), new)
            self.journal.put("note", note)
            self._keep(following, alarms, after)
            if new:
                self.journal.put("known", None)  # past what was there before

    def _keep(self, following: dict[int, int], alarms: list[Alarm], after: int) -> None:
        self.journal.count_on(following)
        for alarm in alarms:
            self.journal.alarm(alarm)
            log.error("alarm", extra={**alarm._asdict(), "at": None})
        self.journal.put_number("offset", after)

    def lost(self, first: int) -> None:
        """Note that the topic begins after our place, and go on at its beginning."""
        with self.journal.transaction():
            alarms = [] if self.journal.number("known") else [_alarm("lost", "AUDIT_OFFSET", offset=self.offset)]
            self._keep({}, alarms, first)

    # what others get

    def news(self) -> list[tuple[str, bytes]]:
        """Return what others do not have yet, (name, bytes): bundles as far as they go, then the checkpoint."""
        tiles = Tiles(self.folder.read, self.size)
        found = []
        if self._told < self.size:
            for n in range(self._told // WIDTH, -(-self.size // WIDTH)):
                found.append((f"{ENTRIES}{n}", bundle(tiles.entries(n))))
        return [*found, (CHECKPOINT, self.note)]

    def publish(self) -> None:
        """Let the folder's checkpoint be what others have been told, and let go of partial tiles that are full now.

        Raises:
            OperatorError: the folder cannot be written.
        """
        self.folder.write([(CHECKPOINT, self.note)])
        for n in range(self._told // WIDTH, self.size // WIDTH):
            self.folder.tidy(bundle_path(n))
        level = 0
        while self.size >> 8 * (level + 1):
            for n in range(self._told >> 8 * (level + 1), self.size >> 8 * (level + 1)):
                self.folder.tidy(tile_path(level, n))
            level += 1
        self._told = self.size


def _alarm(
    kind: str, code: str, partition: int | None = None, seq: int | None = None, offset: int | None = None
) -> Alarm:
    return Alarm(kind, code, partition, seq, offset, time.time_ns() // 1_000_000)
