"""A connector process: `samband connect CONFIG`, or `python -m samband.connectors.serve CONFIG`.

It serves until SIGTERM, Ctrl-C or the end of its parent, and says `connector ready` in its log when the directory and
the whole inbox have been read. The log holds event names, codes and offsets; never who wrote to whom about whom.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

from samband.connectors.metrics import counted, figures, metric_file
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.errors import SambandError
from samband.streams.metrics import keeping
from samband.streams.process import begin, until_ended

__all__ = ["READY", "serve"]

READY = "connector ready"

log = logging.getLogger("samband.connector")


async def _run(party: Party) -> None:
    file = metric_file(party)
    service = Service(party, counted(party.adapters(), file))
    tell = asyncio.create_task(_tell(service, party.name))
    try:
        async with keeping(file, partial(figures, party, service.ready)):
            await service.run()
    finally:
        tell.cancel()
        party.store.close()


async def _tell(service: Service, name: str) -> None:
    await service.ready.wait()
    log.info(READY, extra={"party": name})


def serve(config: Path) -> int:
    """Serve a party until told to end; return the exit code.

    Raises:
        SambandError: a file or setting of the party cannot be used.
    """
    begin()
    party = Party.load(config)
    return asyncio.run(until_ended(_run(party), signals=(signal.SIGTERM, signal.SIGINT), parent=os.getppid()))


if __name__ == "__main__":
    try:
        sys.exit(serve(Path(sys.argv[1])))
    except SambandError as error:
        sys.exit(f"samband: {error}")
