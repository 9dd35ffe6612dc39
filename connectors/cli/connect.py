"""`samband connect`: run a party's connector."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.cli.terminal import config_of, note

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["connect"]


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
    from samband.connectors.serve import again, beside_desk, run
    from samband.streams.process import begin, until_ended

    begin()
    path = config_of(config)
    party = Party.load(path)
    party.adapters()  # a setting that cannot be used is said now, not after the first connection
    work = partial(run, party, ready=partial(_ready, party), address=_address)
    signals = (signal.SIGTERM, signal.SIGINT)
    serving = beside_desk(party, path, partial(again, work, partial(_failed, party)))
    asyncio.run(until_ended(serving, signals=signals, parent=os.getppid()))


def _address(address: str) -> None:
    print(f"REST at {address}/openapi.json", flush=True)


def _ready(party: Party) -> None:
    far = ", ".join(f"{each.unit} → {each.kind} {each.path or each.url}".strip() for each in party.settings.adapter)
    print(f"connected as {party.name}: {far or 'no adapter'}", flush=True)


def _failed(party: Party, error: Exception, wait: float) -> None:
    from samband.connectors.serve import code_of

    code = code_of(error)
    if code.startswith(("REST_", "CONNECTOR_RUNNING")):
        raise error  # it will not be better by itself
    note(f"samband: no connection to Kafka at `{party.settings.kafka.bootstrap}`, again in {wait:.0f} s [{code}]")
