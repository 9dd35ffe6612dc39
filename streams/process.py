"""What every process of Samband does alike: JSON log lines, and an end when asked or when its parent is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Final

__all__ = ["setup_logging", "until_ended"]

_PARENT_LOOK_S: Final = 0.5
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _JsonLines(logging.Formatter):
    """One line an event: time, level, name, and the fields that the code gave, nothing else."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        return json.dumps(line, default=str)


def setup_logging(level: int = logging.INFO) -> None:
    """Log Samband's own events as JSON lines on standard error; libraries only from errors up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("samband").setLevel(level)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its messages name topics, groups and peers
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


async def until_ended(work: Coroutine[Any, Any, None], *, signals: Sequence[signal.Signals], parent: int) -> int:
    """Run `work` until it ends, a signal comes, or the parent process is gone; return an exit code."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for each in signals:
        loop.add_signal_handler(each, task.cancel)
    watch = asyncio.create_task(_parent_gone(parent))
    await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
    watch.cancel()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return 0


async def _parent_gone(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  nothing tells a process that its parent is gone
        await asyncio.sleep(_PARENT_LOOK_S)
