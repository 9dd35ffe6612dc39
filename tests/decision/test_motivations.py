"""A named function's motivated decision on a manual ground."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas.categories import Category
from samband.schemas.events import Digest, GroundMotivated, Id16
from samband.schemas.rulebook import Effect, shipped
from samband.schemas.speech import MANUAL_GROUNDS
from samband.schemas.units import PartyId
from samband.streams.decision.child import ChildState
from samband.streams.decision.motivations import MOST, MOST_OF_PARTY
from samband.streams.decision.said import LONGEST
from tests.decision.saying import refused, say


def motivated(kit: Any, number: int = 1, **changes: Any) -> GroundMotivated:
    """Return a decision of the school's head to tell social services."""
    body = GroundMotivated(
        motivation_id=Id16(number.to_bytes(16, "big")),
        ground="GENERAL_CLAUSE",
        recipients=("ifo",),
        categories=(Category.SCHOOL_SUPPORT,),
        valid_from=kit.NOW,
        valid_to=kit.NOW + 90 * kit.DAY,
        function="head",
        motive=Digest(bytes(32)),
        acting_user=Digest(bytes(32)),
    )
    return replace(body, **changes)


def test_the_manual_grounds_are_those_that_the_rulebook_asks_about() -> None:
    """What can be motivated is exactly what the shipped rows leave to a person."""
    assert {row.ground for row in shipped().rules if row.effect is Effect.ASK} == MANUAL_GROUNDS


@pytest.mark.parametrize("ground", sorted(MANUAL_GROUNDS))
def test_a_discloser_motivates_a_manual_ground_for_its_own(kit: Any, ground: str) -> None:
    """A unit decides for its own authority's information, on a ground that law leaves to a decision."""
    state = say(kit, ChildState(), motivated(kit, ground=ground), "school")
    (kept,) = state.motivations
    assert (kept.by, kept.party, kept.at) == ("school", "city-school", kit.NOW)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ground": "CONSENT"}, "MOTIVATION_GROUND"),
        ({"ground": "FORBID_PROTECTED"}, "MOTIVATION_GROUND"),
        ({"ground": "DUTY_REPORT"}, "MOTIVATION_GROUND"),
        ({"recipients": ("nobody",)}, "UNIT_UNKNOWN"),
        ({"recipients": ("ifo", "bus")}, "TYPE_NOT_FOR_KIND"),
        ({"valid_from": 1, "valid_to": 1_800_000_000}, "MOTIVATION_PERIOD"),
        ({"valid_to": 1_800_000_000 + LONGEST + 1}, "MOTIVATION_PERIOD"),
        ({"valid_from": 1_900_000_000, "valid_to": 1_900_000_000 + LONGEST + 1}, "MOTIVATION_PERIOD"),
    ],
)
def test_no_other_ground_no_wildcard_no_open_end(kit: Any, change: dict[str, Any], code: str) -> None:
    """A decision names a manual ground, units that exist, and an end within the longest period."""
    assert refused(kit, ChildState(), motivated(kit, **change), "school") == code


def test_the_longest_period_may_be_used_up(kit: Any) -> None:
    """A decision may stand exactly as long as the agreement allows, from now or from when it begins."""
    body = motivated(kit, valid_from=5, valid_to=kit.NOW + LONGEST)
    assert say(kit, ChildState(), body, "school").motivations
    assert say(kit, ChildState(), replace(body, valid_to=kit.NOW + 1), "school").motivations


def test_a_decision_is_recorded_once(kit: Any) -> None:
    """The same id is not recorded again, by anybody."""
    state = say(kit, ChildState(), motivated(kit), "school")
    assert refused(kit, state, motivated(kit), "school") == "MOTIVATION_ID_USED"
    assert refused(kit, state, motivated(kit), "bup") == "MOTIVATION_ID_USED"


def test_the_memory_is_bounded(kit: Any) -> None:
    """A party's decisions that stand are few, ended ones make room, and one party cannot use up another's."""
    state = ChildState()
    for number in range(MOST_OF_PARTY):
        state = say(kit, state, motivated(kit, number), "school")
    assert refused(kit, state, motivated(kit, 99), "emi") == "MOTIVATION_TOO_MANY"
    assert say(kit, state, motivated(kit, 99), "bup") != state
    later = motivated(kit, 99, valid_to=kit.NOW + 200 * kit.DAY)
    assert len(say(kit, state, later, "school", at=90 * kit.DAY).motivations) == MOST_OF_PARTY + 1
    one = state.motivations[0]
    full = ChildState(motivations=tuple(replace(one, party=PartyId(f"party-{n}")) for n in range(MOST)))
    assert refused(kit, full, motivated(kit, 99), "bup") == "MOTIVATION_TOO_MANY"
    assert len(say(kit, full, later, "bup", at=90 * kit.DAY).motivations) == 1
