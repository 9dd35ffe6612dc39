"""When a step must be done: days and months of an agreement, counted by the calendar in the place where people live.

    deadline(agreement, "concern.feedback", decided_at, STOCKHOLM)     the midnight that ends the seventh day

A day ends at local midnight, also the day of 23 or 25 hours when clocks change. The day on which it starts is not
counted. A month ends on the day with the same number, or on the month's last where there is none. A last day on a
Saturday or holiday is not moved to the next weekday, as lag 1930:173 2 § would allow: a reminder comes early, not late.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, assert_never

from samband.schemas.agreement import TimeUnit

if TYPE_CHECKING:
    from samband.schemas.agreement import Agreement

__all__ = ["deadline"]


def deadline(agreement: Agreement, step: str, from_: datetime, zone: tzinfo) -> datetime:
    """Return the first moment, in UTC, at which a step that started at `from_` (aware) is late.

    In UTC, since two times of one zone are compared by their clocks, which repeat an hour in autumn.

    Raises:
        OperatorError: the agreement has no such step (`AGREEMENT_STEP`).
        ValueError: `from_` is not aware.
    """
    if from_.tzinfo is None:
        raise ValueError("a time without zone is no moment")
    row = agreement.deadline(step)
    started = from_.astimezone(zone).date()
    match row.unit:
        case TimeUnit.AT_ONCE:
            return from_.astimezone(UTC)
        case TimeUnit.DAYS:
            last = started + timedelta(days=row.amount)
        case TimeUnit.MONTHS:
            last = _months_after(started, row.amount)
        case _:
            assert_never(row.unit)
    return datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)


def _months_after(day: date, months: int) -> date:
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
