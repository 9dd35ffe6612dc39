"""A keeper that kills itself: `python -m tests.records.victim FOLDER POINT`.

A point is `Class.method`, before which the process ends as by `kill -9`; with `+`, after it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samband.streams.audit import AuditKeys
from samband.streams.records.keeper import Keeper
from samband.streams.records.store import RecordStore, State
from tests.records.ground import FileTopic, Ground

CLASSES = {each.__name__: each for each in (AuditKeys, FileTopic, Keeper, RecordStore)}


def kill(*_: Any) -> None:
    """End at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(method: Callable[..., Any], state: str, *, after: bool) -> Callable[..., Any]:
    """Return a method that kills; of `set_erasure` only the call that sets a state."""

    def call(*given: Any, **named: Any) -> Any:
        if state and given[2] is not State(state):
            return method(*given, **named)
        if not after:
            kill()
        found = method(*given, **named)
        if hasattr(found, "__await__"):

            async def finish() -> Any:
                await found
                kill()

            return finish()
        return kill()

    return call


def main() -> None:
    """Run the keeper with one deadly method."""
    folder, point = Path(sys.argv[1]), sys.argv[2]
    where, _, state = point.rstrip("+").partition(":")
    kind, _, name = where.partition(".")
    cls = CLASSES[kind]
    setattr(cls, name, deadly(getattr(cls, name), state, after=point.endswith("+")))
    Ground(folder).keep()


if __name__ == "__main__":
    main()
