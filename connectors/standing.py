"""What of a party's own words still stands and must be said anew under another child-reference key, in which order.

    standing(words, lost, now)      [(word, part, body), ...]; what is not in it has ended, or waits

First what ends or protects: withdrawals with the time at which they were said first, then marks; then the circle, what
the party has found, its consents, and last what it said of others' consents. Pure: the words in, the words out. That
nobody's consent comes to life again does not depend on this order, nor on who comes first (`decision.withdrawals`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from samband.schemas.event_bodies import (
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    GroundMotivated,
    InvestigationDeclared,
    MaturityAssessed,
    Member,
    ProtectionMarked,
    Scope,
)
from samband.streams.decision.child import ConsentRecord
from samband.streams.decision.said import LONGEST
from samband.streams.decision.withdrawals import close, in_scope, reaches, taken_back

if TYPE_CHECKING:
    from samband.connectors.spoken import Word
    from samband.schemas.events import EventBody

__all__ = ["CIRCLE", "HELD", "LEFT", "Again", "ends", "overtaken", "parts", "standing"]

HELD: Final = "held"
"""Name of what is known of a consent that another party doubts, before its id: nonzero while it does."""
LEFT: Final = "left"
"""Name of the time at which the child got another number."""
CIRCLE: Final = "circle"
"""Name of the time at which another unit took the child over."""


class Again(NamedTuple):
    """A word to say anew. One word may have several parts."""

    word: Word
    part: int
    body: EventBody


def ends(body: EventBody) -> bool:
    """Say whether an event ends or narrows: it is said in every epoch in which something may rest on a consent."""
    return isinstance(body, ConsentWithdrawn | ConsentRefused | ProtectionMarked)


def parts(word: Word) -> tuple[EventBody, ...]:
    """Return what is said anew of a word that ends or narrows: a withdrawal with the time of the first.

    A mark is said twice: at once without names, since that is never refused, and then, by who answers for the child,
    with the units that may still be told.
    """
    match word.body:
        case ConsentWithdrawn() | ConsentRefused():
            return (replace(word.body, first_said=word.first),)
        case ProtectionMarked(named=named) if named:
            return (replace(word.body, named=()), word.body)
        case _:
            return (word.body,)


def overtaken(given: Word, words: Sequence[Word]) -> list[ConsentWithdrawn]:
    """Return what must be said so that our own withdrawals end a consent that we said before them.

    Said under two keys they lie in two partitions, and the gate may take the later one first.
    """
    body, found = given.body, []
    if not isinstance(body, ConsentGiven):
        return []
    record = ConsentRecord(body, given.unit, "", given.first, b"")
    for each in words:
        taken = each.body
        if not isinstance(taken, ConsentWithdrawn) or taken.scope is Scope.CONSENT or taken.first_said:
            continue  # it names the consent and wins anyhow, or is said in every epoch already
        meant = in_scope(record, taken_back(taken, each.unit, each.first, b""))
        if each.id < given.id or each.first > given.first or not meant:
            continue
        if taken.scope is Scope.EVERYTHING:
            taken = ConsentWithdrawn(Scope.CONSENT, body.consent_id, giver_role=taken.giver_role)
        found.append(replace(taken, first_said=given.first))
    return found


def standing(words: Sequence[Word], known: Callable[[str], int], now: int) -> tuple[list[Again], set[int]]:
    """Return what is said anew of the words about one child, in order, and the numbers of the words that wait.

    Args:
        words: what this party said and the gate took, in the order of saying.
        known: what others are known to have done: `lifted/KIND`, `circle` (s), `held/CONSENT` (0 or 1), `left` (s).
        now: seconds since 1970 UTC.
    """
    takes = [word for word in words if isinstance(word.body, ConsentWithdrawn | ConsentRefused)]
    again = [Again(word, 0, parts(word)[0]) for word in takes if now < word.first + LONGEST]
    again += _marks(words, known)
    if known(LEFT):
        return again, set()
    again += _circle(words, known)
    again += _marks(words, known, named=True)
    again += _findings(words, now)
    waits: set[int] = set()
    for word in words:
        if isinstance(word.body, ConsentGiven) and _stands(word, word.body, takes, now):
            if known(f"{HELD}/{word.body.consent_id.hex()}"):
                waits.add(word.id)
                continue
            again.append(Again(word, 0, replace(_as_seen(word.body, words), first_said=word.first)))
    again += _of_consents(words, takes)
    again += [
        Again(word, 0, word.body)
        for word in words
        if isinstance(word.body, GroundMotivated) and now < word.body.valid_to
    ]
    return again, waits


def _stands(word: Word, given: ConsentGiven, takes: Sequence[Word], now: int) -> bool:
    """Say whether a consent of ours is not over, and not taken back as a whole by us or as far as we were told."""
    if now >= given.valid_to:
        return False
    record = ConsentRecord(given, word.unit, "", word.first, b"")
    for each in takes:
        assert isinstance(each.body, ConsentWithdrawn | ConsentRefused)
        taken = taken_back(each.body, each.unit, each.first, b"")
        if reaches(taken, record, heard=each.id > word.id):
            record = close(record, taken)
    return not record.closed_at


def _as_seen(given: ConsentGiven, words: Sequence[Word]) -> ConsentGiven:
    """Return a consent with the child's view as we took it down last: there is no moment with an older one."""
    for word in reversed(words):
        body = word.body
        if isinstance(body, ConsentSigned) and body.consent_id == given.consent_id and body.child_view is not None:
            return replace(given, child_view=body.child_view)
    return given


def _marks(words: Sequence[Word], known: Callable[[str], int], *, named: bool = False) -> list[Again]:
    """Return the newest word that sets each mark, where nobody has lifted it since; `named`: its part with names."""
    newest: dict[str, Word] = {}
    for word in words:
        if isinstance(word.body, ProtectionMarked) and not word.body.lifted:
            newest[word.body.mark.name] = word
    part = 1 if named else 0
    return [
        Again(word, part, parts(word)[part])
        for kind, word in newest.items()
        if known(f"lifted/{kind}") <= word.first and len(parts(word)) > part
    ]


def _circle(words: Sequence[Word], known: Callable[[str], int]) -> list[Again]:
    """Return the claim with the members that we last said, where we answer for the child and have not handed it on."""
    answers, claim = False, None
    members: tuple[Member, ...] = ()
    for word in words:
        match word.body:
            case CircleUpdate():
                answers, claim, members = True, word, word.body.members
            case CircleAccepted():
                answers, claim = True, word
            case CircleHandover():
                answers = False
            case _:
                pass
    if claim is None or not answers or known(CIRCLE) > claim.first:
        return []
    return [Again(claim, 0, CircleUpdate(members, claim=True))]


def _findings(words: Sequence[Word], now: int) -> list[Again]:
    """Return the latest maturity finding, and the investigation that is open."""
    maturity = [word for word in words if isinstance(word.body, MaturityAssessed)][-1:]
    inquiry = [word for word in words if isinstance(word.body, InvestigationDeclared)][-1:]
    again = [Again(word, 0, word.body) for word in maturity]
    for word in inquiry:
        if isinstance(word.body, InvestigationDeclared) and word.body.open:
            again.append(Again(word, 0, replace(word.body, first_said=word.first)))
    return again


def _of_consents(words: Sequence[Word], takes: Sequence[Word]) -> list[Again]:
    """Return what we said of consents, ours or others', that we do not know to be closed."""
    closed = {each.body.consent_id for each in takes if isinstance(each.body, ConsentWithdrawn | ConsentRefused)}
    doubts = {word.body.consent_id: word for word in words if isinstance(word.body, ConsentDisputed)}
    return [
        Again(word, 0, word.body)
        for word in words
        if (
            isinstance(word.body, ConsentSigned | ConsentConfirmed)
            or (
                isinstance(word.body, ConsentDisputed)
                and not word.body.settled
                and doubts[word.body.consent_id] is word
            )
        )
        and word.body.consent_id not in closed
    ]
