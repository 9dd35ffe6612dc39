"""A party of the small world with a store on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.party import Party


@pytest.fixture
def social(world: Any, tmp_path: Path) -> Iterator[Party]:
    """Return `social` with a store on disk."""
    made = world.open_party("social", tmp_path)
    yield made
    made.store.close()
