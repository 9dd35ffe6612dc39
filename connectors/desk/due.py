"""When an answer is expected, as the agreement says it. Pure: agreement and times in, a day out.

    due = expected(agreement, "health_exam.request", came)        Due(at=…, text=("Mottagningen …", "…"), law=False)

Where the agreement counts from something that no message tells, such as a decision, there is a text and no day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from samband.schemas.agreement import Agreement, Source, TimeUnit
from samband.schemas.catalogue import find
from samband.streams.audit import STOCKHOLM

__all__ = ["Due", "days_left", "expected"]

_MESSAGE: Final = "message"


@dataclass(frozen=True, slots=True)
class Due:
    """When an answer is expected."""

    at: int
    """The end of the last day, ms since 1970 UTC; 0: the message alone does not tell."""
    text: tuple[str, str]
    """Swedish, English."""
    law: bool


def expected(agreement: Agreement | None, type_name: str, came: int) -> Due | None:
    """Return when the answer to a message that came at `came` (ms) is expected; None where nothing is agreed."""
    step = find(type_name).deadline
    found = None if agreement is None else agreement.deadlines.get(step)
    if found is None or found.source is Source.NONE:
        return None
    text = (found.text_sv, found.text_en)
    if found.counted_from not in (_MESSAGE, "report", "request"):
        return Due(0, text, found.source is Source.LAW)
    day = datetime.fromtimestamp(came / 1000, UTC).astimezone(STOCKHOLM)
    match found.unit:
        case TimeUnit.AT_ONCE:
            return Due(came, text, found.source is Source.LAW)
        case TimeUnit.DAYS:
            last = day + timedelta(days=found.amount)
        case TimeUnit.MONTHS:
            month = day.month - 1 + found.amount
            last = _in_month(day, day.year + month // 12, month % 12 + 1)
    end = last.replace(hour=23, minute=59, second=59, microsecond=0)
    return Due(int(end.timestamp() * 1000), text, found.source is Source.LAW)


def days_left(at: int, now: int) -> int:
    """Return how many days there are to a day, by the calendar in Stockholm; less than 0: it is over."""
    one, other = (datetime.fromtimestamp(each / 1000, UTC).astimezone(STOCKHOLM).date() for each in (at, now))
    return (one - other).days


def _in_month(day: datetime, year: int, month: int) -> datetime:
    """Return the same day of another month, or its last one."""
    for number in range(day.day, 27, -1):
        try:
            return day.replace(year=year, month=month, day=number)
        except ValueError:
            continue
    return day.replace(year=year, month=month, day=min(day.day, 28))
