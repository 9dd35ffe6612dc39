"""One hub for all, with a little of everything in its records, and its log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.logged import LoggedHouse


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedHouse]:
    """Give the hub; `hub.told` is what was said there, by name."""
    house = LoggedHouse(tmp_path_factory.mktemp("console") / "home")
    house.told = house.story()
    house.told["check"] = house.spot_check()
    yield house
    house.close()
