"""What the gate tells of others' words, as far as it changes what this party would record anew under another key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.connectors.standing import CIRCLE, HELD, LEFT
from samband.schemas.categories import Category
from samband.schemas.events import ConsentWithdrawn, GiverRole, Id16, MarkKind, Scope

if TYPE_CHECKING:
    from samband.connectors.spoken import Spoken
    from samband.schemas.stamp import StampRecord

__all__ = ["hear"]

_LIFTED: Final = {f"MARK_LIFTED_{kind.name}": kind.name for kind in MarkKind}


def hear(spoken: Spoken, stamp: StampRecord, entry: bytes, *, mine: bool) -> bytes:
    """Keep what a stamp says of a child that we have said something about; inside the caller's transaction.

    Returns the id of the word that must be said in every other epoch too, or nothing.
    """
    at = stamp.decided_at // 1000
    match stamp.kind, stamp.type, stamp.code:
        case "notice", _, "CONSENT_WITHDRAWN" | "CONSENT_WITHDRAWN_IN_PART":
            closing = _closing(stamp, spoken)
            return b"" if closing is None else spoken.told_closed(stamp.ref, entry, closing, stamp.decided_at)
        case "event", "consent.given", "CONSENT_WITHDRAWN":
            closing = ConsentWithdrawn(Scope.CONSENT, Id16(stamp.subject or b""), giver_role=GiverRole.OTHER)
            return spoken.told_closed(stamp.ref, entry, closing, stamp.decided_at)
        case "event", "consent.given", _:
            spoken.try_again(stamp.decided_at, at_once=True)  # somebody has recorded anew: what is about it may follow
        case "event", "consent.disputed", code if stamp.subject:
            spoken.told(stamp.ref, f"{HELD}/{stamp.subject.hex()}", 0 if code else 1)
        case "event", "consent.signed", "CHILD_OBJECTS" if stamp.subject and not mine:
            spoken.told(stamp.ref, f"{HELD}/{stamp.subject.hex()}", 1)
        case "event", "protection.marked", code if code in _LIFTED:
            spoken.told(stamp.ref, f"lifted/{_LIFTED[code]}", at)
        case "event", "identity.changed", "IDENTITY_LEFT":
            spoken.told(stamp.ref, LEFT, at)
        case "event", "circle.accepted", _:
            spoken.told(stamp.ref, CIRCLE, at)
        case _:
            pass
    return b""


def _closing(stamp: StampRecord, spoken: Spoken) -> ConsentWithdrawn | None:
    """Return the withdrawal that closes as much of the consent as the notice says; None where that is not ours to say.

    A part is said on by the consent's recorder, with the time of that very consent: so nothing later is ended by it.
    """
    subject, taken = Id16(stamp.subject or b""), GiverRole.OTHER
    if stamp.code == "CONSENT_WITHDRAWN":
        return ConsentWithdrawn(Scope.CONSENT, subject, giver_role=taken)
    if not (first := spoken.first_of(stamp.ref, subject)):
        return None
    if stamp.categories:
        return ConsentWithdrawn(
            Scope.CATEGORY, category=Category(stamp.categories[0]), giver_role=taken, first_said=first
        )
    return ConsentWithdrawn(Scope.RECIPIENT, recipient=stamp.recipient, giver_role=taken, first_said=first)
