"""A loop ends only when it is asked to, whatever its work or a library does."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from samband.streams import clients
from samband.streams.tasks import CancelledByNobodyError, until_asked


class Client:
    """Ends as it is told to."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.stopped = False

    async def stop(self) -> None:
        """Stop, or not."""
        self.stopped = True
        if self.how == "error":
            raise OSError("gone")
        if self.how == "cancelled":
            raise asyncio.CancelledError
        while self.how == "deaf":
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                if self.how != "deaf":
                    raise


async def _cancelled() -> None:
    raise asyncio.CancelledError


async def test_a_cancellation_from_within_is_an_error() -> None:
    """A task group would drop the task silently: it has to be an error that ends no loop."""
    with pytest.raises(CancelledByNobodyError):
        await until_asked(_cancelled())


async def test_a_cancellation_that_was_asked_for_is_one() -> None:
    """Whoever ends the loop ends it."""
    task = asyncio.create_task(until_asked(asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_inside_is_a_time_limit() -> None:
    """`asyncio.timeout` cancels the task, too, and takes it back."""

    async def late() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await until_asked(late())


@pytest.mark.parametrize("how", ["good", "error", "cancelled", "deaf"])
async def test_stopping_a_client_reaches_nobody(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a client stops, or does not, whoever stops it goes on with the next."""
    monkeypatch.setattr(clients, "_LEAVE_S", 0.1)
    one, other = Client(how), Client("good")
    await clients.stop(one, None, other)
    assert one.stopped
    assert other.stopped
    one.how = "good"  # so that the deaf one ends
    await asyncio.sleep(0.02)


async def test_a_stop_is_cancelled_with_its_caller() -> None:
    """Who is asked to end while it stops a client ends now, not when the client does."""
    one: Any = Client("deaf")
    began, task = time.monotonic(), asyncio.create_task(clients.stop(one))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    one.how = "good"
    await asyncio.sleep(0.02)
    assert time.monotonic() - began < 2
