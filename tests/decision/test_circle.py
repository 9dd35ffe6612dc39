"""Who answers for a child: the first to claim, two at once, and from one to another."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.events import CircleAccepted, CircleHandover, CircleUpdate, Member
from samband.streams.decision.child import ChildState, Circle
from samband.streams.decision.speech import CONTEST
from tests.decision.saying import refused, say

CLAIM = CircleUpdate(claim=True)


def members(kit: Any) -> tuple[Member, ...]:
    return (Member("school", "school", kit.NOW),)


@pytest.fixture
def claimed(kit: Any) -> ChildState:
    """Give a child that social services answer for, with its school in the circle."""
    return say(kit, ChildState(), CircleUpdate(members(kit), claim=True), "ifo")


@pytest.fixture
def contested(kit: Any, claimed: ChildState) -> ChildState:
    """Give a child that two authorities claim."""
    return say(kit, claimed, CLAIM, "ifo-b", at=CONTEST - 1)


def test_the_first_to_claim_says_who_belongs(kit: Any, claimed: ChildState) -> None:
    """The first social services unit to claim a child is responsible; it replaces the members, nobody else does."""
    assert claimed.circle == Circle("ifo", kit.NOW, members(kit))
    assert say(kit, claimed, CircleUpdate(), "ifo", at=9).circle == Circle("ifo", kit.NOW)
    assert refused(kit, ChildState(), CircleUpdate(), "ifo") == "CIRCLE_NOT_CLAIMED"
    assert refused(kit, claimed, CircleUpdate(), "duty") == "CIRCLE_TAKEN"
    assert refused(kit, claimed, CLAIM, "duty") == "CIRCLE_TAKEN"
    assert refused(kit, claimed, CircleUpdate(), "school") == "CIRCLE_NOT_SOCIAL"
    assert refused(kit, ChildState(), CLAIM, "lss-private") == "CIRCLE_NOT_SOCIAL"


@pytest.mark.parametrize(("unit", "code"), [("nobody", "UNIT_UNKNOWN"), ("bus", "TYPE_NOT_FOR_KIND")])
def test_members_are_units_that_get_information(kit: Any, claimed: ChildState, unit: str, code: str) -> None:
    """A member has a card, and is no steering group."""
    assert refused(kit, claimed, CircleUpdate((Member(unit, "school", 1),)), "ifo") == code


def test_two_claims_within_a_day_are_two_claims_at_once(kit: Any, claimed: ChildState, contested: ChildState) -> None:
    """Another authority's claim within a day stands beside the first; a day later the first one stands alone."""
    assert contested.circle == Circle("ifo", kit.NOW, members(kit), contender="ifo-b")
    assert refused(kit, claimed, CLAIM, "ifo-b", at=CONTEST) == "CIRCLE_TAKEN"
    assert refused(kit, claimed, CircleUpdate(), "ifo-b") == "CIRCLE_TAKEN"


def test_a_second_claim_brings_no_members(kit: Any, claimed: ChildState) -> None:
    """A claim beside another one changes nothing in the circle, whatever members it names."""
    hostile = CircleUpdate((Member("hvb", "hvb", 1),), claim=True)
    assert say(kit, claimed, hostile, "ifo-b").circle.members == members(kit)


@pytest.mark.parametrize("signer", ["ifo", "ifo-b"])
def test_while_two_claim_nobody_changes_the_circle(kit: Any, contested: ChildState, signer: str) -> None:
    """Of two claimants neither changes the members, repeats its claim, or hands over to a third unit."""
    assert refused(kit, contested, CircleUpdate(), signer) == "CIRCLE_CONTESTED"
    assert refused(kit, contested, CLAIM, signer) == "CIRCLE_CONTESTED"
    for third in ("duty", signer):
        assert refused(kit, contested, CircleHandover(third), signer) == "CIRCLE_CONTESTED"
    assert refused(kit, contested, CLAIM, "duty") == "CIRCLE_TAKEN"


@pytest.mark.parametrize(("yields", "stays"), [("ifo", "ifo-b"), ("ifo-b", "ifo")])
def test_one_of_two_yields(kit: Any, contested: ChildState, yields: str, stays: str) -> None:
    """Either claimant gives its claim up to the other, who is responsible at once; the members stay."""
    after = say(kit, contested, CircleHandover(stays), yields)
    assert after.circle == Circle(stays, kit.NOW, members(kit))
    assert refused(kit, after, CircleHandover(stays), yields) == "CIRCLE_NOT_YOURS"


def test_handover_takes_two_words(kit: Any, claimed: ChildState) -> None:
    """An offer changes nothing; the unit that it was made to accepts, and the former one is nothing any more."""
    offered = say(kit, claimed, CircleHandover("ifo-b"), "ifo", at=2 * CONTEST)
    assert offered.circle == Circle("ifo", kit.NOW, members(kit), handing_to="ifo-b")
    assert say(kit, offered, CircleHandover("ifo-b"), "ifo", at=2 * CONTEST) == offered
    assert say(kit, offered, CircleUpdate(), "ifo").circle.handing_to == "ifo-b"
    taken = say(kit, offered, CircleAccepted("ifo"), "ifo-b", at=2 * CONTEST)
    assert taken.circle == Circle("ifo-b", kit.NOW, members(kit))
    assert refused(kit, taken, CircleUpdate(), "ifo", at=2 * CONTEST) == "CIRCLE_TAKEN"
    assert refused(kit, taken, CircleAccepted("ifo"), "ifo-b") == "CIRCLE_NOT_OFFERED"


def test_what_was_not_offered_is_not_accepted(kit: Any, claimed: ChildState) -> None:
    """Nobody accepts without an offer, in another's place, from another, or after it was taken back or replaced."""
    assert refused(kit, claimed, CircleAccepted("ifo"), "ifo-b") == "CIRCLE_NOT_OFFERED"
    offered = say(kit, claimed, CircleHandover("ifo-b"), "ifo")
    assert refused(kit, offered, CircleAccepted("ifo"), "duty") == "CIRCLE_NOT_OFFERED"
    assert refused(kit, offered, CircleAccepted("school"), "ifo-b") == "CIRCLE_NOT_OFFERED"
    for other in ("ifo", "duty"):
        changed = say(kit, offered, CircleHandover(other), "ifo")
        assert refused(kit, changed, CircleAccepted("ifo"), "ifo-b") == "CIRCLE_NOT_OFFERED"


def test_a_second_claim_ends_a_handover_under_way(kit: Any, claimed: ChildState) -> None:
    """What was offered while only one unit claimed the child is not accepted once two do."""
    offered = say(kit, claimed, CircleHandover("duty"), "ifo")
    contested = say(kit, offered, CLAIM, "ifo-b")
    assert refused(kit, contested, CircleAccepted("ifo"), "duty") == "CIRCLE_NOT_OFFERED"
    settled = say(kit, contested, CircleHandover("ifo"), "ifo-b")
    assert refused(kit, settled, CircleAccepted("ifo"), "duty") == "CIRCLE_NOT_OFFERED"


def test_only_the_responsible_unit_hands_over_and_only_to_a_board(kit: Any, claimed: ChildState) -> None:
    """Others hand nothing over, and a school, a private provider or an unknown unit cannot be handed a child."""
    assert refused(kit, claimed, CircleHandover("ifo-b"), "duty") == "CIRCLE_NOT_YOURS"
    assert refused(kit, claimed, CircleHandover("ifo-b"), "school") == "CIRCLE_NOT_SOCIAL"
    assert refused(kit, ChildState(), CircleHandover("ifo-b"), "ifo") == "CIRCLE_NOT_YOURS"
    for to in ("school", "lss-private"):
        assert refused(kit, claimed, CircleHandover(to), "ifo") == "CIRCLE_NOT_SOCIAL"
    assert refused(kit, claimed, CircleHandover("nobody"), "ifo") == "UNIT_UNKNOWN"


def test_a_handover_opens_no_new_day_of_claims(kit: Any, claimed: ChildState) -> None:
    """Days after the first claim, a unit that took a child over cannot be contested."""
    offered = say(kit, claimed, CircleHandover("duty"), "ifo", at=CONTEST)
    taken = say(kit, offered, CircleAccepted("ifo"), "duty", at=CONTEST)
    assert refused(kit, taken, CLAIM, "ifo-b", at=CONTEST + 1) == "CIRCLE_TAKEN"


def test_a_unit_that_is_gone_leaves_its_children_to_be_claimed(kit: Any) -> None:
    """Where no card names the responsible unit any more, a board's unit claims the child as if nobody had."""
    orphan = ChildState(circle=Circle("closed-down", kit.NOW - 9 * CONTEST))
    assert say(kit, orphan, CLAIM, "ifo-b").circle == Circle("ifo-b", kit.NOW)
