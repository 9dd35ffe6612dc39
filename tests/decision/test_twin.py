"""The kernel and its memory against the naive twin, over random stories."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from samband.schemas.categories import About, Category
from samband.schemas.errors import RefusedError
from samband.schemas.events import (
    ChildView,
    CircleUpdate,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    Giver,
    GiverRole,
    MarkKind,
    Objection,
    ProtectionMarked,
    Scope,
    View,
)
from samband.streams.decision.child import ChildState

UNIT = st.sampled_from(["ifo", "duty", "ifo-b", "lss-private", "school", "emi", "free-school", "bup",
                        "clinic-private", "hvb"])  # fmt: skip
NEAR = st.sampled_from(["ifo", "school", "bup"])
CATEGORY = st.sampled_from([Category.IDENTITY, Category.PLACEMENT, Category.ADDRESS])
CATEGORIES = st.lists(CATEGORY, min_size=1, max_size=3, unique=True).map(tuple)
NUMBER = st.integers(1, 3)
GIVERS = st.sampled_from([
    (Giver(GiverRole.GUARDIAN, "guardian-1"),),
    (Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.GUARDIAN, "guardian-2")),
    (Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.CHILD, "child", required=False)),
    (Giver(GiverRole.CHILD, "child"),),
])  # fmt: skip
OBJECTION = st.builds(
    Objection, recipients=st.sampled_from([(), ("school",), ("bup",)]), categories=st.sampled_from([(), ("address",)])
)
VIEW = st.one_of(st.just(ChildView(View.AGREES)), st.builds(lambda o: ChildView(View.OBJECTS, objection=o), OBJECTION))
CONSENT = st.fixed_dictionaries(
    {
        "number": NUMBER,
        "by": st.lists(NEAR, min_size=1, max_size=2, unique=True),
        "to": st.lists(NEAR, min_size=1, max_size=2, unique=True),
        "categories": CATEGORIES,
        "about": st.sampled_from([About.CHILD, About.CHILD, About.GUARDIAN]),
        "valid_from": st.integers(-3, 6),
        "valid_to": st.integers(3, 60),
        "givers": GIVERS,
        "view": VIEW,
        "all_signed": st.booleans(),
    }
)
EVENT = st.one_of(
    CONSENT,
    CONSENT,
    st.tuples(st.just("sign"), NUMBER, st.sampled_from(["guardian-1", "guardian-2", "child"]), st.none() | VIEW),
    st.sampled_from([
        ConsentWithdrawn(),
        ConsentWithdrawn(Scope.CONSENT, b"\x01" * 16),  # type: ignore[arg-type]
        ConsentWithdrawn(Scope.CONSENT, b"\x03" * 16),  # type: ignore[arg-type]
        ConsentWithdrawn(Scope.RECIPIENT, recipient="school"),
        ConsentWithdrawn(Scope.CATEGORY, category=Category.ADDRESS),
        ConsentRefused(b"\x02" * 16, GiverRole.CHILD),  # type: ignore[arg-type]
        ProtectionMarked(MarkKind.SECRECY),
        ProtectionMarked(MarkKind.SECRECY, lifted=True),
        CircleUpdate(claim=True),
        CircleUpdate(),
    ]),
)  # fmt: skip
HISTORY = st.lists(st.tuples(EVENT, st.one_of(NEAR, UNIT)), max_size=7)
TAGS = st.lists(st.sampled_from(["identity:child", "placement:child", "address:child", "identity:guardian"]),
                max_size=2, unique=True).map(lambda tags: tuple(sorted(tags)))  # fmt: skip
CLAIMS = st.fixed_dictionaries(
    {
        "age": st.sampled_from(["<12", "12-14", "15-17", "18-20"]),
        "limb": st.sampled_from(["", "under_18", "ongoing_abuse", "made_up"]),
        "necessity": st.sampled_from(["", "care_planning"]),
        "ground": st.sampled_from(["", "", "", "CONSENT", "CARE_TO_SOCIAL", "DUTY_REPORT", "NONSENSE"]),
        "categories": TAGS,
    }
)
TYPE = st.sampled_from(["placement.notice", "health_exam.request", "health_exam.accepted", "health_exam.statement",
                        "concern.report", "dialogue.message", "dialogue.message"])  # fmt: skip


def written(kit: Any, event: Any) -> Any:
    """Return the body that a drawn event stands for."""
    if isinstance(event, tuple):
        _, number, giver, view = event
        return ConsentSigned(bytes([number]) * 16, giver, bytes(32), view)  # type: ignore[arg-type]
    if not isinstance(event, dict):
        return event
    fields = dict(event)
    givers = fields["givers"]
    fields["signed_by"] = tuple(giver.id for giver in givers) if fields.pop("all_signed") else ()
    fields["child_view"] = fields.pop("view")
    fields["valid_from"] += kit.NOW
    fields["valid_to"] += kit.NOW
    return kit.consent(**fields)


@settings(max_examples=400, deadline=None)
@given(history=HISTORY, type_name=TYPE, sender=st.one_of(NEAR, UNIT), recipient=st.one_of(NEAR, UNIT), claims=CLAIMS,
       later=st.integers(0, 20))  # fmt: skip
def test_kernel_and_twin_agree(
    kit: Any, twin: Any, history: list[Any], type_name: str, sender: str, recipient: str, claims: Any, later: int
) -> None:
    """After any story, the kernel decides exactly as the plain sentences do, on the same grounds."""
    state, said = ChildState(), []
    for at, (event, signer) in enumerate(history, start=kit.NOW):
        body = written(kit, event)
        said.append((body, kit.UNITS[signer], at))
        try:
            state = kit.tell(state, body, signer, at)
        except RefusedError:
            continue
    now = kit.NOW + len(history) + later
    decision = kit.ask(type_name, sender, recipient, state, now=now, **claims)
    question = twin_question(kit, type_name, sender, recipient, claims)
    outcome, grounds = twin.verdict(said, kit.UNITS, question, now)
    assert (decision.outcome, sorted(decision.grounds if outcome == "permit" else ())) == (outcome, sorted(grounds))
    assert decision.outcome == "permit" or decision.reasons
    assert "ERROR" not in decision.reasons


def twin_question(kit: Any, type_name: str, sender: str, recipient: str, claims: Any) -> Any:
    """Return the question in the form that both read."""
    from samband.streams.decision.question import Claims, Question

    stated = Claims(claims["age"], claims["limb"], claims["necessity"])
    units = kit.UNITS
    return Question(type_name, units[sender], units[recipient], claims["categories"], stated, claims["ground"])
