"""Samband's side of `tests.bench.edges`: the sandbox's house, without Kafka.

Real keys, stores, services and REST interface. One real message goes through the gate; then hub and connectors stand
still, copies of that letter are put into the recipient's store, and the edge alone works.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from samband.connectors import service as running
from samband.connectors.adapter import Adapter, encode
from samband.connectors.drop import Drop, DropSettings
from samband.connectors.folder import FolderAdapter
from samband.connectors.handing import delivery_of
from samband.connectors.rest.house import Hosted
from samband.connectors.rest.serving import serving
from samband.connectors.rest.settings import RestSettings
from samband.connectors.sandbox.children import PERMITTED, example_about
from samband.connectors.sandbox.doors import secret_of
from samband.connectors.sandbox.faults import Faults
from samband.connectors.sandbox.house import House
from samband.connectors.sandbox.places import IFO, SCHOOL
from samband.connectors.sandbox.serving import SECRET
from samband.connectors.webhook import WebhookAdapter, cloud_event
from samband.schemas.examples import example

__all__ = ["Ours"]

_SENDER: Final = "skola"
_RECIPIENT: Final = "socialtjanst"
_TYPE: Final = "concern.report"
_WAIT_S: Final = 30.0


class Ours:
    """Samband's side."""

    def __init__(self, house: House, message: bytes) -> None:
        self.sender, self.recipient = house[_SENDER], house[_RECIPIENT]
        row = self.recipient.party.store.letter(message)
        assert row is not None
        self.row, self.offset = row, self.recipient.party.store.offset_of(message)

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator[tuple[Self, dict[str, Any]]]:
        """Give the side, and what the benchmark must know of it."""
        async with House(folder / "home", Faults(time.monotonic), lambda _: {}, fetching=(IFO,)) as house:
            content = example_about(PERMITTED, _TYPE, example(_TYPE))
            side = cls(house, await _said(house, content))
            await _still(house)
            hosted = {}
            for each in (side.sender, side.recipient):
                assert each.party.settings.rest is not None
                settings = replace(each.party.settings.rest, requests_per_minute=10**9)
                hosted[each.party.name] = Hosted(each.party, each.service, settings)
            async with serving(hosted, RestSettings(listen="127.0.0.1:0")) as port:
                body = {"type": _TYPE, "unit": SCHOOL, "recipient": IFO, "content": content}
                delivery = delivery_of(side.row)
                yield (
                    side,
                    {
                        "url": f"http://127.0.0.1:{port}",
                        "clients": {name: secret_of(name) for name in (_SENDER, _RECIPIENT)},
                        "body": json.dumps(body),
                        "document": encode(delivery.document()).decode(),
                        "event": encode(cloud_event(delivery)).decode(),
                    },
                )

    def letters(self, count: int) -> None:
        """Have so many letters that wait to be fetched."""
        store, row = self.recipient.party.store, self.row
        with store.transaction():
            for _ in range(count):
                # A child each: of one child's letters only the oldest is handed over.
                store.add_letter(
                    secrets.token_bytes(16), offset=self.offset, ref=secrets.token_bytes(16), unit=row.unit,
                    type=row.type, expires=row.expires, held=row.held, letter=row.letter, now=row.received,
                )  # fmt: skip

    def files(self, root: Path, body: bytes, count: int) -> None:
        """Have so many files that wait to be sent."""
        self.root, self.dropped = root, Drop(DropSettings(root, SCHOOL), self.sender.party.store, self.sender.client)
        for number in range(count):
            (root / "new" / f"{number}.json").write_bytes(body)

    async def drop(self, count: int) -> float:
        """Take so many files; return the seconds it took."""
        # A file is taken when it has been the same for a second: this clock does not wait for it.
        began, at, done = time.perf_counter(), 0.0, 0
        while done < count:
            done += await self.dropped.take(running.now_ms(), at)
            at += 2.0
        took = time.perf_counter() - began
        if refused := len(list((self.root / "refused").iterdir())):
            raise RuntimeError(f"{refused} files of {count} were refused")
        return took

    async def folder(self, root: Path, count: int) -> float:
        """Hand so many letters over as files; return the seconds it took."""
        return await self._hand_over(FolderAdapter(root), count)

    async def webhook(self, url: str, count: int) -> float:
        """Hand so many letters over by POST; return the seconds it took."""
        adapter = WebhookAdapter(url, SECRET)
        try:
            return await self._hand_over(adapter, count)
        finally:
            await adapter.close()

    async def _hand_over(self, adapter: Adapter, count: int) -> float:
        """Do what the service's own loop does, without its wait for Kafka."""
        service, store = self.recipient.service, self.recipient.party.store
        done = 0
        began = time.perf_counter()
        while True:
            with store.transaction():
                rows = service.handing.begin(IFO, service._known_before, running.now_ms())
            if not rows:
                break
            results = await asyncio.gather(*(service.handing.deliver(adapter, row) for row in rows))
            service.handing.settle(rows, results, running.now_ms())
            done += results.count(None)
        took = time.perf_counter() - began
        if done != count:
            raise RuntimeError(f"{done} letters of {count} were handed over")
        return took

    def seal(self) -> int:
        """Seal what was accepted; return how much that was."""
        service, sealed = self.sender.service, 0
        while True:
            with self.sender.party.store.transaction():
                rows = service.sealer.seal(running.now_ms())
            if not rows:
                return sealed
            sealed += len(rows)


async def _said(house: House, content: dict[str, Any]) -> bytes:
    """Send a message through the gate, and return its id when its recipient may have it."""
    sender, recipient = house[_SENDER], house[_RECIPIENT]
    message = sender.client.send(_TYPE, recipient=IFO, unit=SCHOOL, content=content, now=datetime.now(UTC))
    async with asyncio.timeout(_WAIT_S):
        while recipient.party.store.letter(message) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        offset = recipient.party.store.offset_of(message)
        while recipient.service._known_before <= offset:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await sender.outcome(message, lambda outcome: outcome.decided)
    return message


async def _still(house: House) -> None:
    """Stop hub and connectors, and leave their files open: only the edge is to work."""
    tasks = [*house._hub, *(each.task for each in house.hosted.values() if each.task)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # The letter itself counts as handed over: copies of it are what is handed over.
    house[_RECIPIENT].party.store.database.execute("UPDATE inbox SET state = 'opened'")
