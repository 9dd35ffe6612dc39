"""The world of the fault test: hub, connectors and the parties' own systems, all of which may be killed.

world = World(folder, print)
world.up()
world.kill("gate-0", 1.0)       kill -9; it runs again after so many seconds at most
world.down()
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.children import Child, end_all
from samband.streams.hub import Hub

__all__ = ["ACKNOWLEDGES", "FREEZE", "UNITS", "WORKERS", "World"]

SHARDS: Final = 4
WORKERS: Final = 2
FREEZE: Final = "freeze "
_FROZEN_S: Final = 6.0
"""The group's session timeout: from then on another worker may have the partitions."""
_TAKEN_OVER_S: Final = 30.0
"""How long a frozen worker waits at most until another has its partitions."""
_AWAY_S: Final = 20.0
"""How long the broker is away at least: longer than any transaction's time, so that every lane of the gate gives up."""
UNITS: Final = {
    "social": Unit(UnitId("SE-SOC-1"), PartyId("social"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "Socialtjänst"),
    "family": Unit(UnitId("SE-FAM-1"), PartyId("family"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "Familjeenhet"),
    "school": Unit(UnitId("SE-SKOLA-1"), PartyId("school"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skola"),
    "care": Unit(UnitId("SE-BUP-1"), PartyId("care"), UnitKind.CARE_BUP, Regime.OSL_25, "BUP"),
}
ACKNOWLEDGES: Final = "school"
"""The party whose own system moves each file that it has taken; the others leave theirs."""


class World:
    """Hub, connectors, and the four parties' own systems."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self.home = Home(folder)
        self.tell = tell
        self.home.found("prov", now=datetime.now(UTC), shards=SHARDS, workers=WORKERS)
        for name, unit in UNITS.items():
            adapter = f'\n[[adapter]]\nunit = "{unit.id}"\nkind = "folder"\npath = "taken"\n'
            self.home.add_party(name, unit.name, "212000-0000", [unit], now=datetime.now(UTC), extra=adapter)
        self.hub = Hub(self.home, tell)
        log = self.home.hub / "log"
        self.connectors = {
            name: Child("samband.connectors.serve", (str(self.folder(name) / "connector.toml"),), log / f"{name}.log")
            for name in UNITS
        }
        self.parties: dict[str, Party] = {}
        self.clients: dict[str, Client] = {}
        self.kills: defaultdict[str, int] = defaultdict(int)
        self.takeovers = 0
        """How often another worker took over from one that stood still."""
        self.twice: list[str] = []
        """Files that came again after the party's own system had taken them."""
        self._taken: set[str] = set()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def folder(self, name: str) -> Path:
        """Return a party's folder."""
        return self.home.parties / name

    def up(self) -> None:
        """Start everything and wait until each connector has read the directory."""
        self.hub.up()
        for connector in self.connectors.values():
            connector.start()
        self._thread(self.hub.watch)
        self._thread(self._take_files)
        deadline = time.monotonic() + 60
        for name in UNITS:
            while not (self.folder(name) / "directory.snapshot").exists():
                if time.monotonic() > deadline:
                    raise RuntimeError(f"connector `{name}` did not start; see {self.home.hub / 'log'}")
                time.sleep(0.1)
            self.parties[name] = Party.load(self.folder(name) / "connector.toml")
            self.clients[name] = Client(self.parties[name])

    def down(self) -> None:
        """Stop everything."""
        self._ended.set()
        end_all(self.connectors.values())
        self.hub.down()
        for thread in self._threads:
            thread.join()
        for party in self.parties.values():
            party.store.close()

    def kill(self, victim: str, pause: float) -> None:
        """`kill -9` or freeze a process, and see that it runs again."""
        self.kills[victim] += 1
        if victim.startswith(FREEZE):
            self._freeze(victim.removeprefix(FREEZE), pause)
        elif victim == "kafka":
            self.hub.restart_kafka(kill=True, away_s=_AWAY_S + pause)
        elif victim in self.connectors:
            self.connectors[victim].kill(hold=True)
            self._ended.wait(pause)
            self.connectors[victim].start()
        else:
            self.hub.kill_gate(int(victim.removeprefix("gate-")))

    def _freeze(self, worker: str, pause: float) -> None:
        pid, before = self.hub.pids.get(worker), self.lanes(beside=worker)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            deadline = time.monotonic() + _TAKEN_OVER_S
            self._ended.wait(_FROZEN_S + pause)
            while self.lanes(beside=worker) == before and time.monotonic() < deadline and not self._ended.wait(0.1):
                pass
            self.takeovers += self.lanes(beside=worker) > before
            os.kill(pid, signal.SIGCONT)

    def lanes(self, *, beside: str = "") -> int:
        """Return how often gate workers, beside one, have taken a partition so far, as they logged it."""
        logs = (self.home.hub / "log").glob("gate-*.log")
        return sum(log.read_bytes().count(b'"lane open"') for log in logs if log.stem != beside)

    @property
    def undecided(self) -> int:
        """How much is written and not decided, receipts included."""
        return sum(party.store.open_count() for party in self.parties.values())

    def _thread(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _take_files(self) -> None:
        """Be the school's own system: move what was handed over, and notice what comes twice."""
        taken = self.folder(ACKNOWLEDGES) / "taken"
        while not self._ended.wait(0.5):
            with suppress(FileNotFoundError):
                for path in (taken / "new").iterdir():
                    if path.name in self._taken:
                        self.twice.append(path.stem)
                    self._taken.add(path.name)
                    path.rename(taken / "acknowledged" / path.name)
