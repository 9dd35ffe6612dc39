"""What a loop that must never end by itself awaits its work through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["CancelledByNobodyError", "until_asked"]

T = TypeVar("T")


class CancelledByNobodyError(Exception):
    """Something inside the work was cancelled, and the task that awaits it was not."""


async def until_asked(work: Awaitable[T]) -> T:
    """Await `work`; only a cancellation that was asked of this very task comes out as one.

    A library that awaits what it has cancelled itself lets a `CancelledError` out. No `except Exception` takes it, and
    a task group takes it for a task that was told to end: a loop would be gone, and nobody would say so.

    Raises:
        CancelledByNobodyError: the work was cancelled from within.
        Exception: whatever else ended it.
    """
    try:
        return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise CancelledByNobodyError from error
