"""Changes to an encoding, field by field: the ones that parsers have fallen over before.

    mutate(random, parts, donor) -> bytes

Lengths that lie, counts of 2^60 and below zero, numbers written too long, blocks split, fields swapped, repeated, left
out and taken from another encoding; texts with NUL, surrogates, five thousand digits and ten thousand brackets.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.fuzz.parts import Part, join

__all__ = ["mutate"]

NUMBERS: Final = (
    0, 1, -1, 2, -2, 63, 64, -64, -65, 127, 128, 255, 256, 8191, 8192, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**32,
    2**53, 2**60, -(2**60), 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 253402300800, 253402300800000, 8_640_000_000_000_001,
)  # fmt: skip
BODIES: Final = (
    b"", b"\0", b"a" * 65, b"a" * 3000, b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", "å".encode() * 64,
    "😀".encode() * 16, b"../../etc/passwd", b"SKOLA", b"IFO", b"hub", b"\r\n", b"{}", b"%s%n{0.__class__}", b" ",
    "\u202e".encode(), "²".encode(), b"9" * 5000, b"0001-01-01", b"9999-12-31", b"2027-02-30", b"2026-W01-1",
    b"20261101",
)  # fmt: skip
ATOMS: Final = (
    b"9" * 5000, b"1e999", b"-1e999", b"NaN", b"nan", b"inf", b"-inf", b"Infinity", b"1e-400", b"0x" + b"f" * 400,
    b"1" + b"0" * 400, b"-0", b"9223372036854775808", b"18446744073709551616", b"null", b"true", b"[]", b"{}", b'""',
    b"0001-01-01", b"9999-12-31T23:59:59Z", b"9999-12-31T23:59:59.999999-23:59", b"0001-01-01T00:00:00+23:59",
    b"1979-05-27", b"07:32:00", b'"\\ud800"', b'"\\u0000"', b'"\x00"', b"\xff\xfe", b"\xef\xbb\xbf", b'"~nobody/x"',
    b'"' + b"a" * 5000 + b'"', b'"\\uD83D"', "²".encode(), "٣".encode(), "ß".encode(), "ı".encode(), "ſ".encode(),
    b"\r", b"\x85", b"'", b'"', b"\\", b"#", b'"""', b"\x1b[31m", b"{{}}", b"{0}", b"999999999999999999999", b"1.5",
    b"Mon, 01 Jan 99999999999 00:00:00 GMT", b"+9999999999999", b"2147483648",
)  # fmt: skip
_AVRO: Final = ("num", "len", "count", "pick")


def _varint(number: int) -> bytes:
    value = (number << 1 if number >= 0 else (-number << 1) - 1) & ((1 << 70) - 1)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _value(data: bytes) -> int:
    value = sum((byte & 0x7F) << 7 * n for n, byte in enumerate(data))
    return (value >> 1) ^ -(value & 1)


def _number(rng: Random, part: Part) -> bytes:
    """Change an Avro number: another one, a near one, or the same one written too long."""
    match rng.randrange(4):
        case 0:
            return _varint(rng.choice(NUMBERS))
        case 1:
            return _varint(_value(part.data) + rng.choice((-2, -1, 1, 2, 64)))
        case 2:
            long = rng.randrange(12)
            return part.data[:-1] + bytes([part.data[-1] | 0x80]) + b"\x80" * long + b"\x00"
        case _:
            return _varint(rng.getrandbits(rng.randrange(1, 66)) - (1 << 20))


def _big_endian(rng: Random, part: Part) -> bytes:
    size = len(part.data)
    near = int.from_bytes(part.data, "big") + rng.choice((-1, 1, 32, -32))
    number = rng.choice((0, 1, (1 << 8 * size) - 1, 1 << 8 * size - 1, near, rng.getrandbits(8 * size)))
    return (number % (1 << 8 * size)).to_bytes(size, "big")


def _deep(rng: Random) -> bytes:
    depth = rng.choice((200, 1100, 4000, 20000))
    shape = rng.randrange(5)
    if shape == 0:
        return b"[" * depth
    if shape == 1:
        return b"[" * depth + b"]" * depth
    if shape == 2:
        return b'{"a":' * depth + b"1" + b"}" * depth
    if shape == 3:
        return b"{a=" * depth + b"1" + b"}" * depth
    return b"a." * depth + b"a=1"


def _bytes(rng: Random, data: bytes) -> bytes:
    """Change bytes without looking at what they are."""
    if not data:
        return rng.randbytes(rng.randrange(1, 9))
    at = rng.randrange(len(data))
    match rng.randrange(5):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at]
        case 2:
            return data[:at] + rng.randbytes(rng.randrange(1, 5)) + data[at:]
        case 3:
            return data[:at] + data[at + rng.randrange(1, 9) :]
        case _:
            return data + rng.choice((b"\0", b"\0" * 64, data[:64]))


def _field(rng: Random, part: Part) -> bytes:
    """Return another value of one field."""
    kind, data = part
    if kind in _AVRO:
        return _number(rng, part)
    if kind.startswith(("u", "lp")):
        return _big_endian(rng, part)
    if kind == "flag":
        return bytes([rng.choice((0, 1, 2, 255))])
    if kind == "fixed":
        return rng.choice((bytes(len(data)), rng.randbytes(len(data)), data[:-1], data + b"\0", b"\xff" * len(data)))
    if kind == "body":
        return rng.choice((rng.choice(BODIES), _bytes(rng, data)))
    if kind == "raw":
        return _bytes(rng, data)
    match rng.randrange(12):
        case 0:
            return _deep(rng)
        case 1:
            return _bytes(rng, data)
        case 2 | 3 if kind == "string":
            return b'"' + rng.choice(BODIES) + b'"'
        case 4 if kind == "string":
            return data[:-1] + rng.choice((b"\\u0000", b"\\ud800", b"\0", b"\n", b"%")) + data[-1:]
        case _:
            return rng.choice(ATOMS)


def _refit(parts: list[Part], at: int, rng: Random) -> None:
    """Make the length before a changed body true, mostly: a wrong one ends the parse before anything else is seen."""
    if parts[at].kind != "body" or at == 0 or not rng.randrange(6):
        return
    kind, old = parts[at - 1]
    size = len(parts[at].data)
    if kind == "len":
        parts[at - 1] = Part(kind, _varint(size))
    elif kind in ("lp2", "lp4"):
        parts[at - 1] = Part(kind, (size % (1 << 8 * len(old))).to_bytes(len(old), "big"))


def _change(rng: Random, parts: list[Part], donor: list[Part]) -> None:
    at = rng.randrange(len(parts))
    part = parts[at]
    choice = rng.randrange(10)
    if choice == 0 and (same := [n for n, other in enumerate(parts) if other.kind == part.kind and n != at]):
        other = rng.choice(same)
        parts[at], parts[other] = parts[other], part
        _refit(parts, at, rng)
        _refit(parts, other, rng)
    elif choice == 1:
        del parts[at : at + rng.choice((1, 1, 2, 8))]
    elif choice == 2:
        end = at + rng.choice((1, 2, 8))
        parts[at:at] = parts[at:end] * rng.choice((1, 1, 3, 70))
    elif choice == 3 and (same_kind := [other for other in donor if other.kind == part.kind]):
        parts[at] = rng.choice(same_kind)
        _refit(parts, at, rng)
    elif choice == 4 and part.kind == "count" and _value(part.data) > 0:
        _split_block(rng, parts, at)
    else:
        parts[at] = Part(part.kind, _field(rng, part))
        _refit(parts, at, rng)


def _split_block(rng: Random, parts: list[Part], at: int) -> None:
    """Write an array's block with its size in bytes, right or wrong, as Avro allows and Samband does not."""
    count = _value(parts[at].data)
    size = rng.choice((len(join(parts[at + 1 :])), 0, -1, 2**60, 2**63 - 1))
    parts[at] = Part("count", _varint(-count))
    parts.insert(at + 1, Part("num", _varint(size)))


def mutate(rng: Random, parts: list[Part], donor: list[Part]) -> bytes:
    """Return the encoding with one to four fields changed; `donor` is another encoding of the target."""
    parts = list(parts)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        if parts:
            _change(rng, parts, donor)
    data = join(parts)
    return data if rng.randrange(12) else _bytes(rng, data)
