"""A person's terminal at a real hub: commands as they are typed, and what they print."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samband.connectors.cli import main

__all__ = ["PATIENCE_S", "Said", "Terminal"]

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The stable code of its error line."""
        first = self.err.splitlines()[0]
        assert first.startswith("samband: ")
        return first.rpartition("[")[2].rstrip("]")


class Terminal:
    """A person's terminal at one hub."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.connectors: list[subprocess.Popen[str]] = []

    def command(self, *arguments: str) -> list[str]:
        """Return a command line for this hub."""
        return [sys.executable, "-P", "-m", "samband.connectors", "--home", str(self.home), "--lang", "en", *arguments]

    def say(self, *arguments: str, stdin: str = "") -> Said:
        """Run a command."""
        patient = {**os.environ, "SAMBAND_WAIT": str(PATIENCE_S)}
        done = subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, timeout=180, check=False, env=patient
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def say_here(self, *arguments: str) -> Said:
        """Run a command in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["--home", str(self.home), "--lang", "en", *arguments])
        return Said(code, out.getvalue(), err.getvalue())

    def connect(self, party: str) -> subprocess.Popen[str]:
        """Start a connector and return when it is connected."""
        connector = subprocess.Popen(
            self.command("connect", party), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.connectors.append(connector)
        assert connector.stdout is not None
        assert connector.stdout.readline().startswith(f"connected as {party}")
        return connector

    def pids(self) -> list[int]:
        """Return every process of the hub."""
        found = self.say("hub", "status", "--json").json
        return [found["pid"], *found["children"].values()]

    def close(self) -> None:
        """End the connectors and the hub."""
        for connector in self.connectors:
            connector.terminate()
        for connector in self.connectors:
            connector.wait(30)
            if connector.stdout is not None:
                connector.stdout.close()
        self.say("hub", "down")
