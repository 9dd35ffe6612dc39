"""The small world of `tests/gate/world.py`, and a gate in it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.gate import world as small_world


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """Return the module: clocks, consents and classes."""
    return small_world


@pytest.fixture(scope="session")
def world() -> Any:
    """Return the world; whoever changes its directory makes another."""
    return small_world.World()


@pytest.fixture
def gate(world: Any) -> Any:
    """Return a gate that has not seen anything yet."""
    return small_world.Gate(world)
