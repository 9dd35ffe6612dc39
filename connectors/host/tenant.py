"""One hosted party's life: opened, served, and after a failure again by itself, ever more seldom.

    tenant = Tenant("skola", config)
    task = loop.create_task(tenant.live(), context=context_of("skola"))
    tenant.state             "opening" → "connecting" → "serving"; "failed" with `code`, until it is tried again

Whatever goes wrong with it (settings, a key file, the store, an error that nobody thought of) is its own: it is told
with a code, never with a text that could hold what was being read, and no other party notices.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Literal

from samband.connectors.party import Party
from samband.connectors.serve import READY, again, beside_desk, code_of, run
from samband.schemas.errors import OperatorError

__all__ = ["Serve", "State", "Tenant"]

State = Literal["opening", "connecting", "serving", "failed"]
Serve = Callable[[Party, Callable[[], None]], Awaitable[None]]

log = logging.getLogger("samband.host")


async def _serve(party: Party, ready: Callable[[], None]) -> None:
    config = party.folder / "connector.toml"
    await beside_desk(party, config, partial(run, party, ready=ready, many=True))


class Tenant:
    """A party in a worker."""

    def __init__(self, name: str, config: Path, serve: Serve = _serve) -> None:
        self.name = name
        self._config = config
        self._serve = serve
        self.state: State = "opening"
        self.code = ""
        """Why it failed last."""
        self.since = time.time()
        self.starts = 0
        self.again_at = 0.0
        """When it is tried again, seconds since 1970; 0 where it runs."""

    def told(self) -> dict[str, object]:
        """Return what may be said of it."""
        return {
            "state": self.state, "code": self.code, "since": round(self.since), "starts": self.starts,
            "again_at": round(self.again_at),
        }  # fmt: skip

    def _is(self, state: State) -> None:
        self.state, self.since = state, time.time()

    async def live(self) -> None:
        """Serve until cancelled, again after each failure."""
        await again(self._once, self._failed)

    async def _once(self) -> None:
        self.starts += 1
        self.again_at = 0.0
        self._is("opening")
        # In a thread: it verifies a directory, which takes a while, and may wait for a disk that is this party's only.
        opening = asyncio.ensure_future(asyncio.to_thread(self._open))
        try:
            party = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close)
            raise
        try:
            self._is("connecting")
            await self._serve(party, self._ready)
        finally:
            party.store.close()

    def _open(self) -> Party:
        party = Party.load(self._config)
        if party.name != self.name:
            party.store.close()
            raise OperatorError(
                "HOST_NAME", "a party's folder has the party's own name, so that none is served twice", "rename it"
            )
        return party

    def _ready(self) -> None:
        self._is("serving")
        self.code = ""
        log.info(READY, extra={"party": self.name})

    def _failed(self, error: Exception, wait: float) -> None:
        self._is("failed")
        self.code = code_of(error)
        self.again_at = time.time() + wait
        log.error("party failed", extra={"party": self.name, "code": self.code, "again_in": round(wait)})


def _close(opening: asyncio.Future[Party]) -> None:
    """Close what came after nobody waited for it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().store.close()
