"""Identifiers: one canonical form, the century never guessed, and no number in an error."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.errors import InputError
from samband.schemas.identifiers import (
    AgeBand,
    IdentifierKind,
    age_band,
    age_on,
    birth_date,
    kind,
    luhn,
    names_a_number,
    normalise,
    without_number,
)
from samband.schemas.testdata import synthetic


def number(day: str, serial: str = "980") -> str:
    """Return twelve digits with a right check digit."""
    return f"{day}{serial}{luhn((day + serial)[2:])}"


@pytest.mark.parametrize(
    ("written", "canonical", "sort", "born"),
    [
        (number("20150317"), number("20150317"), IdentifierKind.PERSONNUMMER, date(2015, 3, 17)),
        (f" {number('20150317')[:8]}-{number('20150317')[8:]} ", number("20150317"), IdentifierKind.PERSONNUMMER,
         date(2015, 3, 17)),
        (number("20160229"), number("20160229"), IdentifierKind.PERSONNUMMER, date(2016, 2, 29)),
        (number("20150377"), number("20150377"), IdentifierKind.SAMORDNINGSNUMMER, date(2015, 3, 17)),
        (number("20160289"), number("20160289"), IdentifierKind.SAMORDNINGSNUMMER, date(2016, 2, 29)),
        ("19810829M071", "19810829M071", IdentifierKind.REGIONAL_RESERVE, date(1981, 8, 29)),
        ("19450829-k088", "19450829K088", IdentifierKind.REGIONAL_RESERVE, date(1945, 8, 29)),
        ("23150317AB12", "23150317AB12", IdentifierKind.NATIONAL_RESERVE, date(2015, 3, 17)),
        ("22990317ABC2", "22990317ABC2", IdentifierKind.NATIONAL_RESERVE, date(1999, 3, 17)),
        ("26150317AB12", "26150317AB12", IdentifierKind.NATIONAL_RESERVE, date(2015, 3, 17)),
        ("00993155AB12", "00993155AB12", IdentifierKind.NATIONAL_RESERVE, None),
        ("20150317-T123", "20150317T123", IdentifierKind.T_NUMBER, date(2015, 3, 17)),
        ("20150317TF12", "20150317TF12", IdentifierKind.T_NUMBER, date(2015, 3, 17)),
        ("lma 50123456", "LMA50123456", IdentifierKind.LMA, None),
        ("R" + "0a" * 16, "R" + "0a" * 16, IdentifierKind.RANDOM, None),
    ],
)  # fmt: skip
def test_each_kind_has_one_form(written: str, canonical: str, sort: IdentifierKind, born: date | None) -> None:
    """Every kind of number is read into one form, with the birth date that it holds."""
    identifier = normalise(written)
    assert identifier == canonical
    assert normalise(identifier) == identifier
    assert kind(identifier) is sort
    assert birth_date(identifier) == born


@pytest.mark.parametrize(
    "written",
    [
        "",
        number("20150317")[2:],
        f"{number('20150317')[2:8]}-{number('20150317')[8:]}",
        f"{number('20150317')[2:8]}+{number('20150317')[8:]}",
        number("20150317")[:-1] + str((int(number("20150317")[-1]) + 1) % 10),
        number("20150229"),
        number("20150289"),
        number("20151317"),
        number("20150360"),
        number("20150392"),
        number("20150300"),
        number("18150317"),
        number("20150317").translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        number("20150317") + "\n0",
        f"{number('20150317')[:8]}--{number('20150317')[8:]}",
        "2015-03-17",
        "19810829M072",
        "19811329M071",
        "21150317AB12",
        "23151317AB12",
        "23150317IO12",
        "20151317T123",
        "LMA1234567",
        "50123456",
        "R" + "0A" * 16,
        "R00",
        "Testa Provsson",
    ],
)
def test_garbage_is_refused_without_repeating_it(written: str) -> None:
    """No ten digits, no wrong date or check digit, no other script; and the error never holds what was written."""
    with pytest.raises(InputError) as caught:
        normalise(written)
    assert caught.value.code == "IDENTIFIER_INVALID"
    shown = f"{caught.value} {caught.value.hint} {caught.value.__cause__} {caught.value.__context__}"
    assert not written or written not in shown


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is handed in, there is a canonical identifier or one error."""
    with suppress(InputError):
        assert normalise(normalise(text)) == normalise(text)


def test_a_random_reference_needs_16_bytes() -> None:
    """A child without number has a random reference of exactly 16 bytes."""
    assert kind(without_number(bytes(16))) is IdentifierKind.RANDOM
    with pytest.raises(InputError):
        without_number(bytes(15))


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2014, 6, 1), date(2026, 5, 31), 11),
        (date(2014, 6, 1), date(2026, 6, 1), 12),
        (date(2012, 2, 29), date(2026, 2, 27), 13),
        (date(2012, 2, 29), date(2026, 2, 28), 14),
        (date(2012, 2, 29), date(2024, 2, 28), 11),
        (date(2012, 2, 29), date(2024, 2, 29), 12),
        (date(2026, 6, 1), date(2026, 6, 1), 0),
    ],
)
def test_age_turns_on_the_birthday(born: date, today: date, age: int) -> None:
    """Age turns on the birthday; who was born on 29 February has it on the 28th in other years."""
    assert age_on(born, today) == age


def test_age_bands_end_at_21() -> None:
    """The bands meet without a gap; over 20, or not born, is out of scope."""
    born = date(2005, 6, 1)
    bands = [age_band(born, date(2005 + age, 6, 1)) for age in range(21)]
    under_12, from_12, from_15, from_18 = AgeBand
    assert bands == [under_12] * 12 + [from_12] * 3 + [from_15] * 3 + [from_18] * 3
    for day in (date(2026, 6, 1), date(2005, 5, 31)):
        with pytest.raises(InputError) as caught:
            age_band(born, day)
        assert caught.value.code == "AGE_OUT_OF_SCOPE"


@given(st.integers(0, 10**6))
def test_synthetic_children_are_valid_and_nobody(seed: int) -> None:
    """A synthetic child's number is valid and from the test series, and the seed repeats it."""
    child = synthetic(seed)
    assert child == synthetic(seed)
    assert normalise(child.identifier) == child.identifier
    assert 980 <= int(child.identifier[8:11]) <= 999
    assert birth_date(child.identifier) == child.birth_date


def test_a_synthetic_child_can_have_a_given_birthday() -> None:
    """A birth date can be asked for."""
    assert synthetic(3, born=date(2012, 2, 29)).birth_date == date(2012, 2, 29)


@pytest.mark.parametrize(
    "written",
    ["{0}", "{1}-{2}", "{1} {2}", "{3}-{2}", "{3}{2}", "{3}+{2}", "pnr:{0}.", "LMA12345678", "lma 12345678",
     "R" + "0a" * 16],
)  # fmt: skip
def test_a_number_in_a_text_is_seen(written: str) -> None:
    """A number is seen in a text in each way that people write it: with and without century, dash and space."""
    number = synthetic(1).identifier
    told = written.format(number, number[:8], number[8:], number[2:8])
    assert names_a_number(f"Det gäller {told}")
    assert names_a_number(f"({told}), som")


def test_the_leap_day_of_2000_is_seen_without_its_century() -> None:
    """Ten digits of a child born on 29 February 2000 are a number, although 1900 had no such day."""
    assert names_a_number(synthetic(1, born=date(2000, 2, 29)).identifier[2:])


@pytest.mark.parametrize(
    "text",
    ["", "Ring 08-465 004 31 före 2026-12-04", "070-174 06 21", "ärende 2026-0417", "20170230-9812",
     "årskurs 5, kl 09.20", "1234567890123456", "ISBN 9789100123456"],
)  # fmt: skip
def test_other_figures_are_no_number(text: str) -> None:
    """Telephone numbers, dates, case numbers and what has no valid date or check digit are let through."""
    assert not names_a_number(text)
