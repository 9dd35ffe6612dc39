"""The plain side of `tests.bench.edges`: what anybody would write first.

Starlette, one SQLite row a message in a file that is as durable as ours (write-ahead log, `synchronous = FULL`), whole
files by rename, one httpx client. It also stands for the far side of the webhook.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = ["Plain"]

AT_ONCE: Final = 32
"""As many as a connector hands over at once."""


class Plain:
    """What anybody would write first."""

    def __init__(self, folder: Path) -> None:
        self.database = sqlite3.connect(folder / "plain.db", isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.execute("CREATE TABLE outbox (id TEXT PRIMARY KEY, body BLOB)")
        self.database.execute("CREATE TABLE inbox (id TEXT PRIMARY KEY, body BLOB, state TEXT)")
        self.database.execute("CREATE INDEX open ON inbox (state)")
        self.document, self.event = b"", b""

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator[tuple[Self, dict[str, Any]]]:
        """Give the side, and where it listens."""
        side = cls(folder)
        routes = [
            Route("/v1/messages", side._post, methods=["POST"]),
            Route("/v1/inbox", side._list),
            Route("/v1/inbox/{id}", side._fetch),
            Route("/v1/inbox/{id}/acknowledge", side._acknowledge, methods=["POST"]),
            Route("/hook", side._hook, methods=["POST"]),
        ]
        with socket.socket(proto=socket.IPPROTO_TCP) as listener:  # as ours: asyncio then sends at once
            listener.bind(("127.0.0.1", 0))
            config = uvicorn.Config(
                Starlette(routes=routes), lifespan="off", log_config=None, access_log=False, http="h11", ws="none",
                timeout_keep_alive=30,
            )  # fmt: skip
            task = asyncio.create_task(uvicorn.Server(config).serve(sockets=[listener]))
            yield side, {"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "clients": {}}
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        side.database.close()

    async def _post(self, request: Request) -> Response:
        message = self._accept(await request.body())
        return JSONResponse({"message_id": message, "state": "waiting"}, 202 if message else 422)

    def _accept(self, body: bytes) -> str:
        told = json.loads(body)
        if not isinstance(told.get("type"), str) or not isinstance(told.get("content"), dict):
            return ""
        message = secrets.token_hex(16)
        self.database.execute("INSERT INTO outbox VALUES (?, ?)", (message, body))
        return message

    async def _list(self, request: Request) -> Response:
        limit = int(request.query_params["limit"])
        rows = self.database.execute("SELECT id FROM inbox WHERE state = 'waiting' LIMIT ?", (limit,))
        return JSONResponse({"items": [{"message_id": each} for (each,) in rows]})

    async def _fetch(self, request: Request) -> Response:
        row = self.database.execute("SELECT body FROM inbox WHERE id = ?", (request.path_params["id"],)).fetchone()
        return Response(row[0], media_type="application/json")

    async def _acknowledge(self, request: Request) -> Response:
        json.loads(await request.body())
        self.database.execute("UPDATE inbox SET state = 'handed_over' WHERE id = ?", (request.path_params["id"],))
        return JSONResponse({"state": "handed_over"})

    async def _hook(self, request: Request) -> Response:
        await request.body()
        return Response(status_code=204)

    def letters(self, count: int) -> None:
        """Have so many letters that wait to be fetched."""
        rows = [(secrets.token_hex(16), self.event) for _ in range(count)]
        self.database.execute("BEGIN")
        self.database.executemany("INSERT INTO inbox VALUES (?, ?, 'waiting')", rows)
        self.database.execute("COMMIT")

    def files(self, root: Path, body: bytes, count: int) -> None:
        """Have so many files that wait to be sent."""
        _make(root)
        (root / "taken").mkdir(mode=0o700)
        for number in range(count):
            (root / "new" / f"{number}.json").write_bytes(body)
        self.root = root

    async def drop(self, count: int) -> float:
        """Take so many files; return the seconds it took."""
        left = iter(sorted((self.root / "new").iterdir()))

        async def take() -> None:
            path = next(left)
            body = await asyncio.to_thread(path.read_bytes)
            message = self._accept(body)
            answer = json.dumps({"message_id": message, "state": "waiting"}).encode()
            await asyncio.to_thread(_write, self.root, "taken", answer)
            path.rename(self.root / "taken" / path.name)

        return await _timed(count, take)

    async def folder(self, root: Path, count: int) -> float:
        """Hand so many letters over as files; return the seconds it took."""
        _make(root)
        return await _timed(count, lambda: asyncio.to_thread(_write, root, "new", self.document))

    async def webhook(self, url: str, count: int) -> float:
        """Hand so many letters over by POST; return the seconds it took."""
        headers = {"content-type": "application/cloudevents+json"}
        async with httpx.AsyncClient(trust_env=False) as client:

            async def post() -> None:
                (await client.post(url, content=self.event, headers=headers)).raise_for_status()

            return await _timed(count, post)

    def seal(self) -> int:
        """Seal what was accepted; return how much that was."""
        return 0  # what it took is as it will ever be


def _make(root: Path) -> None:
    for each in (root, root / "new", root / ".tmp"):
        each.mkdir(mode=0o700)


def _write(root: Path, where: str, data: bytes) -> None:
    """Write a whole file that survives power loss."""
    name = f"{secrets.token_hex(16)}.json"
    with (root / ".tmp" / name).open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    (root / ".tmp" / name).rename(root / where / name)
    handle = os.open(root / where, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def _timed(count: int, work: Callable[[], Awaitable[None]]) -> float:
    """Do something so many times, as many at once as a connector does; return the seconds."""
    began = time.perf_counter()
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(*(work() for _ in range(min(AT_ONCE, count - first))))
    return time.perf_counter() - began
