"""Bodies of events: one form, codes only, and what one field cannot say is checked."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from samband.schemas import event_bodies, events
from samband.schemas.categories import About, Category
from samband.schemas.errors import FormatError
from samband.schemas.events import (
    EVENTS,
    ChildView,
    CircleUpdate,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    GivenHow,
    Giver,
    GiverRole,
    Level,
    MarkKind,
    Member,
    Objection,
    ProtectionMarked,
    Recall,
    Receipt,
    Recipient,
    Scope,
    View,
    decode,
    encode,
    name_of,
)

ID: Any = bytes(range(16))
DIGEST: Any = bytes(range(32))
CONSENT = ConsentGiven(
    consent_id=ID,
    disclosers=("212000-1234-IFO", "SE2321000131-E000000000001"),
    recipients=(Recipient("school"), Recipient("hvb", "hvb")),
    categories=(Category.IDENTITY, Category.HEALTH),
    about=About.CHILD,
    purpose="coordination",
    valid_from=1_800_000_000,
    valid_to=1_810_000_000,
    givers=(Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.CHILD, "child", required=False)),
    signed_by=("guardian-1",),
    child_view=ChildView(View.OBJECTS, "", DIGEST, Objection(("hvb",), (Category.HEALTH,))),
    explained=("purpose", "withdrawal"),
    language="so",
    given_how=GivenHow.INTERPRETED,
    evidence=DIGEST,
    recorder_role="social_secretary",
    acting_user=DIGEST,
    follows_role=True,
)
BODIES = [
    CONSENT,
    ConsentSigned(ID, "guardian-2", DIGEST),
    ConsentSigned(ID, "child", DIGEST, ChildView(View.TOO_YOUNG, "assessed_by_secretary")),
    ConsentWithdrawn(),
    ConsentWithdrawn(Scope.CONSENT, ID, giver_role=GiverRole.CHILD),
    ConsentWithdrawn(Scope.RECIPIENT, recipient="school"),
    ConsentWithdrawn(Scope.CATEGORY, category=Category.HEALTH),
    ConsentRefused(ID, GiverRole.CHILD),
    ConsentRefused(ID, GiverRole.GUARDIAN, "guardian-1"),
    ProtectionMarked(MarkKind.SECRET_WHEREABOUTS),
    ProtectionMarked(MarkKind.THREAT, lifted=True),
    CircleUpdate(claim=True),
    CircleUpdate((Member("school", "school", 5), Member("bup", "bup", 5, 9))),
    Receipt(ID, Level.HANDED_OVER, at=1_800_000_000),
    Receipt(ID, Level.REFUSED, "MISMATCH", 1),
    Recall(ID, "CONSENT_WITHDRAWN"),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_bodies_round_trip(body: Any) -> None:
    """Every body comes back from its bytes as it was, with its own types, and fits in routing."""
    data = encode(body)
    assert len(data) <= 2048
    read = decode(name_of(body), data)
    assert read == body
    assert repr(read) == repr(body)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_body_has_one_form(body: Any) -> None:
    """A byte more, a byte less, or another event's name is refused."""
    data = encode(body)
    for wrong in (data + b"\0", data[:-1], b""):
        with pytest.raises(FormatError):
            decode(name_of(body), wrong)
    with pytest.raises(FormatError):
        decode("consent.dreamt", data)


def test_an_overlong_number_is_refused() -> None:
    """A number written with needless bytes says the same and is another form: refused."""
    data = encode(ConsentWithdrawn())
    assert data[0] == 0
    with pytest.raises(FormatError):
        decode("consent.withdrawn", b"\x80\x00" + data[1:])


@given(st.sampled_from(sorted(EVENTS)), st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(type_name: str, data: bytes) -> None:
    """Whatever bytes come, there is the one body that writes them, or one error."""
    with suppress(FormatError):
        assert encode(decode(type_name, data)) == data


@given(st.sampled_from(BODIES), st.data())
def test_a_flipped_bit_is_another_body_or_refused(body: Any, data: Any) -> None:
    """Flip any bit: it is another body in its one form, or refused; never the same body twice."""
    written = bytearray(encode(body))
    at = data.draw(st.integers(0, len(written) * 8 - 1))
    written[at // 8] ^= 1 << at % 8
    with suppress(FormatError):
        assert decode(name_of(body), bytes(written)) != body


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "because the child is sad"},
        {"purpose": "åtgärd"},
        {"purpose": "x" * 65},
        {"purpose": ""},
        {"consent_id": bytes(15)},
        {"evidence": bytes(31)},
        {"evidence": None},
        {"disclosers": ()},
        {"disclosers": ("",)},
        {"disclosers": ("a", "a")},
        {"disclosers": tuple(f"unit-{i}" for i in range(17))},
        {"disclosers": ["a"]},
        {"recipients": ()},
        {"recipients": (Recipient(""),)},
        {"recipients": (Recipient("a b"),)},
        {"categories": ()},
        {"categories": ("moods",)},
        {"valid_from": -1},
        {"valid_to": 1_800_000_000},
        {"valid_to": 2**63},
        {"valid_to": "tomorrow"},
        {"givers": ()},
        {"givers": (Giver(GiverRole.GUARDIAN, "guardian-1", required=False),)},
        {"givers": (Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.CHILD, "guardian-1"))},
        {"givers": (Giver(GiverRole.GUARDIAN, "198001019876"),), "signed_by": ()},
        {"givers": (Giver(GiverRole.GUARDIAN, "Anna"),), "signed_by": ()},
        {"signed_by": ("guardian-2",)},
        {"signed_by": ("guardian-1", "guardian-1")},
        {"child_view": ChildView(View.NOT_ASKED)},
        {"child_view": ChildView(View.TOO_YOUNG)},
        {"child_view": ChildView(View.AGREES, objection=Objection(("hvb",)))},
    ],
    ids=str,
)
def test_a_consent_that_says_too_little_or_too_much_is_refused(change: dict[str, Any]) -> None:
    """A consent names units, categories, purpose, end and givers in codes; a name or number is no giver."""
    with pytest.raises(FormatError) as caught:
        encode(replace(CONSENT, **change))
    assert caught.value.code == "EVENT_FORM"


@pytest.mark.parametrize(
    "body",
    [
        ConsentWithdrawn(Scope.CONSENT),
        ConsentWithdrawn(Scope.EVERYTHING, ID),
        ConsentWithdrawn(Scope.RECIPIENT),
        ConsentWithdrawn(Scope.RECIPIENT, recipient="a", category=Category.HEALTH),
        ConsentWithdrawn(Scope.CATEGORY),
        ConsentSigned(ID, "Anna Andersson", DIGEST),
        ConsentSigned(ID, "child", DIGEST, ChildView(View.NOT_ASKED)),
        ConsentRefused(ID, GiverRole.CHILD, "198001019876"),
        CircleUpdate((Member("school", "school", 9, 5),)),
        Receipt(ID, Level.REFUSED, "she was not at home"),
    ],
)
def test_other_bodies_that_contradict_themselves_are_refused(body: Any) -> None:
    """A scope names what it takes back and nothing else; a giver is a pseudonym; nobody leaves before entering."""
    with pytest.raises(FormatError):
        encode(body)


def test_a_body_too_large_for_routing_is_refused() -> None:
    """A body has at most 2 048 bytes, written or read."""
    members = tuple(Member(f"{i:064d}", f"{i:064d}", 1) for i in range(16))
    with pytest.raises(FormatError):
        encode(CircleUpdate(members))
    with pytest.raises(FormatError):
        decode("circle.update", bytes(2049))


def test_the_face_is_whole() -> None:
    """`events` hands on every record of `event_bodies`."""
    assert set(event_bodies.__all__) <= set(events.__all__)
