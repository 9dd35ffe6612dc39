"""Kafka in memory, under the connector's real loops: each call gives way once, as one over a network does.

wire = Wire(line);  wire.under(monkeypatch);  service = wire.service(connector)
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from samband.connectors.service import Service
from samband.streams import topics
from tests.connectors.line import Connector, Line


class Wire:
    """What the brokers would hold."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.sent: list[bytes] = []

    def under(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in the place of aiokafka."""
        monkeypatch.setattr("samband.streams.clients.consumer", lambda *_, **__: Reader(self.line))
        monkeypatch.setattr("samband.streams.clients.producer", lambda *_, **__: Writer(self))

    def service(self, connector: Connector) -> Service:
        """Return a connector's service, which knows no broker."""
        service = connector.service
        service._kafka = service._writer._kafka = dict
        return service

    async def judge(self, at_once: int = 32) -> None:
        """Be the gate: take what was sent in order, for ever."""
        while True:
            await asyncio.sleep(0)
            some, self.sent[:at_once] = self.sent[:at_once], []
            if some:
                self.line.take(*[self.line.gate.raw(value) for value in some])


class Writer:
    """A producer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def start(self) -> None:
        """Connect."""
        await asyncio.sleep(0)

    stop = start

    async def send(self, _: str, *, value: bytes, **__: Any) -> asyncio.Future[None]:
        """Put it into the buffer, which does not give way: a buffer has room."""
        self._wire.sent.append(value)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Reader:
    """A consumer of one inbox."""

    def __init__(self, line: Line) -> None:
        self._line, self._at, self._party = line, 0, ""

    def assign(self, parts: list[Any]) -> None:
        """Note whose inbox it is."""
        (self._part,) = parts
        self._party = next(each for each in self._line.gate.world.parties if topics.inbox(each) == self._part.topic)

    async def start(self) -> None:
        """Connect."""
        await asyncio.sleep(0)

    stop = start

    def seek(self, _: Any, offset: int) -> None:
        """Go on from there."""
        self._at = offset

    async def seek_to_beginning(self, _: Any) -> None:
        """Go on from the beginning."""
        self._at = 0

    async def end_offsets(self, parts: list[Any]) -> dict[Any, int]:
        """Return where it ends."""
        await asyncio.sleep(0)
        return {parts[0]: len(self._line.inboxes[self._party])}

    def last_stable_offset(self, _: Any) -> int:
        """Return where it ended when it was last asked."""
        return len(self._line.inboxes[self._party])

    async def position(self, _: Any) -> int:
        """Return where it is read."""
        return self._at

    async def getmany(self, part: Any, *, max_records: int, **_: Any) -> dict[Any, list[Any]]:
        """Return what is there."""
        await asyncio.sleep(0)
        values = self._line.inboxes[self._party][self._at : self._at + max_records]
        found = [SimpleNamespace(offset=self._at + n, value=value) for n, value in enumerate(values)]
        self._at += len(found)
        return {part: found}
