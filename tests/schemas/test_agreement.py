"""Agreements as data: two that ship and differ, nothing unknown in them, and each time says by whose word it holds."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from samband.schemas.agreement import INDICATORS, SHIPPED, Agreement, Source, Status, TimeUnit, parse, shipped
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import OperatorError
from samband.schemas.units import UnitKind

TEXTS = {
    name: resources.files("samband.schemas").joinpath("agreements", f"{name}.toml").read_text("utf-8")
    for name in SHIPPED
}
TEXT = TEXTS["vastmanland"]
LAW = {
    "protection.assessment": (TimeUnit.AT_ONCE, 0),
    "investigation.decision": (TimeUnit.DAYS, 14),
    "investigation.completed": (TimeUnit.MONTHS, 4),
    "concern.feedback": (TimeUnit.DAYS, 7),
    "placement.review": (TimeUnit.MONTHS, 6),
    "whereabouts.review": (TimeUnit.MONTHS, 3),
}


@pytest.fixture(params=SHIPPED)
def agreement(request: pytest.FixtureRequest) -> Agreement:
    return shipped(request.param)


def test_what_is_law_is_the_same_everywhere(agreement: Agreement) -> None:
    """The six times of the law are in every agreement, as the law has them, and no other row calls itself law."""
    law = {row.step: (row.unit, row.amount) for row in agreement.deadlines.values() if row.source is Source.LAW}
    assert law == LAW


def test_every_deadline_has_a_citation_or_says_none(agreement: Agreement) -> None:
    """Nobody can take a habit for law: each time names where it stands; what is made up is called an example."""
    for row in agreement.deadlines.values():
        assert (row.citation == "none") == (row.source is Source.NONE)
        assert row.status is (Status.READ if row.source is Source.LAW else Status.EXAMPLE)
        assert row.text_sv
        assert row.text_en


def test_every_step_of_a_message_type_has_its_row(agreement: Agreement) -> None:
    """A message type that waits for an answer finds the time for it in each agreement."""
    assert {row.deadline for row in CATALOGUE.values() if row.deadline} <= set(agreement.deadlines)


def test_the_two_differ() -> None:
    """Two examples, so that nothing in the code takes one county's habits for everybody's."""
    one, other = map(shipped, SHIPPED)
    times = [{step: (row.unit, row.amount) for step, row in each.deadlines.items()} for each in (one, other)]
    assert len({step for step in times[0] if times[0][step] != times[1][step]}) >= 3
    assert one.longest_consent_days != other.longest_consent_days
    assert len(one.areas) == 4
    assert {area.name for area in one.areas}.isdisjoint(area.name for area in other.areas)
    assert one.entry_points != other.entry_points
    assert set(one.indicators) != set(other.indicators)
    assert one.wording != other.wording
    assert one.hash != other.hash


def test_the_counties_are_whole() -> None:
    """Västmanland has 10 municipalities in its four BUS areas, Västra Götaland 49; none stands in two."""
    sizes = {name: sum(len(area.municipalities) for area in shipped(name).areas) for name in SHIPPED}
    assert sizes == {"vastmanland": 10, "vastra_gotaland": 49}
    found = shipped("vastmanland").area_of("1982")
    assert found is not None
    assert set(found.municipalities.values()) == {"Surahammar", "Skinnskatteberg", "Fagersta", "Norberg"}
    assert shipped("vastmanland").area_of("1480") is None


def test_who_meets_what_first() -> None:
    """A part of an examination has its own way in where the agreement says so, else the whole's."""
    one, other = map(shipped, SHIPPED)
    kinds = [each.entry_point("health_exam.request", "oral") for each in (one, other)]
    assert [each.kind for each in kinds if each] == [UnitKind.CARE_DENTAL] * 2
    first = [each.entry_point("health_exam.request", "physical") for each in (one, other)]
    assert [each.kind for each in first if each] == [UnitKind.CARE_PAEDIATRIC, UnitKind.CARE_PRIMARY]
    concern = one.entry_point("concern.report")
    assert concern is not None
    assert (concern.kind, concern.out_of_hours) == (UnitKind.SOCIAL_IFO, UnitKind.SOCIAL_DUTY)
    assert one.entry_point("receipt") is None


def test_nothing_in_it_is_a_person(agreement: Agreement) -> None:
    """No mail address and no telephone number stands in a shipped agreement."""
    text = TEXTS[agreement.name]
    assert "@" not in text
    assert not re.search(r"\+46|\b0\d{1,3}-\d{2,3} ?\d{2}|http", text)
    assert set(agreement.indicators) <= INDICATORS


def test_the_hash_follows_the_words_and_nothing_else() -> None:
    """A comment changes nothing; any changed value is another agreement."""
    assert parse("# another\n" + TEXT).hash == shipped("vastmanland").hash
    assert len(shipped("vastmanland").hash) == 32
    for old, new in (("amount = 14", "amount = 15"), ("BUS-grupp", "BUS-gruppen"), ("366", "365")):
        assert old in TEXT
        assert parse(TEXT.replace(old, new, 1)).hash != shipped("vastmanland").hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "vastmanland"', 'name = "vastmanland"\nextra = 1'),
        ('name = "vastmanland"', 'name = "Västmanland"'),
        ('name = "vastmanland"', ""),
        ('version = "2026-11"', "version = 1"),
        ("longest_consent_days = 366", "longest_consent_days = 367"),
        ("longest_consent_days = 366", "longest_consent_days = 0"),
        ("longest_consent_days = 366", 'longest_consent_days = "long"'),
        ('areas_status = "read"', 'areas_status = "hearsay"'),
        ('"child.both_parties"', '"child.shoe_size"'),
        ('"child.both_parties"', '"answer.days"'),
        ('step = "sip.reply"', 'step = "sip.invitation"'),
        ('step = "sip.reply"', 'step = "reply"'),
        ('unit = "days"', 'unit = "weeks"'),
        ('unit = "days"', 'unit = "at_once"'),
        ("amount = 14", "amount = -14"),
        ("amount = 14", "amount = true"),
        ("amount = 14", "amount = 0"),
        ('citation = "SoL 19:6"', 'citation = ""'),
        ('citation = "SoL 19:6"', 'citation = "none"'),
        ('citation = "SoL 19:6"\n', ""),
        ('source = "law"\nstatus = "read"', 'source = "law"\nstatus = "example"'),
        ('source = "routine"', 'source = "habit"'),
        ('counted_from = "decision"', 'counted_from = "decision"\nby = "someone"'),
        ('kind = "social.ifo"', 'kind = "social.moon"'),
        ('out_of_hours = "social.duty"', 'out_of_hours = "nobody"'),
        ('part = "oral"', 'part = "psychological"'),
        ('steering_group_sv = "BUS-grupp"', 'steering_group_se = "BUS-grupp"'),
        ('steering_group_sv = "BUS-grupp"\n', ""),
        ('1980 = "Västerås"', '80 = "Västerås"'),
        ('1980 = "Västerås"', '1981 = "Västerås"'),
        ('{ 1980 = "Västerås" }', "{}"),
        ("[[area]]", "[[region]]"),
        ("[wording]", "[wording"),
    ],
)
def test_an_agreement_with_anything_unknown_is_refused(old: str, new: str) -> None:
    """A misspelt key, a time without citation or a thing named twice is an error, never a silent default."""
    assert old in TEXT
    with pytest.raises(OperatorError) as caught:
        parse(TEXT.replace(old, new, 1))
    assert caught.value.code == "AGREEMENT_INVALID"


def test_only_what_ships_is_shipped() -> None:
    """A name that is no shipped agreement's opens no file."""
    with pytest.raises(OperatorError) as caught:
        shipped("../rulebook")
    assert caught.value.code == "AGREEMENT_UNKNOWN"
