"""Each party's own REST interface in the sandbox, with faults before it: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import asyncio
import secrets

import httpx
import pytest

from samband.connectors.sandbox.children import CHILDREN, example_about
from samband.connectors.sandbox.doors import secret_of
from samband.connectors.sandbox.places import HVB, IFO, SCHOOL
from samband.schemas.examples import example

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def enter(http: httpx.AsyncClient, party: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": party, "client_secret": secret_of(party)}
    answer = await http.post(f"/parties/{party}/oauth2/token", data=form)
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def concern() -> dict[str, object]:
    content = example_about(CHILDREN["denied"], "concern.report", example("concern.report"))
    return {"type": "concern.report", "recipient": IFO, "unit": SCHOOL, "content": content}


async def test_a_party_says_something_over_rest(calm, http):
    """A message that is sent over the party's own interface is decided, and `location` leads to what became of it."""
    token = await enter(http, "skola")
    sent = await http.post("/parties/skola/v1/messages?wait=20", json=concern(), headers=token)
    assert sent.status_code == 202, sent.text
    assert sent.json()["state"] in ("permit", "handed_over")
    followed = await http.get(sent.headers["location"], headers=token)
    assert followed.json()["message_id"] == sent.json()["message_id"]


async def test_bad_content_is_refused_with_its_field(calm, http):
    """What is wrong in a content is told by the field's path and code, and never by what stood there."""
    token, body = await enter(http, "skola"), concern()
    body["content"]["urgency"] = "väldigt"
    answer = await http.post("/parties/skola/v1/messages", json=body, headers=token)
    assert answer.status_code == 422
    assert "/content/urgency" in answer.text
    assert "väldigt" not in answer.text


@pytest.mark.parametrize("kind", ["drop", "duplicate", "refuse"])
async def test_the_same_request_again_is_one_message(calm, http, kind):
    """A system that tries again with its idempotency key, after a lost answer or a repeat, has said one message."""
    token = {**await enter(http, "skola"), "idempotency-key": secrets.token_hex(16)}
    before = len((await http.get("/sandbox/parties/socialtjanst/inbox")).json()["messages"])
    body = concern()
    await http.post("/sandbox/faults", json={"kind": kind, "party": "skola", "way": "http", "times": 1})
    first = await http.post("/parties/skola/v1/messages?wait=20", json=body, headers=token)
    assert first.status_code == {"drop": 500, "duplicate": 202, "refuse": 503}[kind]
    again = await http.post("/parties/skola/v1/messages?wait=20", json=body, headers=token)
    assert again.status_code == 202
    async with asyncio.timeout(30):
        while True:
            told = (await http.get(f"/sandbox/parties/skola/said/{again.json()['message_id']}")).json()
            if told["state"] == "handed_over":
                break
            await asyncio.sleep(0.05)
    after = (await http.get("/sandbox/parties/socialtjanst/inbox")).json()["messages"]
    assert len(after) == before + 1


async def test_files_go_over_rest(calm, http):
    """Files are handed in and sent over the party's own interface, after a lost answer too, and come as they were."""
    token, files = await enter(http, "skola"), [b"%PDF-1.7".ljust(700_000, b"a"), b"%PDF-1.7 b"]
    await http.post("/sandbox/faults", json={"kind": "drop", "party": "skola", "way": "http", "times": 1})
    ids = []
    for data in (files[0], *files):
        headers = {**token, "content-type": "application/pdf", "content-disposition": "attachment; filename=a.pdf"}
        answer = await http.post("/parties/skola/v1/files", content=data, headers=headers)
        ids += [answer.json()["file_id"]] if answer.status_code == 201 else []
    assert len(ids) == 2
    headers = {**token, "idempotency-key": secrets.token_hex(16)}
    await http.post("/sandbox/faults", json={"kind": "drop", "party": "skola", "way": "http", "times": 1})
    body = concern() | {"attachments": ids}
    for status in (500, 202):
        sent = await http.post("/parties/skola/v1/messages?wait=20", json=body, headers=headers)
        assert sent.status_code == status, sent.text
    message = sent.json()["message_id"]
    async with asyncio.timeout(30):
        while True:
            told = (await http.get(f"/sandbox/parties/skola/said/{message}")).json()
            if told["state"] == "handed_over":
                break
            await asyncio.sleep(0.05)
    token = await enter(http, "socialtjanst")
    got = [
        await http.get(f"/parties/socialtjanst/v1/inbox/{message}/attachments/{number}", headers=token)
        for number in (1, 2)
    ]
    assert [each.content for each in got] == files
    left = (await http.get("/parties/skola/v1/files", headers=await enter(http, "skola"))).json()["items"]
    assert [each["size"] for each in left] == [len(files[0])], "the one whose answer was lost; it goes within a day"


async def test_a_unit_fetches_and_acknowledges(calm, http):
    """What comes to a unit that fetches waits there, over a restart too, until its system says that it has it."""
    said = (
        await http.post(
            "/sandbox/say", json={"from": IFO, "to": HVB, "type": "deviation.report", "child": "denied", "wait": 3}
        )
    ).json()
    assert said["steps"][0]["outcome"] == "permit", said
    before = (await http.get("/parties/hvb/v1/inbox", headers=await enter(http, "hvb"))).json()["items"]
    assert [each["message_id"] for each in before] == [said["message_id"]]
    await http.post("/sandbox/parties/hvb/restart")
    token = await enter(http, "hvb")
    (one,) = (await http.get("/parties/hvb/v1/inbox", headers=token)).json()["items"]
    event = (await http.get(f"/parties/hvb/v1/inbox/{one['message_id']}", headers=token)).json()
    assert event["data"]["type"] == "deviation.report"
    done = await http.post(f"/parties/hvb/v1/inbox/{one['message_id']}/acknowledge", json={}, headers=token)
    assert done.json()["state"] == "handed_over"
    assert (await http.get("/parties/hvb/v1/inbox", headers=token)).json()["items"] == []


async def test_one_party_is_not_another(calm, http):
    """A token of one party opens nothing of another's, and there is no party that is not there."""
    token = await enter(http, "skola")
    assert (await http.get("/parties/bup/v1/inbox", headers=token)).status_code == 401
    assert (await http.get("/parties/nobody/openapi.json")).status_code == 404
