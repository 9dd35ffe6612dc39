"""What happens, as a stream that is taken up where it broke, and by long poll."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from samband.connectors.store import Step
from tests.rest.conftest import Apis, House, token
from tests.rest.test_messages import concern, sent


async def events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """Read events as a browser's EventSource would."""
    found: dict[str, Any] = {}
    async for line in response.aiter_lines():
        if not line:
            if "data" in found:
                yield found
            found = {"id": found.get("id")}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = json.loads(value) if name == "data" else value


async def read(api: Apis, name: str, count: int, last: str = "") -> list[dict[str, Any]]:
    """Open a stream and read so many events."""
    headers = api[name].headers | {"accept": "text/event-stream"} | ({"last-event-id": last} if last else {})
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(15), api[name].http.stream("GET", "/v1/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for event in events(response):
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_a_stream_is_taken_up_where_it_broke(house: House, api: Apis) -> None:
    """With `Last-Event-ID` nothing is lost and nothing comes twice, however often a stream breaks."""
    ids = [await sent(house, api) for _ in range(3)]
    (first,) = await read(api, "social", 1, "0.0")
    assert first["event"] == "samband.delivery.waiting"
    assert first["data"]["subject"] == ids[0]
    ids.append(await sent(house, api))
    rest = await read(api, "social", 3, first["id"])
    assert [each["data"]["subject"] for each in (first, *rest)] == ids
    assert first["data"]["id"] == first["id"]


async def test_a_stream_tells_what_comes_from_now(house: House, api: Apis) -> None:
    """Without a place a stream begins now, and an event comes while it is open."""
    await sent(house, api)
    reading = asyncio.create_task(read(api, "skola", 1))
    await asyncio.sleep(0.5)
    message_id = await sent(house, api)
    (event,) = await reading
    assert (event["event"], event["data"]["subject"]) == ("samband.message.decision", message_id)
    assert event["data"]["data"]["outcome"] == "permit"


async def test_long_poll(house: House, api: Apis) -> None:
    """A page waits until something happens, or its time is over; its place goes on from there."""
    start = (await api["social"].get("/v1/events"))["next"]
    empty = await api["social"].get("/v1/events", after=start, wait=1)
    assert (empty["items"], empty["next"]) == ([], start)
    asked = asyncio.create_task(api["social"].get("/v1/events", after=start, wait=15))
    await asyncio.sleep(0.3)
    message_id = await sent(house, api)
    page = await asked
    assert [each["subject"] for each in page["items"]] == [message_id]
    assert (await api["social"].get("/v1/events", after=page["next"]))["items"] == []


async def test_events_are_what_the_scopes_allow(house: House, http: httpx.AsyncClient, api: Apis) -> None:
    """Who may not fetch is told of no letter, and who may not send of no ladder."""
    said = await api["skola"].post("/v1/messages", concern(house, child_name="Maja Påhittad"))
    house.settle()
    assert said
    for scope, count in (("inbox", 1), ("consents", 0), ("protected", 0)):
        answer = await token(http, "social", house.secrets["social"], scope=scope)
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        page = (await http.get("/v1/events?after=0.0", headers=headers)).json()
        assert len(page["items"]) == count
        assert "Maja" not in json.dumps(page)


async def test_a_place_that_is_none(house: House, api: Apis) -> None:
    """A place that was made up is said to be one."""
    assert (await api["skola"].get("/v1/events", 400, after="x"))["code"] == "QUERY_FORM"
    headers = api["skola"].headers | {"accept": "text/event-stream", "last-event-id": "x"}
    answer = await api["skola"].http.get("/v1/events", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "LAST_EVENT_ID")


async def test_what_the_connector_says_for_itself_is_no_event(house: House, api: Apis) -> None:
    """Its own keys and its cosignatures of the log are nothing that a system asked for."""
    store = house.connectors["skola"].store
    with store.transaction():
        for kind in ("key.card", "log.cosigned"):
            store.add_step(bytes(16), Step(1, "event", "accepted", "", {"type": kind}))
    page = await api["skola"].get("/v1/events", after="0.0")
    assert page["items"] == []
    assert page["next"] != "0.0", "and is passed by once"
