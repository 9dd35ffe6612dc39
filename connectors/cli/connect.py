"""`samband connect`: run a party's connector."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from samband.connectors.cli.terminal import config_of, note

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["connect"]

_BACK_OFF_S: Final = (1.0, 30.0)


def connect(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="connector.toml, its folder, or a party of this hub.")
    ] = "",
) -> None:
    """Run a party's connector until Ctrl-C or SIGTERM: send what is said, take what comes, hand it over.

    It may start before the hub and waits for it. It prints one line when it is connected and its inbox is read; after
    that, one JSON line on standard error per event, without anything about a child.
    """
    from samband.connectors.party import Party
    from samband.streams.process import begin, until_ended

    begin()
    party = Party.load(config_of(config))
    party.adapters()  # a setting that cannot be used is said now, not after the first connection
    signals = (signal.SIGTERM, signal.SIGINT)
    asyncio.run(until_ended(_serve(party), signals=signals, parent=os.getppid()))


async def _serve(party: Party) -> None:
    """Serve, again after a start that failed: Kafka may be away for long, and nothing that was said is lost."""
    from samband.connectors.metrics import counted, figures, metric_file
    from samband.connectors.serve import open_to_systems
    from samband.connectors.service import Service
    from samband.schemas.errors import OperatorError, SambandError
    from samband.streams.metrics import keeping

    wait = _BACK_OFF_S[0]
    while True:
        file = metric_file(party)
        service = Service(party, counted(party.adapters(), file))
        told = asyncio.create_task(_tell(party, service.ready))
        try:
            async with (
                keeping(file, partial(figures, party, service.ready)),
                open_to_systems(party, service) as address,
            ):
                if address:
                    print(f"REST at {address}/openapi.json", flush=True)
                await service.run()
        except Exception as error:
            if isinstance(error, OperatorError) and error.code.startswith("REST_"):
                raise  # it will not be better by itself
            if service.ready.is_set():
                wait = _BACK_OFF_S[0]
            code = error.code if isinstance(error, SambandError) else type(error).__name__
            note(
                f"samband: no connection to Kafka at `{party.settings.kafka.bootstrap}`, again in {wait:.0f} s [{code}]"
            )
        finally:
            told.cancel()
        await asyncio.sleep(wait * random.uniform(0.7, 1))  # noqa: S311  jitter, not a secret
        wait = min(2 * wait, _BACK_OFF_S[1])


async def _tell(party: Party, ready: asyncio.Event) -> None:
    await ready.wait()
    far = ", ".join(f"{each.unit} → {each.kind} {each.path or each.url}".strip() for each in party.settings.adapter)
    print(f"connected as {party.name}: {far or 'no adapter'}", flush=True)
