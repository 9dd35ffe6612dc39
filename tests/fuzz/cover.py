"""Which lines of the product a case has reached: what makes it worth to go on from, and the figure at the end.

A tracing function costs too much for every case. So a case is traced when it ended in a way that was not seen before
(the error's code and the lines that it passed), and one in a few besides.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

__all__ = ["Coverage", "ending", "executable"]

ROOT: Final = Path(__file__).resolve().parents[2]
_ROOMS: Final = tuple(str(ROOT / room) + "/" for room in ("schemas", "streams", "connectors"))

Line = tuple[CodeType, int]


class Coverage:
    """Lines of the product that were reached so far."""

    def __init__(self) -> None:
        self.lines: set[Line] = set()
        self._ours: dict[CodeType, bool] = {}

    def of(self, run: Callable[[], object]) -> int:
        """Run something traced and return how many lines were new."""
        before = len(self.lines)
        sys.settrace(self._enter)
        try:
            run()
        finally:
            sys.settrace(None)
        return len(self.lines) - before

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            name = code.co_filename
            ours = self._ours[code] = name.startswith(_ROOMS) or name == "<string>"
        return self._line if ours else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.lines.add((frame.f_code, frame.f_lineno))
        return self._line

    def by_file(self) -> dict[str, set[int]]:
        """Return the reached lines by file, relative to the work tree."""
        found: dict[str, set[int]] = {}
        for code, line in self.lines:
            if code.co_filename.startswith(_ROOMS) and code.co_filename.endswith(".py"):
                found.setdefault(str(Path(code.co_filename).relative_to(ROOT)), set()).add(line)
        return found


def executable(name: str) -> set[int]:
    """Return the lines inside the functions of a file of the work tree: what runs at import is no parser's."""
    path = ROOT / name
    found: set[int] = set()

    def walk(code: CodeType, *, inside: bool) -> None:
        if inside:
            found.update(line for _, _, line in code.co_lines() if line and line != code.co_firstlineno)
        for each in code.co_consts:
            if isinstance(each, CodeType):
                walk(each, inside=bool(each.co_flags & 0x2))  # CO_NEWLOCALS: a function, not a class body

    walk(compile(path.read_text("utf-8"), str(path), "exec"), inside=False)
    return found


def ending(end: object) -> tuple[object, ...]:
    """Return how a case ended: the error's code and the lines of the product on its way, or what it returned."""
    if not isinstance(end, BaseException):
        return end if isinstance(end, tuple) else ()
    error: BaseException = end
    way: list[object] = [type(error), getattr(error, "code", "")]
    for each in (error, error.__cause__):
        step: TracebackType | None = each.__traceback__ if each is not None else None
        while step is not None:
            way.append((step.tb_frame.f_code, step.tb_lineno))
            step = step.tb_next
            if len(way) > 40:
                break
    return tuple(way)
