"""The keeper's process: `python -m samband.streams.records HOME`.

It ends when its parent is gone, on SIGTERM, and with exit code 1 when the store or Kafka fails; whoever runs it starts
it again. One per home.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home
from samband.streams.cards import CardReader
from samband.streams.crypto.keys import Purpose
from samband.streams.metrics import ALARMS, MetricFile, keeping
from samband.streams.process import begin, run_alone
from samband.streams.records.keeper import Keeper, keep
from samband.streams.records.store import RecordStore
from samband.streams.records.topic import AuditTopic
from samband.streams.snapshot import opened as opened_directory

log = logging.getLogger("samband.records")


async def run(home: Home) -> None:
    """Keep until told to end.

    Raises:
        OperatorError: the store cannot be used, or Kafka has lost what the store has read.
    """
    root, kafka = home.root, home.kafka("records").aiokafka
    directory = opened_directory(root, home.hub / "run" / "records.directory", production=root.production)
    cards = CardReader(kafka, directory)
    store = RecordStore(home.hub / "records" / "records.db", home.audit_keys, root.realm)
    topic: AuditTopic | None = None

    async def figures(file: MetricFile) -> None:
        file.set("samband_records_behind", await topic.behind() if topic else 0)
        for kind, count in (dict.fromkeys(sorted(ALARMS), 0) | store.counts()).items():
            file.set("samband_records_alarms", count, kind=kind)

    try:
        await cards.start()
        stamps = home.hub_keys.sign_keys(Purpose.GATE_STAMP)
        keeper = Keeper(store, directory, stamps[directory.newest(stamps, time.time_ns() // 1_000_000)])
        topic = AuditTopic(kafka, keeper.lost)
        log.info("keeper starts", extra={"offset": store.offset})
        async with keeping(MetricFile(home.hub / "run" / "metrics" / "records.prom"), figures):
            await keep(keeper, topic)
    finally:
        if topic is not None:
            await topic.stop()
        await cards.stop()
        store.close()


def main() -> int:
    """Run and return the exit code."""
    begin()
    home = Home(Path(sys.argv[1]))
    busy = OperatorError("RECORDS_RUNNING", "a keeper runs on this home already")
    return run_alone(home.hub / "run" / "records.lock", busy, lambda: run(home), "keeper")


if __name__ == "__main__":
    sys.exit(main())
