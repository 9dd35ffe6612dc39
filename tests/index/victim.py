"""Feeds rows to an index from where it had come, until it is killed: `python -m tests.index.victim KIND PATH COUNT`."""

from __future__ import annotations

import sys
from pathlib import Path

from samband.streams.index.postgres import postgres_at
from samband.streams.index.sqlite import Sqlite
from samband.streams.index.store import IndexStore
from tests.index.ground import row

_BATCH = 7
_BACK = 20
"""At least once: what was written last is given again."""

if __name__ == "__main__":
    kind, path, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    store = IndexStore(Sqlite(path) if kind == "sqlite" else postgres_at(path))
    at = max(0, store.position - _BACK)
    while at < count:
        some = [row(number) for number in range(at, min(at + _BATCH, count))]
        store.take(some, [number for number in range(at, at + len(some)) if number % 50 == 0], at + len(some), 0)
        at += len(some)
        sys.stdout.write(f"{at}\n")
        sys.stdout.flush()
    store.engine.close()
