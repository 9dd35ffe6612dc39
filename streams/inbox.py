"""A party's reading end: what the gate's records really say, or why they are not believed.

    received = Accept(...).open(value)         lane → box number → stamp → sender's signature; content stays sealed
    letter = accept.letter(received, now)      opens and compares with what was judged

Order and codes: format page § Party accepts. Each check raises; a `Received` without message is the gate's own word.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiokafka import TopicPartition

from samband.schemas.attachment import Part
from samband.schemas.catalogue import categories, content_schema_id, decode_content
from samband.schemas.errors import FormatError, OperatorError, RefusedError, TrustError
from samband.schemas.identifiers import ChildIdentifier, age_band, birth_date
from samband.schemas.message import Down, Message
from samband.schemas.routing import Routing
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams import clients
from samband.streams.crypto.content import open_content
from samband.streams.crypto.held import Opening
from samband.streams.crypto.keys import Kid, Purpose
from samband.streams.crypto.lane import LaneIn, UnverifiedRecord
from samband.streams.crypto.reference import child_ref
from samband.streams.crypto.signature import BatchCache, verify_stamp
from samband.streams.directory import Directory
from samband.streams.topics import inbox

__all__ = ["Accept", "Batch", "InboxReader", "Letter", "Received"]

_CACHE: Final = 512
_NOT_KNOWN: Final = frozenset({"KEY_UNKNOWN", "UNIT_UNKNOWN"})
STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")


@dataclass(frozen=True, slots=True)
class Received:
    """A verified record of the own inbox."""

    down: Down
    stamp: StampRecord | None
    entry: bytes
    message: Message | None
    routing: Routing | None
    more: tuple[tuple[StampRecord, bytes], ...] = ()
    """Further answers in the same record, each with its log entry."""
    stamp_kid: bytes = b""
    """The gate's key that stamped a message."""

    def proof(self, entry: bytes) -> bytes:
        """Return the stamp of one of its log entries as it came, with salt and the gate's signature."""
        stamps = Stamped.decode_all(self.down.stamped)
        entries = (self.entry, *(entry for _, entry in self.more))
        return next(stamp.encode() for stamp, each in zip(stamps, entries, strict=True) if each == entry)


@dataclass(frozen=True, slots=True)
class Letter:
    """An opened message whose content is what was judged."""

    received: Received
    content: dict[str, Any]


@dataclass(slots=True)
class Accept:
    """The checks of one party."""

    directory: Directory
    party: str
    agreement: str
    hop: Mapping[Kid, Opening]
    content: Mapping[Kid, tuple[str, Opening]]
    """Content keys by kid, each with its unit."""
    reference: Mapping[int, bytes]
    """Child-reference keys by epoch."""
    stands: Callable[[bytes, int], bool] = lambda entry, at: False
    """Whether a log entry is in a checkpoint that was witnessed before a time (ms): so a stolen key still counts."""
    _lanes: OrderedDict[bytes, tuple[LaneIn, int | None]] = field(default_factory=OrderedDict)
    """Lanes by their opener's hash, each with the time at which its key was stolen, if it was."""
    _batches: BatchCache = field(default_factory=BatchCache)

    def open(self, value: bytes | None) -> Received:
        """Verify one record of the inbox.

        Raises:
            OperatorError: it names a unit or key that a newer directory has: read it again when that is here.
            FormatError: garbage, or another version.
            TrustError: not from the gate, moved, altered, or a stamp or signature that does not hold.
        """
        record = UnverifiedRecord.decode(value or b"")
        lane, stolen_at = self._lane(record)
        down = Down.decode(lane.open(record, inbox(self.party), 0))
        if not down.stamped:
            if down.message:
                raise TrustError("STAMP_MISSING", "a message came without the gate's stamp")
            self._check_stands(b"", stolen_at)
            return Received(down, None, b"", None, None)
        if not down.message:
            (stamp, entry), *more = [self._stamp(each, stolen_at) for each in Stamped.decode_all(down.stamped)]
            return Received(down, stamp, entry, None, None, tuple(more))
        stamped = Stamped.decode(down.stamped)
        stamp, entry = self._stamp(stamped, stolen_at)
        message = Message.decode(down.message)
        routing = Routing.decode(message.routing)
        try:
            self._check_sender(message, routing, stamp)
        except (TrustError, RefusedError) as error:
            if stamp.directory > self.directory.version and error.code in _NOT_KNOWN:
                raise OperatorError(
                    "DIRECTORY_BEHIND", "a record was judged by a directory that has not come here yet", retriable=True
                ) from error
            raise
        return Received(down, stamp, entry, message, routing, stamp_kid=stamped.kid)

    def _stamp(self, stamped: Stamped, lane_stolen_at: int | None) -> tuple[StampRecord, bytes]:
        stamp = StampRecord.decode(stamped.record)
        key, stolen_at = self.directory.stamp_key(stamped.kid, stamp.decided_at)
        entry = verify_stamp(key, stamped)
        for at in (stolen_at, lane_stolen_at):
            self._check_stands(entry, at)
        return stamp, entry

    def _check_stands(self, entry: bytes, stolen_at: int | None) -> None:
        """Check that what came under a key that was stolen is not the thief's: who has the key names any time."""
        if stolen_at is not None and not (entry and self.stands(entry, stolen_at)):
            raise TrustError("KEY_REVOKED", "the gate's key was stolen, and no witnessed log had this before")

    def _lane(self, record: UnverifiedRecord) -> tuple[LaneIn, int | None]:
        found = self._lanes.get(record.opener_hash)
        if found is None:
            opener = record.opener(self.directory.realm)[0]
            own = self.hop.get(Kid(opener.to_kid))
            if own is None or opener.agreement != self.agreement:
                raise TrustError("OPENER_KEY", "the opener is for another party or agreement")
            signer, stolen_at = self.directory.stamp_key(opener.from_kid, opener.not_before)
            found = self._lanes[record.opener_hash] = LaneIn(record, self.directory.realm, signer, own), stolen_at
            if len(self._lanes) > _CACHE:
                self._lanes.popitem(last=False)
        return found

    def _check_sender(self, message: Message, routing: Routing, stamp: StampRecord) -> None:
        """Check that the message is the judged one, to a unit of mine, signed by the sender unit's own party."""
        party, key = self.directory.verify_key(message.kid, Purpose.PARTY_SIGN, stamp.decided_at)
        leaf = self._batches.verify(key, message)
        if leaf != stamp.leaf or routing.message_id != stamp.message_id:
            raise TrustError("LEAF", "the stamp is for another message")
        if self.directory.unit(routing.sender).party != party or routing.sender != stamp.sender:
            raise TrustError("SENDER_PARTY", "the message is not signed by its sender unit's party")
        if self.directory.unit(routing.recipient).party != self.party or routing.recipient != stamp.recipient:
            raise TrustError("RECIPIENT", "the message is for a unit of another party")
        if stamp.kind == "decision" and (stamp.outcome != "permit" or stamp.ask):
            raise TrustError("NOT_PERMITTED", "the message came without a permit")

    def letter(self, received: Received, now: int) -> Letter:
        """Open a permitted message and compare its content with what the gate judged.

        Raises:
            RefusedError: `EXPIRED`; `MISMATCH_CHILD`, `MISMATCH_CATEGORIES`, `MISMATCH_AGE`: never hand it over.
            TrustError, FormatError: the content does not open, or is not its type's.
        """
        message, routing, stamp = _to_open(received, now)
        if routing.content_schema != content_schema_id(routing.type):
            raise FormatError("SCHEMA_UNKNOWN", "the content is written with a schema that is not known here")
        content = decode_content(routing.type, self._opened(message, routing))
        self._compare(content, routing, stamp)
        return Letter(received, content)

    def part(self, received: Received, now: int) -> Part:
        """Open a piece of a file and check that its label is its own. What it goes with tells the child and the rest.

        Raises:
            RefusedError: `EXPIRED`; `MISMATCH_PART`: it is not the piece that its label says, or was not judged so.
            TrustError, FormatError: the content does not open, or is no piece of a file.
        """
        message, routing, stamp = _to_open(received, now)
        part = Part.decode(self._opened(message, routing))
        told = (part.message_id, part.main, stamp.categories)
        if told != (routing.message_id, routing.ref_to, routing.categories):
            raise RefusedError("MISMATCH_PART", "a part of a file is not the one that its label says")
        return part

    def _opened(self, message: Message, routing: Routing) -> bytes:
        unit, key = self.content.get(Kid(routing.recipient_kid), ("", None))
        if key is None or unit != routing.recipient:
            raise TrustError("RECIPIENT_KEY", "the content is sealed to a key that the recipient unit does not have")
        return open_content(key, message.content, message.routing, routing.plain_commit)

    def _compare(self, content: Mapping[str, Any], routing: Routing, stamp: StampRecord) -> None:
        identifier = ChildIdentifier(content["child_identifier"])
        reference = self.reference.get(routing.e)
        if reference is None:
            raise TrustError("REFERENCE_EPOCH", "the child-reference key of that epoch is not here")
        if child_ref(reference, self.directory.realm, self.agreement, routing.e, identifier) != routing.ref:
            raise RefusedError("MISMATCH_CHILD", "the content is about another child than was judged")
        told = categories(routing.type, content, self.directory.unit(routing.sender).kind)
        if not told == routing.categories == stamp.categories:
            raise RefusedError("MISMATCH_CATEGORIES", "the content tells something else than was judged")
        born = birth_date(identifier)
        # The gate's clock decides, not the sender's: who turned 18 in between was judged as a child, and must not be.
        day = datetime.fromtimestamp(stamp.decided_at / 1000, UTC).astimezone(STOCKHOLM).date()
        if born is not None and age_band(born, day) != routing.age_band:
            raise RefusedError("MISMATCH_AGE", "the child is of another age than was judged")


SLICE: Final = 64
"""Most records of a batch: so long the caller may keep the loop to itself."""


def _to_open(received: Received, now: int) -> tuple[Message, Routing, StampRecord]:
    message, routing, stamp = received.message, received.routing, received.stamp
    if message is None or routing is None or stamp is None:
        raise FormatError("FORMAT_RECORD", "there is no message to open")
    if now >= routing.expires:
        raise RefusedError("EXPIRED", "the message's time is over")
    return message, routing, stamp


@dataclass(frozen=True, slots=True)
class Batch:
    """Records read at once: (offset, value) in order, and the offset to go on from."""

    records: tuple[tuple[int, bytes | None], ...]
    next_offset: int
    end: int
    """The inbox's end when last asked: everything before it was known to be there."""


class InboxReader:
    """Read the own inbox from a kept offset: committed records only, no consumer group."""

    def __init__(
        self, kafka: Callable[[], dict[str, Any]], party: str, *, at_once: int = 500, wait_ms: int = 200
    ) -> None:
        """Name an inbox; `wait_ms`: how long the broker may hold its answer while there is nothing new."""
        self._kafka = kafka
        self._wait_ms = wait_ms
        self._topic = TopicPartition(inbox(party), 0)
        self._at_once = at_once

    async def batches(self, offset: int | None) -> AsyncIterator[Batch]:
        """Yield batches for ever, an empty one too whenever the end was reached.

        Where the inbox is shorter than `offset`, or becomes so, they go on from its beginning.

        Raises:
            Exception: Kafka is away; the caller begins again from the offset it kept.
        """
        consumer = clients.consumer(
            self._kafka(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 << 20,
            fetch_max_wait_ms=self._wait_ms,
            retry_backoff_ms=50,
        )
        try:
            consumer.assign([self._topic])
            await consumer.start()
            if offset is None or offset > (await consumer.end_offsets([self._topic]))[self._topic]:
                await consumer.seek_to_beginning(self._topic)  # of an inbox that was cut or made anew
            else:
                consumer.seek(self._topic, offset)
            while True:
                got = await consumer.getmany(self._topic, timeout_ms=self._wait_ms, max_records=self._at_once)
                # What came is compared with the end as it is now; that nothing came says where the end is by itself.
                end = None if got else consumer.last_stable_offset(self._topic)
                if end is None:
                    end = (await consumer.end_offsets([self._topic]))[self._topic]
                position = await consumer.position(self._topic)
                records = [(record.offset, record.value) for record in got.get(self._topic, ())]
                while len(records) > SLICE:
                    some, records = records[:SLICE], records[SLICE:]
                    yield Batch(tuple(some), records[0][0], end)
                    await asyncio.sleep(0)  # whoever else runs in this loop is not slower for a flood here
                yield Batch(tuple(records), position, end)
        finally:
            await clients.stop(consumer)
