"""Which grounds may carry a message between which kinds of units, whatever it is about.

The catalogue says for each type which grounds may carry it. Duties are named by the types that they are about; the
grounds here, necessity, consent and what a person motivates, follow from the kinds of sender and recipient alone. The
rulebook's rows hold what the law asks for besides, and a test compares their kinds with these.

    between(("care",), ("social",))[0]      'CARE_TO_SOCIAL'
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.schemas.message_type import matches
from samband.schemas.units import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GENERAL_GROUNDS", "between"]

Kinds = tuple[str, ...]
"""Families (`school`) or kinds (`school.medical`)."""

_ALL: Final = ("social", "school", "care", "institution")
_CARE: Final = ("care", "school.medical")

GENERAL_GROUNDS: Mapping[str, tuple[Kinds, Kinds]] = MappingProxyType(
    {
        "CARE_TO_SOCIAL": (_CARE, ("social",)),
        "SOCIAL_TO_CARE": (("social",), _CARE),
        "SOCIAL_TO_SOCIAL": (("social",), ("social",)),
        "CARE_TO_CARE": (_CARE, _CARE),
        "CARE_INTERNAL": (("care",), ("care",)),
        "EMI_INTERNAL": (("school.medical",), ("school.medical", "school.psychosocial")),
        "CONSENT": (_ALL, _ALL),
        "ONE_GUARDIAN": (_ALL, _ALL),
        "LVU_BOARD": (_ALL, _ALL),
        "CANNOT_CONSENT": (_CARE, ("care", "school.medical", "social", "institution")),
        "GENERAL_CLAUSE": (("school.preschool", "school.pedagogic", "school.psychosocial"), _ALL),
        "NECESSARY_OWN": (_ALL, _ALL),
    }
)
"""Each general ground with the kinds that it goes from and to."""


def between(senders: Kinds, recipients: Kinds) -> tuple[str, ...]:
    """Return the general grounds that may carry a type between any of these kinds."""
    return tuple(
        ground for ground, (source, to) in GENERAL_GROUNDS.items() if _meet(source, senders) and _meet(to, recipients)
    )


def _meet(one: Kinds, other: Kinds) -> bool:
    return any(matches(kind, one) and matches(kind, other) for kind in UnitKind)
