"""What the sequencer takes from the audit topic at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from samband.streams.log.topic import MOST, LogTopics


@dataclass
class Record:
    """A record as aiokafka gives it."""

    offset: int
    value: bytes = b"x"
    timestamp: int = 0


class Consumer:
    """A partition of so many records, of which each fetch brings at most some."""

    def __init__(self, end: int, fetched: int) -> None:
        self.end, self.fetched, self.at, self.asked = end, fetched, 0, 0

    async def getmany(self, topic: Any, *, timeout_ms: int, max_records: int) -> dict[Any, list[Record]]:
        """Return the next fetch."""
        self.asked += 1
        first, self.at = self.at, min(self.end, self.at + min(max_records, self.fetched))
        return {topic: [Record(offset) for offset in range(first, self.at)]} if self.at > first else {}

    async def position(self, topic: Any) -> int:
        """Return the next offset."""
        return self.at

    def last_stable_offset(self, topic: Any) -> int:
        """Return the end."""
        return self.end


def read(consumer: Consumer) -> tuple[list[int], int]:
    topics = LogTopics.__new__(LogTopics)
    topics._audit = consumer  # type: ignore[assignment]
    records, after = asyncio.run(topics.read())
    return [each.offset for each in records], after


def test_a_log_that_is_behind_takes_much_at_once() -> None:
    """Fetches are gathered until the topic's end or the most of one checkpoint; the rest comes next, none twice."""
    consumer = Consumer(20_000, 450)
    first, after = read(consumer)
    assert (first, after) == (list(range(MOST)), MOST)
    second, _ = read(consumer)
    third, after = read(consumer)
    assert first + second + third == list(range(20_000))
    assert after == 20_000


@pytest.mark.parametrize(("end", "asked"), [(0, 1), (3, 1), (450, 1), (451, 2)])
def test_at_the_end_nobody_waits_for_more(end: int, asked: int) -> None:
    """What there is comes at once, without a look at an end that was reached already."""
    consumer = Consumer(end, 450)
    assert read(consumer) == (list(range(end)), end)
    assert consumer.asked == asked
