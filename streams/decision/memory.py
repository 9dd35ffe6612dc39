"""What a permitted message leaves in the child's memory: who has been told something, and who reported a concern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from samband.schemas.event_bodies import Id16
from samband.streams.decision.child import Report

if TYPE_CHECKING:
    from samband.streams.decision.child import ChildState
    from samband.streams.decision.question import Question

__all__ = ["remember"]

_REPORT: Final = "concern.report"
_CONTACTS: Final = 64
_REPORTS: Final = 32
"""The newest reports that feedback can still be given on."""


def remember(child: ChildState, question: Question, message_id: bytes, now: int, *, part: bool = False) -> ChildState:
    """Return the state after a permitted message; the very same object where there is nothing new in it.

    A `part` of a file is no report of its own: many would push out those that can still be answered.
    """
    sender, recipient = question.sender, question.recipient
    if new := {sender.id, recipient.id}.difference(child.contacts):
        # Who claims the child later is told to every unit that has exchanged messages about it.
        child = replace(child, contacts=(*child.contacts, *sorted(new))[-_CONTACTS:])
    if question.type == _REPORT and not part:
        report = Report(Id16(message_id), sender.id, recipient.party, now)
        child = replace(child, reports=(*child.reports, report)[-_REPORTS:])
    return child
