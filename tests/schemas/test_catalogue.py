"""The catalogue: every type's content validates, round-trips, and tells what it tells."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.catalogue import (
    CATALOGUE,
    categories,
    content_schema,
    content_schema_id,
    decode_content,
    encode_content,
    find,
    max_plain,
    possible_categories,
    validate,
)
from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.errors import FormatError, InputError
from samband.schemas.events import EVENTS
from samband.schemas.message_type import FieldKind
from samband.schemas.message_types import COMMON_FIELDS
from samband.schemas.rulebook import shipped
from samband.schemas.testdata import synthetic
from samband.schemas.units import UnitKind

TYPES = sorted(CATALOGUE)
WRITERS = [kind for kind in UnitKind if kind.family != "coordination"]


def example(type_name: str, *, full: bool) -> dict[str, Any]:
    """Return the smallest or the largest content of a type."""
    content: dict[str, Any] = {"acting_user": {"id": "u", "role": "r"}}
    if full:
        content["acting_user"] = {"id": "😀" * 100, "role": "😀" * 100}
    for field in (*COMMON_FIELDS, *CATALOGUE[type_name].fields):
        if not (full or field.required):
            continue
        match field.kind:
            case FieldKind.TEXT:
                content[field.name] = "😀" * field.limit if full else "x"
            case FieldKind.CHOICE:
                content[field.name] = max(field.choices, key=len) if full else field.choices[0]
            case FieldKind.DATE:
                content[field.name] = "2026-02-28"
            case FieldKind.FLAG:
                content[field.name] = full
    content["child_identifier"] = synthetic(1).identifier
    return content


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("type_name", TYPES)
def test_smallest_and_largest_content_round_trip(type_name: str, full: bool) -> None:
    """Every type's smallest and largest content is valid, and comes back from Avro as it was, within its size."""
    content = example(type_name, full=full)
    validate(type_name, content)
    data = encode_content(type_name, content)
    assert len(data) <= max_plain(type_name) < 500_000
    read = decode_content(type_name, data)
    assert {key: value for key, value in read.items() if value is not None} == content


@pytest.mark.parametrize("type_name", TYPES)
def test_each_type_is_whole(type_name: str) -> None:
    """A type has labels in two languages, known kinds, known grounds, a body exactly if it is an event."""
    row = find(type_name)
    assert row.label_sv
    assert row.label_en
    patterns = {kind.value for kind in UnitKind} | {kind.family for kind in UnitKind}
    assert set(row.sender_kinds) | set(row.recipient_kinds) <= patterns
    assert row.event == (type_name in EVENTS)
    assert row.carries_content != row.event
    book = shipped()
    assert set(row.grounds) <= {rule.ground for rule in book.rules}
    if row.carries_content:
        assert set(row.grounds) - {"CONSENT"} == {r.ground for r in book.rows(type_name).permits} - {"CONSENT"}
    for field in row.fields:
        assert field.label_sv
        assert field.label_en
        assert field.limit > 0
    for kind in WRITERS:
        assert len(possible_categories(type_name, kind)) <= 12


def test_schemas_are_named_by_their_hash() -> None:
    """Each type's schema is JSON with a hash of its own, and a schema handed out cannot be changed for others."""
    assert len({content_schema_id(type_name) for type_name in TYPES}) == len(TYPES)
    schema = content_schema("placement.notice")
    schema["fields"].clear()
    again = content_schema("placement.notice")
    assert [field["name"] for field in again["fields"]][:5] == [
        "child_identifier", "child_name", "sender_reference", "recipient_reference", "acting_user",
    ]  # fmt: skip
    for field in again["fields"]:
        assert "maxLength" in json.dumps(field)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"event": None}, "event"),
        ({"event": "vanished"}, "event"),
        ({"from_date": "2026-02-30"}, "from_date"),
        ({"from_date": "20260228"}, "from_date"),
        ({"note": "secret-words" * 500}, "note"),
        ({"note": ""}, "note"),
        ({"note": "secret-words\ud800"}, "note"),
        ({"note": 5}, "note"),
        ({"colour": "secret-words"}, "colour"),
        ({"secret words": "x"}, "?"),
        ({"acting_user": None}, "acting_user"),
        ({"acting_user": "secret-words"}, "acting_user"),
        ({"acting_user": {"id": "u"}}, "acting_user"),
        ({"acting_user": {"id": "u", "role": "r", "x": "y"}}, "acting_user"),
        ({"acting_user": {"id": "u", "role": "secret-words" * 20}}, "acting_user.role"),
    ],
)
def test_a_wrong_field_is_named_and_never_shown(change: dict[str, Any], path: str) -> None:
    """What is missing, unknown, too long, empty or of the wrong kind is named by its field; what it holds is not."""
    content = {**example("placement.notice", full=False), **change}
    with pytest.raises(InputError) as caught:
        validate("placement.notice", content)
    assert caught.value.code == "CONTENT_INVALID"
    assert f"field `{path}`" in str(caught.value)
    shown = f"{caught.value} {caught.value.hint}"
    assert "secret" not in shown
    assert (
        caught.value.__context__ is None
        or caught.value.__suppress_context__
        or "secret" not in str(caught.value.__context__)
    )


def test_the_identifier_must_be_valid_and_canonical() -> None:
    """A content holds the canonical number, or sender and recipient would not compute the same reference."""
    for wrong in ("12", f" {synthetic(1).identifier}"):
        with pytest.raises(InputError) as caught:
            validate("dialogue.message", {**example("dialogue.message", full=False), "child_identifier": wrong})
        assert caught.value.code == "IDENTIFIER_INVALID"


def test_an_unknown_type_is_refused() -> None:
    """There is no type beside the catalogue."""
    for ask in (find, content_schema, content_schema_id, max_plain):
        with pytest.raises(InputError) as caught:
            ask("placement.rumour")
        assert caught.value.code == "TYPE_UNKNOWN"


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({}, ()),
        ({"address": "a"}, ("address:child",)),
        ({"whereabouts": "a"}, ("whereabouts:child",)),
        ({"school_name": "a"}, ("school_name:child",)),
        ({"school_plan": "a"}, ("school_plan:child",)),
        ({"guardian_contact": "a"}, ("contact:guardian",)),
        ({"responsible": "a"}, ()),
        ({"note": "a"}, ("social_investigation:child",)),
        ({"address": None, "note": None}, ()),
    ],
)
def test_categories_follow_from_filled_fields(filled: dict[str, Any], told: tuple[str, ...]) -> None:
    """A placement notice tells identity, placement and dates; each further filled field adds what it tells."""
    content = {**example("placement.notice", full=False), **filled}
    expected = ("identity:child", "placement:child", "schedule:child", *told)
    assert categories("placement.notice", content, UnitKind.SOCIAL_IFO) == tuple(sorted(expected))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (UnitKind.SOCIAL_IFO, Category.SOCIAL_INVESTIGATION),
        (UnitKind.INSTITUTION_HVB, Category.SOCIAL_INVESTIGATION),
        (UnitKind.SCHOOL_PEDAGOGIC, Category.SCHOOL_SUPPORT),
        (UnitKind.SCHOOL_PSYCHOSOCIAL, Category.SCHOOL_PSYCHOSOCIAL),
        (UnitKind.SCHOOL_PRESCHOOL, Category.PRESCHOOL),
        (UnitKind.SCHOOL_MEDICAL, Category.HEALTH),
        (UnitKind.CARE_BUP, Category.MENTAL_HEALTH),
        (UnitKind.CARE_YOUTH_CLINIC, Category.SEXUAL_HEALTH),
        (UnitKind.CARE_ADDICTION, Category.ADDICTION),
        (UnitKind.CARE_PRIMARY, Category.HEALTH),
    ],
)
def test_free_text_counts_as_the_most_sensitive_that_the_sender_holds(kind: UnitKind, told: Category) -> None:
    """Nobody can promise what somebody writes, so free text counts as the worst that the sending kind knows."""
    content = example("dialogue.message", full=False)
    assert categories("dialogue.message", content, kind) == tuple(
        sorted(("dialogue:child", "identity:child", f"{told.value}:child"))
    )


def test_a_steering_group_writes_nothing_about_a_child() -> None:
    """A steering group holds no information about a child, so it has no free text either."""
    with pytest.raises(InputError) as caught:
        categories("dialogue.message", example("dialogue.message", full=False), UnitKind.COORDINATION_BUS)
    assert caught.value.code == "TYPE_NOT_FOR_KIND"


def test_kinds_are_families_or_themselves() -> None:
    """The school nurse takes part in health examinations as care does; the pedagogic school does not."""
    request = find("health_exam.request")
    assert request.may(UnitKind.SOCIAL_IFO, UnitKind.SCHOOL_MEDICAL)
    assert request.may(UnitKind.SOCIAL_IFO, UnitKind.CARE_BUP)
    assert not request.may(UnitKind.SOCIAL_IFO, UnitKind.SCHOOL_PEDAGOGIC)
    assert not request.may(UnitKind.CARE_BUP, UnitKind.CARE_BUP)
    assert not find("circle.update").may(UnitKind.SCHOOL_PEDAGOGIC, UnitKind.SCHOOL_PEDAGOGIC)


def test_every_category_has_words() -> None:
    """A consent form names each category in Swedish and English."""
    assert set(CATEGORY_TEXTS) == set(Category)


@given(st.binary(max_size=60), st.sampled_from(TYPES))
def test_any_bytes_are_read_or_refused(data: bytes, type_name: str) -> None:
    """Whatever bytes come, there is a content or one error that does not show them."""
    with suppress(FormatError):
        assert encode_content(type_name, decode_content(type_name, data)) == data


def test_trailing_bytes_and_other_types_are_refused() -> None:
    """A content has one form: nothing after it, and not another type's."""
    data = encode_content("placement.notice", example("placement.notice", full=True))
    for type_name, wrong in (("placement.notice", data + b"\0"), ("concern.report", data), ("recall", data)):
        with pytest.raises(FormatError):
            decode_content(type_name, wrong)
