r"""Avro's binary encoding by hand, field by field, for the hot records: a writer and a reader for each type in use.

    write = writer("string")            write("å") == b"\x04\xc3\xa5"
    read = reader("string")             read(b"\x04\xc3\xa5", 0) == ("å", 3)

    encode = record_writer({"v": "int", "name": "string"}, {"name": 64}, "value[{!r}]")
    encode({"v": 1, "name": "å"}, b"") == b"\x02\x04\xc3\xa5"

A reader accepts the one form that a writer writes: no over-long number, no split or sized block. Its errors are
`ShapeError`; `samband.schemas.codec` says which record it was. Source: Avro 1.12, binary encoding.

For a whole record one function is written out as text, field after field, and compiled: the gate spends its time in
these, and a call for each field would double it. The text holds nothing but the format's own field names and sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

__all__ = ["NotCanonicalError", "ShapeError", "TooLongError", "reader", "record_reader", "record_writer", "writer"]

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


def record_writer(fields: Mapping[str, Any], limits: Mapping[str, int], get: str) -> Callable[[Any, bytes], bytes]:
    """Return what writes a record: (value, what goes before it) → bytes.

    `get` is how a field is got out of `value`, such as `value.{}`.
    """
    names: dict[str, Any] = {
        "join": b"".join, "small": _SMALL, "number": _write_number, "Shape": ShapeError, "TooLong": TooLongError
    }  # fmt: skip
    lines, parts = ["def write(value, head):"], []
    for n, (key, kind) in enumerate(fields.items()):
        lines.append(f" v{n} = {get.format(key)}")
        if limit := limits.get(key):
            lines.append(f" if v{n} is not None and len(v{n}) > {limit}: raise TooLong({key!r}, {limit})")
        match kind:
            case "int" | "long":
                parts.append(f"small[v{n}] if -4096 <= v{n} < 4096 else number(v{n})")
            case "string" | "bytes":
                lines += [f" v{n} = v{n}.encode()"] * (kind == "string") + [f" n{n} = len(v{n})"]
                parts += [f"small[n{n}] if n{n} < 4096 else number(n{n})", f"v{n}"]
            case "boolean":
                parts.append(f"b'\\1' if v{n} else b'\\0'")
            case {"type": "fixed", "size": int(size)}:
                lines.append(f" if len(v{n}) != {size}: raise Shape('a field has not {size} bytes')")
                parts.append(f"v{n}")
            case _:
                names[f"write{n}"] = writer(kind)
                parts.append(f"write{n}(v{n})")
    return _compiled([*lines, f" return join((head, {', '.join(parts)}))"], names, "write")


def record_reader(fields: Mapping[str, Any], limits: Mapping[str, int]) -> Callable[[bytes, int, Any, Any], Any]:
    """Return what reads a record: (bytes, where it begins, make, many) → make(**fields), each array as many(items).

    That the bytes end too early shows at the latest at the end: a field only moves on, and none is believed before.
    """
    names: dict[str, Any] = {
        "number": _read_number, "length": _read_length, "Shape": ShapeError, "NotCanonical": NotCanonicalError,
        "TooLong": TooLongError,
    }  # fmt: skip
    lines = ["def read(data, at, make, many):"]
    for n, kind in enumerate(fields.values()):
        match kind:
            case "int" | "long":
                lines += [f" v{n} = data[at]", " at += 1", f" if v{n} < 128: v{n} = (v{n} >> 1) ^ -(v{n} & 1)"]
                lines.append(f" else: v{n}, at = number(data, at - 1)")
            case "string" | "bytes":
                lines += [" size = data[at]", " at += 1", " if size > 127 or size & 1: size, at = length(data, at - 1)"]
                lines += [" else: size >>= 1", f" v{n} = data[at:at + size]{'.decode()' * (kind == 'string')}"]
                lines.append(" at += size")
            case "boolean":
                lines += [f" v{n} = data[at]", " at += 1"]
                lines += [f" if v{n} > 1: raise NotCanonical('a boolean is 0 or 1')", f" v{n} = v{n} == 1"]
            case {"type": "fixed", "size": int(size)}:
                lines += [f" v{n} = data[at:at + {size}]", f" at += {size}"]
            case _:
                names[f"read{n}"] = reader(kind)
                lines.append(f" v{n}, at = read{n}(data, at)")
                lines += [f" v{n} = many(v{n})"] * isinstance(kind, dict)
    lines += [" if at > len(data): raise Shape('the bytes end too early')"]
    lines += [" if at < len(data): raise NotCanonical('bytes are left over')"]
    for n, key in enumerate(fields):
        if limit := limits.get(key):
            lines.append(f" if v{n} is not None and len(v{n}) > {limit}: raise TooLong({key!r}, {limit})")
    made = ", ".join(f"{key}=v{n}" for n, key in enumerate(fields))
    return _compiled([*lines, f" return make({made})"], names, "read")


def _compiled(lines: list[str], names: dict[str, Any], name: str) -> Callable[..., Any]:
    exec("\n".join(lines), names)  # noqa: S102  from the format's own names and sizes, see above
    function: Callable[..., Any] = names[name]
    return function


def writer(kind: Any) -> Writer:
    """Return what writes a value of an Avro type."""
    match kind:
        case "int" | "long":
            return _write_number
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
            return _read_number
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


_SMALL: Final = tuple(
    _write_varint(number << 1 if number >= 0 else (-number << 1) - 1) for number in (*range(4096), *range(-4096, 0))
)
"""Numbers from -4096 to 4095, written; a negative one stands at its negative index."""


@lru_cache(4096, typed=True)
def _write_large(number: int) -> bytes:
    """Return a number as Avro writes it; kept, for the times of one turn are much the same."""
    if not -(1 << 63) <= number < 1 << 63:
        raise ShapeError("a number has at most 64 bits")
    return _write_varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _write_number(number: int) -> bytes:
    if -4096 <= number < 4096:
        return _SMALL[number]
    return _write_large(number)


def _read_number(data: bytes, at: int) -> tuple[int, int]:
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


def _read_length(data: bytes, at: int) -> tuple[int, int]:
    size, at = _read_number(data, at)
    if size < 0:
        raise ShapeError("a length is not negative")
    return size, at


def _write_string(text: str) -> bytes:
    data = text.encode()
    return _write_number(len(data)) + data


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
    return _write_number(len(data)) + data


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _read_number(data, at)
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
        return _write_number(len(items)) + b"".join([write_item(item) for item in items]) + b"\x00"

    return write


def _array_reader(read_item: Reader) -> Reader:
    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        count, at = _read_number(data, at)
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
        branch, at = _read_number(data, at)
        if not branch:
            return None, at
        if branch != 1:
            raise ShapeError("there is no such branch")
        return read_some(data, at)

    return read
