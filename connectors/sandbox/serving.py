"""Runs the sandbox: a house and its app on this machine's own address, until Ctrl-C; or once, through its answers."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn

from samband.connectors.adapter import Adapter
from samband.connectors.listening import listen
from samband.connectors.party import Party
from samband.connectors.sandbox.app import app
from samband.connectors.sandbox.children import ANSWERS, CHILDREN, Answer, example_about
from samband.connectors.sandbox.faults import Faults
from samband.connectors.sandbox.house import House
from samband.connectors.webhook import WebhookAdapter
from samband.schemas.examples import example

__all__ = ["SECRET", "Came", "listening", "once", "opened", "serve"]

SECRET: Final = "whsec_c2FtYmFuZCBzYW5kYm94OiBub2JvZHkncyBzZWNyZXQ="
"""With which every webhook of the sandbox is signed: the same everywhere, since it protects nothing."""

_HOST: Final = "127.0.0.1"
_ANSWER_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one of the answers that are told."""

    told: Answer
    outcome: str
    why: tuple[str, ...]
    state: str
    ms: int

    @property
    def ok(self) -> bool:
        """Say whether it came as told; what is permitted is also handed over."""
        whole = self.outcome != "permit" or self.state in ("handed_over", "opened", "acted")
        return self.outcome == self.told.outcome and self.told.why in self.why and whole


@asynccontextmanager
async def opened(
    webhooks: Mapping[str, str], folder: Path | None = None, fetching: Collection[str] = ()
) -> AsyncIterator[House]:
    """Give a running house, in a folder of its own that goes with it unless one is named.

    `webhooks` are URLs by unit; the units in `fetching` fetch over REST; what is for others lies in parties' folders.
    """

    def adapters(party: Party) -> dict[str, Adapter]:
        own = party.adapters()
        return own | {unit: WebhookAdapter(webhooks[unit], SECRET) for unit in own.keys() & webhooks.keys()}

    with contextlib.ExitStack() as stack:
        if folder is None:
            scratch = tempfile.TemporaryDirectory(prefix="samband-sandbox-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(scratch))
        for unit in (*webhooks, *fetching):
            House.check_unit(unit)
        house = House(folder / "home", Faults(time.monotonic), adapters, fetching)
        async with house:
            yield house


async def serve(listener: socket.socket, house: House) -> None:
    """Answer HTTP until a signal ends it."""
    config = uvicorn.Config(
        app(house), lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=5, limit_concurrency=100, h11_max_incomplete_event_size=16 * 1024,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again when it has ended
        await uvicorn.Server(config).serve(sockets=[listener])


async def once(house: House, tell: Callable[[Came], None]) -> bool:
    """Try every answer that is told, each as a real message, and say whether all came so."""
    good = True
    for told in ANSWERS:
        hosted, began = house.owner(told.sender), time.monotonic()
        content = example_about(CHILDREN[told.child], told.type, example(told.type))
        message = hosted.client.send(
            told.type, recipient=told.recipient, unit=told.sender, content=content, now=datetime.now(UTC)
        )
        outcome = await hosted.outcome(message, lambda each: each.final, _ANSWER_S)
        first = outcome.steps[0] if outcome.steps else None
        why = (*first.detail["grounds"], *first.detail["reasons"]) if first else ()
        ms = round(1000 * (time.monotonic() - began))
        came = Came(told, first.outcome if first else "no answer", why, outcome.state, ms)
        good = good and came.ok
        tell(came)
    return good


def listening(port: int) -> socket.socket:
    """Return a socket that listens on this machine's own address; port 0 takes any that is free.

    Raises:
        OperatorError: the port is taken (`SANDBOX_PORT`).
    """
    return listen(_HOST, port, code="SANDBOX_PORT", remedy="--port 0 takes a free one")
