"""Where the parts of a chart stand, in the units of its own drawing; templates draw them, and a table says the same.

    drawn = columns(days, ("permit", "deny", "ask"))       bars over time, one on the other
    drawn = bars(spans, begin, end)                        one bar a row, with marks on it

Pure: numbers in, numbers out. Every chart scales to its place; nothing here knows a colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Bar", "Chart", "Span", "bars", "columns"]

WIDTH: Final = 720
_HEIGHT: Final = 200
_LEFT: Final = 44
_TOP: Final = 8
_BOTTOM: Final = 24
_ROW: Final = 26


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a style, or a mark where `width` is 0."""

    style: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing: bars, and labels as (text, x, y)."""

    width: int
    height: int
    bars: list[Bar]
    lines: list[tuple[str, float, float]]
    """What stands left of a horizontal line, where the line begins, and its height."""
    labels: list[tuple[str, float, float]]


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something held, and what happened meanwhile; any unit of time."""

    begin: float
    end: float
    style: str
    marks: tuple[float, ...] = ()


def columns(days: Sequence[tuple[str, Mapping[str, int]]], styles: Sequence[str]) -> Chart:
    """Return stacked columns, one a day.

    Args:
        days: (label, number by style), in order.
        styles: from the bottom up.
    """
    most = max((sum(numbers.get(style, 0) for style in styles) for _, numbers in days), default=0)
    top = _nice(most)
    room = _HEIGHT - _TOP - _BOTTOM
    step = (WIDTH - _LEFT) / max(1, len(days))
    found: list[Bar] = []
    labels: list[tuple[str, float, float]] = []
    every = max(1, math.ceil(len(days) / 6))
    for number, (label, numbers) in enumerate(days):
        x, y = _LEFT + number * step, float(_HEIGHT - _BOTTOM)
        for style in styles:
            if count := numbers.get(style, 0):
                height = room * count / top
                y -= height
                found.append(Bar(style, round(x + step * 0.1, 2), round(y, 2), round(step * 0.8, 2), round(height, 2)))
        if number % every == 0:
            labels.append((label, round(x, 2), _HEIGHT - 7.0))
    lines = [
        (str(top * part // 2), float(_LEFT), round(_HEIGHT - _BOTTOM - room * part / 2, 2))
        for part in (range(3) if top > 1 else (0, 2))
    ]
    return Chart(WIDTH, _HEIGHT, found, lines, labels)


def bars(spans: Sequence[Span], begin: float, end: float) -> Chart:
    """Return one bar a row from top to bottom, with a mark for each thing that happened."""
    length = max(end - begin, 1.0)

    def at(time: float) -> float:
        return round((min(max(time, begin), end) - begin) / length * (WIDTH - 8) + 4, 2)

    found: list[Bar] = []
    for number, span in enumerate(spans):
        y = float(_TOP + number * _ROW)
        found.append(Bar(span.style, at(span.begin), y + 4, round(max(2.0, at(span.end) - at(span.begin)), 2), 12))
        found += [Bar("mark", at(mark), y, 0, 20) for mark in span.marks]
    return Chart(WIDTH, _TOP + len(spans) * _ROW, found, [], [])


def _nice(number: int) -> int:
    """Return an even round number that is not smaller; 1 for nothing and for 1."""
    if number <= 1:
        return 1
    power = 10 ** math.floor(math.log10(number))
    return next(int(power * step) for step in (1, 2, 4, 6, 8, 10, 20) if power * step >= number and power * step >= 2)
