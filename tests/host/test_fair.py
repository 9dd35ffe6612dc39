"""One party's flood does not slow another's: counted on the in-process line, under the connector's real loops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.line import Line
from tests.host.wire import Wire

FLOOD = 600


@pytest.fixture(autouse=True)
def _clock(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connector's clock to the world's."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)


@pytest.fixture
def wire(gate: Any, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return Kafka in memory, with a gate behind it."""
    made = Wire(Line(gate))
    made.under(monkeypatch)
    return made


@contextlib.asynccontextmanager
async def running(*work: Any) -> Any:
    """Run tasks, begun in this order, while the context lasts."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Give way until it is true."""
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110  turns of the loop are what is counted
            await asyncio.sleep(0)


async def test_what_one_says_is_decided_amid_anothers_flood(wire: Wire, world: Any, tmp_path: Path) -> None:
    """With six hundred messages of one party queued, another's only message is decided before its two hundredth."""
    flooding, quiet = (wire.line.connector(name, tmp_path / name) for name in ("skola", "social"))
    services = [wire.service(each) for each in (flooding, quiet)]
    for _ in range(FLOOD):
        flooding.say(world.concern())
    for service in services:
        service.ready.set()
    async with running(*(each._send() for each in services), *(each._read() for each in services), wire.judge()):
        await until(lambda: bool(wire.line.log))
        message = quiet.say(world.notice())
        services[1].wake()
        await until(lambda: bool(quiet.outcomes(message)))
        assert services[0]._receiver.decided < 200
        await until(lambda: services[0]._receiver.decided == FLOOD)
    flooding.store.close(), quiet.store.close()


async def test_what_comes_for_one_is_taken_amid_anothers_flood(wire: Wire, world: Any, tmp_path: Path) -> None:
    """With over six hundred records in one inbox, another's only record is taken while two thirds still wait."""
    flooded, quiet = (wire.line.connector(name, tmp_path / name) for name in ("social", "skola"))
    line = wire.line
    line.take(*[line.gate.record(world.seal(world.concern()), "skola") for _ in range(FLOOD)])
    line.inboxes["skola"] = line.inboxes["skola"][-1:]
    assert len(line.inboxes["social"]) >= FLOOD
    services = [wire.service(each) for each in (flooded, quiet)]
    async with running(*(each._read() for each in services)):
        await until(lambda: quiet.store.number("offset") == 1)
        assert (flooded.store.number("offset") or 0) < 450
        await until(lambda: (flooded.store.number("offset") or 0) == len(line.inboxes["social"]))
    assert flooded.store.queues()["waiting"][0] == FLOOD
    flooded.store.close(), quiet.store.close()
