"""Identifiers of a child: one canonical string per number, and what can be read from it.

    personnummer            20150317xxxx      12 digits, the day is a real date, Luhn
    samordningsnummer       20150377xxxx      the same with day + 60
    national reserve number 23150317LLdd      XXYYMMDD and two or three letters; XX = birth century + 3, + 6 …
    regional reserve number 20150317Kddd      K, M or X; Luhn with K = 5, M = 7, X = 8 (Västra Götaland)
    T-number                20150317Tddd      interim number of schools; `TF` also occurs
    LMA number              LMAdddddddd       eight to ten digits, always written with `LMA`
    without number          R + 32 hex        a random reference, until the responsible unit joins it with a number

The century is never guessed: ten digits are an error, and so is a plus sign. Not decided here: whether two numbers
are the same child. An error never repeats the number. The check character of a national reserve number is not
verified: its letters' values are not public.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from enum import StrEnum
from typing import NewType

from samband.schemas.errors import InputError

__all__ = [
    "AgeBand",
    "ChildIdentifier",
    "IdentifierKind",
    "age_band",
    "age_on",
    "birth_date",
    "is_random",
    "kind",
    "luhn",
    "names_a_number",
    "normalise",
    "without_number",
]

ChildIdentifier = NewType("ChildIdentifier", str)
"""A child's number in its one canonical form; only `normalise` and `without_number` make one."""


class IdentifierKind(StrEnum):
    """What sort of number it is."""

    PERSONNUMMER = "personnummer"
    SAMORDNINGSNUMMER = "samordningsnummer"
    NATIONAL_RESERVE = "nationelltReservnummer"
    REGIONAL_RESERVE = "reservnummer"
    T_NUMBER = "t-nummer"
    LMA = "lma"
    RANDOM = "random"


class AgeBand(StrEnum):
    """The only thing about age that leaves a party."""

    UNDER_12 = "<12"
    FROM_12 = "12-14"
    FROM_15 = "15-17"
    FROM_18 = "18-20"


_DIGITS = re.compile(r"[0-9]{12}")
_NATIONAL = re.compile(r"[0-9]{8}(?:[A-HJ-NPR-UX-Z]{2}[0-9]{2}|[A-HJ-NPR-UX-Z]{3}[0-9])")
_REGIONAL = re.compile(r"[0-9]{8}[KMX](?:0[6-9]|[1-8][0-9])[0-9]")
_T_NUMBER = re.compile(r"[0-9]{8}T[0-9F][0-9]{2}")
_LMA = re.compile(r"LMA[0-9]{8,10}")
_RANDOM = re.compile(r"R[0-9a-f]{32}")
_SEPARATED = re.compile(r"(?:LMA|[0-9]{8})[- ]?[0-9A-Z]+")
_REGIONAL_LUHN = str.maketrans({"K": "5", "M": "7", "X": "8"})
_IN_TEXT = re.compile(
    r"(?<![0-9A-Z])(?:(LMA[- ]?[0-9]{8,10})|((?:[0-9]{2})?[0-9]{6})([-+ ]?)([0-9A-Z]{4})|(R[0-9A-F]{32}))(?![0-9A-Z])"
)
_OLDEST_AGE = 20


def _invalid(why: str) -> InputError:
    return InputError(
        "IDENTIFIER_INVALID",
        f"the child's identifier is not valid: {why}",
        "write twelve digits with the century (ÅÅÅÅMMDDNNNN), a reserve or T-number, or LMA and its digits",
    )


def luhn(digits: str) -> int:
    """Return the check digit (0–9) that follows nine digits, by the Luhn method."""
    total = 0
    for position, character in enumerate(digits):
        value = int(character) * (2 - position % 2)
        total += value - 9 if value > 9 else value
    return -total % 10


def normalise(text: str) -> ChildIdentifier:
    """Return the canonical form of a number as a person writes it: spaces around it and one separator are allowed.

    Raises:
        InputError: not a valid number (`IDENTIFIER_INVALID`); the message never holds it.
    """
    stripped = text.strip()
    if _RANDOM.fullmatch(stripped):
        return ChildIdentifier(stripped)
    upper = stripped.upper()
    if not stripped.isascii() or not _SEPARATED.fullmatch(upper):
        raise _invalid("unknown form")
    canonical = upper.replace("-", "").replace(" ", "")
    _check(canonical)
    return ChildIdentifier(canonical)


def _check(canonical: str) -> None:
    match _kind(canonical):
        case IdentifierKind.LMA | IdentifierKind.RANDOM:
            return
        case IdentifierKind.PERSONNUMMER | IdentifierKind.SAMORDNINGSNUMMER:
            if _date(canonical) is None:
                raise _invalid("no such date")
            if luhn(canonical[2:11]) != int(canonical[11]):
                raise _invalid("wrong check digit")
        case IdentifierKind.REGIONAL_RESERVE:
            if _date(canonical) is None:
                raise _invalid("no such date")
            digits = canonical.translate(_REGIONAL_LUHN)
            if luhn(digits[2:11]) != int(digits[11]):
                raise _invalid("wrong check digit")
        case IdentifierKind.T_NUMBER:
            if _date(canonical) is None:
                raise _invalid("no such date")
        case IdentifierKind.NATIONAL_RESERVE:
            if not canonical.startswith("00") and _date(canonical) is None:
                raise _invalid("no such date")


def _kind(canonical: str) -> IdentifierKind:
    if _DIGITS.fullmatch(canonical):
        coordinated = int(canonical[6:8]) > 60
        return IdentifierKind.SAMORDNINGSNUMMER if coordinated else IdentifierKind.PERSONNUMMER
    for pattern, found in (
        (_REGIONAL, IdentifierKind.REGIONAL_RESERVE),
        (_T_NUMBER, IdentifierKind.T_NUMBER),
        (_NATIONAL, IdentifierKind.NATIONAL_RESERVE),
        (_LMA, IdentifierKind.LMA),
        (_RANDOM, IdentifierKind.RANDOM),
    ):
        if pattern.fullmatch(canonical):
            return found
    raise _invalid("unknown form")


def names_a_number(text: str) -> bool:
    """Say whether somewhere in a text stands what can be a child's number, with or without its century."""
    for _, day, _, last, _ in _IN_TEXT.findall(text.upper()):
        if not day:  # an LMA number, or another's random reference
            return True
        with suppress(InputError):
            _check(day + last if len(day) == 8 else f"20{day}{last}")  # each day of the 1900s is one of the 2000s too
            return True
    return False


def kind(identifier: ChildIdentifier) -> IdentifierKind:
    """Return what sort of number a canonical identifier is."""
    return _kind(identifier)


def _date(canonical: str) -> date | None:
    """Return the date inside a canonical number, None where it is no date."""
    year, month, day = int(canonical[:4]), int(canonical[4:6]), int(canonical[6:8])
    match _kind(canonical):
        case IdentifierKind.SAMORDNINGSNUMMER:
            day -= 60
        case IdentifierKind.NATIONAL_RESERVE:
            shifted = int(canonical[:2])
            if not 22 <= shifted <= 98 or (shifted - 18) % 3 == 0:
                return None
            year = (19 + (shifted - 19) % 3) * 100 + int(canonical[2:4])
        case _:
            pass
    if not 1900 <= year < 2100:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def birth_date(identifier: ChildIdentifier) -> date | None:
    """Return the birth date that the number holds, None where it holds none (LMA, random, unknown date)."""
    if _kind(identifier) in (IdentifierKind.LMA, IdentifierKind.RANDOM):
        return None
    return _date(identifier)


def is_random(text: str) -> bool:
    """Say whether a text is the random reference of a child without number."""
    return _RANDOM.fullmatch(text) is not None


def without_number(random16: bytes) -> ChildIdentifier:
    """Return the identifier of a child whose number is not known: 16 random bytes from the caller.

    Raises:
        InputError: not 16 bytes (`IDENTIFIER_INVALID`).
    """
    if len(random16) != 16:
        raise _invalid("a random reference is 16 bytes")
    return ChildIdentifier("R" + random16.hex())


def age_on(birth: date, today: date) -> int:
    """Return the age in whole years on a date in Europe/Stockholm.

    Who was born on 29 February has the birthday on the 28th in other years (lag 1930:173, 1 §).

    Raises:
        InputError: born after `today` (`AGE_OUT_OF_SCOPE`).
    """
    if birth > today:
        raise InputError("AGE_OUT_OF_SCOPE", "the child is not born yet by its identifier")
    birthday = (birth.month, birth.day)
    if birthday == (2, 29) and not _leap(today.year):
        birthday = (2, 28)
    return today.year - birth.year - ((today.month, today.day) < birthday)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def age_band(birth: date, on_date: date) -> AgeBand:
    """Return the age band on a date in Europe/Stockholm.

    Raises:
        InputError: over 20 years, or not born (`AGE_OUT_OF_SCOPE`).
    """
    age = age_on(birth, on_date)
    if age > _OLDEST_AGE:
        raise InputError("AGE_OUT_OF_SCOPE", "samband covers children and young people up to and including 20 years")
    if age < 12:
        return AgeBand.UNDER_12
    if age < 15:
        return AgeBand.FROM_12
    return AgeBand.FROM_15 if age < 18 else AgeBand.FROM_18
