"""One run of the suite: a sandbox with the system under test at one unit, each check in turn, and the report.

    report = await run(side, unit=IFO, tell=print)

The report is `join`'s own (`conformity`): who ran it, with which versions, what was seen of each promise.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from samband.connectors.adapter import Adapter, Delivery
from samband.connectors.conformity import FAILED, OK, SKIPPED, Report
from samband.connectors.conformity import Check as Line
from samband.connectors.contract.checks import CHECKS, Check, Failed, LeftOut
from samband.connectors.contract.door import served
from samband.connectors.contract.far_side import FarSide, RestSide
from samband.connectors.contract.trouble import Plan, Troubled
from samband.connectors.party import Party
from samband.connectors.sandbox.children import CHILDREN, Child, example_about
from samband.connectors.sandbox.faults import Faults
from samband.connectors.sandbox.house import Hosted, House
from samband.connectors.sandbox.places import BUP, IFO, SCHOOL
from samband.connectors.webhook import cloud_event
from samband.schemas.errors import InputError, SambandError
from samband.schemas.examples import example

__all__ = ["UNITS", "run"]

_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.02


class _Way:
    """How a unit gets a message that the gate permits: who says what, about whom."""

    def __init__(self, sender: str, type_name: str, child: str, protected: str = "") -> None:
        self.sender, self.type = sender, type_name
        self.child = CHILDREN[child]
        self.protected = CHILDREN.get(protected)


UNITS: Final[Mapping[str, _Way]] = {
    IFO: _Way(SCHOOL, "concern.report", "denied"),
    SCHOOL: _Way(IFO, "placement.notice", "permitted", "protected"),
    BUP: _Way(IFO, "health_exam.request", "permitted"),
}
"""The units at which a system can be tested."""


class _Bench:
    """A running sandbox, seen from a check."""

    def __init__(self, house: House, side: FarSide, unit: str, plan: Plan) -> None:
        self.side, self.plan = side, plan
        self._house, self._unit, self._way = house, unit, UNITS[unit]
        self._said: dict[str, Hosted] = {}

    async def say(self, *, protected: bool = False) -> str:
        child: Child | None = self._way.protected if protected else self._way.child
        if child is None:
            raise LeftOut(f"nothing is said to `{self._unit}` about the protected child; --unit {SCHOOL} has it")
        hosted = self._house.owner(self._way.sender)
        content = example_about(child, self._way.type, example(self._way.type))
        message = hosted.client.send(
            self._way.type, recipient=self._unit, unit=self._way.sender, content=content, now=datetime.now(UTC)
        )
        outcome = await hosted.outcome(message, lambda each: each.decided)
        if outcome.steps and outcome.steps[0].outcome != "permit":
            raise Failed(f"the sandbox's own gate said `{outcome.state}`")
        self._said[message.hex()] = hosted
        return message.hex()

    async def state(self, message_id: str, *wanted: str, seconds: float = _WAIT_S) -> str:
        hosted = self._said[message_id]
        outcome = await hosted.outcome(bytes.fromhex(message_id), lambda each: each.state in wanted, seconds)
        return outcome.state

    async def restart(self) -> None:
        await self._house.restart(self._house.check_unit(self._unit))

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def event(self) -> dict[str, Any]:
        now, way = datetime.now(UTC), self._way
        delivery = Delivery(
            message_id=secrets.token_hex(16), conversation=secrets.token_hex(16), ref_to=None, type=way.type,
            sender_unit=way.sender, sender_party=self._house.check_unit(way.sender), unit=self._unit, created=now,
            decided_at=now, received=now, grounds=("CONSENT",), obligations=(), categories=("identity:child",),
            decision=secrets.token_hex(32), content=example_about(way.child, way.type, example(way.type)),
        )  # fmt: skip
        return cloud_event(delivery)


async def run(
    side: FarSide,
    *,
    unit: str = IFO,
    party: Party | None = None,
    tell: Callable[[Line], None] = lambda line: None,
    checks: Sequence[Check] = CHECKS,
) -> Report:
    """Ask everything of a system, and return the report; what fails is in it.

    Args:
        side: the system under test.
        unit: at which of the sandbox's units it stands.
        party: whose report it is; None: the sandbox's own party of that unit.
        tell: told each line as it comes.
        checks: what is asked; all of it for a report that is handed in.

    Raises:
        InputError: no system can be tested at that unit.
    """
    if unit not in UNITS:
        raise InputError("UNIT_UNKNOWN", "a system is tested at one of the sandbox's units", ", ".join(UNITS))
    async with _opened(side, unit) as (house, bench):
        report = Report.begin(party or house.owner(unit).party)
        report.versions = {**report.versions, "system": side.name, "unit": unit}
        for check in checks:
            await _ask(check, bench, report)
            tell(report.checks[-1])
        report.end((party or house.owner(unit).party).directory)
    return report


@asynccontextmanager
async def _opened(side: FarSide, unit: str) -> AsyncIterator[tuple[House, _Bench]]:
    plan = Plan()

    def adapters(party: Party) -> dict[str, Adapter]:
        own = party.adapters()
        made = side.adapter() if unit in own else None
        return own if made is None else own | {unit: Troubled(made, plan)}

    with tempfile.TemporaryDirectory(prefix="samband-contract-", ignore_cleanup_errors=True) as folder:
        fetching = [unit] if isinstance(side, RestSide) else []
        home = House(Path(folder) / "home", Faults(time.monotonic), adapters, fetching)
        async with home as house, AsyncExitStack() as stack:
            if isinstance(side, RestSide):
                await stack.enter_async_context(served(house, side.port, house.check_unit(unit), plan))
            yield house, _Bench(house, side, unit, plan)


async def _ask(check: Check, bench: _Bench, report: Report) -> None:
    began = time.monotonic()
    try:
        state, found = OK, await check.ask(bench)
    except Failed as failed:
        state, found = FAILED, str(failed)
    except LeftOut as left_out:
        state, found = SKIPPED, str(left_out)
    except Exception as error:  # a system under test may do anything
        state, found = FAILED, error.code if isinstance(error, SambandError) else type(error).__name__
    bench.plan.calm()
    report.add(check.promise, check.words, state, found, 1000 * (time.monotonic() - began))
