"""A rulebook as formulas: what the kernel decides, for every situation at once. Needs z3 (`samband[prove]`).

    free = Free(shipped())                     one variable for each thing that may be so or not
    told = encode(shipped(), free)             outcome and rows as formulas over them
    found = find(free, told.carried["CONSENT"])      a situation in which that holds, or None: it never does

The formulas are written anew from the rows and are no copy of the kernel; a test decides a thousand random situations
by both, so that what is proved of the formulas can be believed of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import z3

from samband.connectors.rules.free import CONSENTS, DECIDED
from samband.connectors.rules.situation import SomeConsent
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import Category
from samband.schemas.event_bodies import Maturity
from samband.schemas.identifiers import AgeBand
from samband.schemas.rulebook import Effect, Need, Within
from samband.schemas.units import Regime, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from samband.connectors.rules.free import Free
    from samband.connectors.rules.situation import Situation
    from samband.schemas.rulebook import Rule, Rulebook

__all__ = ["ASK", "DENY", "PERMIT", "Encoded", "encode", "find", "plainest"]

DENY, ASK, PERMIT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rulebook's answer as formulas."""

    outcome: Any
    """An integer: DENY, ASK or PERMIT."""
    flows: Any
    """The type goes between such units, the recipient takes it, and role and number are good."""
    forbids: dict[str, Any]
    """Whether each forbid row applies, in order."""
    carried: dict[str, Any]
    """Whether each other row's ground carries the message, in order."""
    asks: dict[str, Any]


def encode(book: Rulebook, free: Free) -> Encoded:
    """Return what a rulebook decides, as formulas."""
    forbids, carried, asks = {}, {}, {}
    for rule in book.rules:
        if rule.effect is Effect.FORBID:
            forbids[rule.ground] = _forbids(rule, book, free)
        else:
            carried[rule.ground], asks[rule.ground] = _carries(rule, book, free)
    flows = z3.And(
        z3.Or([_goes(name, free) for name in DECIDED]),
        free.flag["taken"],
        z3.Not(free.flag["moved"]),
        z3.Implies(free.flag["by_role"], free.flag["role_held"]),
    )
    allowed = z3.If(z3.Or(list(carried.values())), PERMIT, z3.If(z3.Or(list(asks.values())), ASK, DENY))
    stopped = z3.Or(z3.Not(flows), *forbids.values())
    return Encoded(z3.If(stopped, DENY, allowed), flows, forbids, carried, asks)


def find(free: Free, *wanted: Any) -> Situation | None:
    """Return a situation in which all formulas hold, None where they never do."""
    solver = z3.Solver()
    solver.add(free.possible(), *wanted)
    return free.read(solver.model()) if solver.check() == z3.sat else None


def plainest(free: Free, *wanted: Any) -> Situation | None:
    """Return such a situation with as little in it as possible, so that a person can read it."""
    solver = z3.Solver()
    solver.add(free.possible(), *wanted)
    if solver.check() != z3.sat:
        return None
    for wishes in _wishes(free):
        for wish in wishes:  # the first one that can be had
            solver.push()
            solver.add(wish)
            if solver.check() == z3.sat:
                break
            solver.pop()
    solver.check()
    return free.read(solver.model())


def _wishes(free: Free) -> Iterator[list[Any]]:
    """Yield what is plainest, alternatives in order: authorities, good consents or none, nothing out of the way."""
    good = {"discloses", "named", "guardians", "guardian_1", "guardian_2", "own_record", "taken"}
    for side in ("sender_regime", "recipient_regime"):
        yield [z3.Not(free.among(side, [regime for regime in Regime if regime.private]))]
    for name, var in free.flag.items():
        if not name.startswith("told.") and ".covers." not in name:
            yield [var == (name.rpartition(".")[2] in good)]
    for name, var in free.flag.items():
        if name.startswith("told.") or ".covers." in name:
            yield [z3.Not(var)]
    for name in ("claimed", "limb", "necessity", "age", "maturity", "type", "sender_kind", "recipient_kind"):
        yield [free.choice[name] == at for at in range(len(free.values[name]))]


def _goes(name: str, free: Free) -> Any:
    row = CATALOGUE[name]
    pairs = [(a, b) for a in UnitKind for b in UnitKind if row.may(a, b)]
    return z3.And(
        free.among("type", [name]),
        free.among("sender_kind", {a for a, _ in pairs}),
        free.among("recipient_kind", {b for _, b in pairs}),
    )


def _concerns(rule: Rule, types: Iterable[str], free: Free) -> Any:
    within = {Within.ANY: True, Within.SAME: free.flag["same_party"], Within.OTHER: z3.Not(free.flag["same_party"])}
    return z3.And(
        free.among("type", types),
        free.among("sender_kind", rule.sender_kinds),
        free.among("sender_regime", rule.sender_regimes),
        free.among("recipient_kind", rule.recipient_kinds),
        free.among("recipient_regime", rule.recipient_regimes),
        within[rule.within],
    )


def _forbids(rule: Rule, book: Rulebook, free: Free) -> Any:
    types = [name for name in DECIDED if rule in book.rows(name).forbids]
    return z3.And(
        _concerns(rule, types, free),
        free.any_of("marks", rule.marks) if rule.marks else True,
        free.among("necessity", rule.purposes) if rule.purposes else True,
        free.any_of("told", rule.categories) if rule.categories else True,
    )


def _carries(rule: Rule, book: Rulebook, free: Free) -> tuple[Any, Any]:
    """Return whether a row's ground carries the message, and whether it asks a person."""
    claimed = free.among("claimed", [rule.ground])
    manual: Any = z3.BoolVal(False)
    if rule.effect is Effect.ASK:
        manual = z3.Not(z3.Or(z3.And(free.flag["motivated"], claimed), free.flag[f"standing.{rule.ground}"]))
    types = [name for name in DECIDED if rule in book.rows(name).permits]
    limbs = [z3.And(free.among("limb", [code]), free.among("age", limb.ages)) for code, limb in rule.limbs.items()]
    ready = z3.And(
        _concerns(rule, types, free),
        z3.Or(claimed, z3.And(free.among("claimed", [""]), z3.Not(manual))),
        z3.Or(limbs) if limbs else True,
        *(_needs(need, free) for need in sorted(rule.needs)),
    )
    if not rule.needs_consent:
        return z3.And(ready, z3.Not(manual)), z3.And(ready, manual)
    covered, doubtful, objects = _consents(free, one_giver=Need.ONE_GIVER in rule.needs)
    contested = free.flag["contested"]
    carried = z3.And(ready, z3.Not(contested), covered, z3.Not(objects), z3.Not(manual))
    asks = z3.Or(contested, z3.And(covered, z3.Or(objects, manual)), z3.And(z3.Not(covered), doubtful))
    return carried, z3.And(ready, asks)


def _needs(need: Need, free: Free) -> Any:
    match need:
        case Need.NECESSITY:
            return z3.Not(free.among("necessity", [""]))
        case Need.INVESTIGATION | Need.REPORT | Need.PART:
            return free.flag[need.value]
        case Need.UNIDENTIFIED:
            return z3.Not(free.flag["told.identity"])
        case Need.CONSENT | Need.ONE_GIVER:
            return True


def _consents(free: Free, *, one_giver: bool) -> tuple[Any, Any, Any]:
    """Return whether consents cover what is told, whether a person may still decide, whether the child objects."""
    carrying, doubtful, objects = [], [], []
    for n in range(CONSENTS):
        has = {field.name: free.flag.get(f"{n}.{field.name}") for field in fields(SomeConsent)}
        between = z3.And(has["exists"], has["discloses"], has["named"])
        open_ = z3.And(between, *(z3.Not(has[name]) for name in ("withdrawn", "withdrawn_towards", "expired")))
        stands = z3.And(open_, _signed(has, free, one_giver=one_giver), z3.Or(has["own_record"], has["confirmed"]))
        doubtful.append(z3.And(stands, z3.Or(has["role_gone"], has["disputed"])))
        carrying.append(z3.And(stands, z3.Not(z3.Or(has["role_gone"], has["disputed"], has["not_yet"]))))
        objects.append(z3.And(open_, has["objected"]))
    told = [free.flag[f"told.{each}"] for each in Category]
    covered = [
        z3.Implies(
            free.flag[f"told.{each}"],
            z3.Or([z3.And(carrying[n], free.flag[f"{n}.covers.{each}"]) for n in range(CONSENTS)]),
        )
        for each in Category
    ]
    return z3.And(z3.Or(told), *covered), z3.And(z3.Or(doubtful), z3.Not(z3.Or(carrying))), z3.Or(objects)


def _signed(has: dict[str, Any], free: Free, *, one_giver: bool) -> Any:
    """Return whether those who must consent have (OSL 12:2–3, FB 6:11)."""
    own = z3.And(has["child_named"], has["child_signed"])
    guardians = z3.And(has["guardians"], z3.Or(has["guardian_1"], has["guardian_2"]))
    missing = z3.Or(
        z3.And(has["guardians"], z3.Not(z3.And(has["guardian_1"], has["guardian_2"]))),
        z3.And(has["child_named"], has["child_required"], z3.Not(has["child_signed"])),
    )
    enough = z3.Or(z3.Not(missing), z3.Or(guardians, own)) if one_giver else z3.Not(missing)
    minor = z3.And(
        z3.Implies(z3.Not(has["guardians"]), free.among("maturity", [Maturity.CHILD])),
        z3.Implies(free.among("maturity", [Maturity.CHILD, Maturity.GUARDIANS_AND_CHILD]), own),
        enough,
    )
    return z3.If(free.among("age", [AgeBand.FROM_18]), z3.And(own, has["child_required"]), minor)
