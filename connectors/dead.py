"""Letters that a webhook has refused for good: kept until a person has them tried again, or gives them up.

    dead(party)                            the list, oldest first
    replay(party, message_id, now)         handed over anew, as if it had just come
    give_up(party, message_id, now)        refused; its sender is told, and why

A far side that answers 401 or 404 after a change of its own would otherwise end every message with a refusal that
nobody can take back: the gate lets nothing follow one. What nobody has looked at when its time is over ends by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.connectors.gather import answer
from samband.schemas.errors import InputError
from samband.schemas.events import Level

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow

__all__ = ["DEAD", "dead", "end_late", "give_up", "replay"]

DEAD: Final = "dead"
"""The letter's state."""
_MOST: Final = 10_000


def dead(party: Party) -> list[InboxRow]:
    """Return the letters that wait for a person, oldest first."""
    return party.store.letters(DEAD, _MOST)[::-1]


def replay(party: Party, message_id: bytes, now: int) -> None:
    """Let a letter be handed over anew; `now` in ms.

    Raises:
        InputError: it is not on the list (`MESSAGE_NOT_DEAD`).
    """
    with party.store.transaction():
        done = party.store.mark_letter(message_id, "waiting", now, only=(DEAD,))
    if not done:
        raise _unknown()


def give_up(party: Party, message_id: bytes, now: int) -> None:
    """Refuse a letter, with the code that it was refused with.

    Raises:
        InputError: it is not on the list (`MESSAGE_NOT_DEAD`).
    """
    row = party.store.letter(message_id)
    if row is None or row.state != DEAD:
        raise _unknown()
    _refuse(party, row, now)


def end_late(party: Party, now: int) -> int:
    """Refuse what is over; return how many."""
    late = [row for row in dead(party) if row.expires <= now]
    for row in late:
        _refuse(party, row, now)
    return len(late)


def _refuse(party: Party, row: InboxRow, now: int) -> None:
    store = party.store
    with store.transaction():
        if store.mark_letter(row.message_id, "refused", now, code=row.code, only=(DEAD,)):
            answer(party, row, Level.REFUSED, row.code, now)


def _unknown() -> InputError:
    return InputError("MESSAGE_NOT_DEAD", "no such message waits for a person", "samband webhook dead")
