"""What a unit outside the circle is told: what would be true of a child whom nobody knows, and its own doings."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas.events import GroundMotivated, MarkKind, Maturity, Member
from samband.schemas.reasons import REASONS
from samband.streams.decision.child import ChildState, Circle
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Decision, Outcome, Question
from samband.streams.decision.sight import NOT_TOLD, seen_by, told

TAGS = ("identity:child", "placement:child")


def answer(kit: Any, state: ChildState, sender: str = "ifo", recipient: str = "school", **claims: Any) -> Any:
    """Return what the sender is told instead of the decision; None: the decision itself."""
    stated = Claims("12-14", claims.get("limb", ""), claims.get("necessity", ""))
    categories = claims.get("categories", TAGS)
    question = Question("placement.notice", kit.UNITS[sender], kit.UNITS[recipient], categories, stated)
    decision = decide(question, state, kit.BOOK, kit.NOW)
    return told(decision, question, state, kit.BOOK, kit.NOW)


def member(unit: str, since: int = 0, until: int = 0) -> Circle:
    return Circle("duty", 1, (Member(unit, "secretary", since, until),))


@pytest.mark.parametrize(
    ("circle", "itself"),
    [
        (Circle("ifo", 1), True),
        (member("ifo"), True),
        (Circle("duty", 1, contender="ifo"), True),
        (Circle("duty", 1), False),
        (member("school"), False),
        (member("ifo", until=1), False),
        (Circle(), False),
    ],
)
def test_who_belongs_to_the_circle_is_told_the_decision(kit: Any, circle: Circle, itself: bool) -> None:
    """The responsible unit, its rival and who has a role now are told the decision itself, others something else."""
    assert (answer(kit, ChildState(circle=circle)) is None) is itself


def test_a_permit_is_told_to_anybody(kit: Any) -> None:
    """What is permitted is told as it is: the sender sees that it went."""
    assert answer(kit, kit.told((kit.consent(), "ifo"))) is None


def test_an_outsider_gets_one_answer_whatever_is_true(kit: Any) -> None:
    """Unknown, consented by others, marked, investigated, mature, motivated, reported, moved or claimed: one answer."""
    elsewhere = kit.consent(by=["bup"], to=["school"])
    states = [
        ChildState(),
        kit.told((elsewhere, "bup")),
        kit.marked(ChildState(), MarkKind.THREAT),
        kit.investigates(ChildState(), "ifo-b"),
        kit.mature(ChildState(), Maturity.CHILD, "bup"),
        kit.motivated(ChildState(), "LVU_BOARD", "bup", "school"),
        kit.reported(ChildState(), 7, "school", "ifo-b"),
        ChildState(moved_at=kit.NOW),
        ChildState(circle=Circle("ifo-b", 1, contender="duty")),
    ]
    marked = replace(states[2], marks=tuple(replace(each, set_by="bup") for each in states[2].marks))
    answers = {answer(kit, each, categories=("address:child",)) for each in (*states[:2], marked, *states[3:])}
    assert answers == {Decision(Outcome.DENY, (), ("CONSENT_MISSING",))}


def test_where_even_the_reason_tells_something_it_is_not_told(kit: Any) -> None:
    """A mark that another set stops what necessity would carry: the sender learns that it is no, and not why."""
    state = kit.marked(ChildState(), MarkKind.THREAT)
    state = replace(state, marks=tuple(replace(each, set_by="bup") for each in state.marks))
    claims = {"limb": "under_18", "necessity": "care_planning", "categories": ("address:child",)}
    told_instead = answer(kit, state, "ifo", "bup", **claims)
    assert told_instead is not None
    assert (told_instead.outcome, told_instead.grounds, told_instead.reasons) == ("deny", (), (NOT_TOLD,))
    assert NOT_TOLD in REASONS


def test_a_unit_sees_what_its_own_authority_said_or_is_discloser_of(kit: Any) -> None:
    """Own records, own disclosures, own marks, findings, decisions and reports are seen; nobody else's."""
    own, other = kit.consent(number=1), kit.consent(number=2, by=["bup"], to=["school"])
    named = kit.consent(number=3, by=["bup", "ifo"], to=["school"])
    recorded = kit.consent(number=4, by=["duty"], to=["school"])
    state = kit.told((own, "ifo"), (other, "bup"), (named, "bup"), (recorded, "ifo"))
    for unit, level in (("duty", Maturity.CHILD), ("bup", Maturity.GUARDIANS)):
        state = kit.mature(state, level, unit)
        state = kit.motivated(state, "LVU_BOARD", unit, "school")
    for number, by, to in ((1, "ifo", "ifo-b"), (2, "school", "duty"), (3, "school", "ifo-b")):
        state = kit.reported(state, number, by, to)
    state = kit.marked(kit.marked(state, MarkKind.SECRECY), MarkKind.THREAT)
    state = replace(state, marks=(state.marks[0], replace(state.marks[1], set_by="duty")), moved_at=5)
    state = kit.investigates(replace(state, circle=Circle("ifo-b", 1)), "ifo")

    seen = seen_by(state, kit.UNITS["ifo"])
    assert [one.given.consent_id[0] for one in seen.consents] == [1, 3, 4]
    assert [one.kind for one in seen.marks] == [MarkKind.SECRECY]
    assert [one.by for one in seen.maturities] == ["duty"]
    assert [one.by for one in seen.motivations] == ["duty"]
    assert [one.message_id[0] for one in seen.reports] == [1, 2]
    assert seen.moved_at == 5
    assert (seen.circle, seen.investigations, seen.withdrawals, seen.contacts) == (Circle(), (), (), ())
    assert isinstance(seen.motivations[0].motivated, GroundMotivated)
    assert seen_by(state, kit.UNITS["hvb"]) == ChildState()
