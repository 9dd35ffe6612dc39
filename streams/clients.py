"""Kafka clients, made in one place for everything that the sandbox can run: hub and connectors.

    reader = consumer(kafka(), isolation_level="read_committed", …)
    writer = producer(kafka(), enable_idempotence=True, …)

    await stop(writer, reader)

`kafka()` gives an aiokafka client's connection (`KafkaSettings.aiokafka`). Where it gives `LINE` instead, the clients
are those of a line inside this very process, with the same calls; no settings file can say so, only code that has the
line. Whoever reads and writes knows no difference, so what the sandbox runs is what runs in production.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

__all__ = ["LINE", "Line", "consumer", "leave", "producer", "stop"]

LINE: Final = "line"
"""Name under which a connection carries a line instead of an address."""

_LEAVE_S: Final = 3.0
"""How long a last step may take, such as saying goodbye to a broker that is gone."""


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


async def stop(*clients: Any) -> None:
    """Stop clients, one after the other; None is none."""
    for each in clients:
        if each is not None:
            await leave(each.stop())


async def leave(step: Awaitable[Any]) -> None:
    """Await a last step, for 3 s at most; how it ends is nobody's business any more.

    aiokafka's consumer awaits its own cancelled fetch when it stops. Where that waits to try a lost broker again, the
    cancellation comes out of `stop()`, as if somebody had asked the caller to end: a loop would end for ever, silently.
    So the step runs in a task of its own. A broker that is gone can also make it wait for ever, whatever cancels it.
    """
    task = asyncio.ensure_future(step)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard: it is not told on standard error
    try:
        await asyncio.wait({task}, timeout=_LEAVE_S)
    finally:
        task.cancel()
