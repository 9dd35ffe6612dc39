"""The message catalogue: what a type's content looks like, what it tells, and what it may weigh.

    content_schema("placement.notice")      Avro schema of the sealed content; its SHA-256 is named in routing
    validate("placement.notice", content)   raises with the path of the field, and never with what it holds
    categories("placement.notice", content, UnitKind.SOCIAL_IFO)
        ('address:child', 'identity:child', 'placement:child', 'schedule:child')

The sender's and the recipient's connector both call `categories`; what they compute must be equal, or the message is
not handed over. Rows are in `message_types`. Every optional field is a key that may be absent or None.
"""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import fastavro

from samband.schemas import attachment
from samband.schemas.categories import CategoryTag, free_text_category, tag
from samband.schemas.errors import FormatError, InputError
from samband.schemas.identifiers import is_random, normalise
from samband.schemas.message_type import Field, FieldKind, MessageType
from samband.schemas.message_types import COMMON_FIELDS, MESSAGE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from samband.schemas.units import UnitKind

__all__ = [
    "CATALOGUE",
    "ContentSchema",
    "Field",
    "FieldKind",
    "MessageType",
    "categories",
    "content_schema",
    "content_schema_id",
    "decode_content",
    "encode_content",
    "faults",
    "find",
    "max_plain",
    "possible_categories",
    "validate",
]

ContentSchema = dict[str, Any]
"""An Avro schema as parsed JSON."""

CATALOGUE: Mapping[str, MessageType] = MappingProxyType({row.name: row for row in MESSAGE_TYPES})
"""Every message type by name."""

_ACTING_USER_MAX = 100
_OWN_LIMIT = (FieldKind.FLAG, FieldKind.FILES)
"""Kinds of fields whose length is no number of characters."""
_ACTING_USER_KEYS = ("id", "role")


def find(type_name: str) -> MessageType:
    """Return the row of a type.

    Raises:
        InputError: no such type (`TYPE_UNKNOWN`).
    """
    row = CATALOGUE.get(type_name)
    if row is None:
        raise InputError("TYPE_UNKNOWN", "unknown message type", f"types: {', '.join(CATALOGUE)}")
    return row


def _fields(type_name: str) -> tuple[Field, ...]:
    return COMMON_FIELDS + find(type_name).fields


def _avro_field(field: Field) -> dict[str, Any]:
    written: dict[str, Any] = {"name": field.name, "doc": field.label_en}
    written["type"] = field.avro if field.required else ["null", field.avro]
    if not field.required:
        written["default"] = None
    if field.kind not in _OWN_LIMIT:
        written["maxLength"] = field.limit
    if field.choices:
        written["choices"] = list(field.choices)
    if field.tag is not None:
        written["category"] = field.tag
    if field.free_text:
        written["freeText"] = True
    if field.required_when:
        written["requiredWhen"] = dict([field.required_when])
    return written


def content_schema(type_name: str) -> ContentSchema:
    """Return the Avro schema of a type's sealed content, a fresh dict.

    Raises:
        InputError: no such type (`TYPE_UNKNOWN`).
    """
    acting_user = {
        "type": "record",
        "name": "ActingUser",
        "fields": [{"name": key, "type": "string", "maxLength": _ACTING_USER_MAX} for key in _ACTING_USER_KEYS],
    }
    name = "".join(part.capitalize() for part in type_name.replace(".", "_").split("_"))
    return {
        "type": "record",
        "namespace": "samband.content.v1",
        "name": name,
        "doc": find(type_name).label_en,
        "messageType": type_name,
        "fields": [
            *map(_avro_field, COMMON_FIELDS),
            {"name": "acting_user", "type": acting_user},
            *map(_avro_field, find(type_name).fields),
        ],
    }


@cache
def content_schema_id(type_name: str) -> bytes:
    """Return the SHA-256 of the schema's JSON with sorted keys and without white space."""
    canonical = json.dumps(content_schema(type_name), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


@cache
def _parsed(type_name: str) -> Any:
    return fastavro.parse_schema(content_schema(type_name))


def _bad(type_name: str, path: str, why: str, code: str = "CONTENT_INVALID") -> InputError:
    hint = "samband send --help shows each type's fields"
    return InputError(code, f"`{type_name}`: field `{path}` {why}", hint, field="" if path == "?" else path)


def validate(type_name: str, content: Mapping[str, Any]) -> None:
    """Check a content against its type: known fields, right types, within the maxima, required ones there.

    Raises:
        InputError: with the field's path (`CONTENT_INVALID`), or an unusable number (`IDENTIFIER_INVALID`), or no such
            type (`TYPE_UNKNOWN`). What the field holds is never repeated.
    """
    for fault in faults(type_name, content):
        raise fault


def faults(type_name: str, content: Mapping[str, Any]) -> Iterator[InputError]:
    """Yield everything that `validate` could say of a content, in its order; nothing of a right one.

    Raises:
        InputError: no such type (`TYPE_UNKNOWN`).
    """
    fields = _fields(type_name)
    if unknown := set(content) - {field.name for field in fields} - {"acting_user"}:
        names = {key for key in unknown if isinstance(key, str) and key.isidentifier() and len(key) <= 40}
        yield _bad(type_name, min(names, default="?"), "is unknown")
    checks: list[Callable[[], None]] = [partial(_validate_field, type_name, field, content) for field in fields]
    checks.append(partial(_validate_acting_user, type_name, content.get("acting_user")))
    checks.append(partial(_validate_identifier, content.get("child_identifier")))
    if find(type_name).unidentified:
        checks.append(partial(_validate_unidentified, type_name, content))
    for check in checks:
        try:
            check()
        except InputError as fault:
            yield fault


def _validate_field(type_name: str, field: Field, content: Mapping[str, Any]) -> None:
    value = content.get(field.name)
    if value is not None:
        _validate_value(type_name, field, value)
    elif field.required:
        raise _bad(type_name, field.name, "is missing")
    elif field.required_when and content.get(field.required_when[0]) == field.required_when[1]:
        raise _bad(type_name, field.name, f"is missing, as `{field.required_when[0]}` is what it is")


def _validate_identifier(value: object) -> None:
    """Check the child's number; what is no text was told of as a field."""
    if not isinstance(value, str) or not value:
        return
    try:
        canonical = normalise(value) == value
    except InputError as error:
        raise InputError(error.code, error.message, error.hint, field="child_identifier") from None
    if not canonical:
        raise InputError(
            "IDENTIFIER_INVALID", "the child's identifier is not in its canonical form", field="child_identifier"
        )


def _validate_unidentified(type_name: str, content: Mapping[str, Any]) -> None:
    """Check that the common fields name nobody: a case number could be joined with one that came with a name."""
    if not is_random(str(content.get("child_identifier"))):
        raise _bad(type_name, "child_identifier", "names a child; this type is about nobody who is named")
    for field in COMMON_FIELDS:
        if field.name != "child_identifier" and content.get(field.name) is not None:
            raise _bad(type_name, field.name, "could name a child; this type is about nobody who is named")


def _validate_value(type_name: str, field: Field, value: object) -> None:
    if field.kind is FieldKind.FLAG:
        if not isinstance(value, bool):
            raise _bad(type_name, field.name, "must be true or false")
        return
    if field.kind is FieldKind.FILES:
        if found := attachment.fault(value):
            raise _bad(type_name, field.name + found[0], found[1])
        return
    _validate_text(type_name, field.name, value, field.limit)
    match field.kind:
        case FieldKind.CHOICE if value not in field.choices:
            raise _bad(type_name, field.name, f"must be one of {', '.join(field.choices)}")
        case FieldKind.DATE:
            try:
                date_ok = date.fromisoformat(str(value)).isoformat() == value
            except ValueError:
                date_ok = False
            if not date_ok:
                raise _bad(type_name, field.name, "must be a date, `YYYY-MM-DD`")
        case _:
            pass


def _validate_text(type_name: str, path: str, value: object, limit: int) -> None:
    if not isinstance(value, str):
        raise _bad(type_name, path, "must be text")
    if not value:
        raise _bad(type_name, path, "is empty; leave it out instead")
    if len(value) > limit:
        raise _bad(type_name, path, f"is longer than {limit} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _bad(type_name, path, "is not valid Unicode") from None


def _validate_acting_user(type_name: str, value: object) -> None:
    if not isinstance(value, dict):
        raise _bad(type_name, "acting_user", "is missing" if value is None else "must hold `id` and `role`")
    if set(value) != set(_ACTING_USER_KEYS):
        raise _bad(type_name, "acting_user", "must hold `id` and `role`, nothing else")
    for key in _ACTING_USER_KEYS:
        _validate_text(type_name, f"acting_user.{key}", value[key], _ACTING_USER_MAX)


def categories(type_name: str, content: Mapping[str, Any], sender_kind: UnitKind) -> tuple[CategoryTag, ...]:
    """Return what a content tells, sorted: from its type, its filled fields, and free text by the sending kind.

    A random reference tells nobody's identity.

    Raises:
        InputError: no such type (`TYPE_UNKNOWN`), or a kind that writes nothing about a child (`TYPE_NOT_FOR_KIND`).
    """

    def filled(field: Field) -> bool:
        value = content.get(field.name)
        return value is not None and not (field.name == "child_identifier" and is_random(value))

    return _told(type_name, sender_kind, filled)


def possible_categories(type_name: str, sender_kind: UnitKind) -> tuple[CategoryTag, ...]:
    """Return everything that a type could tell when each field is filled: what a consent form proposes."""
    names_nobody = find(type_name).unidentified
    return _told(type_name, sender_kind, lambda field: not (names_nobody and field in COMMON_FIELDS))


def _told(type_name: str, sender_kind: UnitKind, filled: Callable[[Field], bool]) -> tuple[CategoryTag, ...]:
    told = set(find(type_name).tags)
    for field in _fields(type_name):
        if not filled(field):
            continue
        if field.tag is not None:
            told.add(field.tag)
        if field.free_text:
            told.add(tag(free_text_category(sender_kind)))
    return tuple(sorted(told))


def encode_content(type_name: str, content: Mapping[str, Any]) -> bytes:
    """Validate and write a content as Avro without a header.

    Raises:
        InputError: as `validate`.
    """
    validate(type_name, content)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, _parsed(type_name), dict(content))
    return buffer.getvalue()


def decode_content(type_name: str, data: bytes) -> dict[str, Any]:
    """Read and validate a content; absent optional fields are None, and only the one form that `encode_content` writes.

    Raises:
        FormatError: not the content of this type (`CONTENT_FORM`), without telling what it holds.
    """
    buffer = io.BytesIO(data)
    try:
        content: Any = fastavro.schemaless_reader(buffer, _parsed(type_name), None)
        again = encode_content(type_name, content)
    except Exception:
        raise FormatError("CONTENT_FORM", f"the content is not a `{type_name}`") from None
    if again != data:
        raise FormatError("CONTENT_FORM", f"the content is not the one form of a `{type_name}`")
    return dict(content)


@cache
def max_plain(type_name: str) -> int:
    """Return the largest number of bytes that a content of this type can have: four per character, five per length."""
    files = attachment.most_plain() if find(type_name).takes_files else 0
    texts = [field.limit for field in _fields(type_name) if field.kind not in _OWN_LIMIT]
    texts += [_ACTING_USER_MAX] * len(_ACTING_USER_KEYS)
    return sum(4 * limit + 6 for limit in texts) + 2 * len(_fields(type_name)) + files
