"""The format page says what another implementation needs: every field, maximum, schema id and purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samband.schemas import message, reference_key, routing, signed_rules, stamp
from samband.schemas.codec import Codec, FlatCodec
from samband.streams.crypto import hub, lane
from samband.streams.crypto.keys import Purpose

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "wire-format.md").read_text("utf-8")
CODECS: tuple[Codec | FlatCodec, ...] = (
    routing._CODEC, lane._OPENER, message.RECORD, stamp._CODEC, stamp.AUDIT, hub._HUB, signed_rules.SIGNED_RULES,
    signed_rules._RULES, reference_key.SIGNED_REFERENCE, reference_key._REFERENCE,
)  # fmt: skip
PLAIN = {"int": "number", "long": "number", "string": "text", "bytes": "bytes", "boolean": "boolean"}


def kind(avro: Any) -> str:
    """Return an Avro type as the page writes it."""
    match avro:
        case ["null", some]:
            return f"{kind(some)}?"
        case {"type": "array", "items": items}:
            return f"{kind(items)}[]"
        case {"type": "record", "fields": fields}:
            return "{" + ", ".join(f"{each['name']} {kind(each['type'])}" for each in fields) + "}"
        case {"type": "fixed", "size": size}:
            return str(size)
    return PLAIN.get(avro) or str(avro).removeprefix("b")


def lines(codec: Codec | FlatCodec) -> list[str]:
    """Return a record's lines on the page."""
    fields = [
        f"{field['name']} {kind(field['type'])}" + (f" ≤ {limit}" if (limit := codec.limits.get(field["name"])) else "")
        for field in codec.schema["fields"]
    ]
    made = [f"{codec.name:<16}"]
    for n, field in enumerate(fields):
        part = field + " · " * (n < len(fields) - 1)
        if len(made[-1]) + len(part) > 120:
            made.append(" " * 16)
        made[-1] += part
    return [each.rstrip() for each in made]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_records_are_on_the_page(codec):
    """The page has every field of a record with its type and maximum, in order."""
    assert "\n".join(lines(codec)) in PAGE


def test_schema_ids_are_on_the_page():
    """The page names every schema id of the registry."""
    ids = json.loads((ROOT / "schemas" / "registry.json").read_text("utf-8"))
    assert all(f"`{name}` ({number})" in PAGE for name, number in ids.items())


def test_purposes_are_on_the_page():
    """The page names every purpose that a kid binds."""
    (line,) = [each for each in PAGE.splitlines() if each.startswith("- `kid = ")]
    assert all(f"`{each.value}`" in line for each in Purpose)
