"""The index in PostgreSQL, in a schema of its own, `samband_console`: where an authority has a database already.

    engine = postgres_at(Path("console.uri"))          one line, a libpq URI; the file is the secret

The user needs the right to create a schema in that database, once, and nothing else. Writers take turns by an advisory
lock. PostgreSQL does not overwrite what is deleted: `tidy` vacuums, and what its files and write-ahead log still hold
are tokens and times, never a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from samband.schemas.errors import OperatorError
from samband.streams.index.engine import VERSION, schema

try:
    import psycopg
    from psycopg_pool import ConnectionPool, PoolTimeout
except ImportError as missing:  # the extra is not installed, or no libpq is found
    raise OperatorError(
        "INDEX_POSTGRES_MISSING", "PostgreSQL for the console needs `psycopg`", "pip install 'samband[postgres]'"
    ) from missing

__all__ = ["Postgres", "postgres_at"]

_SCHEMA: Final = "samband_console"
_LOCK: Final = 0x5A3B_A2D0
"""Of the advisory lock; any number that nobody else in the database uses."""
_MOST: Final = 8
"""Connections: a page takes one for milliseconds."""
_WAIT_S: Final = 10.0


def postgres_at(path: Path) -> Postgres:
    """Open the database that the URI in a file names.

    Raises:
        OperatorError: the file cannot be read (`INDEX_URI`), or the database not be opened (`INDEX_OPEN`).
    """
    try:
        return Postgres(path.read_text("utf-8").strip())
    except (OSError, ValueError) as error:
        raise OperatorError("INDEX_URI", f"`{path}` cannot be read", "it holds a libpq URI, on one line") from error


class _Write:
    """A transaction on one connection."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(_marks(query), values).fetchall()

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(_marks(statement), values)

    def many(self, statement: str, values: Sequence[Sequence[Any]]) -> None:
        if values:
            with self._connection.cursor() as cursor:
                cursor.executemany(_marks(statement), values)


class Postgres:
    """A database of PostgreSQL."""

    def __init__(self, uri: str) -> None:
        """Open it, and make the tables where there are none or those of another version.

        Raises:
            OperatorError: `INDEX_OPEN`. Its text has no address and no password.
        """
        self._pool = ConnectionPool(
            uri, min_size=1, max_size=_MOST, timeout=_WAIT_S, open=False, check=ConnectionPool.check_connection,
            kwargs={"autocommit": True, "options": f"-c search_path={_SCHEMA}", "application_name": "samband"},
        )  # fmt: skip
        try:
            psycopg.conninfo.conninfo_to_dict(uri)
            self._pool.open(wait=True, timeout=_WAIT_S)
            with self.writing() as write:
                self._make(write)
        except (psycopg.Error, PoolTimeout, OperatorError) as error:
            self._pool.close()
            raise OperatorError(
                "INDEX_OPEN", f"the console's PostgreSQL cannot be opened ({_told(error)})",
                "does it run, is the URI right, and may its user create a schema?", retriable=True,
            ) from error  # fmt: skip

    def _make(self, write: _Write) -> None:
        if write.rows("SELECT to_regclass(?)", (f"{_SCHEMA}.version_{VERSION}",))[0][0] is not None:
            return
        write.run(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        write.run(f"CREATE SCHEMA {_SCHEMA}")
        for statement in (*schema("BIGINT", "BYTEA"), f"CREATE TABLE version_{VERSION} ()"):
            write.run(statement)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        try:
            with self._pool.connection() as connection:
                return connection.execute(_marks(query), values).fetchall()
        except (psycopg.Error, PoolTimeout) as error:
            raise OperatorError(
                "INDEX_READ", f"the console's PostgreSQL does not answer ({_told(error)})", retriable=True
            ) from error

    @contextmanager
    def writing(self) -> Iterator[_Write]:
        """Do everything inside or nothing."""
        try:
            with self._pool.connection() as connection, connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                yield _Write(connection)
        except (psycopg.Error, PoolTimeout) as error:
            raise OperatorError(
                "INDEX_WRITE", f"the console's PostgreSQL cannot be written ({_told(error)})", retriable=True
            ) from error

    def tidy(self) -> None:
        """Vacuum the tables that rows were deleted from."""
        try:
            with self._pool.connection() as connection:
                connection.execute("VACUUM (ANALYZE) places, grounds, leans")
        except (psycopg.Error, PoolTimeout) as error:
            raise OperatorError(
                "INDEX_WRITE", f"the console's PostgreSQL cannot be vacuumed ({_told(error)})"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


def _told(error: Exception) -> str:
    """Return an error's kind: its text may repeat a row or the URI."""
    return getattr(error, "sqlstate", None) or type(error).__name__


@lru_cache(512)
def _marks(statement: str) -> bytes:
    """Return a statement with psycopg's marks for values; ours hold no percent sign and no question mark but these."""
    return statement.replace("?", "%s").encode()
