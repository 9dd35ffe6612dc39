"""What the embedded Kafka's home holds: its settings, ports, storage and logs, and how to read why it failed.

    home/
      broker.properties   Kafka's settings, written at every start
      log4j2.properties   one plain log file, rotated
      ports               the two loopback ports, so that clients find it again
      lock                held by the warden while Java runs; says what it is doing
      data/               Kafka's storage; present only when completely formatted
      log/  tmp/          logs; native libraries that Java unpacks

`samband.streams.broker` starts and stops the process; nothing here does.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import json
import random
import re
import socket
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from samband.schemas.errors import OperatorError
from samband.streams.certificates import PRINCIPAL_RULES, Credential

__all__ = ["HOST", "Files", "Ports"]

HOST = "127.0.0.1"
# Below what systems hand out for outgoing connections: there, a client that looks for a stopped broker can connect to
# itself and so take its port.
PORTS = range(20_000, 32_000)
LAST_LINES = 65_536  # bytes of a log's end that are read for a cause

SETTINGS = """\
# Written by Samband at every start.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{ports.controller}
listeners=CLIENTS://{host}:{ports.clients},CONTROLLER://{host}:{ports.controller}
advertised.listeners=CLIENTS://{host}:{ports.clients}
listener.security.protocol.map=CLIENTS:SSL,CONTROLLER:SSL
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs={data}

# Who is there: a certificate of our authority, TLS 1.3, and its common name is the principal.
ssl.client.auth=required
ssl.enabled.protocols=TLSv1.3
ssl.protocol=TLSv1.3
ssl.keystore.type=PEM
ssl.keystore.location={tls.keystore}
ssl.truststore.type=PEM
ssl.truststore.location={tls.ca}
ssl.principal.mapping.rules={principal_rules}

# Who may do what: nobody anything, except as access.py says.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users={super_users}
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false

# The gate's transactions last 30 s at most. A party's would stall everyone, but no party has a right on any
# transactional id, so the bound need not be lower than the gate's own.
transaction.max.timeout.ms=30000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000

# One broker on a small machine: few internal partitions, quick to notice that it is back after a crash.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
num.partitions=1
default.replication.factor=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""

LOG4J = """\
status = error
rootLogger.level = info
rootLogger.appenderRefs = file
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd'T'HH:mm:ss.SSS}} %p %c - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 8MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
"""

# What the end of a log shows, and what an operator can do about it. The first that fits is told.
SYMPTOMS = (
    (
        ("No space left on device", "Disk quota exceeded"),
        "DISK_FULL",
        "the disk is full",
        "free some space, start again",
    ),
    (
        ("Address already in use", "SocketServer failed to bind"),
        "PORT_TAKEN",
        "another program took kafka's port while it started",
        "stop that program, or choose another port",
    ),
    (("OutOfMemoryError", "Cannot allocate memory"), "memory", "there is too little memory", "free 512 MiB"),
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the broker listens on the loopback address."""

    clients: int
    controller: int


@dataclass(frozen=True, slots=True)
class Files:
    """The paths of a broker's home."""

    home: Path

    @property
    def properties(self) -> Path:
        """Kafka's settings."""
        return self.home / "broker.properties"

    @property
    def log4j(self) -> Path:
        """Where and what Kafka logs."""
        return self.home / "log4j2.properties"

    @property
    def ports(self) -> Path:
        """The ports of the last start."""
        return self.home / "ports"

    @property
    def lock(self) -> Path:
        """Held while Java runs."""
        return self.home / "lock"

    @property
    def data(self) -> Path:
        """Kafka's storage."""
        return self.home / "data"

    @property
    def temporary(self) -> Path:
        """Java's temporary folder."""
        return self.home / "tmp"

    @property
    def log(self) -> Path:
        """Kafka's log."""
        return self.home / "log" / "server.log"

    @property
    def java_output(self) -> Path:
        """What Java itself printed."""
        return self.home / "log" / "java.out"

    @property
    def is_formatted(self) -> bool:
        """Tell whether the storage has its identity."""
        return (self.data / "meta.properties").is_file()

    def log_size(self) -> int:
        """Return the log's length, to read later only what came after."""
        return self.log.stat().st_size if self.log.exists() else 0

    def lock_holder(self) -> str | None:
        """Return what the holder of the lock is doing, none when nobody holds it."""
        try:
            with self.lock.open("r+", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return self.lock.read_text("utf-8")
        return None


def choose_ports(files: Files, wanted: int | None) -> Ports:
    """Return the ports to listen on: the wanted one, else the last start's, else two free ones; and remember them.

    Raises:
        OperatorError: `PORT_TAKEN`, when the wanted or remembered one is another program's.
    """
    last = _remembered(files)
    clients = wanted or (last.clients if last else _free_port())
    controller = last.controller if last and last.controller != clients else _free_port(clients)
    if not _is_free(clients):
        raise OperatorError(
            "PORT_TAKEN",
            f"port {clients} on {HOST} is taken by another program",
            "stop that program, or choose another port",
        )
    if not _is_free(controller):  # nobody but the broker itself knows this one, so it may move
        controller = _free_port(clients)
    ports = Ports(clients, controller)
    if ports != last:
        fresh = files.ports.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(ports)))
        fresh.replace(files.ports)
    return ports


def listens(ports: Ports | None) -> bool:
    """Tell whether somebody accepts connections on the clients' port."""
    if ports is None:
        return False
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, ports.clients)) == 0


def _remembered(files: Files) -> Ports | None:
    try:
        return Ports(**json.loads(files.ports.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections that linger take nothing
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port(*but: int) -> int:
    for port in random.sample(PORTS, 200):
        if port not in but and _is_free(port):
            return port
    raise OperatorError("PORT_TAKEN", f"no free port on {HOST}", "choose one that is free")


def cluster_id() -> str:
    """Return a new cluster id: 16 random bytes in URL-safe base64, as Kafka writes them."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # a command line would take it for an option
    return text


def properties(
    files: Files, ports: Ports | None, tls: Credential, super_users: Sequence[str], *, data: Path | None = None
) -> str:
    """Return Kafka's settings, with its storage in `data` rather than where it belongs while it is formatted."""
    return SETTINGS.format(
        host=HOST,
        ports=ports,
        data=(data or files.data).resolve(),
        tls=Credential(*(path.resolve() for path in (tls.ca, tls.certificate, tls.key, tls.keystore))),
        principal_rules=PRINCIPAL_RULES.replace("\\", "\\\\"),
        super_users=";".join(f"User:{name}" for name in super_users),
    )


def write(files: Files, ports: Ports, tls: Credential, super_users: Sequence[str]) -> None:
    """Write the settings, and make the folders that they name."""
    files.temporary.mkdir(exist_ok=True)
    files.log.parent.mkdir(exist_ok=True)
    files.properties.write_text(properties(files, ports, tls, super_users))
    files.log4j.write_text(LOG4J.format(log=files.log.resolve()))


def failure(files: Files, what: str, *, since: int) -> OperatorError:
    """Return the error that tells why the broker failed, as far as its logs show."""
    said = _tail(files.log, since) + _tail(files.java_output, 0)
    for signs, code, message, way_out in SYMPTOMS:
        if any(sign in said for sign in signs):
            return OperatorError(code, f"{what}: {message}", way_out)
    cause = next(iter(re.findall(r"(?:FATAL|ERROR) \S+ - (.+)", said)), "")
    return OperatorError("BROKER_FAILED", f"{what}{': ' + cause.lower() if cause else ''}", f"read `{files.log}`")


def disk_error(error: OSError, home: Path) -> OperatorError:
    """Return the operator's error for what the system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OperatorError("DISK_FULL", f"the disk of `{home}` is full", "free some space, start again")
    reason = (error.strerror or str(error)).lower()
    return OperatorError("BROKER_HOME", f"cannot use `{error.filename or home}`: {reason}", "check who owns the folder")


def _tail(path: Path, since: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(since if since <= size else 0, size - LAST_LINES))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
