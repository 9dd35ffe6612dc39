"""One transaction of a SQLite file: everything inside or nothing, and a full disk in the reader's own words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from samband.schemas.errors import OperatorError

__all__ = ["transaction"]


@contextmanager
def transaction(db: sqlite3.Connection, code: str, what: str) -> Iterator[None]:
    """Do everything inside or nothing; `what` names the file's contents in the error.

    Raises:
        OperatorError: the disk is full or broken, with `code`; nothing of it is kept.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise OperatorError(code, f"{what} cannot be written: {error}", "is the disk full?", retriable=True) from error
