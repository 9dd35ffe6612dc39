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
from collections.abc import Mapping
from functools import cache
from importlib import resources
from operator import attrgetter, itemgetter
from typing import Any, Final

import fastavro

from samband.schemas.errors import FormatError
from samband.schemas.flat import NotCanonicalError, reader, writer

__all__ = ["Codec", "FlatCodec", "Reader", "fixed", "frame", "is_framed", "lp16", "lp32", "schema_id", "unframe"]

_MAGIC: Final = 0
_HEAD: Final = struct.Struct(">BI")


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
        self._writers = tuple(writer(kind) for kind in fields.values())
        self._readers = tuple((key, reader(kind)) for key, kind in fields.items())
        self._by_key = itemgetter(*fields)
        self._by_name = attrgetter(*fields)
        self._limits = tuple((n, key, self.limits[key]) for n, key in enumerate(fields) if key in self.limits)

    def encode(self, value: Mapping[str, Any]) -> bytes:
        """Return the one encoding of `value`.

        Raises:
            FormatError: a field is missing, of another type, or longer than the format allows.
        """
        try:
            return self._encode(self._by_key(value))
        except _WRONG as error:
            raise FormatError("FORMAT_FIELD", f"a field of `{self.name}` has the wrong type or size") from error

    def encode_object(self, value: object) -> bytes:
        """Return the one encoding of an object that has the record's fields as attributes.

        Raises:
            FormatError: as in `encode`.
        """
        try:
            return self._encode(self._by_name(value))
        except _WRONG as error:
            raise FormatError("FORMAT_FIELD", f"a field of `{self.name}` has the wrong type or size") from error

    def _encode(self, parts: tuple[Any, ...]) -> bytes:
        for n, key, limit in self._limits:
            if (part := parts[n]) is not None and len(part) > limit:
                raise FormatError("FORMAT_TOO_LONG", f"`{key}` of `{self.name}` is longer than {limit}")
        return b"".join([write(part) for write, part in zip(self._writers, parts, strict=True)])

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the record in `data`.

        Raises:
            FormatError: not this record, or not in its one form.
        """
        value: dict[str, Any] = {}
        at = 0
        try:
            for key, read in self._readers:
                value[key], at = read(data, at)
        except NotCanonicalError as error:
            raise self._not_canonical() from error
        except (ValueError, IndexError) as error:  # also text that is not UTF-8, and an end that comes too early
            raise FormatError("FORMAT_RECORD", f"the bytes are no `{self.name}`") from error
        if at != len(data):
            raise self._not_canonical()
        for _, key, limit in self._limits:
            if (part := value[key]) is not None and len(part) > limit:
                raise FormatError("FORMAT_TOO_LONG", f"`{key}` of `{self.name}` is longer than {limit}")
        return value

    def _not_canonical(self) -> FormatError:
        return FormatError("FORMAT_NOT_CANONICAL", f"the bytes of `{self.name}` are not in their one form")


_WRONG: Final = (KeyError, TypeError, ValueError, AttributeError)


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


def frame(codec: Codec | FlatCodec, value: Mapping[str, Any]) -> bytes:
    """Return `value` in Confluent framing."""
    return _HEAD.pack(_MAGIC, schema_id(codec.name)) + codec.encode(value)


def is_framed(codec: Codec | FlatCodec, data: bytes) -> bool:
    """Say whether bytes are framed as this record; nothing behind the frame is read."""
    return len(data) >= _HEAD.size and _HEAD.unpack_from(data) == (_MAGIC, schema_id(codec.name))


def unframe(codec: Codec | FlatCodec, data: bytes) -> dict[str, Any]:
    """Return the record behind the Confluent frame.

    Raises:
        FormatError: no frame, another schema's id, or not that record.
    """
    if not is_framed(codec, data):
        raise FormatError("FORMAT_SCHEMA", f"the bytes are not framed as `{codec.name}`")
    return codec.decode(data[_HEAD.size :])


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
        return self.take(self.number(2))

    def lp32(self) -> bytes:
        """Return the next field behind a u32 length."""
        return self.take(self.number(4))

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
