"""Starts a host's processes, starts again what dies, and leaves nothing behind.

    host = Host(Places(path), print)
    host.up();  host.watch();  host.down()         `watch` returns after `stop`

One host a directory: a lock that the kernel drops with the process. No process outlives this one (`streams.child`).
`DIR/.host/host.json` says what runs, `DIR/.host/SLOT/` holds a process's log and its word on its parties.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from samband.connectors.host.places import Places
from samband.schemas.errors import OperatorError
from samband.streams.children import Child, end_all, end_of
from samband.streams.locks import take

__all__ = ["Host", "is_running"]

_LOOK_S: Final = 0.2
_MODULE: Final = "samband.connectors.host.worker"


class Host:
    """One directory's running processes."""

    def __init__(self, places: Places, progress: Callable[[str], None] = lambda line: None) -> None:
        """Name a host; nothing is started yet."""
        self._places = places
        self._progress = progress
        self._children: dict[str, Child] = {}
        self._lock: IO[str] | None = None
        self._asked_to_end = False
        self._pause = threading.Event()
        self._started = ""

    def up(self) -> None:
        """Start the processes.

        Raises:
            OperatorError: a host runs on this directory already (`HOST_RUNNING`), or it cannot be written.
        """
        run = self._places.run
        busy = OperatorError("HOST_RUNNING", f"a host runs on `{self._places.path}` already", "samband host status DIR")
        try:
            run.mkdir(mode=0o755, exist_ok=True)
            self._lock = take(run / "host.lock", busy)
        except OSError as error:
            raise OperatorError("HOST_WRITE", f"`{run}` cannot be written: {error.strerror}") from error
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._look()
        self._write()

    def stop(self) -> None:
        """Let `watch` return; may be called from a signal handler."""
        self._asked_to_end = True

    def watch(self) -> None:
        """Start again what dies, and start and end what parties with a process of their own need; until `stop`."""
        while not self._asked_to_end:
            self._pause.wait(_LOOK_S)
            if self._look():
                self._write()

    def down(self) -> None:
        """End everything; does nothing where nothing runs."""
        end_all(self._children.values())
        self._children.clear()
        if self._lock is not None:
            (self._places.run / "host.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by slot."""
        return {slot: pid for slot, child in self._children.items() if (pid := child.pid)}

    def _look(self) -> bool:
        """Bring the processes to what should run; True where something changed."""
        try:
            wanted = self._places.slots(self._places.found())
        except OSError:
            wanted = list(self._children)
        changed = False
        gone = [self._children.pop(slot) for slot in list(self._children) if slot not in wanted]
        if gone:
            end_all(gone)
            changed = True
        for slot in wanted:
            child = self._children.get(slot) or self._new(slot)
            if (code := child.bury()) is not None:
                self._progress(f"process {slot} ended ({end_of(code)}); it starts again in {child.wait:.1f} s")
                changed = True
            if child.is_due:
                child.start()
                changed = True
        return changed

    def _new(self, slot: str) -> Child:
        places, folder = self._places, self._places.run / slot
        folder.mkdir(exist_ok=True, mode=0o755)
        if (user := places.user(slot)) and os.geteuid() == 0:
            with suppress(LookupError, OSError):  # the process says which
                _give(folder, user)
        arguments = (str(places.path), slot, str(places.workers), "isolate" if places.isolate else "share")
        child = self._children[slot] = Child(_MODULE, arguments, folder / "log")
        return child

    def _write(self) -> None:
        fields = {
            "pid": os.getpid(), "started": self._started, "workers": self._places.workers,
            "isolate": self._places.isolate, "processes": self.pids,
            "starts": {slot: child.starts for slot, child in self._children.items()},
        }  # fmt: skip
        with suppress(OSError):  # a full disk must not end the host
            fresh = self._places.run / "host.new"
            fresh.write_text(json.dumps(fields), "utf-8")
            fresh.replace(self._places.run / "host.json")


def _give(folder: Path, user: str) -> None:
    import pwd

    known = pwd.getpwnam(user)
    os.chown(folder, known.pw_uid, known.pw_gid)


def is_running(places: Places) -> bool:
    """Say whether a host runs on a directory."""
    try:
        lock = (places.run / "host.lock").open("r")
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
