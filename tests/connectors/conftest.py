"""A party of the small world with a store on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.party import Party, PartySettings
from samband.connectors.store import Store
from samband.streams.settings import KafkaSettings


@pytest.fixture
def social(world: Any, tmp_path: Path) -> Iterator[Party]:
    """Return `social` with a store on disk."""
    keys, none = world.parties["social"], Path("none")
    made = Party(
        folder=tmp_path,
        settings=PartySettings("social", KafkaSettings("", none, none, none)),
        root=world.root,
        directory=world.directory,
        sign=keys.sign,
        hop={keys.hop.kid: keys.hop},
        content={key.kid: (unit, key) for unit, key in keys.content.items()},
        reference=world.reference,
        store=Store(tmp_path / "store.db", bytes(32)),
    )
    yield made
    made.store.close()
