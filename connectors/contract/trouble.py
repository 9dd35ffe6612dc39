"""What goes wrong between a connector and a party's own system, in a known order.

    plan = Plan();  adapter = Troubled(side.adapter(), plan)
    plan.next(How.LOST_ANSWER, How.ERROR)        the next two attempts
    plan.away = True                             all, until it is False

The trouble is made outside the system under test, so that a system in any language meets the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

from samband.connectors.adapter import Adapter, Delivery, Waiting
from samband.schemas.errors import DeliveryError

__all__ = ["How", "Plan", "Troubled"]

_CUT_S: Final = 0.003


class How(StrEnum):
    """How one attempt goes wrong."""

    ERROR = "error"
    """The system says 500 and has taken nothing."""
    LOST_ANSWER = "lost answer"
    """The system takes it and dies before its answer is heard."""
    TWICE = "twice"
    """It comes twice, one after the other."""
    TOGETHER = "together"
    """It comes twice at the same time."""
    CUT = "cut"
    """The connection breaks in the middle: perhaps it has it, perhaps not."""


class Plan:
    """What goes wrong next."""

    def __init__(self) -> None:
        self.away = False
        self.attempts: list[str] = []
        """The message ids of all attempts, those that nothing came of included."""
        self._next: dict[str, deque[How]] = {each: deque() for each in ("hand over", "fetch", "acknowledge")}

    def next(self, *hows: How) -> None:
        """Let the next attempts go wrong; of a system that fetches, each step of them."""
        for each in self._next.values():
            each.extend(hows)

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self.away = False
        for each in self._next.values():
            each.clear()

    def at(self, step: str) -> How | None:
        """Return how the next of such steps goes wrong; None: it does not."""
        hows = self._next.get(step)
        return hows.popleft() if hows else None

    def take(self, message_id: str) -> How | None:
        """Return how an attempt goes wrong; None: it does not.

        Raises:
            DeliveryError: the system is away.
        """
        self.attempts.append(message_id)
        if self.away:
            raise DeliveryError("FAR_SIDE_AWAY", "the contract suite keeps the far side away", retriable=True)
        return self.at("hand over")


class Troubled:
    """An adapter with a plan of what goes wrong before it and behind it."""

    def __init__(self, adapter: Adapter, plan: Plan) -> None:
        self._adapter, self._plan = adapter, plan

    async def deliver(self, delivery: Delivery) -> None:
        """Hand over, as the plan says.

        Raises:
            DeliveryError: the adapter's own, or what the plan makes of it.
        """
        match self._plan.take(delivery.message_id):
            case None:
                await self._adapter.deliver(delivery)
            case How.ERROR:
                raise _lost()
            case How.LOST_ANSWER:
                await self._adapter.deliver(delivery)
                raise _lost()
            case How.TWICE:
                await self._adapter.deliver(delivery)
                await self._adapter.deliver(delivery)
            case How.TOGETHER:
                await asyncio.gather(self._adapter.deliver(delivery), self._adapter.deliver(delivery))
            case How.CUT:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CUT_S):
                        await self._adapter.deliver(delivery)
                raise _lost()

    async def acknowledged(self) -> Sequence[str]:
        """Ask the adapter."""
        return await self._adapter.acknowledged()

    async def waiting(self) -> Sequence[Waiting]:
        """Ask the adapter."""
        return await self._adapter.waiting()

    async def close(self) -> None:
        """Let go of the adapter."""
        await self._adapter.close()


def _lost() -> DeliveryError:
    return DeliveryError("FAR_SIDE_FAILED", "the contract suite lost the far side's answer", retriable=True)
