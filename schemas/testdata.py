"""Synthetic children: the same seed gives the same child, and no child can be a real one.

The serial number is 980–999, as in the tax agency's published test numbers, so no living person has the number; the
names say themselves that they are made up (Testa Provsson).

    >>> 980 <= int(synthetic(7).identifier[8:11]) <= 999
    True
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from samband.schemas.identifiers import age_band, luhn, normalise

if TYPE_CHECKING:
    from samband.schemas.identifiers import AgeBand, ChildIdentifier

__all__ = ["Child", "synthetic"]

_GIVEN = ("Testa", "Prov", "Exempla", "Pilot", "Fiktiva", "Mallin", "Demo", "Utkast", "Skiss", "Övning")
_FAMILY = ("Provsson", "Testberg", "Exempelin", "Påhittad", "Mallström", "Fingerud", "Demolund", "Övningsbo")
_FIRST, _LAST = date(2008, 1, 1), date(2024, 12, 31)


@dataclass(frozen=True, slots=True)
class Child:
    """A child who does not exist."""

    identifier: ChildIdentifier
    given_name: str
    family_name: str
    birth_date: date

    @property
    def name(self) -> str:
        """Return given and family name."""
        return f"{self.given_name} {self.family_name}"

    def age_band(self, on_date: date) -> AgeBand:
        """Return the age band on a date."""
        return age_band(self.birth_date, on_date)


def synthetic(seed: int, *, born: date | None = None) -> Child:
    """Return the synthetic child of a seed; `born` fixes the birth date (default: some day in 2008–2024)."""
    source = random.Random(seed)  # noqa: S311  repeatable on purpose, nothing secret
    birth = _FIRST + timedelta(days=source.randrange((_LAST - _FIRST).days + 1))
    serial = source.randrange(980, 1000)
    given, family = source.choice(_GIVEN), source.choice(_FAMILY)
    birth = born or birth
    digits = f"{birth:%Y%m%d}{serial:03d}"
    return Child(normalise(f"{digits}{luhn(digits[2:])}"), given, family, birth)
