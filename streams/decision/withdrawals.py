"""Taking consents back: any unit says it, it is never refused, and it closes whatever was recorded before in its scope.

A consent recorded later counts, unless the withdrawal named that very consent. What is closed in part carries the rest.

Later than what: after a change of the child-reference key everything is said anew, by parties that do not know of each
other and in any order. So a repetition says when the thing was said first, and those times count, not the order of
arrival: no consent comes to life again because its withdrawal was repeated before it. Within one second the withdrawal
wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from samband.schemas.event_bodies import ConsentRefused, ConsentWithdrawn, Scope
from samband.streams.decision.child import Withdrawal
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samband.streams.decision.child import ChildState, ConsentRecord
    from samband.streams.decision.said import Said

__all__ = ["close", "in_scope", "reaches", "stops", "taken_back", "withdraw", "withdrawn_by"]


def withdraw(state: ChildState, body: ConsentWithdrawn | ConsentRefused, said: Said) -> ChildState:
    """Return the state with everything in the scope closed; any unit may say it, and it is never refused to one.

    Raises:
        RefusedError: a steering group says it, which is no unit around a child.
    """
    may(state, body, said)
    taken = taken_back(body, said.signer.id, said.now, said.entry)
    closed = tuple(close(consent, taken) for consent in state.consents)
    same = next((each for each in state.withdrawals if _same_scope(taken, each)), None)
    if closed == state.consents and same is not None:
        if taken.first_at <= same.last_at:
            return state
        # It closes nothing that is here, and what is recorded anew later may be older than it.
        later = replace(same, again=taken.first_at)
        return replace(state, withdrawals=tuple(later if each is same else each for each in state.withdrawals))
    return replace(state, consents=closed, withdrawals=(*state.withdrawals, taken))


def taken_back(body: ConsentWithdrawn | ConsentRefused, by: str, now: int, entry: bytes) -> Withdrawal:
    """Return a withdrawal or refusal as it is remembered."""
    if isinstance(body, ConsentRefused):
        return Withdrawal(
            Scope.CONSENT, body.giver_role, by, now, entry, body.consent_id, refused=True, first_said=body.first_said
        )
    return Withdrawal(
        body.scope, body.giver_role, by, now, entry, body.consent_id, body.recipient, body.category,
        first_said=body.first_said,
    )  # fmt: skip


def _same_scope(one: Withdrawal, other: Withdrawal) -> bool:
    return (one.scope, one.consent_id, one.recipient, one.category) == (
        other.scope, other.consent_id, other.recipient, other.category,
    )  # fmt: skip


def close(consent: ConsentRecord, taken: Withdrawal) -> ConsentRecord:
    """Return the consent without what lies in the scope; a consent that keeps nothing is closed whole.

    A withdrawal towards one unit also stops what a role may bring to that unit, now or later.
    """
    given = consent.given
    if consent.closed_at or not in_scope(consent, taken) or not reaches(taken, consent, heard=True):
        return consent
    if taken.scope is Scope.RECIPIENT:
        left_out = tuple(dict.fromkeys((*consent.closed_recipients, taken.recipient)))
        if {recipient.unit for recipient in given.recipients} - set(left_out):
            return replace(consent, closed_recipients=left_out)
    if taken.scope is Scope.CATEGORY and taken.category is not None:
        gone = tuple(dict.fromkeys((*consent.closed_categories, taken.category)))
        if set(given.categories) - set(gone):
            return replace(consent, closed_categories=gone)
    return replace(consent, closed_at=taken.at, closed_by=taken.entry, refused=taken.refused)


def reaches(taken: Withdrawal, consent: ConsentRecord, *, heard: bool) -> bool:
    """Say whether a withdrawal comes after a consent, or named it; `heard`: it arrived after the consent's record."""
    if taken.scope is Scope.CONSENT:
        return True
    if heard:
        return not taken.first_said or consent.first_at <= taken.first_at
    return bool(consent.given.first_said) and consent.first_at <= taken.last_at


def in_scope(consent: ConsentRecord, taken: Withdrawal) -> bool:
    """Say whether a withdrawal is about a consent, by its scope alone."""
    match taken.scope:
        case Scope.EVERYTHING:
            return True
        case Scope.CONSENT:
            return consent.given.consent_id == taken.consent_id
        case Scope.RECIPIENT:
            return any(taken.recipient == named.unit or named.role for named in consent.given.recipients)
        case Scope.CATEGORY:
            return taken.category in consent.given.categories


def withdrawn_by(state: ChildState, body: ConsentWithdrawn | ConsentRefused) -> set[bytes]:
    """Return the ids of the consents that a withdrawal closes, wholly or in part, in the state before it."""
    taken = taken_back(body, "", body.first_said or 1, b"")
    return {one.given.consent_id for one in state.consents if close(one, taken) != one}


def stops(
    state: ChildState,
    body: ConsentWithdrawn | ConsentRefused,
    leaned_on: Iterable[bytes],
    recipient: str,
    categories: Iterable[str],
) -> bool:
    """Say whether a message, permitted on these consents, is recalled by a withdrawal, in the state before it."""
    if not withdrawn_by(state, body).intersection(leaned_on):
        return False
    if isinstance(body, ConsentWithdrawn) and body.scope is Scope.RECIPIENT:
        return body.recipient == recipient
    if isinstance(body, ConsentWithdrawn) and body.scope is Scope.CATEGORY:
        return any(tag.partition(":")[0] == body.category for tag in categories)
    return True
