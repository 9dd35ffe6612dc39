"""Consent is linear, whatever crashes: messages race withdrawals, and a gate that is broken on purpose is noticed."""

from __future__ import annotations

import shutil

import pytest

from samband.schemas.event_bodies import Scope
from samband.schemas.stamp import StampRecord
from tests.kafka.fault import scratch
from tests.kafka.fault_checks import Entry
from tests.kafka.fault_world import FREEZE
from tests.kafka.linear import Plan, run
from tests.kafka.linear_checks import Result, one_sided, wrong_with
from tests.kafka.linear_race import Race


@pytest.mark.kafka
def test_no_message_is_permitted_after_the_receipt_of_a_withdrawal() -> None:
    """300 races between two parties, under four kills and a freeze of the gate: never a permit after the receipt."""
    folder = scratch()
    lines: list[str] = []
    failures = run(Plan(races=300, seed=20_261_122, kills=4), folder / "home", lines.append)
    print("\n".join(lines))  # noqa: T201  pytest shows it when something does not hold
    assert not failures, f"{len(failures)} failures, such as {failures[:5]}; data in {folder}"
    shutil.rmtree(folder)


@pytest.mark.kafka
def test_a_gate_that_forgets_withdrawals_when_it_is_killed_is_noticed() -> None:
    """A gate whose rebuilt state has lost the withdrawals permits after the receipt, and the run says so."""
    folder = scratch()
    try:
        failures = run(
            Plan(races=120, seed=1, kills=4, freezes=0, seats=8, mutant="amnesia"), folder / "home", lambda _: None
        )
    finally:
        shutil.rmtree(folder)
    assert [each for each in failures if each.endswith("permitted after the receipt of the withdrawal")]
    assert [each for each in failures if each.endswith("permitted on a consent that was not open")]


def test_a_seed_fixes_which_gate_is_killed_and_when() -> None:
    """The same seed kills the same worker at the same race; by default ten times at least, after one stood still."""
    moments = Plan(seed=7).moments
    assert moments == Plan(seed=7).moments != Plan(seed=8).moments
    victims = [victim for *_, victim in moments]
    assert victims[0].startswith(FREEZE)
    assert set(victims[1:]) == {"gate-0", "gate-1"}
    assert len(victims[1:]) >= 10


def race(
    outcome: str, seq: int, *, after: str = "deny", covers: bool = True, handed: int = 0, recalled: int = 0
) -> Result:
    """Return a race whose withdrawal was accepted at 10."""

    def entry(kind: str, word: str, at: int) -> Entry:
        nothing, nobody = bytes(32), bytes(16)
        record = StampRecord(
            kind=kind,
            outcome=word,
            leaf=nothing,
            message_id=nobody,
            sender="",
            recipient="",
            ref=nobody,
            type="",
            rulebook=nothing,
            directory=1,
            decided_at=0,
            appended_at=0,
        )
        return Entry(0, at, nothing, record)

    raced = Race("child", "school", Scope.EVERYTHING, covers, False, bytes(16), bytes(16), bytes(16))
    message, withdrawal = entry("decision", outcome, seq), entry("event", "accepted", 10)
    return Result(raced, message, withdrawal, entry("decision", after, 20), handed, recalled)


@pytest.mark.parametrize(
    "result",
    [
        race("permit", 5, handed=8),
        race("permit", 5, recalled=11),
        race("permit", 5, recalled=11, handed=12),
        race("deny", 12),
        race("permit", 12, after="permit", covers=False, handed=14),
    ],
)
def test_a_race_may_end_in_these_ways(result: Result) -> None:
    """Handed over before, recalled, recalled too late to stop it, denied, or not concerned at all."""
    assert not list(wrong_with(result))


@pytest.mark.parametrize(
    ("result", "what"),
    [
        (race("permit", 12, handed=14), "permit after"),
        (race("deny", 5), "deny before"),
        (race("permit", 5, recalled=11, after="permit"), "permitted after the receipt"),
        (race("permit", 5), "recalled at 0"),
        (race("permit", 5, handed=15), "recalled at 0"),
        (race("permit", 5, handed=8, recalled=11), "recalled at 11"),
        (race("deny", 12, handed=14), "was never permitted"),
        (race("permit", 5, covers=False, recalled=11, after="permit"), "does not concern it"),
    ],
)
def test_a_race_that_ends_otherwise_is_noticed(result: Result, what: str) -> None:
    """A permit too late, a needless denial, a message neither handed over nor recalled, a needless recall."""
    assert any(what in each for each in wrong_with(result))


@pytest.mark.parametrize(("by_message", "by_withdrawal"), [(0, 0), (100, 0), (96, 4), (4, 96)])
def test_a_run_that_tried_one_order_only_does_not_count(by_message: int, by_withdrawal: int) -> None:
    """Under 5 % on either side is a failure: such a run says nothing about that order."""
    assert list(one_sided(by_message, by_withdrawal))
    assert not list(one_sided(95, 5))
