"""What was handed over because of one cause: a consent, a unit, a rule, or one of the party's own users.

    Trail(cause).take(entry, record)       the hub's audit records in order  → a `Handed`, once it is known to be one
    of_party(party, cause)                 a party's own ladders and letters → the same

One pass and no list: the hub's side remembers only messages on their way, which end within their fourteen days. Nothing
here names a child; its reference only tells one child from another, for how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from samband.schemas.events import Level
from samband.schemas.stamp import StampRecord
from samband.streams.crypto.acting_user import user_commitment

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow, Step

__all__ = ["Cause", "Handed", "Trail", "by_user", "of_party"]

_TAKEN: Final = frozenset({Level.HANDED_OVER, Level.OPENED, Level.ACTED})
_NOT_TAKEN: Final = frozenset({Level.REFUSED, Level.MISMATCH})
_NOW_AND_THEN: Final = 1000
_LETTER_TAKEN: Final = frozenset({"handed_over", "opened"})


@dataclass(frozen=True, slots=True)
class Handed:
    """A message that was handed over, or is on its way to be. Times are milliseconds since 1970 UTC."""

    message_id: bytes
    type: str
    sender: str
    recipient: str
    ref: bytes
    grounds: tuple[str, ...]
    categories: tuple[str, ...]
    consents: tuple[bytes, ...]
    user: bytes
    decided_at: int
    handed_over_at: int = 0


@dataclass(slots=True)
class Cause:
    """What messages may rest on; whatever is set must fit."""

    consents: set[bytes] = field(default_factory=set)
    """Log entries of the consent."""
    event: bytes = b""
    """Message id of the event that recorded it, where its entry is still to be found."""
    unit: str = ""
    rule: str = ""
    user: Callable[[bytes, bytes], bool] | None = None
    """(message id, commitment) → whether it is theirs."""

    def covers(self, message: Handed) -> bool:
        """Say whether a message rests on it."""
        if (self.consents or self.event) and self.consents.isdisjoint(message.consents):
            return False
        if self.unit and self.unit not in (message.sender, message.recipient):
            return False
        if self.rule and self.rule not in message.grounds:
            return False
        return self.user is None or self.user(message.message_id, message.user)


def by_user(party: Party, user: str, roles: list[str]) -> Callable[[bytes, bytes], bool]:
    """Return the test whether a commitment is that of one of the party's users, in any of the roles."""

    def theirs(message_id: bytes, commitment: bytes) -> bool:
        made = (user_commitment(party.store.secret, party.root.realm, message_id, user, role) for role in roles)
        return commitment in made

    return theirs


class Trail:
    """The hub's audit records, followed from decision to receipt."""

    def __init__(self, cause: Cause) -> None:
        self._cause = cause
        self.on_their_way: dict[bytes, Handed] = {}
        """Permitted because of the cause, and not known to be handed over or ended."""

    def take(self, entry: bytes, record: StampRecord) -> Handed | None:
        """Take the next record; return the message that it shows to be handed over."""
        cause, subject = self._cause, record.subject or b""
        match record.kind:
            case "event" if record.message_id == cause.event and record.outcome == "accepted":
                cause.consents.add(entry)
            case "decision" if record.outcome == "permit" and not record.ask:
                message = _of_stamp(record)
                if cause.covers(message):
                    self.on_their_way[message.message_id] = message
            case "receipt" if record.outcome in _NOT_TAKEN:
                self.on_their_way.pop(subject, None)
            case "receipt" if record.outcome in _TAKEN and subject in self.on_their_way:
                return replace(self.on_their_way.pop(subject), handed_over_at=record.decided_at)
            case "recall" if record.code == "EXPIRED":
                # Any other recall may have come after the hand-over; the receipt that follows tells.
                self.on_their_way.pop(subject, None)
        return None


def of_party(party: Party, cause: Cause, looked: Callable[[int], None] = lambda _: None) -> Iterator[Handed]:
    """Yield what this party said, and what came to it, because of the cause, and was handed over.

    `looked` is told now and then how many ladders have been looked at.
    """
    for number, (message_id, steps) in enumerate(party.store.ladders()):
        if number % _NOW_AND_THEN == 0:
            looked(number)
        said = _of_ladder(message_id, steps)
        if said is not None and cause.covers(said):
            yield said
    if cause.user is not None:
        return  # what came was said by users of other parties
    own = {unit.id for unit in party.units}
    for row in party.store.every_letter():
        came = _of_letter(row)
        if row.state in _LETTER_TAKEN and came.sender not in own and cause.covers(came):
            yield came


def _of_ladder(message_id: bytes, steps: list[Step]) -> Handed | None:
    decision = next((step for step in steps if step.kind == "decision" and step.outcome == "permit"), None)
    receipt = next((step for step in steps if step.kind == "receipt" and step.outcome in _TAKEN), None)
    if decision is None or receipt is None:
        return None
    return _of_detail(message_id, decision.detail, decision.at, receipt.at)


def _of_detail(message_id: bytes, detail: dict[str, Any], decided_at: int, handed_over_at: int) -> Handed:
    return Handed(
        message_id,
        detail["type"],
        detail["sender"],
        detail["recipient"],
        bytes.fromhex(detail.get("ref", "")),
        tuple(detail["grounds"]),
        tuple(detail["categories"]),
        tuple(map(bytes.fromhex, detail.get("consents", ()))),
        bytes.fromhex(detail.get("user", "")),
        decided_at,
        handed_over_at,
    )


def _of_letter(row: InboxRow) -> Handed:
    letter = row.letter
    known = {"type": row.type, "sender": letter["sender_unit"], "recipient": row.unit, "ref": row.ref.hex()}
    return _of_detail(row.message_id, {**letter, **known}, letter["decided_at"], row.changed)


def _of_stamp(record: StampRecord) -> Handed:
    return Handed(
        record.message_id,
        record.type,
        record.sender,
        record.recipient,
        record.ref,
        record.grounds,
        record.categories,
        record.consents,
        record.user,
        record.decided_at,
    )
