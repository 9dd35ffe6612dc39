"""A worker's threads: a party whose disk or far side hangs takes nobody else's."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from samband.connectors.host.threads import EACH, Threads, context_of


async def test_a_party_that_hangs_takes_no_one_elses_threads() -> None:
    """With a hundred calls of one party stuck, another's is answered; the stuck one never has more than its share."""
    loop, stuck, running = asyncio.get_running_loop(), threading.Event(), []
    loop.set_default_executor(Threads())

    def hang() -> int:
        running.append(threading.get_ident())
        assert stuck.wait(60)
        return 1

    async def call(work: object) -> int:
        return await asyncio.to_thread(work)  # type: ignore[arg-type]

    try:
        hung = [loop.create_task(call(hang), context=context_of("skola")) for _ in range(100)]
        async with asyncio.timeout(30):
            assert await loop.create_task(call(lambda: 2), context=context_of("bup")) == 2
            assert await asyncio.to_thread(lambda: 3) == 3
        assert len(running) <= EACH
        stuck.set()
        async with asyncio.timeout(30):
            assert sum(await asyncio.gather(*hung)) == 100
    finally:
        stuck.set()


async def test_what_waits_can_be_given_up() -> None:
    """A call that was cancelled while it waited for its party's threads is never made; the next one is."""
    pool, stuck, made = Threads(each=1), threading.Event(), []
    first = pool.submit(stuck.wait, 60)
    given_up, last = pool.submit(made.append, "given up"), pool.submit(made.append, "last")
    assert given_up.cancel()
    stuck.set()
    assert first.result(30)
    last.result(30)
    assert made == ["last"]
    with pytest.raises(CancelledError):
        given_up.result(0)
    failing = pool.submit(int, "x")
    assert isinstance(failing.exception(30), ValueError)
    pool.shutdown()
