"""Forms: every type of the catalogue has one, made of its own rows; what it takes is what the catalogue takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.connectors.desk.due import Due, days_left, expected
from samband.connectors.desk.forms import CHILD, PREFIX, Form, longest_form
from samband.connectors.desk.ladder import tell
from samband.connectors.desk.roles import Role
from samband.connectors.desk.words import LANGUAGES, Words
from samband.connectors.store import Step
from samband.schemas.agreement import shipped
from samband.schemas.catalogue import CATALOGUE, encode_content, validate
from samband.schemas.errors import InputError
from samband.schemas.examples import example
from samband.schemas.message_type import FieldKind
from samband.schemas.message_types import MESSAGE_TYPES
from tests.desk.house import DeskHouse
from tests.gate.world import UNITS

TYPES = [row.name for row in MESSAGE_TYPES if not row.event]
USER = {"id": "anna01", "role": "sekreterare"}


def typed(content: dict[str, Any]) -> dict[str, str]:
    """Return a content as somebody would fill it in."""
    return {
        PREFIX + name: ("yes" if value else "no") if isinstance(value, bool) else str(value)
        for name, value in content.items()
        if name != "acting_user" and value is not None
    }


@pytest.mark.parametrize("name", TYPES)
def test_a_form_makes_its_content(name: str) -> None:
    """What a type's example says, filled in, is the example again, with who fills it in."""
    files = {field.name for field in CATALOGUE[name].fields if field.kind is FieldKind.FILES}
    given_ = {key: value for key, value in example(name).items() if key not in files}
    child = given_[CHILD] if CATALOGUE[name].unidentified else ""
    filled = Form.of(name).read(typed(given_), user=USER, child=child)
    assert filled.faults == {}
    assert filled.content == {**{key: value for key, value in given_.items() if value is not None}, "acting_user": USER}
    assert encode_content(name, filled.content)


@pytest.mark.parametrize("name", TYPES)
def test_every_field_has_a_control_and_words(name: str) -> None:
    """Each field of a type stands in its form once, with a label in both languages, and every choice has words."""
    form = Form.of(name)
    expected_names = [field.name for field in CATALOGUE[name].fields if field.kind is not FieldKind.FILES]
    assert [each.field.name for each in form.own] == expected_names
    for language in LANGUAGES:
        words = Words(language)
        for each in form.controls:
            assert words.label(each.field)[0].isupper() or not words.label(each.field)[0].isalpha()
            assert all(words.choice(code) for code in each.choices)


@given(st.sampled_from(TYPES), st.data())
def test_the_form_and_the_catalogue_agree(name: str, data: st.DataObject) -> None:
    """Whatever is filled in, the form finds no fault exactly where the catalogue takes the content."""
    texts = st.one_of(
        st.text(max_size=40), st.sampled_from(["", "yes", "no", "2027-01-31", "2027-02-30", "physical", "x" * 25_000,
                                               "201405019934", "20140501-9934", "R" + "a" * 32]),
    )  # fmt: skip
    form = Form.of(name)
    posted = {each.name: data.draw(st.one_of(texts, st.sampled_from(each.choices or ("",)))) for each in form.controls}
    child = data.draw(st.sampled_from(["", "201405019934", "R" + "b" * 32]))
    filled = form.read(posted, user=USER, child=child)
    try:
        validate(name, filled.content)
        good = True
    except InputError:
        good = False
    assert good == (not filled.faults)
    assert set(filled.faults.values()) <= {"missing", "long", "choice", "date", "number", "text"}


def test_the_body_has_room(house: DeskHouse) -> None:
    """The longest form of any type, filled with the longest characters, is taken; a longer one is not read."""
    browser = house.desk("bup").browser(Role.WRITER)
    path = "/sv/write/dialogue.message"
    page = browser.get(f"{path}?to=IFO").text
    limit = next(each.field.limit for each in Form.of("dialogue.message").own if each.field.name == "text")
    long = browser.submit(page, path, f__text="🐘" * limit, action="keep")
    assert long.status_code == 303
    assert browser.submit(page, path, f__text="x" * longest_form(), action="keep").status_code == 413


@pytest.mark.parametrize("party", UNITS)
def test_every_type_that_a_unit_may_send_has_its_page(house: DeskHouse, party: str) -> None:
    """From the list of types to the form: each link leads to a form with each field, in both languages."""
    browser = house.desk(party).browser(Role.WRITER)
    seen = 0
    for unit, *_ in UNITS[party]:
        for kind in re.findall(r'href="/sv/write/([a-z_.]+)\?unit=', browser.get(f"/sv/write?unit={unit}").text):
            page = browser.get(f"/sv/write/{kind}?unit={unit}").text
            to = re.search(r"&amp;to=([A-Z]+)", page)
            if to is None:
                continue  # nobody in this small town takes it
            for language in LANGUAGES:
                form = browser.get(f"/{language}/write/{kind}?unit={unit}&to={to[1]}")
                assert form.status_code == 200, kind
                for each in Form.of(kind).own:
                    assert f'id="{each.name}"' in form.text, (kind, each.name)
                    assert ("<textarea" in form.text) >= (each.how == "area")
                seen += 1
    assert seen > 3


def test_days_and_months() -> None:
    """A day is the end of the last one in Stockholm; a month later is the same day, or the month's last."""
    agreement = shipped("vastmanland")
    came = int(datetime(2027, 1, 31, 22, 30, tzinfo=UTC).timestamp() * 1000)
    due = expected(agreement, "health_exam.request", came)
    assert due is not None
    assert datetime.fromtimestamp(due.at / 1000, UTC).isoformat() == "2027-02-07T22:59:59+00:00"
    assert days_left(due.at, came) == 7
    assert days_left(due.at, due.at + 1000) == -1
    assert expected(None, "health_exam.request", came) is None
    for row in CATALOGUE.values():
        found = expected(agreement, row.name, came)
        assert found is None or isinstance(found, Due)


def test_a_ladder_that_ends_has_no_rungs_to_come() -> None:
    """What was stopped shows what it reached and nothing more; what goes on shows what is to come."""

    def step(kind: str, outcome: str, at: int) -> Step:
        return Step(at, kind, outcome, "", {})

    going = tell([step("decision", "permit", 1), step("receipt", "opened", 3)], "opened")
    assert [(rung.name, rung.at) for rung in going.rungs] == [("decided", 1), ("opened", 3), ("acted", 0)]
    ended = tell([step("decision", "permit", 1), step("receipt", "misdirected", 2)], "misdirected")
    assert [rung.name for rung in ended.rungs] == ["decided"]
    assert not ended.going
    assert [rung.at for rung in tell([], "waiting").rungs] == [0, 0, 0, 0]


def test_kinds_of_fields_are_all_known() -> None:
    """A new kind of field would need a control; files are not sent from the desk."""
    assert set(FieldKind) == {FieldKind.TEXT, FieldKind.CHOICE, FieldKind.DATE, FieldKind.FLAG, FieldKind.FILES}
