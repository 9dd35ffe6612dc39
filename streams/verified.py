"""What this process has verified before, so that a record that many read is verified once and held once.

    known = Verified[Card]()
    card = known.once((root, value), lambda: read(value))

A hub reads its own directory again and again; a process that serves hundreds of parties reads it once for each, and
each keeps a view of its own. What they share is what never changes: a public record, and what was read from exactly
those bytes under exactly that root. A record that does not hold is never remembered, so it fails for each anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

__all__ = ["Verified"]

_MOST: Final = 32_768
"""Records that are remembered: those of a few thousand parties."""

T = TypeVar("T")


class Verified(Generic[T]):
    """The newest results of a verification, by everything that they depend on."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, T] = OrderedDict()
        self._guard = threading.Lock()

    def once(self, key: Hashable, verify: Callable[[], T]) -> T:
        """Return what `verify` gave for this key; what it raises is raised, and not remembered."""
        with self._guard:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = verify()
        with self._guard:
            found = self._known.setdefault(key, found)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return found
