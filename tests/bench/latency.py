"""Latency: from a party's call to the other party's adapter, beside a plain hop over a transactional copy.

Everything runs all the time, and the two ways are used in turns: rounds of seconds, so that both meet the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from tests.bench.ground import CARE, SOCIAL, Ground
from tests.bench.process import Process

__all__ = ["latencies"]

_LATE_S: Final = 20.0
_WARM_S: Final = 3.0


def latencies(
    ground: Ground, size: int, seconds: float, count: int, say: Callable[[str], None]
) -> tuple[list[list[float]], list[list[float]]]:
    """Return ms of each message, by round: application to application, and over the copy. `size` in bytes."""
    ground.renew_gate(empty=True)
    source, target, logs = ground.create("bench-hop-in"), ground.create("bench-hop-out"), ground.folder("latency")
    path, ends = ground.home.path, "tests.bench.ends"
    for unit in (SOCIAL, CARE):
        party = ground.party(unit)
        party.store.close()
    with ExitStack() as stack:

        def start(name: str, module: str, *arguments: object) -> Process:
            return stack.enter_context(Process(module, *map(str, arguments), log=logs / name))

        start("gate", "samband.streams.gate", path, 0)
        start("copy", "tests.bench.copy", path, source, target, "bench.hop").hear()
        here = start("social", ends, "party", path, ground.config(SOCIAL), CARE.id)
        there = start("bup", ends, "party", path, ground.config(CARE), SOCIAL.id)
        producer = start("producer", ends, "producer", path, source, size)
        consumer = start("consumer", ends, "consumer", path, target)
        for each in (here, there, producer, consumer):
            each.hear()
        ways = ((here, there), (producer, consumer))
        for way in ways:
            _round(*way, _WARM_S)
        found: tuple[list[list[float]], list[list[float]]] = ([], [])
        for number in range(count):
            say(f"latency, round {number + 1} of {count}")
            for way, times in zip(ways, found, strict=True):
                times.append(_round(*way, seconds))
        return found


def _round(sender: Process, taker: Process, seconds: float) -> list[float]:
    """Send for some seconds and return how long each message took, in ms."""
    sent = sender.ask(f"send {seconds}")
    deadline = time.monotonic() + _LATE_S
    while not sent.keys() <= (took := taker.ask("took")).keys():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(sent.keys() - took.keys())} of {len(sent)} messages did not come")
        time.sleep(0.2)
    return [(took[name] - began) / 1e6 for name, began in sent.items()]
