"""The sandbox's house: real gate, log and connectors on the line; what each child is answered; promise 5 in trouble."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from samband.connectors.sandbox.children import ANSWERS, CHILDREN, example_about
from samband.connectors.sandbox.faults import Fault, Kind, Way
from samband.connectors.sandbox.house import House
from samband.connectors.sandbox.places import BUP, IFO, SCHOOL
from samband.schemas.examples import example

pytestmark = pytest.mark.asyncio(loop_scope="module")


def say(house: House, type_name: str, sender: str, recipient: str, child: str = "denied", **more: Any) -> bytes:
    content = example_about(CHILDREN[child], type_name, example(type_name))
    return house.owner(sender).client.send(
        type_name, recipient=recipient, unit=sender, content=content, now=datetime.now(UTC), **more
    )


def files(house: House, unit: str) -> dict[str, dict[str, Any]]:
    folder = house.home.parties / house.check_unit(unit) / "inbox" / unit / "new"
    return {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("told", ANSWERS, ids=lambda each: f"{each.child}-{each.type}")
async def test_each_child_is_answered_as_told(calm, told):
    """Each told answer is the gate's: decision and why, asked and sent alike; content is handed over or held."""
    hosted = calm.owner(told.sender)
    content = example_about(CHILDREN[told.child], told.type, example(told.type))
    fields = tuple(name for name in content if name not in ("child_identifier", "acting_user"))
    asked = hosted.client.ask(
        told.type, recipient=told.recipient, unit=told.sender, child=content["child_identifier"], fields=fields,
        now=datetime.now(UTC),
    )  # fmt: skip
    answer = await hosted.outcome(asked, lambda each: each.decided)
    message = say(calm, told.type, told.sender, told.recipient, told.child)
    outcome = await hosted.outcome(message, lambda each: each.final)
    for decision in (answer.steps[0], outcome.steps[0]):
        assert decision.outcome == told.outcome
        assert told.why in (*decision.detail["grounds"], *decision.detail["reasons"])
    handed = files(calm, told.recipient).get(message.hex())
    if told.outcome != "permit":
        assert handed is None
    else:
        assert outcome.state == "handed_over"
        assert handed is not None
        assert handed["held"] is told.held
        assert ("content" in handed) is not told.held


@pytest.mark.parametrize("way", [Way.OUT, Way.IN])
@pytest.mark.parametrize("kind", [Kind.DROP, Kind.DUPLICATE, Kind.REFUSE])
async def test_a_message_comes_once_through_faults(calm, kind, way):
    """What is lost, doubled or refused on its way is handed over once; of what is lost on its way in the gap shows."""
    party = "skola" if way is Way.OUT else "socialtjanst"
    calm.faults.add(Fault(kind, party=party, way=way, times=1))
    hosted = calm.owner(SCHOOL)
    message = say(calm, "concern.report", SCHOOL, IFO)
    if (kind, way) == (Kind.DROP, Way.IN):
        store = calm["socialtjanst"].party.store
        await hosted.outcome(message, lambda each: each.decided)
        after = say(calm, "concern.report", SCHOOL, IFO)
        await hosted.outcome(after, lambda each: each.final)
        assert store.number("count/box_gap")
        assert message.hex() not in files(calm, IFO)
        return
    outcome = await hosted.outcome(message, lambda each: each.final, 60)
    assert [step.outcome for step in outcome.steps] == ["permit", "handed_over"]
    assert message.hex() in files(calm, IFO)


async def test_what_is_said_while_the_hub_is_away_goes_out_when_it_is_back(calm):
    """A party whose line is away keeps what is said, in order, and all of it is handed over when the line is back."""
    rules = [calm.faults.add(Fault(Kind.AWAY, party="skola", way=way)) for way in (Way.OUT, Way.IN)]
    hosted = calm["skola"]
    said = [say(calm, "concern.report", SCHOOL, IFO) for _ in range(5)]
    await asyncio.sleep(0.3)
    assert not any(hosted.client.outcome(each).decided for each in said)
    for rule in rules:
        calm.faults.remove(rule.id)
    outcomes = [await hosted.outcome(each, lambda outcome: outcome.final, 60) for each in said]
    assert [each.state for each in outcomes] == ["handed_over"] * 5
    decided = [each.steps[0].at for each in outcomes]
    assert decided == sorted(decided)


async def test_a_connector_that_dies_goes_on_where_it_was(calm):
    """A connector that ends in the middle of its work hands over, after its start, each message once."""
    said = [say(calm, "health_exam.request", IFO, BUP) for _ in range(8)]
    await calm.restart("bup")
    await calm.restart("socialtjanst")
    hosted = calm["socialtjanst"]
    outcomes = [await hosted.outcome(each, lambda outcome: outcome.final, 60) for each in said]
    assert [each.state for each in outcomes] == ["handed_over"] * 8
    assert {each.hex() for each in said} <= files(calm, BUP).keys()


async def test_the_log_holds_what_was_decided(calm):
    """The real sequencer runs: what was decided is in a checkpoint, and the parties' own mirrors have it."""
    message = say(calm, "concern.report", SCHOOL, IFO)
    outcome = await calm["skola"].outcome(message, lambda each: each.final)
    entry = bytes.fromhex(outcome.steps[0].detail["entry"])
    witness = calm["skola"].service._witness
    assert witness is not None
    await until(lambda: (calm.home.hub / "log-tiles" / "checkpoint").exists())
    await until(lambda: witness.index(entry) is not None)


async def test_the_gate_follows_the_log(calm):
    """The gate reads the log on the line too, so that its heads name the newest checkpoint, as a real one's do."""
    message = say(calm, "concern.report", SCHOOL, IFO)
    await calm["skola"].outcome(message, lambda each: each.final)
    readers = [each.get_coro() for each in asyncio.all_tasks()]
    (reader,) = [each for each in readers if each.__qualname__ == "Logged._follow"]
    await until(lambda: reader.cr_frame.f_locals["self"].newest[0] > 0)
