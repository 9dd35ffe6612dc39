"""What became of a message, and what happens next, in words that need no manual. Pure: steps in, names of texts out.

    told = tell(steps, "opened", at_desk=False)        told.state, told.rungs, told.judged

Four rungs: decided, handed over, opened, dealt with. A rung that is not reached is shown as one to come, or left out
once the message has ended another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from samband.connectors.store import Step

__all__ = ["ENDED", "TROUBLE", "Rung", "Told", "tell"]

_RUNGS: Final = ("decided", "handed_over", "opened", "acted")
_REACHED: Final = {"permit": 0, "accepted": 0, "handed_over": 1, "opened": 2, "acted": 3}
ENDED: Final = frozenset({"deny", "denied", "ask", "refused", "recalled", "mismatch", "misdirected", "failed",
                          "expired"})  # fmt: skip
"""States in which a message goes no further."""
TROUBLE: Final = ENDED - {"recalled"}
"""Those that need somebody here."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of the way: when it was reached (ms; 0: not yet), and the role of whoever did it, where it was told."""

    name: str
    at: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say about a message."""

    state: str
    rungs: tuple[Rung, ...]
    judged: Step | None
    """The decision, with its grounds or reasons."""

    @property
    def going(self) -> bool:
        """Say whether it is on its way or has arrived."""
        return self.state not in ENDED


def tell(steps: Sequence[Step], state: str) -> Told:
    """Return what there is to say; `steps` in their order."""
    state = "refused" if state == "denied" else state
    judged = next((step for step in steps if step.kind in ("decision", "event", "refusal", "failed")), None)
    reached: dict[int, tuple[int, str]] = {}
    for step in steps:
        rung = _REACHED.get(step.outcome)
        if rung is not None and step.kind in ("decision", "receipt", "event"):
            reached.setdefault(rung, (step.at, step.code if step.kind == "receipt" and rung > 1 else ""))
    top = max(reached, default=-1)
    rungs = []
    for number, name in enumerate(_RUNGS):
        at, role = reached.get(number, (0, ""))
        if not at and (number < top or state in ENDED):
            continue  # passed without a word, or not to come
        rungs.append(Rung(name, at, role))
    return Told(state, tuple(rungs), judged)
