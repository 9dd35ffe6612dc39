"""Tessera's own programs, built from the versions that `go.mod` and `go.sum` pin.

    build(go, FSCK, path)       the command of the module that checks a log
    build(go, ".", path)        `main.go`: appends entries with the POSIX driver

Needs Go 1.24 or later and the modules, from the module cache or a proxy.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["FSCK", "build"]

SOURCE: Final = Path(__file__).parent
FSCK: Final = "github.com/transparency-dev/tessera/cmd/fsck"
_BUILD_S: Final = 300.0


def build(go: str, package: str, binary: Path) -> Path | None:
    """Build a package of this module and return the program, or None where its modules are not to be had.

    Raises:
        RuntimeError: they are there, and it cannot be built.
    """
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [go, *words], cwd=SOURCE, env=env, capture_output=True, text=True, check=False, timeout=_BUILD_S
        )

    if run("mod", "download").returncode:
        return None
    done = run("build", "-o", binary, package)
    if done.returncode:
        raise RuntimeError(f"`{package}` cannot be built: {done.stderr.strip()[-300:]}")
    return binary
