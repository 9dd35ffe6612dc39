"""The catalogue: every type's content validates, round-trips, and tells what it tells."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.attachment import MOST_BYTES, MOST_FILES, parts_of
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
from samband.schemas.choices import CHOICE_TEXTS
from samband.schemas.errors import FormatError, InputError
from samband.schemas.events import EVENTS
from samband.schemas.examples import example
from samband.schemas.grounds import GENERAL_GROUNDS
from samband.schemas.identifiers import without_number
from samband.schemas.message_type import Field, FieldKind, matches
from samband.schemas.rulebook import Effect, shipped
from samband.schemas.testdata import synthetic
from samband.schemas.units import KIND_TEXTS, PartyId, Regime, Unit, UnitId, UnitKind
from tests.contents import content as made

TYPES = sorted(CATALOGUE)
TELLING = sorted(name for name, row in CATALOGUE.items() if row.carries_content)
"""Types that tell something about a child, or about nobody; the rest are events."""

SAME_WORD = {"text", "reservation"}
"""Labels that are the same word in Swedish and English."""

ROUTING_LIMITS = {"categories": 12, "type": 40}
"""Of the label, `samband.schemas.routing`: a type that could tell more would not fit."""

WRITERS = [kind for kind in UnitKind if kind.family != "coordination"]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("type_name", TYPES)
def test_smallest_and_largest_content_round_trip(type_name: str, full: bool) -> None:
    """Every type's smallest and largest content is valid, and comes back from Avro as it was, within its size."""
    content = made(type_name, full=full)
    validate(type_name, content)
    data = encode_content(type_name, content)
    assert len(data) <= max_plain(type_name) < 500_000
    read = decode_content(type_name, data)
    assert {key: value for key, value in read.items() if value is not None} == content


@pytest.mark.parametrize("type_name", TYPES)
def test_each_type_is_whole(type_name: str) -> None:
    """A type has labels in two languages, known kinds, some unit that may say it to some other, and room in a label."""
    row = find(type_name)
    assert row.event == (type_name in EVENTS)
    assert row.carries_content != row.event
    patterns = {kind.value for kind in UnitKind} | {kind.family for kind in UnitKind}
    assert set(row.sender_kinds) | set(row.recipient_kinds) <= patterns
    assert any(row.may(sender, recipient) for sender in UnitKind for recipient in UnitKind)
    for each in (row, *row.fields):
        assert each.label_sv
        assert each.label_en
        assert each.label_sv != each.label_en or each.label_sv in SAME_WORD
    for field in row.fields:
        assert field.limit > 0
        assert all(map(all, map(CHOICE_TEXTS.get, field.choices)))
    for kind in WRITERS:
        assert len(possible_categories(type_name, kind)) <= ROUTING_LIMITS["categories"]
    assert len(type_name) <= ROUTING_LIMITS["type"]


@pytest.mark.parametrize("type_name", TELLING)
def test_each_ground_of_a_type_has_a_row_that_fits_its_kinds(type_name: str) -> None:
    """Each ground of a type is a row of the rulebook about two units that may say it; what names nobody has none."""
    row, rows = find(type_name), {rule.ground: rule for rule in shipped().rules if rule.effect is not Effect.FORBID}
    assert row.grounds
    assert (row.grounds == ("UNIDENTIFIED",)) == row.unidentified
    for ground in row.grounds:
        rule = rows[ground]
        assert any(row.may(sender, to) for sender in rule.sender_kinds for to in rule.recipient_kinds), ground
    assert {rule.ground for rule in shipped().rows(type_name).permits} == set(row.grounds)


def test_general_grounds_go_where_their_rows_go() -> None:
    """Every permitting row carries some type, and a general ground has the kinds of its row."""
    rules = {rule.ground: rule for rule in shipped().rules if rule.effect is not Effect.FORBID}
    assert {ground for type_name in TELLING for ground in find(type_name).grounds} == set(rules)
    for ground, kinds in GENERAL_GROUNDS.items():
        expanded = [{kind for kind in UnitKind if matches(kind, patterns)} for patterns in kinds]
        assert expanded == [rules[ground].sender_kinds, rules[ground].recipient_kinds], ground


@pytest.mark.parametrize(
    ("type_name", "carried", "not_carried"),
    [
        ("concern.report", "DUTY_REPORT", "CONSENT"),
        ("concern.feedback", "FEEDBACK", "CONSENT"),
        ("dialogue.answer", "DUTY_INVESTIGATION", "DUTY_REPORT"),
        ("dialogue.message", "CARE_TO_SOCIAL", "DUTY_INVESTIGATION"),
        ("health_exam.request", "DUTY_HEALTH_EXAM", "CARE_TO_SOCIAL"),
        ("health_exam.statement", "CARE_TO_SOCIAL", "DUTY_HEALTH_EXAM"),
        ("lvu_exam.statement", "DUTY_LVU_EXAM", "GENERAL_CLAUSE"),
        ("school.handover", "SCHOOL_CHANGE", "CARE_TO_CARE"),
        ("school.information", "DUTY_INVESTIGATION", "SOCIAL_TO_CARE"),
        ("school.before_placement", "CONSENT", "GENERAL_CLAUSE"),
        ("placement.notice", "SOCIAL_TO_CARE", "CANNOT_CONSENT"),
    ],
)
def test_a_duty_carries_its_own_types_and_no_other(type_name: str, carried: str, not_carried: str) -> None:
    """A duty carries what it is about, necessity what goes its way; and a concern waits for nobody's consent."""
    assert carried in find(type_name).grounds
    assert not_carried not in find(type_name).grounds


def test_what_is_expected_can_come() -> None:
    """What is expected after a type may be sent back, or is the sender's own next step; a step says how soon."""
    for row in map(find, TELLING):
        reply = find(row.expected_reply)
        assert any(
            row.may(one, other) and (reply.may(other, one) or reply.may(one, other))
            for one in UnitKind
            for other in UnitKind
        )
        assert row.deadline or row.expected_reply == "receipt"


def test_every_meeting_and_visit_asks_for_an_interpreter() -> None:
    """Wherever there is a day to meet or to come, there is a field for an interpreter or communication support."""
    with_a_day = [row for row in map(find, TELLING) if {"meeting_on", "booked_on"} & {each.name for each in row.fields}]
    assert len(with_a_day) > 8
    for row in (*with_a_day, find("lvu_exam.request"), find("health_exam.request"), find("sip.preparation")):
        assert "interpreter" in {each.name for each in row.fields}


@pytest.mark.parametrize("type_name", TELLING)
def test_every_type_has_an_example(type_name: str) -> None:
    """An example is a valid content with at least a third of the fields, and comes back from Avro as it was."""
    content = example(type_name)
    read = decode_content(type_name, encode_content(type_name, content))
    assert {key: value for key, value in read.items() if value is not None} == content
    assert 3 * len([each for each in find(type_name).fields if each.name in content]) >= len(find(type_name).fields)
    assert synthetic(20).name not in " ".join(map(str, content.values())).replace(content.get("child_name", "-"), "")


def test_examples_are_for_what_is_told() -> None:
    """There is no example for an event, nor one for a type that does not exist."""
    with pytest.raises(InputError) as caught:
        example("receipt")
    assert caught.value.code == "TYPE_IS_EVENT"
    written = tomllib.loads(resources.files("samband.schemas").joinpath("examples.toml").read_text("utf-8"))
    assert set(written) == set(TELLING)


@st.composite
def any_content(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return any type and any valid content of it."""
    row = find(draw(st.sampled_from(TELLING)))
    content = made(row.name, full=False)
    for field in row.fields:
        if field.name in content or draw(st.booleans()):
            content[field.name] = draw(value_of(field))
    for field in row.fields:
        if field.required_when and content.get(field.required_when[0]) == field.required_when[1]:
            content.setdefault(field.name, draw(value_of(field)))
    return row.name, content


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """Return what may stand in a field."""
    match field.kind:
        case FieldKind.TEXT:
            return st.text(st.characters(codec="utf-8"), min_size=1, max_size=min(field.limit, 50))
        case FieldKind.CHOICE:
            return st.sampled_from(field.choices)
        case FieldKind.DATE:
            return st.dates().map(str)
        case FieldKind.FLAG:
            return st.booleans()
        case FieldKind.FILES:
            sizes = st.lists(st.integers(1, MOST_BYTES // MOST_FILES), min_size=1, max_size=MOST_FILES)
            file = {"name": "å.pdf", "media_type": "application/pdf", "sha256": "0" * 64}
            return sizes.map(lambda found: [file | {"size": size, "parts": parts_of(size)} for size in found])


@given(any_content(), st.sampled_from(WRITERS))
def test_any_content_round_trips_and_tells_no_more_than_its_type_can(
    drawn: tuple[str, dict[str, Any]], kind: UnitKind
) -> None:
    """Whatever is filled in comes back as it was, and tells at least what the type tells, at most what it could."""
    type_name, content = drawn
    read = decode_content(type_name, encode_content(type_name, content))
    assert {key: value for key, value in read.items() if value is not None} == content
    told = set(categories(type_name, content, kind))
    assert told == set(categories(type_name, read, kind))
    assert set(find(type_name).tags) <= told <= set(possible_categories(type_name, kind))


def test_a_declined_invitation_needs_a_reason_and_a_substitute() -> None:
    """A field that another's value makes required is missed, and only then; the value is not repeated."""
    declined = {**made("sip.reply", full=False), "answer": "declined"}
    accepted = {key: value for key, value in declined.items() if key not in ("reason", "substitute")}
    validate("sip.reply", accepted | {"answer": "accepted"})
    validate("sip.reply", declined | {"reason": "x", "substitute": "y"})
    for left_out in ("reason", "substitute"):
        with pytest.raises(InputError) as caught:
            validate("sip.reply", {**declined, "reason": "x", "substitute": "y", left_out: None})
        assert f"field `{left_out}` is missing" in str(caught.value)
    field = next(each for each in content_schema("sip.reply")["fields"] if each["name"] == "reason")
    assert field["requiredWhen"] == {"answer": "declined"}


@pytest.mark.parametrize("type_name", [name for name in TELLING if find(name).unidentified])
@pytest.mark.parametrize(
    "naming",
    [
        {"child_identifier": synthetic(1).identifier},
        {"child_name": "Testa Provsson"},
        {"sender_reference": "2026-1"},
        {"recipient_reference": "2026-1"},
    ],
)
def test_what_names_nobody_names_nobody(type_name: str, naming: dict[str, str]) -> None:
    """A consultation, an evaluation and a deviation have no number, name or case number, and tell no identity."""
    content = made(type_name, full=True)
    validate(type_name, content)
    assert not [told for told in possible_categories(type_name, UnitKind.SOCIAL_IFO) if told.startswith("identity")]
    with pytest.raises(InputError) as caught:
        encode_content(type_name, content | naming)
    assert caught.value.code == "CONTENT_INVALID"
    assert f"field `{min(naming)}`" in str(caught.value)


def test_a_random_reference_tells_nobody_s_identity() -> None:
    """A concern or an initiative about a child without number does not tell who it is, unless the name is there."""
    content = made("sip.initiative", full=False) | {"child_identifier": without_number(bytes(16))}
    assert "identity:child" not in categories("sip.initiative", content, UnitKind.CARE_BUP)
    for naming in ({"child_name": "x"}, {"child_identifier": synthetic(1).identifier}):
        assert "identity:child" in categories("sip.initiative", content | naming, UnitKind.CARE_BUP)


def test_an_absence_signal_is_off_until_it_is_chosen() -> None:
    """A unit whose card names no types takes every type but the absence signal; named, it takes that too."""
    unit = Unit(UnitId("SE-1"), PartyId("p"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "x")
    assert [row.name for row in CATALOGUE.values() if not row.taken_by(unit)] == ["school.absence_signal"]
    chosen = replace(unit, receives=("school.absence_signal",))
    assert [row.name for row in CATALOGUE.values() if row.taken_by(chosen)] == ["school.absence_signal"]


def test_every_kind_of_unit_has_words() -> None:
    """Each kind and each family of kinds has a Swedish and an English name."""
    assert set(KIND_TEXTS) == {kind.value for kind in UnitKind} | {kind.family for kind in UnitKind}
    assert all(map(all, KIND_TEXTS.values()))


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
    content = {**made("placement.notice", full=False), **change}
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
            validate("dialogue.message", {**made("dialogue.message", full=False), "child_identifier": wrong})
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
    content = {**made("placement.notice", full=False), **filled}
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
    content = made("dialogue.message", full=False)
    assert categories("dialogue.message", content, kind) == tuple(
        sorted(("dialogue:child", "identity:child", f"{told.value}:child"))
    )


def test_a_steering_group_writes_nothing_about_a_child() -> None:
    """A steering group holds no information about a child, so it has no free text either."""
    with pytest.raises(InputError) as caught:
        categories("dialogue.message", made("dialogue.message", full=False), UnitKind.COORDINATION_BUS)
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
    data = encode_content("placement.notice", made("placement.notice", full=True))
    for type_name, wrong in (("placement.notice", data + b"\0"), ("concern.report", data), ("recall", data)):
        with pytest.raises(FormatError):
            decode_content(type_name, wrong)
