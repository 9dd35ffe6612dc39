"""What the gate knows of the log: the newest checkpoint that it was shown, and what cannot be."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from samband.streams.gate.logged import NONE, Logged
from tests.log.logs import KEY, Log, entries
from tests.log.ring import Ring


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path)


@pytest.fixture
def logged(ring: Ring) -> Logged:
    return Logged(dict, ring.world.directory, ring.origin)


def test_the_newest_is_named(ring: Ring, logged: Logged) -> None:
    """Nothing before the first entry, then always the largest."""
    assert logged.newest == NONE
    for count in (0, 3, 4, 0):
        ring.log.add(entries(count, ring.log.edge.size))
        logged.take(ring.log.files["checkpoint"])
        size = ring.log.checkpoint.size
        assert logged.newest == ((size, ring.log.checkpoint.root) if size else NONE)
    assert logged.code == ""


def test_what_the_log_did_not_sign_is_not_named(ring: Ring, logged: Logged) -> None:
    """Garbage, another's checkpoint, and one of another log change nothing."""
    logged.take(ring.log.add(entries(2)))
    thief = Log(entries(9), key=KEY, origin=ring.origin)
    other = Log(entries(9), key=ring.key, origin=ring.origin + "x")
    for value in (b"", b"garbage", thief.files["checkpoint"], other.files["checkpoint"]):
        logged.take(value)
    assert (logged.newest[0], logged.code) == (2, "")


@pytest.mark.parametrize(("past", "code"), [([*entries(4), bytes(32)], "LOG_FORK"), (entries(4), "LOG_ROLLED_BACK")])
def test_a_log_that_contradicts_itself_is_said(
    ring: Ring, logged: Logged, past: list[bytes], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Two checkpoints of one size, or a smaller one after a larger: said once, and the first is named on."""
    logged.take(ring.log.add(entries(5)))
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            logged.take(ring.make(past).files["checkpoint"])
    assert logged.newest == (5, ring.log.checkpoint.root)
    assert logged.code == code
    assert [each.code for each in caplog.records] == [code]  # type: ignore[attr-defined]
