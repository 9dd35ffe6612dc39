"""A process that holds keys leaves no core file, whatever kills it, and says of an error only its kind and place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "20120101-9805"

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="core dumps are looked for as Linux makes them")

DYING = """
import ctypes, os, resource, sys
os.chdir(sys.argv[1])
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
if sys.argv[2] == "off":
    from samband.streams.dumps import no_dumps
    no_dumps()
    no_dumps()
limits = [line for line in open("/proc/self/limits") if line.startswith("Max core file size")]
dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
open("told", "w").write(f"{limits[0].split()[4:6]} {dumpable} {hard}")
secret = "20120101" + "-9805"
os.kill(os.getpid(), int(sys.argv[3]))
"""


def die(folder: Path, dumps: str, number: signal.Signals) -> tuple[bool, str]:
    """Let a process die by a signal; say whether the kernel dumped its memory, and what it saw of itself before."""
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-c", DYING, str(folder), dumps, str(int(number))], dict(os.environ)
    )
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == number
    return os.WCOREDUMP(status), (folder / "told").read_text()


@LINUX
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV], ids=lambda each: each.name)
def test_no_core_when_killed(tmp_path: Path, number: signal.Signals) -> None:
    """After `no_dumps` neither abort nor a segmentation fault leaves memory behind; without it, they would."""
    dumped, told = die(tmp_path, "off", number)
    assert not dumped
    assert told.startswith("['0', '0'] 0 ")
    assert [path.name for path in tmp_path.iterdir()] == ["told"]
    dumped, told = die(tmp_path, "on", number)
    assert dumped or told.endswith(" 0"), "the control dumps, where this machine lets anybody dump"


FAILING = """
import asyncio, logging, os, sys, threading, warnings
from samband.streams.process import begin
begin()
child = "20120101" + "-9805"
logging.getLogger("some.library").error("cannot decode %s", child)
try:
    raise ValueError(child)
except ValueError:
    logging.getLogger("some.library").exception("about %s", child)
    logging.getLogger("samband.x").exception("event", extra={"code": "X", "what": ValueError(child)})
warnings.warn("about " + child)
def fail():
    raise ValueError(child)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
class Dies:
    def __del__(self):
        fail()
Dies()
async def lost():
    asyncio.ensure_future(asyncio.to_thread(fail))
    await asyncio.sleep(0)
asyncio.run(lost())
fail()
"""


def test_an_error_nobody_caught_says_kind_and_place_only() -> None:
    """Neither a library's log line, a warning, a thread, a finalizer nor an uncaught error repeats a value."""
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["library", "library", "event", *["process fails"] * 3]
    assert {line.get("error") for line in lines[1:]} == {"ValueError", None}
    assert lines[2]["what"] == "ValueError"
    assert all(line["place"].startswith("<string>:") for line in lines[3:])
    assert SECRET not in done.stderr


def test_the_command_line_turns_dumps_off() -> None:
    """Any command runs without core dumps, since any may open a key."""
    look = (
        "from samband.connectors.cli import main; main(['types', '--json']);"
        "import resource, sys; sys.exit(resource.getrlimit(resource.RLIMIT_CORE) != (0, 0))"
    )
    assert subprocess.run([sys.executable, "-c", look], stdout=subprocess.DEVNULL, check=False).returncode == 0
