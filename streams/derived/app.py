"""The Faust application: the agent on `samband.audit.v1`, the table `messages` and the feed of the console's index.

    derived = Derived(kafka, rows, audit_keys, datadir)
    await derived.start()          returns when the table is recovered and the audit topic is read to its present end
    derived.find(message_id)       the row, or None
    await derived.crashed()        ends only if Faust does

Invariants:
- At least once, with upserts that a repeat does not change. A record is acknowledged only when the row that it changed
  is on Kafka, and its row of the index is durable: Faust's own flush before a commit gives up after 0.1 s and forgets
  failed sends.
- Any failure to write is a crash, and a crash ends the process: whoever runs it starts it again.
- What cannot be read is counted and skipped. It never stops the stream, since anybody may compare with the log, which
  has it too.
- No web server, no topic creation, nothing beside `datadir` on disk. Nothing of this is at module level, for an
  application that could be imported by name (`faust -A`) would read keys at import.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import EventT, FutureMessage
from yarl import URL

from samband.schemas.errors import OperatorError, SambandError
from samband.schemas.stamp import StampRecord
from samband.streams import clients
from samband.streams.audit import AuditKeys, UnverifiedAudit
from samband.streams.derived.codec import BROKEN, RowSchema, RowStore
from samband.streams.derived.feed import Feed
from samband.streams.derived.status import Row, decode_row, encode_row, fold, message_of
from samband.streams.derived.transport import SCHEME, register
from samband.streams.settings import KafkaSettings
from samband.streams.topics import AUDIT, DERIVED_CHANGELOG, DERIVED_GROUP

__all__ = ["TABLE", "Derived"]

log = logging.getLogger("samband.derived")

TABLE: Final = "messages"
SESSION_S: Final = 6.0
"""How long the group waits for a frozen process; a killed one is taken over at once, for it is a static member."""

_LOOK_S: Final = 0.05
_BACK: Final = 100
"""Offsets from the end, where the last committed record is looked for first."""


class _Table(faust.Table):  # type: ignore[type-arg]
    """Faust's table, which also hands out the future of its last write."""

    logger = logging.getLogger("faust.tables")  # or it would log under Samband's name
    written: FutureMessage | None = None

    def send_changelog(self, *args: Any, **kwargs: Any) -> FutureMessage:
        self.written = super().send_changelog(*args, **kwargs)
        return self.written


class Derived:
    """The application, its table and its counts."""

    def __init__(
        self, kafka: KafkaSettings, rows: RowStore, audit: AuditKeys, datadir: Path, feed: Feed | None = None
    ) -> None:
        """Make the application; nothing is connected yet.

        Args:
            kafka: how the principal `derived` reaches Kafka.
            rows: rows under the hub's store key.
            audit: the month keys of the audit records.
            datadir: where Faust may make its (empty) folders.
            feed: of the console's index; None where there is none.
        """
        register()
        self._kafka = kafka
        self._rows = rows
        self._audit = audit
        self._feed = feed
        self._feeding: asyncio.Task[None] | None = None
        self._failed: asyncio.Event = asyncio.Event()
        self._seen = -1
        self.unreadable = 0
        """Records of the audit topic that could not be read since the start."""
        self.app = _application(kafka, datadir)
        self._table = _Table(
            self.app, name=TABLE, schema=RowSchema(rows), partitions=1, key_type=bytes, value_type=bytes
        )
        self.app.tables.add(self._table)
        if self._table.changelog_topic_name != DERIVED_CHANGELOG:
            raise OperatorError("DERIVED_TABLE", "the table's topic is not the one of the topic table")
        topic = self.app.topic(AUDIT, key_serializer="raw", value_serializer="raw", allow_empty=True)
        self.app.agent(topic, name="audit")(self._agent)

    async def start(self) -> None:
        """Join, recover the table, and read what is on the audit topic by now.

        Raises:
            OperatorError: `DERIVED_CRASHED`, Faust ended meanwhile; `DERIVED_BROKEN`, only a rebuild helps.
        """
        committed, last = await self._ends()
        if self._feed is not None:
            self._feeding = asyncio.create_task(self._feed.run(self._failed))
        await self.app.start()
        if any(data == BROKEN for data in self._table.values()):
            raise OperatorError(
                "DERIVED_BROKEN", "a row of the message table is altered or of another hub", "start once with --rebuild"
            )
        while max(committed - 1, self._seen) < last:
            if self.app.crashed or self._failed.is_set():
                raise OperatorError("DERIVED_CRASHED", "the derived streams ended while they started")
            await asyncio.sleep(_LOOK_S)

    async def crashed(self) -> None:
        """Return when Faust has crashed or a row could not be written."""
        while not self.app.crashed and not self._failed.is_set() and not self.app.should_stop:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)  # a flag of Faust's, without an event

    async def stop(self) -> None:
        """Commit what is written and leave."""
        if self._feeding is not None:
            self._feeding.cancel()
        await self.app.stop()

    def find(self, message_id: bytes) -> Row | None:
        """Return a message's row, or None.

        Raises:
            FormatError: the row is not of version 1.
        """
        data = self._table.get(self._rows.key(message_id))
        row = None if data is None else decode_row(data)
        return row if row is not None and row.message_id == message_id else None

    @property
    def known(self) -> int:
        """How many messages the table knows."""
        return len(self._table)

    def rows(self) -> Iterator[Row]:
        """Yield every row of this moment."""
        for data in list(self._table.values()):
            yield decode_row(data)

    async def _ends(self) -> tuple[int, int]:
        """Return the group's offset and that of the last committed record on the audit topic by now, -1 if none.

        The topic's end says nothing: transaction markers and aborted records stand there too, and never come.
        """
        consumer = AIOKafkaConsumer(
            group_id=DERIVED_GROUP,
            enable_auto_commit=False,
            isolation_level="read_committed",
            **self._kafka.aiokafka(),
        )
        await consumer.start()
        try:
            partition = TopicPartition(AUDIT, 0)
            consumer.assign([partition])
            committed = await consumer.committed(partition) or 0
            begin = (await consumer.beginning_offsets([partition]))[partition]
            end = start = (await consumer.end_offsets([partition]))[partition]
            last = -1
            while last < 0 and start > max(begin, committed):
                start = max(begin, committed, end - (_BACK if start == end else 8 * (end - start)))
                consumer.seek(partition, start)
                while await consumer.position(partition) < end:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        last = max(last, records[-1].offset)
            return committed, last
        finally:
            await clients.stop(consumer)

    async def _agent(self, stream: Any) -> None:
        async for event in stream.noack().events():
            ack = _Ack(event, 1 if self._feed is None else 2)
            opened = self._open(event)
            written = None if opened is None else self._fold(event, *opened)
            self._seen = max(self._seen, event.message.offset)
            if written is None:
                ack.part()
            else:
                written.add_done_callback(partial(self._written, event.message.offset, ack))
            if self._feed is None:
                continue
            if opened is None:
                self._feed.pass_over(event.message.offset, ack.part, unread=not self._is_destroyed(event))
            else:
                self._feed.put(event.message.offset, *opened, ack.part)

    def _open(self, event: EventT[Any]) -> tuple[UnverifiedAudit, StampRecord] | None:
        """Return what a record says; None where it cannot be read."""
        try:
            audit = UnverifiedAudit.decode(event.value or b"")
            return audit, audit.record(self._audit.of)
        except SambandError as error:
            self._skip(event, error)
            return None

    def _is_destroyed(self, event: EventT[Any]) -> bool:
        """Say whether a record cannot be read because the key of its month is gone."""
        try:
            return not self._audit.has(UnverifiedAudit.decode(event.value or b"").month)
        except SambandError:
            return False

    def _fold(self, event: EventT[Any], audit: UnverifiedAudit, record: StampRecord) -> FutureMessage | None:
        """Fold one record into its row; return the write to wait for, None when nothing changed."""
        try:
            message_id = message_of(record)
            if message_id is None:
                return None
            key = self._rows.key(message_id)
            data = self._table.get(key)
            before = None if data is None else decode_row(data)
            after = fold(before, audit.partition, audit.audit_seq, record)
        except SambandError as error:
            self._skip(event, error)
            return None
        if after is None or after is before:
            return None
        self._table[key] = encode_row(after)
        return self._table.written

    def _skip(self, event: EventT[Any], error: SambandError) -> None:
        self.unreadable += 1
        log.warning("audit record skipped", extra={"offset": event.message.offset, "code": error.code})

    def _written(self, offset: int, ack: _Ack, written: asyncio.Future[Any]) -> None:
        if written.cancelled() or written.exception() is not None:
            log.error("row not written", extra={"offset": offset})
            self._failed.set()
            return
        ack.part()


class _Ack:
    """Acknowledges an event when every part of its work is durable."""

    def __init__(self, event: EventT[Any], parts: int) -> None:
        self._event = event
        self._left = parts

    def part(self) -> None:
        """Count one part as durable."""
        self._left -= 1
        if self._left == 0:
            self._event.ack()


def _application(kafka: KafkaSettings, datadir: Path) -> faust.App:
    return faust.App(
        DERIVED_GROUP,
        broker=[URL(f"{SCHEME}://{each.strip()}") for each in kafka.bootstrap.split(",")],
        broker_credentials=faust.SSLCredentials(context=kafka.aiokafka()["ssl_context"]),
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=40.0,
        broker_commit_interval=1.0,
        consumer_group_instance_id=DERIVED_GROUP,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_linger=0.005,
        store="memory://",
        datadir=datadir,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=1,
        autodiscover=False,
    )
