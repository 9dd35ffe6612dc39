"""Tessera's `fsck` reads Samband's log: every tile and the root worked out anew by code that knows nothing of ours.

It needs Go 1.24 or later, on PATH or named in SAMBAND_GO, and Tessera's modules (`go.sum` pins them) from a module
cache or proxy; where they are not, these tests are skipped and say so. Of its command, version 1.0.4:

- it ends with 0 whatever it found: what it says counts, and only "Successfully" means that all is well;
- a worker that finds a difference ends, and the rest waits for it for ever where tiles are left: with a worker for each
  tile none is left;
- a bundle with too few entries makes it panic, which is no success either.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from samband.streams.log.checkpoint import key_text
from tests.log.altered import SIZES, altered
from tests.log.logs import KEY, ORIGIN, Log, entries
from tests.reader.test_reader import go
from tests.tessera.build import FSCK, build

WORKERS = 512
"""More than the tiles of the largest log here."""

Check = Callable[[Mapping[str, bytes]], str]


@pytest.fixture(scope="session")
def fsck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return Tessera's fsck, built, or skip."""
    made = build(go(), FSCK, tmp_path_factory.mktemp("tessera") / "fsck")
    if made is None:
        pytest.skip("Tessera's modules are neither in the module cache nor to be had: its fsck does not read the log")
    return made


@pytest.fixture
def check(fsck: Path, tmp_path: Path) -> Check:
    """Return what hands a log's files to fsck and returns what it says."""
    key, number = tmp_path / "key", 0
    key.write_text(key_text(KEY, ORIGIN))

    def say(files: Mapping[str, bytes]) -> str:
        nonlocal number
        number += 1
        folder = tmp_path / str(number)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        words = ("--storage_url", f"file://{folder}/", "--public_key", key, "--ui=false", f"--N={WORKERS}")
        return subprocess.run([fsck, *words], capture_output=True, text=True, check=False, timeout=60).stderr

    return say


@pytest.fixture(scope="module", params=SIZES)
def log(request: pytest.FixtureRequest) -> Log:
    """Return a log, grown in two steps."""
    size: int = request.param
    made = Log(entries(size // 3))
    made.add(entries(size - size // 3, size // 3))
    return made


def test_fsck_reads_the_log(check: Check, log: Log) -> None:
    """It works out every tile and the root anew and finds nothing."""
    assert f"Successfully fsck'd log with size {log.edge.size} and root" in check(log.files)


def test_fsck_refuses_an_altered_log(check: Check, log: Log) -> None:
    """Changed, dropped, reordered, inserted, cut off, a bit of a tile: it ends each time, and not with yes."""
    found = {name: check(files) for name, files in altered(log)}
    assert len(found) >= {0: 1, 1: 9}.get(log.edge.size, 11)
    for name, said in found.items():
        assert "Successfully" not in said, name
        assert "fsck failed" in said or "panic:" in said, name
