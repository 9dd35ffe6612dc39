"""A gate worker process: `python -m samband.streams.gate HOME WORKER`.

It ends when its parent does (standard input closes) and on SIGTERM. It logs constant event names with partition,
offset and code; never a reference, unit, type or party pair.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home
from samband.streams.cards import CardReader
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.keys import Kid, OpenKey, Purpose
from samband.streams.crypto.signature import BatchCache
from samband.streams.gate.checks import Checks
from samband.streams.gate.judge import Judge, Turn
from samband.streams.gate.lanes import Lanes
from samband.streams.gate.logged import Logged
from samband.streams.gate.loop import GateLoop, LoopSettings
from samband.streams.keyfile import KeyFolder
from samband.streams.log.checkpoint import origin_of
from samband.streams.metrics import MetricFile, keeping
from samband.streams.process import begin, until_ended
from samband.streams.quarantine import reason_of
from samband.streams.snapshot import opened
from samband.streams.topics import GATE_GROUP, outbox, state

_GC_OBJECTS: Final = 50_000
"""New objects before the collector looks for cycles: a turn makes thousands that live as long as itself, and none is in
a cycle. With Python's own 700 the collector takes a twentieth of the gate's time."""

log = logging.getLogger("samband.gate")


def hop_keys(keys: KeyFolder) -> dict[Kid, OpenKey]:
    """Return the gate's hop keys; the registrar adds one each day."""
    return {kid: key for kid, (_, key) in keys.open_keys(Purpose.GATE_HOP).items()}


async def run(home: Home, worker: int) -> None:
    """Run one worker until it is told to end."""
    root, keys = home.root, home.hub_keys
    kafka = home.kafka("gate").aiokafka
    directory = opened(root, home.hub / "run" / f"gate-{worker}.directory", production=root.production)
    own: dict[Kid, OpenKey] = {}

    def load() -> None:
        there = hop_keys(keys)
        own.update(there)
        for kid in own.keys() - there.keys():
            del own[kid]

    cards = CardReader(kafka, directory, load)
    await cards.start()
    if directory.rules.at(time.time_ns() // 1_000_000) is None:
        raise OperatorError("RULES_MISSING", "no rules are in force that this gate may decide by", "samband hub up")
    store = HubStore(keys.secret("store"))
    audit, stamps = home.audit_keys, keys.sign_keys(Purpose.GATE_STAMP)
    stamp = stamps[directory.newest(stamps, time.time_ns() // 1_000_000)]
    load()
    topic = outbox(root.agreement)

    logged = Logged(kafka, directory, origin_of(root.realm, root.agreement))
    await logged.start()
    batches = BatchCache()  # for all partitions: a batch's messages are spread over them

    def judge(partition: int) -> Judge:
        lanes = Lanes(directory, root.agreement, own, stamp, secrets.token_bytes(16))
        checks = Checks(directory, root.agreement, partition, root.shards, batches)
        return Judge(
            directory=directory,
            lanes=lanes,
            checks=checks,
            stamp=stamp,
            store=store,
            audit=audit.at,
            audit_of=audit.of,
            source=(topic, partition),
            logged=lambda: logged.newest,
        )

    figures = MetricFile(home.hub / "run" / "metrics" / f"gate-{worker}.prom")
    watch, stopped = watching(figures, logged), told(figures)

    def may_go_on(partition: int) -> bool:
        try:
            going_on(home, partition).unlink()
        except FileNotFoundError:
            return False
        return True

    settings = LoopSettings(
        GATE_GROUP,
        topic,
        state(root.agreement),
        f"gate-{worker}",
        watch=watch,
        stopped=stopped,
        may_go_on=may_go_on,
    )
    log.info("gate starts", extra={"worker": worker})
    try:
        async with keeping(figures):
            await GateLoop(settings, kafka, store, judge).run()
    finally:
        await logged.stop()
        await cards.stop()


def going_on(home: Home, partition: int) -> Path:
    """Return the file by which somebody says that a partition goes on from an older state, once."""
    return home.hub / "run" / f"go-on-{partition}"


def told(figures: MetricFile) -> Callable[[int, str], None]:
    """Return what says that a partition stands still."""

    def tell(partition: int, code: str) -> None:
        figures.set("samband_gate_stopped", bool(code), partition=str(partition))

    return tell


def watching(figures: MetricFile, logged: Logged) -> Callable[[int, Turn | None, int], None]:
    """Return what counts the loop's turns."""

    def watch(partition: int, turn: Turn | None, behind: int) -> None:
        figures.set("samband_gate_behind", behind, partition=str(partition))
        figures.set("samband_gate_stopped", 0, partition=str(partition))
        figures.set("samband_gate_log_contradicts", bool(logged.code))
        figures.set("samband_gate_looked_seconds", time.time(), partition=str(partition))
        if turn is None:
            return
        figures.add("samband_gate_turns_total")
        for outcome, count in turn.counts.items():
            figures.add("samband_gate_records_total", count, outcome=outcome)
        for code, count in turn.refused.items():
            figures.add("samband_gate_refused_total", count, code=code)
        for _, code in turn.quarantined:
            figures.add("samband_gate_quarantine_notes_total", code=reason_of(code))

    return watch


def main() -> int:
    """Run a worker and return its exit code."""
    home, worker = Home(Path(sys.argv[1])), int(sys.argv[2])
    begin()
    gc.freeze()  # what was imported stays
    gc.set_threshold(_GC_OBJECTS, 20, 20)
    return asyncio.run(until_ended(run(home, worker), signals=(signal.SIGTERM, signal.SIGINT), parent=os.getppid()))


if __name__ == "__main__":
    sys.exit(main())
