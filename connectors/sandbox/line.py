"""The one part of the sandbox that is not real: topics in memory in place of Kafka.

    line = Line(faults);  line.partitions["samband.outbox.barn.v1"] = 1
    line.connection("skola")          what `samband.streams.clients` makes a party's clients of

It keeps what Samband relies on: order within a partition, offsets, reading from a kept place, several records written
as one or not at all, a later writer of a transactional id shutting out the earlier one (`tests/contracts/test_line.py`,
which asks a real Kafka the same). It keeps nothing on disk, checks no certificate, gives every reader everything, and
does not compact: what is promised of these is tested on a real Kafka alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, ProducerFenced, TopicAuthorizationFailedError

from samband.connectors.sandbox.faults import Faults, Kind, Way
from samband.streams.clients import LINE

__all__ = ["Line", "Record"]

_INBOX: Final = "samband.inbox."
_LOOK_S: Final = 0.25
"""Longest wait before a reader looks for itself: a rule may have ended."""


class Record(NamedTuple):
    """A record as aiokafka gives it, as far as it is read."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes], ...]
    seen_from: float
    """When readers get it, by the faults' clock."""


class Written(NamedTuple):
    """What is to be a record."""

    place: TopicPartition
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Line:
    """All topics."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.partitions: dict[str, int] = {}
        """Topics that have more than one partition."""
        self.fences: defaultdict[str, int] = defaultdict(int)
        self._logs: defaultdict[TopicPartition, list[Record]] = defaultdict(list)
        self._news = asyncio.Event()
        faults.changed = self._tell

    def connection(self, principal: str, *, hub: bool = False) -> dict[str, Any]:
        """Return the connection of one of the hub's processes, or of a party, which meets faults."""
        return {LINE: _Access(self, "" if hub else principal)}

    def write(self, records: Iterable[Written], party: str = "") -> None:
        """Append records, all at once; those of a party and those to one as the faults say."""
        stamp = time.time_ns() // 1_000_000
        for each in records:
            whose, way = (party, Way.OUT) if party else (_owner(each.place.topic), Way.IN)
            copies, late = 1, 0.0
            if whose:
                copies = 0 if self.faults.meets(whose, way, Kind.DROP) else 1
                copies *= 2 if self.faults.meets(whose, way, Kind.DUPLICATE) else 1
                late = self.faults.delay(whose, way)
            log = self._logs[each.place]
            for _ in range(copies):
                seen = max(self.faults.clock() + late, log[-1].seen_from if log else 0.0)
                log.append(Record(len(log), each.key, each.value, stamp, each.headers, seen))
        self._tell()

    def read(self, place: TopicPartition, offset: int, most: int) -> list[Record]:
        """Return what can be read from an offset on."""
        end = min(self.end(place), offset + most)
        return self._logs[place][offset:end]

    def end(self, place: TopicPartition) -> int:
        """Return the offset after the last record that can be read."""
        log, now = self._logs[place], self.faults.clock()
        end = len(log)
        while end and log[end - 1].seen_from > now:
            end -= 1
        return end

    async def news(self, seconds: float) -> None:
        """Wait until something was written or changed, or a time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _LOOK_S)):
                await self._news.wait()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def reach(self, party: str, way: Way) -> None:
        """Let a party's client reach the hub, or not.

        Raises:
            KafkaConnectionError: a rule says that it is away.
            TopicAuthorizationFailedError: a rule says that it is refused.
        """
        if party and self.faults.meets(party, way, Kind.AWAY):
            raise KafkaConnectionError("the sandbox's line is away")
        if party and self.faults.meets(party, way, Kind.REFUSE):
            raise TopicAuthorizationFailedError("the sandbox's line refuses")


@dataclass(frozen=True, slots=True)
class _Access:
    """Clients of one principal; no party: the hub's own."""

    line: Line
    party: str

    def consumer(self, **settings: Any) -> _Consumer:
        return _Consumer(self.line, self.party)

    def producer(self, **settings: Any) -> _Producer:
        return _Producer(self.line, self.party, str(settings.get("transactional_id", "")))


class _Consumer:
    """As much of aiokafka's consumer as Samband calls."""

    def __init__(self, line: Line, party: str) -> None:
        self._line, self._party = line, party
        self._places: dict[TopicPartition, int] = {}
        self._listener: tuple[Sequence[str], Any] | None = None

    async def start(self) -> None:
        self._reach()
        if self._listener:
            topics, listener = self._listener
            listener.on_partitions_assigned(
                {TopicPartition(topic, each) for topic in topics for each in range(self._line.partitions.get(topic, 1))}
            )

    async def stop(self) -> None:
        self._places.clear()

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._places = dict.fromkeys(places, 0)

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self._listener = topics, listener

    def pause(self, *places: TopicPartition) -> None:
        """Read nothing of them; a member of a group only learns what is its own."""

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._places[place] = offset

    async def seek_to_beginning(self, *places: TopicPartition) -> None:
        self._places |= dict.fromkeys(places, 0)

    async def position(self, place: TopicPartition) -> int:
        return self._places[place]

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self._reach()
        return {place: self._line.end(place) for place in places}

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    def highwater(self, place: TopicPartition) -> int:
        return self._line.end(place)

    def last_stable_offset(self, place: TopicPartition) -> int:
        return self._line.end(place)

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        until = time.monotonic() + timeout_ms / 1000
        while True:
            self._reach()
            got = {}
            for place in places or tuple(self._places):
                if found := self._line.read(place, self._places[place], max_records or 500):
                    got[place] = found
                    self._places[place] = found[-1].offset + 1
            left = until - time.monotonic()
            if got or left <= 0:
                await asyncio.sleep(0)  # whoever finds something each time lets others go on
                return got
            await self._line.news(left)

    def _reach(self) -> None:
        self._line.reach(self._party, Way.IN)


class _Batch:
    """Records of one partition."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]] = []

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: Any = ()) -> object:
        self.records.append((key, value, tuple(headers)))
        return self


@dataclass(slots=True)
class _Cluster:
    async def add_topic(self, topic: str) -> None:
        """Know a topic: here all are known."""

    @property
    def cluster(self) -> Any:
        return SimpleNamespace(partitions_for_topic=lambda topic: {0})


@dataclass(slots=True)
class _Producer:
    """As much of aiokafka's producer as Samband calls."""

    _line: Line
    _party: str
    _transactional_id: str
    client: _Cluster = field(default_factory=_Cluster)
    _fence: int = 0
    _open: list[Written] | None = None

    async def start(self) -> None:
        self._line.reach(self._party, Way.OUT)
        if self._transactional_id:
            self._line.fences[self._transactional_id] += 1
            self._fence = self._line.fences[self._transactional_id]

    async def stop(self) -> None:
        self._open = None

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Awaitable[None]:
        return self._put([Written(TopicPartition(topic, partition), key, value, tuple(headers))])

    def create_batch(self) -> _Batch:
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> Awaitable[None]:
        place = TopicPartition(topic, partition)
        return self._put([Written(place, *each) for each in batch.records])

    def _put(self, records: list[Written]) -> Awaitable[None]:
        self._line.reach(self._party, Way.OUT)
        if self._open is not None:
            self._open += records
        else:
            self._line.write(records, self._party)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def begin_transaction(self) -> None:
        self._open = []

    async def commit_transaction(self) -> None:
        records, self._open = self._open, None
        if self._line.fences[self._transactional_id] != self._fence:
            raise ProducerFenced("another one writes under this transactional id")
        self._line.write(records or [], self._party)

    async def abort_transaction(self) -> None:
        self._open = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await self.begin_transaction()
        try:
            yield
        except BaseException:
            await self.abort_transaction()
            raise
        await self.commit_transaction()


def _owner(topic: str) -> str:
    """Return the party whose inbox a topic is; empty where it is none."""
    return topic.removeprefix(_INBOX).rsplit(".", 1)[0] if topic.startswith(_INBOX) else ""
