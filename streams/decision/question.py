"""What the decision is asked, and what it answers."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from samband.schemas.units import Unit

__all__ = ["Claims", "Decision", "Outcome", "Question", "categories_told", "things_told"]


class Outcome(StrEnum):
    """What is decided."""

    PERMIT = "permit"
    DENY = "deny"
    ASK = "ask"


class Claims(Struct, frozen=True):
    """What the sender states besides: age band, limb of a ground, necessity code, whether a function has motivated."""

    age_band: str
    limb: str = ""
    necessity: str = ""
    motivated: bool = False
    """A named function has decided that the claimed manual ground carries this very message; its motive is on file."""


class Question(Struct, frozen=True):
    """One message to one recipient, as far as the gate knows it; units from their cards."""

    type: str
    sender: Unit
    recipient: Unit
    categories: tuple[str, ...]
    claims: Claims
    claimed_ground: str = ""
    """Empty: any that carries it."""
    recipient_role: str = ""
    """The role that the recipient was chosen by; empty: it was chosen as a unit."""
    ref_to: bytes = b""
    """The message or consent that it refers to: the report that is answered, the consent whose part is told."""


@lru_cache(4096)
def things_told(categories: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Return (category, about whom) of each thing that is told."""
    return frozenset((category, about) for category, _, about in (tag.partition(":") for tag in categories))


@lru_cache(4096)
def categories_told(categories: tuple[str, ...]) -> frozenset[str]:
    """Return the categories that are told, whomever they are about."""
    return frozenset(category for category, _ in things_told(categories))


class Decision(Struct, frozen=True):
    """The answer: why, or why not."""

    outcome: Outcome
    grounds: tuple[str, ...] = ()
    """All that carry it, duties first; for a deny by a forbid row, that row."""
    reasons: tuple[str, ...] = ()
    """What failed, as codes of `samband.schemas.reasons`."""
    obligations: tuple[str, ...] = ()
    consents: tuple[bytes, ...] = ()
    """Ids of the consents that a permit leans on, so that withdrawing one recalls it; none where a duty carries too."""
