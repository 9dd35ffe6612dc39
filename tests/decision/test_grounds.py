"""Each ground permits what it should and nothing beside it; the docstring is the rule in words."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from samband.schemas.categories import Category
from samband.schemas.events import ChildView, Giver, GiverRole, MarkKind, Objection, ProtectionMarked, View
from samband.schemas.reasons import REASONS
from samband.schemas.rulebook import parse
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Question

ROWS = resources.files("samband.schemas").joinpath("rulebook.toml").read_text("utf-8")
NEEDED = {"limb": "under_18", "necessity": "care_planning"}
MARKED = (ProtectionMarked(MarkKind.SECRECY), "school")


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


@pytest.mark.parametrize("sender", ["school", "free-school", "emi", "bup", "clinic-private", "ifo-b"])
def test_duty_report_permits_school_care_and_social_services_without_consent(kit: Any, sender: str) -> None:
    """DUTY_REPORT: school, care and social services report concern to social services at once, without consent."""
    decision = kit.ask("concern.report", sender, "ifo", categories=("concern:child", "identity:child"))
    assert decision.outcome == "permit"
    assert decision.grounds == ("DUTY_REPORT",)
    assert "call_if_urgent" in decision.obligations


@pytest.mark.parametrize(
    ("sender", "recipient", "reason"),
    [
        ("school", "bup", "TYPE_NOT_FOR_KIND"),
        ("hvb", "ifo", "TYPE_NOT_FOR_KIND"),
        ("school", "lss-private", "NO_GROUND"),
    ],
)
def test_duty_report_refuses_other_ways(kit: Any, sender: str, recipient: str, reason: str) -> None:
    """DUTY_REPORT: only towards social services, which is an authority."""
    decision = kit.ask("concern.report", sender, recipient)
    assert (decision.outcome, decision.reasons) == ("deny", (reason,))


def test_duty_report_is_not_stopped_by_an_objection_but_shows_it(kit: Any) -> None:
    """DUTY_REPORT: duties and necessity are not stopped by the child's objection; the recipient sees it."""
    objects = kit.consent(by=["school"], to=["ifo"], child_view=ChildView(View.OBJECTS), categories=tuple(Category))
    state = kit.told((objects, "school"))
    decision = kit.ask("concern.report", "school", "ifo", state)
    assert decision.outcome == "permit"
    assert decision.grounds == ("DUTY_REPORT",)
    assert "show_objection" in decision.obligations


def test_duty_health_exam_permits_the_notice_without_consent(kit: Any) -> None:
    """DUTY_HEALTH_EXAM: social services notify the region of a placed child; the notice itself needs no consent."""
    decision = kit.ask("health_exam.request", "ifo", "bup", age="18-20")
    assert decision.outcome == "permit"
    assert decision.grounds == ("DUTY_HEALTH_EXAM",)


@pytest.mark.parametrize(("sender", "recipient"), [("ifo", "clinic-private"), ("lss-private", "bup"), ("ifo", "emi")])
def test_duty_health_exam_refuses_private_parties_and_the_school(kit: Any, sender: str, recipient: str) -> None:
    """DUTY_HEALTH_EXAM: from the social services authority to the region, not from or to a private party or school."""
    assert kit.ask("health_exam.request", sender, recipient).outcome == "deny"


@pytest.mark.parametrize("sender", ["bup", "emi"])
@pytest.mark.parametrize("limb", ["under_18", "ongoing_abuse", "compulsory_care", "expected_child"])
def test_care_to_social_permits_what_is_needed(kit: Any, sender: str, limb: str) -> None:
    """CARE_TO_SOCIAL: care, EMI included, tells social services what necessary care or support needs, by a limb."""
    decision = kit.ask("health_exam.statement", sender, "ifo", limb=limb, necessity="care_planning")
    assert decision.outcome == "permit"
    assert decision.grounds == ("CARE_TO_SOCIAL",)


@pytest.mark.parametrize(
    ("sender", "recipient", "claims", "reason"),
    [
        ("bup", "ifo", {"necessity": "care_planning"}, "LIMB_MISSING"),
        ("bup", "ifo", {"limb": "curious", "necessity": "care_planning"}, "LIMB_MISSING"),
        ("bup", "ifo", {**NEEDED, "age": "18-20"}, "LIMB_MISSING"),
        ("bup", "ifo", {**NEEDED, "age": ""}, "LIMB_MISSING"),
        ("bup", "ifo", {"limb": "under_18"}, "NECESSITY_MISSING"),
        ("clinic-private", "ifo", NEEDED, "CONSENT_MISSING"),
        ("bup", "lss-private", NEEDED, "CONSENT_MISSING"),
    ],
)
def test_care_to_social_refuses(kit: Any, sender: str, recipient: str, claims: dict[str, str], reason: str) -> None:
    """CARE_TO_SOCIAL: no limb, a limb that the age denies, no stated need, or a private party on either side: no."""
    decision = kit.ask("health_exam.statement", sender, recipient, **claims)
    assert decision.outcome == "deny"
    assert reason in decision.reasons


@pytest.mark.parametrize("recipient", ["bup", "emi"])
def test_social_to_care_permits_what_is_needed(kit: Any, recipient: str) -> None:
    """SOCIAL_TO_CARE: social services tell care, EMI included, what necessary care or support needs."""
    decision = kit.ask("dialogue.message", "ifo", recipient, **NEEDED)
    assert decision.outcome == "permit"
    assert decision.grounds == ("SOCIAL_TO_CARE",)


@pytest.mark.parametrize("recipient", ["school", "clinic-private", "hvb"])
def test_social_to_care_refuses_school_and_private(kit: Any, recipient: str) -> None:
    """SOCIAL_TO_CARE: the pedagogic school, private care and a private home are no recipients."""
    decision = kit.ask("dialogue.message", "ifo", recipient, **NEEDED)
    assert (decision.outcome, decision.reasons) == ("deny", ("CONSENT_MISSING",))


@pytest.mark.parametrize("category", ["address:child", "whereabouts:child", "school_name:child"])
def test_forbid_protected_wins_over_every_permit(kit: Any, category: str) -> None:
    """FORBID_PROTECTED: a marked child's address, whereabouts and school are told on no ground whatever."""
    everything = kit.consent(to=["school", "bup"], categories=tuple(Category))
    state = kit.told((everything, "ifo"), MARKED)
    for type_name, recipient in (("placement.notice", "school"), ("health_exam.request", "bup")):
        decision = kit.ask(type_name, "ifo", recipient, state, categories=("identity:child", category), **NEEDED)
        assert decision.outcome == "deny"
        assert decision.grounds == ("FORBID_PROTECTED",)
        assert decision.reasons == ("PROTECTED_ADDRESS",)


def test_forbid_protected_leaves_the_rest_and_the_unmarked_alone(kit: Any) -> None:
    """FORBID_PROTECTED: the rest still passes, held back by the adapter; an unmarked child's address may be told."""
    state = kit.told((kit.consent(categories=tuple(Category)), "ifo"), MARKED)
    decision = kit.ask("placement.notice", "ifo", "school", state)
    assert decision.outcome == "permit"
    assert "hold_protected" in decision.obligations
    unmarked = kit.told((kit.consent(categories=tuple(Category)), "ifo"))
    decision = kit.ask("placement.notice", "ifo", "school", unmarked, categories=("address:child",))
    assert decision.outcome == "permit"
    assert "hold_protected" not in decision.obligations


def test_all_grounds_that_carry_are_named_duties_first(kit: Any) -> None:
    """A permit names every ground; what a duty carries too leans on no consent, and no withdrawal stops it."""
    state = kit.told((kit.consent(to=["bup"]), "ifo"))
    decision = kit.ask("health_exam.request", "ifo", "bup", state, **NEEDED)
    assert decision.grounds == ("DUTY_HEALTH_EXAM", "SOCIAL_TO_CARE", "CONSENT")
    assert decision.consents == ()


def test_a_claimed_ground_must_carry_by_itself(kit: Any) -> None:
    """A sender that claims a ground gets that ground or none."""
    assert kit.ask("health_exam.request", "ifo", "bup", ground="CONSENT").reasons == ("CONSENT_MISSING",)
    assert kit.ask("health_exam.request", "ifo", "bup", ground="MADE_UP").reasons == ("NO_GROUND",)
    assert kit.ask("health_exam.request", "ifo", "bup", ground="DUTY_HEALTH_EXAM").outcome == "permit"


def test_default_is_deny(kit: Any) -> None:
    """What no row is about is denied: unknown type, steering group, a type not received, no categories."""
    assert kit.ask("unknown.type", "ifo", "school").reasons == ("TYPE_NOT_FOR_KIND",)
    assert kit.ask("dialogue.message", "ifo", "bus").reasons == ("TYPE_NOT_FOR_KIND",)
    state = kit.told((kit.consent(), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", state, categories=()).outcome == "deny"
    deaf = replace(kit.UNITS["ifo"], receives=("dialogue.message",))
    question = Question("concern.report", kit.UNITS["school"], deaf, ("identity:child",), Claims("12-14"))
    assert decide(question, state, kit.BOOK, kit.NOW).reasons == ("TYPE_NOT_RECEIVED",)
    hearing = replace(question, recipient=replace(deaf, receives=("concern.report",)))
    assert decide(hearing, state, kit.BOOK, kit.NOW).outcome == "permit"


def test_the_kernel_follows_the_rows_and_knows_no_law_of_its_own(kit: Any) -> None:
    """A forbid row without mark holds for every child, without categories for all, and only between its kinds."""
    notice = ("placement.notice", "ifo", "school", kit.told((kit.consent(categories=tuple(Category)), "ifo")))
    marks = 'marks = ["secrecy", "protected_registration", "secret_whereabouts", "threat"]'
    for_all = parse(ROWS.replace(marks, ""))
    assert kit.ask(*notice, book=for_all, categories=("address:child",)).grounds == ("FORBID_PROTECTED",)
    assert kit.ask(*notice, book=for_all).outcome == "permit"
    everything = parse(ROWS.replace(marks, "").replace('["address", "whereabouts", "school_name"]', "[]"))
    assert kit.ask(*notice, book=everything).grounds == ("FORBID_PROTECTED",)
    elsewhere = parse(ROWS.replace('senders = ["social", "school", "care", "institution"]', 'senders = ["care"]', 1))
    marked = kit.tell(notice[3], *MARKED)
    assert kit.ask(*notice[:3], marked, book=elsewhere, categories=("address:child",)).outcome == "permit"


def test_an_asking_row_asks_whatever_else_fails(kit: Any) -> None:
    """A row that asks for a motivated decision gives a question where it is claimed, and is nobody's reason else."""
    asking = parse(ROWS.replace('effect = "permit"\ncitation = "OSL 25:12"', 'effect = "ask"\ncitation = "OSL 25:12"'))
    statement = ("health_exam.statement", "bup", "ifo")
    claimed = kit.ask(*statement, book=asking, ground="CARE_TO_SOCIAL", **NEEDED)
    assert (claimed.outcome, claimed.reasons) == ("ask", ("ASK_MANUAL",))
    assert kit.ask(*statement, book=asking, ground="CARE_TO_SOCIAL").reasons == ("LIMB_MISSING",)
    assert kit.ask(*statement, book=asking, **NEEDED).reasons == ("INVESTIGATION_MISSING", "CONSENT_MISSING")
    motivated = kit.ask(*statement, book=asking, ground="CARE_TO_SOCIAL", motivated=True, **NEEDED)
    assert (motivated.outcome, motivated.grounds) == ("permit", ("CARE_TO_SOCIAL",))


def test_an_error_denies(kit: Any) -> None:
    """Whatever goes wrong inside a decision, nothing is disclosed."""
    decision = kit.ask("concern.report", "school", "ifo", book=None)
    assert (decision.outcome, decision.reasons) == ("deny", ("ERROR",))


def test_every_reason_has_words(kit: Any) -> None:
    """Each refusal says in Swedish and English what failed and who can remedy it."""
    for reason in REASONS.values():
        assert reason.sv.endswith(".")
        assert reason.en.endswith(".")
        assert reason.remedy_sv.endswith(".")
        assert reason.remedy_en.endswith(".")
    for row in kit.BOOK.rules:
        assert not row.reason or row.reason in REASONS


def test_unidentified_permits_what_names_nobody(kit: Any) -> None:
    """UNIDENTIFIED: a consultation that names nobody is told without consent."""
    decision = kit.ask("consult.question", "school", "bup", categories=("dialogue:child",))
    assert (decision.outcome, decision.grounds) == ("permit", ("UNIDENTIFIED",))


def test_unidentified_refuses_an_identity(kit: Any) -> None:
    """UNIDENTIFIED: what tells who the child is, is no such thing."""
    decision = kit.ask("consult.question", "school", "bup", categories=("dialogue:child", "identity:child"))
    assert (decision.outcome, decision.reasons) == ("deny", ("IDENTITY_TOLD",))
