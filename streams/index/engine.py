"""What a database must do for the index, and the tables that it holds; `sqlite` and `postgres` are the two that do.

    engine.rows("SELECT … WHERE place = ?", (place,))
    with engine.writing() as write:  write.many("INSERT … VALUES (?, ?)", rows)     all or nothing, one writer at a time

Statements are plain SQL that both read alike, with `?` for values; a value never stands in a statement's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

__all__ = ["VERSION", "Engine", "Write", "schema"]

VERSION: Final = 2
"""Of the tables: a database of another one is emptied, and made anew from the topics."""

_TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value {int} NOT NULL){end};
CREATE TABLE erasures (entry {bytes} PRIMARY KEY){end};
CREATE TABLE gone (entry {bytes} PRIMARY KEY){end};
CREATE TABLE unread (place {int} PRIMARY KEY);
CREATE TABLE places (
    place {int} PRIMARY KEY,
    entry {bytes} NOT NULL,
    month {int} NOT NULL,
    at {int} NOT NULL,
    day {int} NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    sender {int} NOT NULL,
    recipient {int} NOT NULL,
    type {int} NOT NULL,
    message {int} NOT NULL,
    subject {int},
    child {int} NOT NULL
);
CREATE UNIQUE INDEX places_entry ON places (entry);
CREATE INDEX places_month ON places (month, place);
CREATE INDEX places_kind ON places (kind, month, place);
CREATE INDEX places_outcome ON places (outcome, month, place);
CREATE INDEX places_child ON places (child, place);
CREATE INDEX places_sender ON places (sender, place);
CREATE INDEX places_recipient ON places (recipient, place);
CREATE INDEX places_type ON places (type, place);
CREATE INDEX places_message ON places (message);
CREATE INDEX places_subject ON places (subject) WHERE subject IS NOT NULL;
CREATE TABLE grounds (token {int} NOT NULL, place {int} NOT NULL, PRIMARY KEY (token, place)){end};
CREATE TABLE leans (token {int} NOT NULL, place {int} NOT NULL, PRIMARY KEY (token, place)){end};
CREATE TABLE sums (day {int} NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL, number {int} NOT NULL,
    PRIMARY KEY (day, kind, outcome)){end}
"""


def schema(integer: str, octets: str, end: str = "") -> list[str]:
    """Return the statements that make the tables, with a database's words for 64-bit integers and bytes."""
    return _TABLES.format(int=integer, bytes=octets, end=end).strip().split(";\n")


class Write(Protocol):
    """One transaction."""

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement."""

    def many(self, statement: str, values: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of many rows of values."""


class Engine(Protocol):
    """A database that is open, with its tables. Any thread may use it."""

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds.

        Raises:
            OperatorError: the database does not answer (`INDEX_READ`).
        """

    def writing(self) -> AbstractContextManager[Write]:
        """Do everything inside or nothing, while nobody else writes, in this process or another.

        Raises:
            OperatorError: it cannot be written (`INDEX_WRITE`); nothing of it is kept.
        """

    def tidy(self) -> None:
        """Give back what deleted rows took, and overwrite it as far as the database can."""

    def close(self) -> None:
        """Close what this thread has open, or all of it."""
