"""What a party said and still waits for: the gate's decision, its answer, or the recipient's hand-over.

    for each in waiting(party, now): each.state, each.due, each.late

Nothing here is lost: a message ends in a receipt that says why not, at the latest `EXPIRED` when its time is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samband.connectors.watch import LATE_MS, UNDECIDED_MS

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import OutboxRow

__all__ = ["Waits", "waiting"]


@dataclass(frozen=True, slots=True)
class Waits:
    """One message that has not ended. Times are ms since 1970 UTC."""

    message_id: bytes
    type: str
    recipient: str
    state: str
    """`undecided`; `unanswered`: the gate has had it, and its answer has not come; `permitted`: not handed over."""
    since: int
    due: int
    """When it should have gone on."""
    late: bool


def waiting(party: Party, now: int, message_id: bytes | None = None) -> Iterator[Waits]:
    """Yield what waits, oldest first; only one message where an id is given."""
    for row in party.store.open_messages(message_id):
        yield _waits(party, row, now)


def _waits(party: Party, row: OutboxRow, now: int) -> Waits:
    draft = party.store.draft(row.message_id)
    expires = row.created if draft is None else draft.expires
    permitted = [step.at for step in party.store.steps(row.message_id) if step.outcome == "permit"]
    if permitted:
        state, since, due = "permitted", permitted[0], permitted[0] + LATE_MS
    else:
        state = "undecided" if row.state in ("new", "sent") else "unanswered"
        since, due = row.created, row.created + UNDECIDED_MS
    due = min(due, expires)
    recipient = "" if draft is None else draft.recipient
    return Waits(row.message_id, row.type, recipient, state, since, due, due < now)
