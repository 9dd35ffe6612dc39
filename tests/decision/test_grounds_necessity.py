"""Necessary care and support between authorities, and within one; each docstring is the rule in words."""

from __future__ import annotations

from typing import Any

import pytest

NEEDED = {"limb": "under_18", "necessity": "care_planning"}


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


def test_social_to_social_permits_what_is_needed(kit: Any) -> None:
    """SOCIAL_TO_SOCIAL: one board tells another what necessary care or support needs."""
    decision = kit.ask("dialogue.message", "ifo", "ifo-b", **NEEDED)
    assert (decision.outcome, decision.grounds) == ("permit", ("SOCIAL_TO_SOCIAL",))


@pytest.mark.parametrize(
    ("recipient", "claims", "reason"),
    [
        ("ifo-b", {"limb": "under_18"}, "NECESSITY_MISSING"),
        ("ifo-b", {**NEEDED, "age": "18-20"}, "LIMB_MISSING"),
        ("lss-private", NEEDED, "CONSENT_MISSING"),
        ("sis", NEEDED, "CONSENT_MISSING"),
    ],
)
def test_social_to_social_refuses(kit: Any, recipient: str, claims: dict[str, str], reason: str) -> None:
    """SOCIAL_TO_SOCIAL: no stated need, a limb that the age denies, a private provider or an institution: no."""
    decision = kit.ask("dialogue.message", "ifo", recipient, **claims)
    assert decision.outcome == "deny"
    assert reason in decision.reasons


@pytest.mark.parametrize(("sender", "recipient"), [("bup", "bup-b"), ("emi", "bup"), ("bup", "emi")])
def test_care_to_care_permits_what_is_needed(kit: Any, sender: str, recipient: str) -> None:
    """CARE_TO_CARE: one care authority tells another, the school's medical service included, what care needs."""
    decision = kit.ask("dialogue.message", sender, recipient, **NEEDED)
    assert (decision.outcome, decision.grounds) == ("permit", ("CARE_TO_CARE",))


@pytest.mark.parametrize(
    ("recipient", "claims", "reason"),
    [
        ("bup-b", {"limb": "under_18"}, "NECESSITY_MISSING"),
        ("bup-b", {"necessity": "care_planning"}, "LIMB_MISSING"),
        ("clinic-private", NEEDED, "CONSENT_MISSING"),
        ("psych", NEEDED, "CONSENT_MISSING"),
    ],
)
def test_care_to_care_refuses(kit: Any, recipient: str, claims: dict[str, str], reason: str) -> None:
    """CARE_TO_CARE: no need, no limb, a private clinic, or student health that is no care: no."""
    decision = kit.ask("dialogue.message", "bup", recipient, **claims)
    assert decision.outcome == "deny"
    assert reason in decision.reasons


def test_care_internal_permits_between_units_of_one_care_authority(kit: Any) -> None:
    """CARE_INTERNAL: within one care authority what the care needs passes between its units, at any age."""
    decision = kit.ask("dialogue.message", "bup", "hab", necessity="care_planning", age="18-20")
    assert (decision.outcome, decision.grounds) == ("permit", ("CARE_INTERNAL",))


@pytest.mark.parametrize(
    ("recipient", "necessity", "reason"),
    [("hab", "", "NECESSITY_MISSING"), ("bup-b", "care_planning", "LIMB_MISSING")],
)
def test_care_internal_refuses(kit: Any, recipient: str, necessity: str, reason: str) -> None:
    """CARE_INTERNAL: not without a stated need, and not to another region's care."""
    decision = kit.ask("dialogue.message", "bup", recipient, necessity=necessity)
    assert (decision.outcome, decision.reasons[0]) == ("deny", reason)


def test_emi_internal_permits_student_health_of_the_same_authority(kit: Any) -> None:
    """EMI_INTERNAL: the school's medical service tells other student health of the same authority, for support."""
    decision = kit.ask("dialogue.message", "emi", "psych", necessity="pupil_support")
    assert (decision.outcome, decision.grounds) == ("permit", ("EMI_INTERNAL",))


@pytest.mark.parametrize(
    ("sender", "recipient", "necessity", "reason"),
    [
        ("emi", "psych", "", "NECESSITY_MISSING"),
        ("emi", "school", "pupil_support", "CONSENT_MISSING"),
        ("psych", "emi", "pupil_support", "CONSENT_MISSING"),
        ("bup", "psych", "pupil_support", "CONSENT_MISSING"),
    ],
)
def test_emi_internal_refuses(kit: Any, sender: str, recipient: str, necessity: str, reason: str) -> None:
    """EMI_INTERNAL: not without a need, not to the teachers, not from others, and not from another authority."""
    decision = kit.ask("dialogue.message", sender, recipient, necessity=necessity)
    assert (decision.outcome, decision.reasons[0]) == ("deny", reason)
