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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from samband.connectors.metrics import counted, figures, metric_file
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.errors import OperatorError, SambandError
from samband.streams.metrics import keeping
from samband.streams.process import begin, until_ended

__all__ = ["READY", "open_to_systems", "serve"]

READY = "connector ready"

log = logging.getLogger("samband.connector")


async def _run(party: Party) -> None:
    file = metric_file(party)
    service = Service(party, counted(party.adapters(), file))
    tell = asyncio.create_task(_tell(service, party.name))
    try:
        async with keeping(file, partial(figures, party, service.ready)), open_to_systems(party, service):
            await service.run()
    finally:
        tell.cancel()
        party.store.close()


@asynccontextmanager
async def open_to_systems(party: Party, service: Service) -> AsyncIterator[str]:
    """Serve the REST interface while the context lasts, where the party has one; give its address, else nothing.

    Raises:
        OperatorError: the address is taken, a file cannot be used, or what it needs is not installed (`REST_EXTRA`).
    """
    settings = party.settings.rest
    if settings is None:
        yield ""
        return
    try:
        from samband.connectors.rest.house import Hosted
        from samband.connectors.rest.serving import serving
    except ImportError as error:
        raise OperatorError(
            "REST_EXTRA", "what the REST interface needs is not installed", 'pip install "samband[rest]"'
        ) from error
    async with serving({party.name: Hosted(party, service, settings)}, settings) as port:
        host, _ = settings.address
        yield f"{'https' if settings.certificate else 'http'}://{host}:{port}"


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
