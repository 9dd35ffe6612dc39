r"""Questions about the table, answered on a Unix socket that only the hub's own user can open.

    → {"message": "<32 hex>"}\n      ← {"message_id": …, "state": …, "steps": […]}\n
    → {"summary": true}\n            ← {"states": {"waiting": 2, …}, "unreadable": 0}\n
                                      ← {"error": {"code": …, "message": …, "hint": …}}\n

One line each way, then the connection ends. Where it listens stands in `HOME/hub/run/derived.json`, with the process
id, once it is ready: `hub/run/derived.sock`, or a folder of the system's temporary place when that path is longer than
a socket's may be (108 bytes on Linux).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from samband.schemas.errors import InputError, SambandError
from samband.streams.derived.app import Derived
from samband.streams.derived.status import status
from samband.streams.derived.track import RECORD

__all__ = ["serving"]

PATH_MAX: Final = 100
"""Bytes; macOS allows 104, Linux 108."""

_LINE_MAX: Final = 4096
_PATIENCE_S: Final = 5.0
_ROWS_AT_ONCE: Final = 1000


@asynccontextmanager
async def serving(derived: Derived, run: Path) -> AsyncIterator[None]:
    """Answer while the context lasts; `run` is the hub's run folder."""
    folder = (
        run if len(os.fsencode(run / "derived.sock")) <= PATH_MAX else Path(tempfile.mkdtemp(prefix="samband-socket-"))
    )
    path, record = folder / "derived.sock", run / RECORD
    _forget(record)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(before)
    server = await asyncio.start_unix_server(_Answers(derived).take, sock=listener, limit=_LINE_MAX)
    fresh = record.with_suffix(".new")
    fresh.write_text(json.dumps({"pid": os.getpid(), "socket": os.fspath(path)}), "utf-8")
    fresh.replace(record)
    try:
        yield
    finally:
        server.close()
        _forget(record)
        path.unlink(missing_ok=True)


def _forget(record: Path) -> None:
    """Remove what an earlier process left: its record, and its folder if that was a temporary one."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        folder = Path(json.loads(record.read_text("utf-8"))["socket"]).parent
        if folder.name.startswith("samband-socket-") and folder.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(folder)
    record.unlink(missing_ok=True)


class _Answers:
    def __init__(self, derived: Derived) -> None:
        self._derived = derived

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(_PATIENCE_S):
                line = await reader.readline()
            try:
                answer = await self._answer(line)
            except SambandError as error:
                answer = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)
            if question == {"summary": True}:
                return await self._summary()
            message_id = bytes.fromhex(question["message"])
            if len(question) != 1 or len(message_id) != 16:
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError("MESSAGE_ID_FORM", "a message id is 32 hexadecimal digits") from error
        row = self._derived.find(message_id)
        if row is None:
            raise InputError(
                "MESSAGE_UNKNOWN",
                f"no message `{message_id.hex()}` is known",
                "the gate has not judged it yet, or it is older than the log's topic",
            )
        return status(row).json()

    async def _summary(self) -> dict[str, Any]:
        states: Counter[str] = Counter()
        for number, row in enumerate(self._derived.rows()):
            states[status(row).state.value] += 1
            if number % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return {"states": dict(sorted(states.items())), "unreadable": self._derived.unreadable}
