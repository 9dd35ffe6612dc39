"""What became of a message, as this party knows it: of one that it said, and of one that came to it.

    found = track(party, message_id, now)
    found.state, found.steps, found.late

Of a message that is held back the type is left out, since the type itself tells something about a child.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.connectors.pages import said_of
from samband.connectors.waiting import waiting
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import Step
    from samband.connectors.waiting import Waits

__all__ = ["VIEW", "Tracked", "track"]

VIEW: Final = "view"
"""Kind of the step that a reading leaves."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A message and its ladder."""

    message_id: bytes
    type: str
    sender: str
    recipient: str
    state: str
    steps: tuple[Step, ...]
    waits: Waits | None
    """What it waits for, where it was said here and has not ended."""
    parts: tuple[int, int]
    """Of the pieces of its files: how many the gate has decided, and how many there are."""


def track(party: Party, message_id: bytes, now: int) -> Tracked:
    """Return what became of a message; `now` in milliseconds since 1970 UTC.

    Raises:
        InputError: this party knows no such message (`MESSAGE_UNKNOWN`).
    """
    steps = tuple(party.store.steps(message_id))
    said = said_of(party.store, message_id)
    letter = party.store.letter(message_id)
    if said is None and letter is None and not steps:
        raise InputError(
            "MESSAGE_UNKNOWN", "this party knows no such message", "samband inbox list, or track without --as"
        )
    told = [step for step in steps if step.kind != VIEW]
    detail = next((step.detail for step in told if step.detail.get("type")), {})
    if letter is not None:
        kind, sender, recipient = "" if letter.held else letter.type, letter.letter["sender_unit"], letter.unit
        state = letter.state
    else:
        kind = said.type if said else detail.get("type", "")
        sender, recipient = detail.get("sender", ""), detail.get("recipient", "")
        state = told[-1].outcome if told else "waiting"
    waits = next(waiting(party, now, message_id), None)
    return Tracked(message_id, kind, sender, recipient, state, steps, waits, party.store.parts_decided(message_id))
