"""The desk's words: texts are data, `words.toml`; types, fields, choices, reasons and rules bring their own."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from samband.connectors.web import words
from samband.schemas.choices import CHOICE_TEXTS
from samband.schemas.message_type import Field
from samband.streams.audit import STOCKHOLM

__all__ = ["LANGUAGES", "Words"]

LANGUAGES: Final = words.LANGUAGES
_DAYS: Final = (
    ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
_MONTHS: Final = (
    ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november",
     "december"),
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December"),
)  # fmt: skip


@cache
def _texts() -> dict[str, Any]:
    path = resources.files("samband.connectors.desk").joinpath("words.toml")
    return tomllib.loads(path.read_text("utf-8"))


class Words(words.Words):
    """The words of one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, _texts())

    def label(self, field: Field) -> str:
        """Return a field's label, as a heading: with a capital."""
        text = self.of((field.label_sv, field.label_en))
        return text[:1].upper() + text[1:]

    def choice(self, code: str) -> str:
        """Return what a choice says; a code without words, as it is."""
        text = self.of(CHOICE_TEXTS.get(code, (code, code)))
        return text[:1].upper() + text[1:]

    def value(self, field: Field | None, value: object) -> str:
        """Return what a field holds as a person reads it."""
        if isinstance(value, bool):
            return self.choice("yes" if value else "no")
        return self.choice(str(value)) if field is not None and field.choices else str(value)

    def size(self, count: int) -> str:
        """Return a file's size as people say it: `1,5 MB`."""
        if count < 1000:
            return f"{count} byte" if self._at == 0 or count == 1 else f"{count} bytes"
        size = count / 1000
        text = f"{size / 1000:.1f} MB" if size >= 1000 else f"{size:.1f} kB"
        return text.replace(".", ",") if self._at == 0 else text

    def long_day(self, ms: int) -> str:
        """Return a day as people say it: `torsdag 3 december`."""
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(STOCKHOLM)
        name, month = _DAYS[self._at][local.weekday()], _MONTHS[self._at][local.month - 1]
        return f"{name} {local.day} {month}"

    def clock(self, ms: int) -> str:
        """Return a time as people say it: `3 december 14.05`."""
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(STOCKHOLM)
        at = local.strftime("%H.%M" if self._at == 0 else "%H:%M")
        return f"{local.day} {_MONTHS[self._at][local.month - 1]} {local.year} {at}"

    def in_days(self, days: int) -> str:
        """Return how far off a day is: `i dag`, `om 3 dagar`, `för 2 dagar sedan`."""
        if days == 0:
            return self("due.today")
        if abs(days) == 1:
            return self("due.tomorrow" if days > 0 else "due.yesterday")
        return self("due.in_days" if days > 0 else "due.days_ago", days=abs(days))
