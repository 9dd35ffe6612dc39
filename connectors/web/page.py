"""What a request says, checked, and what a template is made from.

    unit = Query(values).text("unit")
    return Shown("decisions", rows=…)

Whatever stands in an address or a form came from outside: each value has one form, and anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from samband.schemas.errors import InputError
from samband.streams.audit import STOCKHOLM

__all__ = ["Query", "Shown", "unusable"]

_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Query:
    """The named values of an address or a form; each is asked for by its form."""

    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str, most: int = _LONGEST) -> str:
        """Return a text without control characters; empty where there is none.

        Raises:
            InputError: too long, or with characters that nobody writes.
        """
        value = self.values.get(name, "").strip()
        if len(value) > most or not value.isprintable():
            raise unusable(name)
        return value

    def one_of(self, name: str, allowed: Collection[str]) -> str:
        """Return one of the allowed values, or empty.

        Raises:
            InputError: another.
        """
        value = self.values.get(name, "").strip()
        if value and value not in allowed:
            raise unusable(name)
        return value

    def hexes(self, name: str, length: int) -> bytes:
        """Return bytes that are written in hexadecimal digits, or none.

        Raises:
            InputError: something else.
        """
        value = self.values.get(name, "").strip().lower()
        if value and (len(value) != 2 * length or not _HEX.fullmatch(value)):
            raise unusable(name)
        return bytes.fromhex(value)

    def day(self, name: str) -> int:
        """Return the beginning of a day in Stockholm in milliseconds since 1970 UTC; 0 where there is none.

        Raises:
            InputError: no day.
        """
        value = self.values.get(name, "").strip()
        if not value:
            return 0
        try:
            found = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=STOCKHOLM)
        except ValueError:
            raise unusable(name) from None
        if not 1970 < found.year < 2100:
            raise unusable(name)
        return int(found.timestamp() * 1000)

    def number(self, name: str, most: int) -> int:
        """Return a whole number from 1 to `most`; 0 where there is none.

        Raises:
            InputError: another.
        """
        value = self.values.get(name, "").strip()
        if not value:
            return 0
        if not re.fullmatch("[0-9]{1,9}", value, re.ASCII) or not 1 <= int(value) <= most:
            raise unusable(name)
        return int(value)


def unusable(name: str) -> InputError:
    """Return the error of a value that has not its form; it does not repeat it."""
    return InputError("CONSOLE_QUERY", f"the value of `{name}` cannot be used")


class Shown:
    """A page: the template and what it says."""

    def __init__(self, template: str, *, status: int = 200, **values: Any) -> None:
        self.template = template
        self.status = status
        self.values = values
