"""A Faust passthrough as its guide writes one: `python -m tests.bench.passthrough HOME SOURCE TARGET GROUP FOLDER`.

Plain bytes in, the same bytes out, at least once, Faust's own settings; only what would open a port or make topics is
switched off.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import faust

from samband.streams.authority import Home
from tests.bench.process import tell, until_closed


async def run(home: Home, source: str, target: str, group: str, folder: str) -> None:
    """Run until cancelled."""
    kafka = home.kafka("hub")
    app = faust.App(
        group,
        broker=f"kafka://{kafka.bootstrap}",
        broker_credentials=faust.SSLCredentials(context=kafka.aiokafka()["ssl_context"]),
        consumer_auto_offset_reset="earliest",
        producer_max_request_size=2_000_000,
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
    )
    out = app.topic(target, value_serializer="raw")

    async def agent(stream: Any) -> None:
        async for value in stream:
            await out.send(value=value)

    app.agent(app.topic(source, value_serializer="raw"))(agent)
    await app.start()
    tell("ready")
    try:
        await asyncio.Event().wait()
    finally:
        await app.stop()


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    home, *rest = sys.argv[1:6]
    asyncio.run(until_closed(run(Home(Path(home)), *rest)))
