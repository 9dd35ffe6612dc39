"""One child process of the hub: started, watched, killed, started again with back-off.

    child = Child("samband.streams.gate", (home, "0"), log)
    child.start()
    child.bury()          its exit code once it has died, else None
    child.is_due          time to start it again

A child that died starts again at once, and if it keeps dying ever more seldom, down to twice a minute.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

from samband.streams.passphrase import Handover

__all__ = ["BACK_OFF_S", "Child", "end_all", "end_of"]

BACK_OFF_S: Final = (0.2, 30.0)
_GRACE_S: Final = 10.0
"""How long a child may take to end when asked to; then it is killed."""
_LOG_BYTES: Final = 10 << 20


class Child:
    """One child process, or the wish for one."""

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        """Name a child; nothing is started yet.

        Args:
            module: what `python -m` would run.
            arguments: its arguments.
            log: file for what it prints; moved aside at a start when it has grown beyond 10 MB.
        """
        self._module = module
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._again_at = 0.0
        self._held = False
        self.wait = BACK_OFF_S[0]
        """Seconds before the next start after a death."""
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def is_due(self) -> bool:
        """Say whether it is dead, wanted, and its back-off is over."""
        return self._process is None and not self._held and time.monotonic() >= self._again_at

    def start(self) -> None:
        """Start it."""
        parent = str(os.getpid())
        command = [sys.executable, "-P", "-m", "samband.streams.child", parent, self._module, *self._arguments]
        with _open_log(self._log) as log:
            self._process = _maker().submit(_spawn, command, log).result()
        self._began = time.monotonic()
        self._held = False
        self.starts += 1

    def bury(self) -> int | None:
        """Return its exit code, once, when it has died; from then on its back-off runs."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        lived = time.monotonic() - self._began
        self.wait = BACK_OFF_S[0] if lived > BACK_OFF_S[1] else min(2 * self.wait, BACK_OFF_S[1])
        self._again_at = time.monotonic() + self.wait
        self._process = None
        return code

    def kill(self, *, hold: bool = False) -> int:
        """Kill it at once and return the process id it had, 0 if none; `hold` keeps it from being due."""
        self._held = hold
        if self._process is None:
            return 0
        pid = self._process.pid
        self._process.kill()
        self._process.wait()
        if hold:
            self._process = None
        return pid

    def ask(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until it has ended, and kill it at `deadline` (of the monotonic clock)."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def end_all(children: Iterable[Child]) -> None:
    """Ask all to end, wait, and kill those that do not."""
    children = list(children)
    for child in children:
        child.ask()
    deadline = time.monotonic() + _GRACE_S
    for child in children:
        child.end(deadline)


def end_of(code: int) -> str:
    """Say in words how a process ended."""
    return signal.Signals(-code).name if code < 0 else f"code {code}"


@cache
def _maker() -> ThreadPoolExecutor:
    """Give the one thread that makes children: Linux kills a child when the thread that made it ends."""
    return ThreadPoolExecutor(1, "children")


def _spawn(command: list[str], log: IO[Any]) -> subprocess.Popen[bytes]:
    with Handover() as given:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **given
        )


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(exist_ok=True)
    with suppress(OSError):
        if path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
    return path.open("ab")
