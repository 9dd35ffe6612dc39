"""A host's processes, without a Kafka: started, killed, started again, ended; what the command line says of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import main
from samband.connectors.host.places import Places
from samband.connectors.host.status import processes

NAMES = {"bup", "skola", "social"}


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_processes_are_started_again_and_end_with_their_host(parties: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A killed process comes back and the other stays; a bad party is named; a second host is refused; none is left."""
    with (parties / "bup" / "connector.toml").open("a") as file:
        file.write("\nnonsense = 1\n")
    status = ["host", "status", str(parties), "--json"]
    assert main(status) == 3
    assert json.loads(capsys.readouterr().out)["running"] is False
    places = Places(parties, workers=2)

    def told() -> dict[str, Any]:
        assert main(status) in (1, 3)
        return {each["party"]: each for each in json.loads(capsys.readouterr().out)["parties"]}

    command = [sys.executable, "-P", "-m", "samband.connectors", "host", "run", str(parties), "--workers", "2"]
    host = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: all(each["state"] in ("connecting", "failed") for each in told().values()))
        assert {party: (each["state"], each["code"]) for party, each in told().items()} == {
            "bup": ("failed", "SETTINGS_UNKNOWN_KEY"), "skola": ("connecting", ""), "social": ("connecting", ""),
        }  # fmt: skip
        assert main(["host", "run", str(parties), "--workers", "2"]) == 3
        assert "HOST_RUNNING" in capsys.readouterr().err
        before = pids(places)
        assert before.keys() == {"1", "2"}
        os.kill(before["1"], signal.SIGKILL)
        until(lambda: pids(places).get("1", before["1"]) != before["1"])
        assert pids(places)["2"] == before["2"]
        until(lambda: told()["social"]["state"] == "connecting")
        after = pids(places)
        host.terminate()
        assert host.wait(60) == 0
        assert not [pid for pid in after.values() if Path(f"/proc/{pid}").exists()]
        assert processes(places) is None
    finally:
        host.kill()
        host.wait()


def pids(places: Places) -> dict[str, int]:
    """Return the process ids by slot, as the host has written them."""
    return dict((processes(places) or {"processes": {}})["processes"])
