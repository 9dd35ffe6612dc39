"""Who may record, sign and take back a consent, and what is left of it."""

from __future__ import annotations

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
    MarkKind,
    Member,
    ProtectionMarked,
    Receipt,
    Scope,
    View,
)
from samband.schemas.reasons import REASONS
from samband.streams.decision.child import ChildState

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
