"""Reading a letter, and saying that it was misdirected: the acts of a person, each of which leaves its step.

read(party, row, reason="…", user={"id": …, "role": …}, now=now)       recorded in its ladder, then shown
misdirect(party, message_id, user=…, now=now)                            its sender is told, its content erased
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.connectors.gather import answer
from samband.connectors.store import Step
from samband.connectors.tracking import VIEW
from samband.schemas.errors import InputError
from samband.schemas.events import Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow

__all__ = ["KEPT", "letter_of", "misdirect", "read"]

KEPT: Final = ("waiting", "dead", "handed_over", "opened")
"""States of a message that has come and is neither refused nor recalled; one whose hand-over goes on ends it first."""


def letter_of(party: Party, message_id: bytes) -> InboxRow:
    """Return a letter.

    Raises:
        InputError: none such has come to this party (`MESSAGE_UNKNOWN`).
    """
    row = party.store.letter(message_id)
    if row is None:
        raise InputError("MESSAGE_UNKNOWN", "no such message has come to this party", "samband inbox list")
    return row


def read(party: Party, row: InboxRow, *, reason: str, user: Mapping[str, str], now: int) -> None:
    """Record who reads a letter and why, before it is shown; `now` in ms.

    The reason is sealed, since it may tell something about the child.

    Raises:
        InputError: the letter is held back and no reason was given (`REASON_MISSING`).
    """
    if row.held and not reason:
        raise InputError(
            "REASON_MISSING", "the message is held back: a reason must be given", "--reason TEXT; it is recorded",
            field="reason",
        )  # fmt: skip
    sealed = party.store.box.seal("view", row.message_id, reason.encode())[1]
    detail = {"acting_user": user["id"], "role": user["role"], "reason": sealed.hex()}
    with party.store.transaction():
        party.store.add_step(row.message_id, Step(now, VIEW, "shown", "", detail))


def misdirect(party: Party, message_id: bytes, *, user: Mapping[str, str], now: int) -> None:
    """Say that a letter was not meant for the own unit: its sender is told, and its content is erased here.

    Raises:
        InputError: no such letter is kept here (`MESSAGE_UNKNOWN`).
    """
    store = party.store
    row = store.letter(message_id)
    if row is None or row.state not in KEPT:
        raise InputError("MESSAGE_UNKNOWN", "no such message is kept here", "samband inbox list")
    with store.transaction():
        answer(party, row, Level.MISDIRECTED, "MISDIRECTED", now)
        store.mark_letter(message_id, "misdirected", now, code="MISDIRECTED", only=KEPT)
        store.erase_letter(message_id, now, "MISDIRECTED")
        store.add_step(message_id, Step(now, "event", "misdirected", "", {"acting_user": user["id"]}))
