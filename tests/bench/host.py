"""What hosting costs: memory and idle work of a party, measured with real connections to a real Kafka.

A host's own processes serve the parties; the gate is left out, so that only what a party costs its host is there. Each
process's memory is its share (PSS): what two processes have in common counts once.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from samband.connectors.host.places import Places
from samband.connectors.host.status import standing
from samband.connectors.host.supervisor import Host
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.broker import Broker
from samband.streams.cards import publish
from samband.streams.hub import provision
from tests.bench.figures import Figure

__all__ = ["host_figures"]

WORKERS: Final = 2
_SERVED_S: Final = 900.0
_IDLE_S: Final = 20.0


def host_figures(parties: int, say: Callable[[str], None]) -> list[Figure]:
    """Return what `parties` hosted parties cost their host."""
    with tempfile.TemporaryDirectory(prefix="samband-host-") as folder:
        home = Home(Path(folder) / "home")
        began = time.monotonic()
        _found(home, parties, say)
        made = time.monotonic() - began
        broker = Broker(home.hub / "kafka", home.credential("broker"), home.settings.kafka.port)
        try:
            broker.start(say)
            broker.wait_ready(say)
            say("setting up topics and rights")
            provision(home)
            asyncio.run(publish(home.kafka("hub").aiokafka(), home.published(time.time_ns() // 1_000_000)))
            empty = Path(folder) / "empty"
            empty.mkdir()
            base, _, _ = _served(Places(empty, workers=WORKERS), say)
            mib, served, cpu = _served(Places(home.parties, workers=WORKERS), say)
        finally:
            broker.stop()
    return [
        Figure(f"host_mib_{parties}", mib, f"MiB in all, {WORKERS} processes"),
        Figure("host_mib_party", (mib - base) / parties, f"MiB a party, beyond {base:,.0f} MiB of the processes"),
        Figure("host_cpu_idle_party", 1000 * cpu / parties, "ms of CPU a second a party, when nothing is said"),
        Figure("host_served_s", served, "s from start until every party is served"),
        Figure("host_made_s", made, "s to make keys, certificates and cards of all"),
    ]


def _found(home: Home, parties: int, say: Callable[[str], None]) -> None:
    now = datetime.now(UTC)
    home.found("bench", now=now, shards=1)
    for number in range(parties):
        if number % 25 == 0:
            say(f"making party {number} of {parties}")
        party, unit = PartyId(f"p{number:03}"), UnitId(f"BENCH-{number:03}")
        one = Unit(unit, party, UnitKind.SOCIAL_IFO, Regime.OSL_26, unit)
        extra = f'\n[[adapter]]\nunit = "{unit}"\nkind = "folder"\npath = "inbox"\n'
        home.add_party(party, party, "2120002080", [one], now=now, extra=extra)


def _served(places: Places, say: Callable[[str], None]) -> tuple[float, float, float]:
    """Serve a directory; return MiB, seconds until all are served, and CPU seconds a second when nothing is said."""
    wanted, began = len(places.found()), time.monotonic()
    host = Host(places)
    host.up()
    watching = threading.Thread(target=host.watch)
    watching.start()
    try:
        while (good := sum(each.is_good for each in standing(places, time.time()))) < wanted:
            say(f"{good} of {wanted} parties served")
            if time.monotonic() > began + _SERVED_S:
                raise TimeoutError(f"{good} of {wanted} parties are served after {_SERVED_S:.0f} s")
            time.sleep(1)
        served = time.monotonic() - began
        time.sleep(3)
        before, at = _cpu_s(host.pids), time.monotonic()
        time.sleep(_IDLE_S if wanted else 1)
        cpu = (_cpu_s(host.pids) - before) / (time.monotonic() - at)
        return sum(map(_mib, host.pids.values())), served, cpu
    finally:
        host.stop()
        watching.join()
        host.down()


def _mib(pid: int) -> float:
    """Return a process's proportional share of memory in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _cpu_s(pids: Mapping[str, int]) -> float:
    ticks = 0
    for pid in pids.values():
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
