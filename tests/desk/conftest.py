"""Parties at their desks, fresh for each test that changes something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.house import DeskHouse, World


@pytest.fixture(scope="session")
def town() -> World:
    """Give the world: keys and cards take a while to make."""
    return World("desk")


@pytest.fixture
def house(tmp_path: Path, town: World) -> Iterator[DeskHouse]:
    """Give three parties, a gate, and nothing said yet."""
    found = DeskHouse(tmp_path, town)
    yield found
    found.close()
