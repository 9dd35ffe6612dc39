"""What the hub's records are found by: a row per log entry, in SQLite or PostgreSQL, made from the audit topic.

    rows      pure: a record's row; every word in it that tells something is a token under the key of its month
    engine    what a database must do; `sqlite` and `postgres` do it, and both keep the same contract
    store     takes rows (a repeat changes nothing), counts them, lets go of what was erased, forgets everything
    find      asks: pages of places, newest first

The derived streams write it, the console reads it. It holds no record: a row says where one is found, and the record is
opened from the hub's records, one by one. So an erasure has one place to empty, and a copy of the database tells no
unit, type, ground, message or child: only how many of which kind and outcome, and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.streams.index.engine import Engine

if TYPE_CHECKING:
    from samband.streams.authority import Home

__all__ = ["Engine", "engine_of"]


def engine_of(home: Home) -> Engine:
    """Return the database that `hub.toml` names: PostgreSQL where `[console]` says so, else a file of SQLite.

    Raises:
        OperatorError: it cannot be opened, or `samband[postgres]` is not installed.
    """
    from samband.streams.index.sqlite import Sqlite

    given = home.settings.console.postgres
    if given is None:
        return Sqlite(home.hub / "run" / "console" / "index.db")
    from samband.streams.index.postgres import postgres_at

    return postgres_at(given)
