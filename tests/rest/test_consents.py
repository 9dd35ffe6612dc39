"""Consents and the circle over the interface."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.rest.conftest import Apis, House

USER = {"id": "anna01", "role": "socialsekreterare"}


def consent_of(house: House, **changes: Any) -> dict[str, Any]:
    """Return what the child's family has consented to."""
    return {
        "child": house.line.gate.world.child.identifier,
        "recipients": ["SKOLA"],
        "types": ["placement.notice"],
        "to_date": (house.clock() + timedelta(days=90)).date().isoformat(),
        "child_view": {"view": "agrees"},
        "evidence": {"kept_at": "akt 12"},
        "acting_user": USER,
        **changes,
    }


async def given(house: House, api: Apis, **changes: Any) -> str:
    """Record a consent and let the gate take it."""
    said = await api["social"].post("/v1/consents", consent_of(house, **changes))
    house.settle()
    assert (await api["social"].get(f"/v1/messages/{said['message_id']}"))["state"] == "accepted"
    consent_id: str = said["consent_id"]
    return consent_id


async def listed(api: Apis) -> dict[str, Any]:
    """Return the one consent that stands in the list."""
    (line,) = (await api["social"].get("/v1/consents"))["items"]
    found: dict[str, Any] = line
    return found


async def test_given_signed_part_by_part_and_withdrawn(house: House, api: Apis) -> None:
    """It carries nothing until all have signed, then what it says, and nothing once it is withdrawn."""
    consent_id = await given(house, api)
    question = {
        "type": "placement.notice",
        "recipient": "SKOLA",
        "child": house.line.gate.world.child.identifier,
    }

    async def would() -> str:
        asked = await api["social"].post("/v1/questions", question)
        house.settle()
        state: str = (await api["social"].get(f"/v1/messages/{asked['message_id']}"))["state"]
        return state

    assert (await listed(api))["state"] == "pending"
    assert await would() == "deny"
    for giver in ("guardian-1", "guardian-2"):
        body = {"giver": giver, "evidence": {"sha256": "5c" * 32}}
        await api["social"].post(f"/v1/consents/{consent_id}/sign", body)
        house.settle()
    line = await listed(api)
    assert (line["state"], line["signed"]) == ("complete", ["guardian-1", "guardian-2"])
    assert await would() == "permit"
    child = {"child": house.line.gate.world.child.identifier}
    assert (await api["social"].post("/v1/consents/of-child", child, 200))["items"][0]["consent_id"] == consent_id
    await api["skola"].post("/v1/consents/withdraw", child | {"unit": "SKOLA"})
    house.settle()
    assert (await listed(api))["state"] == "withdrawn"
    assert await would() == "deny"


async def test_a_discloser_confirms_doubts_and_refuses(house: House, api: Apis) -> None:
    """Who discloses for another gets its part, confirms it, and may doubt it."""
    child = {"child": house.line.gate.world.child.identifier}
    await api["social"].post("/v1/circle", child | {"claim": True, "members": []})
    house.settle()
    await given(house, api, disclosers=["SKOLA"], recipients=["BUP"], types=[], categories=["health"])
    (part,) = (await api["skola"].get("/v1/consents/parts"))["items"]
    consent = f"/v1/consents/{part['consent_id']}"
    await api["skola"].post(f"{consent}/confirm")
    house.settle()
    assert (await listed(api))["confirmed"] == ["SKOLA"]
    await api["skola"].post(f"{consent}/dispute", {"unit": "SKOLA"})
    house.settle()
    assert (await listed(api))["doubted"] == ["SKOLA"]
    await api["skola"].post(f"{consent}/dispute", {"unit": "SKOLA", "settled": True})
    house.settle()
    assert (await listed(api))["doubted"] == []
    await api["skola"].post(f"{consent}/refuse", {"unit": "SKOLA", "giver": "guardian-1"})
    house.settle()
    assert (await listed(api))["state"] != "complete"


async def test_errors_of_a_consent(house: House, api: Apis) -> None:
    """What cannot be recorded is told with its place."""
    for changes, pointer in (
        ({"evidence": {}}, "/evidence"),
        ({"guardians": 0}, "/guardians"),
        ({"types": []}, "/categories"),
        ({"child_view": {"view": "too_young"}}, "/child_view/why"),
        ({"child_view": {"view": "agrees", "objects_to": ["SKOLA"]}}, "/child_view/objects_to"),
        ({"child_view": {"view": "maybe"}}, "/child_view/view"),
        ({"to_date": "2027-02-30"}, "/to_date"),
        ({"categories": ["Maja"]}, "/categories/0"),
    ):
        problem = await api["social"].post("/v1/consents", consent_of(house, **changes), 422)
        assert [each["pointer"] for each in problem["errors"]] == [pointer]
    unknown = await api["social"].post(
        f"/v1/consents/{'0' * 32}/sign", {"giver": "child", "evidence": {"kept_at": "x"}}, 404
    )
    assert unknown["code"] == "CONSENT_UNKNOWN"


async def test_the_circle(house: House, api: Apis) -> None:
    """The responsible unit says the circle, sees it as it said it, and writes to a role."""
    child = {"child": house.line.gate.world.child.identifier}
    ends = (house.clock() + timedelta(days=30)).date().isoformat()
    members = [{"unit": "SKOLA", "role": "school", "to_date": ends}, {"unit": "BUP", "role": "bup"}]
    said = await api["social"].post("/v1/circle", child | {"claim": True, "members": members})
    house.settle()
    assert (await api["social"].get(f"/v1/messages/{said['message_id']}"))["state"] == "accepted"
    found = (await api["social"].post("/v1/circle/of-child", child, 200))["members"]
    assert {(each["unit"], each["role"], each["to_date"]) for each in found} == {
        ("SKOLA", "school", ends),
        ("BUP", "bup", None),
    }
    asked = await api["social"].post("/v1/questions", child | {"type": "placement.notice", "recipient": "role:school"})
    house.settle()
    assert (await api["social"].get(f"/v1/messages/{asked['message_id']}"))["recipient"] == "SKOLA"
    problem = await api["social"].post(
        "/v1/circle", child | {"members": [{"unit": "SKOLA", "role": "school", "to_date": "2001-01-01"}]}, 422
    )
    assert problem["errors"][0]["pointer"] == "/members/0/to_date"


async def test_units_and_types(house: House, api: Apis) -> None:
    """The directory says whom to write to, and each type how: its example is valid by its own schema."""
    units = (await api["social"].get("/v1/units"))["items"]
    assert {each["id"] for each in units if each["own"]} == {"IFO"}
    types = (await api["social"].get("/v1/types", limit=200))["items"]
    one = await api["social"].get("/v1/types/placement.notice")
    assert one["content"]["properties"]["event"]["enum"]
    assert one["type"] in {each["type"] for each in types}
    await api["social"].get("/v1/types/consent.given", 404)
