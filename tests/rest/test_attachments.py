"""Files over the interface: fetched one by one before the message is acknowledged, and never of what is held back."""

from __future__ import annotations

import hashlib

from samband.schemas.attachment import PART_BYTES
from tests.rest.conftest import Apis, House
from tests.rest.test_messages import concern

PDF = b"%PDF-1.7".ljust(2 * PART_BYTES + 7, b"a")


def sent(house: House) -> bytes:
    """Send a report with two files, and let the gate judge it."""
    body = concern(house)
    files = (("a.pdf", "application/pdf", PDF), ("b.txt", "text/plain", b"hej"))
    message = house.hosted["skola"].client.send(
        body["type"], recipient=body["recipient"], unit=body["unit"], content=body["content"], now=house.clock(),
        attachments=files,
    )  # fmt: skip
    house.settle()
    return message


async def test_files_are_fetched_before_the_message_is_acknowledged(house: House, api: Apis) -> None:
    """The event says what there is; each file comes whole, as often as asked for; a piece is no message of its own."""
    message, social, skola = sent(house), api["social"], api["skola"]
    letter = f"/v1/inbox/{message.hex()}"
    event = await social.get(letter)
    named = event["data"]["content"]["attachments"]
    for _ in range(2):
        got = [await social.http.get(f"{letter}/attachments/{number}", headers=social.headers) for number in (1, 2)]
        assert [each.status_code for each in got] == [200, 200]
        assert [hashlib.sha256(each.content).hexdigest() for each in got] == [each["sha256"] for each in named]
        assert got[0].headers["content-type"] == "application/octet-stream"
    for number in ("0", "3", "x", "1.0"):
        problem = await social.get(f"{letter}/attachments/{number}", 404)
        assert problem["code"] == "ATTACHMENT_UNKNOWN"
    await social.post(f"{letter}/acknowledge", {}, 200)
    house.settle()
    assert [each["message_id"] for each in (await skola.get("/v1/messages"))["items"]] == [message.hex()]
    said = house.party("skola").store.parts_said(message)
    assert len(said) == 4
    assert all(ended for _, _, ended in said)


async def test_a_content_does_not_fill_in_its_files(house: House, api: Apis) -> None:
    """Who writes the field without files is told which way files go."""
    file = {"name": "a.pdf", "media_type": "application/pdf", "size": 1, "sha256": "0" * 64, "parts": 1}
    problem = await api["skola"].post("/v1/messages", concern(house, attachments=[file]), 422)
    assert problem["code"] == "ATTACHMENT_FIELD"


async def test_what_is_held_back_is_held_with_its_files(house: House, api: Apis) -> None:
    """Of a protected child's message no file is given out."""
    message, social = sent(house), api["social"]
    house.party("social").store.database.execute("UPDATE inbox SET held = 1")
    problem = await social.get(f"/v1/inbox/{message.hex()}/attachments/1", 409)
    assert problem["code"] == "MESSAGE_HELD"


async def test_a_letter_that_is_erased_or_misdirected_ends_its_files(house: House, api: Apis) -> None:
    """Misdirected, the files go with the content, and every piece ends."""
    message, social = sent(house), api["social"]
    user = {"acting_user": {"id": "u", "role": "r"}}
    await social.post(f"/v1/inbox/{message.hex()}/misdirected", user, 200)
    house.settle()
    assert not list(house.party("social").store.file_data(message, 0))
    assert all(ended for _, _, ended in house.party("skola").store.parts_said(message))
    await social.get(f"/v1/inbox/{message.hex()}/attachments/1", 410)
