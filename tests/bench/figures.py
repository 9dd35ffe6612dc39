"""What the benchmark finds: named figures, some with a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Figure", "percentile"]


@dataclass(frozen=True)
class Figure:
    """One figure; `target` is a bound that it should keep, from below where `least`."""

    name: str
    value: float
    unit: str = ""
    target: float | None = None
    least: bool = True

    @property
    def ok(self) -> bool:
        """Say whether the target is met."""
        return self.target is None or (self.value >= self.target if self.least else self.value <= self.target)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of the values lie at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
