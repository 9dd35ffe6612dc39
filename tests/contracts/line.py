"""What Samband relies on of Kafka, asked of whatever stands in for it and of Kafka itself.

Each promise is given a way to connect and a topic of its own with one partition:

    async def promise(connect, topic): …
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from samband.streams import clients

Connect = Callable[[], dict[str, Any]]
Promise = Callable[[Connect, str], Awaitable[None]]


class _Own(Exception):  # noqa: N818
    """What goes wrong within a transaction."""


async def write(connect: Connect, topic: str, *values: bytes) -> None:
    writer = clients.producer(connect(), enable_idempotence=True, acks="all")
    await writer.start()
    try:
        await asyncio.gather(*[await writer.send(topic, value=each, partition=0) for each in values])
    finally:
        await writer.stop()


async def read(connect: Connect, topic: str, offset: int = 0) -> list[tuple[int, bytes]]:
    """Return everything from an offset to the end that is there now."""
    place = TopicPartition(topic, 0)
    reader = clients.consumer(connect(), isolation_level="read_committed", enable_auto_commit=False)
    reader.assign([place])
    await reader.start()
    try:
        end = (await reader.end_offsets([place]))[place]
        reader.seek(place, offset)
        found = []
        while await reader.position(place) < end:
            got = await reader.getmany(place, timeout_ms=500)
            found += [(each.offset, each.value) for each in got.get(place, ())]
        return found
    finally:
        await reader.stop()


async def order_is_kept(connect: Connect, topic: str) -> None:
    values = [b"%d" % number for number in range(300)]
    await write(connect, topic, *values)
    assert [value for _, value in await read(connect, topic)] == values


async def reading_goes_on_from_a_place(connect: Connect, topic: str) -> None:
    await write(connect, topic, b"a", b"b", b"c")
    (_, (second, _), _) = await read(connect, topic)
    assert [value for _, value in await read(connect, topic, second)] == [b"b", b"c"]


async def what_is_written_later_is_waited_for(connect: Connect, topic: str) -> None:
    place = TopicPartition(topic, 0)
    reader = clients.consumer(connect(), isolation_level="read_committed", enable_auto_commit=False)
    reader.assign([place])
    await reader.start()
    try:
        await reader.seek_to_beginning(place)
        assert not (await reader.getmany(place, timeout_ms=50)).get(place)
        task = asyncio.create_task(write(connect, topic, b"late"))
        async with asyncio.timeout(20):
            while not (got := (await reader.getmany(place, timeout_ms=500)).get(place)):
                pass
        assert [each.value for each in got] == [b"late"]
        assert reader.highwater(place) == reader.last_stable_offset(place) == got[-1].offset + 1
        await task
    finally:
        await reader.stop()


async def a_transaction_is_whole_or_nothing(connect: Connect, topic: str) -> None:
    writer = clients.producer(connect(), transactional_id=f"samband.test.{topic}", transaction_timeout_ms=10_000)
    await writer.start()
    try:
        await writer.begin_transaction()
        await (await writer.send(topic, value=b"thrown away", partition=0))
        await writer.abort_transaction()
        assert await read(connect, topic) == []
        await writer.begin_transaction()
        batch = writer.create_batch()
        for value in (b"one", b"two"):
            assert batch.append(key=None, value=value, timestamp=None, headers=[]) is not None
        await (await writer.send_batch(batch, topic, partition=0))
        assert await read(connect, topic) == []
        await writer.commit_transaction()
        assert [value for _, value in await read(connect, topic)] == [b"one", b"two"]
        with contextlib.suppress(_Own):
            async with writer.transaction():
                await (await writer.send(topic, value=b"thrown away too", partition=0))
                raise _Own
        assert len(await read(connect, topic)) == 2
    finally:
        await writer.stop()


async def a_later_writer_shuts_out_the_earlier(connect: Connect, topic: str) -> None:
    first, second = (
        clients.producer(connect(), transactional_id=f"samband.test.{topic}", transaction_timeout_ms=10_000)
        for _ in range(2)
    )
    await first.start()
    try:
        await first.begin_transaction()
        await (await first.send(topic, value=b"too late", partition=0))
        await second.start()
        with pytest.raises(KafkaError):
            await first.commit_transaction()
        async with second.transaction():
            await (await second.send(topic, value=b"in time", partition=0))
        assert [value for _, value in await read(connect, topic)] == [b"in time"]
    finally:
        await second.stop()
        await first.stop()


PROMISES: list[Promise] = [
    order_is_kept,
    reading_goes_on_from_a_place,
    what_is_written_later_is_waited_for,
    a_transaction_is_whole_or_nothing,
    a_later_writer_shuts_out_the_earlier,
]
