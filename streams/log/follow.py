"""The log as its readers get it from Kafka: `samband.log.v1` from a kept place, committed records only.

async for records, at_end in follow(kafka, offset): …          records: (offset, name, value)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from aiokafka import TopicPartition

from samband.streams import clients
from samband.streams.topics import LOG_TOPIC

__all__ = ["follow"]


async def follow(
    kafka: Callable[[], dict[str, Any]], offset: int
) -> AsyncIterator[tuple[list[tuple[int, str, bytes]], bool]]:
    """Yield records for ever, none too whenever the end was reached, and whether it was.

    Where the topic is shorter than `offset`, they begin with its first.

    Raises:
        Exception: Kafka is away; the caller begins again from the offset it kept.
    """
    topic = TopicPartition(LOG_TOPIC, 0)
    consumer = clients.consumer(
        kafka(), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        consumer.assign([topic])
        await consumer.start()
        if offset > (await consumer.end_offsets([topic]))[topic]:
            await consumer.seek_to_beginning(topic)
        else:
            consumer.seek(topic, offset)
        while True:
            got = await consumer.getmany(topic, timeout_ms=1000)
            end = None if got else consumer.last_stable_offset(topic)  # of the answer that held nothing
            if end is None:
                end = (await consumer.end_offsets([topic]))[topic]
            at_end = await consumer.position(topic) >= end
            yield [(each.offset, (each.key or b"").decode("ascii", "replace"), each.value or b"")
                   for each in got.get(topic, ())], at_end  # fmt: skip
    finally:
        await clients.stop(consumer)
