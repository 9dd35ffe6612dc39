"""Both databases that an index may lie in, for tests that hold for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samband.streams.index import Engine
from samband.streams.index.postgres import postgres_at
from samband.streams.index.sqlite import Sqlite
from tests.postgres import Cluster, found

__all__ = ["Databases"]


class Databases:
    """Names to databases: the same name twice is the same database, opened a second time."""

    def __init__(self, folder: Path, cluster: Cluster | None) -> None:
        self.folder = folder
        self.cluster = cluster
        self._opened: list[Engine] = []

    def __call__(self, name: str = "index") -> Engine:
        """Open the database of a name."""
        if self.cluster is None:
            engine: Engine = Sqlite(self.folder / f"{name}.db")
        else:
            uri = self.folder / f"{name}.uri"
            if not uri.exists():
                uri.write_text(self.cluster.database())
            engine = postgres_at(uri)
        self._opened.append(engine)
        return engine

    def disk(self) -> bytes:
        """Return every byte on disk."""
        if self.cluster is not None:
            return self.cluster.disk()
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.db*")))

    def close(self) -> None:
        """Close them."""
        for each in self._opened:
            each.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give the session's PostgreSQL."""
    if found() is None:
        pytest.skip("no PostgreSQL on this machine: .dev/postgres.sh installs one, SAMBAND_POSTGRES names its folder")
    with Cluster("fsync=off") as cluster:
        yield cluster


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> Cluster | None:
    """Choose a database."""
    return None if request.param == "sqlite" else request.getfixturevalue("cluster")


@pytest.fixture
def databases(kind: Cluster | None, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Give the databases of a test."""
    databases = Databases(tmp_path, kind)
    yield databases
    databases.close()
