"""What held at an earlier time, and who knew: the child's memory seen as of a moment.

    as_of(state, at)      the state as it was, so that `decide` answers as it would have answered then
    knew(state, at)       who had been told of each consent, and since when

The circle is not turned back: who was responsible when is in the log.

The memory keeps the time of everything that was added or closed, so the past is read from it and never guessed. A
consent counts from when it was *recorded*: a date in the past never makes an earlier refusal right. Times are seconds
since 1970 UTC, the gate's.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from samband.schemas.event_bodies import Id16
from samband.streams.decision.child import ChildState, ConsentRecord, Withdrawal
from samband.streams.decision.withdrawals import close, in_scope, reaches

__all__ = ["Knew", "as_of", "knew"]


@dataclass(frozen=True, slots=True)
class Knew:
    """A unit's knowledge of a consent: from when, and because of what it did or was told."""

    consent_id: Id16
    unit: str
    since: int
    how: str
    """`recorded`, `signed`, `confirmed`, `disputed`, `withdrew`: it said so itself; `named`: it got a notice."""


def as_of(state: ChildState, at: int) -> ChildState:
    """Return the state as it was at a time, the events of that very second included."""
    # When the same was said again closed nothing then: it is for what is recorded anew, and no part of the past.
    withdrawals = tuple(replace(each, again=0) for each in state.withdrawals if each.at <= at)
    return replace(
        state,
        consents=tuple(_consent_as_of(each, withdrawals, at) for each in state.consents if each.recorded_at <= at),
        withdrawals=withdrawals,
        marks=tuple(
            replace(each, lifted_at=each.lifted_at if each.lifted_at <= at else 0)
            for each in state.marks
            if each.set_at <= at
        ),
        maturities=tuple(each for each in state.maturities if each.at <= at),
        investigations=tuple(each for each in state.investigations if each.at <= at),
        motivations=tuple(each for each in state.motivations if each.at <= at),
        reports=tuple(each for each in state.reports if each.at <= at),
        moved_at=state.moved_at if state.moved_at <= at else 0,
    )


def _consent_as_of(consent: ConsentRecord, withdrawals: tuple[Withdrawal, ...], at: int) -> ConsentRecord:
    """Return a consent as it was: what was signed, confirmed and doubted by then, and what was taken back by then."""
    given = consent.given
    signatures = tuple(each for each in consent.signatures if each.at <= at)
    signed = {*given.signed_by, *(each.giver for each in signatures)}
    before = replace(
        consent,
        views=tuple(each for each in consent.views if each.at <= at),
        missing=tuple(giver.id for giver in given.givers if giver.required and giver.id not in signed),
        signatures=signatures,
        confirmations=tuple(each for each in consent.confirmations if each.at <= at),
        disputes=tuple(
            replace(each, settled_at=each.settled_at if each.settled_at <= at else 0)
            for each in consent.disputes
            if each.at <= at
        ),
        closed_at=0,
        closed_by=b"",
        refused=False,
        closed_recipients=(),
        closed_categories=(),
    )
    for taken in _takes(consent, withdrawals):
        before = close(before, replace(taken, first_said=0))
    # A withdrawal that named this very consent before it came closed it when it came.
    return replace(before, closed_at=max(before.closed_at, before.recorded_at)) if before.closed_at else before


def _takes(consent: ConsentRecord, withdrawals: tuple[Withdrawal, ...]) -> list[Withdrawal]:
    """Return the withdrawals that take something of a consent: of a later time than its record, or naming it."""
    return [
        taken
        for number, taken in enumerate(withdrawals)
        if in_scope(consent, taken) and reaches(taken, consent, heard=number >= consent.heard)
    ]


def knew(state: ChildState, at: int) -> tuple[Knew, ...]:
    """Return who knew of which consent at a time, in the order in which they came to know.

    Named units and the responsible one are told when a consent is recorded, its recorder when it is taken back.
    """
    found: list[Knew] = []
    then = as_of(state, at)
    for consent in then.consents:
        number = consent.given.consent_id
        named = {*consent.given.disclosers, *(each.unit for each in consent.given.recipients)}
        found.append(Knew(number, consent.recorded_by, consent.recorded_at, "recorded"))
        found += [Knew(number, unit, consent.recorded_at, "named") for unit in sorted(named - {consent.recorded_by})]
        found += [Knew(number, each.by, each.at, "signed") for each in consent.signatures]
        found += [Knew(number, each.by, each.at, "confirmed") for each in consent.confirmations]
        found += [Knew(number, each.by, each.at, "disputed") for each in consent.disputes]
        found += [Knew(number, each.by, each.at, "withdrew") for each in _takes(consent, then.withdrawals)]
    return tuple(sorted(found, key=lambda each: each.since))
