"""Who said an event, when, and what the gate knows beside the child: what every change is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.schemas.errors import RefusedError

if TYPE_CHECKING:
    from samband.schemas.units import Unit

__all__ = ["LONGEST", "Directory", "Said"]

Directory = Callable[[str], "Unit | None"]
"""Unit id → unit as its card says, None for an unknown one."""

LONGEST: Final = 366 * 86400
"""Seconds that a consent may last where the agreement says nothing shorter: no open end."""


@dataclass(frozen=True, slots=True)
class Said:
    """The signer of an event and the gate's side of it. `now` is seconds since 1970 UTC, the gate's."""

    signer: Unit
    now: int
    entry: bytes
    """The event's 32-byte log leaf."""
    directory: Directory
    age_band: str = ""
    """The child's, as the signer's connector worked it out."""
    longest: int = LONGEST
    """Longest life of a consent or a motivation in this agreement, in seconds."""

    def unit(self, name: str) -> Unit:
        """Return a unit that the event names.

        Raises:
            RefusedError: no card names it (`UNIT_UNKNOWN`).
        """
        found = self.directory(name)
        if found is None:
            raise RefusedError("UNIT_UNKNOWN", "a unit that is named is not in the directory")
        return found
