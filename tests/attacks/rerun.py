"""Runs the tests that mount an attack already once more, each with its defence off: `run` says how each ended.

As a pytest plugin it switches the defence off for the call of the test alone, so that what its fixtures made is sound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from samband.schemas.errors import SambandError
from tests.attacks import EXISTING, off

__all__ = ["run"]

ROOT = Path(__file__).parents[2]
_HARM = (AssertionError, pytest.fail.Exception, SambandError)
_RESULTS = "SAMBAND_ATTACKS_RESULTS"


def run(results: Path, nodes: Sequence[str]) -> dict[str, str]:
    """Return how each test ended with its defence off, by node id: `harm`, `passed`, or what went wrong besides."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "tests.attacks.rerun",
               "-o", f"cache_dir={results.parent / 'cache'}", *nodes]  # fmt: skip
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, _RESULTS: str(results), "PYTHONPATH": path},
                           capture_output=True, text=True, check=False)  # fmt: skip
    assert results.exists(), ended.stdout + ended.stderr
    found: dict[str, str] = json.loads(results.read_text("utf-8"))
    return found


_ended: dict[str, str] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Call a test without the defence that it is about."""
    (defence,) = (each.defence for each in EXISTING.values() if each.test == item.nodeid)
    _ended[item.nodeid] = "passed"
    try:
        with off(defence):
            return (yield)
    except BaseException as error:
        _ended[item.nodeid] = "harm" if isinstance(error, _HARM) else repr(error)
        raise


def pytest_sessionfinish() -> None:
    """Write down how each ended."""
    if target := os.environ.get(_RESULTS):
        Path(target).write_text(json.dumps(_ended), "utf-8")
