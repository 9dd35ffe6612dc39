"""Saying, asking, following and fetching over the interface, with the real gate and real stores."""

from __future__ import annotations

from typing import Any

from samband.schemas.examples import example
from tests.rest.conftest import Apis, House


def concern(house: House, **changes: Any) -> dict[str, Any]:
    child = house.line.gate.world.child
    content = example("concern.report") | {"child_identifier": child.identifier, "child_name": child.name}
    return {"type": "concern.report", "recipient": "IFO", "unit": "SKOLA", "content": content | changes}


async def test_a_message_is_sent_fetched_and_acknowledged(house: House, api: Apis) -> None:
    """What is sent waits to be fetched; it is handed over when it is acknowledged, once, and the sender is told."""
    body = concern(house)
    sent = await api["skola"].post("/v1/messages", body)
    assert sent["state"] == "waiting"
    house.settle()
    assert (await api["skola"].get(f"/v1/messages/{sent['message_id']}"))["state"] == "permit"
    line = (await api["social"].get("/v1/inbox"))["items"]
    assert [each["message_id"] for each in line] == [sent["message_id"]]
    event = await api["social"].get(f"/v1/inbox/{sent['message_id']}")
    assert event["type"] == "samband.concern.report"
    assert {k: v for k, v in event["data"]["content"].items() if v is not None} == body["content"]
    assert event == await api["social"].get(f"/v1/inbox/{sent['message_id']}"), "a repeat is the same"
    house.settle()
    assert (await api["skola"].get(f"/v1/messages/{sent['message_id']}"))["state"] == "permit", (
        "fetched is not handed over"
    )
    for _ in range(2):
        done = await api["social"].post(f"/v1/inbox/{sent['message_id']}/acknowledge", {}, 200)
        assert done["state"] == "handed_over"
    house.settle()
    assert (await api["social"].get("/v1/inbox"))["items"] == []
    followed = await api["skola"].get(f"/v1/messages/{sent['message_id']}")
    assert [step["outcome"] for step in followed["steps"]] == ["permit", "handed_over"]
    await api["social"].post(f"/v1/inbox/{sent['message_id']}/acknowledge", {"opened": True}, 200)
    house.settle()
    assert (await api["skola"].get(f"/v1/messages/{sent['message_id']}"))["state"] == "opened"
