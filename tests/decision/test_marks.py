"""Protection marks: one word sets, two lift."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.events import (
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentWithdrawn,
    MarkKind,
    Member,
    ProtectionMarked,
)
from samband.streams.decision.child import ChildState
from samband.streams.decision.marks import LIFT_WAITS, MOST_LIFTED
from tests.decision.saying import refused, say

THREAT = ProtectionMarked(MarkKind.THREAT)
LIFT = ProtectionMarked(MarkKind.THREAT, lifted=True)


@pytest.fixture
def marked(kit: Any) -> ChildState:
    """Give a child with a threat mark set by the home, social services responsible, school and care in the circle."""
    circle = CircleUpdate(tuple(Member(unit, "role", 1) for unit in ("school", "bup", "duty")), claim=True)
    return say(kit, say(kit, ChildState(), circle, "ifo"), THREAT, "hvb")


@pytest.mark.parametrize("signer", ["ifo", "school", "bup", "hvb", "clinic-private", "free-school", "ifo-b"])
def test_any_party_sets_a_mark_at_once(kit: Any, signer: str) -> None:
    """Any party marks a child, involved or not; a mark that stands is not set a second time."""
    state = say(kit, ChildState(), THREAT, signer)
    assert [(mark.kind, mark.set_by, mark.lifted_at) for mark in state.marks] == [(MarkKind.THREAT, signer, 0)]
    assert say(kit, state, THREAT, "emi", at=5) == state
    assert len(say(kit, state, ProtectionMarked(MarkKind.SECRECY), signer).marks) == 2


@pytest.mark.parametrize(("first", "second"), [("ifo", "school"), ("school", "ifo"), ("hvb", "ifo"), ("ifo", "hvb")])
def test_two_parties_lift_the_responsible_unit_among_them(
    kit: Any, marked: ChildState, first: str, second: str
) -> None:
    """The responsible unit and a member, or the party that set it, lift a mark together, in either order."""
    asked = say(kit, marked, LIFT, first, at=1)
    assert asked.standing_marks
    assert asked.marks[0].lift_by == first
    lifted = say(kit, asked, LIFT, second, at=2)
    assert not lifted.standing_marks
    assert lifted.marks[0].lifted_at == kit.NOW + 2
    assert refused(kit, lifted, LIFT, "ifo") == "MARK_NOT_SET"


@pytest.mark.parametrize("again", ["ifo", "duty"])
def test_one_authority_is_not_two(kit: Any, marked: ChildState, again: str) -> None:
    """A second word from the same authority lifts nothing, whichever of its units says it."""
    asked = say(kit, marked, LIFT, "ifo")
    assert refused(kit, asked, LIFT, again) == "MARK_LIFT_NEEDS_TWO"


def test_two_without_the_responsible_unit_do_not_lift(kit: Any, marked: ChildState) -> None:
    """Where a unit is responsible, two others do not lift; its word beside the first one's does."""
    asked = say(kit, marked, LIFT, "school")
    assert refused(kit, asked, LIFT, "bup") == "MARK_LIFT_RESPONSIBLE"
    assert not say(kit, asked, LIFT, "ifo").standing_marks


def test_another_unit_of_its_authority_does_not_stand_in_the_responsible_unit_s_way(
    kit: Any, marked: ChildState
) -> None:
    """The responsible unit's first word takes the place of one from another unit of its own authority."""
    asked = say(kit, marked, LIFT, "duty")
    assert refused(kit, asked, LIFT, "school") == "MARK_LIFT_RESPONSIBLE"
    asked = say(kit, asked, LIFT, "ifo")
    assert asked.standing_marks[0].lift_by == "ifo"
    assert not say(kit, asked, LIFT, "school").standing_marks


def test_who_was_responsible_is_not_enough(kit: Any, marked: ChildState) -> None:
    """A word of the unit that has handed the child over since does not count as the responsible unit's."""
    state = say(kit, marked, LIFT, "ifo")
    state = say(kit, say(kit, state, CircleHandover("ifo-b"), "ifo"), CircleAccepted("ifo"), "ifo-b")
    assert refused(kit, state, LIFT, "school") == "MARK_LIFT_RESPONSIBLE"
    assert not say(kit, state, LIFT, "ifo-b").standing_marks


@pytest.mark.parametrize("signer", ["clinic-private", "free-school", "ifo-b", "emi"])
def test_an_uninvolved_party_does_not_lift(kit: Any, marked: ChildState, signer: str) -> None:
    """Who has nothing to do with the child lifts nothing, as first or second, and hears the same for every child."""
    for state in (marked, say(kit, marked, LIFT, "ifo"), ChildState()):
        assert refused(kit, state, LIFT, signer) == "MARK_UNINVOLVED"


def test_where_nobody_is_responsible_two_that_are_involved_lift(kit: Any) -> None:
    """Without a responsible unit, the party that set a mark and one that a consent names lift it."""
    state = say(kit, say(kit, ChildState(), THREAT, "hvb"), kit.consent(), "ifo")
    assert not say(kit, say(kit, state, LIFT, "hvb"), LIFT, "school").standing_marks
    closed = say(kit, state, ConsentWithdrawn(), "bup")
    assert refused(kit, closed, LIFT, "school") == "MARK_UNINVOLVED"
    assert refused(kit, state, LIFT, "school", at=91 * kit.DAY) == "MARK_UNINVOLVED"


def test_a_request_to_lift_waits_a_fortnight(kit: Any, marked: ChildState) -> None:
    """A second word within 14 days lifts; later it is a first word."""
    asked = say(kit, marked, LIFT, "school")
    assert not say(kit, asked, LIFT, "ifo", at=LIFT_WAITS).standing_marks
    late = say(kit, asked, LIFT, "ifo", at=LIFT_WAITS + 1)
    assert late.standing_marks[0].lift_by == "ifo"
    assert not say(kit, late, LIFT, "school", at=LIFT_WAITS + 2).standing_marks
    assert say(kit, asked, LIFT, "school", at=LIFT_WAITS + 1).standing_marks


def test_setting_it_anew_ends_a_request_to_lift(kit: Any, marked: ChildState) -> None:
    """Whoever knows of a danger sets the mark again, and the words to lift it must be said anew."""
    asked = say(kit, marked, LIFT, "school")
    again = say(kit, asked, THREAT, "clinic-private")
    assert again == marked
    assert say(kit, again, LIFT, "ifo").standing_marks


def test_while_two_claim_the_child_nothing_is_lifted(kit: Any, marked: ChildState) -> None:
    """With two claims at once a mark is set but not lifted."""
    contested = say(kit, marked, CircleUpdate(claim=True), "ifo-b")
    for signer in ("ifo", "ifo-b", "school"):
        assert refused(kit, contested, LIFT, signer) == "CIRCLE_CONTESTED"
    assert say(kit, contested, ProtectionMarked(MarkKind.SECRECY), "ifo-b").marks


def test_only_the_responsible_unit_names_who_may_be_told(kit: Any, marked: ChildState) -> None:
    """Named units come from the responsible unit only, exist, and are replaced each time that it sets the mark."""
    naming = ProtectionMarked(MarkKind.THREAT, named=("school", "bup"))
    for signer in ("hvb", "school", "duty", "ifo-b"):
        assert refused(kit, marked, naming, signer) == "MARK_NAMED"
    assert refused(kit, ChildState(), naming, "ifo") == "MARK_NAMED"
    assert refused(kit, marked, ProtectionMarked(MarkKind.THREAT, named=("nobody",)), "ifo") == "UNIT_UNKNOWN"
    named = say(kit, marked, naming, "ifo")
    assert named.standing_marks[0].named == ("school", "bup")
    assert named.standing_marks[0].set_by == "hvb"
    assert say(kit, named, THREAT, "hvb") == named
    assert say(kit, named, ProtectionMarked(MarkKind.THREAT, named=("bup",)), "ifo").marks[0].named == ("bup",)
    assert say(kit, named, THREAT, "ifo").marks[0].named == ()
    fresh = say(kit, marked, ProtectionMarked(MarkKind.SECRECY, named=("school",)), "ifo")
    assert fresh.marks[1].named == ("school",)
    contested = say(kit, marked, CircleUpdate(claim=True), "ifo-b")
    assert refused(kit, contested, naming, "ifo") == "CIRCLE_CONTESTED"


def test_setting_is_never_refused_for_lack_of_room(kit: Any, marked: ChildState) -> None:
    """However often a mark was set and lifted, it is set again; only the newest lifted ones are remembered."""
    state = marked
    for at in range(MOST_LIFTED + 5):
        state = say(kit, say(kit, state, LIFT, "ifo", at=at), LIFT, "school", at=at)
        state = say(kit, state, THREAT, "hvb", at=at)
        assert [mark.kind for mark in state.standing_marks] == [MarkKind.THREAT]
    assert len(state.marks) == MOST_LIFTED + 1
    assert state.marks[0].lifted_at == kit.NOW + 5
