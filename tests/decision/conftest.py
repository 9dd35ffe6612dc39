"""The people of the story: units, a consent that carries, and short ways to ask."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas.categories import About, Category
from samband.schemas.events import (
    ChildView,
    ConsentGiven,
    Giver,
    GiverRole,
    GroundMotivated,
    MarkKind,
    Maturity,
    Recipient,
    View,
)
from samband.schemas.reasons import REASONS
from samband.schemas.rulebook import shipped
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.decision.changes import apply
from samband.streams.decision.child import ChildState, Investigation, Mark, MaturityFinding, Motivation, Report
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Decision, Question
from samband.streams.decision.said import Said

NOW = 1_800_000_000
DAY = 86400
UNITS = {
    unit_id: Unit(UnitId(unit_id), PartyId(party), kind, regime, unit_id)
    for unit_id, party, kind, regime in (
        ("ifo", "city-social", UnitKind.SOCIAL_IFO, Regime.OSL_26),
        ("duty", "city-social", UnitKind.SOCIAL_DUTY, Regime.OSL_26),
        ("ifo-b", "town-social", UnitKind.SOCIAL_IFO, Regime.OSL_26),
        ("lss-private", "lss-ltd", UnitKind.SOCIAL_LSS, Regime.SOL_17_11),
        ("school", "city-school", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23),
        ("emi", "city-school", UnitKind.SCHOOL_MEDICAL, Regime.OSL_25),
        ("free-school", "school-ltd", UnitKind.SCHOOL_PEDAGOGIC, Regime.SKOLLAGEN_29_14),
        ("psych", "city-school", UnitKind.SCHOOL_PSYCHOSOCIAL, Regime.OSL_23),
        ("preschool", "city-school", UnitKind.SCHOOL_PRESCHOOL, Regime.OSL_23),
        ("school-b", "town-school", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23),
        ("bup", "region", UnitKind.CARE_BUP, Regime.OSL_25),
        ("hab", "region", UnitKind.CARE_HAB, Regime.OSL_25),
        ("bup-b", "region-b", UnitKind.CARE_BUP, Regime.OSL_25),
        ("clinic-private", "clinic-ltd", UnitKind.CARE_PRIMARY, Regime.PSL_6_12),
        ("sis", "sis", UnitKind.INSTITUTION_SIS, Regime.OSL_26),
        ("hvb", "hvb-ltd", UnitKind.INSTITUTION_HVB, Regime.SOL_17_11),
        ("bus", "bus", UnitKind.COORDINATION_BUS, Regime.NONE),
    )
}
BOOK = shipped()
GUARDIANS = (Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.GUARDIAN, "guardian-2"))
CONSENT = ConsentGiven(
    consent_id=b"\x01" * 16,  # type: ignore[arg-type]
    disclosers=("ifo",),
    recipients=(Recipient("school"),),
    categories=(Category.IDENTITY, Category.PLACEMENT),
    purpose="coordination",
    valid_from=NOW - DAY,
    valid_to=NOW + 90 * DAY,
    givers=GUARDIANS,
    signed_by=("guardian-1", "guardian-2"),
    child_view=ChildView(View.AGREES),
    evidence=bytes(32),  # type: ignore[arg-type]
    recorder_role="social_secretary",
    acting_user=bytes(32),  # type: ignore[arg-type]
)


def consent(**changes: Any) -> ConsentGiven:
    """Return the consent of the story with some fields changed; `to` and `by` are short for units."""
    if "to" in changes:
        changes["recipients"] = tuple(Recipient(unit) for unit in changes.pop("to"))
    if "by" in changes:
        changes["disclosers"] = tuple(changes.pop("by"))
    if "number" in changes:
        changes["consent_id"] = bytes([changes.pop("number")]) * 16
    return replace(CONSENT, **changes)


def tell(state: ChildState, body: Any, signer: str, now: int = NOW, entry: bytes = bytes(32)) -> ChildState:
    """Return the state after an event."""
    return apply(state, body, Said(UNITS[signer], now, entry, UNITS.get))


def told(*events: tuple[Any, str]) -> ChildState:
    """Return the state after events (body, signer)."""
    state = ChildState()
    for body, signer in events:
        state = tell(state, body, signer)
    return state


def investigates(state: ChildState, board: str, until: int = NOW + 120 * DAY) -> ChildState:
    """Return the state where a board has an open investigation."""
    added = Investigation(board, UNITS[board].party, NOW, until, bytes(32))
    return replace(state, investigations=(*state.investigations, added))


def reported(state: ChildState, number: int, by: str, to: str) -> ChildState:
    """Return the state where a unit has reported a concern to a board, in the message with that number."""
    added = Report(bytes([number]) * 16, by, UNITS[to].party, NOW)  # type: ignore[arg-type]
    return replace(state, reports=(*state.reports, added))


def mature(state: ChildState, level: Maturity, by: str) -> ChildState:
    """Return the state where a unit has found who must consent."""
    added = MaturityFinding(level, by, UNITS[by].party, NOW, bytes(32))
    return replace(state, maturities=(*state.maturities, added))


def marked(state: ChildState, kind: MarkKind, *named: str) -> ChildState:
    """Return the state with a protection mark that names units that may still be told."""
    return replace(state, marks=(*state.marks, Mark(kind, "ifo", NOW, bytes(32), named)))


def motivated(state: ChildState, ground: str, by: str, to: str, **more: Any) -> ChildState:
    """Return the state where a named function of a unit has decided on a manual ground, until a day."""
    body = GroundMotivated(
        motivation_id=bytes(16),  # type: ignore[arg-type]
        ground=ground,
        recipients=(to,),
        categories=more.get("categories", (Category.IDENTITY, Category.PLACEMENT)),
        about=more.get("about", About.CHILD),
        valid_from=more.get("since", NOW),
        valid_to=more.get("until", NOW + 10 * DAY),
        function="head_of_unit",
        motive=bytes(32),  # type: ignore[arg-type]
        acting_user=bytes(32),  # type: ignore[arg-type]
    )
    return replace(state, motivations=(*state.motivations, Motivation(body, by, UNITS[by].party, NOW, bytes(32))))


def ask(type_name: str, sender: str, recipient: str, state: ChildState | None = None, **more: Any) -> Decision:
    """Return the decision on a message."""
    categories = more.get("categories", ("identity:child", "placement:child"))
    claims = Claims(
        more.get("age", "12-14"), more.get("limb", ""), more.get("necessity", ""), more.get("motivated", False)
    )
    question = Question(
        type_name, UNITS[sender], UNITS[recipient], categories, claims, more.get("ground", ""), more.get("role", ""),
        more.get("ref_to", b""),
    )  # fmt: skip
    return decide(question, state or ChildState(), more.get("book", BOOK), more.get("now", NOW))


class Kit(SimpleNamespace):
    """The story's people; what fails is told without all of them."""

    def __repr__(self) -> str:
        return "kit"


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """Return the people of the story."""
    return Kit(
        NOW=NOW, DAY=DAY, UNITS=UNITS, BOOK=BOOK, consent=consent, tell=tell, told=told, ask=ask,
        investigates=investigates, reported=reported, mature=mature, marked=marked, motivated=motivated,
    )  # fmt: skip


@pytest.fixture(scope="session")
def decision_reasons() -> set[str]:
    """Return every reason that a decision can give, as they stand in the modules that decide."""
    folder = Path(decide.__code__.co_filename).parent
    text = "".join((folder / f"{name}.py").read_text("utf-8") for name in ("kernel", "conditions", "support"))
    rows = {rule.reason for rule in BOOK.rules if rule.reason}
    return rows | {code for code in REASONS if f'"{code}"' in text and code != "ERROR"}


@pytest.fixture(scope="session")
def twin() -> ModuleType:
    """Return the naive second version."""
    path = Path(__file__).parent.parent / "twins" / "decision.py"
    spec = importlib.util.spec_from_file_location("samband_twin_decision", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
