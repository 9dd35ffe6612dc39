"""`make mutate`: do the tests notice when the decision is changed? Each mutant runs in a process of its own.

    python -m tests.mutate                      all modules, two at a time, the survivors and a score for each
    python -m tests.mutate support --list       one module, and what would be tried

A mutant is caught when a test fails, an error is raised or nothing ends within a minute. Tests run in one order, the
fast and telling ones first, and stop at the first failure. mutmut is not used: it renames modules by their folders, so
that it cannot find what is imported as `samband.streams`.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis  # loaded once, before the processes part
import pytest

from samband.schemas import catalogue, events, reasons, rulebook
from tests.mutate.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
MODULES = ("kernel", "conditions", "support", "consents", "withdrawals", "sight")
TESTS = (
    "test_kernel.py", "test_grounds_consent.py", "test_grounds_manual.py", "test_grounds_duties.py",
    "test_grounds_necessity.py", "test_grounds_forbid.py", "test_consents.py", "test_withdrawals.py", "test_sight.py",
    "test_roles.py", "test_opt_in.py", "test_history.py", "test_twin.py",
)  # fmt: skip
WANTED = 0.9
LONGEST = 60.0
"""Seconds after which a mutant counts as caught: it goes in circles."""

_PRELOADED = (catalogue, events, hypothesis, reasons, rulebook)


@dataclass(frozen=True)
class Trial:
    """One mutant of one module."""

    module: str
    mutant: Mutant

    def __str__(self) -> str:
        return f"{self.module}.py:{self.mutant.line}  {self.mutant.what}"


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another text."""

    def __init__(self, name: str, source: str, path: Path) -> None:
        self._name, self._source, self._path = name, source, path

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)  # noqa: S102  the mutant itself


def main() -> int:
    """Try every mutant; return 1 where the score is too low."""
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=MODULES, help=", ".join(MODULES))
    parser.add_argument("--list", action="store_true", help="show the mutants and try none")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    given = parser.parse_args()
    trials = [Trial(name, each) for name in given.modules for each in mutants(_path(name).read_text("utf-8"))]
    if given.list:
        _say("\n".join(map(str, trials)))
        return 0
    if _run(Trial("", Mutant(0, "", ""))):
        _say("the tests fail without any mutant")
        return 2
    began = time.monotonic()
    survivors = []
    for trial in _survivors(trials, given.jobs):
        _say(f"survives  {trial}")
        survivors.append(trial)
    return _report(trials, survivors, time.monotonic() - began)


def _path(module: str) -> Path:
    return ROOT / "streams" / "decision" / f"{module}.py"


def _survivors(trials: Sequence[Trial], jobs: int) -> Iterator[Trial]:
    """Yield the mutants that no test noticed."""
    waiting, running = list(reversed(trials)), {}
    fork = multiprocessing.get_context("fork")
    while waiting or running:
        while waiting and len(running) < jobs:
            trial = waiting.pop()
            process = fork.Process(target=_child, args=(trial,))
            process.start()
            running[process.sentinel] = (process, trial, time.monotonic() + LONGEST)
        connection.wait(list(running), timeout=1)
        for sentinel, (process, trial, until) in list(running.items()):
            if process.is_alive() and time.monotonic() < until:
                continue
            if process.is_alive():
                process.kill()
            process.join()
            del running[sentinel]
            if process.exitcode == 0:
                yield trial


def _run(trial: Trial) -> bool:
    """Say whether the tests fail on one mutant, tried in a process of its own."""
    return not list(_survivors([trial], 1))


def _child(trial: Trial) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    if trial.module:
        name = f"samband.streams.decision.{trial.module}"
        sys.meta_path.insert(0, _Mutated(name, trial.mutant.source, _path(trial.module)))
    os.environ["SAMBAND_STORIES"] = "8000"
    folder = ROOT / "tests" / "decision"
    with tempfile.TemporaryDirectory() as cache:
        options = [
            "-x",
            "-q",
            "--no-header",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-o",
            f"cache_dir={cache}/cache",
            "--deselect",
            _SLOW,
        ]
        code = pytest.main([*options, *(str(folder / name) for name in TESTS)])
    os._exit(min(int(code), 1))


_SLOW = "tests/decision/test_twin.py::test_no_story"
"""The same comparison as the other one, with shrinking, which a mutant makes long."""


def _report(trials: Sequence[Trial], survivors: Sequence[Trial], seconds: float) -> int:
    _say(f"\n{'module':14}{'mutants':>9}{'caught':>9}{'score':>8}")
    low = False
    for name in dict.fromkeys(trial.module for trial in trials):
        tried = sum(trial.module == name for trial in trials)
        left = sum(trial.module == name for trial in survivors)
        low = low or (tried - left) < WANTED * tried
        _say(f"{name:14}{tried:9}{tried - left:9}{(tried - left) / tried:8.1%}")
    caught = len(trials) - len(survivors)
    _say(f"{'all':14}{len(trials):9}{caught:9}{caught / len(trials):8.1%}   in {seconds:.0f} s")
    return int(low)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
