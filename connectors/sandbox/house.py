"""Everything that runs in the sandbox: the hub's processes as tasks, and a connector for each party.

    async with House(folder, Faults(time.monotonic)) as house:
        message = house["skola"].client.send("concern.report", …)

What a process of the hub is given on Kafka it is given here: its `run`, its folder, its keys. What ends is begun again
after a moment, as the hub does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from samband.connectors.adapter import Adapter
from samband.connectors.client import Client, Outcome
from samband.connectors.party import Party
from samband.connectors.rest.secrets import digest_of_secret
from samband.connectors.rest.settings import Scope
from samband.connectors.sandbox.children import history
from samband.connectors.sandbox.doors import secret_of
from samband.connectors.sandbox.faults import Faults
from samband.connectors.sandbox.line import Line
from samband.connectors.sandbox.places import PARTIES
from samband.connectors.service import Service
from samband.schemas.agreement import shipped_text
from samband.schemas.errors import InputError, OperatorError, SambandError
from samband.streams.authority import Home
from samband.streams.gate.__main__ import run as run_gate
from samband.streams.log.__main__ import run as run_log
from samband.streams.registrar.__main__ import run as run_registrar
from samband.streams.settings import KafkaSettings
from samband.streams.tasks import until_asked
from samband.streams.topics import outbox

__all__ = ["AGREEMENT", "Hosted", "House"]

AGREEMENT: Final = "sandbox"
_SHARDS: Final = 1
_READY_S: Final = 60.0
_ANSWER_S: Final = 30.0
_LOOK_S: Final = 0.01
_AGAIN_S: Final = 1.0

log = logging.getLogger("samband.sandbox")


@dataclass(frozen=True, slots=True)
class _OnLine(KafkaSettings):
    """How to reach the line, as whom."""

    line: Line
    principal: str
    hub: bool

    def aiokafka(self) -> dict[str, Any]:
        return self.line.connection(self.principal, hub=self.hub)


class _Home(Home):
    """The hub's folder, whose processes reach the line."""

    def __init__(self, path: Path, line: Line) -> None:
        super().__init__(path)
        self._line = line

    def kafka(self, principal: str) -> KafkaSettings:
        return on_line(super().kafka(principal), self._line, principal, hub=True)


def on_line(kafka: KafkaSettings, line: Line, principal: str, *, hub: bool = False) -> KafkaSettings:
    """Return settings that reach the line instead of a broker."""
    return _OnLine(kafka.bootstrap, kafka.ca, kafka.certificate, kafka.key, line, principal, hub)


@dataclass(slots=True)
class Hosted:
    """One party's connector: its open files, its running service, and what its own systems call."""

    party: Party
    service: Service
    client: Client
    task: asyncio.Task[None] | None = None

    async def outcome(self, message_id: bytes, done: Callable[[Outcome], bool], seconds: float = _ANSWER_S) -> Outcome:
        """Return what became of a message as soon as that is enough, or when the time is over."""
        until = time.monotonic() + seconds
        while not done(outcome := self.client.outcome(message_id)) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        return outcome


class House:
    """The hub, the parties, and the line between them."""

    def __init__(
        self,
        folder: Path,
        faults: Faults,
        adapters: Callable[[Party], Mapping[str, Adapter]] | None = None,
        fetching: Collection[str] = (),
    ) -> None:
        """Found it in an empty folder.

        `adapters` gives a party's ways into its own systems (default: folders); the units in `fetching` have none, and
        fetch over REST.

        Raises:
            OperatorError: the folder cannot be used.
        """
        self.faults = faults
        self.line = Line(faults)
        self.line.partitions[outbox(AGREEMENT)] = _SHARDS
        self.home = _Home(folder, self.line)
        self.hosted: dict[str, Hosted] = {}
        self._adapters = adapters or Party.adapters
        self._hub: list[asyncio.Task[None]] = []
        now = datetime.now(UTC)
        self.home.found(AGREEMENT, now=now, shards=_SHARDS, terms=shipped_text("vastmanland"))
        for place in PARTIES:
            ways = "".join(_way(unit.id, fetching=unit.id in fetching) for unit in place.units) + _rest(place.party)
            at = self.home.add_party(place.party, place.name, place.organisation, place.units, now=now, extra=ways)
            (at / "rest-secrets").touch(mode=0o600)
            (at / "rest-secrets").write_text(digest_of_secret(secret_of(place.party)) + "\n", "ascii")
            (at / "inbox").mkdir(mode=0o700)

    def __getitem__(self, party: str) -> Hosted:
        """Return a party.

        Raises:
            InputError: there is none of that name.
        """
        if party not in self.hosted:
            raise InputError("PARTY_UNKNOWN", "there is no such party in the sandbox", ", ".join(self.hosted))
        return self.hosted[party]

    def owner(self, unit: str) -> Hosted:
        """Return the party of a unit.

        Raises:
            InputError: nobody's.
        """
        return self[self.check_unit(unit)]

    @staticmethod
    def check_unit(unit: str) -> str:
        """Return the name of the party that a unit belongs to.

        Raises:
            InputError: nobody's.
        """
        for place in PARTIES:
            if any(each.id == unit for each in place.units):
                return place.party
        units = ", ".join(unit.id for place in PARTIES for unit in place.units)
        raise InputError("UNIT_UNKNOWN", "there is no such unit in the sandbox", units)

    async def __aenter__(self) -> Self:
        """Start everything; return when each connector is ready and the children's histories are told."""
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        await self.close()

    async def _start(self) -> None:
        (self.home.hub / "run").mkdir(exist_ok=True)
        works: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
            lambda: run_registrar(self.home),
            lambda: run_gate(self.home, 0),
            lambda: run_log(self.home),
        )
        self._hub = [asyncio.create_task(_forever(work)) for work in works]
        for place in PARTIES:
            self.start(place.party)
        async with asyncio.timeout(_READY_S):
            for each in self.hosted.values():
                await each.service.ready.wait()
        await self._tell()

    def start(self, name: str) -> Hosted:
        """Start a party's connector on what its folder holds, as after an installation or a crash."""
        party = Party.load(self.home.parties / name / "connector.toml")
        party.settings = replace(party.settings, kafka=on_line(party.settings.kafka, self.line, name))
        service = Service(party, dict(self._adapters(party)))
        hosted = Hosted(party, service, Client(party, service))
        hosted.task = asyncio.create_task(_forever(service.run))
        self.hosted[name] = hosted
        return hosted

    async def stop(self, name: str) -> None:
        """End a party's connector in the middle of whatever it does."""
        hosted = self[name]
        if hosted.task:
            hosted.task.cancel()
            await asyncio.gather(hosted.task, return_exceptions=True)
            hosted.task = None
            hosted.party.store.close()

    async def restart(self, name: str) -> Hosted:
        """End a party's connector and start it again; return when it is ready."""
        await self.stop(name)
        hosted = self.start(name)
        async with asyncio.timeout(_READY_S):
            await hosted.service.ready.wait()
        return hosted

    async def _tell(self) -> None:
        """Let the parties say the children's histories, each event when the one before is taken."""
        now = datetime.now(UTC)
        for said in history(int(now.timestamp())):
            hosted = self[said.party]
            message = hosted.client.record(said.body, child=said.child.identifier, unit=said.unit, now=now)
            outcome = await hosted.outcome(message, lambda outcome: outcome.decided)
            if outcome.state != "accepted":
                raise OperatorError("SANDBOX_HISTORY", f"an event of the beginning came out as `{outcome.state}`")

    async def close(self) -> None:
        """End everything; nothing is left but the folder."""
        for name in self.hosted:
            await self.stop(name)
        for task in self._hub:
            task.cancel()
        await asyncio.gather(*self._hub, return_exceptions=True)
        self._hub.clear()


def _way(unit: str, *, fetching: bool) -> str:
    kind = 'kind = "rest"' if fetching else f'kind = "folder"\npath = "inbox/{unit}"'
    return f'\n[[adapter]]\nunit = "{unit}"\n{kind}\n'


def _rest(party: str) -> str:
    scopes = ", ".join(f'"{scope}"' for scope in Scope)
    return (
        "\n[rest]\nrequests_per_minute = 60000\n"
        f'\n[[rest.client]]\nid = "{party}"\nsecrets = "rest-secrets"\nscopes = [{scopes}]\n'
    )


async def _forever(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run something again a moment after whatever ended it."""
    while True:
        with contextlib.suppress(Exception):
            try:
                await until_asked(work())
            except Exception as error:
                code = error.code if isinstance(error, SambandError) else type(error).__name__
                log.warning("begins again", extra={"code": code})
                raise
        await asyncio.sleep(_AGAIN_S)
