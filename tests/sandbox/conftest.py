"""A running house for a module's tests, and a way to speak to it by HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from samband.connectors.sandbox.app import app
from samband.connectors.sandbox.faults import Faults
from samband.connectors.sandbox.house import House
from samband.connectors.sandbox.places import HVB

HOST = "http://127.0.0.1:8700"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Give a house that the module's tests share."""
    folder: Path = tmp_path_factory.mktemp("sandbox") / "home"
    async with House(folder, Faults(time.monotonic), fetching=[HVB]) as house:
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the house's app; no fault outlives the test that made it, if it takes `calm`."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app(house)), base_url=HOST, timeout=60) as client:
        yield client


@pytest.fixture
def calm(house: House) -> House:
    """Give the house without faults."""
    house.faults.clear()
    return house
