"""A message addressed to a role goes to who holds it now."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from samband.schemas.event_bodies import Member
from samband.schemas.rulebook import shipped
from samband.streams.decision.child import ChildState, Circle
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Decision, Question

NOW = 1_000


@pytest.mark.parametrize(
    ("members", "permitted"),
    [
        ((Member("bup", "bup", 0),), True),
        ((Member("bup", "bup", 0, NOW + 1),), True),
        ((Member("bup", "bup", 0, NOW),), False),
        ((Member("bup", "bup", NOW + 1),), False),
        ((Member("bup", "primary", 0),), False),
        ((Member("hab", "bup", 0),), False),
        ((), False),
    ],
)
def test_role_is_held_now(kit: SimpleNamespace, members: tuple[Member, ...], permitted: bool) -> None:
    """A duty carries to the unit that has the role at this second; where it has not, the message is denied."""
    child = ChildState(circle=Circle("ifo", 1, members))
    claims = Claims("12-14", "under_18", "care")
    sender, recipient = kit.UNITS["ifo"], kit.UNITS["bup"]
    question = Question("health_exam.request", sender, recipient, ("health_exam:child",), claims, recipient_role="bup")
    decision = decide(question, child, shipped(), NOW)
    assert (decision.outcome == "permit") is permitted
    if not permitted:
        assert decision == Decision(decision.outcome, (), ("ROLE_MOVED",))
    assert decide(replace(question, recipient_role=""), child, shipped(), NOW).outcome == "permit"
