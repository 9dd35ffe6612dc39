"""The adapter of a unit that has no system: its messages wait at the desk, in the party's own store.

A repeat becomes nothing at all: the store knows a message once (promise 5: exactly once). *Handed over* says that a
message is where the unit's people look for it; *opened* is said when one of them opens it, by `reading.read`.
"""

from __future__ import annotations

from collections.abc import Sequence

from samband.connectors.adapter import Delivery, Waiting

__all__ = ["DeskAdapter"]


class DeskAdapter:
    """Hands over to people at the desk: what is in the store is there."""

    async def deliver(self, delivery: Delivery) -> None:
        """Hand a message over: the service keeps it in the store, where the desk shows it."""

    async def acknowledged(self) -> Sequence[str]:
        """Return nothing: whoever opens a message at the desk says so in the same transaction."""
        return ()

    async def waiting(self) -> Sequence[Waiting]:
        """Return nothing: what is not opened stands on the desk's own first page."""
        return ()

    async def close(self) -> None:
        """Do nothing."""
