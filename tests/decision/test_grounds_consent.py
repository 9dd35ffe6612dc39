"""CONSENT, CONSENT_PART and ONE_GUARDIAN: what the family's own word carries; each docstring is the rule in words."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.categories import Category
from samband.schemas.events import (
    ChildView,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentWithdrawn,
    Giver,
    GiverRole,
    Maturity,
    Member,
    Objection,
    Recipient,
    Scope,
    View,
)
from samband.streams.decision.child import ChildState, Circle

ONE = b"\x01" * 16
GUARDIAN_1 = (Giver(GiverRole.GUARDIAN, "guardian-1"),)
CHILD = Giver(GiverRole.CHILD, "child")


def test_consent_permits_named_discloser_to_named_recipient(kit: Any) -> None:
    """CONSENT: what all guardians have consented to passes from the named discloser to the named recipient."""
    state = kit.told((kit.consent(), "ifo"))
    decision = kit.ask("placement.notice", "ifo", "school", state)
    assert decision.outcome == "permit"
    assert decision.grounds == ("CONSENT",)
    assert decision.consents == (b"\x01" * 16,)
    assert "register_arrival" in decision.obligations


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, "CONSENT_MISSING"),
        ({"signed_by": ("guardian-1",)}, "CONSENT_PENDING"),
        ({"categories": (Category.IDENTITY,)}, "CONSENT_CATEGORY"),
        ({"to": ["hvb"]}, "CONSENT_RECIPIENT"),
        ({"by": ["duty"]}, "CONSENT_DISCLOSER"),
        ({"by": ["duty"], "to": ["hvb"]}, "CONSENT_MISSING"),
        ({"about": "guardian"}, "CONSENT_CATEGORY"),
    ],
)
def test_consent_refuses_what_it_does_not_name(kit: Any, change: dict[str, Any] | None, reason: str) -> None:
    """CONSENT: without one, with a giver missing, or for another thing, recipient, discloser or person: no."""
    state = kit.told(*([] if change is None else [(kit.consent(**change), "ifo")]))
    decision = kit.ask("placement.notice", "ifo", "school", state)
    assert (decision.outcome, decision.reasons, decision.grounds) == ("deny", (reason,), ())


def test_consent_of_care_is_not_lifted_by_social_services_own(kit: Any) -> None:
    """CONSENT lifts the secrecy of its named discloser only: BUP tells the school nothing on social services' own."""
    state = kit.told((kit.consent(categories=tuple(Category)), "ifo"))
    decision = kit.ask("dialogue.message", "bup", "school", state, categories=("mental_health:child",))
    assert decision.outcome == "deny"
    assert decision.reasons == ("CONSENT_DISCLOSER",)


def test_consent_of_several_covers_together(kit: Any) -> None:
    """CONSENT: two consents cover together what neither covers alone, and the message leans on both."""
    one = kit.consent(number=1, categories=(Category.IDENTITY,))
    two = kit.consent(number=2, categories=(Category.PLACEMENT,))
    decision = kit.ask("placement.notice", "ifo", "school", kit.told((one, "ifo"), (two, "ifo")))
    assert decision.outcome == "permit"
    assert decision.consents == (b"\x01" * 16, b"\x02" * 16)


def test_consent_counts_only_within_its_time(kit: Any) -> None:
    """CONSENT: it carries from its first second up to, and not including, its last."""
    given = kit.consent(valid_from=kit.NOW + 10, valid_to=kit.NOW + 20)
    state = kit.told((given, "ifo"))
    outcomes = [kit.ask("placement.notice", "ifo", "school", state, now=kit.NOW + at) for at in (9, 10, 19, 20)]
    assert [one.outcome for one in outcomes] == ["deny", "permit", "permit", "deny"]
    assert outcomes[0].reasons == ("CONSENT_NOT_YET",)
    assert outcomes[3].reasons == ("CONSENT_EXPIRED",)


def test_consent_of_guardians_ends_at_18(kit: Any) -> None:
    """CONSENT: at 18 the guardians' consent carries nothing; the young adult's own does."""
    guardians = kit.told((kit.consent(), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", guardians, age="18-20").reasons == ("CONSENT_ADULT",)
    unasked = kit.consent(givers=(*kit.consent().givers, Giver(GiverRole.CHILD, "child", required=False)))
    asked = kit.told((unasked, "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", asked, age="18-20").reasons == ("CONSENT_ADULT",)
    both = kit.consent(
        givers=(*kit.consent().givers, Giver(GiverRole.CHILD, "child")), signed_by=("guardian-1", "guardian-2", "child")
    )
    assert kit.ask("placement.notice", "ifo", "school", kit.told((both, "ifo")), age="18-20").outcome == "permit"
    own = kit.consent(givers=(Giver(GiverRole.CHILD, "child"),), signed_by=("child",))
    assert kit.ask("placement.notice", "ifo", "school", kit.told((own, "ifo")), age="18-20").outcome == "permit"


@pytest.mark.parametrize(
    ("objection", "outcome"),
    [
        (Objection(), "ask"),
        (Objection(recipients=("school",)), "ask"),
        (Objection(categories=(Category.PLACEMENT,)), "ask"),
        (Objection(recipients=("hvb",)), "permit"),
        (Objection(categories=(Category.HEALTH,)), "permit"),
        (Objection(recipients=("hvb",), categories=(Category.PLACEMENT,)), "permit"),
    ],
)
def test_consent_with_an_objecting_child_asks(kit: Any, objection: Objection, outcome: str) -> None:
    """CONSENT: where the child objects, wholly or to this recipient or category, a person decides."""
    state = kit.told((kit.consent(child_view=ChildView(View.OBJECTS, objection=objection)), "ifo"))
    decision = kit.ask("placement.notice", "ifo", "school", state)
    assert decision.outcome == outcome
    assert ("CHILD_OBJECTS" in decision.reasons) == (outcome == "ask")


def test_consent_cannot_be_shopped_around_an_objection(kit: Any) -> None:
    """CONSENT: a second consent with another note of the child's view does not outweigh a standing one."""
    objected = kit.consent(number=1, child_view=ChildView(View.OBJECTS))
    state = kit.told((objected, "ifo"), (kit.consent(number=2), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "ask"
    elsewhere = ChildView(View.OBJECTS, objection=Objection(recipients=("hvb",)))
    state = kit.told((objected, "ifo"), (kit.consent(number=2, child_view=elsewhere), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "ask"
    ended = kit.consent(number=1, child_view=ChildView(View.OBJECTS), valid_to=kit.NOW + 1)
    state = kit.told((ended, "ifo"), (kit.consent(number=2), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", state, now=kit.NOW + 1).outcome == "permit"


def test_consent_permits_what_an_objection_that_is_over_does_not_reach(kit: Any) -> None:
    """CONSENT: an objection in a consent that was taken back towards this recipient is over with it."""
    state = kit.told((kit.consent(to=["school", "hvb"], child_view=ChildView(View.OBJECTS)), "ifo"))
    state = kit.tell(state, ConsentWithdrawn(Scope.RECIPIENT, recipient="school"), "school")
    state = kit.tell(state, kit.consent(number=2, to=["school", "hvb"]), "ifo")
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "permit"
    assert kit.ask("placement.notice", "ifo", "hvb", state).outcome == "ask"


def test_consent_refuses_while_a_unit_doubts_it(kit: Any) -> None:
    """CONSENT: while a unit that it names doubts it, a person decides; every doubt must be taken back."""
    state = kit.told((kit.consent(), "ifo"), (ConsentDisputed(ONE), "school"), (ConsentDisputed(ONE), "ifo"))  # type: ignore[arg-type]
    for doubter in ("school", "ifo"):
        decision = kit.ask("placement.notice", "ifo", "school", state)
        assert (decision.outcome, decision.reasons) == ("ask", ("CONSENT_DISPUTED",))
        state = kit.tell(state, ConsentDisputed(ONE, settled=True), doubter)  # type: ignore[arg-type]
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "permit"


def test_consent_refuses_while_two_units_claim_the_child(kit: Any) -> None:
    """CONSENT: while two units claim the child nothing rests on consent; necessity is not stopped."""
    consents = kit.told((kit.consent(to=["bup"]), "ifo")).consents
    state = ChildState(consents=consents, circle=Circle("ifo", 1, contender="ifo-b"))
    decision = kit.ask("placement.notice", "ifo", "bup", state)
    assert (decision.outcome, decision.reasons[-1]) == ("ask", "CIRCLE_CONTESTED")
    needed = kit.ask("placement.notice", "ifo", "bup", state, limb="under_18", necessity="care_planning")
    assert (needed.outcome, needed.grounds) == ("permit", ("SOCIAL_TO_CARE",))


@pytest.mark.parametrize("confirmer", ["school", "emi"])
def test_consent_permits_once_the_discloser_confirms_its_part(kit: Any, confirmer: str) -> None:
    """CONSENT: a discloser that did not record it is carried when its authority says that its part is on file."""
    state = kit.told((kit.consent(by=["ifo", "school"], to=["hvb"]), "ifo"))
    assert kit.ask("dialogue.message", "ifo", "hvb", state).outcome == "permit"
    assert kit.ask("dialogue.message", "school", "hvb", state).reasons == ("CONSENT_UNCONFIRMED",)
    state = kit.tell(state, ConsentConfirmed(ONE), confirmer)  # type: ignore[arg-type]
    assert kit.ask("dialogue.message", "school", "hvb", state).outcome == "permit"


@pytest.mark.parametrize(
    ("holder", "follows", "to_old", "to_new"),
    [
        ("", False, "permit", "CONSENT_RECIPIENT"),
        ("bup", False, "permit", "CONSENT_RECIPIENT"),
        ("hab", False, "CONSENT_ROLE", "CONSENT_ROLE"),
        ("hab", True, "CONSENT_ROLE", "permit"),
    ],
)
def test_consent_follows_a_role_only_where_the_givers_said_so(
    kit: Any, holder: str, follows: bool, to_old: str, to_new: str
) -> None:
    """CONSENT: a recipient chosen by role is the unit that held it then; the next holder where the givers said so."""
    given = kit.consent(by=["school"], recipients=(Recipient("bup", "clinic"),), follows_role=follows)
    members = (Member(holder, "clinic", 0),) if holder else ()
    state = ChildState(consents=kit.told((given, "school")).consents, circle=Circle("ifo", 1, members))
    for recipient, expected in (("bup", to_old), ("hab", to_new)):
        decision = kit.ask("dialogue.message", "school", recipient, state)
        assert expected in (decision.outcome, *decision.reasons)
        assert (decision.outcome == "permit") == (expected == "permit")


def test_consent_refuses_a_next_holder_of_the_role_that_it_was_withdrawn_towards(kit: Any) -> None:
    """CONSENT: a withdrawal towards a unit also reaches a consent that followed a role to it, and leaves the others."""
    roles = (Recipient("bup", "clinic"), Recipient("ifo"))
    given = kit.consent(by=["school"], recipients=roles, follows_role=True)
    state = ChildState(circle=Circle("ifo", 1, (Member("hab", "clinic", 0),)))
    state = kit.tell(kit.tell(state, given, "school"), ConsentWithdrawn(Scope.RECIPIENT, recipient="hab"), "preschool")
    assert kit.ask("dialogue.message", "school", "hab", state).reasons == ("CONSENT_WITHDRAWN",)
    assert kit.ask("dialogue.message", "school", "ifo", state).outcome == "permit"


@pytest.mark.parametrize(
    ("found", "givers", "signed", "expected"),
    [
        (None, GUARDIAN_1, ("guardian-1",), "permit"),
        (None, (CHILD,), ("child",), "MATURITY_MISSING"),
        (Maturity.GUARDIANS, (CHILD,), ("child",), "MATURITY_MISSING"),
        (Maturity.GUARDIANS, GUARDIAN_1, ("guardian-1",), "permit"),
        (Maturity.GUARDIANS_AND_CHILD, GUARDIAN_1, ("guardian-1",), "CONSENT_CHILD_SIGNS"),
        (Maturity.GUARDIANS_AND_CHILD, (*GUARDIAN_1, CHILD), ("guardian-1", "child"), "permit"),
        (Maturity.GUARDIANS_AND_CHILD, (*GUARDIAN_1, CHILD), ("child",), "CONSENT_PENDING"),
        (Maturity.CHILD, (CHILD,), ("child",), "permit"),
        (Maturity.CHILD, GUARDIAN_1, ("guardian-1",), "CONSENT_CHILD_SIGNS"),
    ],
)
def test_consent_permits_by_what_the_discloser_found_of_maturity(
    kit: Any, found: Maturity | None, givers: tuple[Giver, ...], signed: tuple[str, ...], expected: str
) -> None:
    """CONSENT: who must sign follows from the maturity that the disclosing authority itself has found."""
    state = kit.told((kit.consent(givers=givers, signed_by=signed), "ifo"))
    state = kit.mature(state, Maturity.CHILD, "school")
    if found is not None:
        state = kit.mature(kit.mature(state, Maturity.GUARDIANS, "duty"), found, "duty")
    decision = kit.ask("placement.notice", "ifo", "school", state)
    assert expected in (decision.outcome, *decision.reasons)
    assert (decision.outcome == "permit") == (expected == "permit")


def test_consent_refuses_a_guardian_s_own_information_without_that_guardian(kit: Any) -> None:
    """CONSENT: another person's information is carried by that person's own consent, whatever the child's maturity."""
    about = kit.consent(about="guardian", givers=GUARDIAN_1, signed_by=("guardian-1",))
    state = kit.mature(kit.told((about, "ifo")), Maturity.GUARDIANS_AND_CHILD, "ifo")
    told = {"categories": ("identity:guardian",), "age": "18-20"}
    assert kit.ask("placement.notice", "ifo", "school", state, **told).outcome == "permit"
    unsigned = kit.told((kit.consent(about="guardian", givers=GUARDIAN_1, signed_by=()), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", unsigned, **told).reasons == ("CONSENT_PENDING",)
    assert kit.ask("placement.notice", "ifo", "school", state).reasons == ("CONSENT_CATEGORY",)


def test_one_guardian_permits_what_a_function_decided_on_one_signature(kit: Any) -> None:
    """ONE_GUARDIAN: one guardian's signature is enough where a named function refers to a decision that says so."""
    state = kit.told((kit.consent(signed_by=("guardian-1",)), "ifo"))
    question = ("placement.notice", "ifo", "school", state)
    asked = kit.ask(*question, ground="ONE_GUARDIAN")
    assert (asked.outcome, asked.reasons) == ("ask", ("ASK_MANUAL",))
    decided = kit.ask(*question, ground="ONE_GUARDIAN", motivated=True)
    assert (decided.outcome, decided.grounds, decided.consents) == ("permit", ("ONE_GUARDIAN",), (ONE,))
    standing = kit.motivated(state, "ONE_GUARDIAN", "duty", "school")
    assert kit.ask(*question[:3], standing).grounds == ("ONE_GUARDIAN",)


@pytest.mark.parametrize(
    ("signed", "view", "ground", "reason"),
    [
        ((), View.AGREES, "ONE_GUARDIAN", "CONSENT_PENDING"),
        (("guardian-1",), View.OBJECTS, "ONE_GUARDIAN", "CHILD_OBJECTS"),
        (("guardian-1",), View.AGREES, "", "CONSENT_PENDING"),
        (("guardian-1",), View.AGREES, "CONSENT", "CONSENT_PENDING"),
    ],
)
def test_one_guardian_refuses(kit: Any, signed: tuple[str, ...], view: View, ground: str, reason: str) -> None:
    """ONE_GUARDIAN: without any signature, against the child's view, or where nobody claims it: no."""
    state = kit.told((kit.consent(signed_by=signed, child_view=ChildView(view)), "ifo"))
    decision = kit.ask("placement.notice", "ifo", "school", state, ground=ground, motivated=True)
    assert decision.outcome != "permit"
    assert decision.reasons == (reason,)


def test_consent_part_permits_the_recorder_to_tell_a_discloser(kit: Any) -> None:
    """CONSENT_PART: whoever recorded a consent gives each unit that is to disclose its own part of it, to confirm."""
    state = kit.told((CircleUpdate(claim=True), "ifo"))
    state = kit.tell(state, kit.consent(by=["bup"], to=["school"], signed_by=()), "ifo")
    decision = kit.ask("consent.part", "ifo", "bup", state, ref_to=ONE, categories=("consent:child",))
    assert (decision.outcome, decision.grounds, decision.consents) == ("permit", ("CONSENT_PART",), ())


@pytest.mark.parametrize(
    ("sender", "recipient", "number"),
    [("ifo", "school", 1), ("ifo", "hab", 1), ("school", "bup", 1), ("ifo", "bup", 2)],
)
def test_consent_part_refuses_others(kit: Any, sender: str, recipient: str, number: int) -> None:
    """CONSENT_PART: only from the authority that recorded it, about that consent, to a unit that is to disclose."""
    state = kit.told((CircleUpdate(claim=True), "ifo"))
    state = kit.tell(state, kit.consent(by=["bup"], to=["school"]), "ifo")
    told = {"ref_to": bytes([number]) * 16, "categories": ("consent:child",)}
    assert kit.ask("consent.part", sender, recipient, state, **told).reasons == ("CONSENT_MISSING",)


def test_consent_part_refuses_once_the_consent_is_closed(kit: Any) -> None:
    """CONSENT_PART: of a consent that was taken back nothing more is told."""
    state = kit.told((CircleUpdate(claim=True), "ifo"))
    state = kit.tell(state, kit.consent(by=["bup"], to=["school"]), "ifo")
    state = kit.tell(state, ConsentWithdrawn(), "school")
    decision = kit.ask("consent.part", "ifo", "bup", state, ref_to=ONE, categories=("consent:child",))
    assert decision.reasons == ("CONSENT_MISSING",)
