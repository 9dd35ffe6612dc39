"""Gate accepts, after the lane: is this message what it says, from whom it says, to whom it may be said?

Order and codes: format page § Gate accepts. Each check raises; what passes is a `Checked`, the only thing that may be
judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from samband.schemas.attachment import PART_SCHEMA_ID
from samband.schemas.catalogue import CATALOGUE, MessageType, content_schema_id
from samband.schemas.errors import RefusedError, TrustError
from samband.schemas.message import CONTENT_CLASSES, SEAL_OVERHEAD, Message
from samband.schemas.routing import NO_COMMIT, Routing
from samband.schemas.units import Unit
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.reference import partition_of
from samband.streams.crypto.signature import BatchCache
from samband.streams.directory import Directory

__all__ = ["EXPIRES_MAX_MS", "SKEW_MS", "Checked", "Checks"]

SKEW_MS: Final = 300_000
"""How far a sender's clock may be ahead, in milliseconds."""

EXPIRES_MAX_MS: Final = 14 * 24 * 3_600_000
"""Longest life of a message in milliseconds."""


_ENDS: Final = frozenset({"receipt", "recall", "consent.withdrawn", "consent.refused"})
"""What is taken under an older child reference too, for as long as there is something that it could end."""

_TO_THE_END: Final = frozenset({"receipt", "recall", "consent.withdrawn", "consent.refused", "act.logged"})
"""What a closed unit may still say, so that what is on its way ends, and a no is heard."""


class Checked(Struct, frozen=True):
    """A message whose sender, recipient, key, time, place and type hold. Not yet decided."""

    message: Message
    routing: Routing
    leaf: bytes
    sender: Unit
    recipient: Unit
    type: MessageType

    @property
    def is_part(self) -> bool:
        """Say whether it is a piece of a file, which goes with the message that it answers."""
        return self.routing.content_schema == PART_SCHEMA_ID


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one partition."""

    directory: Directory
    agreement: str
    partition: int
    shards: int
    batches: BatchCache

    def check(self, message: Message, routing: Routing, party: str, now: int) -> Checked:
        """Check a message that came through `party`'s lane.

        Raises:
            TrustError: signature, key or seal does not hold.
            RefusedError: well-formed and proved, and not acceptable.
        """
        signed_by, key = self.directory.verify_key(message.kid, Purpose.PARTY_SIGN, now)
        leaf = self.batches.verify(key, message)
        sender = self.directory.unit(routing.sender)
        if not signed_by == party == sender.party:
            raise TrustError("SENDER_PARTY", "lane, signature and sender unit belong to different parties")
        if routing.sender_kid != message.kid:
            raise TrustError("SENDER_KEY", "the label names another signing key")
        if routing.agreement != self.agreement or routing.v != 1:
            raise RefusedError("AGREEMENT", "the message is for another agreement or version")
        if partition_of(routing.ref, self.shards) != self.partition:
            raise RefusedError("WRONG_PARTITION", "the message is in another partition than its child's")
        self._check_time(routing, now)
        recipient = self.directory.unit(routing.recipient)
        self.directory.content_key_of(routing.recipient_kid, recipient, now)
        row = CATALOGUE.get(routing.type)
        if row is None:
            raise RefusedError("TYPE_UNKNOWN", "the message's type is not in the catalogue")
        self.directory.epochs.check(routing.e, now, event=row.event, ends=row.name in _ENDS)
        self._check_retired(row, sender, recipient)
        self._check_type(row, routing, message, sender, recipient)
        return Checked(message, routing, leaf, sender, recipient, row)

    @staticmethod
    def _check_retired(row: MessageType, sender: Unit, recipient: Unit) -> None:
        if sender.retired and row.name not in _TO_THE_END:
            raise RefusedError("UNIT_RETIRED", "the sender unit is closed")
        if recipient.retired and not row.event:
            raise RefusedError("UNIT_RETIRED", "the recipient unit is closed")

    @staticmethod
    def _check_time(routing: Routing, now: int) -> None:
        if routing.created > now + SKEW_MS:
            raise RefusedError("CLOCK_AHEAD", "the message says that it was made in the future")
        if routing.expires > routing.created + EXPIRES_MAX_MS:
            raise RefusedError("EXPIRES_TOO_LATE", "the message would live longer than 14 days")
        if now >= routing.expires:
            raise RefusedError("EXPIRED", "the message's time is over")

    @staticmethod
    def _check_type(row: MessageType, routing: Routing, message: Message, sender: Unit, recipient: Unit) -> None:
        if not row.may(sender.kind, recipient.kind):
            raise RefusedError("TYPE_NOT_FOR_KIND", "units of these kinds do not send each other this type")
        if not row.event and not row.taken_by(recipient):
            raise RefusedError("TYPE_NOT_RECEIVED", "the recipient unit does not take this type")
        if row.event != (routing.body is not None) or (row.event and routing.ask):
            raise RefusedError("BODY", "only an event has a body in its label, each has one, and none is a question")
        sealed = bool(message.content)
        known = content_schema_id(row.name)
        if sealed and routing.content_schema != known and not _is_part(row, routing):
            raise RefusedError(
                "SCHEMA_UNKNOWN", "the content is written with a schema that the agreement does not have"
            )
        if sealed == (routing.plain_commit == NO_COMMIT) or (routing.ask and sealed):
            raise RefusedError("CONTENT", "label and content do not fit: one is there without the other")
        if sealed and len(message.content) - SEAL_OVERHEAD not in CONTENT_CLASSES:
            raise RefusedError("CONTENT_SIZE", "the content is not of one of the five lengths")
        if row.carries_content and not sealed and not routing.ask:
            raise RefusedError("CONTENT", "a message of this type has a content")
        if row.carries_content and not row.event and not routing.categories:
            raise RefusedError("CATEGORIES", "the label names no category of information")


def _is_part(row: MessageType, routing: Routing) -> bool:
    """Say whether a label is one of a piece of a file: its type takes files, and it says whose it is."""
    return routing.content_schema == PART_SCHEMA_ID and row.takes_files and routing.ref_to is not None
