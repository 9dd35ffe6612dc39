"""What a person does with a letter: read it, say that it is dealt with, or misdirected. Each leaves its step.

read(party, row, reason="…", user={"id": …, "role": …}, now=now)       recorded in its ladder, then shown
act(party, message_id, user=…, now=now)                                  its sender is told that it is dealt with
misdirect(party, message_id, user=…, now=now)                            its sender is told, its content erased

Where a unit's messages wait at the desk, the first reading is what `opened` means, and the sender is told the role of
whoever did it. Any other far side says itself when somebody has opened what it was handed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from samband.connectors.gather import answer
from samband.connectors.receive import receipt_for
from samband.connectors.store import Step
from samband.connectors.tracking import VIEW
from samband.schemas.errors import InputError
from samband.schemas.events import Level
from samband.streams.crypto.acting_user import user_commitment
from samband.streams.crypto.reference import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow

__all__ = ["ACTED", "DESK", "KEPT", "act", "answered", "at_desk", "letter_of", "misdirect", "open_letter", "read"]

DESK: Final = "desk"
"""The kind of adapter whose messages people read here."""
ACTED: Final = "ACTED"
"""Code of an opened letter that somebody has dealt with."""
_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")

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

    The reason is sealed, since it may tell something about the child. At the desk its sender is told, once, that it is
    opened and by which role.

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
        _opened(party, row, user, now)


def open_letter(party: Party, row: InboxRow, *, user: Mapping[str, str], now: int) -> None:
    """Open a letter that waits at the desk, before anything of it is shown; its sender is told, once."""
    with party.store.transaction():
        _opened(party, row, user, now)


def _opened(party: Party, row: InboxRow, user: Mapping[str, str], now: int) -> None:
    """Say that a letter is opened, where that is said here, within a transaction of the store."""
    if at_desk(party, row.unit) and party.store.mark_letter(row.message_id, "opened", now, only=("handed_over",)):
        _tell(party, row, Level.OPENED, _role(user), user, now)


def at_desk(party: Party, unit: str) -> bool:
    """Say whether a unit's messages wait at the desk."""
    return any(each.unit == unit and each.kind == DESK for each in party.settings.adapter)


def act(party: Party, message_id: bytes, *, user: Mapping[str, str], now: int) -> None:
    """Say that a letter is dealt with; its sender is told, once. What was not opened is opened by it.

    Raises:
        InputError: no such letter is kept here (`MESSAGE_UNKNOWN`).
    """
    store = party.store
    row = store.letter(message_id)
    if row is None or row.state not in ("handed_over", "opened"):
        raise InputError("MESSAGE_UNKNOWN", "no such message is kept here", "samband inbox list")
    if row.code == ACTED:
        return
    with store.transaction():
        store.mark_letter(message_id, "opened", now, code=ACTED, only=("handed_over", "opened"))
        _tell(party, row, Level.ACTED, _role(user), user, now)
        store.add_step(message_id, Step(now, "event", "acted", "", {"acting_user": user["id"], "role": user["role"]}))


def answered(party: Party, message_id: bytes, reply: bytes, *, user: Mapping[str, str], now: int) -> None:
    """Keep in a letter's ladder which message answers it; that message has a ladder of its own."""
    detail = {"acting_user": user["id"], "role": user["role"], "message": reply.hex()}
    with party.store.transaction():
        party.store.add_step(message_id, Step(now, "event", "answered", "", detail))


def _tell(party: Party, row: InboxRow, level: Level, code: str, user: Mapping[str, str], now: int) -> None:
    """Take a receipt into the outbox, within a transaction of the store."""
    receipt = receipt_for(party, row.letter, row.ref, row.message_id, level, code, now)
    committed = user_commitment(party.store.secret, party.root.realm, receipt.message_id, user["id"], user["role"])
    party.store.add_draft(replace(receipt, user=committed), partition_of(row.ref, party.root.shards))
    party.store.remember_role(user["id"], user["role"])


def _role(user: Mapping[str, str]) -> str:
    """Return the role as a receipt tells it: a code word, or nothing where it is none."""
    return user["role"] if _CODE.fullmatch(user["role"]) else ""


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
