"""One process of a host: the parties that fall to it, each a task of one loop.

    python -m samband.connectors.host.worker DIR SLOT WORKERS ISOLATE

It looks for parties that came, changed or went each second, and says every few seconds in `DIR/.host/SLOT/state.json`
how each stands. A change of a party's `connector.toml` ends that party's task and begins another; nobody else's.

Fairness: everything that a party does in the loop's own thread is a slice of at most 64 messages, after which the loop
turns to whoever else is ready, in the order in which they became so. What blocks is in threads of the party's own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from samband.connectors.host.places import Places, Stamp
from samband.connectors.host.tenant import Tenant
from samband.connectors.host.threads import Threads, context_of
from samband.schemas.errors import OperatorError, SambandError
from samband.streams.process import begin, until_ended

__all__ = ["Worker", "become", "main"]

_LOOK_S: Final = 1.0
_TELL_S: Final = 3.0
_AT_ONCE: Final = 16
"""Parties that are begun in one look: each verifies a directory first."""

log = logging.getLogger("samband.host")


class Worker:
    """The parties of one process."""

    def __init__(
        self, places: Places, slot: str, tenant: Callable[[str, Path], Tenant] = Tenant, *, look_s: float = _LOOK_S
    ) -> None:
        self._places, self._slot, self._tenant, self._look_s = places, slot, tenant, look_s
        self.tenants: dict[str, Tenant] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stamps: dict[str, Stamp] = {}
        self._blind = False
        self._told_at = 0.0
        self._told: object = None

    async def run(self) -> None:
        """Serve until cancelled."""
        asyncio.get_running_loop().set_default_executor(Threads())
        try:
            while True:
                await self.look()
                self._tell()
                await asyncio.sleep(self._look_s)
        finally:
            await self._end(list(self._tasks))
            self._state_file.unlink(missing_ok=True)

    async def look(self) -> None:
        """Take up the parties that came or changed, and let go those that went."""
        try:
            found = self._places.of(self._slot, self._places.found())
        except OSError as error:  # the disk is away for a moment: who runs goes on
            if not self._blind:
                log.error("directory of parties cannot be read", extra={"error": type(error).__name__})
            self._blind = True
            return
        self._blind = False
        await self._end([name for name, stamp in self._stamps.items() if found.get(name) != stamp])
        for name in [name for name in found if name not in self._tasks][:_AT_ONCE]:
            self._stamps[name] = found[name]
            self.tenants[name] = tenant = self._tenant(name, self._places.config(name))
            self._tasks[name] = asyncio.get_running_loop().create_task(
                tenant.live(), name=f"party {name}", context=context_of(name)
            )

    async def _end(self, names: list[str]) -> None:
        tasks = [self._tasks.pop(name) for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name in names:
            del self.tenants[name], self._stamps[name]

    @property
    def _state_file(self) -> Path:
        return self._places.run / self._slot / "state.json"

    def _tell(self) -> None:
        """Write how each party stands, when that has changed and else now and then."""
        told = {name: tenant.told() for name, tenant in self.tenants.items()}
        if told == self._told and time.monotonic() < self._told_at + _TELL_S:
            return
        self._told, self._told_at = told, time.monotonic()
        fields = {"pid": os.getpid(), "at": round(time.time()), "parties": told}
        with suppress(OSError):  # a full disk ends nobody
            self._state_file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._state_file.with_suffix(".new")
            fresh.write_text(json.dumps(fields), "utf-8")
            fresh.replace(self._state_file)


def become(user: str) -> None:
    """Give up root for good, and be another OS user; does nothing for the user that one is.

    Raises:
        OperatorError: there is no such user (`HOST_USER`), or this process may not become it.
    """
    import pwd

    try:
        known = pwd.getpwnam(user)
    except KeyError as error:
        raise OperatorError("HOST_USER", f"there is no OS user `{user}`", "`user` in host.toml") from error
    if os.geteuid() == known.pw_uid:
        return
    try:
        os.initgroups(user, known.pw_gid)
        os.setgid(known.pw_gid)
        os.setuid(known.pw_uid)
    except PermissionError as error:
        raise OperatorError("HOST_USER", f"only root can become `{user}`", "start the host as root") from error


def main(arguments: list[str]) -> int:
    """Serve the parties of a slot until told to end; return the exit code.

    Raises:
        SambandError: the directory, its settings or the OS user cannot be used.
    """
    begin()
    path, slot, workers, isolate = arguments
    places = Places(Path(path), workers=int(workers), isolate=isolate == "isolate")
    if user := places.user(slot):
        become(user)
    work = partial(Worker(places, slot).run)
    return asyncio.run(until_ended(work(), signals=(signal.SIGTERM, signal.SIGINT), parent=os.getppid()))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SambandError as error:
        sys.exit(f"samband: {error}")
