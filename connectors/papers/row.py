"""What a paper is made of: rows of cells that know no language yet, and what each row tells about whom.

    Row("told.9f3c…", Section.TOLD, ((Cell(Put.DAY, "…"),), (Cell(Put.TEXT, "Skolan"),), …), {"placement:child"})

A cell says how its value is to be put into words; `render` puts them. A row's id is for the person who releases it and
stands on no paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cell", "Column", "Form", "Kind", "Language", "Put", "Reader", "Row", "Section"]


class Kind(StrEnum):
    """A kind of paper."""

    CONSENT_FORM = "consent-form"
    CONSENT_RECEIPT = "consent-receipt"
    WITHDRAWAL_RECEIPT = "withdrawal-receipt"
    CONTACT_CARD = "contact-card"
    TOLD = "told"
    SIP = "sip"
    """Samordnad individuell plan (SoL 10:8, HSL 16:4)."""


class Reader(StrEnum):
    """Whom a paper is for."""

    CHILD = "child"
    GUARDIAN = "guardian"
    YOUNG_ADULT = "young_adult"
    """18 to 20 years old: decides alone."""
    FOSTER_PARENT = "foster_parent"

    @property
    def own(self) -> bool:
        """Say whether the paper is about its reader."""
        return self in (Reader.CHILD, Reader.YOUNG_ADULT)


class Language(StrEnum):
    """A paper's language; `easy` is easy Swedish (lättläst)."""

    SV = "sv"
    EN = "en"
    EASY = "easy"


class Form(StrEnum):
    """What a paper is written as."""

    HTML = "html"
    TEXT = "text"
    CARD = "card"


class Section(StrEnum):
    """A part of a paper that holds rows."""

    MESSAGE = "message"
    WHY = "why"
    DISCLOSERS = "disclosers"
    RECIPIENTS = "recipients"
    CHOICES = "choices"
    CATEGORIES = "categories"
    PURPOSE = "purpose"
    LONGEST = "longest"
    PERIOD = "period"
    GIVERS = "givers"
    CHILD_VIEW = "child_view"
    RECORDED = "recorded"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    GONE = "gone"
    CONTACTS = "contacts"
    TOLD = "told"
    PLAN = "plan"


class Put(StrEnum):
    """How a cell's value is put into words."""

    TEXT = "text"
    """As it is: a name, a telephone number, a sentence of a unit's card."""
    DAY = "day"
    """Seconds since 1970 UTC, as a day in Sweden."""
    MOMENT = "moment"
    """The same, with the time of day."""
    DATE = "date"
    """`YYYY-MM-DD`."""
    CATEGORY = "category"
    TYPE = "type"
    GROUND = "ground"
    REASON = "reason"
    KIND = "kind"
    """What a kind of unit does."""
    FIELD = "field"
    """`type/field`: what a field of a message type is called."""
    WORD = "word"
    """`group/code`, from the texts of the papers."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value."""

    put: Put
    value: str


Column = tuple[Cell, ...]
"""What stands in one column of a row: one value, or several side by side."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is released, or not, to a reader."""

    id: str
    section: Section
    columns: tuple[Column, ...]
    tells: frozenset[str]
    """Category tags, such as `address:child`: what somebody learns who reads it."""
