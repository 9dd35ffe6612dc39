"""Who may say what: every event by every relation to the child, tried whole, and what no story can bring about."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samband.schemas.categories import Category
from samband.schemas.errors import RefusedError
from samband.schemas.events import (
    EVENTS,
    Act,
    ActLogged,
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    Digest,
    GiverRole,
    GroundMotivated,
    Id16,
    IdentityChanged,
    InvestigationDeclared,
    MarkKind,
    Maturity,
    MaturityAssessed,
    Member,
    ProtectionMarked,
    Recall,
)
from samband.schemas.reasons import REASONS
from samband.schemas.speech import MANUAL_GROUNDS, RELATION_TEXTS, SPEECH, Form, Relation, page, row_of
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.decision.changes import apply
from samband.streams.decision.child import ChildState
from samband.streams.decision.said import Said
from samband.streams.decision.speech import CONTEST, is_board, may, relations

PAGE: Final = Path(__file__).parents[2] / "docs" / "speech.md"
ONE: Final = Id16(b"\x01" * 16)
DIGEST: Final = Digest(bytes(32))
R = Relation

CITY: Final = "1980"
MORE: Final = {
    unit_id: Unit(UnitId(unit_id), PartyId(party), kind, regime, unit_id, CITY)
    for unit_id, party, kind, regime in (
        ("board-b", "city-lss", UnitKind.SOCIAL_LSS, Regime.OSL_26),
        ("leisure", "city-leisure", UnitKind.SCHOOL_LEISURE, Regime.OSL_23),
        ("hab", "region", UnitKind.CARE_HAB, Regime.OSL_25),
    )
}
"""Two other authorities of the city that the child lives in, one of them a board, and another unit of the region."""


@pytest.fixture(scope="module")
def town(kit: Any) -> Any:
    """Give the people of the story with more authorities, the city's in one municipality."""
    city = {
        name: dataclasses.replace(unit, municipality=CITY)
        for name, unit in kit.UNITS.items()
        if unit.party[:4] == "city"
    }
    return SimpleNamespace(NOW=kit.NOW, DAY=kit.DAY, UNITS={**kit.UNITS, **city, **MORE}, consent=kit.consent)


def said(town: Any, signer: str, at: int = 0) -> Said:
    return Said(town.UNITS[signer], town.NOW + at, bytes(32), town.UNITS.get, "12-14")


# The child: `ifo` of the city is responsible, the school is a member; BUP discloses to a private home by a consent that
# it has recorded; a private clinic has set a mark. The other units have nothing to do with the child.
AROUND: Final = {
    "ifo": {R.RESPONSIBLE, R.SOCIAL},
    "duty": {R.SOCIAL},
    "ifo-b": {R.SOCIAL},
    "board-b": {R.SOCIAL},
    "school": {R.MEMBER},
    "emi": set[Relation](),
    "bup": {R.RECORDER, R.DISCLOSER, R.NAMED},
    "hab": {R.RECORDER, R.DISCLOSER},
    "hvb": {R.NAMED},
    "clinic-private": {R.MARKER},
    "free-school": set[Relation](),
    "lss-private": set[Relation](),
    "leisure": set[Relation](),
    "bus": set[Relation](),
}
CHANGED: Final[dict[str, dict[str, set[Relation]]]] = {
    "standing": {},
    "fresh": {"ifo-b": {R.RIVAL, R.SOCIAL}, "board-b": {R.RIVAL, R.SOCIAL}},
    "offered": {"ifo-b": {R.OFFERED, R.SOCIAL}},
    "contested": {"ifo": {R.CONTENDER, R.SOCIAL}, "ifo-b": {R.CONTENDER, R.SOCIAL}},
    "vacant": {**{unit: {R.CLAIMANT, R.SOCIAL} for unit in ("ifo", "duty", "ifo-b", "board-b")}, "school": set()},
}
"""What is different in each world."""


def world(town: Any, name: str) -> ChildState:
    """Return a child's state."""
    at = 0 if name in ("fresh", "contested") else -2 * CONTEST
    events: list[tuple[Any, str]] = [
        (town.consent(by=["bup"], to=["hvb"], signed_by=("guardian-1",)), "bup"),
        (ProtectionMarked(MarkKind.SECRECY), "clinic-private"),
    ]
    if name != "vacant":
        events.append((CircleUpdate((Member("school", "school", 1),), claim=True), "ifo"))
    if name == "offered":
        events.append((CircleHandover("ifo-b"), "ifo"))
    if name == "contested":
        events.append((CircleUpdate(claim=True), "ifo-b"))
    state = ChildState()
    for body, signer in events:
        state = apply(state, body, said(town, signer, at))
    return state


def example(town: Any, event: str, form: Form, signer: str) -> Any:
    """Return an event that is right in everything but, perhaps, who says it."""
    match event, form:
        case "consent.given", _:
            return town.consent(number=2, by=["bup"], to=["hvb"])
        case "consent.signed", _:
            return ConsentSigned(ONE, "guardian-2", DIGEST)
        case "consent.confirmed", _:
            return ConsentConfirmed(ONE)
        case "consent.disputed", _:
            return ConsentDisputed(ONE)
        case "consent.withdrawn", _:
            return ConsentWithdrawn()
        case "consent.refused", _:
            return ConsentRefused(ONE, GiverRole.CHILD)
        case "maturity.assessed", _:
            return MaturityAssessed(Maturity.GUARDIANS, DIGEST)
        case "protection.marked", _:
            named = ("school",) if form is Form.NAME else ()
            return ProtectionMarked(MarkKind.SECRECY, form is Form.LIFT, named)
        case "circle.update", _:
            return CircleUpdate(claim=True)
        case "circle.handover", _:
            return CircleHandover("ifo" if signer == "ifo-b" else "ifo-b")
        case "circle.accepted", _:
            return CircleAccepted("ifo")
        case "investigation.declared", _:
            return InvestigationDeclared(True, DIGEST)
        case "ground.motivated", _:
            return motivated(town.NOW)
        case "identity.changed", _:
            return IdentityChanged(ONE, form is Form.ARRIVING)
        case "act.logged", _:
            return ActLogged(Act.PAPER_RELEASED, "head", DIGEST)
        case _:
            raise AssertionError(event)


def motivated(now: int, number: int = 1, ground: str = "GENERAL_CLAUSE", recipient: str = "ifo") -> GroundMotivated:
    return GroundMotivated(
        motivation_id=Id16(bytes([number]) * 16),
        ground=ground,
        recipients=(recipient,),
        categories=(Category.SCHOOL_SUPPORT,),
        valid_from=now,
        valid_to=now + 86400,
        function="head",
        motive=DIGEST,
        acting_user=DIGEST,
    )


def expected(row: Any, unit: str, held: set[Relation]) -> str:
    """Return the code that the table gives, empty where the unit may say it."""
    if unit == "bus":
        return "TYPE_NOT_FOR_KIND"
    if held & set(row.by):
        return ""
    if row.not_social and R.SOCIAL not in held:
        return str(row.not_social)
    if R.CONTENDER in held and R.RESPONSIBLE in row.by:
        return "CIRCLE_CONTESTED"
    return str(row.code)


def outcome(state: ChildState, body: Any, who: Said) -> tuple[ChildState, str]:
    """Return the state after an event and why it was refused, empty where it was not; nothing else is ever raised."""
    try:
        return apply(state, body, who), ""
    except RefusedError as error:
        return state, error.code


MATRIX: Final = [
    pytest.param(row, place, unit, id=f"{row.event}{row.form and '-'}{row.form}-{place}-{unit}")
    for row in SPEECH.values()
    for place in CHANGED
    for unit in AROUND
]


@pytest.mark.parametrize(("row", "place", "unit"), MATRIX)
def test_event_by_relation(town: Any, row: Any, place: str, unit: str) -> None:
    """Each event, said by each unit around a child in each situation, is taken or refused as the table says."""
    state, body = world(town, place), example(town, row.event, row.form, unit)
    assert row_of(body) is row
    held = {*CHANGED[place].get(unit, AROUND[unit]), *([] if unit == "bus" else [R.ANYONE])}
    found = relations(state, body, said(town, unit))
    assert found - {R.RECORDER} == held - {R.RECORDER}
    assert (R.RECORDER in found) == (R.RECORDER in held and row.event != "consent.given")
    code = expected(row, unit, held)
    if not code and row.form is Form.LIFT and place == "contested":
        code = "CIRCLE_CONTESTED"  # nobody is responsible alone, so nothing is lifted
    before = msgspec.msgpack.encode(state)
    after, refusal = outcome(state, body, said(town, unit))
    assert refusal == code
    assert msgspec.msgpack.encode(state) == before
    if not code and (row.event, row.form) not in CHANGES_NOTHING:
        assert after != state


CHANGES_NOTHING: Final = {
    ("act.logged", ""), ("protection.marked", "set"),  # it stands already
    ("consent.confirmed", ""),  # the recorder's own part is on file
    ("identity.changed", "arriving"), ("circle.update", ""), ("circle.handover", ""),  # or said a second time
}  # fmt: skip


def test_every_relation_is_tried() -> None:
    """The matrix has a unit in every relation that the table knows."""
    tried = {each for place in (AROUND, *CHANGED.values()) for held in place.values() for each in held}
    assert {*tried, R.ANYONE} == set(Relation) == set(RELATION_TEXTS)


def test_every_event_about_a_child_has_a_row() -> None:
    """No event about a child is without a row, no row without an event, and each refusal has words."""
    assert {event for event, _ in SPEECH} == set(EVENTS) - {"receipt", "recall", "key.card", "log.cosigned"}
    assert {code for row in SPEECH.values() for code in (row.code, row.not_social) if code} <= set(REASONS)
    assert row_of(Recall(ONE)) is None


def test_what_anyone_may_say_only_protects_or_is_its_own() -> None:
    """Open to anyone: a no, a mark, a log line, and what opens nothing but the signer's own information."""
    open_to_all = {(row.event, row.form) for row in SPEECH.values() if R.ANYONE in row.by}
    assert open_to_all == {
        ("consent.withdrawn", ""), ("consent.refused", ""), ("protection.marked", "set"), ("act.logged", ""),
        ("maturity.assessed", ""), ("ground.motivated", ""),
    }  # fmt: skip


def test_no_row_lets_a_private_provider_or_a_school_answer_for_a_child() -> None:
    """What makes or unmakes the responsible unit is said by boards only."""
    boards = {R.RESPONSIBLE, R.CONTENDER, R.OFFERED, R.CLAIMANT, R.RIVAL, R.SOCIAL}
    for row in SPEECH.values():
        if row.event.partition(".")[0] in ("circle", "identity", "investigation"):
            assert set(row.by) <= boards


def test_the_page_is_the_table() -> None:
    """`docs/speech.md` is written from the rows, in Swedish and English."""
    assert PAGE.read_text("utf-8") == page(), "python -m samband.schemas.speech > docs/speech.md"


def test_a_receipt_is_nothing_about_a_child(town: Any) -> None:
    """A receipt or recall is refused as an event about a child, whoever says it."""
    with pytest.raises(RefusedError, match="EVENT_NOT_FOR_CHILD"):
        may(ChildState(), Recall(ONE), said(town, "ifo"))


def test_without_an_event_any_open_consent_counts(town: Any) -> None:
    """What a unit is to a child, asked without an event, is by any open consent; a closed or ended one is none."""
    state = world(town, "standing")
    assert relations(state, None, said(town, "hvb")) == {R.ANYONE, R.NAMED}
    assert relations(state, None, said(town, "clinic-private")) == {R.ANYONE, R.MARKER}
    assert relations(state, None, said(town, "hvb", 91 * town.DAY)) == {R.ANYONE}
    closed = apply(state, ConsentWithdrawn(), said(town, "school"))
    assert relations(closed, None, said(town, "bup")) == {R.ANYONE}


WHO = st.sampled_from(["ifo", "duty", "ifo-b", "board-b", "school", "emi", "bup", "hvb", "clinic-private", "bus"])
NAMED = st.sampled_from(["ifo", "duty", "ifo-b", "school", "bup", "bus", "nobody"])
KIND = st.sampled_from([MarkKind.THREAT, MarkKind.SECRECY])
BODY = st.one_of(
    st.builds(CircleUpdate, st.sampled_from([(), (Member("school", "school", 1),)]), st.booleans()),
    st.builds(CircleHandover, NAMED),
    st.builds(CircleAccepted, NAMED),
    st.builds(ProtectionMarked, KIND, st.just(False), st.sampled_from([(), (), ("school",), ("nobody",)])),
    st.builds(ProtectionMarked, KIND, st.just(True)),
    st.builds(MaturityAssessed, st.sampled_from(Maturity), st.just(DIGEST), st.booleans()),
    st.builds(InvestigationDeclared, st.booleans(), st.just(DIGEST)),
    st.builds(IdentityChanged, st.just(ONE), st.booleans()),
    st.builds(motivated, st.just(1_800_000_000), st.integers(1, 3),
              st.sampled_from(["CONSENT", *sorted(MANUAL_GROUNDS)]), NAMED),
    st.just(ActLogged(Act.LOOKED_UP, "head", DIGEST)),
    st.just(ConsentWithdrawn()),
)  # fmt: skip
STEP = st.tuples(BODY, WHO, st.sampled_from([0, 1, 3600, 86400, 15 * 86400, 130 * 86400]),
                 st.sampled_from(["<12", "12-14", "15-17", "unknown"]))  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(story=st.lists(STEP, max_size=14))
def test_no_story_breaks_the_rules(town: Any, story: list[tuple[Any, str, int, str]]) -> None:
    """Whatever is said: nothing but a refusal is raised, a refusal changes nothing, the same twice adds nothing.

    Only a board's unit is ever responsible, a standing mark ends by two parties only, and a number that ended stays so.
    """
    state, now = ChildState(), town.NOW
    for body, signer, later, age in story:
        now += later
        who = Said(town.UNITS[signer], now, bytes(32), town.UNITS.get, age)
        before = msgspec.msgpack.encode(state)
        after, code = outcome(state, body, who)
        assert msgspec.msgpack.encode(state) == before
        again, repeated = outcome(after, body, who)
        assert again == after
        assert {code, repeated} <= {"", *REASONS}
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(after), type=ChildState) == after
        check_step(town, state, after, body, signer)
        state = after


def check_step(town: Any, before: ChildState, after: ChildState, body: Any, signer: str) -> None:
    """Check what must hold of every step that was taken."""
    for unit in (after.circle.responsible, after.circle.contender, after.circle.handing_to):
        assert not unit or is_board(town.UNITS[unit])
    if after.circle.responsible not in (before.circle.responsible, ""):
        former = before.circle
        assert (
            not former.responsible
            or (isinstance(body, CircleAccepted) and signer == former.handing_to == after.circle.responsible)
            or (isinstance(body, CircleHandover) and signer == former.responsible and body.to == former.contender)
        )
    if before.circle.contender:
        assert after.circle == before.circle or isinstance(body, CircleHandover)
    gone = {mark.kind for mark in before.standing_marks} - {mark.kind for mark in after.standing_marks}
    for mark in before.standing_marks:
        if mark.kind in gone:
            assert mark.lift_party not in ("", town.UNITS[signer].party)
            assert before.circle.responsible in ("", signer, mark.lift_by)
    if before.moved_at:
        assert after.moved_at == before.moved_at
        assert (after.circle, after.consents and ()) == (before.circle, before.consents and ())
