"""The log: audit records into tiles and signed checkpoints, beside Tessera's POSIX driver on the same entries.

`leaves_per_s` is the sequencer's own process as the hub runs it: it reads stamped records from Kafka, verifies them,
makes tiles, bundles, journal and checkpoint durable, tells others over Kafka, and publishes. `sequencer_per_s` is the
same without Kafka. Tessera takes the bare entries from memory, in batches as large; it makes files durable one by one,
as we do, and has neither stamps to verify, nor a journal, nor an index of entries. Each round runs all three, one
after the other.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from samband.schemas.stamp import StampRecord
from samband.streams.audit import seal_audit
from samband.streams.authority import Home
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import stamp_all
from samband.streams.hub import provision, publish_now
from samband.streams.log.checkpoint import origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Journal
from samband.streams.log.sequencer import Incoming, Sequencer
from samband.streams.log.topic import MOST
from samband.streams.topics import AUDIT, LOG_TOPIC
from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.bench.process import Process
from tests.tessera.build import build

__all__ = ["log_figures"]

Say = Callable[[str], None]

TRANSACTION: Final = 400
"""Records under one stamp: the most that the gate takes in a transaction."""
_LOOK_S: Final = 0.01
_DEADLINE_S: Final = 180.0


def stamped(home: Home, count: int) -> list[tuple[bytes, bytes]]:
    """Return (entry, audit record) of so many decisions, as a gate stamps them."""
    now = time.time_ns() // 1_000_000
    stamp = home.hub_keys.sign_key(Purpose.GATE_STAMP)
    month, store = home.audit_keys.at(now)
    found: list[tuple[bytes, bytes]] = []
    for first in range(0, count, TRANSACTION):
        salted = [(secrets.token_bytes(32), _decision(now)) for _ in range(min(TRANSACTION, count - first))]
        found += [
            (entry, seal_audit(month, store, 0, first + n + 1, entry, proof))
            for n, (entry, proof) in enumerate(stamp_all(stamp, salted))
        ]
    return found


def _decision(now: int) -> bytes:
    return StampRecord(
        kind="decision", leaf=secrets.token_bytes(32), message_id=secrets.token_bytes(16), sender="BENCH-BUP",
        recipient="BENCH-IFO", ref=secrets.token_bytes(16), type="dialogue.message", outcome="permit",
        grounds=("CARE_TO_SOCIAL",), rulebook=bytes(32), directory=1, decided_at=now, appended_at=now,
    ).encode()  # fmt: skip


def log_figures(ground: Ground, leaves: int, rounds: int, say: Say) -> list[Figure]:
    """Return what the log costs, and the ratios to Tessera where it can be had."""
    if leaves < 2 * MOST:
        raise RuntimeError(f"two checkpoints are too few to measure: give {2 * MOST} leaves or more")
    say(f"stamping {leaves} records")
    records = stamped(ground.home, leaves)
    publish_now(ground.home)
    tessera = _tessera(ground, say)
    rates: dict[str, list[float]] = {"process": [], "alone": [], "tessera": []}
    cpu: list[float] = []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: the log's process")
        rates["process"].append(_process(ground, [value for _, value in records], number))
        say(f"round {number + 1} of {rounds}: the sequencer alone")
        rate, us = _alone(ground.home, [value for _, value in records], ground.folder(f"alone-{number}"))
        rates["alone"].append(rate)
        cpu.append(us)
        if tessera:
            say(f"round {number + 1} of {rounds}: Tessera")
            entries = b"".join(entry for entry, _ in records)
            rates["tessera"].append(_append(tessera, entries, ground.folder(f"tessera-{number}")))
    figures = [
        Figure("leaves_per_s", statistics.median(rates["process"]), "leaves/s, from Kafka to checkpoints"),
        Figure("sequencer_per_s", statistics.median(rates["alone"]), "leaves/s, without Kafka"),
        Figure("sequencer_cpu_us", statistics.median(cpu), "µs of CPU a leaf, without Kafka"),
    ]
    if not tessera:
        return figures
    return [
        *figures,
        Figure("tessera_per_s", statistics.median(rates["tessera"]), "leaves/s, Tessera's POSIX driver"),
        Figure("log_vs_tessera", _ratio(rates["process"], rates["tessera"])),
        Figure("sequencer_vs_tessera", _ratio(rates["alone"], rates["tessera"])),
    ]


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds of each round's own ratio."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def _process(ground: Ground, values: list[bytes], number: int) -> float:
    """Return the rate of the log's process, from its first checkpoint with leaves to its last."""
    home = ground.home
    ground.delete(AUDIT, LOG_TOPIC)
    provision(home)
    for folder in (home.hub / "log-tiles", home.hub / "sequencer"):
        shutil.rmtree(folder, ignore_errors=True)
    ground.load([values], AUDIT)
    with Process("samband.streams.log", home.path, log=ground.folder(f"log-{number}") / "log") as process:
        seen = _watch(home.hub / "log-tiles" / "checkpoint", len(values), process.check)
    (first, size), (last, all_) = seen[0], seen[-1]
    return (all_ - size) / (last - first)


def _watch(checkpoint: Path, size: int, check: Callable[[], None]) -> list[tuple[float, int]]:
    """Return when each size of the log was published, once the last one is."""
    seen: list[tuple[float, int]] = []
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        check()
        published = int(checkpoint.read_bytes().split(b"\n")[1]) if checkpoint.exists() else 0
        if published and (not seen or seen[-1][1] < published):
            seen.append((time.monotonic(), published))
        if published >= size and len(seen) > 1:
            return seen
        time.sleep(_LOOK_S)
    raise TimeoutError(f"the log is not complete after {_DEADLINE_S:.0f} s")


def _alone(home: Home, values: list[bytes], folder: Path) -> tuple[float, float]:
    """Return the rate of the sequencer in this process, and µs of its CPU a leaf."""
    now = time.time_ns() // 1_000_000
    directory, keys = home.directory(now), home.hub_keys.sign_keys(Purpose.LOG)
    journal = Journal(folder / "journal.db")
    sequencer = Sequencer(
        LogFolder(folder / "tiles"), journal, directory, keys[directory.newest(keys, now)],
        origin_of(home.root.realm, home.root.agreement),
    )  # fmt: skip
    sequencer.recover(None)
    sequencer.publish()
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(values), MOST):
        some = values[first : first + MOST]
        sequencer.take([Incoming(first + n, value, now) for n, value in enumerate(some)], first + len(some))
        sequencer.news()
        sequencer.publish()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    journal.close()
    if sequencer.size != len(values):
        raise RuntimeError(f"the log has {sequencer.size} leaves of {len(values)} records")
    return len(values) / took, cpu / len(values) * 1e6


def _tessera(ground: Ground, say: Say) -> Path | None:
    """Return the program that appends with Tessera's driver, or None, and say why."""
    go = shutil.which(os.environ.get("SAMBAND_GO") or "go")
    if go is None:
        say("there is no Go on PATH or in SAMBAND_GO: Tessera is NOT measured")
        return None
    say("building Tessera")
    made = build(go, ".", ground.folder("tessera") / "tessera")
    if made is None:
        say("Tessera's modules are neither in the module cache nor to be had: it is NOT measured")
    return made


def _append(program: Path, entries: bytes, folder: Path) -> float:
    """Return the rate at which Tessera appends: from the first entry until a checkpoint has the last."""
    words = (program, folder / "log", str(MOST))
    done = subprocess.run(words, input=entries, capture_output=True, check=False, timeout=_DEADLINE_S)
    if done.returncode:
        raise RuntimeError(f"Tessera ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[-200:]}")
    return len(entries) / 32 / float(json.loads(done.stdout)["seconds"])
