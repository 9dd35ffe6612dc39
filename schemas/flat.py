r"""Avro's binary encoding by hand, field by field, for the hot records: a writer and a reader for each type in use.

    write = writer("string")            write("å") == b"\x04\xc3\xa5"
    read = reader("string")             read(b"\x04\xc3\xa5", 0) == ("å", 3)

A reader accepts the one form that a writer writes: no over-long number, no split or sized block. Its errors are
`ShapeError`; `samband.schemas.codec` says which record it was, and `samband.schemas.compiled` puts fields together.
Source: Avro 1.12, binary encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

__all__ = [
    "SMALL",
    "NotCanonicalError",
    "ShapeError",
    "TooLongError",
    "read_length",
    "read_number",
    "reader",
    "write_number",
    "writer",
]

Writer = Callable[[Any], bytes]
Reader = Callable[[bytes, int], tuple[Any, int]]
"""(bytes, where) → (value, where it ends)"""


class ShapeError(ValueError):
    """The bytes or the value are not of the type."""


class NotCanonicalError(ShapeError):
    """The bytes are a value of the type, in another form than the one that is accepted."""


class TooLongError(ShapeError):
    """A field is longer than the format allows."""

    def __init__(self, key: str, limit: int) -> None:
        super().__init__(f"`{key}` is longer than {limit}")
        self.key = key
        self.limit = limit


def writer(kind: Any) -> Writer:
    """Return what writes a value of an Avro type."""
    match kind:
        case "int" | "long":
            return write_number
        case "string":
            return _write_string
        case "bytes":
            return _write_bytes
        case "boolean":
            return _write_boolean
        case {"type": "fixed", "size": int(size)}:
            return _fixed_writer(size)
        case {"type": "array", "items": items}:
            return _array_writer(writer(items))
        case ["null", some]:
            return _optional_writer(writer(some))
    raise TypeError(f"no flat writer for {kind!r}")


def reader(kind: Any) -> Reader:
    """Return what reads a value of an Avro type."""
    match kind:
        case "int" | "long":
            return read_number
        case "string":
            return _read_string
        case "bytes":
            return _read_bytes
        case "boolean":
            return _read_boolean
        case {"type": "fixed", "size": int(size)}:
            return _fixed_reader(size)
        case {"type": "array", "items": items}:
            return _array_reader(reader(items))
        case ["null", some]:
            return _optional_reader(reader(some))
    raise TypeError(f"no flat reader for {kind!r}")


def _write_varint(number: int) -> bytes:
    """Return an unsigned number as Avro writes it, seven bits a byte, lowest first."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


SMALL: Final = tuple(
    _write_varint(number << 1 if number >= 0 else (-number << 1) - 1) for number in (*range(4096), *range(-4096, 0))
)
"""Numbers from -4096 to 4095, written; a negative one stands at its negative index."""


@lru_cache(4096, typed=True)
def _write_large(number: int) -> bytes:
    """Return a number as Avro writes it; kept, for the times of one turn are much the same."""
    if not -(1 << 63) <= number < 1 << 63:
        raise ShapeError("a number has at most 64 bits")
    return _write_varint(number << 1 if number >= 0 else (-number << 1) - 1)


def write_number(number: int) -> bytes:
    """Return a number of at most 64 bits as Avro writes it."""
    if -4096 <= number < 4096:
        return SMALL[number]
    return _write_large(number)


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at
    result, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise ShapeError("a number is longer than ten bytes")
    if not byte or result >> 64:
        raise NotCanonicalError("a number is longer than it need be")
    return (result >> 1) ^ -(result & 1), at


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length and where it ends."""
    size, at = read_number(data, at)
    if size < 0:
        raise ShapeError("a length is not negative")
    return size, at


def _write_string(text: str) -> bytes:
    data = text.encode()
    return write_number(len(data)) + data


def _read_string(data: bytes, at: int) -> tuple[str, int]:
    size = data[at]
    if size > 127 or size & 1:
        part, at = _read_bytes(data, at)
        return part.decode(), at
    at += 1
    end = at + (size >> 1)
    if end > len(data):
        raise ShapeError("the bytes end too early")
    return data[at:end].decode(), end


def _write_bytes(data: bytes) -> bytes:
    return write_number(len(data)) + data


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_number(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise ShapeError("the bytes end too early")
    return data[at:end], end


def _write_boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _read_boolean(data: bytes, at: int) -> tuple[bool, int]:
    byte = data[at]
    if byte > 1:
        raise NotCanonicalError("a boolean is 0 or 1")
    return byte == 1, at + 1


def _fixed_writer(size: int) -> Writer:
    def write(data: bytes) -> bytes:
        if len(data) != size:
            raise ShapeError(f"a field has not {size} bytes")
        return data

    return write


def _fixed_reader(size: int) -> Reader:
    def read(data: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise ShapeError("the bytes end too early")
        return data[at:end], end

    return read


def _array_writer(write_item: Writer) -> Writer:
    def write(items: Any) -> bytes:
        if not items:
            return b"\x00"
        return write_number(len(items)) + b"".join([write_item(item) for item in items]) + b"\x00"

    return write


def _array_reader(read_item: Reader) -> Reader:
    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        count, at = read_number(data, at)
        if not count:
            return [], at
        if count < 0:
            raise NotCanonicalError("an array has one block, without its size")
        items = []
        for _ in range(count):
            item, at = read_item(data, at)
            items.append(item)
        if data[at]:
            raise NotCanonicalError("an array has one block")
        return items, at + 1

    return read


def _optional_writer(write_some: Writer) -> Writer:
    def write(value: Any) -> bytes:
        return b"\x00" if value is None else b"\x02" + write_some(value)

    return write


def _optional_reader(read_some: Reader) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        branch, at = read_number(data, at)
        if not branch:
            return None, at
        if branch != 1:
            raise ShapeError("there is no such branch")
        return read_some(data, at)

    return read
