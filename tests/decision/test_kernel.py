"""How the decision weighs rows: claimed grounds, several grounds, the default, errors, and rows as the only law."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import Any

from msgspec import structs

from samband.schemas.categories import Category
from samband.schemas.events import MarkKind, ProtectionMarked
from samband.schemas.reasons import REASONS
from samband.schemas.rulebook import parse
from samband.streams.decision.child import ChildState
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Question

ROWS = resources.files("samband.schemas").joinpath("rulebook.toml").read_text("utf-8")
NEEDED = {"limb": "under_18", "necessity": "care_planning"}
MARKED = (ProtectionMarked(MarkKind.SECRECY), "school")


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
    hearing = structs.replace(question, recipient=replace(deaf, receives=("concern.report",)))
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


def test_a_forbid_row_reads_its_own_marks(kit: Any) -> None:
    """A forbid row about one kind of mark is not set off by another."""
    marks = 'marks = ["secrecy", "protected_registration", "secret_whereabouts", "threat"]'
    threat_only = parse(ROWS.replace(marks, 'marks = ["threat"]'))
    state = kit.told((kit.consent(categories=tuple(Category)), "ifo"), MARKED)
    notice = ("placement.notice", "ifo", "school", state)
    assert kit.ask(*notice, book=threat_only, categories=("address:child",)).outcome == "permit"
    assert kit.ask(*notice, categories=("address:child",)).outcome == "deny"


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


def test_a_child_with_another_number_is_not_written_about_under_the_old_one(kit: Any) -> None:
    """When a child has got another number nothing passes under the old one, not even what a duty would carry."""
    decision = kit.ask("concern.report", "school", "ifo", ChildState(moved_at=kit.NOW))
    assert (decision.outcome, decision.reasons) == ("deny", ("IDENTITY_MOVED",))
