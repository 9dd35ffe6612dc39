"""Set up what `make demo` and `make test` need, with nothing but a Python and its standard library.

Three steps, each skipped when its stamp in `.venv` fits what it was made from:

1. `.venv`: a virtual environment of this very Python;
2. the packages of `requirements.lock`, every one checked against its hash, and the project itself, editable;
3. the Kafka jars of `streams/jars.txt`, by `samband.streams.jars`, into the cache outside the work tree.

Whatever is missing ends in one line that says what to do, and exit code 1. A step that is interrupted leaves no stamp,
so it is done again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
LOG = VENV / "setup.log"
ROOM_MIB = 900  # the virtual environment takes 500 MiB, the jars 45, and pip unpacks beside them

# What pip prints, and what it means for whoever waits for the demo. The first that fits is told.
SYMPTOMS = (
    (
        ("No space left on device", "Errno 28", "Disk quota exceeded"),
        "the disk is full",
        "free some space and run make again",
    ),
    (
        ("THESE PACKAGES DO NOT MATCH THE HASHES",),
        "a package is not the one that requirements.lock pins",
        "if a proxy rewrites packages, ask for the originals; otherwise do not go on",
    ),
    (
        (
            "NewConnectionError",
            "ConnectTimeout",
            "ReadTimeout",
            "ProxyError",
            "Could not find a version",
            "SSLError",
            "Connection broken",
            "No matching distribution",
        ),
        "no package index answers",
        "connect to the network (HTTPS_PROXY and PIP_INDEX_URL are honoured) and run make again",
    ),
)


def stop(problem: str, way_out: str) -> NoReturn:
    """Say in one line what is wrong and what to do, and end with exit code 1."""
    print(f"samband: {problem}. Way out: {way_out}.", file=sys.stderr)
    raise SystemExit(1)


def fingerprint(*parts: Path | str) -> str:
    """Return a digest over files and strings: a step is done again when it changes."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


class Step:
    """A step of the set-up: named to the reader, and remembered in `.venv` by what it was made from."""

    def __init__(self, name: str, made_from: str, story: str) -> None:
        self._stamp, self._made_from, self.story = VENV / f".samband-{name}", made_from, story

    def is_done(self) -> bool:
        """Tell whether the step was finished from exactly these inputs."""
        return self._stamp.is_file() and self._stamp.read_text() == self._made_from

    def finish(self) -> None:
        """Remember the step, atomically: an interrupted write must not look like a finished step."""
        fresh = self._stamp.with_suffix(".new")
        fresh.write_text(self._made_from)
        fresh.replace(self._stamp)


def run(step: Step, *command: str | Path) -> None:
    """Run a command with its output in `.venv/setup.log`, showing that time passes.

    Raises:
        SystemExit: the command failed; the line says why, as far as its output tells.
    """
    began = time.monotonic()
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONUTF8": "1"}
    # A full disk must be told as one even when the log itself is what did not fit.
    with LOG.open("w+b") as log:
        child = subprocess.Popen(
            [os.fspath(part) for part in command], stdout=log, stderr=log, cwd=ROOT, env=environment
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=1 if sys.stderr.isatty() else 20)
                    break
                waited = f"{step.story} … {time.monotonic() - began:.0f} s"
                print(f"\r{waited}" if sys.stderr.isatty() else waited, end="" if sys.stderr.isatty() else "\n",
                      file=sys.stderr, flush=True)  # fmt: skip
        except BaseException:
            child.kill()
            child.wait()
            raise
    said = LOG.read_text(encoding="utf-8", errors="replace")
    if child.returncode:
        if sys.stderr.isatty():
            print(file=sys.stderr)
        for signs, problem, way_out in SYMPTOMS:
            if any(sign in said for sign in signs):
                stop(problem, way_out)
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        stop(f"{step.story} failed ({last})", f"read {LOG.relative_to(ROOT)}, or `make clean` and run make again")
    done = f"{step.story}: {time.monotonic() - began:.0f} s"
    print(f"\r{done}   " if sys.stderr.isatty() else done, file=sys.stderr)


def check_prerequisites() -> None:
    """Refuse a Python or a disk with which the set-up cannot end well."""
    if sys.version_info < (3, 11):
        stop(
            f"Python {platform.python_version()} is too old, Samband needs 3.11 or newer",
            "make PYTHON=/path/to/a/newer/python3",
        )
    for module in ("venv", "ensurepip", "ssl"):
        try:
            __import__(module)
        except ImportError:
            package = f"python3.{sys.version_info[1]}-venv"
            stop(
                f"this Python lacks its module `{module}`",
                f"install it (Debian and Ubuntu: apt install {package}), or make PYTHON=/path/to/another/python3",
            )
    free_mib = shutil.disk_usage(ROOT).free >> 20
    if free_mib < ROOM_MIB and not VENV.exists():
        stop(f"the disk has {free_mib} MiB left and the set-up needs {ROOM_MIB}", "free some space and run make again")


def make_environment(this_python: str) -> None:
    """Make the virtual environment, from nothing if the one at hand is another Python's or only half made."""
    step = Step("python", this_python, "making .venv")
    if step.is_done() and PYTHON.exists():
        return
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    run(step, sys.executable, "-m", "venv", VENV)
    step.finish()


def install(this_python: str) -> None:
    """Install the locked packages and the project itself."""
    lock, project = ROOT / "requirements.lock", ROOT / "pyproject.toml"
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--progress-bar", "off")
    packages = Step("packages", fingerprint(lock, this_python), "installing the packages of requirements.lock")
    if not packages.is_done():
        run(packages, *pip, "--require-hashes", "--requirement", lock)
        packages.finish()
    itself = Step("project", fingerprint(project, lock, str(ROOT), this_python), "installing samband, editable")
    if not itself.is_done():
        run(itself, *pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)
        itself.finish()


def fetch_jars() -> None:
    """Have the Kafka jars in the cache; `samband.streams.jars` checks every one and tells its own progress."""
    if subprocess.call([PYTHON, "-m", "samband.streams.jars"], cwd=ROOT):
        raise SystemExit(1)  # it has said why, in one line


def main() -> None:
    """Do the steps that are not done yet."""
    check_prerequisites()
    this_python = f"{sys.executable} {platform.python_version()} {ROOT}"
    try:
        make_environment(this_python)
        install(this_python)
        fetch_jars()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        stop("interrupted", "run make again, it goes on where it was")
    except OSError as error:
        if error.errno in (28, 122):  # ENOSPC, EDQUOT
            stop("the disk is full", "free some space and run make again")
        stop(f"{error.strerror}: {error.filename}", "check who owns the folder and run make again")


if __name__ == "__main__":
    main()
