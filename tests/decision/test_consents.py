"""Who may record, sign and take back a consent, and what is left of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from samband.schemas.categories import Category
from samband.schemas.errors import RefusedError
from samband.schemas.events import (
    ChildView,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    Giver,
    GiverRole,
    MarkKind,
    Member,
    ProtectionMarked,
    Receipt,
    Scope,
    View,
)
from samband.schemas.reasons import REASONS
from samband.streams.decision.changes import apply
from samband.streams.decision.child import ChildState
from samband.streams.decision.consents import MOST, MOST_DISPUTES, MOST_VIEWS, Status, status
from samband.streams.decision.said import Said

ONE, TWO = b"\x01" * 16, b"\x02" * 16


def refused(kit: Any, state: ChildState, body: Any, signer: str, now: int | None = None) -> str:
    """Return the code with which an event is refused."""
    with pytest.raises(RefusedError) as caught:
        kit.tell(state, body, signer, kit.NOW if now is None else now)
    assert caught.value.code in REASONS
    return caught.value.code


def signed(number: int, giver: str, view: ChildView | None = None) -> ConsentSigned:
    return ConsentSigned(bytes([number]) * 16, giver, bytes(32), view)  # type: ignore[arg-type]


@pytest.mark.parametrize("recorder", ["ifo", "duty"])
def test_a_named_discloser_s_authority_records(kit: Any, recorder: str) -> None:
    """A consent is recorded by the authority of a discloser named in it."""
    record = kit.told((kit.consent(), recorder)).consents[0]
    assert record.recorded_by == recorder
    assert record.recorded_party == "city-social"


@pytest.mark.parametrize("recorder", ["ifo-b", "hvb", "bup", "school"])
def test_an_outsider_records_nothing(kit: Any, recorder: str) -> None:
    """Who is neither a named discloser nor responsible records no consent."""
    assert refused(kit, ChildState(), kit.consent(to=["hvb"]), recorder) == "CONSENT_RECORDER"


def test_the_responsible_unit_records_for_others(kit: Any) -> None:
    """The responsible social services unit records a consent between two others; the discloser confirms its part."""
    state = kit.told((CircleUpdate(claim=True), "ifo"))
    state = kit.tell(state, kit.consent(by=["bup"], to=["school"]), "ifo")
    assert kit.ask("dialogue.message", "bup", "school", state).reasons == ("CONSENT_UNCONFIRMED",)
    confirmed = kit.tell(state, ConsentConfirmed(ONE), "bup")  # type: ignore[arg-type]
    assert kit.ask("dialogue.message", "bup", "school", confirmed).outcome == "permit"


@pytest.mark.parametrize("recipient", ["ifo", "duty"])
def test_nobody_becomes_recipient_by_own_record(kit: Any, recipient: str) -> None:
    """A unit never becomes recipient of somebody else's information by its own authority's record."""
    state = kit.told((CircleUpdate(claim=True), "ifo"))
    assert refused(kit, state, kit.consent(by=["bup"], to=[recipient]), "ifo") == "RECORDER_IS_RECIPIENT"
    mixed = kit.consent(by=["ifo", "bup"], to=["school", recipient])
    assert refused(kit, state, mixed, "ifo") == "RECORDER_IS_RECIPIENT"
    assert kit.tell(state, kit.consent(by=["bup"], to=[recipient]), "bup").consents


@pytest.mark.parametrize("signer", ["school", "bup", "hvb", "lss-private"])
def test_only_a_social_services_authority_claims(kit: Any, signer: str) -> None:
    """School, care, an institution or a private provider is never responsible for the circle."""
    assert refused(kit, ChildState(), CircleUpdate(claim=True), signer) == "CIRCLE_NOT_SOCIAL"


def test_receipts_change_nothing_about_a_child(kit: Any) -> None:
    """A receipt is no event about the child."""
    assert refused(kit, ChildState(), Receipt(bytes(16), "opened"), "ifo") == "EVENT_NOT_FOR_CHILD"  # type: ignore[arg-type]


def test_what_is_remembered_survives_msgpack(kit: Any) -> None:
    """The state is written and read back by msgspec exactly as it was."""
    state = kit.told(
        (CircleUpdate((Member("school", "school", 1),), claim=True), "ifo"),
        (kit.consent(signed_by=()), "ifo"),
        (signed(1, "guardian-1", ChildView(View.TOO_YOUNG, "assessed_by_secretary", bytes(32))), "ifo"),  # type: ignore[arg-type]
        (ConsentWithdrawn(Scope.CATEGORY, category=Category.PLACEMENT), "school"),
        (ProtectionMarked(MarkKind.THREAT), "school"),
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ChildState) == state


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": ["nobody"]}, "UNIT_UNKNOWN"),
        ({"by": ["ifo", "nobody"]}, "UNIT_UNKNOWN"),
        ({"to": ["bus"]}, "TYPE_NOT_FOR_KIND"),
        ({"valid_from": 1, "valid_to": 2}, "CONSENT_PERIOD"),
        ({"valid_to": 1_800_000_000}, "CONSENT_PERIOD"),
        ({"valid_to": 1_800_000_000 + 366 * 86400 + 1}, "CONSENT_PERIOD"),
    ],
)
def test_no_wildcard_and_no_open_end(kit: Any, change: dict[str, Any], code: str) -> None:
    """Units named are known and get information about children; the end is in the future, within the longest period."""
    assert refused(kit, ChildState(), kit.consent(**change), "ifo") == code


def test_one_own_discloser_is_enough_and_the_longest_period_may_be_used_up(kit: Any) -> None:
    """A recorder is one of several disclosers, and a consent may last exactly the longest period."""
    given = kit.consent(by=["ifo", "bup"], to=["school"], valid_to=kit.NOW + 366 * kit.DAY)
    assert kit.told((given, "ifo")).consents


def test_a_consent_is_recorded_once(kit: Any) -> None:
    """The same id is not recorded twice, and a child has a limited number of consents."""
    state = kit.told((kit.consent(), "ifo"))
    assert refused(kit, state, kit.consent(), "ifo") == "CONSENT_ID_USED"
    full = replace(state, consents=state.consents * MOST)
    assert refused(kit, full, kit.consent(number=2), "ifo") == "CONSENT_TOO_MANY"


def test_pending_until_every_required_giver_has_signed(kit: Any) -> None:
    """Until all required givers have signed, a consent is pending and carries nothing; others are not waited for."""
    optional = Giver(GiverRole.OTHER, "step-parent", required=False)
    given = kit.consent(givers=(*kit.consent().givers, optional), signed_by=())
    state = kit.told((given, "ifo"), (signed(1, "guardian-1"), "ifo"))
    assert state.consents[0].missing == ("guardian-2",)
    assert status(state.consents[0], kit.NOW) is Status.PENDING
    again = kit.tell(state, signed(1, "guardian-1"), "duty")
    assert again == state
    done = kit.tell(state, signed(1, "guardian-2"), "ifo")
    assert status(done.consents[0], kit.NOW) is Status.ACTIVE
    assert kit.ask("placement.notice", "ifo", "school", done).outcome == "permit"


def test_signatures_come_from_those_who_may_record(kit: Any) -> None:
    """A recipient or outsider hands in no signature; an unknown consent or giver has none; a closed one takes none."""
    state = kit.told((kit.consent(signed_by=()), "ifo"))
    assert refused(kit, state, signed(1, "guardian-1"), "school") == "CONSENT_RECORDER"
    assert refused(kit, state, signed(2, "guardian-1"), "ifo") == "CONSENT_UNKNOWN"
    assert refused(kit, state, signed(1, "guardian-3"), "ifo") == "CONSENT_GIVER"
    assert refused(kit, state, signed(1, "guardian-1"), "ifo", kit.NOW + 91 * kit.DAY) == "CONSENT_CLOSED"
    closed = kit.tell(state, ConsentWithdrawn(), "school")
    assert refused(kit, closed, signed(1, "guardian-1"), "ifo") == "CONSENT_CLOSED"


def test_the_child_s_latest_view_counts(kit: Any) -> None:
    """A view taken down with a signature replaces the one in the record, which stays as it was recorded."""
    state = kit.told((kit.consent(), "ifo"), (signed(1, "guardian-1", ChildView(View.OBJECTS)), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "ask"
    assert state.consents[0].given.child_view.view is View.AGREES


def test_the_own_authority_may_be_recipient_of_its_own(kit: Any) -> None:
    """A unit records that its own authority tells another of its own units: nobody else's information is in it."""
    assert kit.told((kit.consent(by=["ifo"], to=["duty", "school"]), "ifo")).consents


def test_the_responsible_unit_hands_in_a_signature(kit: Any) -> None:
    """The responsible unit hands in a giver's part also for a consent that another recorded."""
    state = kit.told((CircleUpdate(claim=True), "ifo-b"), (kit.consent(signed_by=("guardian-1",)), "ifo"))
    assert not kit.tell(state, signed(1, "guardian-2"), "ifo-b").consents[0].missing


def test_a_giver_who_has_signed_signs_no_second_time(kit: Any) -> None:
    """A part that stands in the record already adds no signature."""
    state = kit.told((kit.consent(), "ifo"))
    assert kit.tell(state, signed(1, "guardian-1"), "ifo") == state


def test_status_turns_on_the_second(kit: Any) -> None:
    """A consent holds from its first second up to, and not including, its last."""
    given = kit.consent(valid_from=kit.NOW + 10, valid_to=kit.NOW + 20)
    one = kit.told((given, "ifo")).consents[0]
    seen = [status(one, kit.NOW + at) for at in (9, 10, 19, 20)]
    assert seen == [Status.NOT_YET, Status.ACTIVE, Status.ACTIVE, Status.EXPIRED]


@pytest.mark.parametrize(
    ("about", "giver", "required", "recorded"),
    [
        ("guardian", GiverRole.GUARDIAN, True, True),
        ("guardian", GiverRole.APPOINTED_CUSTODIAN, True, True),
        ("guardian", GiverRole.GOD_MAN, True, True),
        ("guardian", GiverRole.CHILD, True, False),
        ("sibling", GiverRole.OTHER, True, True),
        ("sibling", GiverRole.GUARDIAN, True, False),
        ("other", GiverRole.OTHER, True, True),
        ("other", GiverRole.OTHER, False, False),
        ("other", GiverRole.CHILD, True, False),
        ("child", GiverRole.OTHER, True, True),
    ],
)
def test_another_person_s_information_needs_that_person(
    kit: Any, about: str, giver: GiverRole, required: bool, recorded: bool
) -> None:
    """What is about a guardian, a sibling or somebody else is consented to by that person, not only by the child."""
    givers = (Giver(GiverRole.CHILD, "child"), Giver(giver, "somebody", required))
    given = kit.consent(about=about, givers=givers, signed_by=())
    if recorded:
        assert kit.told((given, "ifo")).consents
    else:
        assert refused(kit, ChildState(), given, "ifo") == "CONSENT_ABOUT"


@pytest.mark.parametrize(
    ("age", "view", "motive", "recorded"),
    [
        ("<12", View.NOT_ASKED, None, True),
        ("12-14", View.NOT_ASKED, None, False),
        ("15-17", View.NOT_ASKED, None, False),
        ("18-20", View.NOT_ASKED, None, False),
        ("12-14", View.NOT_ASKED, bytes(32), True),
        ("12-14", View.AGREES, None, True),
        ("12-14", View.TOO_YOUNG, None, True),
    ],
)
def test_from_12_years_the_child_is_asked_or_it_says_why_not(
    kit: Any, age: str, view: View, motive: Any, recorded: bool
) -> None:
    """A consent about a child of 12 or more, who was not asked, is recorded only with a motive."""
    given = kit.consent(child_view=ChildView(view, "why", motive))
    said = Said(kit.UNITS["ifo"], kit.NOW, bytes(32), kit.UNITS.get, age_band=age)
    if recorded:
        assert apply(ChildState(), given, said).consents
        return
    with pytest.raises(RefusedError) as caught:
        apply(ChildState(), given, said)
    assert caught.value.code == "CHILD_NOT_ASKED"


@pytest.mark.parametrize("place", ["by", "to"])
def test_a_steering_group_is_in_no_consent(kit: Any, place: str) -> None:
    """A steering group neither gives nor gets information about a child."""
    assert refused(kit, ChildState(), kit.consent(**{place: ["ifo", "bus"], "number": 2}), "ifo") == "TYPE_NOT_FOR_KIND"


def test_status_says_how_a_consent_ended(kit: Any) -> None:
    """A consent that was taken back is withdrawn, one that was said no to is refused."""
    state = kit.told((kit.consent(), "ifo"))
    withdrawn = kit.tell(state, ConsentWithdrawn(), "school").consents[0]
    assert status(withdrawn, kit.NOW) is Status.WITHDRAWN
    no = kit.tell(state, ConsentRefused(ONE, GiverRole.CHILD), "school").consents[0]  # type: ignore[arg-type]
    assert status(no, kit.NOW) is Status.REFUSED
    assert {each.value for each in Status} == {"active", "pending", "not_yet", "expired", "withdrawn", "refused"}


def test_views_of_the_child_are_kept_up_to_a_limit(kit: Any) -> None:
    """Each new view is kept, the same one again is not, and after the last that has room no other is taken."""
    state = kit.told((kit.consent(), "ifo"))
    assert kit.tell(state, signed(1, "guardian-1", ChildView(View.AGREES)), "ifo") == state
    for number in range(MOST_VIEWS):
        view = ChildView((View.OBJECTS, View.AGREES)[number % 2])
        state = kit.tell(state, signed(1, "guardian-1", view), "ifo", kit.NOW + number)
    assert [each.at for each in state.consents[0].views] == [kit.NOW + number for number in range(MOST_VIEWS)]
    another = signed(1, "guardian-1", ChildView(View.OBJECTS))
    assert refused(kit, state, another, "ifo") == "CONSENT_TOO_MANY"
    assert kit.tell(state, signed(1, "guardian-1", ChildView(View.AGREES)), "ifo") == state


def test_each_discloser_confirms_its_own_part_once(kit: Any) -> None:
    """A discloser confirms once; the recorder's authority need not, others cannot; a closed one is not confirmed."""
    confirmed = ConsentConfirmed(ONE)  # type: ignore[arg-type]
    state = kit.told((kit.consent(by=["ifo", "bup", "school"], to=["hvb"]), "ifo"))
    assert kit.tell(state, confirmed, "duty") == state
    once = kit.tell(state, confirmed, "hab")
    assert [(each.party, each.by) for each in once.consents[0].confirmations] == [("region", "hab")]
    assert kit.tell(once, confirmed, "bup") == once
    twice = kit.tell(once, confirmed, "emi")
    assert [each.party for each in twice.consents[0].confirmations] == ["region", "city-school"]
    assert refused(kit, state, confirmed, "hvb") == "CONSENT_CONFIRMER"
    assert refused(kit, ChildState(), confirmed, "bup") == "CONSENT_UNKNOWN"
    closed = kit.tell(state, ConsentWithdrawn(), "school")
    assert refused(kit, closed, confirmed, "bup") == "CONSENT_CLOSED"


def test_a_doubt_is_its_unit_s_own(kit: Any) -> None:
    """A named or the responsible unit doubts once, takes back only its own, and may doubt anew up to a limit."""
    doubt, settle = ConsentDisputed(ONE), ConsentDisputed(ONE, settled=True)  # type: ignore[arg-type]
    state = kit.told((CircleUpdate(claim=True), "duty"), (kit.consent(to=["school", "hvb"]), "ifo"))
    assert refused(kit, state, doubt, "bup") == "CONSENT_DISPUTER"
    assert refused(kit, state, settle, "school") == "DISPUTE_UNKNOWN"
    doubted = kit.tell(kit.tell(state, doubt, "school", kit.NOW + 1), doubt, "duty", kit.NOW + 2)
    assert kit.tell(doubted, doubt, "school", kit.NOW + 3) == doubted
    assert refused(kit, doubted, settle, "hvb") == "DISPUTE_UNKNOWN"
    half = kit.tell(doubted, settle, "school", kit.NOW + 4)
    assert [(each.by, each.settled_at) for each in half.consents[0].disputes] == [("school", kit.NOW + 4), ("duty", 0)]
    again = kit.tell(half, doubt, "school", kit.NOW + 5)
    assert [each.by for each in again.consents[0].disputes] == ["school", "duty", "school"]
    for _ in range(MOST_DISPUTES - 2):
        state = kit.tell(kit.tell(half, doubt, "hvb"), settle, "hvb")
        half = state
    assert len(half.consents[0].disputes) == MOST_DISPUTES
    assert refused(kit, half, doubt, "hvb") == "DISPUTE_TOO_MANY"
