"""The kernel and its memory against the naive twin, over random stories."""

from __future__ import annotations

import dataclasses
import os
import random
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import Id16
from samband.streams.decision.child import ChildState, Circle, Investigation, Mark, MaturityFinding
from samband.streams.decision.kernel import decide
from samband.streams.decision.memory import remember
from samband.streams.decision.question import Claims, Decision, Question
from tests.decision import stories

STORIES = int(os.environ.get("SAMBAND_STORIES", "20000"))


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data())
def test_no_story_tells_kernel_and_twin_apart(kit: Any, twin: Any, drawn: st.DataObject) -> None:
    """After any story the kernel decides as the plain sentences do: outcome, grounds, reasons, duties, consents."""
    compare(kit, twin, stories.told(lambda options: drawn.draw(st.sampled_from(options))))


def test_kernel_and_twin_agree_on_everything_that_can_be_answered(
    kit: Any, twin: Any, decision_reasons: set[str]
) -> None:
    """The two agree on thousands of stories that reach every ground and reason, three in ten of them permitted."""
    seen: Counter[str] = Counter()
    chance = random.Random(4)
    for _ in range(STORIES):
        decision = compare(kit, twin, stories.told(chance.choice))
        seen.update({decision.outcome, *decision.grounds, *decision.reasons})
    assert seen["permit"] >= 0.3 * STORIES
    every = {rule.ground for rule in kit.BOOK.rules} | decision_reasons
    assert {name: seen[name] for name in every if seen[name] < 3} == {}


def compare(kit: Any, twin: Any, told: Any) -> Decision:
    """Return the kernel's decision after asserting that the twin's is the same."""
    history, asked, later = told
    said, state = lived(kit, history)
    question = asked_as(kit, asked)
    now = kit.NOW + len(history) + later
    decision = decide(question, state, kit.BOOK, now)
    outcome, grounds, reasons, owes, consents = twin.verdict(said, kit.UNITS, question, now)
    assert (decision.outcome, decision.grounds) == (outcome, tuple(grounds))
    assert set(decision.reasons) == set(reasons)
    assert len(set(decision.reasons)) == len(decision.reasons)
    assert set(decision.obligations) == owes
    assert decision.consents == tuple(consents)
    return decision


def lived(kit: Any, history: list[tuple[Any, str]]) -> tuple[list[Any], ChildState]:
    """Return a history as the twin reads it, and the child's state after it."""
    said: list[Any] = []
    state = ChildState()
    for at, (event, signer) in enumerate(history, start=kit.NOW):
        body = written(kit, event, at)
        said.append((body, kit.UNITS[signer], at))
        if isinstance(body, dict):
            state = put_down(kit, state, body, signer, at)
            continue
        try:
            state = kit.tell(state, body, signer, at)
        except RefusedError:
            continue
    return said, state


def written(kit: Any, event: Any, at: int) -> Any:
    """Return what a drawn event stands for, with times and numbers filled in."""
    if not isinstance(event, dict):
        return event
    if "consent" in event:
        fields = dict(event["consent"])
        if "recipients" in fields:
            fields.pop("to")
        if fields.get("about") == "other" and "givers" not in fields:
            fields["givers"], fields["signed_by"] = (stories.G1, stories.AUNT), ("guardian-1", "aunt")
        fields["valid_from"] += kit.NOW
        fields["valid_to"] += kit.NOW
        return kit.consent(**fields)
    event = dict(event)
    if event["fact"] == "motivated":
        more = {key: event[key] for key in ("about", "categories") if key in event}
        made = kit.motivated(
            ChildState(), event["ground"], "ifo", event["to"], since=at, until=kit.NOW + event.get("until", 90), **more
        )
        event["decision"] = made.motivations[0].motivated
    if event["fact"] == "reported":
        event["id"], event["to"] = bytes([event["number"]]) * 16, kit.UNITS[event["to"]]
    if "until" in event:
        event["until"] += kit.NOW
    return event


def put_down(kit: Any, state: ChildState, fact: dict[str, Any], signer: str, at: int) -> ChildState:
    """Return the state with a plain fact in it, whoever may say it in truth."""
    party, entry = kit.UNITS[signer].party, bytes(32)
    match fact["fact"]:
        case "circle":
            new = Circle(fact["responsible"], at, fact["members"], fact["contender"])
            return replace(state, circle=new)
        case "mark":
            added = Mark(fact["kind"], signer, at, entry, fact["named"])
            return replace(state, marks=(*state.marks, added))
        case "maturity":
            finding = MaturityFinding(fact["level"], signer, party, at, entry)
            return replace(state, maturities=(*state.maturities, finding))
        case "investigation":
            opened = Investigation(signer, party, at, fact["until"], entry)
            return replace(state, investigations=(*state.investigations, opened))
        case "motivated":
            made = kit.motivated(ChildState(), "", signer, "").motivations[0]
            return replace(state, motivations=(*state.motivations, replace(made, motivated=fact["decision"])))
        case "reported":
            report = Question("concern.report", kit.UNITS[signer], fact["to"], (), Claims("<12"))
            return remember(state, report, Id16(fact["id"]), at)
        case _:
            return replace(state, moved_at=at)


def asked_as(kit: Any, asked: dict[str, Any]) -> Question:
    """Return the question that a drawn one stands for; a deaf recipient takes nothing but placement notices."""
    recipient = kit.UNITS[asked["recipient"]]
    if asked.get("deaf"):
        recipient = dataclasses.replace(recipient, receives=("placement.notice",))
    claims = Claims(
        asked.get("age", "12-14"), asked.get("limb", ""), asked.get("necessity", ""), asked.get("motivated", False)
    )
    return Question(
        asked["type"], kit.UNITS[asked["sender"]], recipient, asked["categories"], claims, asked.get("ground", ""),
        asked.get("role", ""), asked.get("ref_to", b""),
    )  # fmt: skip
