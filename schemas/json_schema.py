"""The catalogue as JSON Schema 2020-12: what a program outside needs to write and check a content by itself.

    content_json_schema("placement.notice")["properties"]["event"]["enum"]

Made from the catalogue's rows and never by hand. What a schema cannot say is said by `catalogue.validate`: that a
number is a real one in its canonical form, and that a day exists.
"""

from __future__ import annotations

from typing import Any, Final

from samband.schemas.attachment import MOST_BYTES, NAME_MAX
from samband.schemas.catalogue import find
from samband.schemas.media_types import KINDS
from samband.schemas.message_type import Field, FieldKind
from samband.schemas.message_types import COMMON_FIELDS

__all__ = ["content_json_schema", "schema_name"]

_IDENTIFIER: Final = (
    "^([0-9]{12}|LMA[0-9]{8,10}|R[0-9a-f]{32}|[0-9]{8}[KMX](0[6-9]|[1-8][0-9])[0-9]|[0-9]{8}T[0-9F][0-9]{2}"
    "|[0-9]{8}([A-HJ-NPR-UX-Z]{2}[0-9]{2}|[A-HJ-NPR-UX-Z]{3}[0-9]))$"
)
_USER_MAX: Final = 100
_KINDS: Final = {FieldKind.FLAG: "boolean", FieldKind.FILES: "array"}
"""Of the fields that are no text."""


def schema_name(type_name: str) -> str:
    """Return the type's name as one word, such as `PlacementNotice`."""
    return "".join(part.capitalize() for part in type_name.replace(".", "_").split("_"))


def content_json_schema(type_name: str) -> dict[str, Any]:
    """Return the JSON Schema of a type's content, a fresh dict; an optional field may be absent or null.

    Raises:
        InputError: no such type (`TYPE_UNKNOWN`).
    """
    row = find(type_name)
    # Of a type that names nobody the common fields stay empty, and its reference is a random one.
    common = COMMON_FIELDS[:1] if row.unidentified else COMMON_FIELDS
    fields = common + row.fields
    schema: dict[str, Any] = {
        "title": f"{row.label_sv} ({row.label_en})",
        "type": "object",
        "properties": {field.name: _property(field) for field in fields} | {"acting_user": _acting_user()},
        "required": [field.name for field in fields if field.required] + ["acting_user"],
        "additionalProperties": False,
    }
    schema["properties"]["child_identifier"]["pattern"] = "^R[0-9a-f]{32}$" if row.unidentified else _IDENTIFIER
    if conditions := [_condition(field) for field in fields if field.required_when]:
        schema["allOf"] = conditions
    return schema


def _property(field: Field) -> dict[str, Any]:
    written: dict[str, Any] = {"title": field.label_sv, "description": field.label_en}
    kind = _KINDS.get(field.kind, "string")
    written["type"] = kind if field.required else [kind, "null"]
    match field.kind:
        case FieldKind.TEXT:
            written |= {"minLength": 1, "maxLength": field.limit}
        case FieldKind.CHOICE:
            written["enum"] = [*field.choices] if field.required else [*field.choices, None]
        case FieldKind.DATE:
            written["format"] = "date"
        case FieldKind.FILES:
            written |= {"items": _file(), "minItems": 1, "maxItems": field.limit, "readOnly": True}
        case FieldKind.FLAG:
            pass
    if field.tag is not None:
        written["x-samband-category"] = field.tag
    return written


def _file() -> dict[str, Any]:
    """Say what a content tells of a file; it is filled in from the file itself and never by the caller."""
    shapes: dict[str, dict[str, Any]] = {
        "name": {"type": "string", "minLength": 1, "maxLength": NAME_MAX},
        "media_type": {"enum": [kind.media_type for kind in KINDS]},
        "size": {"type": "integer", "minimum": 1, "maximum": MOST_BYTES},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "parts": {"type": "integer", "minimum": 1},
    }
    return {"type": "object", "properties": shapes, "required": [*shapes], "additionalProperties": False}


def _condition(field: Field) -> dict[str, Any]:
    """Say that a field must be there where another one has a value."""
    assert field.required_when is not None
    other, value = field.required_when
    filled = {"type": _KINDS.get(field.kind, "string")}
    return {
        "if": {"properties": {other: {"const": value}}, "required": [other]},
        "then": {"properties": {field.name: filled}, "required": [field.name]},
    }


def _acting_user() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": _USER_MAX}
    return {
        "title": "Användare",
        "description": "who does this in your own system; the log holds a commitment and no name",
        "type": "object",
        "properties": {"id": text, "role": text},
        "required": ["id", "role"],
        "additionalProperties": False,
    }
