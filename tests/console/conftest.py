"""One hub for all, with a little of everything in its records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.house import HubHouse


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubHouse]:
    """Give the hub; `hub.told` is what was said there, by name."""
    house = HubHouse(tmp_path_factory.mktemp("console") / "home")
    house.told = house.story()
    yield house
    house.close()
