"""Drafts become messages: sealed, signed and numbered, as many at once as one repeat can hold.

    sealer = Sealer(party)
    with party.store.transaction():
        rows = sealer.seal(now)          kept with their seq; to be sent when that is on the disk

A draft that cannot be sealed now waits for a key, or ends with its code; it stops no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.errors import SambandError
from samband.schemas.message import Message
from samband.streams.outbox import Draft, Row, seal

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["UNDECIDED", "Sealer"]

_BATCH: Final = 64
_BATCH_BYTES: Final = 2 << 20
UNDECIDED: Final = 1000
"""Most messages that are sent and not decided."""
_UNDECIDED_BYTES: Final = 8 << 20
"""The same in bytes of content, but one message: what a file of 30 MB takes of the memory."""
_CARRIED: Final = 16
"""Most messages of a reserve file that get their numbers at once."""


class Sealer:
    """Seals what one party says."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._store = party.store

    def seal(self, now: int) -> list[Row]:
        """Seal the oldest drafts and give them their seq, within a transaction of the store."""
        # Never more undecided than one repeat holds: what is sent again is then everything, in order and without a gap.
        many, size = self._store.unanswered_count()
        room, bytes_left = min(_BATCH, UNDECIDED - many), min(_BATCH_BYTES, _UNDECIDED_BYTES - size)
        if room <= 0 or bytes_left <= 0:
            return []
        drafts = self._store.new_drafts(room, bytes_left)
        places = {draft.message_id: partition for draft, partition in drafts}
        rows = [
            self._store.keep_message(message_id, places[message_id], message.encode(), len(message.content))
            for message_id, message in self._messages([draft for draft, _ in drafts], now)
        ]
        if drafts:
            return rows
        return [  # few at once: each may be of the largest size
            self._store.keep_message(message_id, partition, message, len(Message.decode(message).content))
            for message_id, partition, message in self._store.new_sealed(min(room, _CARRIED))
        ]

    def _messages(self, drafts: list[Draft], now: int) -> list[tuple[bytes, Message]]:
        """Return what can be sealed, in order; a draft that cannot ends with its code and stops no other."""
        if not drafts:
            return []
        try:
            messages = seal(drafts, self._party.directory, self._party.sign(now), now)
            return list(zip([draft.message_id for draft in drafts], messages, strict=True))
        except SambandError as error:
            if len(drafts) > 1:
                half = len(drafts) // 2
                return self._messages(drafts[:half], now) + self._messages(drafts[half:], now)
            if error.retriable and drafts[0].expires > now:
                self._store.park(drafts[0].message_id)  # its recipient's next key, or our own, is on its way
            else:
                self._store.fail(drafts[0].message_id, now, error.code)
            return []
