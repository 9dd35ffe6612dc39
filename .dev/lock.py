"""Write `requirements.lock` anew from `pyproject.toml`: every package of the project and of its tests, pinned by hash.

The lock names no index and no folder of the machine that wrote it. Arguments go on to pip-compile (`--upgrade`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEAD = (
    "# Every package that Samband runs or is tested with, pinned by hash. Written by `make lock` from pyproject.toml.\n"
)


def main() -> int:
    """Compile the lock, and strip what says where its packages came from."""
    # fmt: off
    done = subprocess.call(
        [sys.executable, "-m", "piptools", "compile", "--generate-hashes", "--allow-unsafe", "--strip-extras",
         "--extra", "dev", "--extra", "prove", "--extra", "console", "--extra", "postgres",
         "--extra", "rest", "--extra", "sandbox", "--no-header", "--no-emit-index-url", "--no-emit-find-links",
         "--no-emit-trusted-host", "--quiet",
         "--output-file", LOCK.name, *sys.argv[1:], "pyproject.toml"],
        cwd=ROOT, env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"},
    )
    # fmt: on
    if done == 0:
        lines = LOCK.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(("--", "# Every package"))]
        LOCK.write_text(HEAD + "".join(kept))
    return done


if __name__ == "__main__":
    raise SystemExit(main())
