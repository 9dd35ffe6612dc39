"""What a lawyer wants to be told about a rulebook, and about two of them. Needs z3 (`samband[prove]`).

review(book)             rows that decide nothing, that no message type uses, that a forbid row always stops
differences(one, other)  for each row that differs, a message that the two decide differently, if there is one
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import z3

from samband.connectors.rules.free import DECIDED, Free
from samband.connectors.rules.model import PERMIT, encode, find, plainest
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.rulebook import Effect

if TYPE_CHECKING:
    from samband.connectors.rules.situation import Situation
    from samband.schemas.rulebook import Rule, Rulebook
    from samband.streams.decision.question import Decision

__all__ = ["Difference", "Fault", "Finding", "differences", "review"]

_WORDS: Final = {"citation", "name_sv", "name_en", "text_sv", "text_en", "verified_on", "status"}


class Fault(StrEnum):
    """What is wrong with a row."""

    UNUSED = "unused"
    """No message type lets this ground carry it."""
    FORBIDDEN = "forbidden"
    """Whatever it could carry, a forbid row stops: the two contradict each other."""
    UNREACHABLE = "unreachable"
    """It can never decide anything: no two units, or no claim, fit all of its conditions."""
    UNKNOWN_GROUND = "unknown_ground"
    """A message type names a ground that the rulebook does not have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; `other` is the forbid row, or the message type, that it is about."""

    fault: Fault
    ground: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that differs between two rulebooks, and a message that shows it; None where no message tells them apart."""

    ground: str
    situation: Situation | None = None
    one: Decision | None = None
    other: Decision | None = None


def review(book: Rulebook) -> list[Finding]:
    """Return the faults of a rulebook, in the order of its rows."""
    free = Free(book)
    told = encode(book, free)
    real = free.tellable()
    found = []
    for rule in book.rules:
        if not any(rule in (*book.rows(name).forbids, *book.rows(name).permits) for name in DECIDED):
            found.append(Finding(Fault.UNUSED, rule.ground))
            continue
        if rule.effect is Effect.FORBID:
            # A forbid row may guard against what no type tells yet.
            if find(free, told.flows, told.forbids[rule.ground]) is None:
                found.append(Finding(Fault.UNREACHABLE, rule.ground))
            continue
        carried = told.carried[rule.ground]
        if find(free, real, told.outcome == PERMIT, carried) is not None:
            continue
        if find(free, real, told.flows, carried) is None:
            found.append(Finding(Fault.UNREACHABLE, rule.ground))
            continue
        could = (real, told.flows, carried)
        alone = [name for name, stops in told.forbids.items() if find(free, *could, z3.Not(stops)) is None]
        found.append(Finding(Fault.FORBIDDEN, rule.ground, ", ".join(alone or told.forbids)))
    known = {rule.ground for rule in book.rules}
    for name in DECIDED:
        found += [
            Finding(Fault.UNKNOWN_GROUND, ground, name) for ground in CATALOGUE[name].grounds if ground not in known
        ]
    return found


def differences(one: Rulebook, other: Rulebook) -> list[Difference]:
    """Return each row that is not the same in both, with a message that the two decide differently because of it."""
    free = Free(one, other)
    real = free.tellable()
    first, second = encode(one, free), encode(other, free)
    rows, others = ({rule.ground: _decisive(rule) for rule in book.rules} for book in (one, other))
    found = []
    for ground in dict.fromkeys((*rows, *others)):
        if rows.get(ground) == others.get(ground):
            continue
        a, b = (told.forbids.get(ground, told.carried.get(ground, z3.BoolVal(False))) for told in (first, second))
        asked = [told.asks.get(ground, z3.BoolVal(False)) for told in (first, second)]
        because = z3.Or(z3.Xor(a, b), z3.Xor(*asked))
        permits = [told.outcome == PERMIT for told in (first, second)]
        # What is permitted by one alone says most; then a changed outcome; then at least another ground.
        shown = (
            plainest(free, real, because, z3.Xor(*permits))
            or plainest(free, real, because, first.outcome != second.outcome)
            or plainest(free, real, z3.Xor(a, b), z3.Or(permits))
        )
        if shown is None:
            found.append(Difference(ground))
        else:
            found.append(Difference(ground, shown, shown.decide(one), shown.decide(other)))
    return found


def _decisive(rule: Rule) -> dict[str, object]:
    """Return what decisions turn on in a row: all but its words, citation, date and status."""
    return {field.name: getattr(rule, field.name) for field in fields(rule) if field.name not in _WORDS}
