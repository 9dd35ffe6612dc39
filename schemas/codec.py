"""One way to bytes and back: strict Avro, Confluent framing, and a reader for length-prefixed fields.

*Strict* means that each value has exactly one accepted encoding: what was decoded is encoded again and must give the
same bytes. So an over-long integer, a split array block or a trailing byte is refused, and a hash over bytes is a hash
over a meaning. Sources: Avro 1.12 binary encoding; Confluent wire format (magic 0, u32 schema id).

    ROUTING = Codec(SCHEMA, limits={"sender": 64})
    ROUTING.decode(ROUTING.encode(value)) == value
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, TypeVar

import fastavro

from samband.schemas.compiled import record_reader, record_writer
from samband.schemas.errors import FormatError
from samband.schemas.flat import NotCanonicalError, TooLongError

__all__ = [
    "TIME_MAX",
    "Codec",
    "FlatCodec",
    "Reader",
    "check_frame",
    "check_times",
    "fixed",
    "frame",
    "is_framed",
    "lp16",
    "lp32",
    "schema_id",
    "unframe",
]

Made = TypeVar("Made")

_MAGIC: Final = 0
_HEAD: Final = struct.Struct(">BI")


TIME_MAX: Final = 4_102_444_800_000
"""Milliseconds: times lie before the year 2100, so that whoever reads one can write it as a date."""


def check_times(*times: int) -> None:
    """Check that times, in milliseconds since 1970 UTC, lie within the format's.

    Raises:
        FormatError: one is before 1970, or after 2099.
    """
    for time in times:
        if not 0 <= time < TIME_MAX:
            raise FormatError("FORMAT_FIELD", "a time lies before 1970 or after 2099")


def fixed(size: int) -> dict[str, Any]:
    """Return the Avro schema of a byte string of exactly `size` bytes."""
    return {"type": "fixed", "name": f"b{size}", "size": size}


class Codec:
    """Encode and decode one compiled-in Avro record; nothing else is ever read with it.

    Args:
        name: the record's name, for the schema and for errors.
        fields: Avro fields in order. A `fixed` type may be repeated: the definition is written once.
        limits: greatest length of a string, byte string or array by field; part of the format.
    """

    def __init__(self, name: str, fields: Mapping[str, Any], limits: Mapping[str, int] | None = None) -> None:
        self.name = name
        self.limits = dict(limits or {})
        seen: set[str] = set()
        self.schema: dict[str, Any] = {
            "type": "record",
            "name": name,
            "namespace": "samband.v1",
            "fields": [{"name": key, "type": _named_once(kind, seen)} for key, kind in fields.items()],
        }
        self._parsed = fastavro.parse_schema(self.schema)

    def encode(self, value: Mapping[str, Any]) -> bytes:
        """Return the one encoding of `value`.

        Raises:
            FormatError: a field is missing, of another type, or longer than the format allows.
        """
        self._check(value)
        out = io.BytesIO()
        try:
            fastavro.schemaless_writer(out, self._parsed, dict(value))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise FormatError("FORMAT_FIELD", f"a field of `{self.name}` has the wrong type or size") from error
        return out.getvalue()

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the record in `data`.

        Raises:
            FormatError: not this record, or not in its one form.
        """
        try:
            value = fastavro.schemaless_reader(io.BytesIO(data), self._parsed, None)
            again = io.BytesIO()
            fastavro.schemaless_writer(again, self._parsed, value)
        except Exception as error:  # the parser's errors on hostile bytes are many and unnamed
            raise FormatError("FORMAT_RECORD", f"the bytes are no `{self.name}`") from error
        if again.getvalue() != data or not isinstance(value, dict):
            raise FormatError("FORMAT_NOT_CANONICAL", f"the bytes of `{self.name}` are not in their one form")
        self._check(value)
        return value

    def _check(self, value: Mapping[str, Any]) -> None:
        for key, limit in self.limits.items():
            part = value.get(key)
            if part is not None and len(part) > limit:
                raise FormatError("FORMAT_TOO_LONG", f"`{key}` of `{self.name}` is longer than {limit}")


class FlatCodec:
    """The same for a record of plain fields, written by hand: the hot records.

    It gives and takes the same bytes as `Codec` (a test compares them) at a fraction of the time.
    """

    def __init__(self, name: str, fields: Mapping[str, Any], limits: Mapping[str, int] | None = None) -> None:
        self.name = name
        self.limits = dict(limits or {})
        self.schema = Codec(name, fields, limits).schema
        self._from_mapping = record_writer(fields, self.limits, "value[{!r}]")
        self._from_object = record_writer(fields, self.limits, "value.{}")
        self._read = record_reader(fields, self.limits)

    def encode(self, value: Mapping[str, Any], head: bytes = b"") -> bytes:
        """Return the one encoding of `value`, behind `head`.

        Raises:
            FormatError: a field is missing, of another type, or longer than the format allows.
        """
        return self._encode(self._from_mapping, value, head)

    def encode_object(self, value: object) -> bytes:
        """Return the one encoding of an object that has the record's fields as attributes.

        Raises:
            FormatError: as in `encode`.
        """
        return self._encode(self._from_object, value, b"")

    def _encode(self, write: Callable[[Any, bytes], bytes], value: Any, head: bytes) -> bytes:
        try:
            return write(value, head)
        except TooLongError as error:
            raise self._too_long(error) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError("FORMAT_FIELD", f"a field of `{self.name}` has the wrong type or size") from error

    def decode(self, data: bytes, at: int = 0) -> dict[str, Any]:
        """Return the record that stands in `data` from `at` to its end.

        Raises:
            FormatError: not this record, or not in its one form.
        """
        record: dict[str, Any] = self.decode_as(dict, data, at, list)
        return record

    def decode_as(self, make: Callable[..., Made], data: bytes, at: int = 0, many: type = tuple) -> Made:
        """Return the same as `make` of the fields by name, each array as `many`.

        Raises:
            FormatError: as in `decode`.
        """
        try:
            made: Made = self._read(data, at, make, many)
        except TooLongError as error:
            raise self._too_long(error) from error
        except NotCanonicalError as error:
            text = f"the bytes of `{self.name}` are not in their one form"
            raise FormatError("FORMAT_NOT_CANONICAL", text) from error
        except (ValueError, IndexError) as error:  # also text that is not UTF-8, and an end that comes too early
            raise FormatError("FORMAT_RECORD", f"the bytes are no `{self.name}`") from error
        return made

    def _too_long(self, error: TooLongError) -> FormatError:
        return FormatError("FORMAT_TOO_LONG", f"`{error.key}` of `{self.name}` is longer than {error.limit}")


def _named_once(kind: Any, seen: set[str]) -> Any:
    """Avro defines a named type once and refers to it by name afterwards."""
    match kind:
        case {"type": "fixed", "name": str(name)}:
            if name in seen:
                return name
            seen.add(name)
            return kind
        case {"type": "array", "items": items}:
            return {"type": "array", "items": _named_once(items, seen)}
        case list():
            return [_named_once(each, seen) for each in kind]
        case _:
            return kind


@cache
def schema_id(name: str) -> int:
    """Return the stable schema id of record `name` from the repo's registry file."""
    ids: dict[str, int] = json.loads(resources.files("samband.schemas").joinpath("registry.json").read_text("utf-8"))
    return ids[name]


@cache
def _head(name: str) -> bytes:
    return _HEAD.pack(_MAGIC, schema_id(name))


def frame(codec: Codec | FlatCodec, value: Mapping[str, Any]) -> bytes:
    """Return `value` in Confluent framing."""
    head = _head(codec.name)
    return head + codec.encode(value) if isinstance(codec, Codec) else codec.encode(value, head)


def is_framed(codec: Codec | FlatCodec, data: bytes) -> bool:
    """Say whether bytes are framed as this record; nothing behind the frame is read."""
    return data.startswith(_head(codec.name))


def unframe(codec: Codec | FlatCodec, data: bytes) -> dict[str, Any]:
    """Return the record behind the Confluent frame.

    Raises:
        FormatError: no frame, another schema's id, or not that record.
    """
    at = check_frame(codec, data)
    return codec.decode(data[at:]) if isinstance(codec, Codec) else codec.decode(data, at)


def check_frame(codec: Codec | FlatCodec, data: bytes) -> int:
    """Return where the record begins in Confluent framing, for `decode_as`.

    Raises:
        FormatError: no frame, or another schema's id.
    """
    if not is_framed(codec, data):
        raise FormatError("FORMAT_SCHEMA", f"the bytes are not framed as `{codec.name}`")
    return _HEAD.size


def lp16(data: bytes) -> bytes:
    """Return `data` behind its u16 length."""
    return struct.pack(">H", len(data)) + data


def lp32(data: bytes) -> bytes:
    """Return `data` behind its u32 length."""
    return struct.pack(">I", len(data)) + data


class Reader:
    """Read length-prefixed fields from a byte string; every step checks that the bytes are there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            FormatError: fewer are left.
        """
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise FormatError("FORMAT_SHORT", "the bytes end too early")
        part = self._data[self._at : end]
        self._at = end
        return part

    def number(self, size: int) -> int:
        """Return the next big-endian unsigned integer of `size` bytes."""
        at = self._at
        self._at = end = at + size
        if end > len(self._data):
            raise FormatError("FORMAT_SHORT", "the bytes end too early")
        return int.from_bytes(self._data[at:end], "big")

    def lp16(self) -> bytes:
        """Return the next field behind a u16 length."""
        return self._behind(2)

    def lp32(self) -> bytes:
        """Return the next field behind a u32 length."""
        return self._behind(4)

    def _behind(self, width: int) -> bytes:
        at = self._at + width
        self._at = end = at + int.from_bytes(self._data[self._at : at], "big")
        if end > len(self._data):  # also where the length itself is cut off
            raise FormatError("FORMAT_SHORT", "the bytes end too early")
        return self._data[at:end]

    def unpack(self, fields: struct.Struct) -> tuple[Any, ...]:
        """Return the next fields of fixed size."""
        return fields.unpack(self.take(fields.size))

    def rest(self) -> bytes:
        """Return all that is left."""
        part = self._data[self._at :]
        self._at = len(self._data)
        return part

    def version(self, expected: int) -> None:
        """Read a version byte.

        Raises:
            FormatError: another version.
        """
        if (found := self.number(1)) != expected:
            raise FormatError("FORMAT_VERSION", f"version {found} is not read here, only {expected}")

    @property
    def ended(self) -> bool:
        """Say whether nothing is left."""
        return self._at == len(self._data)

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            FormatError: trailing bytes.
        """
        if self._at != len(self._data):
            raise FormatError("FORMAT_TRAILING", "bytes are left after the last field")
