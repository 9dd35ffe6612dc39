"""What a million consents cost: `python -m tests.bench.memory COUNT`.

Fills a gate's state with COUNT children, each with a consent, and tells what one takes and how long it takes to read a
child's state and decide on a message about it, at a thousand children and at each ten times more. A process of its
own, so that its memory is the state's.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from samband.schemas.rulebook import shipped
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.reference import partition_of
from samband.streams.decision.kernel import decide
from samband.streams.gate.digest import DIGEST, Digest, summed
from samband.streams.gate.loop import pad
from samband.streams.gate.state import State, View
from samband.streams.topics import AUDIT, state
from tests.bench.consents import NOW, QUESTION, child, ref_of
from tests.bench.ground import AGREEMENT, Ground
from tests.bench.process import Process, tell
from tests.bench.speed import times

__all__ = ["decision_us", "restart_s"]

_STEPS: Final = (1_000, 10_000, 100_000, 1_000_000)
_ASKED: Final = 20_000
_PAGE: Final = 4096


def changes(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Return (name, bytes) of each child, as the gate writes them."""
    for number in range(count):
        view = View({})
        view.put_child(ref_of(number), child(number))
        for name, data in view.changes.items():
            assert data is not None
            yield name, data


def _median_us(known: State, count: int) -> float:
    """Return the median time of reading a child's state and deciding, in µs, over children chosen at random."""
    rulebook, times = shipped(), []
    for ref in [ref_of(random.randrange(count)) for _ in range(_ASKED)]:
        view = View(known.values)
        begin = time.perf_counter_ns()
        decision = decide(QUESTION, view.child(ref), rulebook, NOW)
        times.append(time.perf_counter_ns() - begin)
        assert decision.outcome == "permit"
    return statistics.median(times) / 1000


def _resident() -> int:
    """Return the memory of this process in bytes, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * _PAGE
    except OSError:
        return 0


def _tell(count: int) -> None:
    known, size, found = State(), 0, {}
    before = _resident()
    for number, (name, data) in enumerate(changes(count), 1):
        known.load(name, data)
        size += len(name) + len(data)
        if number in _STEPS or number == count:
            found[number] = _median_us(known, number)
    memory = _resident() - before
    tell(json.dumps({"us": found, "state_bytes": size / count, "memory_bytes": memory / count}))


def decision_us(ground: Ground, count: int) -> tuple[dict[int, float], float, float]:
    """Return the median µs by number of children, bytes of state and bytes of memory for each."""
    log = ground.folder("memory") / "log"
    with Process("tests.bench.memory", str(count), log=log) as process:
        told = json.loads(process.hear())
    return {int(number): us for number, us in told["us"].items()}, told["state_bytes"], told["memory_bytes"]


def restart_s(ground: Ground, records: Sequence[bytes], count: int, workers: int) -> tuple[float, float]:
    """Return the seconds from the gate's start until every partition has decided, and a consent's bytes on Kafka.

    `records` are outbox records with seq 1, one for each partition that is used; `count` consents are spread over their
    changelogs as the children's references have it.
    """
    ground.renew_gate(empty=True)
    size = _write(ground, count, len(records))
    ground.load([[record] for record in records])
    log = ground.folder(f"restart-{workers}")
    begin = time.time()
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Process("samband.streams.gate", ground.home.path, str(worker), log=log / str(worker)))
            for worker in range(workers)
        ]
        decided = times(ground, AUDIT, len(records), processes)[-1] / 1000
    return decided - begin, size / count


def _write(ground: Ground, count: int, partitions: int) -> int:
    """Write the changelog and return how many bytes of keys and values that is."""
    topic, size = state(AGREEMENT), 0
    store = HubStore(ground.home.hub_keys.secret("store"))
    writer = Producer({**ground.kafka.confluent(), "linger.ms": 20, "batch.size": 900_000, "log_level": 0})
    totals = [0] * partitions

    def write(partition: int, name: bytes, data: bytes) -> int:
        key, value = store.seal(topic, name, pad(data))
        while True:
            try:
                writer.produce(topic, value, key, partition)
                break
            except BufferError:  # its queue is full
                writer.poll(0.1)
        writer.poll(0)
        return len(key) + len(value)

    for name, data in changes(count):
        partition = partition_of(name.removeprefix(b"child/"), partitions)
        size += write(partition, name, data)
        totals[partition] += int.from_bytes(summed(store.mark, [(name, data)]), "big")
    for partition, total in enumerate(totals):
        whole = Digest(1, (total % (1 << 256)).to_bytes(32, "big"))
        write(partition, DIGEST, whole.encode())
    writer.flush()
    return size


if __name__ == "__main__":
    _tell(int(sys.argv[1]))
