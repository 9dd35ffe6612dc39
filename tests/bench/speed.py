"""Throughput: the gate, the copy and the passthrough over the very same records, one after the other, in rounds.

A contender's rate is that of the middle eight tenths of its committed output records, by the broker's own clock:
neither start-up, the settling of a group, the last lane's end, nor our looking counts. The gate's outputs are counted
by its audit records, one a message.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from samband.streams.authority import Home, workers_here
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import BatchCache
from samband.streams.gate.checks import Checks
from samband.streams.gate.judge import Incoming, Judge
from samband.streams.gate.lanes import Lanes
from samband.streams.gate.state import State
from samband.streams.topics import AUDIT
from tests.bench.ground import AGREEMENT, SHARDS, Ground
from tests.bench.process import Process

__all__ = ["WORKERS", "judge_us", "rounds", "times"]

WORKERS: Final = {"gate": workers_here(), "gate_one": 1}
"""Gate workers of a contender: as many as `samband hub up` starts here, and one alone."""

_SESSION_S: Final = 7.0
"""How long a worker that ended stays a member of the gate's group: until then its partitions wait for it."""

_LOOK_S: Final = 0.3
_DEADLINE_S: Final = 120.0
_TICK: Final = os.sysconf("SC_CLK_TCK")


def rounds(ground: Ground, messages: int, count: int, say: Callable[[str], None]) -> dict[str, list[dict[str, float]]]:
    """Return what each contender did in each round: records a second, and its own CPU in µs a record."""
    found: dict[str, list[dict[str, float]]] = {"copy": [], "gate": [], "gate_one": [], "faust": [], "untuned_copy": []}
    for name in ("copy", "gate"):  # Java compiles what it has seen often: the first runs are slower than all others
        say(f"warming up: {name}")
        _run(ground, name, count, messages)
    for number in range(count):
        for name in found:
            say(f"round {number + 1} of {count}: {name}")
            found[name].append(_run(ground, name, number, messages))
    return found


def _run(ground: Ground, name: str, number: int, messages: int) -> dict[str, float]:
    log = ground.folder(f"{name}-{number}")
    path, target = ground.home.path, f"bench-{name}-{number}"
    if workers := WORKERS.get(name):
        ground.renew_gate()
        target = AUDIT
        started = [("samband.streams.gate", path, worker) for worker in range(workers)]
    else:
        ground.create(target)
        module = "tests.bench.passthrough" if name == "faust" else "tests.bench.copy"
        extra = {"faust": (log,), "untuned_copy": ("untuned",)}.get(name, ())
        started = [(module, path, ground.outbox, target, target, *extra)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Process(*map(str, command), log=log / f"log-{n}")) for n, command in enumerate(started)
        ]
        written = times(ground, target, messages, processes)
        cpu = sum(_cpu_s(process.pid) for process in processes)
    if workers:
        time.sleep(_SESSION_S)
    else:
        ground.delete(target)
    first, last = messages // 10, messages - messages // 10 - 1
    seconds = (written[last] - written[first]) / 1000
    return {"per_second": (last - first) / seconds, "cpu_us": cpu / messages * 1e6, "seconds": seconds}


def times(ground: Ground, topic: str, messages: int, processes: Sequence[Process]) -> list[int]:
    """Return the broker's times of the output once it is all there, looking seldom and cheaply meanwhile."""
    deadline = time.monotonic() + _DEADLINE_S
    before = -1
    while time.monotonic() < deadline:
        for process in processes:
            process.check()
        try:
            written = ground.written(topic)
        except KafkaException:  # a partition of a new topic that has no leader yet
            written = -1
        if before == written >= messages:
            found = ground.times(topic)
            if len(found) == messages:
                return found
            if len(found) > messages:
                raise RuntimeError(f"{len(found)} outputs of {messages} records")
        before = written
        time.sleep(_LOOK_S)
    raise TimeoutError(f"`{topic}` is not complete after {_DEADLINE_S:.0f} s")


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def judge_us(home: Home, records: Sequence[Sequence[bytes]], at_once: int = 400) -> tuple[float, float]:
    """Return the CPU of judging, and of sealing its changes for the state topic, in µs a message; in this process."""
    root, keys = home.root, home.hub_keys
    directory = home.directory(time.time_ns() // 1_000_000)
    store, stamp = HubStore(keys.secret("store")), keys.sign_key(Purpose.GATE_STAMP)
    own = {kid: key for kid, (_, key) in keys.open_keys(Purpose.GATE_HOP).items()}
    batches = BatchCache()
    judging = sealing = 0.0
    for partition, values in enumerate(records):
        judge = Judge(
            directory=directory,
            lanes=Lanes(directory, root.agreement, own, stamp, bytes(16)),
            checks=Checks(directory, root.agreement, partition, SHARDS, batches),
            stamp=stamp,
            store=store,
            audit=home.audit_keys.at,
            audit_of=home.audit_keys.of,
            source=(f"samband.outbox.{AGREEMENT}.v1", partition),
        )
        state, now = State(), time.time_ns() // 1_000_000
        for at in range(0, len(values), at_once):
            some = [Incoming(at + n, value, now, True) for n, value in enumerate(values[at : at + at_once])]
            begin = time.process_time()
            turn = judge.turn(some, state.values, now, ())
            middle = time.process_time()
            for name, data in turn.changes.items():
                store.seal("state", name, data or b"")
            judging, sealing = judging + middle - begin, sealing + time.process_time() - middle
            if turn.counts != {"permit": len(some)}:
                raise RuntimeError(f"not all is permitted: {turn.counts}")
            for name, data in turn.changes.items():
                state.load(name, data)
    total = sum(map(len, records))
    return judging / total * 1e6, sealing / total * 1e6
