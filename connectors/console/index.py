"""The index as the console holds it: asked by the pages, and kept in step with the hub's records.

    index = Index(engine_of(home), home.audit_keys);  index.follow(records)
    index.find(Wanted(unit="SE2120002080-IFO"), None, 50)   places, newest first, and where the next page begins
    index.sums()                                            how many of what on which day

The derived streams feed it from the audit topic (`samband.streams.derived.feed`). Here it lets go of what the records
say was erased, and takes from them what no topic has any more. The words themselves are read from the records, which
are opened one by one and proved. It is never backed up: `clear` forgets it, and it is made anew with the same totals.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from samband.schemas.errors import SambandError
from samband.streams.index.find import Cursor, Finder, Place, Wanted
from samband.streams.index.rows import Row, Tokens, day_of
from samband.streams.index.store import IndexStore, Sum
from samband.streams.records.store import State

if TYPE_CHECKING:
    from samband.streams.audit import AuditKeys
    from samband.streams.index import Engine
    from samband.streams.records.store import Leaf, RecordStore

__all__ = ["Cursor", "Index", "Place", "Sum", "Wanted", "day_of"]

_AT_ONCE: Final = 500


class Index:
    """The index. One thread follows the records; any may ask."""

    def __init__(self, engine: Engine, keys: AuditKeys) -> None:
        self.store = IndexStore(engine)
        self._engine = engine
        self._tokens = Tokens(keys)
        self._finder = Finder(engine, self._tokens)
        self._writing = threading.Lock()

    def close(self) -> None:
        """Close the database, or this thread's connection to it."""
        self._engine.close()

    # in step with the records

    def follow(self, records: RecordStore) -> int:
        """Let go of what was erased, and take what only the records can give; return how many came.

        Raises:
            OperatorError: it cannot be written.
        """
        count = 0
        with self._writing:
            self._let_go(records)
            while (gap := self.store.gap) is not None:
                generation = self.store.generation
                leaves = [leaf for leaf in records.kept_from(gap[0], _AT_ONCE) if _is_before(leaf, gap[1])]
                rows = [self._row(records, leaf) for leaf in leaves]
                kept = [row for row in rows if row is not None]
                unread = [leaf.offset or 0 for leaf, row in zip(leaves, rows, strict=True) if row is None]
                if gap[1] is not None:
                    after = (leaves[-1].offset or 0) + 1 if leaves else gap[1]
                    self.store.fill(kept, unread, after, generation)
                elif leaves:
                    self.store.take(kept, unread, (leaves[-1].offset or 0) + 1, generation)
                else:
                    break
                count += len(leaves)
        return count

    def is_level(self, records: RecordStore) -> bool:
        """Say whether every record that is kept by now can be found."""
        gap = self.store.gap
        return (gap is None or gap[1] is None) and not records.kept_from(self.store.position, 1)

    def rebuild(self, records: RecordStore) -> None:
        """Make it anew from the records, where no stream runs.

        Raises:
            OperatorError: it cannot be written.
        """
        self.store.clear(streaming=False)
        self.follow(records)

    def _row(self, records: RecordStore, leaf: Leaf) -> Row | None:
        """Return a record's row; None where it does not open: `samband audit check` names it."""
        try:
            record = records.open(leaf)
            return self._tokens.row(record, place=leaf.offset or 0, entry=leaf.entry, month=leaf.month or 0)
        except SambandError:
            return None

    def _let_go(self, records: RecordStore) -> None:
        known = self.store.erasures()
        for each in records.erasures(State.ERASED, State.DONE):
            if each.entry and each.entry not in known:
                self.store.let_go(each.entry, records.erased_by(each.entry))
                self._tokens.forget()

    # asking

    @property
    def position(self) -> int:
        """The next offset of the audit topic."""
        return self.store.position

    @property
    def unreadable(self) -> int:
        """How many records did not open."""
        return self.store.unreadable

    def __len__(self) -> int:
        """Return how many records can be found."""
        return len(self.store)

    def sums(self, first_day: int = 0) -> list[Sum]:
        """Return how many records there are, by day, kind and outcome, oldest first."""
        return self.store.sums(first_day)

    def months(self) -> list[int]:
        """Return the months that there are records of and keys for, newest first."""
        return self._finder.months()

    def find(self, wanted: Wanted, after: Cursor | None, limit: int) -> tuple[list[Place], Cursor | None]:
        """Return at most `limit` places, newest first, and the cursor of the next page, None on the last."""
        return self._finder.find(wanted, after, limit)

    def about(self, messages: Mapping[bytes, int]) -> dict[bytes, list[Place]]:
        """Return all that was said of many messages, each oldest first; a message's month bounds where it is looked."""
        return self._finder.about(messages)

    def every(self, wanted: Wanted, most: int) -> list[Place]:
        """Return at most `most` places, oldest first."""
        return self._finder.every(wanted, most)


def _is_before(leaf: Leaf, offset: int | None) -> bool:
    return offset is None or (leaf.offset is not None and leaf.offset < offset)
