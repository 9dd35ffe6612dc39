"""What held at an earlier time is what the gate would have said then, and who knew of it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from samband.schemas.categories import Category
from samband.schemas.errors import RefusedError
from samband.schemas.events import (
    ChildView,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentSigned,
    ConsentWithdrawn,
    MarkKind,
    ProtectionMarked,
    Scope,
    View,
)
from samband.streams.decision.child import ChildState, Circle
from samband.streams.decision.history import as_of, knew

ONE, TWO = b"\x01" * 16, b"\x02" * 16
EVENTS: list[Any] = [
    ("consent", 1),
    ("consent", 2),
    ConsentSigned(ONE, "guardian-1", bytes(32)),  # type: ignore[arg-type]
    ConsentSigned(ONE, "guardian-2", bytes(32), ChildView(View.OBJECTS)),  # type: ignore[arg-type]
    ConsentSigned(TWO, "guardian-1", bytes(32), ChildView(View.AGREES)),  # type: ignore[arg-type]
    ConsentConfirmed(ONE),  # type: ignore[arg-type]
    ConsentDisputed(ONE),  # type: ignore[arg-type]
    ConsentDisputed(ONE, settled=True),  # type: ignore[arg-type]
    ConsentWithdrawn(),
    ConsentWithdrawn(Scope.CONSENT, TWO),  # type: ignore[arg-type]
    ConsentWithdrawn(Scope.RECIPIENT, recipient="school"),
    ConsentWithdrawn(Scope.CATEGORY, category=Category.PLACEMENT),
    ProtectionMarked(MarkKind.THREAT),
    CircleUpdate(claim=True),
]
STORY = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(["ifo", "school", "bup"]), st.integers(0, 2)), max_size=12
)


@settings(max_examples=500, deadline=None)
@given(story=STORY)
def test_the_past_is_what_it_was(kit: Any, story: list[Any]) -> None:
    """After any story, the state as of each moment is the state that there was at that moment."""
    state, now, past = ChildState(), kit.NOW, []
    for number, (event, signer, later) in enumerate(story):
        now += later
        body = event
        if isinstance(event, tuple):
            recipients = ["school", "hvb"] if event[1] == 1 else ["bup"]
            body = kit.consent(
                number=event[1], by=["ifo", "bup"] if event[1] == 1 else ["ifo"], to=recipients, signed_by=()
            )
        try:
            state = kit.tell(state, body, signer, now, entry=bytes([number + 1]) * 32)
        except RefusedError:
            continue
        past.append((now, state))
    for at, then in past:
        last = [each for moment, each in past if moment == at][-1]
        if then is last:
            said = tuple(replace(each, again=0) for each in then.withdrawals)
            assert replace(as_of(state, at), circle=Circle(), contacts=()) == replace(
                then, circle=Circle(), contacts=(), withdrawals=said
            )


def test_an_earlier_refusal_stays_right(kit: Any) -> None:
    """A consent with a date in the past decides from when it was recorded: the refusal before it was right."""
    state = kit.tell(ChildState(), kit.consent(valid_from=kit.NOW - 10 * kit.DAY), "ifo", kit.NOW)
    notice = ("placement.notice", "ifo", "school")
    assert kit.ask(*notice, as_of(state, kit.NOW - 1), now=kit.NOW - 1).reasons == ("CONSENT_MISSING",)
    assert kit.ask(*notice, as_of(state, kit.NOW), now=kit.NOW).outcome == "permit"


def test_who_knew(kit: Any) -> None:
    """Recorder and named units know from the record on; who signs, confirms or withdraws knows from then."""
    state = kit.told((CircleUpdate(claim=True), "ifo"))
    state = kit.tell(state, kit.consent(by=["bup"], to=["school"]), "ifo", kit.NOW)
    state = kit.tell(state, ConsentConfirmed(ONE), "bup", kit.NOW + 5)  # type: ignore[arg-type]
    state = kit.tell(state, ConsentWithdrawn(), "hvb", kit.NOW + 9)
    told = [(each.unit, each.how, each.since - kit.NOW) for each in knew(state, kit.NOW + 9)]
    assert told == [
        ("ifo", "recorded", 0), ("bup", "named", 0), ("school", "named", 0), ("bup", "confirmed", 5),
        ("hvb", "withdrew", 9),
    ]  # fmt: skip
    assert [each.how for each in knew(state, kit.NOW + 4)] == ["recorded", "named", "named"]
    assert knew(state, kit.NOW - 1) == ()
