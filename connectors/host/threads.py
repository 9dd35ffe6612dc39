"""A worker's threads: what one party blocks is never what another waits for.

    loop.set_default_executor(Threads())
    task = loop.create_task(work, context=context_of("skola"))       what it gives to threads counts as skola's

Adapters write files, name servers are asked, keys are opened in threads. In one common pool a folder on a network disk
that hangs would soon hold every thread. Here a party has at most `EACH` at a time; its next waits for one of its own,
and nobody else's does.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

__all__ = ["EACH", "Threads", "context_of"]

EACH: Final = 4
"""Most threads of one party at a time."""
_MOST: Final = 100_000
"""No bound of its own: parties times `EACH` is the bound, and a thread is made only when none is idle."""

_whose: ContextVar[str] = ContextVar("party", default="")

P = ParamSpec("P")
T = TypeVar("T")


def context_of(party: str) -> Context:
    """Return a context in which work given to threads is a party's."""
    context = copy_context()
    context.run(_whose.set, party)
    return context


class Threads(ThreadPoolExecutor):
    """A pool in which each party has its own queue and its own few threads."""

    def __init__(self, each: int = EACH) -> None:
        super().__init__(max_workers=_MOST, thread_name_prefix="party")
        self._each = each
        self._guard = threading.Lock()
        self._running: dict[str, int] = {}
        self._queues: dict[str, deque[Callable[[], None]]] = {}

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` when its party has a thread free."""
        future: Future[T] = Future()
        whose = _whose.get()
        work = partial(_carry_out, future, partial(fn, *args, **kwargs))
        with self._guard:
            if self._running.get(whose, 0) >= self._each:
                self._queues.setdefault(whose, deque()).append(work)
                return future
            self._running[whose] = self._running.get(whose, 0) + 1
        super().submit(self._work, whose, work)
        return future

    def _work(self, whose: str, work: Callable[[], None]) -> None:
        """Do one thing, then what waits of the same party; the thread is then anybody's."""
        while True:
            work()
            with self._guard:
                queue = self._queues.get(whose)
                if not queue:
                    self._queues.pop(whose, None)
                    self._running[whose] -= 1
                    if not self._running[whose]:
                        del self._running[whose]
                    return
                work = queue.popleft()


def _carry_out(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
