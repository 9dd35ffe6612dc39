"""Deadlines end at midnight in Stockholm, whatever the clocks do that week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.agreement import SHIPPED, TimeUnit, shipped
from samband.schemas.errors import OperatorError
from samband.streams.decision.deadlines import deadline

STOCKHOLM = ZoneInfo("Europe/Stockholm")
VASTMANLAND = shipped("vastmanland")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("step", "start", "late"),
    [
        # clocks go forward on 28 March 2027: midnight moves from 23:00 to 22:00 UTC
        ("concern.feedback", "2027-03-20 12:00", "2027-03-27 23:00"),
        ("concern.feedback", "2027-03-21 12:00", "2027-03-28 22:00"),
        ("concern.feedback", "2027-03-27 22:59", "2027-04-03 22:00"),
        ("concern.feedback", "2027-03-27 23:00", "2027-04-04 22:00"),
        # and back on 31 October 2027; 22:30 UTC on the 30th is half past midnight on the 31st
        ("concern.feedback", "2027-10-24 12:00", "2027-10-31 23:00"),
        ("concern.feedback", "2027-10-23 12:00", "2027-10-30 22:00"),
        ("concern.feedback", "2027-10-30 21:59", "2027-11-06 23:00"),
        ("concern.feedback", "2027-10-30 22:30", "2027-11-07 23:00"),
        ("investigation.decision", "2027-10-20 08:00", "2027-11-03 23:00"),
        ("investigation.completed", "2026-10-31 12:00", "2027-02-28 23:00"),
        ("whereabouts.review", "2027-11-30 12:00", "2028-02-29 23:00"),
        ("placement.review", "2027-01-15 12:00", "2027-07-15 22:00"),
        ("protection.assessment", "2027-03-28 01:30", "2027-03-28 01:30"),
    ],
)
def test_a_step_is_late_after_its_last_day(step: str, start: str, late: str) -> None:
    """The last day is whole, to local midnight: also the day of 23 hours and the day of 25."""
    assert deadline(VASTMANLAND, step, utc(start), STOCKHOLM) == utc(late)


def test_the_same_moment_has_one_deadline() -> None:
    """It does not matter in which zone the start was written down; a time without zone is refused."""
    start = utc("2027-10-31 00:30")
    local = start.astimezone(STOCKHOLM)
    assert deadline(VASTMANLAND, "sip.reply", start, STOCKHOLM) == deadline(VASTMANLAND, "sip.reply", local, STOCKHOLM)
    with pytest.raises(ValueError, match="zone"):
        deadline(VASTMANLAND, "sip.reply", start.replace(tzinfo=None), STOCKHOLM)


def test_agreements_differ_in_time() -> None:
    """The same answer is late at another moment in another agreement."""
    start = utc("2027-05-03 08:00")
    found = [deadline(shipped(name), "health_exam.accepted", start, STOCKHOLM) for name in SHIPPED]
    assert found == [utc("2027-05-10 22:00"), utc("2027-05-17 22:00")]


def test_a_step_that_nobody_agreed_on_is_an_error() -> None:
    """An unknown step has no silent default."""
    with pytest.raises(OperatorError) as caught:
        deadline(VASTMANLAND, "made.up", utc("2027-05-03 08:00"), STOCKHOLM)
    assert caught.value.code == "AGREEMENT_STEP"


@given(st.integers(0, 4 * 366 * 86400), st.sampled_from(sorted(VASTMANLAND.deadlines)))
def test_every_deadline_is_a_local_midnight_after_the_start(seconds: int, step: str) -> None:
    """At any start, the deadline is midnight on a Stockholm clock, that many calendar days or months later."""
    start, row = utc("2026-01-01") + timedelta(seconds=seconds), VASTMANLAND.deadline(step)
    late = deadline(VASTMANLAND, step, start, STOCKHOLM)
    began, ended = start.astimezone(STOCKHOLM).date(), (late - timedelta(seconds=1)).astimezone(STOCKHOLM).date()
    if row.unit is TimeUnit.AT_ONCE:
        assert late == start
        return
    assert late.astimezone(STOCKHOLM).strftime("%H:%M:%S") == "00:00:00"
    if row.unit is TimeUnit.DAYS:
        assert ended == began + timedelta(days=row.amount)
    else:
        assert (12 * ended.year + ended.month) - (12 * began.year + began.month) == row.amount
        assert ended.day == began.day or (ended.day < began.day and (ended + timedelta(days=1)).day == 1)
