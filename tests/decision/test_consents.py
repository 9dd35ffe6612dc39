"""Who may record, sign and take back a consent, and what is left of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from samband.schemas.categories import Category
from samband.schemas.errors import RefusedError
from samband.schemas.events import (
    ChildView,
    CircleUpdate,
    ConsentConfirmed,
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
from samband.streams.decision.child import ChildState
from samband.streams.decision.consents import MOST, Status, status

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
