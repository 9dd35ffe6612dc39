"""The ends that latency is measured between, each a process: `python -m tests.bench.ends ROLE HOME …`.

    party HOME CONFIG RECIPIENT    a party's connector; `send SECONDS` says dialogue messages, `took` tells what came
    producer HOME TOPIC SIZE       `send SECONDS` writes plain records
    consumer HOME TOPIC            reads committed records; `took` tells what came

Times are the machine's clock in ns: before the sender's call, and when the far side has the message. The load is light
and open: one at a time, at moments that do not wait for the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from samband.connectors.adapter import Delivery, Waiting
from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.streams.authority import Home
from tests.bench.ground import SHARDS, dialogue
from tests.bench.process import lines, tell

RATE: Final = 25
"""Messages a second."""

Times = dict[str, int]
"""Message id → ns."""


class Recorder:
    """An adapter that notes when each delivery begins."""

    def __init__(self, took: Times) -> None:
        self._took = took

    async def deliver(self, delivery: Delivery) -> None:
        """Note it."""
        self._took.setdefault(delivery.message_id, time.time_ns())

    async def acknowledged(self) -> Sequence[str]:
        """Say nothing."""
        return ()

    async def waiting(self) -> Sequence[Waiting]:
        """Say nothing."""
        return ()

    async def close(self) -> None:
        """Hold nothing."""


async def pace(seconds: float, say: Callable[[], Awaitable[str]]) -> Times:
    """Call `say` at the rate, each time a little early or late, and return when each call began."""
    sent: Times = {}
    start = time.monotonic()
    for number in range(int(seconds * RATE)):
        due = start + (number + random.uniform(-0.4, 0.4)) / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        began = time.time_ns()
        sent[await say()] = began
    return sent


async def answer(commands: dict[str, Callable[[float], Awaitable[Any]]]) -> None:
    """Answer commands until standard input ends."""
    tell("ready")
    reader = await lines()
    while line := await reader.readline():
        name, _, value = line.decode().strip().partition(" ")
        tell(json.dumps(await commands[name](float(value or 0))))


async def party(_: Home, config: str, recipient: str) -> None:
    """Serve a party, and be the system that uses it."""
    own, took, number = Party.load(Path(config)), Times(), 0
    service = Service(own, {own.units[0].id: Recorder(took)})
    client = Client(own, service)
    serving = asyncio.create_task(service.run())
    await service.ready.wait()

    async def say() -> str:
        nonlocal number
        number += 1
        message = client.send(
            "dialogue.message",
            recipient=recipient,
            content=dialogue(number),
            necessity="support",
            now=datetime.now(UTC),
        )
        return message.hex()

    async def taken(_: float) -> Times:
        return took

    await answer({"send": lambda seconds: pace(seconds, say), "took": taken})
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    own.store.close()


async def producer(home: Home, topic: str, size: str) -> None:
    """Write plain records."""
    writer = AIOKafkaProducer(**home.kafka("hub").aiokafka(), enable_idempotence=True, acks="all")
    await writer.start()
    rest = os.urandom(int(size) - 16)

    async def say() -> str:
        name = os.urandom(16)
        await writer.send(topic, name + rest, partition=random.randrange(SHARDS))
        return name.hex()

    await answer({"send": lambda seconds: pace(seconds, say)})
    await writer.stop()


async def consumer(home: Home, topic: str) -> None:
    """Read committed records."""
    took = Times()
    reader = AIOKafkaConsumer(
        **home.kafka("hub").aiokafka(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    reader.assign([TopicPartition(topic, each) for each in range(SHARDS)])
    await reader.start()

    async def read() -> None:
        async for record in reader:
            took[record.value[:16].hex()] = time.time_ns()

    async def taken(_: float) -> Times:
        return took

    reading = asyncio.create_task(read())
    await answer({"took": taken})
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await reader.stop()


if __name__ == "__main__":
    roles = {"party": party, "producer": producer, "consumer": consumer}
    asyncio.run(roles[sys.argv[1]](Home(Path(sys.argv[2])), *sys.argv[3:]))
