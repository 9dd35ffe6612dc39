"""A plain transactional copy: `python -m tests.bench.copy HOME SOURCE TARGET GROUP [untuned]`.

One consumer in a group, one transactional producer, `send()` for each record, at most 400 records a transaction, the
group's offsets in the transaction. It has the gate's repair of aiokafka's hard-coded wait and batches that hold as
much, so that it is no straw man: what is left between the two is what the gate does. `untuned` is the same with
aiokafka's own settings, where a batch holds two of our records.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiokafka.producer.sender
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from samband.streams.authority import Home
from tests.bench.process import tell, until_closed


async def copy(home: Home, source: str, target: str, group: str, tuning: str = "") -> None:
    """Copy until cancelled."""
    tuned: dict[str, int] = {}
    if tuning != "untuned":
        aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002
        tuned = {"max_batch_size": 900_000, "retry_backoff_ms": 5}
    kafka = home.kafka("hub").aiokafka
    consumer = AIOKafkaConsumer(
        source,
        **kafka(),
        group_id=group,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        retry_backoff_ms=20,
    )
    producer = AIOKafkaProducer(
        **kafka(),
        transactional_id=group,
        transaction_timeout_ms=30_000,
        max_request_size=1_800_000,
        **tuned,
    )
    await producer.start()
    await consumer.start()
    tell("ready")
    while True:
        got = await consumer.getmany(timeout_ms=1000, max_records=400)
        if not got:
            continue
        async with producer.transaction():
            sent = [
                await producer.send(target, record.value, partition=part.partition)
                for part, records in got.items()
                for record in records
            ]
            await asyncio.gather(*sent)
            await producer.send_offsets_to_transaction(
                {part: records[-1].offset + 1 for part, records in got.items()}, group
            )


if __name__ == "__main__":
    asyncio.run(until_closed(copy(Home(Path(sys.argv[1])), *sys.argv[2:6])))
