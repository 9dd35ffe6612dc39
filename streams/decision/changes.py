"""One event, one change: what the gate remembers of a child after an event that it has accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import (
    ActLogged,
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    EventBody,
    GroundMotivated,
    IdentityChanged,
    InvestigationDeclared,
    MaturityAssessed,
    ProtectionMarked,
)
from samband.streams.decision import (
    circle,
    consents,
    identity,
    investigations,
    marks,
    maturity,
    motivations,
    withdrawals,
)
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from samband.streams.decision.child import ChildState
    from samband.streams.decision.said import Said

__all__ = ["apply"]


def apply(state: ChildState, body: EventBody, said: Said) -> ChildState:
    """Return the state after an event; the same event again changes nothing or is refused.

    Raises:
        RefusedError: the signer may not say that, with a code of `samband.schemas.reasons`.
    """
    identity.check_here(state, body)
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
        case CircleHandover():
            return circle.hand_over(state, body, said)
        case CircleAccepted():
            return circle.accept(state, body, said)
        case MaturityAssessed():
            return maturity.assess(state, body, said)
        case InvestigationDeclared():
            return investigations.declare(state, body, said)
        case GroundMotivated():
            return motivations.motivate(state, body, said)
        case IdentityChanged():
            return identity.change(state, body, said)
        case ActLogged():
            may(state, body, said)
            return state
        case _:
            raise RefusedError("EVENT_NOT_FOR_CHILD", "receipts and recalls change nothing that is known of a child")
