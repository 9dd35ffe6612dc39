"""`samband hub`: found a hub, run it, stop it, look at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.erase import keys
from samband.connectors.cli.terminal import Answer, Exit, Json, emit, fail, home_of, note, table
from samband.connectors.cli.words import either
from samband.schemas.errors import InputError, OperatorError

if TYPE_CHECKING:
    from samband.streams.authority import Home

__all__ = ["app", "gate_partitions", "terms_of"]

app = typer.Typer(help="Found, run, stop and look at a hub.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")

_DOWN_S: Final = 60.0
_READY_S: Final = 120.0
_LOOK_S: Final = 0.1


@app.command()
def up(
    agreement: Annotated[
        str, typer.Option(help="Name of the agreement, when the hub is founded.", show_default="samband")
    ] = "",
    environment: Annotated[
        str, typer.Option(help="test or production, when the hub is founded; never mixed.", show_default="test")
    ] = "",
    terms: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="The agreement as data: vastmanland, vastra_gotaland or a file of your own."
        ),
    ] = "",
    shards: Annotated[int, typer.Option(help="Partitions of its outbox, 1–8; fixed for good.", show_default="4")] = 0,
    workers: Annotated[int, typer.Option(help="Gate workers.", show_default="2; 1 on one core")] = 0,
    port: Annotated[int, typer.Option(help="Loopback port of the embedded Kafka.", show_default="a free one")] = 0,
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready and leave it running.")] = False,
) -> None:
    """Run the hub: Kafka, gate workers, keeper, derived streams. Founds one first where there is none.

    Without --detach it stays until Ctrl-C or SIGTERM, starts again what dies, and leaves nothing behind. Another Kafka
    than the embedded one is named in hub.toml, in the hub's folder.
    """
    from samband.streams.hub import is_running, unlock

    home = home_of(founded=False)
    if is_running(home):
        raise OperatorError(
            "HUB_RUNNING", f"the hub in `{home.path}` runs already", "samband hub status looks at it, hub down stops it"
        )
    _found(home, agreement, environment, terms, shards, workers, port)
    unlock(home)  # here is the terminal; a detached hub gets the passphrase from this process
    if detach:
        _detached(home)
    else:
        _foreground(home)


def _found(home: Home, agreement: str, environment: str, terms: str, shards: int, workers: int, port: int) -> None:
    """Found a hub where there is none; else what is asked for must be what it is."""
    from samband.streams.authority import workers_here

    if not home.exists:
        home.found(
            agreement or "samband",
            now=datetime.now(UTC),
            environment=environment or "test",
            shards=shards or 4,
            workers=workers or workers_here(),
            port=port,
            terms=terms_of(terms),
        )
        note(f"founded a hub in {home.path}")
        return
    root, settings = home.root, home.settings
    for name, wanted, present in (
        ("--agreement", agreement, root.agreement),
        ("--environment", environment, root.environment),
        ("--shards", shards, root.shards),
        ("--workers", workers, settings.gate_workers),
        ("--port", port, settings.kafka.port),
    ):
        if wanted and wanted != present:
            raise InputError(
                "HUB_SETTINGS",
                f"this hub was founded with `{name} {present}`",
                f"workers and port: {home.path}/hub.toml",
            )


def terms_of(terms: str) -> str:
    """Return the text of an agreement: a file's, or one that ships; empty for none.

    Raises:
        OperatorError: neither.
    """
    from samband.schemas.agreement import shipped_text

    path = Path(terms)
    if terms and path.is_file():
        return path.read_text("utf-8")
    return shipped_text(terms) if terms else ""


def _foreground(home: Home) -> None:
    from samband.streams.hub import Hub

    began = time.monotonic()
    hub = Hub(home, lambda line: note(f"{time.monotonic() - began:6.1f} s  {line}"))

    def end(number: int, frame: object) -> None:
        if not hub.is_up:
            raise KeyboardInterrupt
        hub.stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        hub.up()
        print(f"hub ready: {home.root.agreement} at {home.bootstrap}, {len(home.party_names())} parties", flush=True)
        hub.watch()
    finally:
        note("stopping")
        hub.down()


def _detached(home: Home) -> None:
    from samband.streams.passphrase import Handover

    folder = home.hub / "run"
    folder.mkdir(exist_ok=True)
    told = folder / "up.log"
    command = [sys.executable, "-P", "-m", "samband.connectors", "hub", "up", "--home", str(home.path)]
    with told.open("wb") as log, Handover() as given:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=home.path, **given
        )
    shown = 0
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        ended = process.poll()
        lines = told.read_text("utf-8", "replace").splitlines()
        run = home.read_run()
        if run is not None and run.get("up") and run.get("pid") == process.pid:
            print(f"hub ready: {home.root.agreement} at {home.bootstrap}, {len(home.party_names())} parties")
            return
        if ended is not None:
            for line in lines:
                if line.startswith(("samband:", "hint:")):
                    note(line)
            raise Answer(Exit(ended) if ended in list(Exit) and ended else Exit.OPERATOR)
        for line in lines[shown:-1]:
            note(line)
        shown = max(shown, len(lines) - 1)
        time.sleep(_LOOK_S)
    process.terminate()
    raise OperatorError("HUB_SLOW", "the hub was not ready in time", f"{told}")


@app.command()
def down() -> None:
    """Stop the hub and everything it started. Data, keys and parties stay."""
    from samband.streams.hub import is_running

    home = home_of()
    run = home.read_run()
    if not is_running(home):
        home.clear_run()
        print("the hub does not run")
        return
    pid = int(str(run["pid"])) if run else 0
    if not pid:
        raise OperatorError("HUB_STARTING", "the hub is just starting", "try again in a few seconds")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_S
    while is_running(home) or not _gone(pid):
        if time.monotonic() > deadline:
            raise OperatorError("HUB_DOWN", f"the hub, process {pid}, does not end", f"kill -9 {pid}")
        time.sleep(_LOOK_S)
    print("hub stopped")


def _gone(pid: int) -> bool:
    """Say whether a process has ended: it lets its lock go a moment before; a dead one may wait for its burial."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except OSError:  # another user's, or a system that does not tell
        return False


@app.command("go-on")
def go_on(
    partition: Annotated[int, typer.Argument(help="Number of the gate's partition that stands still.", min=0)],
    yes: Annotated[bool, typer.Option("--yes", help="The newest copy of the state topic cannot be had.")] = False,
    as_json: Json = False,
) -> None:
    """Let a partition go on from a state that was rolled back whole (STATE_ROLLED_BACK), once.

    Bring back the newest copy of Kafka's data first: this is for when there is none. The gate judges the outbox again
    from where that state had come, which Kafka keeps for 7 days, so withdrawals, marks and consents since then come
    again; numbers go on above all that were given, every inbox reports a gap, and the log is told. Without that much of
    the outbox the partition stays closed. Not for STATE_ALTERED: a state of old and new records cannot be trusted.
    """
    from samband.streams.gate.__main__ import going_on

    home = home_of()
    if partition >= home.root.shards:
        raise InputError("PARTITION", f"the gate has partitions 0 to {home.root.shards - 1}")
    if not yes:
        raise InputError("GO_ON", "this goes on from an older state", "samband hub go-on PARTITION --yes")
    path = going_on(home, partition)
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    if as_json:
        emit({"partition": partition})
        return
    print(either(f"Partition {partition} går vidare inom en minut, om navet är igång.",
                 f"Partition {partition} goes on within a minute, where the hub runs."))  # fmt: skip


@app.command()
def status(as_json: Json = False) -> None:
    """Show what runs, since when, and whether the gate has all its work; exit code 3 when not."""
    from samband.streams.hub import is_running

    home = home_of()
    run = (home.read_run() or {}) if is_running(home) else {}
    found: dict[str, Any] = {
        "home": str(home.path),
        "agreement": home.root.agreement,
        "environment": home.root.environment,
        "shards": home.root.shards,
        "running": bool(run.get("up")),
        "bootstrap": home.bootstrap,
        "started": run.get("started"),
        "pid": run.get("pid"),
        "children": run.get("children", {}),
        "starts": run.get("starts", {}),
        "gate": gate_partitions(home) if run.get("up") else 0,
        "quarantine": _quarantined(home) if run.get("up") else None,
        "parties": home.party_names(),
    }
    whole = found["running"] and found["gate"] == found["shards"]
    if as_json:
        emit(found)
    else:
        _show(found)
    if not whole:
        raise Answer(Exit.OPERATOR)


def _show(found: dict[str, Any]) -> None:
    rows = [
        ["hub", "running" if found["running"] else "not running", f"{found['home']}"],
        ["agreement", found["agreement"], f"{found['environment']}, {found['shards']} shards"],
        ["parties", str(len(found["parties"])), ", ".join(found["parties"])],
    ]
    if found["running"]:
        rows[0][2] += f", process {found['pid']}, since {found['started']}"
        rows.append(["gate", f"{found['gate']} of {found['shards']}", "partitions in work"])
        told = "open: samband quarantine list" if found["quarantine"] else "open"
        rows.append(["quarantine", "unknown" if found["quarantine"] is None else str(found["quarantine"]), told])
        for name, pid in sorted(found["children"].items()):
            starts = int(found["starts"].get(name, 1)) - 1
            again = f", started again {starts} times" if starts else ""
            place = f" at {found['bootstrap']}" if name == "kafka" else ""
            rows.append([name, "running", f"process {pid}{place}{again}"])
    table(("part", "state", ""), rows)
    if not found["running"]:
        fail("HUB_DOWN", "the hub does not run", "samband hub up")


def _quarantined(home: Home) -> int | None:
    """Return how many quarantine entries are open; None where Kafka does not answer."""
    from samband.connectors.cli.quarantine import open_entries

    try:
        return len(open_entries(home))
    except OperatorError:
        return None


def gate_partitions(home: Home) -> int:
    """Return how many partitions the gate's group has taken; 0 where Kafka does not answer."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    from samband.streams.topics import GATE_GROUP

    admin = AdminClient({**home.kafka("hub").confluent(), "log_level": 0})
    try:
        group = admin.describe_consumer_groups([GATE_GROUP], request_timeout=5)[GATE_GROUP].result(6)
    except (KafkaException, TimeoutError):
        return 0
    return sum(len(member.assignment.topic_partitions) for member in group.members if member.assignment)
