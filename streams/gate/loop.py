"""The gate's loop: exactly once over Kafka.

A *lane of work* is one input partition: one static transactional id, one state, one position, one task. The four are
born together and die together:

    fence (InitProducerId) → rebuild state and position from the changelog → seek → read, judge, commit, …

The next position is a changelog record, so outputs, state and position are one transaction. Any exception ends the
lane; it begins again from the first step after some seconds. Group membership only says which lanes to run; what
protects is the transactional id. Reasons and figures: docs/decisions and the engine notes there.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import aiokafka.producer.sender
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from samband.schemas.errors import OperatorError, SambandError
from samband.streams import clients
from samband.streams.crypto.hub import HubStore
from samband.streams.gate.judge import Incoming, Output, Record, Turn
from samband.streams.gate.state import HEAD, State
from samband.streams.tasks import until_asked
from samband.streams.topics import AUDIT

__all__ = ["GateLoop", "LoopSettings", "WorkLane"]

log = logging.getLogger("samband.gate")

aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002
"""aiokafka waits a hard-coded 20 ms while the last commit's markers are written; a test guards this name."""

_HEADER_NAMES: Final = ["ce_specversion", "ce_type", "ce_source", "ce_id"]
_BATCH_BYTES: Final = 900_000
_OPENED_AT_ONCE: Final = 200
_AUDIT: Final = TopicPartition(AUDIT, 0)
_LOOKED_BACK: Final = (256, 4096)
"""Places of the audit topic's end where a partition's newest number and its last word on its state are looked for."""
_STOPPED: Final = frozenset({"STATE_ALTERED", "STATE_BROKEN", "STATE_ROLLED_BACK"})
"""What no new beginning mends: somebody must look."""
_STOPPED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Where the loop reads and writes, and its limits."""

    group: str
    """Consumer group, and prefix of every transactional id."""
    topic: str
    changelog: str
    instance: str
    """Static member id of this worker."""
    batch: int = 500
    """Most records of a transaction: what one fetch of outbox records brings, so that none is left for a small one."""
    deadline_s: float = 15.0
    """Longest time for one transaction; above a broker's fail-over (6–9 s)."""
    restart_s: float = 2.0
    """Wait before an ended lane begins again: longer than a heartbeat."""
    head_s: float = 1800.0
    """Time between two heads to every inbox; a connector reports when it has heard none for 75 minutes."""
    head_least_s: float = 60.0
    """Shortest time between two heads across restarts: a lane that ends again and again floods nobody."""
    watch: Callable[[int, Turn | None, int], None] = lambda partition, turn, behind: None
    """Told after each look: the partition, what was committed if anything was, and how many records are left."""
    may_go_on: Callable[[int], bool] = lambda partition: False
    """Asked once where a partition's state was rolled back whole: whether somebody has said to go on."""
    stopped: Callable[[int, str], None] = lambda partition, code: None
    """Told when a lane ends: the partition, and the code that no new beginning mends, or nothing."""


class Turns(Protocol):
    """What judges: `Judge`, or a plain copy in a benchmark."""

    def check(self, now: int) -> None:
        """Raise an error where nothing may be judged at `now`: the lane ends, and begins again later."""
        ...

    def turn(
        self, records: Sequence[Incoming], values: Mapping[bytes, bytes], now: int, expired: Sequence[bytes]
    ) -> Turn:
        """Return what a transaction writes."""
        ...

    def go_on(self, values: Mapping[bytes, bytes], tail: Sequence[bytes], now: int) -> Turn:
        """Return what a partition begins with whose state was rolled back whole."""
        ...

    def verify(self, values: Mapping[bytes, bytes], tail: Sequence[bytes] | None) -> bool:
        """Raise an error where a state that was read back is not the one that was left, by itself or by audit records.

        True where no older ones need be looked at.
        """
        ...


class WorkLane:
    """One partition's producer, consumer, state and judge."""

    def __init__(
        self, settings: LoopSettings, kafka: Callable[[], dict[str, Any]], store: HubStore, partition: int, judge: Turns
    ) -> None:
        self._settings = settings
        self._kafka = kafka
        self._store = store
        self._partition = partition
        self._judge = judge
        self._source = TopicPartition(settings.topic, partition)
        self._changelog = TopicPartition(settings.changelog, partition)
        self._state = State()
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._next_head = 0.0
        """When the next head is said, by the monotonic clock."""

    async def run(self, rebuilding: asyncio.Semaphore) -> None:
        """Carry the partition until something goes wrong.

        Raises:
            Exception: whatever ended the lane; nothing of an unfinished transaction is kept.
        """
        try:
            await self._open(rebuilding)
            await self._carry()
        finally:
            await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _open(self, rebuilding: asyncio.Semaphore) -> None:
        each = self._settings
        self._producer = clients.producer(
            self._kafka(),
            transactional_id=f"{each.group}.{each.topic}.{self._partition}",
            transaction_timeout_ms=int(2 * each.deadline_s * 1000),
            retry_backoff_ms=5,
            request_timeout_ms=int(each.deadline_s * 1000),
            max_batch_size=_BATCH_BYTES,
            max_request_size=2 * _BATCH_BYTES,
        )
        self._consumer = clients.consumer(
            self._kafka(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=4 << 20,
            retry_backoff_ms=20,
        )
        async with asyncio.timeout(3 * each.deadline_s):
            await self._producer.start()
        self._consumer.assign([self._changelog])
        await self._consumer.start()
        async with rebuilding:
            await self._rebuild()
            self._judge.verify(self._state.values, None)
            await self._look_back()
        self._consumer.assign([self._source])
        if self._state.position is None:
            await self._consumer.seek_to_beginning(self._source)
        else:
            self._consumer.seek(self._source, self._state.position)
        self._plan_head(time.time_ns() // 1_000_000)
        log.info("lane open", extra={"partition": self._partition, "keys": len(self._state.values)})

    async def _rebuild(self) -> None:
        assert self._consumer is not None
        changelog = self._changelog
        await self._consumer.seek_to_beginning(changelog)
        end = (await self._consumer.end_offsets([changelog]))[changelog]
        names: dict[bytes, bytes] = {}  # a tombstone has a key only
        while await self._consumer.position(changelog) < end:
            batches = await self._consumer.getmany(changelog, timeout_ms=1000)
            for number, record in enumerate(batches.get(changelog, ())):
                if not number % _OPENED_AT_ONCE:
                    await asyncio.sleep(0)  # so that the next fetch is under way meanwhile, and other lanes go on
                if record.value is None:
                    if (gone := names.pop(record.key, None)) is not None:
                        self._state.load(gone, None)
                    continue
                try:
                    name, padded = self._store.open(changelog.topic, record.key, record.value)
                except SambandError as error:
                    raise OperatorError(
                        "STATE_BROKEN", "the state topic holds a record that is not the gate's"
                    ) from error
                names[record.key] = name
                self._state.load(name, unpad(padded))

    async def _look_back(self) -> None:
        """Compare the state with what the gate has logged about this partition."""
        assert self._consumer is not None
        self._consumer.assign([_AUDIT])
        async with asyncio.timeout(3 * self._settings.deadline_s):
            first = (await self._consumer.beginning_offsets([_AUDIT]))[_AUDIT]
            end = (await self._consumer.end_offsets([_AUDIT]))[_AUDIT]
            for back in _LOOKED_BACK:
                self._consumer.seek(_AUDIT, max(first, end - back))
                tail: list[bytes] = []
                while await self._consumer.position(_AUDIT) < end:
                    records = (await self._consumer.getmany(_AUDIT, timeout_ms=1000)).get(_AUDIT, ())
                    tail += [record.value or b"" for record in records]
                try:
                    enough = self._judge.verify(self._state.values, tail)
                except OperatorError as error:
                    if error.code != "STATE_ROLLED_BACK" or not self._settings.may_go_on(self._partition):
                        raise
                    log.error("partition goes on from an older state", extra={"partition": self._partition})
                    await self._commit(self._judge.go_on(self._state.values, tail, time.time_ns() // 1_000_000))
                    return
                if enough or end - back <= first:
                    return

    def _plan_head(self, now: int) -> None:
        """Plan the first head: at once, unless the last one was said just now, or the clock was set back since."""
        least = self._settings.head_least_s
        early = now - self._state.head_said < 1000 * least
        self._next_head = time.monotonic() + (least if early else 0.0)

    async def _say_head(self) -> None:
        """Say a head to every inbox that is there, in a transaction of its own: a lost inbox stops nobody else's."""
        assert self._producer is not None
        now = time.time_ns() // 1_000_000
        self._judge.check(now)  # who may not judge gives no sign of life
        turn = self._judge.turn([], self._state.values, now, [HEAD])
        client, there = self._producer.client, []
        async with asyncio.timeout(self._settings.deadline_s):
            for output in turn.outputs:
                await client.add_topic(output[0])
                if client.cluster.partitions_for_topic(output[0]):
                    there.append(output)
                else:
                    log.warning("inbox is missing", extra={"partition": self._partition, "topic": output[0]})
            turn.outputs = there
            await self._commit(turn)
        self._next_head = time.monotonic() + self._settings.head_s

    async def _carry(self) -> None:
        assert self._consumer is not None
        while True:
            if time.monotonic() >= self._next_head:
                await self._say_head()
            batch = await self._consumer.getmany(timeout_ms=1000, max_records=self._settings.batch)
            records = [
                Incoming(record.offset, record.value, record.timestamp, _bare(record))
                for record in batch.get(self._source, ())
            ]
            now = time.time_ns() // 1_000_000
            self._judge.check(now)
            expired = self._state.expired(now)
            if not records and not expired:
                self._settings.watch(self._partition, None, await self._behind())
                continue
            turn = self._judge.turn(records, self._state.values, now, expired)
            async with asyncio.timeout(self._settings.deadline_s):
                await self._commit(turn)
            self._settings.watch(self._partition, turn, await self._behind())
            for offset, code in turn.quarantined:
                log.warning("record quarantined", extra={"partition": self._partition, "offset": offset, "code": code})

    async def _behind(self) -> int:
        assert self._consumer is not None
        end: int = self._consumer.highwater(self._source) or 0
        return max(0, end - int(await self._consumer.position(self._source)))

    async def _commit(self, turn: Turn) -> None:
        producer = self._producer
        assert producer is not None
        changelog = self._changelog.topic
        sealed: list[Record] = [
            (self._store.key(name), None, []) if data is None else (*self._store.seal(changelog, name, pad(data)), [])
            for name, data in turn.changes.items()
        ]
        outputs: list[Output] = [*turn.outputs, (changelog, self._partition, sealed)]
        for topic, _, _ in outputs:
            # Once aiokafka has asked for one topic by name, it forgets those that it was not asked for: a new party's
            # inbox would make it lose the audit topic and stall until the transaction times out.
            await producer.client.add_topic(topic)
        await producer.begin_transaction()
        sent = []
        for topic, partition, records in outputs:
            builder = producer.create_batch()
            for key, value, headers in records:
                if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    sent.append(await producer.send_batch(builder, topic, partition=partition))
                    builder = producer.create_batch()
                    if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                        raise OperatorError("RECORD_TOO_LARGE", "one record is larger than a batch")
            sent.append(await producer.send_batch(builder, topic, partition=partition))
        await asyncio.gather(*sent)  # commit_transaction() commits without a batch that failed, and says nothing
        await producer.commit_transaction()
        for name, data in turn.changes.items():  # only now
            self._state.load(name, data)

    async def _close(self) -> None:
        """Abort and stop: a courtesy to readers; the next InitProducerId does the same."""
        if self._producer:
            await clients.leave(self._producer.abort_transaction())
        await clients.stop(self._producer, self._consumer)


def pad(data: bytes) -> bytes:
    """Return a state value behind its length, zero-filled to a power of two, so that its size tells little."""
    body = len(data).to_bytes(4, "big") + data
    return body.ljust(max(256, 1 << (len(body) - 1).bit_length()), b"\0")


def unpad(padded: bytes) -> bytes:
    """Return the state value in `padded`."""
    return padded[4 : 4 + int.from_bytes(padded[:4], "big")]


def _bare(record: Any) -> bool:
    return record.key is None and [name for name, _ in record.headers] == _HEADER_NAMES


@dataclass(slots=True)
class GateLoop(ConsumerRebalanceListener):  # type: ignore[misc]
    """One gate worker: runs a lane of work for each partition that the group assigns to it."""

    settings: LoopSettings
    kafka: Callable[[], dict[str, Any]]
    store: HubStore
    judge: Callable[[int], Turns]
    _lanes: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _rebuilding: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _members: AIOKafkaConsumer | None = None

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Stop no lane: a revocation is no loss, and a lane that is really lost is fenced by its next owner."""
        self._settled.clear()

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Run exactly the assigned lanes; return at once, since no heartbeat is sent meanwhile."""
        assert self._members is not None
        mine = {each.partition for each in assigned}
        self._members.pause(*assigned)
        for partition in set(self._lanes) - mine:
            self._lanes.pop(partition).cancel()
        for partition in mine - set(self._lanes):
            self._lanes[partition] = asyncio.create_task(self._keep(partition))
        self._settled.set()

    async def _keep(self, partition: int) -> None:
        while await self._settled.wait():  # no lane starts in the middle of a rebalance
            try:
                lane = WorkLane(self.settings, self.kafka, self.store, partition, self.judge(partition))
                await until_asked(lane.run(self._rebuilding))
            except Exception as error:  # fencing too shows in many forms: begin again from the first step
                code = error.code if isinstance(error, SambandError) else type(error).__name__
                log.warning("lane ended", extra={"partition": partition, "error": code})
                self.settings.stopped(partition, code if code in _STOPPED else "")
                if code in _STOPPED:
                    log.error("partition stands still", extra={"partition": partition, "code": code})
                    await asyncio.sleep(_STOPPED_S)
            await asyncio.sleep(self.settings.restart_s + random.random())  # noqa: S311  jitter, not a secret

    async def run(self) -> None:
        """Stay a member of the group until cancelled.

        Raises:
            Exception: what the group's coordinator finds fatal.
        """
        self._members = clients.consumer(
            self.kafka(),
            group_id=self.settings.group,
            group_instance_id=self.settings.instance,
            enable_auto_commit=False,
            session_timeout_ms=6000,
            heartbeat_interval_ms=1000,
            rebalance_timeout_ms=6000,
            partition_assignment_strategy=[StickyPartitionAssignor],
            retry_backoff_ms=50,
        )
        self._members.subscribe([self.settings.topic], listener=self)
        await self._members.start()
        try:
            while True:
                await self._members.getmany(timeout_ms=1000)
        finally:
            for task in self._lanes.values():
                task.cancel()
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)
            await clients.stop(self._members)
