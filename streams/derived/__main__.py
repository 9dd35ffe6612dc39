"""The process of the derived streams: `python -m samband.streams.derived HOME [--rebuild]`.

It is ready when `HOME/hub/run/derived.json` holds its process id. It ends when its parent is gone, on SIGTERM, and
with exit code 1 when Faust crashes; whoever runs it starts it again. One per home.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home
from samband.streams.crypto.hub import HubStore
from samband.streams.derived.app import Derived
from samband.streams.derived.codec import RowStore
from samband.streams.derived.feed import Feed
from samband.streams.derived.feed import begin as begin_feed
from samband.streams.derived.rebuild import forget
from samband.streams.derived.serve import serving
from samband.streams.index import engine_of
from samband.streams.index.rows import Tokens
from samband.streams.index.store import IndexStore
from samband.streams.metrics import MetricFile, keeping
from samband.streams.process import begin, run_alone

log = logging.getLogger("samband.derived")

_STOP_S: Final = 5.0


async def run(home: Home, *, rebuild: bool) -> None:
    """Run until told to end.

    Raises:
        OperatorError: `DERIVED_CRASHED`, `DERIVED_RUNNING`.
    """
    folder = home.hub / "run"
    kafka = home.kafka("derived")
    if rebuild:
        log.info("derived forgets", extra={"rows": await forget(kafka)})
    index = IndexStore(engine_of(home))
    if rebuild:
        index.clear(streaming=True)
    await begin_feed(kafka, index)
    rows, audit = RowStore(HubStore(home.hub_keys.secret("store"))), home.audit_keys
    derived = Derived(kafka, rows, audit, folder / "faust", Feed(index, Tokens(audit)))

    async def figures(file: MetricFile) -> None:
        file.set("samband_derived_messages", derived.known)
        file.set("samband_derived_unreadable", derived.unreadable)

    log.info("derived starts")
    try:
        await derived.start()
        async with serving(derived, folder), keeping(MetricFile(folder / "metrics" / "derived.prom"), figures):
            log.info("derived ready")
            await derived.crashed()
        raise OperatorError("DERIVED_CRASHED", "the derived streams ended by themselves")
    finally:
        with suppress(TimeoutError):  # Faust's stop can wait for a broker that is gone
            async with asyncio.timeout(_STOP_S):
                await derived.stop()
        index.engine.close()


def main() -> int:
    """Run and return the exit code."""
    begin()
    for noisy in ("faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # they log records and their values
    home, rebuild = Home(Path(sys.argv[1])), "--rebuild" in sys.argv[2:]
    busy = OperatorError("DERIVED_RUNNING", "the derived streams run on this home already")
    return run_alone(home.hub / "run" / "derived.lock", busy, lambda: run(home, rebuild=rebuild), "derived")


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # Faust's consumer thread may outlive its application and would keep the process
