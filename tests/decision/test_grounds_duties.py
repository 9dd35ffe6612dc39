"""The duties: what is told without anybody's consent; each docstring is the rule in words."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.categories import Category
from samband.schemas.events import ChildView, View

REPORT = b"\x07" * 16


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


def test_duty_report_permits_although_the_child_objects(kit: Any) -> None:
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


def test_feedback_permits_an_answer_to_whoever_reported(kit: Any) -> None:
    """FEEDBACK: the board that got a concern report may tell whoever made it what became of it."""
    state = kit.reported(kit.told(), 7, "school", "ifo")
    for sender in ("ifo", "duty"):
        decision = kit.ask("concern.feedback", sender, "school", state, ref_to=REPORT, categories=("concern:child",))
        assert (decision.outcome, decision.grounds) == ("permit", ("FEEDBACK",))


@pytest.mark.parametrize(
    ("sender", "recipient", "number"),
    [("ifo", "emi", 7), ("ifo-b", "school", 7), ("ifo", "school", 8)],
)
def test_feedback_refuses_anybody_else(kit: Any, sender: str, recipient: str, number: int) -> None:
    """FEEDBACK: only from the board that got it, only about that report, and only to the unit that made it."""
    state = kit.reported(kit.told(), 7, "school", "ifo")
    decision = kit.ask("concern.feedback", sender, recipient, state, ref_to=bytes([number]) * 16)
    assert decision.outcome == "deny"
    assert "REPORT_MISSING" in decision.reasons


@pytest.mark.parametrize("sender", ["school", "emi", "free-school", "bup", "clinic-private", "hvb", "ifo-b"])
def test_duty_investigation_permits_what_an_open_investigation_needs(kit: Any, sender: str) -> None:
    """DUTY_INVESTIGATION: while a board investigates, who has a duty to report gives it what may matter."""
    state = kit.investigates(kit.told(), "duty", kit.NOW + 1)
    decision = kit.ask("dialogue.answer", sender, "ifo", state)
    assert (decision.outcome, decision.grounds) == ("permit", ("DUTY_INVESTIGATION",))


@pytest.mark.parametrize(
    ("recipient", "board", "until", "reason"),
    [
        ("ifo", "ifo-b", 10, "INVESTIGATION_MISSING"),
        ("ifo", "ifo", 0, "INVESTIGATION_MISSING"),
        ("lss-private", "lss-private", 10, "CONSENT_MISSING"),
        ("bup", "bup", 10, "CONSENT_MISSING"),
    ],
)
def test_duty_investigation_refuses(kit: Any, recipient: str, board: str, until: int, reason: str) -> None:
    """DUTY_INVESTIGATION: another board's investigation, one that has ended, or no board: no."""
    state = kit.investigates(kit.told(), board, kit.NOW + until)
    decision = kit.ask("dialogue.answer", "school", recipient, state)
    assert decision.outcome == "deny"
    assert decision.reasons[0] == reason


@pytest.mark.parametrize(("type_name", "sender", "recipient"), [("request", "ifo", "bup"), ("statement", "bup", "ifo")])
def test_duty_lvu_exam_permits_request_and_statement(kit: Any, type_name: str, sender: str, recipient: str) -> None:
    """DUTY_LVU_EXAM: social services ask a doctor for an examination, and the doctor gives the board the statement."""
    decision = kit.ask(f"lvu_exam.{type_name}", sender, recipient, categories=("health_exam:child",))
    assert (decision.outcome, decision.grounds) == ("permit", ("DUTY_LVU_EXAM",))


@pytest.mark.parametrize(
    ("type_name", "sender", "recipient", "reason"),
    [
        ("lvu_exam.request", "ifo", "clinic-private", "CONSENT_MISSING"),
        ("lvu_exam.request", "lss-private", "bup", "CONSENT_MISSING"),
        ("lvu_exam.request", "ifo", "emi", "TYPE_NOT_FOR_KIND"),
        ("dialogue.message", "ifo", "bup", "LIMB_MISSING"),
    ],
)
def test_duty_lvu_exam_refuses(kit: Any, type_name: str, sender: str, recipient: str, reason: str) -> None:
    """DUTY_LVU_EXAM: not from or to a private party, not at school, and nothing but request and statement."""
    decision = kit.ask(type_name, sender, recipient)
    assert (decision.outcome, decision.reasons[0]) == ("deny", reason)


@pytest.mark.parametrize("limb", ["placement_decision", "admission_decision"])
@pytest.mark.parametrize(
    ("sender", "recipient"), [("school", "school-b"), ("school", "free-school"), ("psych", "school-b")]
)
def test_school_change_permits_what_eases_the_transition(kit: Any, sender: str, recipient: str, limb: str) -> None:
    """SCHOOL_CHANGE: after a decision on the place the former school tells the new one, municipal or independent."""
    decision = kit.ask("school.handover", sender, recipient, limb=limb, age="18-20")
    assert (decision.outcome, decision.grounds) == ("permit", ("SCHOOL_CHANGE",))


@pytest.mark.parametrize(
    ("sender", "recipient", "limb", "reason"),
    [
        ("school", "school-b", "", "LIMB_MISSING"),
        ("school", "school-b", "under_18", "LIMB_MISSING"),
        ("preschool", "school", "admission_decision", "CONSENT_MISSING"),
        ("school", "preschool", "admission_decision", "CONSENT_MISSING"),
        ("school", "ifo", "admission_decision", "TYPE_NOT_FOR_KIND"),
    ],
)
def test_school_change_refuses(kit: Any, sender: str, recipient: str, limb: str, reason: str) -> None:
    """SCHOOL_CHANGE: before a decision, to or from preschool, or to anybody but a school: no."""
    decision = kit.ask("school.handover", sender, recipient, limb=limb)
    assert (decision.outcome, decision.reasons[0]) == ("deny", reason)


def test_unidentified_permits_what_names_nobody(kit: Any) -> None:
    """UNIDENTIFIED: a consultation that names nobody is told without consent."""
    decision = kit.ask("consult.question", "school", "bup", categories=("dialogue:child",))
    assert (decision.outcome, decision.grounds) == ("permit", ("UNIDENTIFIED",))


def test_unidentified_refuses_an_identity(kit: Any) -> None:
    """UNIDENTIFIED: what tells who the child is, is no such thing."""
    decision = kit.ask("consult.question", "school", "bup", categories=("dialogue:child", "identity:child"))
    assert (decision.outcome, decision.reasons) == ("deny", ("IDENTITY_TOLD",))
