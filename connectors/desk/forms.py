"""A type's fields as a form, and what was filled in as a content, with every fault by its field. Pure.

    form = Form.of("health_exam.accepted")
    filled = form.read({"f-part": "oral", "f-planned_on": "2026-13-01"}, child="…", user={…})
    filled.faults                           {"planned_on": "date"}

Nothing here names a type or a field of one: the catalogue's rows say what a form has, so each new type has its own.
What the form reads is held against the catalogue's own `faults`, which has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from samband.schemas.catalogue import faults, find
from samband.schemas.errors import InputError
from samband.schemas.identifiers import ChildIdentifier, normalise
from samband.schemas.message_type import Field, FieldKind, MessageType
from samband.schemas.message_types import COMMON_FIELDS

__all__ = ["CHILD", "PREFIX", "Control", "Filled", "Form", "longest_form"]

PREFIX: Final = "f-"
"""Before a field's name in a form."""
CHILD: Final = "child_identifier"
_AREA: Final = 250
"""Characters from which a field has several lines."""
_RADIOS: Final = 6
"""Choices up to which all are shown at once."""


@dataclass(frozen=True, slots=True)
class Control:
    """How a field is filled in: `line`, `area`, `radios`, `select` or `date`."""

    field: Field
    how: str
    rows: int = 0
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name and id on the page."""
        return PREFIX + self.field.name

    @classmethod
    def of(cls, each: Field) -> Control:
        """Return the control of a field."""
        match each.kind:
            case FieldKind.TEXT:
                long = each.limit > _AREA
                return cls(each, "area" if long else "line", rows=_rows(each.limit) if long else 0)
            case FieldKind.CHOICE:
                return cls(each, "radios" if len(each.choices) <= _RADIOS else "select", choices=each.choices)
            case FieldKind.DATE:
                return cls(each, "date")
            case FieldKind.FLAG:
                return cls(each, "radios", choices=("yes", "no"))
            case FieldKind.FILES:
                raise InputError("CONTENT_INVALID", "a form has no files")


def _rows(limit: int) -> int:
    """Return how many lines of a field are seen at once."""
    return 2 if limit <= 500 else 4 if limit <= 2000 else 8


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in."""

    values: dict[str, str]
    """As it was typed, by field: the form is shown with it again."""
    content: dict[str, Any]
    """As the type's content; whole where there is no fault."""
    faults: dict[str, str]
    """What is wrong, by field, in the order of the form: `missing`, `long`, `choice`, `date`, `number`, `text`."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a type."""

    row: MessageType
    common: tuple[Control, ...]
    """About the child and the case; none where the type names nobody."""
    own: tuple[Control, ...] = field(default=())

    @classmethod
    def of(cls, type_name: str) -> Form:
        """Return a type's form.

        Raises:
            InputError: no such type, or one that is an event (`TYPE_UNKNOWN`).
        """
        row = find(type_name)
        if row.event:
            raise InputError("TYPE_UNKNOWN", "the type is an event, which has no form here")
        common = () if row.unidentified else COMMON_FIELDS
        own = (each for each in row.fields if each.kind is not FieldKind.FILES)  # they stand beside the form's controls
        return cls(row, tuple(map(Control.of, common)), tuple(map(Control.of, own)))

    @property
    def controls(self) -> tuple[Control, ...]:
        """Every control, in order."""
        return (*self.common, *self.own)

    def read(self, posted: Mapping[str, str], *, user: Mapping[str, str], child: str = "") -> Filled:
        """Return what was filled in; `child` where the number is known and not asked for."""
        values, content, found = {}, dict[str, Any](), dict[str, str]()
        for each in self.controls:
            typed = _clean(posted.get(each.name, ""), several_lines=each.how == "area")
            values[each.field.name] = typed
            if typed:
                content[each.field.name] = _value(each.field, typed)
        if child:
            content[CHILD] = child
            values.pop(CHILD, None)
        elif CHILD in content:
            try:
                content[CHILD] = normalise(content[CHILD])
            except InputError:
                found[CHILD] = "number"
        content["acting_user"] = dict(user)
        known = {each.field.name: each.field for each in self.controls}
        for fault in faults(self.row.name, content):
            name = fault.field if fault.field in known else CHILD
            found.setdefault(name, _fault(known.get(name), content.get(name)))
        order = [*known, CHILD]
        return Filled(values, content, {name: found[name] for name in dict.fromkeys(order) if name in found})


def _clean(text: str, *, several_lines: bool) -> str:
    """Return a text with one form of line ends, and none where there is one line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return lines if several_lines else " ".join(lines.split())


def _value(each: Field, typed: str) -> object:
    """Return a field's value; what is none stays as it was typed, and is found by the catalogue."""
    match each.kind:
        case FieldKind.FLAG:
            return {"yes": True, "no": False}.get(typed, typed)
        case FieldKind.DATE:
            return _day(typed)
        case _:
            return typed


def _day(typed: str) -> str:
    """Return a day as messages write it, where it is written with or without hyphens."""
    digits = typed.replace("-", "").replace(" ", "")
    try:
        return datetime.strptime(digits, "%Y%m%d").date().isoformat() if len(digits) == 8 else typed  # noqa: DTZ007
    except ValueError:
        return typed


def _fault(each: Field | None, value: object) -> str:
    """Return the kind of what is wrong with a field's value."""
    if value is None:
        return "missing"
    if each is None or each.name == CHILD:
        return "number"
    if each.kind is FieldKind.TEXT:
        return "long" if isinstance(value, str) and len(value) > each.limit else "text"
    return {FieldKind.CHOICE: "choice", FieldKind.FLAG: "choice", FieldKind.DATE: "date"}[each.kind]


def longest_form() -> int:
    """Return how many bytes the largest form of any type can have on its way, every character as its longest."""
    from samband.schemas.catalogue import CATALOGUE

    forms = (Form.of(row.name) for row in CATALOGUE.values() if not row.event)
    return max(sum(12 * each.field.limit + 100 for each in form.controls) for form in forms) + 4096


def child_of(text: str) -> ChildIdentifier | None:
    """Return a number as people write it, or None where it is none."""
    try:
        return normalise(text)
    except InputError:
        return None
