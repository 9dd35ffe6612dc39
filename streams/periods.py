"""How long each kind of key lives, when the next one is made, and from when the old one is gone. Milliseconds.

    period = PERIODS[Purpose.UNIT_CONTENT]
    card = period.card(key, "skola", "SE2120002080-SKOLA", now)
    period.is_due(newest_not_before, now)          time for the next one

Two keys overlap for at least the life of a message (14 days), so that what was sealed to the old one still arrives.
Format page: § Names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from samband.schemas.key_card import KeyCard
from samband.streams.crypto.keys import SUITE, OpenKey, Purpose, SignKey

__all__ = ["PERIODS", "Period"]

_DAY: Final = 86_400_000
_SKEW_MS: Final = 300_000
"""A new key counts from a little earlier, so that no late clock refuses it."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from a key's beginning."""

    renew_days: int
    """When the next key is made."""
    life_days: int
    """When it is accepted no more."""

    def card(self, key: OpenKey | SignKey, party: str, unit: str, now: int) -> KeyCard:
        """Return the card of a key that begins at `now`."""
        return KeyCard(
            party=party,
            purpose=key.purpose.value,
            unit=unit,
            suite=SUITE,
            public=key.public,
            not_before=now - _SKEW_MS,
            not_after=now + self.life_days * _DAY,
        )

    def is_due(self, newest: int, now: int) -> bool:
        """Say whether the next key should be made, where the newest began at `newest`."""
        return now >= newest + self.renew_days * _DAY


PERIODS: Final[Mapping[Purpose, Period]] = MappingProxyType(
    {
        Purpose.UNIT_CONTENT: Period(30, 45),
        Purpose.UNIT_REPORTER: Period(30, 45),
        Purpose.PARTY_HOP: Period(30, 45),
        Purpose.PARTY_SIGN: Period(365, 397),
        Purpose.PARTY_WITNESS: Period(365, 397),
        Purpose.GATE_HOP: Period(1, 3),
        Purpose.GATE_STAMP: Period(365, 397),
        Purpose.DIRECTORY_HEAD: Period(365, 397),
        Purpose.LOG: Period(3650, 3650),
    }
)
"""The gate's hop keys are short-lived, since they open routing: a stolen one tells only what is still in the topic."""
