"""Idempotency keys: the same request again is the same act, whatever crashed in between."""

from __future__ import annotations

import pytest

from samband.connectors.rest.once import Once
from tests.rest.conftest import Apis, House
from tests.rest.test_consents import consent_of
from tests.rest.test_messages import concern


async def test_a_repeat_is_the_same_message(house: House, api: Apis) -> None:
    """The same key and body give the same message, said once; the answer tells that it was known."""
    body = concern(house)
    first = await api["skola"].post("/v1/messages", body, key="one")
    house.settle()
    headers = api["skola"].headers | {"idempotency-key": '"one"'}
    again = await api["skola"].http.post("/v1/messages", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["message_id"] == first["message_id"]
    assert again.json()["state"] == "permit"
    assert len(house.connectors["skola"].store.said()) == 1
    other = await api["skola"].post("/v1/messages", body, key="two")
    assert other["message_id"] != first["message_id"]


async def test_a_key_stands_for_one_request(house: House, api: Apis) -> None:
    """The same key with another body is refused, and says nothing."""
    await api["skola"].post("/v1/messages", concern(house), key="one")
    problem = await api["skola"].post("/v1/messages", concern(house, concern="annat"), 422, key="one")
    assert problem["code"] == "IDEMPOTENCY_REUSED"
    assert len(house.connectors["skola"].store.said()) == 1
    assert (await api["skola"].post("/v1/messages", concern(house), 400, key="a b"))["code"] == "IDEMPOTENCY_KEY"


async def test_a_crash_before_the_answer_was_kept(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message was said and the answer not kept: the repeat is the same message still, and so with a consent."""
    for path, body, client in (
        ("/v1/messages", concern(house), api["skola"]),
        ("/v1/consents", consent_of(house), api["social"]),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(Once, "_keep", _crash)
            answer = await client.http.post(path, json=body, headers=client.headers | {"idempotency-key": "k"})
            assert answer.status_code == 500
            assert answer.json()["retriable"] is True
        first = await client.post(path, body, key="k")
        assert first == await client.post(path, body, key="k")
    assert [len(each.store.said()) for each in house.connectors.values()] == [1, 1]


def _crash(*_: object) -> None:
    raise RuntimeError
