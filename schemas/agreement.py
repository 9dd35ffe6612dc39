"""Agreements: what a region and its municipalities have agreed on, as data that ships, differs and can be replaced.

An agreement says who is party to it and in which areas, how long each step may take and by whose word, which kind of
unit meets what first, how long a consent may last, which indicators are followed, and what things are called. Two ship
as examples. Nothing in them is law of Samband's own: every time says whether it is law (`law`), local routine
(`routine`) or not settled anywhere (`none`), and how far it has been confirmed (`read` in the statute, `verified` by
the agreement's own lawyers, `example`: a value made up to show that agreements differ).

    agreement = shipped("vastmanland")
    agreement.deadline("concern.feedback").citation          'SoL 19:6'
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from samband.schemas import toml
from samband.schemas.errors import OperatorError
from samband.schemas.units import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "INDICATORS",
    "SHIPPED",
    "Agreement",
    "Area",
    "Deadline",
    "EntryPoint",
    "Source",
    "Status",
    "TimeUnit",
    "Wording",
    "parse",
    "shipped",
]

SHIPPED: Final = ("vastmanland", "vastra_gotaland")
"""The agreements that ship, by file name."""

INDICATORS: Final = frozenset(
    {
        "sip.offered",
        "sip.declined",
        "sip.held_days",
        "sip.every_party_present",
        "sip.started_by_school",
        "health_exam.days",
        "health_exam.not_attended",
        "school.days_without",
        "answer.days",
        "refused.by_reason",
        "consent.coverage",
        "deadline.unanswered",
        "child.both_parties",
        "concern.out_of_hours",
    }
)
"""What a steering group may follow; the derived streams count it, pseudonymously."""


class Source(StrEnum):
    """By whose word a time holds."""

    LAW = "law"
    ROUTINE = "routine"
    NONE = "none"
    """Nobody has set it: the time is a suggestion, and nobody is reminded."""


class Status(StrEnum):
    """How far a value has been confirmed."""

    READ = "read"
    VERIFIED = "verified"
    EXAMPLE = "example"


class TimeUnit(StrEnum):
    """What a deadline counts in."""

    AT_ONCE = "at_once"
    DAYS = "days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Area:
    """Municipalities that cooperate; each by its four-digit code."""

    name: str
    municipalities: Mapping[str, str]
    """Code → name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """How long a step may take."""

    step: str
    """A `MessageType.deadline`, or the name of a duty that no message answers."""
    counted_from: str
    """What starts it, as a code: `decision`, `message`, `placement` …"""
    unit: TimeUnit
    amount: int = 0
    """Days or months; 0 at once."""
    citation: str
    """Where it stands; `none` where it stands nowhere."""
    source: Source
    status: Status
    text_sv: str
    text_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """Which kind of unit meets something first."""

    type: str
    """Message type."""
    part: str = ""
    """A part of it, such as `oral` of a health examination; empty means the whole."""
    kind: UnitKind
    out_of_hours: UnitKind | None = None
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the agreement and the people in it are called."""

    agreement_sv: str
    agreement_en: str
    responsible_sv: str
    """The function that a reminder is addressed to."""
    responsible_en: str
    steering_group_sv: str
    steering_group_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One agreement of one version."""

    name: str
    version: str
    region: str
    """The region that is party to it, beside the municipalities' boards and invited private providers."""
    areas: tuple[Area, ...]
    areas_status: Status
    longest_consent_days: int
    """No consent and no motivation lasts longer."""
    longest_consent_status: Status
    deadlines: Mapping[str, Deadline]
    entry_points: tuple[EntryPoint, ...]
    indicators: tuple[str, ...]
    wording: Wording
    hash: bytes
    """SHA-256 of the whole as JSON with sorted keys."""

    def deadline(self, step: str) -> Deadline:
        """Return how long a step may take.

        Raises:
            OperatorError: the agreement says nothing about it (`AGREEMENT_STEP`).
        """
        found = self.deadlines.get(step)
        if found is None:
            raise OperatorError("AGREEMENT_STEP", f"the agreement `{self.name}` has no step `{step}`")
        return found

    def entry_point(self, type_name: str, part: str = "") -> EntryPoint | None:
        """Return who meets a type first: the row for its part, else for the whole, None where nothing is agreed."""
        rows = [row for row in self.entry_points if row.type == type_name and row.part in (part, "")]
        return max(rows, key=lambda row: row.part == part, default=None)

    def area_of(self, municipality: str) -> Area | None:
        """Return the area that a municipality code belongs to, None for one that is no party."""
        return next((area for area in self.areas if municipality in area.municipalities), None)


def shipped_text(name: str) -> str:
    """Return the text of one of the agreements that ship.

    Raises:
        OperatorError: there is none of that name (`AGREEMENT_UNKNOWN`).
    """
    if name not in SHIPPED:
        raise OperatorError("AGREEMENT_UNKNOWN", "no such agreement ships", f"{', '.join(SHIPPED)}; or a file")
    return resources.files("samband.schemas").joinpath("agreements", f"{name}.toml").read_text("utf-8")


def shipped(name: str) -> Agreement:
    """Return one of the agreements that ship.

    Raises:
        OperatorError: as `shipped_text`.
    """
    return parse(shipped_text(name))


def parse(text: str) -> Agreement:
    """Return the agreement in a TOML text.

    Raises:
        OperatorError: not an agreement, an unknown key, kind or indicator, a deadline without citation, or something
            named twice (`AGREEMENT_INVALID`).
    """
    try:
        written = toml.loads(text)
        return _agreement(written)
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise OperatorError("AGREEMENT_INVALID", f"the agreement cannot be read: {wrong}") from wrong


_NAME: Final = re.compile(r"[a-z][a-z_]*")
_STEP: Final = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")
_CODE: Final = re.compile(r"[0-9]{4}")
_TABLES: Final = {"areas": "area", "deadlines": "deadline", "entry_points": "entry_point"}
"""The dataclass's plurals are the file's tables, one by one."""


def _agreement(written: dict[str, Any]) -> Agreement:
    values = {key: written[_TABLES.get(key, key)] for key in _names(Agreement) if key != "hash"}
    if len(written) != len(values):
        raise ValueError("unknown key")
    areas = tuple(_area(row) for row in values["areas"])
    codes = [code for area in areas for code in area.municipalities]
    deadlines = tuple(_deadline(row) for row in values["deadlines"])
    entry_points = tuple(_entry_point(row) for row in values["entry_points"])
    _once("municipality", codes)
    _once("step", [row.step for row in deadlines])
    _once("entry point", [(row.type, row.part) for row in entry_points])
    _once("indicator", values["indicators"])
    if not _NAME.fullmatch(values["name"]) or not all(map(_CODE.fullmatch, codes)):
        raise ValueError("a name or a municipality code has not its form")
    if set(values["indicators"]) - INDICATORS:
        raise ValueError("unknown indicator")
    if type(values["longest_consent_days"]) is not int or not 1 <= values["longest_consent_days"] <= 366:
        raise ValueError("a consent lasts from 1 to 366 days")
    canonical = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return Agreement(
        name=values["name"],
        version=_text(values["version"]),
        region=_text(values["region"]),
        areas=areas,
        areas_status=Status(values["areas_status"]),
        longest_consent_days=values["longest_consent_days"],
        longest_consent_status=Status(values["longest_consent_status"]),
        deadlines=MappingProxyType({row.step: row for row in deadlines}),
        entry_points=entry_points,
        indicators=tuple(values["indicators"]),
        wording=_row(Wording, values["wording"]),
        hash=hashlib.sha256(b"samband/1/agreement\0" + canonical.encode()).digest(),
    )


Row = TypeVar("Row")


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _row(kind: type[Row], row: dict[str, Any], /, **read: Any) -> Row:
    """Return a row of plain texts; `read` are the fields that are not."""
    if set(row) - set(_names(kind)):
        raise ValueError(f"unknown key in {kind.__name__.lower()}")
    return kind(**{key: _text(value) for key, value in row.items() if key not in read}, **read)


def _area(row: dict[str, Any]) -> Area:
    municipalities = {code: _text(name) for code, name in row["municipalities"].items()}
    if not municipalities:
        raise ValueError("an area without municipalities")
    return _row(Area, row, municipalities=MappingProxyType(municipalities))


def _deadline(row: dict[str, Any]) -> Deadline:
    unit, source, amount = TimeUnit(row["unit"]), Source(row["source"]), row.get("amount", 0)
    found = _row(Deadline, row, unit=unit, source=source, amount=amount, status=Status(row["status"]))
    if not _STEP.fullmatch(found.step):
        raise ValueError("a step is written `group.step`")
    if type(amount) is not int or (unit is TimeUnit.AT_ONCE) != (amount == 0) or amount < 0:
        raise ValueError("a time is `at_once`, or a number of days or months")
    if (source is Source.NONE) != (found.citation == "none"):
        raise ValueError("a deadline has a citation, or says `none`")
    if source is Source.LAW and found.status is Status.EXAMPLE:
        raise ValueError("what is law is no example")
    return found


def _entry_point(row: dict[str, Any]) -> EntryPoint:
    hours = UnitKind(row["out_of_hours"]) if "out_of_hours" in row else None
    return _row(EntryPoint, row, kind=UnitKind(row["kind"]), out_of_hours=hours, status=Status(row["status"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text is missing or empty")
    return value


def _once(what: str, names: list[Any]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"a {what} is named twice")
