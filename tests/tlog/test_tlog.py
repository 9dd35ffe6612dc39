"""Others' code reads Samband's log: the Go project's `sumdb` packages.

They need Go 1.24 or later, on PATH or named in SAMBAND_GO, and one module (`go.sum` pins it) from a module cache or
proxy. Where they are not, these tests are skipped and say so.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from samband.streams.log.checkpoint import key_text
from samband.streams.log.folder import LogFolder
from tests.log.altered import SIZES
from tests.log.logs import KEY, ORIGIN, Log, entries
from tests.reader.test_reader import go

SOURCE = Path(__file__).parent


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Go program, built."""
    made = tmp_path_factory.mktemp("tlog") / "tlog"
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    there = subprocess.run([go(), "mod", "download"], cwd=SOURCE, env=env, capture_output=True, check=False)
    if there.returncode:
        pytest.skip("golang.org/x/mod is neither in the module cache nor to be had: Go does not read the log")
    subprocess.run([go(), "build", "-o", made, "."], cwd=SOURCE, env=env, check=True)
    return made


@pytest.fixture(scope="session", params=SIZES)
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Path]:
    """Return a log and its folder, grown in two steps."""
    size: int = request.param
    made, path = Log(entries(size // 3)), tmp_path_factory.mktemp("log")
    made.add(entries(size - size // 3, size // 3))
    LogFolder(path).write(made.files.items())
    return made, path


def run(binary: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary, folder, key_text(KEY, ORIGIN)], capture_output=True, text=True, check=False, timeout=300
    )


def test_go_reads_the_log(binary: Path, log: tuple[Log, Path]) -> None:
    """Go opens the signed note, works out the same root from the bundles, and proves entries and sizes by the tiles."""
    made, path = log
    done = run(binary, path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["size"] == made.edge.size
    assert base64.b64decode(said["root"]) == made.checkpoint.root
    assert said["records"] == said["trees"] >= min(made.edge.size, 200)


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/entries/000", "tile/1/000.p/1"])
def test_go_refuses_a_changed_log(binary: Path, tmp_path: Path, path: str) -> None:
    """One bit of a file is another, and Go does not accept the log: its word above means something."""
    made = Log(entries(257))
    data = bytearray(made.files[path])
    data[-30] ^= 1
    LogFolder(tmp_path).write({**made.files, path: bytes(data)}.items())
    assert run(binary, tmp_path).returncode == 1
