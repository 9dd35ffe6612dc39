"""The grounds of the law, and between which kinds of units each can carry a message.

What decides is the rulebook; this says which grounds a lawyer should look for on a type, and what people call them.
A ground is either *general*, and carries any content that fits between its kinds of units, or a *duty*, which carries
the types that name it.

    between(("care",), ("social",))[0]      'CARE_TO_SOCIAL'
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.schemas.message_type import matches
from samband.schemas.units import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DUTIES", "GENERAL_GROUNDS", "GROUNDS", "Ground", "between"]

_ALL: Final = ("social", "school", "care", "institution")
_CARE: Final = ("care", "school.medical")
_SOCIAL: Final = ("social",)
_TEACHING: Final = ("school.pedagogic", "school.leisure", "school.administration", "school.psychosocial")


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground: what people call it, and from which kinds of units to which it can carry something."""

    code: str
    label_sv: str
    label_en: str
    senders: tuple[str, ...]
    recipients: tuple[str, ...]

    def joins(self, senders: tuple[str, ...], recipients: tuple[str, ...]) -> bool:
        """Say whether the ground fits between any kind of unit in `senders` and any in `recipients`."""
        return _meet(self.senders, senders) and _meet(self.recipients, recipients)


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return any(matches(kind, one) and matches(kind, other) for kind in UnitKind)


DUTIES: Final = (
    Ground(
        "DUTY_REPORT",
        "anmälningsplikt",
        "duty to report",
        ("school", "care", "social"),
        _SOCIAL,
    ),
    Ground(
        "FEEDBACK",
        "återkoppling till den som anmält",
        "feedback to the reporter",
        _SOCIAL,
        _ALL,
    ),
    Ground(
        "DUTY_INVESTIGATION",
        "uppgiftsskyldighet i en utredning",
        "duty in an investigation",
        _ALL,
        _SOCIAL,
    ),
    Ground(
        "DUTY_HEALTH_EXAM",
        "underrättelse om hälsoundersökning",
        "notice of a health examination",
        _SOCIAL,
        _CARE,
    ),
    Ground(
        "DUTY_LVU_EXAM",
        "läkarundersökning enligt LVU",
        "medical examination under LVU",
        ("social", "care"),
        ("care", "social"),
    ),
    Ground(
        "SCHOOL_CHANGE",
        "byte av skolenhet",
        "change of school unit",
        _TEACHING,
        _TEACHING,
    ),
)
"""Carry the types that name them."""

GENERAL_GROUNDS: Final = (
    Ground(
        "CARE_TO_SOCIAL",
        "nödvändigt stöd från vård till socialtjänst",
        "necessity from care to social services",
        _CARE,
        _SOCIAL,
    ),
    Ground(
        "SOCIAL_TO_CARE",
        "nödvändig vård från socialtjänst till vård",
        "necessity from social services to care",
        _SOCIAL,
        _CARE,
    ),
    Ground(
        "SOCIAL_TO_SOCIAL",
        "nödvändigt stöd inom socialtjänsten",
        "necessity within social services",
        _SOCIAL,
        _SOCIAL,
    ),
    Ground(
        "CARE_TO_CARE",
        "nödvändig vård mellan vårdmyndigheter",
        "necessity between care authorities",
        _CARE,
        _CARE,
    ),
    Ground(
        "CARE_INTERNAL",
        "vård inom samma myndighet",
        "within one care authority",
        ("care",),
        ("care",),
    ),
    Ground(
        "EMI_INTERNAL",
        "elevhälsa inom samma myndighet",
        "student health within one authority",
        ("school.medical",),
        ("school.medical", "school.psychosocial"),
    ),
    Ground(
        "CONSENT",
        "samtycke",
        "consent",
        _ALL,
        _ALL,
    ),
    Ground(
        "ONE_GUARDIAN",
        "en vårdnadshavares samtycke efter beslut",
        "one guardian's consent by decision",
        _ALL,
        _ALL,
    ),
    Ground(
        "LVU_BOARD",
        "nämnden i vårdnadshavares ställe",
        "the board in the guardians' place",
        _ALL,
        _ALL,
    ),
    Ground(
        "CANNOT_CONSENT",
        "den unge kan inte samtycka",
        "the young person cannot consent",
        _CARE,
        ("care", "social", "institution", "school.medical"),
    ),
    Ground(
        "GENERAL_CLAUSE",
        "generalklausulen",
        "the general clause",
        ("school.preschool", "school.pedagogic", "school.psychosocial"),
        _ALL,
    ),
    Ground(
        "NECESSARY_OWN",
        "nödvändigt för den egna verksamheten",
        "necessary for one's own work",
        _ALL,
        _ALL,
    ),
)
"""Carry whatever fits between their kinds of units; necessity first, then consent, then what a person motivates."""

GROUNDS: Mapping[str, Ground] = MappingProxyType({ground.code: ground for ground in (*DUTIES, *GENERAL_GROUNDS)})
"""Every ground that can carry a message, by its code."""


def between(senders: tuple[str, ...], recipients: tuple[str, ...], *duties: str) -> tuple[str, ...]:
    """Return the codes of the grounds that may carry a type between these kinds: its duties, then the general ones."""
    return (*duties, *(ground.code for ground in GENERAL_GROUNDS if ground.joins(senders, recipients)))
