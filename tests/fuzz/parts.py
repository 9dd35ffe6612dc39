r"""Encodings cut into their fields, so that a mutation hits a length, a count or a value and not just a byte.

    split(b"\x02\x06abc") -> [Part("num", b"\x02"), Part("len", b"\x06"), Part("body", b"abc")]

The parts joined are the encoding again, whatever it is: what a splitter does not understand is one part `raw`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

__all__ = ["Part", "Split", "avro", "framed", "join", "layout", "prefixed", "raw", "text"]


class Part(NamedTuple):
    """A field of an encoding.

    `kind`: `num`, `len`, `count`, `pick` (Avro numbers: value, length, block's count, branch or symbol), `flag`,
    `fixed`, `body` (behind a length), `u1` … `u8` and `lp2`, `lp4` (big-endian), `raw`; of a text `string`, `number`,
    `word`, `mark`, `space`.
    """

    kind: str
    data: bytes


Split = Callable[[bytes], list[Part]]


def join(parts: list[Part]) -> bytes:
    """Return the encoding that parts make."""
    return b"".join([part.data for part in parts])


def raw(data: bytes) -> list[Part]:
    """Return the bytes as one part."""
    return [Part("raw", data)] if data else []


class _Cursor:
    """Where a splitter has come to; what it has cut so far survives an end that comes too early."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.parts: list[Part] = []

    def take(self, kind: str, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError
        part = self.data[self.at : self.at + size]
        self.at += size
        self.parts.append(Part(kind, part))
        return part

    def number(self, kind: str) -> int:
        end = self.at
        while self.data[end] & 0x80:
            end += 1
        part = self.take(kind, end + 1 - self.at)
        value = sum((byte & 0x7F) << 7 * n for n, byte in enumerate(part))
        return (value >> 1) ^ -(value & 1)


def _finished(cursor: _Cursor, cut: Callable[[_Cursor], None]) -> list[Part]:
    with suppress(ValueError, IndexError, KeyError):
        cut(cursor)
    return cursor.parts + raw(cursor.data[cursor.at :])


def avro(schema: Any) -> Split:
    """Return what cuts a value of an Avro schema."""
    named: dict[str, Any] = {}
    return lambda data: _finished(_Cursor(data), lambda cursor: _cut(cursor, schema, named))


def _cut(cursor: _Cursor, schema: Any, named: dict[str, Any]) -> None:
    if isinstance(schema, dict) and "name" in schema:
        named[schema["name"].rpartition(".")[2]] = schema
    kind = schema["type"] if isinstance(schema, dict) else schema
    match kind:
        case list():
            _cut(cursor, kind[cursor.number("pick")], named)
        case "record":
            for field in schema["fields"]:
                _cut(cursor, field["type"], named)
        case "array":
            while count := cursor.number("count"):
                for _ in range(min(count, 4096)):
                    _cut(cursor, schema["items"], named)
        case "string" | "bytes":
            cursor.take("body", cursor.number("len"))
        case "null":
            pass
        case "int" | "long":
            cursor.number("num")
        case "enum":
            cursor.number("pick")
        case "boolean":
            cursor.take("flag", 1)
        case "fixed":
            cursor.take("fixed", schema["size"])
        case dict():
            _cut(cursor, kind, named)
        case _:
            _cut(cursor, named[str(kind).rpartition(".")[2]], named)


def layout(*fields: str) -> Split:
    """Return what cuts fields of fixed places: `u1` … `u8`, `lp2`, `lp4`, a number of bytes, or `path`."""

    def cut(cursor: _Cursor) -> None:
        for field in fields:
            if field == "path":
                for _ in range(cursor.take("u1", 1)[0]):
                    cursor.take("fixed", 32)
            elif field.isdigit():
                cursor.take("fixed", int(field))
            else:
                data = cursor.take(field, int(field[-1]))
                if field.startswith("lp"):
                    cursor.take("body", int.from_bytes(data, "big"))

    return lambda data: _finished(_Cursor(data), cut)


def framed(inner: Split) -> Split:
    """Return what cuts a Confluent frame and what is behind it."""
    return lambda data: (
        [Part("fixed", data[:1]), Part("u4", data[1:5]), *inner(data[5:])] if len(data) > 4 else raw(data)
    )


def prefixed(inner: Callable[[str], Split]) -> Split:
    """Return what cuts `name NUL encoding`, where the name says how the encoding is cut."""

    def split(data: bytes) -> list[Part]:
        name, nul, rest = data.partition(b"\0")
        try:
            behind = inner(name.decode())(rest)
        except Exception:  # a mutated name
            behind = raw(rest)
        return [Part("word", name), Part("raw", nul), *behind]

    return split


_TEXT: Final = re.compile(
    rb'(?P<string>"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')|(?P<number>[-+]?[0-9][0-9.:TZ_eE+-]*)'
    rb"|(?P<word>[A-Za-z_~][\w.~/*-]*)|(?P<space>\s+)|(?P<mark>[\s\S])"
)


def text(data: bytes) -> list[Part]:
    """Cut JSON, TOML or a line of words."""
    return list(_texts(data))


def _texts(data: bytes) -> Iterator[Part]:
    for found in _TEXT.finditer(data):
        yield Part(found.lastgroup or "mark", found[0])
