"""Birthdays turn at midnight in Stockholm, whatever the number is and whatever the clocks do that night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samband.schemas.errors import InputError
from samband.schemas.identifiers import AgeBand, IdentifierKind, age_band, age_on, birth_date, kind, luhn, normalise

STOCKHOLM = ZoneInfo("Europe/Stockholm")
BORN = st.dates(date(2005, 1, 1), date(2014, 12, 31))
EDGES = {12: (AgeBand.UNDER_12, AgeBand.FROM_12), 15: (AgeBand.FROM_12, AgeBand.FROM_15),
         18: (AgeBand.FROM_15, AgeBand.FROM_18)}  # fmt: skip


def number(born: date, *, coordination: bool) -> str:
    """Return a personnummer, or a samordningsnummer (day + 60), of the test series."""
    digits = f"{born:%Y%m}{born.day + 60 * coordination:02d}980"
    return digits + str(luhn(digits[2:11]))


def birthday(born: date, age: int) -> date:
    """Return the day on which somebody turns so old, by lag 1930:173."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 2, 28)


def day_of(moment: datetime) -> date:
    """Return the day of a moment on a clock in Stockholm, as connector and recipient work it out."""
    return moment.astimezone(STOCKHOLM).date()


@given(BORN, st.booleans(), st.sampled_from(sorted(EDGES)))
@example(date(2008, 2, 29), True, 18)
@example(date(2008, 2, 29), False, 12)
@example(date(2009, 3, 29), True, 18)  # 29 March 2009 and 28 March 2027 are nights of the clock change
@example(date(2009, 3, 28), False, 18)
@example(date(2009, 10, 31), True, 18)
def test_the_band_turns_at_local_midnight(born: date, coordination: bool, age: int) -> None:
    """A second before midnight the younger band, from midnight the older: for both kinds of number."""
    identifier = normalise(number(born, coordination=coordination))
    sort = IdentifierKind.SAMORDNINGSNUMMER if coordination else IdentifierKind.PERSONNUMMER
    assert (kind(identifier), birth_date(identifier)) == (sort, born)
    midnight = datetime.combine(birthday(born, age), time(), STOCKHOLM).astimezone(UTC)
    before, after = day_of(midnight - timedelta(seconds=1)), day_of(midnight)
    assert (age_on(born, before), age_on(born, after)) == (age - 1, age)
    assert (age_band(born, before), age_band(born, after)) == EDGES[age]


@given(BORN, st.booleans())
@example(date(2008, 2, 29), True)
def test_twentyone_is_out_of_scope_from_midnight(born: date, coordination: bool) -> None:
    """The last second of the twentieth year is covered, the first of the twenty-first is not."""
    found = birth_date(normalise(number(born, coordination=coordination)))
    assert found is not None
    midnight = datetime.combine(birthday(born, 21), time(), STOCKHOLM).astimezone(UTC)
    assert age_band(found, day_of(midnight - timedelta(seconds=1))) is AgeBand.FROM_18
    with pytest.raises(InputError) as caught:
        age_band(found, day_of(midnight))
    assert caught.value.code == "AGE_OUT_OF_SCOPE"


@given(BORN, st.integers(0, 20), st.integers(0, 364))
def test_age_is_the_number_of_birthdays(born: date, years: int, days: int) -> None:
    """On any day the age is how many birthdays have been, a naive count."""
    today = birthday(born, years) + timedelta(days=days)
    assert age_on(born, today) == sum(birthday(born, age) <= today for age in range(1, 30))


def test_utc_would_be_wrong() -> None:
    """The hour between the two midnights: in Stockholm the birthday has come, by UTC it has not."""
    born, moment = date(2009, 1, 15), datetime(2027, 1, 14, 23, 30, tzinfo=UTC)
    assert age_on(born, moment.date()) == 17
    assert age_on(born, day_of(moment)) == 18
