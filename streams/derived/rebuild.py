"""Forget what the derived streams know, so that their next start reads the audit topic from its beginning.

First the group's offset goes back, then every row gets a tombstone: stopped in between, the next start reads all of
the audit topic into rows that a repeat does not change. It reads no row, so it also helps when rows cannot be read.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from samband.schemas.errors import OperatorError
from samband.streams import clients
from samband.streams.settings import KafkaSettings
from samband.streams.topics import AUDIT, DERIVED_CHANGELOG, DERIVED_GROUP

__all__ = ["forget", "set_back"]

_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.5
_AT_ONCE: Final = 500


async def forget(kafka: KafkaSettings) -> int:
    """Set the group back and empty the table; return how many rows went.

    Raises:
        OperatorError: `DERIVED_RUNNING`, somebody still is in the group. A process that was killed leaves it after 6 s.
    """
    await set_back(kafka)
    return await _empty(kafka)


async def set_back(kafka: KafkaSettings, offset: int = 0) -> None:
    """Let the group go on at an offset, or at the topic's beginning where that is later.

    Raises:
        OperatorError: `DERIVED_RUNNING`, somebody still is in the group.
    """
    consumer = AIOKafkaConsumer(group_id=DERIVED_GROUP, enable_auto_commit=False, **kafka.aiokafka())
    await consumer.start()
    try:
        partition = TopicPartition(AUDIT, 0)
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                await consumer.commit({partition: max(first, offset)})
                return
            except KafkaError as error:
                if time.monotonic() > deadline:
                    raise OperatorError(
                        "DERIVED_RUNNING", "the derived streams still run somewhere", "stop them and try again"
                    ) from error
                await asyncio.sleep(_LOOK_S)
    finally:
        await clients.stop(consumer)


async def _empty(kafka: KafkaSettings) -> int:
    partition = TopicPartition(DERIVED_CHANGELOG, 0)
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **kafka.aiokafka())
    producer = AIOKafkaProducer(acks="all", **kafka.aiokafka())
    await consumer.start()
    try:
        await producer.start()
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        living: dict[bytes, None] = {}
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    _note(living, record)
        keys = list(living)
        for start in range(0, len(keys), _AT_ONCE):
            sent = [
                await producer.send(DERIVED_CHANGELOG, key=key, value=None, partition=0)
                for key in keys[start : start + _AT_ONCE]
            ]
            await asyncio.gather(*sent)
        return len(keys)
    finally:
        await clients.stop(producer, consumer)


def _note(living: dict[bytes, None], record: Any) -> None:
    if record.key is None:
        return
    if record.value is None:
        living.pop(record.key, None)
    else:
        living[record.key] = None
