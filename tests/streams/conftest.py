"""The small world of `tests/gate/world.py`, and a gate in it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load() -> ModuleType:
    if (known := sys.modules.get("samband_tests_world")) is not None:
        return known
    path = Path(__file__).parent.parent / "gate" / "world.py"
    spec = importlib.util.spec_from_file_location("samband_tests_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """Return the module: clocks, consents and classes."""
    return _load()


@pytest.fixture(scope="session")
def world(kit: ModuleType) -> Any:
    """Return the world; whoever changes its directory makes another."""
    return kit.World()


@pytest.fixture
def gate(kit: ModuleType, world: Any) -> Any:
    """Return a gate that has not seen anything yet."""
    return kit.Gate(world)
