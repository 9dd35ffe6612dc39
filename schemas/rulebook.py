"""The rulebook: the law as rows of data, versioned, with a hash that every decision record carries.

A row says who may (or never may) tell whom what on which ground, with its citation and the rule in plain words. The
kernel reads rows; it knows no law of its own. The shipped rows are in `rulebook.toml`; the operator's lawyers own them.

    book = shipped()
    book.rows("concern.report").permits[0].ground       'DUTY_REPORT'
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from samband.schemas import toml
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import Category
from samband.schemas.errors import OperatorError
from samband.schemas.event_bodies import MarkKind
from samband.schemas.identifiers import AgeBand
from samband.schemas.message_type import matches
from samband.schemas.units import Regime, Unit, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

__all__ = ["Effect", "Limb", "Need", "Rows", "Rule", "Rulebook", "Status", "Within", "parse", "shipped", "shipped_text"]


class Effect(StrEnum):
    """What a row does when it applies."""

    PERMIT = "permit"
    FORBID = "forbid"
    ASK = "ask"


class Need(StrEnum):
    """What must be so before a row's ground carries a message, beside kinds, regimes and limbs."""

    CONSENT = "consent"
    """Consents that cover all of it, signed by every required giver."""
    ONE_GIVER = "one_giver"
    """The same, signed by at least one of the required givers (FB 6:13)."""
    NECESSITY = "necessity"
    """The sender says what it is needed for."""
    INVESTIGATION = "investigation"
    """The recipient's board has declared an investigation of the child open."""
    REPORT = "report"
    """It answers a concern that the recipient reported to the sender's authority."""
    PART = "part"
    """It tells a discloser of its part of a consent that the sender recorded."""
    UNIDENTIFIED = "unidentified"
    """It tells nobody's identity."""


class Within(StrEnum):
    """Whether a row is about one authority's own units."""

    ANY = "any"
    SAME = "same"
    OTHER = "other"


class Status(StrEnum):
    """How far a row's text has been confirmed."""

    READ = "read"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Limb:
    """One of the alternatives of a necessity ground, and the ages for which it can be true."""

    code: str
    ages: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row."""

    ground: str
    effect: Effect
    citation: str
    sender_kinds: frozenset[UnitKind]
    sender_regimes: frozenset[Regime]
    recipient_kinds: frozenset[UnitKind]
    recipient_regimes: frozenset[Regime]
    types: frozenset[str]
    within: Within = Within.ANY
    needs: frozenset[Need] = frozenset()
    categories: frozenset[str] = frozenset()
    """A forbid row applies where the message tells any of these; empty means whatever it tells."""
    marks: frozenset[MarkKind] = frozenset()
    """A forbid row applies while one of these marks stands, except towards the units that the mark names."""
    purposes: frozenset[str] = frozenset()
    """A forbid row applies where the sender says one of these necessity codes."""
    limbs: Mapping[str, Limb] = field(default_factory=dict)
    """One of them must be claimed; empty means that none is asked for."""
    obligations: tuple[str, ...] = ()
    reason: str = ""
    """What a forbid row answers."""
    verified_on: date
    status: Status
    name_sv: str
    name_en: str
    text_sv: str
    text_en: str
    needs_consent: bool = field(init=False)
    """The row rests on a consent: on everybody's who must give it, or on one giver's."""

    def __post_init__(self) -> None:
        """Say what follows from the needs once: it is asked three times for each decision."""
        object.__setattr__(self, "needs_consent", not self.needs.isdisjoint((Need.CONSENT, Need.ONE_GIVER)))

    def concerns(self, sender: Unit, recipient: Unit) -> bool:
        """Say whether the row is about these two: kinds and regimes on both sides, and whose units they are."""
        return (
            sender.kind in self.sender_kinds
            and recipient.kind in self.recipient_kinds
            and sender.regime in self.sender_regimes
            and recipient.regime in self.recipient_regimes
            and (self.within is Within.ANY or (self.within is Within.SAME) == (sender.party == recipient.party))
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows about one message type, in order."""

    forbids: tuple[Rule, ...] = ()
    permits: tuple[Rule, ...] = ()
    """Permitting and asking rows; duties come first."""


_NO_ROWS: Final = Rows()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rows of one version."""

    rules: tuple[Rule, ...]
    version: str
    hash: bytes
    """SHA-256 of version and rows as JSON with sorted keys."""
    by_type: Mapping[str, Rows] = field(repr=False)
    _between: dict[tuple[object, ...], Rows] = field(init=False, repr=False, compare=False, default_factory=dict)
    """What `between` has found: a few for each type and pair of kinds, since nothing else tells."""

    def rows(self, type_name: str) -> Rows:
        """Return the rows about a type; none for an unknown one."""
        return self.by_type.get(type_name, _NO_ROWS)

    def between(self, type_name: str, sender: Unit, recipient: Unit) -> Rows:
        """Return the rows about a type that concern these two."""
        same = sender.party == recipient.party
        key = (type_name, sender.kind, sender.regime, recipient.kind, recipient.regime, same)
        found = self._between.get(key)
        if found is None:
            rows = self.rows(type_name)
            found = self._between[key] = Rows(
                tuple(row for row in rows.forbids if row.concerns(sender, recipient)),
                tuple(row for row in rows.permits if row.concerns(sender, recipient)),
            )
        return found

    def citation(self, ground: str) -> str:
        """Return where a ground stands in law, empty for an unknown one."""
        return next((rule.citation for rule in self.rules if rule.ground == ground), "")

    def unverified(self) -> tuple[str, ...]:
        """Return the permitting grounds that the operator's lawyers have not confirmed."""
        rules = (rule for rule in self.rules if rule.effect is not Effect.FORBID)
        return tuple(rule.ground for rule in rules if rule.status is not Status.VERIFIED)


def shipped_text() -> str:
    """Return the text of the rulebook that ships with Samband."""
    return resources.files("samband.schemas").joinpath("rulebook.toml").read_text("utf-8")


@cache
def shipped() -> Rulebook:
    """Return the rulebook that ships with Samband, which no run of this process sees change."""
    return parse(shipped_text())


def parse(text: str) -> Rulebook:
    """Return the rulebook in a TOML text.

    Raises:
        OperatorError: not a rulebook, an unknown key, kind, type or category, or two rows of one ground
            (`RULEBOOK_INVALID`).
    """
    try:
        written = toml.loads(text)
        rules = tuple(_rule(row) for row in written["rule"])
        version = written["version"]
        if set(written) != {"rule", "version"} or not isinstance(version, str):
            raise ValueError("unknown key")
        if len({rule.ground for rule in rules}) != len(rules):
            raise ValueError("two rows of one ground")
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise OperatorError("RULEBOOK_INVALID", f"the rulebook cannot be read: {wrong}") from wrong
    canonical = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    digest = hashlib.sha256(b"samband/1/rulebook\0" + canonical.encode()).digest()
    by_type = MappingProxyType({name: _rows(rules, name) for name in CATALOGUE})
    return Rulebook(rules, version, digest, by_type)


def _rows(rules: tuple[Rule, ...], type_name: str) -> Rows:
    """Return the rows about a type; of the permitting ones, those that the catalogue lets carry it."""
    about = [rule for rule in rules if type_name in rule.types]
    grounds = CATALOGUE[type_name].grounds
    return Rows(
        forbids=tuple(rule for rule in about if rule.effect is Effect.FORBID),
        permits=tuple(rule for rule in about if rule.effect is not Effect.FORBID and rule.ground in grounds),
    )


_RENAMED: Final = {"senders": "sender_kinds", "recipients": "recipient_kinds"}
_EVERY_TYPE: Final = ["*"]


def _rule(row: dict[str, Any]) -> Rule:
    known = {item.name for item in fields(Rule)}
    values = {_RENAMED.get(key, key): value for key, value in row.items() if key != "except_types"}
    if set(values) - known or set(row) & set(_RENAMED.values()):
        raise ValueError("unknown key in a row")
    values["effect"] = Effect(values["effect"])
    values["status"] = Status(values["status"])
    for side in ("sender", "recipient"):
        values[f"{side}_kinds"] = _kinds(values[f"{side}_kinds"])
        values[f"{side}_regimes"] = frozenset(map(Regime, values.get(f"{side}_regimes") or Regime))
    types = CATALOGUE if values["types"] == _EVERY_TYPE else values["types"]
    values["types"] = _known("type", types, CATALOGUE) - _known("type", row.get("except_types", []), CATALOGUE)
    values["within"] = Within(values.get("within", Within.ANY))
    values["needs"] = frozenset(map(Need, values.get("needs", [])))
    values["marks"] = frozenset(map(MarkKind, values.get("marks", [])))
    values["purposes"] = frozenset(values.get("purposes", []))
    values["categories"] = _known("category", values.get("categories", []), [item.value for item in Category])
    limbs = (Limb(limb["code"], _known("age", limb["ages"], list(AgeBand))) for limb in values.get("limbs", []))
    values["limbs"] = MappingProxyType({limb.code: limb for limb in limbs})
    values["obligations"] = tuple(values.get("obligations", ()))
    rule = Rule(**values)
    if (rule.effect is Effect.FORBID) != bool(rule.reason):
        raise ValueError("a forbid row, and only that, has a reason")
    if rule.effect is Effect.FORBID and (rule.needs or rule.limbs):
        raise ValueError("a forbid row needs nothing")
    if rule.effect is not Effect.FORBID and (rule.marks or rule.purposes or rule.categories):
        raise ValueError("only a forbid row names marks, purposes and categories")
    return rule


def _kinds(patterns: list[str]) -> frozenset[UnitKind]:
    found = frozenset(kind for kind in UnitKind if matches(kind, tuple(patterns)))
    named = {kind.value for kind in found} | {kind.family for kind in found}
    if not patterns or set(patterns) - named:
        raise ValueError("unknown kind of unit")
    return found


def _known(what: str, names: Iterable[str], allowed: Any) -> frozenset[str]:
    if set(names) - set(allowed):
        raise ValueError(f"unknown {what}")
    return frozenset(names)
