"""What every adapter promises, whatever the far side is: each test runs once per adapter, against a real far side.

A new adapter joins by a `FarSide` of its own in `FAR_SIDES`.
"""

# ruff: noqa: D102 - the methods of the far sides say what they do
from __future__ import annotations

import asyncio
import json
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
from aiohttp import web

from samband.connectors import adapter as adapter_module
from samband.connectors.adapter import Adapter, Delivery, encode
from samband.connectors.folder import FolderAdapter
from samband.connectors.webhook import WebhookAdapter
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import DeliveryError, InputError
from samband.schemas.examples import example

NAME, NUMBER, ADDRESS = "Maja Påhittad", "20170230-9812", "Ingenstansgatan 7"
"""Of a child that cannot exist: February has no 30th."""

SECRET = b"k" * 32


def a_delivery(**changes: object) -> Delivery:
    """Return a whole delivery about the planted child."""
    delivery = Delivery(
        message_id=secrets.token_hex(16),
        conversation=secrets.token_hex(16),
        ref_to=secrets.token_hex(16),
        type="health_exam.statement",
        sender_unit="SE0000000000-BUP1",
        sender_party="region-test",
        unit="SE0000000000-IFO1",
        created=datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC),
        decided_at=datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC),
        received=datetime(2026, 11, 22, 8, 0, 2, tzinfo=UTC),
        grounds=("DUTY_HEALTH_EXAM",),
        obligations=("inform_guardian",),
        categories=("health",),
        decision="5c" * 32,
        content={
            "sender_reference": "dnr 12",
            "child": {"name": NAME, "number": NUMBER},
            "address": ADDRESS,
            "text": "åäö \u2028 \x00 😀",
        },
    )
    return replace(delivery, **changes)  # type: ignore[arg-type]


class FarSide(Protocol):
    """A party's own system, seen from its inside."""

    def adapter(self) -> Adapter: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def documents(self) -> list[object]:
        """Return each document that the system has, once per message that it thinks it got."""
        ...

    def everything(self) -> bytes:
        """Return all that was handed over, names and headers included."""
        ...

    async def acknowledge(self, delivery: Delivery, adapter: Adapter) -> None: ...
    def turn_bad(self) -> None:
        """From now on, fail every delivery, as rudely as the far side can."""
        ...

    def recover(self) -> None: ...


class FolderSide:
    """A directory that somebody's import job reads."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "far"

    def adapter(self) -> Adapter:
        return FolderAdapter(self.root)

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def _files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]

    def documents(self) -> list[object]:
        return [json.loads(path.read_bytes()) for path in self._files()]

    def everything(self) -> bytes:
        return b"\n".join(path.name.encode() + path.read_bytes() for path in self._files())

    async def acknowledge(self, delivery: Delivery, adapter: Adapter) -> None:
        await adapter.deliver(delivery)
        name = f"{delivery.message_id}.json"
        (self.root / "new" / name).rename(self.root / "acknowledged" / name)

    def turn_bad(self) -> None:
        (self.root / "new").rename(self.root / "away")
        (self.root / "new").write_text(f"{NAME} {NUMBER} {ADDRESS}")

    def recover(self) -> None:
        (self.root / "new").unlink()
        (self.root / "away").rename(self.root / "new")


class WebhookSide:
    """A web server that remembers the ids it has seen."""

    def __init__(self, tmp_path: Path) -> None:
        self.kept: dict[str, bytes] = {}
        self.raw: list[bytes] = []
        self.bad = False
        self.acknowledging = False

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        await self.runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.bad:
            rude = f"{NAME} {NUMBER} {ADDRESS}"
            return web.Response(status=500, reason="Maja 20170230-9812", text=rude, headers={"x-echo": NUMBER})
        self.raw.append(repr(request.headers).encode() + body)
        if request.headers["webhook-id"] in self.kept and not self.acknowledging:
            return web.Response(status=409)
        self.kept.setdefault(request.headers["webhook-id"], body)
        return web.json_response({"acknowledged": self.acknowledging})

    def adapter(self) -> Adapter:
        return WebhookAdapter(f"http://127.0.0.1:{self.port}/hook", SECRET, attempts=2, pause=0.001)

    def documents(self) -> list[object]:
        return [json.loads(body)["data"] for body in self.kept.values()]

    def everything(self) -> bytes:
        return b"\n".join(self.raw)

    async def acknowledge(self, delivery: Delivery, adapter: Adapter) -> None:
        self.acknowledging = True
        await adapter.deliver(delivery)
        self.acknowledging = False

    def turn_bad(self) -> None:
        self.bad = True

    def recover(self) -> None:
        self.bad = False


FAR_SIDES: dict[str, Callable[[Path], FarSide]] = {"folder": FolderSide, "webhook": WebhookSide}


@pytest.fixture(params=FAR_SIDES)
async def far_side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FarSide]:
    side = FAR_SIDES[request.param](tmp_path)
    await side.start()
    yield side
    await side.stop()


@pytest.fixture
async def adapter(far_side: FarSide) -> AsyncIterator[Adapter]:
    adapter = far_side.adapter()
    yield adapter
    await adapter.close()


async def test_the_far_side_gets_the_document(far_side: FarSide, adapter: Adapter) -> None:
    """Every adapter hands over the same document, whole and unchanged, whatever characters the content has."""
    delivery = a_delivery()
    await adapter.deliver(delivery)
    assert far_side.documents() == [delivery.document()]


async def test_every_type_is_handed_over_as_it_is(far_side: FarSide, adapter: Adapter) -> None:
    """An adapter hands over each type of the catalogue: the whole content, field by field, with the type's name."""
    types = [row for row in CATALOGUE.values() if row.carries_content]
    deliveries = {row.name: a_delivery(type=row.name, content=example(row.name)) for row in types}
    for delivery in deliveries.values():
        await adapter.deliver(delivery)
    documents = far_side.documents()
    assert len(documents) == len(types) > 40
    assert {one["type"]: one["content"] for one in documents if isinstance(one, dict)} == {
        name: dict(delivery.content or {}) for name, delivery in deliveries.items()
    }


async def test_a_repeat_is_no_second_message(far_side: FarSide, adapter: Adapter) -> None:
    """A message that is delivered three times is there once, also when the adapter was restarted in between."""
    delivery = a_delivery()
    await adapter.deliver(delivery)
    await adapter.deliver(delivery)
    again = far_side.adapter()
    await again.deliver(delivery)
    await again.close()
    assert far_side.documents() == [delivery.document()]


async def test_a_repeat_after_the_acknowledgement_is_no_second_message(far_side: FarSide, adapter: Adapter) -> None:
    """What the party has already taken up does not come back when the connector repeats it."""
    delivery = a_delivery()
    await far_side.acknowledge(delivery, adapter)
    await adapter.deliver(delivery)
    assert far_side.documents() == [delivery.document()]
    assert delivery.message_id not in {one.message_id for one in await adapter.waiting()}


async def test_the_same_message_at_the_same_time_is_one(far_side: FarSide, adapter: Adapter) -> None:
    """Twenty deliveries of one id at once all succeed, and the far side has one message."""
    delivery = a_delivery()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(adapter.deliver(delivery))
    assert far_side.documents() == [delivery.document()]


async def test_many_messages_at_the_same_time_are_all_there(far_side: FarSide, adapter: Adapter) -> None:
    """Two hundred different messages at once are two hundred whole documents."""
    deliveries = [a_delivery() for _ in range(200)]
    async with asyncio.TaskGroup() as group:
        for delivery in deliveries:
            group.create_task(adapter.deliver(delivery))
    assert sorted(map(repr, far_side.documents())) == sorted(
        repr(json.loads(encode(one.document()))) for one in deliveries
    )


async def test_a_cancelled_delivery_can_be_repeated(far_side: FarSide, adapter: Adapter) -> None:
    """A delivery that was cancelled on its way leaves nothing that keeps the repeat from being the one message."""
    delivery = a_delivery()
    task = asyncio.create_task(adapter.deliver(delivery))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await adapter.deliver(delivery)
    assert far_side.documents() == [delivery.document()]


async def test_a_held_message_is_a_bare_reference(far_side: FarSide, adapter: Adapter) -> None:
    """Of a held message the far side learns that it came and how to fetch it, and nothing else, header and name too."""
    whole = a_delivery()
    held = replace(whole, content=None)
    await adapter.deliver(held)

    [document] = far_side.documents()
    assert isinstance(document, dict)
    assert document["held"] is True
    assert document["message_id"] == held.message_id
    assert document["fetch"] == f"samband inbox show {held.message_id}"
    assert document["decision"] == held.decision

    seen = far_side.everything().decode()
    told = [whole.type, whole.sender_unit, whole.sender_party, whole.conversation, str(whole.ref_to)]
    told += [*whole.grounds, *whole.obligations, *whole.categories, "health"]
    for word in [NAME, "Maja", NUMBER, "20170230", "9812", ADDRESS, "Ingenstans", *told]:
        assert word not in seen
        assert json.dumps(word)[1:-1] not in seen


async def test_the_registrar_is_told_what_a_register_needs(far_side: FarSide, adapter: Adapter) -> None:
    """With each message come the day it came in, from whom, what it is in Swedish, and the sender's case number."""
    await adapter.deliver(a_delivery())
    [document] = far_side.documents()
    assert isinstance(document, dict)
    assert document["registration"] == {
        "received": "2026-11-22T08:00:02.000Z",
        "from": "SE0000000000-BUP1",
        "from_party": "region-test",
        "what": "Utlåtande efter hälsoundersökning",
        "sender_reference": "dnr 12",
        "note": adapter_module.REGISTRATION_NOTE,
    }


async def test_the_registrar_learns_of_a_held_message_that_it_came(far_side: FarSide, adapter: Adapter) -> None:
    """A held message is registered by its day; from whom, what and the case number come with the content."""
    await adapter.deliver(a_delivery(content=None))
    [document] = far_side.documents()
    assert isinstance(document, dict)
    assert document["registration"] == {
        "received": "2026-11-22T08:00:02.000Z",
        "note": adapter_module.REGISTRATION_NOTE,
    }


async def test_the_search_for_planted_words_can_find_them(far_side: FarSide, adapter: Adapter) -> None:
    """The control of the test above: in a message that is not held, the same search finds every planted word."""
    whole = a_delivery()
    await adapter.deliver(whole)
    seen = far_side.everything().decode()
    for word in (NAME, NUMBER, ADDRESS, whole.type, whole.sender_unit, whole.conversation, *whole.categories):
        assert word in seen


async def test_a_mark_between_hand_over_and_repeat_makes_no_second_message(far_side: FarSide, adapter: Adapter) -> None:
    """When a mark turns a repeat into a reference, or its lifting turns it back, the one that came first stays."""
    for first in (a_delivery(), a_delivery(content=None)):
        second = replace(first, content=None if first.content else {"text": "…"})
        await adapter.deliver(first)
        await adapter.deliver(second)
        assert first.document() in far_side.documents()
    assert len(far_side.documents()) == 2


async def test_a_bad_far_side_gives_an_error_that_names_no_child(
    far_side: FarSide, adapter: Adapter, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A far side that fails, echoing the child wherever it can, gets neither name nor number into error or log."""
    caplog.set_level(logging.INFO)
    far_side.turn_bad()
    with pytest.raises(DeliveryError) as caught:
        await adapter.deliver(a_delivery())
    assert caught.value.retriable
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    shown += "".join(capsys.readouterr())
    for word in (NAME, "Maja", NUMBER, "20170230", ADDRESS, "health"):
        assert word not in shown


async def test_what_failed_can_be_delivered_later(far_side: FarSide, adapter: Adapter) -> None:
    """After the far side has recovered, the same call hands the message over, once."""
    await adapter.deliver(a_delivery())
    delivery = a_delivery()
    far_side.turn_bad()
    with pytest.raises(DeliveryError):
        await adapter.deliver(delivery)
    far_side.recover()
    await adapter.deliver(delivery)
    assert far_side.documents().count(delivery.document()) == 1
    assert len(far_side.documents()) == 2


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes", "\ud800"])
async def test_content_without_a_json_form_is_refused(far_side: FarSide, adapter: Adapter, value: object) -> None:
    """Content that JSON cannot hold is refused for good, nothing of it lands, and the error does not show it."""
    with pytest.raises(DeliveryError) as caught:
        await adapter.deliver(a_delivery(content={NAME: value}))
    assert (caught.value.code, caught.value.retriable) == ("DELIVERY_FORM", False)
    assert "Maja" not in "".join(traceback.format_exception(caught.value))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert far_side.documents() == []


async def test_acknowledgements_are_told(far_side: FarSide, adapter: Adapter) -> None:
    """What the far side acknowledged is told, again on each question, and what it did not is not."""
    taken, left = a_delivery(), a_delivery()
    await adapter.deliver(left)
    await far_side.acknowledge(taken, adapter)
    assert await adapter.acknowledged() == await adapter.acknowledged()
    assert list(await adapter.acknowledged()) == [taken.message_id]
    assert taken.message_id not in {one.message_id for one in await adapter.waiting()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("message_id", "../" + "a" * 29),
        ("message_id", "A" * 32),
        ("message_id", "a" * 31),
        ("message_id", "a" * 32 + "\n"),
        ("conversation", ""),
        ("ref_to", ""),
        ("decision", ""),
        ("decision", "xyz"),
        ("created", datetime(2026, 11, 22)),  # noqa: DTZ001 - the point of the case
        ("decided_at", datetime.fromisoformat("2026-11-22T09:00:00+01:00")),
    ],
)
def test_a_delivery_has_exactly_one_form(name: str, value: object) -> None:
    """An id that is no id, a missing decision or a time that is not UTC never becomes a delivery."""
    with pytest.raises(InputError) as caught:
        a_delivery(**{name: value})
    assert caught.value.code == "DELIVERY_FIELD"
    assert f"`{name}`" in caught.value.message


def test_a_delivery_in_a_log_shows_no_content() -> None:
    """A delivery's `repr`, which tracebacks and logs print, has no word of the content."""
    delivery = a_delivery()
    assert delivery.message_id in repr(delivery)
    assert "Maja" not in repr(delivery)


def test_the_document_carries_its_version_and_every_field() -> None:
    """The document is marked `"samband": "1"`, has each field of a delivery, and times in RFC 3339 with `Z`."""
    document = a_delivery().document()
    assert document["samband"] == "1"
    told = {one.name for one in fields(Delivery)} - {"received", "attachments"}
    assert set(document) == told | {"samband", "held", "registration"}
    assert (document["created"], document["decided_at"]) == ("2026-11-22T08:00:00.123Z", "2026-11-22T08:00:01.000Z")


def test_the_face_of_the_adapter_module() -> None:
    """What adapters and the service may use is this list, and all of it exists."""
    assert adapter_module.__all__ == [
        "HELD_NOTICE",
        "REGISTRATION_NOTE",
        "VERSION",
        "Adapter",
        "Attachment",
        "Delivery",
        "Waiting",
        "encode",
        "is_message_id",
        "rfc3339",
    ]
    assert all(hasattr(adapter_module, name) for name in adapter_module.__all__)
