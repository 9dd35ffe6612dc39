"""The smallest and the largest content of each message type."""

from __future__ import annotations

from typing import Any

from samband.schemas.attachment import MOST_BYTES, MOST_FILES, NAME_MAX, parts_of
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.identifiers import without_number
from samband.schemas.media_types import KINDS
from samband.schemas.message_type import Field, FieldKind
from samband.schemas.message_types import COMMON_FIELDS
from samband.schemas.testdata import synthetic

__all__ = ["content"]


def content(type_name: str, *, full: bool) -> dict[str, Any]:
    """Return a content with only what is required, or with every field filled to its limit in four-byte characters."""
    row = CATALOGUE[type_name]
    person = "😀" * 100 if full else "u"
    made: dict[str, Any] = {"acting_user": {"id": person, "role": person}}
    for field in row.fields if row.unidentified else (*COMMON_FIELDS, *row.fields):
        if full or field.required:
            made[field.name] = _value(field, full=full)
    for field in row.fields:
        if field.required_when and made.get(field.required_when[0]) == field.required_when[1]:
            made[field.name] = _value(field, full=full)
    return made | {"child_identifier": without_number(bytes(16)) if row.unidentified else synthetic(1).identifier}


def _value(field: Field, *, full: bool) -> Any:
    match field.kind:
        case FieldKind.TEXT:
            return "😀" * field.limit if full else "x"
        case FieldKind.CHOICE:
            return max(field.choices, key=len) if full else min(field.choices, key=len)
        case FieldKind.DATE:
            return "2026-02-28"
        case FieldKind.FLAG:
            return full
        case FieldKind.FILES:
            kind = max(KINDS, key=lambda each: len(each.media_type))
            size = MOST_BYTES // MOST_FILES
            name = "😀" * (NAME_MAX - len(kind.endings[0]) - 1) + "." + kind.endings[0]
            file = {"name": name, "media_type": kind.media_type, "size": size, "sha256": "f" * 64}
            return [file | {"parts": parts_of(size)}] * MOST_FILES
