"""What is true of the shipped rulebook in every situation, proved; and that the proofs are about the real kernel."""

from __future__ import annotations

import random
from dataclasses import fields
from importlib import resources
from typing import Any

import pytest
import z3

from samband.connectors.rules.free import CONSENTS, Free
from samband.connectors.rules.model import DENY, PERMIT, Encoded, encode, find, plainest
from samband.connectors.rules.situation import Situation, SomeConsent, regimes_of
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import Category
from samband.schemas.rulebook import Effect, parse, shipped
from samband.streams.decision.question import Outcome

BOOK = shipped()
FREE = Free(BOOK)
TOLD = encode(BOOK, FREE)
OUTCOMES = (Outcome.DENY, Outcome.ASK, Outcome.PERMIT)
PERMITTING = [rule.ground for rule in BOOK.rules if rule.effect is not Effect.FORBID]
FORBIDDING = [rule.ground for rule in BOOK.rules if rule.effect is Effect.FORBID]
MANUAL = [rule.ground for rule in BOOK.rules if rule.effect is Effect.ASK]


def never(*formulas: Any) -> None:
    """Assert that there is no situation in which all of these hold; a counterexample is shown."""
    assert find(FREE, *formulas) is None


def flaw(n: int, name: str) -> Any:
    """Return that a consent has a flaw: what the name says, or the lack of it for a name that begins with `no `."""
    if name == "pending":
        guardian = z3.And(FREE.flag[f"{n}.guardians"], z3.Not(FREE.flag[f"{n}.guardian_2"]))
        child = z3.And(FREE.flag[f"{n}.child_required"], z3.Not(FREE.flag[f"{n}.child_signed"]))
        minor = z3.Not(FREE.among("age", ["18-20"]))
        return z3.Or(z3.And(minor, guardian), z3.And(FREE.flag[f"{n}.child_named"], child))
    if name == "unconfirmed":
        return z3.Not(z3.Or(FREE.flag[f"{n}.own_record"], FREE.flag[f"{n}.confirmed"]))
    held = FREE.flag[f"{n}.{name.removeprefix('no ')}"]
    return z3.Not(held) if name.startswith("no ") else held


FLAWS = ["withdrawn", "withdrawn_towards", "pending", "unconfirmed", "disputed", "expired", "not_yet", "role_gone",
         "no exists", "no discloses", "no named"]  # fmt: skip


@pytest.mark.parametrize("name", FLAWS)
def test_what_is_told_on_consent_is_covered_by_one_without_flaw(name: str) -> None:
    """A consent that is withdrawn, pending, unconfirmed, doubted, over or somebody else's never permits on CONSENT.

    Whatever is told on CONSENT, some consent without the flaw covers it; so a flawed one adds nothing to it.
    """
    for told in Category:
        without = [z3.And(FREE.flag[f"{n}.covers.{told}"], z3.Not(flaw(n, name))) for n in range(CONSENTS)]
        never(TOLD.carried["CONSENT"], FREE.flag[f"told.{told}"], z3.Not(z3.Or(without)))


@pytest.mark.parametrize("ground", ["CONSENT", "ONE_GUARDIAN"])
def test_nothing_rests_on_consent_while_two_units_claim_the_child_or_the_child_objects(ground: str) -> None:
    """A contested child, or one who objects in a consent that stands between the two, is never a permit on consent."""
    never(TOLD.carried[ground], FREE.flag["contested"])
    stands = ("exists", "discloses", "named", "objected", "no withdrawn", "no withdrawn_towards", "no expired")
    never(TOLD.carried[ground], *(flaw(0, name) for name in stands))


def test_guardians_consent_to_nothing_about_an_adult() -> None:
    """From 18 years only the young adult's own signature carries."""
    for told in Category:
        own = [z3.And(FREE.flag[f"{n}.child_signed"], FREE.flag[f"{n}.covers.{told}"]) for n in range(CONSENTS)]
        never(TOLD.carried["CONSENT"], FREE.among("age", ["18-20"]), FREE.flag[f"told.{told}"], z3.Not(z3.Or(own)))


def test_no_permit_lacks_a_cited_ground() -> None:
    """Whenever something is permitted, a row with a citation carries it."""
    cited = [formula for ground, formula in TOLD.carried.items() if BOOK.citation(ground)]
    never(TOLD.outcome == PERMIT, z3.Not(z3.Or(cited)))
    assert all(rule.citation for rule in BOOK.rules)


@pytest.mark.parametrize("ground", FORBIDDING)
def test_forbid_rows_win_over_every_permit(ground: str) -> None:
    """Where a forbid row applies the answer is no: urgent, motivated, consented to or owed by law."""
    never(TOLD.forbids[ground], TOLD.outcome != DENY)
    for urgent in ("urgent", "care_planning"):
        never(TOLD.forbids[ground], FREE.among("necessity", [urgent]), FREE.flag["motivated"], TOLD.outcome != DENY)


def test_default_is_deny() -> None:
    """Where no row carries and none asks, the answer is no; and what does not flow is never permitted."""
    never(z3.Not(z3.Or(*TOLD.carried.values(), *TOLD.asks.values())), TOLD.outcome != DENY)
    never(z3.Not(TOLD.flows), TOLD.outcome != DENY)


@pytest.mark.parametrize("ground", MANUAL)
def test_a_manual_ground_needs_a_function_s_decision(ground: str) -> None:
    """A manual ground never carries unless a named function has decided on that very ground."""
    decided = z3.And(FREE.flag["motivated"], FREE.among("claimed", [ground]))
    never(TOLD.carried[ground], z3.Not(z3.Or(decided, FREE.flag[f"standing.{ground}"])))


def test_a_pedagogic_school_is_told_nothing_on_necessity() -> None:
    """Care and social services tell a pedagogic school on consent, motivated, or as feedback: nothing else."""
    allowed = {"CONSENT", "CONSENT_PART", "FEEDBACK", "UNIDENTIFIED", *MANUAL}
    others = [formula for ground, formula in TOLD.carried.items() if ground not in allowed]
    care = [kind for kind in FREE.values["sender_kind"] if kind.family in ("social", "care")]
    never(FREE.among("sender_kind", care), FREE.among("recipient_kind", ["school.pedagogic"]), z3.Or(others))


@pytest.mark.parametrize("ground", [rule.ground for rule in BOOK.rules])
def test_each_row_is_reachable(ground: str) -> None:
    """Each row decides something by itself: a situation is found in which the kernel names that row and no other."""
    if ground in FORBIDDING:
        others = [TOLD.forbids[other] for other in FORBIDDING if other != ground]
        found = find(FREE, TOLD.flows, TOLD.forbids[ground], z3.Not(z3.Or(others)))
    else:
        others = [TOLD.carried[other] for other in PERMITTING if other != ground]
        found = plainest(FREE, TOLD.outcome == PERMIT, TOLD.carried[ground], z3.Not(z3.Or(others)))
    assert found is not None
    decision = found.decide(BOOK)
    assert decision.grounds == (ground,)
    assert decision.outcome == ("deny" if ground in FORBIDDING else "permit")


def test_the_formulas_decide_as_the_kernel_does() -> None:
    """A thousand random situations are decided equally by the formulas and by the real kernel, on the same grounds."""
    whole = _as_one(TOLD)
    chance = random.Random(7)
    outcomes = []
    for _ in range(1000):
        situation = _by_chance(chance)
        outcome, forbids, carried = _evaluated(whole, situation)
        decision = situation.decide(BOOK)
        assert decision.outcome is OUTCOMES[outcome], situation
        if decision.outcome is Outcome.PERMIT:
            assert decision.grounds == carried, situation
        elif decision.grounds:
            assert decision.grounds == forbids[:1], situation
        outcomes.append(decision.outcome)
    assert min(outcomes.count(each) for each in OUTCOMES) >= 25


def test_a_proof_fails_where_a_row_is_wrong() -> None:
    """A row CONSENT that needs no consent is found out: there is a message that it permits on a withdrawn one."""
    rows = resources.files("samband.schemas").joinpath("rulebook.toml").read_text("utf-8")
    wrong = parse(rows.replace('needs = ["consent"]', "needs = []"))
    free = Free(wrong)
    told = encode(wrong, free)
    withdrawn = [free.flag[f"{n}.withdrawn"] for n in range(CONSENTS)]
    found = find(free, told.carried["CONSENT"], told.outcome == PERMIT, *withdrawn)
    assert found is not None
    assert "CONSENT" in found.decide(wrong).grounds


def _as_one(told: Encoded) -> Any:
    """Return one term of all formulas, so that one substitution gives all their values."""
    formulas = [*told.forbids.values(), *told.carried.values()]
    whole = z3.Function("whole", z3.IntSort(), *(z3.BoolSort() for _ in formulas), z3.BoolSort())
    return whole(told.outcome, *formulas)


def _evaluated(whole: Any, situation: Situation) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    values = z3.simplify(z3.substitute(whole, *FREE.fixed(situation))).children()
    truths = [z3.is_true(value) for value in values[1:]]
    assert all(z3.is_true(value) or z3.is_false(value) for value in values[1:])
    named = [name for name, true in zip([*FORBIDDING, *PERMITTING], truths, strict=True) if true]
    return (
        values[0].as_long(),
        tuple(name for name in named if name in FORBIDDING),
        tuple(name for name in named if name in PERMITTING),
    )


def _by_chance(chance: random.Random) -> Situation:
    """Return a situation by chance; in most a consent stands and little is wrong, or nothing would be permitted."""
    values = {name: chance.choice(options) for name, options in FREE.values.items()}
    if chance.random() < 0.7:
        values |= _units(chance, values["type"])
    for name in ("limb", "claimed", "necessity"):
        if chance.random() < 0.5:
            values[name] = ""
    told = frozenset(chance.sample(list(Category), chance.choice([0, 1, 1, 2, 3])))
    rare = {
        name: chance.random() < 0.1 for name in ("moved", "contested", "by_role", "report", "part", "investigation")
    }
    return Situation(
        **values, **rare,
        same_party=chance.random() < 0.3, taken=chance.random() < 0.95, role_held=chance.random() < 0.5,
        motivated=chance.random() < 0.5, told=told,
        standing=frozenset(ground for ground in MANUAL if chance.random() < 0.1),
        marks=frozenset(mark for mark in FREE.members["marks"] if chance.random() < 0.1),
        consents=tuple(_consent(chance, told) for _ in range(CONSENTS)),
    )  # fmt: skip


def _units(chance: random.Random, type_name: str) -> dict[str, Any]:
    """Return kinds and regimes of two units between whom a type goes."""
    kinds = FREE.values["sender_kind"]
    a, b = chance.choice([(a, b) for a in kinds for b in kinds if CATALOGUE[type_name].may(a, b)])
    return {
        "sender_kind": a, "sender_regime": chance.choice(regimes_of(a)),
        "recipient_kind": b, "recipient_regime": chance.choice(regimes_of(b)),
    }  # fmt: skip


def _consent(chance: random.Random, told: frozenset[Category]) -> SomeConsent:
    good = {"exists", "discloses", "named", "guardians", "guardian_1", "guardian_2", "child_signed", "own_record"}
    facts: dict[str, Any] = {
        field.name: chance.random() < (0.9 if field.name in good else 0.12) for field in fields(SomeConsent)
    }
    facts["covers"] = frozenset(each for each in told if chance.random() < 0.8)
    facts["child_required"] = facts["child_required"] or not facts["guardians"]
    facts["child_named"] = facts["child_named"] or not facts["guardians"]
    facts["not_yet"] = facts["not_yet"] and not facts["expired"]
    return SomeConsent(**facts)
