"""What may be so or not in a situation: one z3 variable each, for the rows of one or several rulebooks."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import z3

from samband.connectors.rules.situation import Situation, SomeConsent, regimes_of
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import Category, free_text_category
from samband.schemas.event_bodies import MarkKind, Maturity
from samband.schemas.identifiers import AgeBand
from samband.schemas.rulebook import Effect
from samband.schemas.units import Regime, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samband.schemas.rulebook import Rulebook

__all__ = ["CONSENTS", "DECIDED", "Free"]

CONSENTS: Final = 2
"""Consents in a situation; two are enough to cover together what neither covers alone."""

DECIDED: Final = tuple(name for name, row in CATALOGUE.items() if row.carries_content)
"""The types that tell a unit something, so that the kernel decides on them."""


class Free:
    """One variable for each thing that a situation says, for the rows of one or several rulebooks."""

    def __init__(self, *books: Rulebook) -> None:
        rules = [rule for book in books for rule in book.rules]
        grounds = sorted({rule.ground for rule in rules if rule.effect is not Effect.FORBID})
        self.values: dict[str, tuple[Any, ...]] = {
            "type": ("dialogue.message", *(name for name in DECIDED if name != "dialogue.message")),
            "sender_kind": tuple(UnitKind),
            "sender_regime": tuple(Regime),
            "recipient_kind": tuple(UnitKind),
            "recipient_regime": tuple(Regime),
            "age": ("12-14", *sorted(set(AgeBand) - {"12-14"}), ""),
            "limb": ("", *dict.fromkeys(code for rule in reversed(rules) for code in rule.limbs), "unknown"),
            "necessity": ("", "care_planning", "urgent", *sorted({code for rule in rules for code in rule.purposes})),
            "claimed": ("", *grounds, "UNKNOWN"),
            "maturity": ("", *Maturity),
        }
        self.members: dict[str, tuple[Any, ...]] = {
            "told": tuple(Category),
            "marks": tuple(MarkKind),
            "standing": tuple(sorted({rule.ground for rule in rules if rule.effect is Effect.ASK})),
        }
        self.choice = {name: z3.Int(name) for name in self.values}
        self.flag: dict[str, Any] = {}
        for field in fields(Situation):
            if field.name in self.members:
                self.flag |= {
                    f"{field.name}.{each}": z3.Bool(f"{field.name}.{each}") for each in self.members[field.name]
                }
            elif field.name not in self.values and field.name != "consents":
                self.flag[field.name] = z3.Bool(field.name)
        for n in range(CONSENTS):
            for field in fields(SomeConsent):
                names = [f".{each}" for each in Category] if field.name == "covers" else [""]
                self.flag |= {key: z3.Bool(key) for key in (f"{n}.{field.name}{name}" for name in names)}

    def among(self, name: str, wanted: Iterable[Any]) -> Any:
        """Return the formula that a choice is one of some values."""
        wanted = set(wanted)
        return z3.Or([self.choice[name] == at for at, value in enumerate(self.values[name]) if value in wanted])

    def any_of(self, name: str, wanted: Iterable[Any]) -> Any:
        """Return the formula that a set holds one of some values."""
        return z3.Or([self.flag[f"{name}.{each}"] for each in wanted])

    def possible(self) -> Any:
        """Return what holds of every situation: regimes that go with kinds, and consents that can be recorded."""
        said = [z3.And(var >= 0, var < len(self.values[name])) for name, var in self.choice.items()]
        private = []
        for side in ("sender", "recipient"):
            ways = []
            for kind in UnitKind:
                here = self.among(f"{side}_kind", [kind])
                ways.append(z3.And(here, self.among(f"{side}_regime", regimes_of(kind))))
            said.append(z3.Or(ways))
            private.append(self.among(f"{side}_regime", [regime for regime in Regime if regime.private]))
        # One authority or one provider: not both.
        said.append(z3.Implies(self.flag["same_party"], private[0] == private[1]))
        for n in range(CONSENTS):
            flag = {field.name: self.flag.get(f"{n}.{field.name}") for field in fields(SomeConsent)}
            said.append(z3.Or(flag["guardians"], z3.And(flag["child_named"], flag["child_required"])))
            said.append(z3.Not(z3.And(flag["expired"], flag["not_yet"])))
        return z3.And(said)

    def tellable(self) -> Any:
        """Return that a message tells what its type tells, by itself or by its fields, and nothing else."""
        said = []
        for name in DECIDED:
            always, may, free_text = _told(name)
            for category in Category:
                told = self.flag[f"told.{category}"]
                writers = [kind for kind in UnitKind if free_text and _free_text(kind) is category]
                if category in always:
                    here = told
                elif category in may:
                    continue
                else:
                    here = z3.Implies(told, self.among("sender_kind", writers))
                said.append(z3.Implies(self.among("type", [name]), here))
        return z3.And(said)

    def read(self, model: Any) -> Situation:
        """Return the situation in a solver's model."""
        values = {name: self.values[name][_int(model, var)] for name, var in self.choice.items()}
        holds = {name: z3.is_true(model.eval(var, model_completion=True)) for name, var in self.flag.items()}
        for name, members in self.members.items():
            values[name] = frozenset(each for each in members if holds[f"{name}.{each}"])
        consents = []
        for n in range(CONSENTS):
            facts: dict[str, Any] = {f.name: holds.get(f"{n}.{f.name}", False) for f in fields(SomeConsent)}
            facts["covers"] = frozenset(each for each in Category if holds[f"{n}.covers.{each}"])
            consents.append(SomeConsent(**facts))
        rest = {name: holds[name] for name in holds if "." not in name}
        return Situation(**values, **rest, consents=tuple(consents))

    def fixed(self, situation: Situation) -> list[tuple[Any, Any]]:
        """Return each variable with its value in a situation."""
        pairs = [
            (var, z3.IntVal(self.values[name].index(getattr(situation, name)))) for name, var in self.choice.items()
        ]
        for name, var in self.flag.items():
            whose, _, rest = name.partition(".")
            if whose.isdigit():
                consent = situation.consents[int(whose)]
                field, _, member = rest.partition(".")
                held = member in consent.covers if member else getattr(consent, field)
            else:
                held = rest in getattr(situation, whose) if rest else getattr(situation, name)
            pairs.append((var, z3.BoolVal(held)))
        return pairs


def _int(model: Any, var: Any) -> int:
    return int(model.eval(var, model_completion=True).as_long())


def _told(name: str) -> tuple[set[Category], set[Category], bool]:
    """Return what a type always tells, what its fields may tell, and whether it has free text."""
    row = CATALOGUE[name]
    always = {tag.partition(":")[0] for tag in row.tags} | (set() if row.unidentified else {Category.IDENTITY})
    may = {field.tag.partition(":")[0] for field in row.fields if field.tag}
    free_text = any(field.free_text for field in row.fields)
    return {Category(each) for each in always}, {Category(each) for each in may}, free_text


def _free_text(kind: UnitKind) -> Category | None:
    return None if kind.family == "coordination" else free_text_category(kind)
