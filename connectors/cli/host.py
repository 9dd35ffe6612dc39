"""`samband host`: serve many parties from one directory, and look at how each stands."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import Answer, Exit, Json, emit, fail, moment, note, table

if TYPE_CHECKING:
    from samband.connectors.host.places import Places
    from samband.connectors.host.status import Standing

__all__ = ["app"]

app = typer.Typer(
    help="Serve many parties from one directory, and see how each stands.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Directory with a folder for each party.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that share the parties.", show_default="host.toml, else one a core")
]


def _places(path: Path, workers: int = 0, isolate: bool = False) -> Places:
    from samband.connectors.host.places import Places

    return Places(path, workers=workers, isolate=isolate)


@app.command()
def run(
    path: Folder,
    workers: Workers = 0,
    isolate: Annotated[bool, typer.Option("--isolate", help="A process of its own for each party.")] = False,
) -> None:
    """Serve the parties in DIR until Ctrl-C or SIGTERM.

    Folders that come, change or go are seen without a restart. A party that fails is tried again by itself, ever more
    seldom, and named by `samband host status`; the others go on. DIR/host.toml says who has a process or an OS user of
    its own.
    """
    from samband.connectors.host.supervisor import Host
    from samband.streams.process import begin

    begin()
    places = _places(path, workers, isolate)
    _open_keys(places)
    host = Host(places, note)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: host.stop())
    try:
        host.up()
        print(f"host runs: {len(places.found())} parties, {len(host.pids)} processes, pid {os.getpid()}", flush=True)
        host.watch()
    finally:
        note("stopping")
        host.down()


def _open_keys(places: Places) -> None:
    """Ask for the passphrase here, where the terminal is, if keys need one; what else is wrong is the party's own."""
    from samband.schemas.errors import SambandError
    from samband.streams.keyfile import KeyFolder
    from samband.streams.root import Root

    for party in places.found():
        folder = places.config(party).parent
        try:
            KeyFolder(folder / "keys", Root.read(folder / "root.json").realm).unlock()
        except SambandError as error:
            note(f"samband: party `{party}`: {error.message} [{error.code}]")
        except OSError as error:  # another OS user's, perhaps
            note(f"samband: party `{party}`: its folder cannot be read here: {error.strerror}")


@app.command()
def status(path: Folder, as_json: Json = False) -> None:
    """Say how each party stands; exit code 1 when one is not served, 3 when no host runs."""
    from samband.connectors.host.status import processes, standing

    running = processes(_places(path))
    places = _as_it_runs(path, running)
    rows = standing(places, time.time())
    if as_json:
        emit({"running": running is not None, "processes": running, "parties": [_fields(each) for each in rows]})
    else:
        _show(path, rows, running)
    if running is None:
        raise Answer(Exit.OPERATOR)
    if not all(each.is_good for each in rows):
        raise Answer(Exit.DIFFERENT)


def _as_it_runs(path: Path, running: dict[str, Any] | None) -> Places:
    """Return the places as the running host has them, whatever options it was started with."""
    if running is None:
        return _places(path)
    return _places(path, int(running["workers"]), bool(running.get("isolate")))


def _fields(each: Standing) -> dict[str, object]:
    return {
        "party": each.party, "process": each.slot, "state": each.state, "code": each.code, "since": each.since,
        "starts": each.starts, "again_at": each.again_at,
    }  # fmt: skip


def _show(path: Path, rows: list[Standing], running: dict[str, Any] | None) -> None:
    if running is None:
        fail("HOST_DOWN", f"no host runs on `{path}`", f"samband host run {path}")
    else:
        good = sum(each.is_good for each in rows)
        print(f"{good} of {len(rows)} parties served by {len(running['processes'])} processes, pid {running['pid']}")
    table(
        ("party", "process", "state", "since", "starts", "code"),
        [
            (
                each.party, each.slot, each.state, moment(1000 * each.since) if each.since else "",
                str(each.starts or ""), each.code,
            )
            for each in sorted(rows, key=lambda each: (each.is_good, each.party))
        ],
    )  # fmt: skip
