"""The sandbox by HTTP: who is there, say something, faults, errors with their field; and only for this machine."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from samband.connectors.sandbox.app import app
from samband.connectors.sandbox.places import IFO, SCHOOL
from samband.schemas.testdata import synthetic

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONCERN = {"from": SCHOOL, "to": IFO, "type": "concern.report", "child": "denied"}


async def test_the_index_says_who_is_there(http):
    """The index names parties with units, children with numbers, and the answers that a test may rest on."""
    told = (await http.get("/sandbox")).json()
    assert {each["party"] for each in told["parties"]} == {"socialtjanst", "skola", "bup", "hvb"}
    assert {each["child"] for each in told["children"]} == {each["child"] for each in told["answers"]}
    assert "Kafka" in told["not_real"]


async def test_a_party_says_something_and_it_comes(calm, http):
    """What a party is told to say is decided, handed over, told of, and lies in the recipient's inbox."""
    said = (await http.post("/sandbox/say", json=CONCERN)).json()
    assert said["state"] == "handed_over"
    again = (await http.get(f"/sandbox/parties/skola/said/{said['message_id']}")).json()
    assert [each["outcome"] for each in again["steps"]] == ["permit", "handed_over"]
    came = (await http.get("/sandbox/parties/socialtjanst/inbox")).json()["messages"]
    (one,) = [each for each in came if each["message_id"] == said["message_id"]]
    assert one["document"]["type"] == "concern.report"


async def test_a_question_forwards_nothing(calm, http):
    """With `ask` the gate answers and nobody gets anything."""
    asked = (await http.post("/sandbox/say", json={**CONCERN, "ask": True})).json()
    assert asked["state"] == "permit"
    came = (await http.get("/sandbox/parties/socialtjanst/inbox")).json()["messages"]
    assert asked["message_id"] not in {each["message_id"] for each in came}


async def test_of_a_protected_child_the_inbox_tells_a_reference(calm, http):
    """A held message shows that it came, and nothing of its content, in the sandbox too."""
    said = (
        await http.post(
            "/sandbox/say", json={"from": IFO, "to": SCHOOL, "type": "placement.notice", "child": "protected"}
        )
    ).json()
    came = (await http.get("/sandbox/parties/skola/inbox")).json()["messages"]
    (one,) = [each for each in came if each["message_id"] == said["message_id"]]
    assert one["document"]["held"] is True
    assert "content" not in one["document"]


async def test_faults_by_http(calm, http):
    """A fault that is asked for strikes, is listed, and ends when it is removed."""
    made = await http.post("/sandbox/faults", json={"kind": "away", "party": "skola", "way": "out"})
    assert made.status_code == 201
    said = (await http.post("/sandbox/say", json={**CONCERN, "wait": 0.3})).json()
    assert said["state"] == "waiting"
    assert (await http.get("/sandbox/faults")).json()["faults"] == [made.json()]
    assert (await http.delete(f"/sandbox/faults/{made.json()['id']}")).status_code == 204
    async with asyncio.timeout(60):
        while True:
            told = (await http.get(f"/sandbox/parties/skola/said/{said['message_id']}")).json()
            if told["state"] == "handed_over":
                break
            await asyncio.sleep(0.05)
    assert (await http.delete("/sandbox/faults/fault-0")).status_code == 404


async def test_a_restart_by_http(calm, http):
    """A party's connector can be ended and started, and says that it is ready."""
    assert (await http.post("/sandbox/parties/hvb/restart")).json()["state"] == "ready"
    assert (await http.post("/sandbox/parties/nobody/restart")).status_code == 404


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({**CONCERN, "from": "SE0-NOBODY"}, "UNIT_UNKNOWN", None),
        ({**CONCERN, "from": 7}, "FIELD_INVALID", "/from"),
        ({**CONCERN, "child": "somebody"}, "FIELD_INVALID", "/child"),
        ({**CONCERN, "wait": "long"}, "FIELD_INVALID", "/wait"),
        ({**CONCERN, "content": []}, "FIELD_INVALID", "/content"),
        ({**CONCERN, "type": "gossip"}, "TYPE_UNKNOWN", None),
        ({**CONCERN, "more": 1}, "BODY_FORM", None),
    ],
)
async def test_errors_are_problems_with_the_field(calm, http, body, code, pointer):
    """What cannot be used is answered with a code, and the field's path where one is wrong."""
    answer = await http.post("/sandbox/say", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json().get("pointer")) == (code, pointer)


async def test_an_error_repeats_nothing_of_a_child(calm, http):
    """A content that is not its type's is refused without a word of it."""
    child = synthetic(7)
    body = {"from": SCHOOL, "to": IFO, "type": "concern.report", "content": {"child_identifier": child.identifier,
            "child_name": child.name, "concern": 7}}  # fmt: skip
    answer = await http.post("/sandbox/say", json=body)
    assert answer.status_code == 400
    assert child.identifier not in answer.text
    assert child.given_name not in answer.text


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"host": "evil.example:8700"}, {"origin": "https://evil.example"}]
)
async def test_only_this_machine_is_answered(house, headers):
    """Another name for this address, or a page of another origin, gets nothing."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app(house)), base_url="http://127.0.0.1:8700"
    ) as client:
        assert (await client.get("/sandbox", headers=headers)).status_code == 403
        assert (await client.get("/sandbox", headers={"origin": "http://127.0.0.1:8700"})).status_code == 200


async def test_a_form_of_a_browser_is_no_request(calm, http):
    """What a plain form could send is refused: the body must say that it is json."""
    answer = await http.post("/sandbox/faults", content=b'{"kind": "drop"}', headers={"content-type": "text/plain"})
    assert answer.json()["code"] == "BODY_TYPE"
