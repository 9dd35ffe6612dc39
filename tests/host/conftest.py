"""A directory of three parties, as `samband party add` leaves them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home

NAMES = ("bup", "skola", "social")


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three parties' folders, to be copied."""
    home, now = Home(tmp_path_factory.mktemp("host") / "home"), datetime.now(UTC)
    home.found("barn", now=now, shards=1)
    for name in NAMES:
        unit = Unit(UnitId(name.upper()), PartyId(name), UnitKind.SOCIAL_IFO, Regime.OSL_26, name)
        home.add_party(name, name, "2120002080", [unit], now=now)
    return home.parties


@pytest.fixture
def parties(founded: Path, tmp_path: Path) -> Path:
    """Return a directory of three parties."""
    return Path(shutil.copytree(founded, tmp_path / "parties"))
