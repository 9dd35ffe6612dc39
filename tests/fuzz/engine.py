"""Runs cases against a target and says what went wrong: any error outside the one tree, a hang, memory that grows.

    findings, seen = fuzz(target, Random(1), cases=1000, note=…)

`fuzz` works in the process that calls it. `apart` does it in a child: what kills the child (a fault in a C module, a
loop that no signal handler can end) is a finding like another, with the case that the child noted before it ran it.
"""

from __future__ import annotations

import mmap
import os
import pickle
import resource
import signal
import struct
import sys
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from samband.schemas.errors import SambandError
from tests.fuzz.cover import ROOT, Coverage, ending
from tests.fuzz.mutate import mutate
from tests.fuzz.parts import Part
from tests.fuzz.target import Target

__all__ = ["CPU_S", "Finding", "HangError", "Seen", "apart", "attempt", "fuzz", "limited"]

CPU_S: Final = 1.0
"""CPU time that a case may take: a thousand times what the slowest one needs."""
GROWTH: Final = 64 << 20
"""Bytes by which a target may grow over a run, and by which one case may raise the peak."""
CASE_MAX: Final = 1 << 20
"""Longest case in bytes: the gate's own limit for a record."""
_CORPUS: Final = 400
_TRACED: Final = 32
_BLOCK: Final = 512
_HEAD: Final = struct.Struct(">QI")


class HangError(BaseException):
    """A case took longer than it may; no `except Exception` stops it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that did what none may."""

    target: str
    kind: str
    where: str
    case: bytes

    @property
    def replay(self) -> str:
        """The command that does it again."""
        return f'make fuzz ARGS="--target {self.target} --replay {self.case.hex()}"'


@dataclass(slots=True)
class Seen:
    """What a run has been through."""

    cases: int = 0
    accepted: int = 0
    endings: int = 0
    lines: dict[str, set[int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@contextmanager
def limited() -> Iterator[Callable[[], None]]:
    """Give a function that begins a case's CPU time; a Python loop gets `HangError`, a loop in C ends the process."""

    def over(number: int, frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGVTALRM, over)
    last = signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def begin() -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_S)
        signal.setitimer(signal.ITIMER_PROF, 5 * CPU_S)

    try:
        yield begin
    finally:
        for timer, number, handler in (
            (signal.ITIMER_VIRTUAL, signal.SIGVTALRM, before), (signal.ITIMER_PROF, signal.SIGPROF, last)
        ):  # fmt: skip
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def attempt(target: Target, case: bytes) -> object:
    """Run a case and return how it failed, or what `run` returned where it was taken."""
    try:
        return target.run(case)
    except (Exception, HangError) as error:
        return error


def finding(target: Target, case: bytes, error: object) -> Finding | None:
    """Return what a case's end is, None where it is as it must be."""
    if not isinstance(error, BaseException) or isinstance(error, SambandError):
        return None
    step, where = error.__traceback__, ""
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name.startswith(str(ROOT)) and "/tests/" not in name:
            where = f"{Path(name).relative_to(ROOT)}:{step.tb_lineno}"
        step = step.tb_next
    return Finding(target.name, type(error).__name__, where, case)


class _Corpus:
    """Cases that reached something new, cut into their fields."""

    def __init__(self, target: Target) -> None:
        self._split = target.split
        self.entries: list[list[Part]] = []
        for seed in target.seeds():
            self.add(seed)

    def add(self, case: bytes) -> None:
        if len(case) <= 16384:
            self.entries.append(self._split(case))
        if len(self.entries) > _CORPUS:
            del self.entries[len(self.entries) // 2]  # neither a seed nor the newest

    def next(self, rng: Random) -> bytes:
        entry, donor = rng.choice(self.entries), rng.choice(self.entries)
        return mutate(rng, entry, donor)[:CASE_MAX]


def fuzz(
    target: Target, rng: Random, cases: int, *, note: Callable[[int, bytes], None] = lambda n, case: None,
    until: float = float("inf"), trace: bool = True,
) -> Seen:  # fmt: skip
    """Run the seeds and then mutations of them; `note` hears of each case before it runs, `until` is monotonic."""
    corpus, coverage, seen = _Corpus(target), Coverage(), Seen()
    ends: set[tuple[object, ...]] = set()
    known: set[tuple[str, str]] = set()
    block: list[bytes] = []
    _forget_peak()
    base, peak = 0, _peak()
    with limited() as begin:
        for n, case in enumerate(_cases(target, corpus, rng, cases)):
            if n % 64 == 0 and time.monotonic() > until:
                break
            note(n, case)
            begin()
            error = attempt(target, case)
            seen.cases += 1
            seen.accepted += not isinstance(error, BaseException)
            end = ending(error)
            fresh = end not in ends
            ends.add(end)
            if trace and (fresh or n % _TRACED == 0):
                begin()
                new = coverage.of(lambda case=case: attempt(target, case))  # type: ignore[misc]
                fresh = fresh or bool(new)
            if fresh:
                corpus.add(case)
            if (found := finding(target, case, error)) and (found.kind, found.where) not in known:
                known.add((found.kind, found.where))
                seen.findings.append(found)
            block.append(case)
            if len(block) == _BLOCK:
                base = base or (_resident() if n > 4 * _BLOCK else 0)
                if n > 4 * _BLOCK and (high := _peak()) > peak + GROWTH:
                    seen.findings.append(_greediest(target, block))
                    peak = high
                peak = _peak() if n <= 4 * _BLOCK else peak
                block.clear()
    if base and _resident() > base + GROWTH:
        seen.findings.append(Finding(target.name, "Growth", f"{(_resident() - base) >> 20} MiB over the run", b""))
    seen.endings, seen.lines = len(ends), coverage.by_file()
    return seen


def _cases(target: Target, corpus: _Corpus, rng: Random, cases: int) -> Iterator[bytes]:
    seeds = target.seeds()[:cases]
    yield from seeds
    for _ in range(cases - len(seeds)):
        yield corpus.next(rng)


def _greediest(target: Target, block: list[bytes]) -> Finding:
    """Return the case of a block that takes the most memory."""
    most, worst = 0, b""
    tracemalloc.start()
    for case in block:
        tracemalloc.reset_peak()
        attempt(target, case)
        if (peak := tracemalloc.get_traced_memory()[1]) > most:
            most, worst = peak, case
    tracemalloc.stop()
    return Finding(target.name, "Memory", f"{most >> 20} MiB for one case", worst)


def _forget_peak() -> None:
    """Let what this process took before be no peak any more, where the kernel can: it would hide what a case takes."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:  # no /proc: the peak says it late
        return _peak()


def apart(target: Target, rng: Random, cases: int, until: float) -> Seen:
    """Do the same in a child process, whose death is a finding."""
    shared = mmap.mmap(-1, _HEAD.size + CASE_MAX)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read)
        _child(target, rng, cases, until, shared, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if data and os.WIFEXITED(status):
        found: Seen = pickle.loads(data)  # noqa: S301  from the child that this process made
        return found
    n, size = _HEAD.unpack_from(shared)
    case = shared[_HEAD.size : _HEAD.size + size]
    kind = "Hang" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF else f"Death {status}"
    return Seen(cases=n, findings=[Finding(target.name, kind, "the process ended", case)])


def _child(target: Target, rng: Random, cases: int, until: float, shared: Any, write: int) -> None:
    def note(n: int, case: bytes) -> None:
        shared[: _HEAD.size + len(case)] = _HEAD.pack(n, len(case)) + case

    try:
        seen = fuzz(target, rng, cases, note=note, until=until)
        with os.fdopen(write, "wb") as pipe:
            pipe.write(pickle.dumps(seen))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
