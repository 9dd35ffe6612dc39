"""The embedded Kafka's warden: a small process between the hub and the Java virtual machine.

It has one promise: **Java does not outlive the hub**, however the hub ends. It holds the read end of a pipe whose only
write end is the hub's; the kernel closes that on `kill -9` as on a clean end. Then, or when its parent changes, it asks
Java to stop, waits, and kills it. Should the warden itself be killed, Linux kills Java at once (`PR_SET_PDEATHSIG`).

It also holds the lock on the broker's home, so that two brokers never share one. The kernel drops the lock with the
process: a lock is never stale.

    python -I -S warden.py LOCK_FILE LOG_FILE GRACE_SECONDS -- java …

It runs as a bare script, for it must start quickly and depend on nothing: standard library only, nothing of Samband.
It answers with one line, `pid N` or `busy STATE`; ends with Java's exit code, or 75 when the home is in use.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO

BUSY = 75  # EX_TEMPFAIL: somebody else has the home
PR_SET_PDEATHSIG = 1
LOOK_S = 0.25  # how often to look whether Java or the parent is gone; the pipe itself wakes at once


SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


def prepare_java() -> None:
    """Listen to signals again, and ask Linux to kill this process when the warden dies; between fork and exec."""
    for number in SIGNALS:  # Java would inherit the warden's deafness, and never stop cleanly
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def tell(lock: IO[str], state: str) -> None:
    """Write into the lock file what its holder is doing, for whoever finds it locked."""
    with suppress(OSError):  # a full disk must not keep Java alive
        lock.seek(0)
        lock.truncate()
        lock.write(state)
        lock.flush()


def watch(child: subprocess.Popen[bytes], parent: int) -> bool:
    """Wait until Java has ended (true), or the hub has ended or closed the pipe (false)."""
    hub = sys.stdin.fileno()
    while child.poll() is None:
        readable, _, _ = select.select([hub], [], [], LOOK_S)
        if (readable and not os.read(hub, 64)) or os.getppid() != parent:
            return False
    return True


def stop(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask Java to stop, and kill it when it has not after `grace_s`."""
    child.terminate()
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(arguments: list[str]) -> int:
    """Hold the lock, start Java, and see to its end."""
    parent = os.getppid()
    lock_file, log_file, grace_s = arguments[0], arguments[1], float(arguments[2])
    command = arguments[4:]
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # only the pipe speaks: a Ctrl-C is the hub's to answer
    with open(lock_file, "a+", encoding="utf-8") as lock:  # noqa: PTH123 (a bare script starts quicker without pathlib)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            sys.stdout.write(f"busy {lock.read()}\n")
            return BUSY
        with open(log_file, "ab") as log:  # noqa: PTH123
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=prepare_java,  # one thread here, so it is safe
            )
        try:
            tell(lock, f"running {child.pid}")
            with suppress(BrokenPipeError):
                sys.stdout.write(f"pid {child.pid}\n")
                sys.stdout.flush()
            if not watch(child, parent):
                tell(lock, f"stopping {child.pid}")
                stop(child, grace_s)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        tell(lock, "")
    return child.returncode & 0xFF


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
