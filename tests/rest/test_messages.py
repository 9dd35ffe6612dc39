"""Saying, asking, following and fetching over the interface, with the real gate and real stores."""

from __future__ import annotations

import json
from typing import Any

from samband.connectors.reserve import number_of
from samband.connectors.watch import REACHED
from samband.schemas.events import Level
from samband.schemas.examples import example
from tests.rest.conftest import Apis, House


def concern(house: House, **changes: Any) -> dict[str, Any]:
    """Return a message that duty carries: no consent is needed."""
    child = house.line.gate.world.child
    content = example("concern.report") | {"child_identifier": child.identifier, "child_name": child.name}
    return {"type": "concern.report", "recipient": "IFO", "unit": "SKOLA", "content": content | changes}


async def sent(house: House, api: Apis, **changes: Any) -> str:
    """Send a report and let the gate judge it."""
    said = await api["skola"].post("/v1/messages", concern(house, **changes))
    house.settle()
    message_id: str = said["message_id"]
    return message_id


async def test_a_message_is_sent_fetched_and_acknowledged(house: House, api: Apis) -> None:
    """What is sent waits to be fetched; it is handed over when it is acknowledged, once, and the sender is told."""
    skola, social = api["skola"], api["social"]
    body = concern(house)
    said = await skola.post("/v1/messages", body)
    assert said["state"] == "waiting"
    message = f"/v1/messages/{said['message_id']}"
    letter = f"/v1/inbox/{said['message_id']}"
    house.settle()
    assert (await skola.get(message))["state"] == "permit"
    assert [each["message_id"] for each in (await social.get("/v1/inbox"))["items"]] == [said["message_id"]]
    event = await social.get(letter)
    assert event["type"] == "samband.concern.report"
    assert {key: value for key, value in event["data"]["content"].items() if value is not None} == body["content"]
    assert await social.get(letter) == event, "a repeat is the same"
    house.settle()
    assert (await skola.get(message))["state"] == "permit", "fetched is not handed over"
    for _ in range(2):
        assert (await social.post(f"{letter}/acknowledge", {}, 200))["state"] == "handed_over"
    receipts = "SELECT count(*) FROM outbox WHERE type = 'receipt'"
    assert house.connectors["social"].store.database.execute(receipts).fetchone() == (1,), "its sender is told once"
    house.settle()
    assert (await social.get("/v1/inbox"))["items"] == []
    assert [step["outcome"] for step in (await skola.get(message))["steps"]] == ["permit", "handed_over"]
    await social.post(f"{letter}/acknowledge", {"opened": True}, 200)
    house.settle()
    assert (await skola.get(message))["state"] == "opened"
    assert await social.get(letter) == event, "what was handed over can still be fetched"


async def test_nothing_is_handed_over_before_the_inbox_was_read_to_its_end(house: House, api: Apis) -> None:
    """A letter that came is neither listed nor given out until every recall that lies there is known."""
    said = await api["skola"].post("/v1/messages", concern(house))
    house.connectors["skola"].send()
    house.connectors["social"].read()
    assert (await api["social"].get("/v1/inbox"))["items"] == []
    problem = await api["social"].get(f"/v1/inbox/{said['message_id']}", 409)
    assert (problem["code"], problem["retriable"]) == ("MESSAGE_NOT_READY", True)
    house.settle()
    await api["social"].get(f"/v1/inbox/{said['message_id']}")


async def test_what_was_not_fetched_is_not_acknowledged(house: House, api: Apis) -> None:
    """A system can't say that it has what it was never given."""
    message_id = await sent(house, api)
    problem = await api["social"].post(f"/v1/inbox/{message_id}/acknowledge", {}, 409)
    assert problem["code"] == "MESSAGE_NOT_FETCHED"


async def test_a_recalled_message_is_gone(house: House, api: Apis) -> None:
    """A recall stops what was not fetched; what was fetched and not acknowledged is told at the next look."""
    for fetched in (False, True):
        message_id = await sent(house, api)
        if fetched:
            await api["social"].get(f"/v1/inbox/{message_id}")
        recall = await api["skola"].post(f"/v1/messages/{message_id}/recall")
        house.settle()
        assert (await api["skola"].get(f"/v1/messages/{recall['message_id']}"))["state"] == "accepted"
        problem = await api["social"].get(f"/v1/inbox/{message_id}", 410)
        assert problem["code"] == "MESSAGE_RECALLED"
        assert (await api["social"].get("/v1/inbox"))["items"] == []


async def test_an_acknowledgement_after_a_recall_says_what_happened(house: House, api: Apis) -> None:
    """Who fetched before the recall came and has it says so, and the log has it."""
    message_id = await sent(house, api)
    await api["social"].get(f"/v1/inbox/{message_id}")
    await api["skola"].post(f"/v1/messages/{message_id}/recall")
    house.settle()
    done = await api["social"].post(f"/v1/inbox/{message_id}/acknowledge", {}, 200)
    house.settle()
    assert done["state"] == "handed_over"
    assert Level.HANDED_OVER in house.connectors["skola"].outcomes(bytes.fromhex(message_id))


async def test_what_nobody_fetches_ends_as_refused(house: House, api: Apis) -> None:
    """Nothing goes quiet: after its time a letter that waits is refused, and its sender is told."""
    body = concern(house) | {"life_days": 1}
    said = await api["skola"].post("/v1/messages", body)
    house.settle()
    house.line.gate.now += 25 * 3_600_000
    assert (await api["social"].get("/v1/inbox"))["items"] == []
    (line,) = (await api["social"].get("/v1/inbox", show="all"))["items"]
    assert (line["state"], line["code"]) == ("refused", "EXPIRED")
    assert (await api["social"].get(f"/v1/inbox/{line['message_id']}", 410))["code"] == "MESSAGE_REFUSED"
    house.settle()
    followed = await api["skola"].get(f"/v1/messages/{said['message_id']}")
    assert (followed["state"], followed["steps"][-1]["code"]) == ("refused", "EXPIRED")


async def test_what_is_fetched_and_never_acknowledged_ends_as_refused(house: House, api: Apis) -> None:
    """A system that took a letter and never said that it has it leaves no sender waiting after the letter's time."""
    said = await api["skola"].post("/v1/messages", concern(house) | {"life_days": 1})
    house.settle()
    (line,) = (await api["social"].get("/v1/inbox"))["items"]
    address = f"/v1/inbox/{line['message_id']}"
    await api["social"].get(address)
    house.line.gate.now += 25 * 3_600_000
    assert (await api["social"].get("/v1/inbox"))["items"] == []
    assert (await api["social"].get(address, 410))["code"] == "MESSAGE_REFUSED"
    house.settle()
    followed = await api["skola"].get(f"/v1/messages/{said['message_id']}")
    assert (followed["state"], followed["steps"][-1]["code"]) == ("refused", "EXPIRED")


async def test_a_denial_is_an_answer(house: House, api: Apis) -> None:
    """What is not permitted is said with reasons, and who can remedy them; it is no error."""
    content = example("placement.notice") | {"child_identifier": house.line.gate.world.child.identifier}
    body = {"type": "placement.notice", "recipient": "SKOLA", "content": content}
    said = await api["social"].post("/v1/messages", body)
    house.settle()
    followed = await api["social"].get(f"/v1/messages/{said['message_id']}")
    assert followed["state"] == "deny"
    reason = followed["steps"][0]["reasons"][0]
    assert reason["text_sv"]
    assert reason["remedy_en"]


async def test_asking_first(house: House, api: Apis) -> None:
    """A question tells what a message would; nothing comes to the other unit."""
    child = house.line.gate.world.child.identifier
    body = {"type": "concern.report", "recipient": "IFO", "unit": "SKOLA", "child": child, "fields": ["address"]}
    said = await api["skola"].post("/v1/questions", body)
    house.settle()
    assert (await api["skola"].get(f"/v1/messages/{said['message_id']}"))["state"] == "permit"
    assert (await api["social"].get("/v1/inbox", show="all"))["items"] == []


async def test_errors_say_where_and_repeat_nothing(house: House, api: Apis) -> None:
    """Each wrong field has its place and code; no value, number or unknown name is repeated."""
    body = concern(house, urgency="Maja Påhittad", family_told=3, child_identifier="201703309819")
    body["content"]["MajaPahittad 201703309812"] = "x"
    problem = await api["skola"].post("/v1/messages", body, 422)
    places = {each["pointer"]: each["code"] for each in problem["errors"]}
    assert places == {
        "/content": "CONTENT_INVALID",
        "/content/urgency": "CONTENT_INVALID",
        "/content/family_told": "CONTENT_INVALID",
        "/content/child_identifier": "IDENTIFIER_INVALID",
    }
    assert "Maja" not in json.dumps(problem)
    assert "2017" not in json.dumps(problem)


async def test_errors_of_the_form(house: House, api: Apis) -> None:
    """A body that is not of the form is told where; what is no JSON at all is not read."""
    for changes, pointer in (
        ({"recipient": 7}, "/recipient"),
        ({"recipient": "Maja Påhittad"}, "/recipient"),
        ({"life_days": 99}, "/life_days"),
        ({"Maja": 1}, ""),
        ({"content": []}, "/content"),
    ):
        problem = await api["skola"].post("/v1/messages", concern(house) | changes, 422)
        assert [each["pointer"] for each in problem["errors"]] == [pointer]
        assert "Maja" not in json.dumps(problem)
    missing = concern(house)
    del missing["recipient"]
    problem = await api["skola"].post("/v1/messages", missing, 422)
    assert problem["errors"][0]["pointer"] == "/recipient"
    for raw in (b"{", b"\xff", b"[" * 100_000, b'{"type": "\\ud800"}'):
        headers = api["skola"].headers | {"content-type": "application/json"}
        answer = await api["skola"].http.post("/v1/messages", content=raw, headers=headers)
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_pages(house: House, api: Apis) -> None:
    """Pages follow each other without a gap or a repeat, while more comes in between."""
    ids = [await sent(house, api) for _ in range(5)]
    found, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await api["social"].get("/v1/inbox", show="all", **params)
        found += [each["message_id"] for each in page["items"]]
        if len(found) == 2:
            ids.append(await sent(house, api))
        if (cursor := page["next"]) is None:
            break
    assert found == ids
    said, cursor = [], None
    while True:
        page = await api["skola"].get("/v1/messages", limit=4, **({"cursor": cursor} if cursor else {}))
        said += [each["message_id"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert said == ids[::-1]


async def test_a_protected_child_is_held_back(house: House, api: Apis, kit: Any) -> None:
    """Of a marked child only a reference is given out; the content is read for a reason, and that is recorded."""
    message_id = await sent(house, api)
    store = house.connectors["social"].store
    store.database.execute("UPDATE inbox SET held = 1")
    line = (await api["social"].get("/v1/inbox"))["items"][0]
    assert (line["type"], line["sender"], line["held"]) == (None, None, True)
    event = await api["social"].get(f"/v1/inbox/{message_id}")
    assert event["type"] == "samband.reference"
    child = house.line.gate.world.child
    for word in (child.name, child.identifier, "SKOLA", "concern"):
        assert word not in json.dumps(event)
    assert (await api["social"].get(f"/v1/messages/{message_id}"))["type"] == ""
    reason = {"reason": "möte i dag", "acting_user": {"id": "anna01", "role": "socialsekreterare"}}
    read = await api["social"].post(f"/v1/inbox/{message_id}/read", reason, 200)
    assert read["data"]["content"]["child_identifier"] == child.identifier
    views = [step for step in store.steps(bytes.fromhex(message_id)) if step.kind == "view"]
    assert [step.detail["acting_user"] for step in views] == ["anna01"]
    problem = await api["social"].post(f"/v1/inbox/{message_id}/read", reason | {"reason": ""}, 422)
    assert problem["errors"][0]["pointer"] == "/reason"


async def test_misdirected(house: House, api: Apis) -> None:
    """What was not meant for the unit is erased here, and its sender is told."""
    message_id = await sent(house, api)
    user = {"acting_user": {"id": "anna01", "role": "socialsekreterare"}}
    await api["social"].post(f"/v1/inbox/{message_id}/misdirected", user, 200)
    house.settle()
    assert (await api["social"].get(f"/v1/inbox/{message_id}", 410))["code"] == "MESSAGE_ERASED"
    assert (await api["skola"].get(f"/v1/messages/{message_id}"))["state"] == "misdirected"


async def test_an_answer_belongs_to_its_conversation(house: House, api: Apis) -> None:
    """A reply carries the conversation of what it answers."""
    message_id = await sent(house, api)
    await api["social"].get(f"/v1/inbox/{message_id}")
    child = house.line.gate.world.child.identifier
    content = {"child_identifier": child, "acting_user": {"id": "a", "role": "b"}, "text": "Tack."}
    body = {"type": "dialogue.message", "recipient": "SKOLA", "content": content, "reply_to": message_id}
    said = await api["social"].post("/v1/messages", body)
    draft = house.connectors["social"].store.draft(bytes.fromhex(said["message_id"]))
    assert draft is not None
    assert (draft.conversation.hex(), (draft.ref_to or b"").hex()) == (message_id, message_id)


async def test_parties_see_only_their_own(house: House, api: Apis) -> None:
    """On one address a client sees its own party's messages and no other's."""
    message_id = await sent(house, api)
    await api["skola"].get(f"/v1/inbox/{message_id}", 404)
    await api["social"].post(f"/v1/messages/{message_id}/recall", status=404)
    assert (await api["social"].get("/v1/messages"))["items"] == []


async def test_waiting_for_the_answer(house: House, api: Apis) -> None:
    """With `wait` the answer comes when the gate has decided."""
    import asyncio

    asked = asyncio.create_task(api["skola"].post("/v1/messages", concern(house), wait=15))
    await asyncio.sleep(0.3)
    house.settle()
    assert (await asked)["state"] == "permit"
    asked = asyncio.create_task(api["skola"].post("/v1/messages", concern(house), wait=1))
    assert (await asked)["state"] == "waiting"


async def test_while_the_hub_is_away_a_message_has_a_reserve_number(house: House, api: Apis) -> None:
    """What waits while the hub is not reached carries its number, in words of both languages, until it is decided."""
    skola = api["skola"]
    store, now = house.connectors["skola"].store, house.line.gate.now
    with store.transaction():
        store.keep_number(REACHED, now - 6 * 60_000)
    said = await skola.post("/v1/messages", concern(house))
    number = number_of(bytes.fromhex(said["message_id"]))
    assert said["state"] == "waiting"
    assert said["reserve"]["number"] == number
    assert number in said["reserve"]["text_sv"]
    assert number in said["reserve"]["text_en"]
    house.settle()
    assert "reserve" not in await skola.get(f"/v1/messages/{said['message_id']}")


async def test_a_message_costs_the_same_however_many_wait(house: House, api: Apis) -> None:
    """What is accepted while the hub is away grows the store, and not the work for each: no list is read through."""
    database, steps = house.connectors["skola"].store.database, 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    async def cost(key: str) -> int:
        nonlocal steps
        steps = 0
        database.set_progress_handler(step, 1)
        await api["skola"].post("/v1/messages", concern(house), key=key)
        database.set_progress_handler(None, 0)
        return steps

    await cost("first")
    few = await cost("few")
    for number in range(100):
        await api["skola"].post("/v1/messages", concern(house), key=f"many-{number}")
    assert await cost("last") < few + 100
