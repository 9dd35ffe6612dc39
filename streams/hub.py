"""The hub: starts what an installation runs, keeps it running, and leaves nothing behind.

    hub = Hub(home, print)
    hub.up()              Kafka (embedded, if the settings say so), topics, rights, directory, then the children:
                          registrar, gate, keeper, log, derived streams
    hub.watch()           until `hub.stop()`: what dies is started again
    hub.down()

It blocks; an event loop runs it in a thread. Invariants:

- One hub per home: a lock that the kernel drops with the process, so it is never stale.
- No child outlives this process, however it ends (`child`, and `warden` for Java).
- A child that died starts again at once; one that keeps dying, ever more seldom, down to twice a minute.
- What runs stands in `hub/run/hub.json`; the children's logs are `hub/log/<child>.log`.

    refresh(home)         another process added a party: give the running hub its topics, rights and directory
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Final, Self

from samband.schemas.errors import OperatorError, SambandError
from samband.streams import access
from samband.streams.authority import EMBEDDED, Home
from samband.streams.broker import Broker
from samband.streams.cards import publish
from samband.streams.children import BACK_OFF_S, Child, end_all, end_of
from samband.streams.keyfile import KeyFolder
from samband.streams.locks import take
from samband.streams.metrics import MetricFile
from samband.streams.provision import super_users, wanted
from samband.streams.registrar import Registrar, alone, published_version
from samband.streams.renewal import Renewal, renew_due

__all__ = ["DERIVED", "Hub", "is_running", "refresh", "unlock"]

DERIVED: Final = "derived"
RECORDS: Final = "records"
LOG: Final = "log"
REGISTRAR: Final = "registrar"
KAFKA: Final = "kafka"
_LOOK_S: Final = 0.1
_PUBLISH_S: Final = 30.0


class Hub:
    """One installation's running parts."""

    def __init__(self, home: Home, progress: Callable[[str], None] = lambda line: None) -> None:
        """Name a hub; nothing is started yet.

        Args:
            home: a founded hub's folder.
            progress: told what is going on, a line at a time; from whichever thread calls.
        """
        self.home = home
        self._progress = progress
        self._settings = home.settings
        self._broker: Broker | None = None
        log, path = home.hub / "log", str(home.path)
        self._children = {
            f"gate-{n}": Child("samband.streams.gate", (path, str(n)), log / f"gate-{n}.log")
            for n in range(self._settings.gate_workers)
        }
        for name in (REGISTRAR, RECORDS, LOG, DERIVED):
            self._children[name] = Child(f"samband.streams.{name}", (path,), log / f"{name}.log")
        self._renewal = Renewal(home, progress, provision)
        self._lock_file: IO[str] | None = None
        self._changing = threading.RLock()
        self._ended = threading.Event()
        self._asked_to_end = False
        self.is_up = False
        self._started = ""
        self._broker_wait = BACK_OFF_S[0]
        self._broker_again_at = 0.0
        self._figures = MetricFile(home.hub / "run" / "metrics" / "hub.prom")

    def __enter__(self) -> Self:
        """Start it."""
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.down()

    def up(self) -> None:
        """Start everything; return when Kafka answers and the children run. On an error nothing is left running.

        Raises:
            OperatorError: `HUB_RUNNING`; keys that do not open; no rules that the gate may decide by; what the broker
                or the cluster raises.
        """
        unlock(self.home)
        self._take_lock()
        try:
            self.home.issue_missing()
            self.home.check_rules(datetime.now(UTC))
            self._started = datetime.now(UTC).isoformat(timespec="seconds")
            for principal in renew_due(self.home, datetime.now(UTC)):
                self._progress(f"renewed the certificate of {principal}")
            if self._settings.kafka.bootstrap == EMBEDDED:
                self._progress("starting Kafka")
                self._broker = Broker(
                    self.home.hub / KAFKA,
                    self.home.credential("broker"),
                    self._settings.kafka.port,
                    super_users=super_users(self.home),
                )
                self._broker.start(self._progress)
                self._broker.wait_ready(self._progress)
            self._progress("setting up topics, rights and directory")
            provision(self.home)
            publish_now(self.home)
            for name in self._children:
                self._progress(f"starting {name}")
                self._children[name].start()
            self.is_up = True
            self._write_run()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop everything, children first; does nothing when nothing runs."""
        self._ended.set()
        with self._changing:
            self.is_up = False
            end_all(self._children.values())
            if self._broker is not None:
                self._broker.stop()
                self._broker = None
            if self._lock_file is not None:
                self.home.clear_run()
                self._figures.remove()
                self._lock_file.close()
                self._lock_file = None

    def stop(self) -> None:
        """Let `watch` return; may be called from a signal handler or another thread."""
        self._asked_to_end = True  # not the event: its lock may be held by what the signal interrupted

    def watch(self) -> None:
        """Start again what dies, until `stop` or `down`."""
        while not self._asked_to_end and not self._ended.wait(_LOOK_S):
            with self._changing:
                if self._look():
                    self._write_run()
                if self._figures.is_due:
                    self._write_figures()
                if self.is_up:
                    self._renewal.look()

    def _look(self) -> bool:
        """Start again what died; True where something changed."""
        if not self.is_up:
            return False
        changed = self._mend_broker()
        for name, child in self._children.items():
            if (code := child.bury()) is not None:
                self._progress(f"{name} ended ({end_of(code)}); it starts again in {child.wait:.1f} s")
                changed = True
            if child.is_due:
                child.start()
                changed = True
        return changed

    def _mend_broker(self) -> bool:
        if self._broker is None or self._broker.is_alive or time.monotonic() < self._broker_again_at:
            return False
        self._progress("Kafka ended; it starts again on the same data")
        try:
            self._broker.restart(self._progress)
            self._broker_wait = BACK_OFF_S[0]
        except SambandError as error:
            self._broker_wait = min(2 * self._broker_wait, BACK_OFF_S[1])
            self._progress(f"Kafka does not start: {error}; again in {self._broker_wait:.0f} s")
            self._broker_again_at = time.monotonic() + self._broker_wait
        return True

    def kill_gate(self, worker: int = 0, *, hold: bool = False) -> int:
        """Kill a gate worker at once (`kill -9`), as a crash would; return the process id that it had.

        Args:
            worker: which one.
            hold: keep `watch` from starting it again before `restart_gate`.
        """
        with self._changing:
            pid = self._children[f"gate-{worker}"].kill(hold=hold)
            self._write_run()
            return pid

    def restart_gate(self, worker: int = 0) -> int:
        """Start a gate worker again, first ending it if it runs; return its process id."""
        with self._changing:
            child = self._children[f"gate-{worker}"]
            end_all([child])
            child.start()
            self._write_run()
            return child.pid or 0

    def restart_kafka(self, *, kill: bool = False, away_s: float = 0.0) -> None:
        """Restart the embedded Kafka, after a clean stop or after `kill -9`; return when it answers again.

        Args:
            kill: `kill -9` instead of a clean stop.
            away_s: how long a killed one stays away.

        Raises:
            OperatorError: as the broker's start; or this hub's Kafka is not embedded (`KAFKA_NOT_EMBEDDED`).
        """
        with self._changing:
            if self._broker is None:
                raise OperatorError("KAFKA_NOT_EMBEDDED", "this hub's Kafka is not embedded")
            if kill:
                self._broker.kill()
                time.sleep(away_s)
            self._broker.restart(self._progress)
            self._write_run()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs: `gate-0` …, `records`, `derived`, `kafka` (its Java)."""
        found = {name: pid for name, child in self._children.items() if (pid := child.pid)}
        if self._broker is not None and (pid := self._broker.pid) is not None:
            found[KAFKA] = pid
        return found

    def _take_lock(self) -> None:
        folder = self.home.hub / "run"
        busy = OperatorError(
            "HUB_RUNNING", f"the hub in `{self.home.path}` runs already", "samband hub status; samband hub down"
        )
        try:
            folder.mkdir(exist_ok=True)
            self._lock_file = take(folder / "hub.lock", busy)
        except OSError as error:
            raise OperatorError("HOME_WRITE", f"`{folder}` cannot be written: {error.strerror}") from error

    def _write_run(self) -> None:
        fields: dict[str, object] = {
            "pid": os.getpid(),
            "started": self._started,
            "bootstrap": self.home.bootstrap,
            "children": self.pids,
            "starts": {name: child.starts for name, child in self._children.items()},
            "up": self.is_up,
        }
        with suppress(OSError):  # a full disk must not end the hub
            self.home.write_run(fields)
        self._write_figures()

    def _write_figures(self) -> None:
        running = Counter(name.partition("-")[0] for name in self.pids)
        starts: Counter[str] = Counter()
        for name, child in self._children.items():
            starts[name.partition("-")[0]] += child.starts
        for part, count in starts.items():
            self._figures.set("samband_hub_starts", count, part=part)
            self._figures.set("samband_hub_running", running[part], part=part)
        if self._broker is not None:
            self._figures.set("samband_hub_running", running[KAFKA], part=KAFKA)
        self._figures.write()


def is_running(home: Home) -> bool:
    """Say whether a hub runs on this home."""
    try:
        lock = (home.hub / "run" / "hub.lock").open("a")
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def unlock(home: Home) -> None:
    """Check that the hub's keys can be opened, so that no child starts which could not; children get the passphrase.

    Raises:
        OperatorError: they are encrypted and there is no passphrase, or another one.
    """
    for folder in (home.hub / "keys", home.hub / "keys" / "audit"):
        KeyFolder(folder, home.root.realm).unlock()


def provision(home: Home) -> None:
    """Bring the cluster to what root and parties say: topics, rights, quotas. Applied twice it changes nothing.

    Raises:
        OperatorError: the cluster does not answer, or refuses.
    """
    kafka = home.kafka("hub")
    access.carry_out(kafka, access.look(kafka, wanted(home, datetime.now(UTC))))


def publish_now(home: Home) -> None:
    """Write the whole directory to its topic, for who starts next; only while no registrar runs.

    Raises:
        OperatorError: one does, or the cluster does not answer.
    """
    registrar, now = Registrar(home), time.time_ns() // 1_000_000
    with alone(home):
        records = registrar.changed(now)
        asyncio.run(publish(home.kafka("hub").aiokafka(), records))
        registrar.wrote(records, now)


def refresh(home: Home) -> bool:
    """Bring a running hub's topics, rights and directory up to the parties there are; False where no hub runs.

    Raises:
        OperatorError: the cluster does not answer, or refuses; or the registrar does not publish (`REGISTRAR_SLOW`).
    """
    run = home.read_run()
    if not is_running(home) or run is None or not run.get("up"):
        return False
    provision(home)
    wanted = home.directory(time.time_ns() // 1_000_000).version
    deadline = time.monotonic() + _PUBLISH_S
    while published_version(home) < wanted:
        if time.monotonic() > deadline:
            raise OperatorError(
                "REGISTRAR_SLOW", "the hub has not published the directory", f"read {home.hub}/log/registrar.log"
            )
        time.sleep(_LOOK_S)
    return True
