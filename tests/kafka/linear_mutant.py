"""A gate worker that is broken on purpose: `python -m tests.kafka.linear_mutant FAULT HOME WORKER`.

    deaf      decides as if nothing had ever been taken back
    amnesia   rebuilds its state as if the last changes to each consent had been lost
    keeps     recalls nothing

Only the linear test starts it, to see that the test would notice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from samband.streams.decision.child import ChildState
from samband.streams.gate import loop, verdicts
from samband.streams.gate.__main__ import main
from samband.streams.gate.digest import DIGEST, Digest, summed
from samband.streams.gate.state import View

__all__ = ["MUTANTS"]


def _reopened(child: ChildState) -> ChildState:
    """Return the child with every consent as if nothing of it had been taken back."""
    opened = (
        replace(each, closed_at=0, closed_by=b"", closed_recipients=(), closed_categories=()) for each in child.consents
    )
    return replace(child, consents=tuple(opened))


def _deaf() -> None:
    of = View.child

    def child(view: View, ref: bytes) -> ChildState:
        return _reopened(of(view, ref))

    View.child = child  # type: ignore[assignment, method-assign]


def _amnesia() -> None:
    look_back: Any = loop.WorkLane._look_back  # after the state was checked: else it stops there

    async def forgetful(lane: Any) -> None:
        await look_back(lane)
        state = lane._state
        view = View(state.values)
        for name in [name for name in state.values if name.startswith(b"child/")]:
            view.put_child(name.removeprefix(b"child/"), _reopened(view.child(name.removeprefix(b"child/"))))
        for name, data in view.changes.items():
            state.load(name, data)
        if state.values:
            whole = Digest(Digest.of(state.values).version, summed(lane._store.mark, state.values.items()))
            state.load(DIGEST, whole.encode())

    loop.WorkLane._look_back = forgetful  # type: ignore[assignment, method-assign]


def _keeps() -> None:
    verdicts.stops = lambda *_: False  # type: ignore[attr-defined]


MUTANTS: Final[dict[str, Callable[[], None]]] = {"deaf": _deaf, "amnesia": _amnesia, "keeps": _keeps}

if __name__ == "__main__":
    MUTANTS[sys.argv.pop(1)]()
    sys.exit(main())
