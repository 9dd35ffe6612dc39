"""What the signer of an event is to the child, and whether one who is that may say it.

    held = may(state, body, said)          the signer's relations, or RefusedError
    Relation.RESPONSIBLE in held

The table is data (`samband.schemas.speech`); here stands only what each relation means. Answers depend on the signer's
own relations and on nothing that it may not know: who has none is refused the same, whatever is true of the child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import ConsentGiven, EventBody, ProtectionMarked
from samband.schemas.speech import Relation, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from samband.schemas.units import Unit
    from samband.streams.decision.child import ChildState
    from samband.streams.decision.said import Said

__all__ = ["CONTEST", "is_board", "may", "relations"]

CONTEST: Final = 86400
"""Seconds within which a second authority's claim counts as made at the same time: two duty offices that meet the same
family on one evening both claim before either has seen the other's notice. Later the claim is known, and stands."""


def is_board(unit: Unit) -> bool:
    """Say whether a unit belongs to a social services authority; a private provider answers for no circle."""
    return unit.kind.family == "social" and not unit.regime.private


def may(state: ChildState, body: EventBody, said: Said) -> frozenset[Relation]:
    """Return the signer's relations, one of which lets it say this.

    Raises:
        RefusedError: it may not, with the code of the event's row.
    """
    row = row_of(body)
    if row is None:
        raise RefusedError("EVENT_NOT_FOR_CHILD", "receipts and recalls change nothing that is known of a child")
    held = relations(state, body, said)
    if not held.isdisjoint(row.by):
        return held
    code = row.code
    if not held:
        code = "TYPE_NOT_FOR_KIND"
    elif Relation.SOCIAL not in held and row.not_social:
        code = row.not_social
    elif Relation.CONTENDER in held and Relation.RESPONSIBLE in row.by:
        code = "CIRCLE_CONTESTED"
    raise RefusedError(code, "the unit that signed it may not say that about the child")


def relations(state: ChildState, body: EventBody | None, said: Said) -> frozenset[Relation]:
    """Return everything that the signer is to the child now, as far as an event is concerned.

    A relation to a consent is to the one that the event names, or else (and for None, no event) to any that is open.
    """
    signer = said.signer
    if signer.kind.family == "coordination":
        return frozenset()
    found = {Relation.ANYONE, *_in_circle(state, said), *_by_consent(state, body, said)}
    if is_board(signer):
        found.add(Relation.SOCIAL)
    kind = body.mark if isinstance(body, ProtectionMarked) else None
    setters = (mark.set_by for mark in state.standing_marks if kind in (None, mark.kind))
    if signer.party in _parties(setters, said):
        found.add(Relation.MARKER)
    return frozenset(found)


def _in_circle(state: ChildState, said: Said) -> Iterator[Relation]:
    circle, signer = state.circle, said.signer
    if any(member.unit == signer.id and member.holds_at(said.now) for member in circle.members):
        yield Relation.MEMBER
    if circle.contender:
        if signer.id in (circle.responsible, circle.contender):
            yield Relation.CONTENDER
        return
    if signer.id == circle.responsible:
        yield Relation.RESPONSIBLE
    if signer.id == circle.handing_to:
        yield Relation.OFFERED
    if is_board(signer) and signer.id != circle.responsible:
        # A unit that no card names any more answers for nobody: without this its children could never be claimed again.
        first = said.directory(circle.responsible) if circle.responsible else None
        if first is None:
            yield Relation.CLAIMANT
        elif first.party != signer.party and said.now - circle.claimed_at < CONTEST:
            yield Relation.RIVAL


def _by_consent(state: ChildState, body: EventBody | None, said: Said) -> Iterator[Relation]:
    signer = said.signer
    if isinstance(body, ConsentGiven):
        if signer.party in _parties(body.disclosers, said):
            yield Relation.DISCLOSER
        if signer.id in body.disclosers or any(signer.id == named.unit for named in body.recipients):
            yield Relation.NAMED
        return
    consent_id = getattr(body, "consent_id", None)
    for consent in state.consents:
        given = consent.given
        if consent_id is None:
            if consent.closed_at or given.valid_to <= said.now:
                continue
        elif given.consent_id != consent_id:
            continue
        if consent.recorded_party == signer.party:
            yield Relation.RECORDER
        if signer.party in _parties(given.disclosers, said):
            yield Relation.DISCLOSER
        if signer.id in given.disclosers or any(signer.id == named.unit for named in given.recipients):
            yield Relation.NAMED


def _parties(units: Iterable[str], said: Said) -> set[str]:
    """Return the parties of those units that a card names."""
    found = (said.directory(unit) for unit in units)
    return {unit.party for unit in found if unit is not None}
