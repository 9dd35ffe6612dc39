"""What every process of Samband does alike: no dumps, JSON log lines without content, an end when asked.

    begin()                     first: core dumps off, logging, and nothing printed of an error that nobody caught
    await until_ended(…)        until the work ends, a signal comes or the parent is gone
    run_alone(…)                a whole process of which there is one: its lock, its work, and its exit code

A log line holds what Samband's own code chose to say: a constant event and its fields. What a library says holds its
values, which may be a record's; of it only the logger's name and the error's kind are kept. An error that nobody caught
is one line too, kind and place, because its text may repeat what was being read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from samband.schemas.errors import OperatorError, SambandError
from samband.streams.dumps import no_dumps
from samband.streams.locks import take

__all__ = ["begin", "run_alone", "setup_logging", "until_ended"]

_PARENT_LOOK_S: Final = 0.5
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

log = logging.getLogger("samband.process")


class _JsonLines(logging.Formatter):
    """One line an event: time, level, name, and the fields that the code gave, nothing else."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
        }
        if record.name == "samband" or record.name.startswith("samband."):
            line["event"] = record.getMessage()
            line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        else:
            line |= {"event": "library", "logger": record.name}
            if record.exc_info and record.exc_info[0]:
                line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=lambda value: type(value).__name__)


def begin() -> None:
    """Begin a process that holds keys: no core dumps, logging, and no error's text on standard error."""
    no_dumps()
    setup_logging()
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda each: _uncaught(each.exc_type, each.exc_value, each.exc_traceback)
    threading.excepthook = lambda each: _uncaught(each.exc_type, each.exc_value, each.exc_traceback)


def setup_logging(level: int = logging.INFO) -> None:
    """Log Samband's own events as JSON lines on standard error; of libraries that there was an error, and where."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("samband").setLevel(level)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it is as loud as a broker's absence is long
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Log an error that nobody caught: its kind, its code, and the place; never its text."""
    if issubclass(kind, KeyboardInterrupt):
        return
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    fields: dict[str, object] = {"error": kind.__name__}
    if isinstance(error, SambandError):
        fields["code"] = error.code
    if trace is not None:
        fields["place"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    log.critical("process fails", extra=fields)


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


def run_alone(lock: Path, busy: OperatorError, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> int:
    """Run the one process of its kind in a home, and return its exit code; `busy` where there is one already.

    What ends it is logged as "`name` ends", by code or kind and without a trace: that may hold what a record says.
    """
    try:
        lock.parent.mkdir(exist_ok=True)
        with take(lock, busy):
            return asyncio.run(until_ended(work(), signals=(signal.SIGTERM, signal.SIGINT), parent=os.getppid()))
    except SambandError as error:
        log.error(f"{name} ends", extra={"code": error.code})
    except Exception as error:
        log.error(f"{name} ends", extra={"error": type(error).__name__})
    return 1
