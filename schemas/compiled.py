r"""A flat record's writer and reader, each one function: written out as text, field after field, and compiled.

    write = record_writer({"v": "int", "name": "string"}, {"name": 64}, "value[{!r}]")
    write({"v": 1, "name": "å"}, b"") == b"\x02\x04\xc3\xa5"
    read = record_reader({"v": "int", "name": "string"}, {"name": 64})
    read(b"\x02\x04\xc3\xa5", 0, dict, list) == {"v": 1, "name": "å"}

The gate spends its time in these, and a call for each field would double it. The text holds nothing but the format's
own field names and sizes. The types, and what is accepted of each: `samband.schemas.flat`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from samband.schemas.flat import (
    SMALL,
    NotCanonicalError,
    ShapeError,
    TooLongError,
    read_length,
    read_number,
    reader,
    write_number,
    writer,
)

__all__ = ["record_reader", "record_writer"]


def record_writer(fields: Mapping[str, Any], limits: Mapping[str, int], get: str) -> Callable[[Any, bytes], bytes]:
    """Return what writes a record: (value, what goes before it) → bytes.

    `get` is how a field is got out of `value`, such as `value.{}`.
    """
    names: dict[str, Any] = {
        "join": b"".join, "small": SMALL, "number": write_number, "Shape": ShapeError, "TooLong": TooLongError
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
        "number": read_number, "length": read_length, "Shape": ShapeError, "NotCanonical": NotCanonicalError,
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
