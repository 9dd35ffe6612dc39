"""The feed of the index acknowledges what is durable, waits for a database that is away, and gives up in time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.audit import UnverifiedAudit
from samband.streams.derived import feed as module
from samband.streams.derived.feed import Feed
from samband.streams.index.rows import Tokens
from samband.streams.index.sqlite import Sqlite
from samband.streams.index.store import IndexStore
from tests.records.ground import Ground


class Away(IndexStore):
    """An index whose database does not answer for a while."""

    away = 0

    def take(self, *arguments: object) -> None:
        """Fail as often as is said."""
        if self.away:
            self.away -= 1
            raise OperatorError("INDEX_WRITE", "away", retriable=True)
        super().take(*arguments)  # type: ignore[arg-type]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Away:
    monkeypatch.setattr(module, "_LOOK_S", 0.05)
    return Away(Sqlite(tmp_path / "index.db"))


def put(feed: Feed, ground: Ground, done: list[int], offsets: range) -> None:
    """Give the feed a record at each offset."""
    for offset in offsets:
        ((_, value),) = ground.values(ground.record("BUP", "IFO", "2026-11-20"))
        audit = UnverifiedAudit.decode(value)
        feed.put(offset, audit, audit.record(ground.keys.of), lambda offset=offset: done.append(offset))  # type: ignore[misc]


async def fed(feed: Feed, failed: asyncio.Event, until: int, done: list[int]) -> None:
    """Run the feed until so many are acknowledged, or it failed."""
    task = asyncio.create_task(feed.run(failed))
    async with asyncio.timeout(10):
        while len(done) < until and not failed.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()


async def test_nothing_is_acknowledged_before_it_is_durable(ground: Ground, index: Away) -> None:
    """While the database is away nothing is acknowledged; when it is back everything is, in order, and found."""
    feed, done, failed = Feed(index, Tokens(ground.keys)), list[int](), asyncio.Event()
    index.away = 3
    put(feed, ground, done, range(5))
    feed.pass_over(5, lambda: done.append(5), unread=True)
    feed.pass_over(6, lambda: done.append(6), unread=False)
    await fed(feed, failed, 7, done)
    assert not failed.is_set()
    assert done == list(range(7))
    assert (index.away, len(index), index.position, index.unreadable) == (0, 5, 7, 1)


async def test_it_gives_up_when_the_index_was_forgotten(ground: Ground, index: Away) -> None:
    """A feed whose index was forgotten acknowledges nothing more and says so, even where no record comes."""
    feed, done, failed = Feed(index, Tokens(ground.keys)), list[int](), asyncio.Event()
    index.clear(streaming=True)
    await fed(feed, failed, 1, done)
    assert failed.is_set()
    put(feed, ground, done, range(2))
    failed.clear()
    await fed(feed, failed, 1, done)
    assert (failed.is_set(), done, len(index)) == (True, [], 0)


async def test_it_gives_up_when_too_much_waits(ground: Ground, index: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that stays away while records keep coming ends the streams rather than fill the memory."""
    monkeypatch.setattr(module, "_MOST", 3)
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    feed, done, failed = Feed(index, Tokens(ground.keys)), list[int](), asyncio.Event()
    index.away = 10**6
    put(feed, ground, done, range(8))
    await fed(feed, failed, 1, done)
    assert (failed.is_set(), done) == (True, [])
