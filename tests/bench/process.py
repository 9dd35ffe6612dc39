"""Processes that are told what to do on standard input and answer on standard output; its end is theirs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import IO, Any, Final, Self

__all__ = ["Process", "lines", "tell", "until_closed"]

_ROOT: Final = Path(__file__).parents[2]
_END_S: Final = 10.0


async def lines(*, limit: int = 1 << 16) -> asyncio.StreamReader:
    """Return standard input as a stream."""
    reader = asyncio.StreamReader(limit=limit)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def tell(line: str) -> None:
    """Say a line to the parent."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def until_closed(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until standard input ends."""
    task = asyncio.ensure_future(work)
    closed = asyncio.ensure_future((await lines()).read())
    await asyncio.wait({task, closed}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class Process:
    """A child process; leaving the `with` block ends it."""

    def __init__(self, module: str, *arguments: str | Path, log: Path) -> None:
        self._at = log
        self._log: IO[bytes] = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=_ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise when it has ended."""
        if (code := self._process.poll()) is not None:
            told = self._at.read_text("utf-8", "replace").strip().splitlines()
            raise RuntimeError(f"a contender ended with {code}: {told[-1] if told else 'it said nothing'}")

    def hear(self) -> str:
        """Return its next line."""
        line = self._process.stdout.readline().decode().strip()
        if not line:
            self._process.wait(_END_S)
            self.check()
        return line

    def ask(self, question: str) -> Any:
        """Say a line and return the JSON that it answers with."""
        self._process.stdin.write(question.encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self.hear())
