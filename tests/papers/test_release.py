"""Who is proposed what: the table of rules, by reader, protection mark and age."""

from __future__ import annotations

import itertools

import pytest

from samband.connectors.papers.release import ALL, Propose, proposals, rules, select
from samband.connectors.papers.row import Cell, Kind, Put, Reader, Row, Section
from samband.connectors.papers.rows import consent_form
from samband.schemas.categories import About, Category
from samband.schemas.errors import InputError
from tests.papers.world import REFUSAL, rows, unit

AGES = ("<12", "12-14", "15-17", "18-20", "unknown")


def of(tag: str, reader: Reader, *, marked: bool = False, age: str = "<12") -> Propose:
    """Return what the table says of a row that tells one thing."""
    row = Row("told.1", Section.TOLD, ((Cell(Put.CATEGORY, tag),),), frozenset({tag}))
    return proposals([row], reader, marked=marked, age_band=age)[0].propose


def test_a_protected_childs_place_is_never_proposed() -> None:
    """OSL 21:3, 26:2: while a mark stands, no paper proposes address, whereabouts or school; others never get them."""
    places = (Category.ADDRESS, Category.WHEREABOUTS, Category.SCHOOL_NAME)
    for category, about, age in itertools.product(places, About, AGES):
        for reader in Reader:
            assert of(f"{category}:{about}", reader, marked=True, age=age) is not Propose.YES
        for reader in (Reader.GUARDIAN, Reader.FOSTER_PARENT):
            assert of(f"{category}:{about}", reader, marked=True, age=age) is Propose.NEVER


def test_a_protected_childs_contacts_tell_a_guardian_no_place() -> None:
    """OSL 26:2: a guardian's contact card of a protected child has the social services and no unit of the place."""
    found = proposals(rows(Kind.CONTACT_CARD), Reader.GUARDIAN, marked=True, age_band="<12")
    assert [row.id for row in select(found, (ALL,))] == ["contacts.SE1-IFO"]
    assert [each.row.id for each in found if each.propose is not Propose.NEVER] == ["contacts.SE1-IFO"]


def test_what_somebody_wrote_may_tell_where_a_protected_child_is() -> None:
    """OSL 21:3: of a protected child's plan a guardian is given the days and no sentence."""
    found = proposals(rows(Kind.SIP), Reader.GUARDIAN, marked=True, age_band="<12")
    assert [row.id for row in select(found, (ALL,))] == ["plan.decided_on", "plan.follow_up_on"]
    assert {each.propose for each in found} == {Propose.YES, Propose.NEVER}


@pytest.mark.parametrize("about", [About.GUARDIAN, About.SIBLING, About.OTHER])
def test_a_foster_parent_learns_nothing_of_others(about: About) -> None:
    """OSL 26:1, 25:1: what is about a guardian, a sibling or another cannot be released to a foster parent."""
    for category, marked in itertools.product(Category, (False, True)):
        assert of(f"{category}:{about}", Reader.FOSTER_PARENT, marked=marked) is Propose.NEVER
        if category is not Category.CONSENT:
            assert of(f"{category}:{about}", Reader.CHILD, marked=marked) is not Propose.YES


def test_a_foster_parent_is_proposed_what_care_needs() -> None:
    """OSL 10:2, 26:1: placement, school and times are proposed; health and investigation are judged."""
    assert of("placement:child", Reader.FOSTER_PARENT) is Propose.YES
    assert of("school_plan:child", Reader.FOSTER_PARENT) is Propose.YES
    for category in ("health", "mental_health", "sexual_health", "addiction", "social_investigation", "concern"):
        assert of(f"{category}:child", Reader.FOSTER_PARENT) is Propose.ASK


def test_nobody_learns_who_reported() -> None:
    """OSL 26:5, 25:7: the reporter's identity goes to no reader."""
    for reader, about in itertools.product(Reader, About):
        assert of(f"reporter_identity:{about}", reader) is Propose.NEVER


def test_a_guardian_is_not_proposed_what_may_harm() -> None:
    """OSL 12:3: sexual health, addiction, a concern, the child's own view are judged first; from 15 all of health."""
    for category in ("sexual_health", "addiction", "concern", "consent"):
        assert of(f"{category}:child", Reader.GUARDIAN) is Propose.ASK
    assert of("health:child", Reader.GUARDIAN, age="12-14") is Propose.YES
    assert of("health:child", Reader.GUARDIAN, age="15-17") is Propose.ASK
    assert of("contact:guardian", Reader.GUARDIAN) is Propose.ASK


def test_who_consented_is_known_to_who_consented() -> None:
    """FB 6:13: a guardian reads that the other one has signed; a foster parent does not."""
    found = {each.row.id: each for each in proposals(rows(Kind.CONSENT_RECEIPT), Reader.GUARDIAN, marked=False,
                                                     age_band="<12")}  # fmt: skip
    assert {found[f"givers.{giver}"].propose for giver in ("guardian-1", "guardian-2", "child")} == {Propose.YES}
    assert of("consent:guardian", Reader.FOSTER_PARENT) is Propose.NEVER


def test_the_young_read_of_themselves() -> None:
    """OSL 12:1: a child, and a young adult, is proposed what is about itself; a child hears of a concern in a talk."""
    for category in set(Category) - {Category.REPORTER_IDENTITY}:
        assert of(f"{category}:child", Reader.YOUNG_ADULT, age="18-20") is Propose.YES
        expected = Propose.ASK if category is Category.CONCERN else Propose.YES
        assert of(f"{category}:child", Reader.CHILD) is expected


def test_the_strictest_category_decides_for_a_row() -> None:
    """A row that tells several things is proposed only where each of them is."""
    row = Row("told.1", Section.TOLD, (), frozenset({"identity:child", "placement:child", "sexual_health:child"}))
    (found,) = proposals([row], Reader.GUARDIAN, marked=False, age_band="<12")
    assert found.propose is Propose.ASK
    assert found.rule is not None
    assert found.rule.citation == "OSL 12:3, 25:1"


def test_every_reader_and_category_has_a_rule_with_its_law() -> None:
    """No category is left to chance: some rule speaks of it, to each reader, and names its law and why."""
    for reader, category, about in itertools.product(Reader, Category, About):
        assert any(rule.fits(reader, f"{category}:{about}", marked=False, age_band="unknown") for rule in rules())
    for rule in rules():
        assert rule.citation.startswith("OSL ")
        assert rule.why_sv.endswith(".")
        assert rule.why_en.endswith(".")


def test_nothing_is_released_by_itself() -> None:
    """Without a row named, nothing is selected; `all` takes what is proposed, and a named row what may be decided."""
    found = proposals(rows(Kind.TOLD), Reader.GUARDIAN, marked=False, age_band="<12")
    assert select(found, ()) == ()
    proposed = [each.row.id for each in found if each.propose is Propose.YES]
    assert [row.id for row in select(found, (ALL,))] == proposed
    judged = next(each.row.id for each in found if each.propose is Propose.ASK)
    assert judged in [row.id for row in select(found, (judged, ALL))]
    assert select(found, (judged,)) == tuple(each.row for each in found if each.row.id == judged)


def test_a_forbidden_or_unknown_row_stops_the_paper() -> None:
    """A row that cannot be released, or that is not there, is an error: nothing is released with it."""
    found = proposals(rows(Kind.TOLD), Reader.FOSTER_PARENT, marked=False, age_band="<12")
    never = next(each.row.id for each in found if each.propose is Propose.NEVER)
    for release, code in (((ALL, never), "ROW_FORBIDDEN"), ((ALL, "told.x"), "ROW_UNKNOWN")):
        with pytest.raises(InputError) as error:
            select(found, release)
        assert error.value.code == code


def test_a_form_asks_for_the_childs_own_information_only() -> None:
    """OSL 12:2: the form proposes all that the type can tell of the child, and nothing that is another's to give."""
    choices = [row.id for row in consent_form(REFUSAL, unit) if row.section is Section.CHOICES]
    assert choices == [
        "choices.address:child", "choices.identity:child", "choices.placement:child", "choices.schedule:child",
        "choices.school_name:child", "choices.school_plan:child", "choices.social_investigation:child",
        "choices.whereabouts:child",
    ]  # fmt: skip
