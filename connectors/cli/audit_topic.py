"""The audit topic as the hub's own commands read it: from a place in it to the end that it has now."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.streams.authority import Home

__all__ = ["audit_records"]


async def audit_records(home: Home, *, newest: int | None = None) -> AsyncGenerator[tuple[int, bytes, float]]:
    """Yield (offset, value, how much is read, 0 to 1) of the last `newest` places, or of all that Kafka keeps.

    Raises:
        OperatorError: Kafka does not answer (`KAFKA_UNREACHABLE`).
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    from samband.streams import clients
    from samband.streams.topics import AUDIT

    topic = TopicPartition(AUDIT, 0)
    consumer = AIOKafkaConsumer(**home.kafka("derived").aiokafka(), isolation_level="read_committed")
    try:
        await consumer.start()
        consumer.assign([topic])
        end: int = (await consumer.end_offsets([topic]))[topic]
        first: int = (await consumer.beginning_offsets([topic]))[topic]
        start = first if newest is None else max(first, end - newest)
        consumer.seek(topic, start)
        while (at := await consumer.position(topic)) < end:
            for record in (await consumer.getmany(topic, timeout_ms=500)).get(topic, ()):
                yield record.offset, record.value or b"", (at - start) / (end - start)
    except KafkaError as error:
        raise OperatorError(
            "KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "samband hub status", retriable=True
        ) from error
    finally:
        await clients.stop(consumer)
