"""Kafka clients, made in one place for everything that the sandbox can run: hub and connectors.

    reader = consumer(kafka(), isolation_level="read_committed", …)
    writer = producer(kafka(), enable_idempotence=True, …)

`kafka()` gives an aiokafka client's connection (`KafkaSettings.aiokafka`). Where it gives `LINE` instead, the clients
are those of a line inside this very process, with the same calls; no settings file can say so, only code that has the
line. Whoever reads and writes knows no difference, so what the sandbox runs is what runs in production.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

__all__ = ["LINE", "Line", "consumer", "producer"]

LINE: Final = "line"
"""Name under which a connection carries a line instead of an address."""


class Line(Protocol):
    """What stands in for Kafka: gives clients that keep aiokafka's calls."""

    def consumer(self, **settings: Any) -> Any:
        """Return what reads, as `AIOKafkaConsumer`."""
        ...

    def producer(self, **settings: Any) -> Any:
        """Return what writes, as `AIOKafkaProducer`."""
        ...


def consumer(connection: Mapping[str, Any], **settings: Any) -> AIOKafkaConsumer:
    """Return a consumer that is not started."""
    line: Line | None = connection.get(LINE)
    return line.consumer(**settings) if line is not None else AIOKafkaConsumer(**connection, **settings)


def producer(connection: Mapping[str, Any], **settings: Any) -> AIOKafkaProducer:
    """Return a producer that is not started."""
    line: Line | None = connection.get(LINE)
    return line.producer(**settings) if line is not None else AIOKafkaProducer(**connection, **settings)
