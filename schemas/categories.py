"""Categories of information: what a piece of a message tells, and about whom.

Nobody picks them: they follow from the message type and its filled fields (`catalogue.categories`). In routing and in
a decision a category is one string, `health:child`: the kind of information, a colon, and whose it is. Free text and
attachments count as the most sensitive category that the sending kind of unit holds, because nobody can promise what
somebody will write.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NewType

from samband.schemas.errors import InputError
from samband.schemas.units import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATEGORY_TEXTS", "About", "Category", "CategoryTag", "free_text_category", "tag"]

CategoryTag = NewType("CategoryTag", str)
"""`category:about`, for example `address:child`."""


class About(StrEnum):
    """Whose information it is; another person's needs that person's own consent."""

    CHILD = "child"
    GUARDIAN = "guardian"
    SIBLING = "sibling"
    OTHER = "other"


class Category(StrEnum):
    """A kind of information."""

    IDENTITY = "identity"
    CONTACT = "contact"
    ADDRESS = "address"
    WHEREABOUTS = "whereabouts"
    COMMUNICATION = "communication"
    PLACEMENT = "placement"
    SCHEDULE = "schedule"
    SCHOOL_NAME = "school_name"
    SCHOOL_PLAN = "school_plan"
    SCHOOL_SUPPORT = "school_support"
    SCHOOL_PSYCHOSOCIAL = "school_psychosocial"
    PRESCHOOL = "preschool"
    ABSENCE = "absence"
    HEALTH = "health"
    MENTAL_HEALTH = "mental_health"
    SEXUAL_HEALTH = "sexual_health"
    ADDICTION = "addiction"
    HEALTH_EXAM = "health_exam"
    SOCIAL_INVESTIGATION = "social_investigation"
    SIP = "sip"
    CONCERN = "concern"
    REPORTER_IDENTITY = "reporter_identity"
    DIALOGUE = "dialogue"
    COOPERATION = "cooperation"
    CONSENT = "consent"


CATEGORY_TEXTS: Mapping[Category, tuple[str, str]] = MappingProxyType(
    {
        Category.IDENTITY: ("namn och personnummer", "name and identity number"),
        Category.CONTACT: ("kontaktuppgifter", "contact details"),
        Category.ADDRESS: ("adress", "address"),
        Category.WHEREABOUTS: ("vistelseort", "whereabouts"),
        Category.COMMUNICATION: ("språk och kommunikationsstöd", "language and communication support"),
        Category.PLACEMENT: ("placeringen", "the placement"),
        Category.SCHEDULE: ("tider och mötesplatser", "dates, times and places of meetings"),
        Category.SCHOOL_NAME: ("skolans namn", "name of the school"),
        Category.SCHOOL_PLAN: ("skolgång", "schooling"),
        Category.SCHOOL_SUPPORT: ("stöd och ordning i skolan", "support and discipline at school"),
        Category.SCHOOL_PSYCHOSOCIAL: ("elevhälsans psykosociala insatser", "psychosocial work of student health"),
        Category.PRESCHOOL: ("uppgifter från förskolan", "information from preschool"),
        Category.ABSENCE: ("frånvaro", "absence"),
        Category.HEALTH: ("hälsa och vård", "health and care"),
        Category.MENTAL_HEALTH: ("psykisk hälsa", "mental health"),
        Category.SEXUAL_HEALTH: ("sexuell hälsa", "sexual health"),
        Category.ADDICTION: ("beroende", "addiction"),
        Category.HEALTH_EXAM: ("hälsoundersökning", "health examination"),
        Category.SOCIAL_INVESTIGATION: ("socialtjänstens utredning och insatser", "social services' work"),
        Category.SIP: ("samordnad individuell plan", "coordinated individual plan"),
        Category.CONCERN: ("oro för barnet", "concern for the child"),
        Category.REPORTER_IDENTITY: ("vem som anmält", "who reported"),
        Category.DIALOGUE: ("att en dialog pågår", "that a dialogue goes on"),
        Category.COOPERATION: ("hur samverkan fungerat", "how the cooperation worked"),
        Category.CONSENT: ("samtyckets form", "how consent was given"),
    }
)
"""Swedish and English words for each category."""

_FREE_TEXT: Mapping[UnitKind, Category] = MappingProxyType(
    {
        UnitKind.SCHOOL_PRESCHOOL: Category.PRESCHOOL,
        UnitKind.SCHOOL_PSYCHOSOCIAL: Category.SCHOOL_PSYCHOSOCIAL,
        UnitKind.SCHOOL_MEDICAL: Category.HEALTH,
        UnitKind.CARE_BUP: Category.MENTAL_HEALTH,
        UnitKind.CARE_BUHALSAN: Category.MENTAL_HEALTH,
        UnitKind.CARE_ADULT_PSYCHIATRY: Category.MENTAL_HEALTH,
        UnitKind.CARE_YOUTH_CLINIC: Category.SEXUAL_HEALTH,
        UnitKind.CARE_ADDICTION: Category.ADDICTION,
    }
)
_FREE_TEXT_FAMILY: Mapping[str, Category] = MappingProxyType(
    {
        "social": Category.SOCIAL_INVESTIGATION,
        "institution": Category.SOCIAL_INVESTIGATION,
        "school": Category.SCHOOL_SUPPORT,
        "care": Category.HEALTH,
    }
)


def tag(category: Category, about: About = About.CHILD) -> CategoryTag:
    """Return the one string for a category and whom it is about."""
    return CategoryTag(f"{category.value}:{about.value}")


def free_text_category(kind: UnitKind) -> Category:
    """Return the most sensitive category that a kind of unit holds; its free text counts as that.

    Raises:
        InputError: the kind holds no information about a child (`TYPE_NOT_FOR_KIND`).
    """
    found = _FREE_TEXT.get(kind) or _FREE_TEXT_FAMILY.get(kind.family)
    if found is None:
        raise InputError("TYPE_NOT_FOR_KIND", f"a unit of kind `{kind.value}` writes nothing about a child")
    return found
