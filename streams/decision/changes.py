"""One event, one change: what the gate remembers of a child after an event that it has accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import (
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    EventBody,
    ProtectionMarked,
)
from samband.streams.decision import circle, consents, marks, withdrawals

if TYPE_CHECKING:
    from samband.streams.decision.child import ChildState
    from samband.streams.decision.said import Said

__all__ = ["apply"]


def apply(state: ChildState, body: EventBody, said: Said) -> ChildState:
    """Return the state after an event; the same event again changes nothing or is refused.

    Raises:
        RefusedError: the signer may not say that, with a code of `samband.schemas.reasons`.
    """
    match body:
        case ConsentGiven():
            return consents.record(state, body, said)
        case ConsentSigned():
            return consents.sign(state, body, said)
        case ConsentConfirmed():
            return consents.confirm(state, body, said)
        case ConsentDisputed():
            return consents.dispute(state, body, said)
        case ConsentWithdrawn() | ConsentRefused():
            return withdrawals.withdraw(state, body, said)
        case ProtectionMarked():
            return marks.mark(state, body, said)
        case CircleUpdate():
            return circle.update(state, body, said)
        case _:
            raise RefusedError("EVENT_NOT_FOR_CHILD", "receipts and recalls change nothing that is known of a child")
