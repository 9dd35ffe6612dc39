"""How a party's connector runs, whoever runs it: `samband connect`, `samband host`, or this module as a process.

    await run(party, ready=…, address=…)          until cancelled or something ends it
    await again(partial(run, party), failed)      and once more after whatever ended it, ever more seldom
    python -m samband.connectors.serve CONFIG

It serves until SIGTERM, Ctrl-C or the end of its parent, and says `connector ready` in its log when the directory and
the whole inbox have been read. The log holds event names, codes and offsets; never who wrote to whom about whom.
A party is served by one process: the kernel holds that lock, and drops it with the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

from samband.connectors.metrics import counted, figures, metric_file
from samband.connectors.notice import noticing
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.errors import OperatorError, SambandError
from samband.streams.locks import take
from samband.streams.metrics import keeping
from samband.streams.process import begin, until_ended
from samband.streams.tasks import until_asked

__all__ = ["READY", "again", "beside_desk", "code_of", "open_to_systems", "run", "serve"]

READY = "connector ready"
BACK_OFF_S: Final = (1.0, 30.0)
_LOCK: Final = "serve.lock"

log = logging.getLogger("samband.connector")


def _nothing(*_: object) -> None:
    pass


async def run(
    party: Party, *, ready: Callable[[], None] = _nothing, address: Callable[[str], None] = _nothing, many: bool = False
) -> None:
    """Serve a party until cancelled.

    Args:
        party: whose files are open; they stay so.
        ready: called when the directory and the whole inbox have been read.
        address: told where its REST interface is, when it has one.
        many: as `Service`.

    Raises:
        OperatorError: another process serves it (`CONNECTOR_RUNNING`); a setting of its adapters or of REST cannot be
            used.
    """
    busy = OperatorError(
        "CONNECTOR_RUNNING", "another process serves this party already", "`samband connect` or `samband host`"
    )
    with take(party.folder / _LOCK, busy):
        file = metric_file(party)
        service = Service(party, counted(party.adapters(), file), many=many)
        told = asyncio.create_task(_when(service.ready, ready))
        try:
            async with (
                keeping(file, partial(figures, party, service.ready)),
                noticing(party),
                open_to_systems(party, service) as at,
            ):
                if at:
                    address(at)
                await service.run()
        finally:
            told.cancel()


async def again(work: Callable[[], Awaitable[None]], failed: Callable[[Exception, float], None]) -> None:
    """Run `work` again after whatever ended it: Kafka may be away for long, and nothing that was said is lost.

    `failed` is told what ended it and in how many seconds it begins again; what it raises is the end.
    """
    wait = BACK_OFF_S[0]
    while True:
        began = time.monotonic()
        try:
            await until_asked(work())
            raise RuntimeError("it ended by itself")
        except Exception as error:
            if time.monotonic() - began > BACK_OFF_S[1]:
                wait = BACK_OFF_S[0]
            failed(error, wait)
        await asyncio.sleep(wait * random.uniform(0.7, 1))  # noqa: S311  jitter, not a secret
        wait = min(2 * wait, BACK_OFF_S[1])


def code_of(error: BaseException) -> str:
    """Return what may be said of an error: its code, else its kind; of several that came together, the first's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.code if isinstance(error, SambandError) else type(error).__name__


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


async def _when(event: asyncio.Event, then: Callable[[], None]) -> None:
    await event.wait()
    then()


def _ends_it(error: Exception, wait: float) -> None:
    """Go on, unless it will not be better by itself."""
    if code_of(error).startswith(("REST_", "CONNECTOR_RUNNING")):
        raise error
    log.warning("connector restarts", extra={"code": code_of(error), "wait": wait})


async def beside_desk(party: Party, config: Path, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work with the desk beside it, where the party's settings ask for one: only then is what it needs loaded.

    Raises:
        OperatorError: what the desk needs is not installed (`CONSOLE_MISSING`), or its port is taken.
    """
    async with _desk(party, config):
        await work()


def _desk(party: Party, config: Path) -> AbstractAsyncContextManager[None]:
    if party.settings.desk is None:
        return nullcontext()
    try:
        from samband.connectors.desk.serving import beside
    except ModuleNotFoundError as error:
        raise OperatorError(
            "CONSOLE_MISSING", f"the desk needs `{error.name}`", "pip install 'samband[console]'"
        ) from error
    return beside(party, config)


def serve(config: Path) -> int:
    """Serve a party until told to end; return the exit code.

    Raises:
        SambandError: a file or setting of the party cannot be used.
    """
    begin()
    party = Party.load(config)
    party.adapters()  # a setting that cannot be used is said now, not after the first connection
    said = partial(log.info, READY, extra={"party": party.name})
    work = beside_desk(party, config, partial(again, partial(run, party, ready=said), _ends_it))
    try:
        return asyncio.run(until_ended(work, signals=(signal.SIGTERM, signal.SIGINT), parent=os.getppid()))
    finally:
        party.store.close()


if __name__ == "__main__":
    try:
        sys.exit(serve(Path(sys.argv[1])))
    except SambandError as error:
        sys.exit(f"samband: {error}")
