"""The registrar's process: `python -m samband.streams.registrar HOME`.

It ends when its parent does and on SIGTERM. It logs event names, codes and versions.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from aiokafka import TopicPartition

from samband.schemas.errors import OperatorError, SambandError
from samband.streams import clients
from samband.streams.authority import Home
from samband.streams.cards import publish
from samband.streams.process import begin, until_ended
from samband.streams.registrar import Registrar, alone
from samband.streams.topics import CARDS

_LOOK_MS: Final = 300

log = logging.getLogger("samband.registrar")


async def run(home: Home) -> None:
    """Publish what is new and take what parties say, until told to end."""
    registrar, kafka = Registrar(home), home.kafka("registrar").aiokafka
    topic = TopicPartition(CARDS, 0)
    consumer = clients.consumer(
        kafka(), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    consumer.assign([topic])
    await consumer.start()
    try:
        # From the beginning each time: taking a card again changes nothing, and no place can be lost.
        await consumer.seek_to_beginning(topic)
        log.info("registrar starts")
        while True:
            for record in (await consumer.getmany(topic, timeout_ms=_LOOK_MS)).get(topic, ()):
                try:
                    await asyncio.to_thread(registrar.submit, record.value or b"")
                except OperatorError:
                    raise
                except SambandError as error:
                    log.warning("key card refused", extra={"code": error.code, "offset": record.offset})
            now = time.time_ns() // 1_000_000
            if records := await asyncio.to_thread(registrar.changed, now):
                await publish(kafka(), records)
                registrar.wrote(records, now)
                log.info("directory published", extra={"records": len(records)})
    finally:
        await clients.stop(consumer)


def main() -> int:
    """Run and return the exit code."""
    begin()
    home = Home(Path(sys.argv[1]))
    try:
        with alone(home):
            return asyncio.run(until_ended(run(home), signals=(signal.SIGTERM, signal.SIGINT), parent=os.getppid()))
    except SambandError as error:
        log.error("registrar ends", extra={"code": error.code})
    except Exception as error:
        log.error("registrar ends", extra={"error": type(error).__name__})
    return 1


if __name__ == "__main__":
    sys.exit(main())
