"""The index in a file of SQLite, `HOME/hub/run/console/index.db`: the default, and nothing to run.

One connection a thread; readers never wait for the writer (WAL). What is deleted is overwritten (`secure_delete`).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samband.schemas.errors import OperatorError
from samband.streams.database import transaction
from samband.streams.index.engine import VERSION, schema

__all__ = ["Sqlite"]


class Sqlite:
    """A file of SQLite. It is a transaction's `Write` as well: SQLite has one of them at a time."""

    def __init__(self, path: Path) -> None:
        """Open or make it; one of another version is emptied.

        Raises:
            OperatorError: `INDEX_OPEN`.
        """
        self._path = path
        self._here = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            if self._version() != VERSION:
                self._make()
        except (OSError, sqlite3.Error) as error:
            raise OperatorError(
                "INDEX_OPEN", f"the console's index `{path}` cannot be opened: {error}",
                "it may be deleted at any time: it is made anew",
            ) from error  # fmt: skip

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _make(self) -> None:
        with self.writing():
            if self._version() == VERSION:  # another process was first
                return
            # Not unlinked: another process may have the file open.
            for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
                self._db.execute(f'DROP TABLE "{name}"')
            for statement in schema("INTEGER", "BLOB", " WITHOUT ROWID"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    @property
    def _db(self) -> sqlite3.Connection:
        """This thread's own connection."""
        db: sqlite3.Connection | None = getattr(self._here, "db", None)
        if db is None:
            db = self._here.db = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
        return db

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            raise OperatorError("INDEX_READ", f"the console's index cannot be read: {error}", retriable=True) from error

    @contextmanager
    def writing(self) -> Iterator[Sqlite]:
        """Do everything inside or nothing."""
        with transaction(self._db, "INDEX_WRITE", "the console's index"):
            yield self

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._db.execute(statement, values)

    def many(self, statement: str, values: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of many rows of values."""
        self._db.executemany(statement, values)

    def tidy(self) -> None:
        """Empty the journal into the file, for what was deleted lies there too."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close this thread's connection."""
        if getattr(self._here, "db", None) is not None:
            self._here.db.close()
            self._here.db = None
