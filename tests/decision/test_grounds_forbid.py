"""What nobody overrides; each docstring is the rule in words."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.categories import Category
from samband.schemas.events import MarkKind, ProtectionMarked

NEEDED = {"limb": "under_18", "necessity": "care_planning"}
MARKED = (ProtectionMarked(MarkKind.SECRECY), "school")
REPORTER = ("concern:child", "reporter_identity:other")


@pytest.mark.parametrize("category", ["address:child", "whereabouts:child", "school_name:child"])
def test_forbid_protected_refuses_over_every_permit(kit: Any, category: str) -> None:
    """FORBID_PROTECTED: a marked child's address, whereabouts and school are told on no ground whatever."""
    everything = kit.consent(to=["school", "bup"], categories=tuple(Category))
    state = kit.told((everything, "ifo"), MARKED)
    for type_name, recipient in (("placement.notice", "school"), ("health_exam.request", "bup")):
        decision = kit.ask(type_name, "ifo", recipient, state, categories=("identity:child", category), **NEEDED)
        assert decision.outcome == "deny"
        assert decision.grounds == ("FORBID_PROTECTED",)
        assert decision.reasons == ("PROTECTED_ADDRESS",)


def test_forbid_protected_permits_the_rest_and_leaves_the_unmarked_alone(kit: Any) -> None:
    """FORBID_PROTECTED: the rest still passes, held back by the adapter; an unmarked child's address may be told."""
    state = kit.told((kit.consent(categories=tuple(Category)), "ifo"), MARKED)
    decision = kit.ask("placement.notice", "ifo", "school", state)
    assert decision.outcome == "permit"
    assert "hold_protected" in decision.obligations
    unmarked = kit.told((kit.consent(categories=tuple(Category)), "ifo"))
    decision = kit.ask("placement.notice", "ifo", "school", unmarked, categories=("address:child",))
    assert decision.outcome == "permit"
    assert "hold_protected" not in decision.obligations


@pytest.mark.parametrize("kind", list(MarkKind))
def test_forbid_protected_permits_the_units_that_every_mark_names(kit: Any, kind: MarkKind) -> None:
    """FORBID_PROTECTED: a unit that the mark names is still told; each standing mark must name it."""
    consents = kit.told((kit.consent(to=["school", "hvb"], categories=tuple(Category)), "ifo"))
    state = kit.marked(consents, kind, "school")
    told = {"categories": ("address:child",)}
    assert kit.ask("placement.notice", "ifo", "school", state, **told).outcome == "permit"
    assert kit.ask("placement.notice", "ifo", "hvb", state, **told).grounds == ("FORBID_PROTECTED",)
    twice = kit.marked(state, MarkKind.THREAT)
    assert kit.ask("placement.notice", "ifo", "school", twice, **told).grounds == ("FORBID_PROTECTED",)


def _refuses(kit: Any, ground: str, reason: str, sender: str, recipient: str, **claims: Any) -> None:
    """Assert that a forbid row refuses although everybody has consented and a function has decided."""
    given = kit.consent(by=[sender], to=[recipient], categories=tuple(Category), about=claims.pop("about", "child"))
    state = kit.told((given, sender))
    for claimed in ("", "CONSENT", "LVU_BOARD"):
        decision = kit.ask("dialogue.message", sender, recipient, state, ground=claimed, motivated=True, **claims)
        assert (decision.outcome, decision.grounds, decision.reasons) == ("deny", (ground,), (reason,))


@pytest.mark.parametrize("sender", ["ifo", "lss-private", "hvb"])
def test_forbid_reporter_refuses_who_reported_from_social_services(kit: Any, sender: str) -> None:
    """FORBID_REPORTER: social services and institutions do not pass on who made a report, on any ground."""
    _refuses(kit, "FORBID_REPORTER", "REPORTER_PROTECTED", sender, "school", categories=REPORTER, necessity="urgent")


def test_forbid_reporter_permits_the_rest(kit: Any) -> None:
    """FORBID_REPORTER: what else the message tells may pass; and the school may say who reported."""
    state = kit.told((kit.consent(categories=tuple(Category)), "ifo"))
    assert kit.ask("dialogue.message", "ifo", "school", state, categories=("concern:child",)).outcome == "permit"
    assert kit.ask("concern.report", "school", "ifo", categories=REPORTER).outcome == "permit"


@pytest.mark.parametrize("sender", ["bup", "clinic-private", "emi"])
def test_forbid_care_reporter_refuses_who_told_care(kit: Any, sender: str) -> None:
    """FORBID_CARE_REPORTER: health care does not pass on who told something about a patient, on any ground."""
    _refuses(kit, "FORBID_CARE_REPORTER", "REPORTER_PROTECTED", sender, "hvb", categories=REPORTER)


@pytest.mark.parametrize("sender", ["bup", "emi"])
def test_forbid_care_reporter_permits_a_reporter_to_name_itself(kit: Any, sender: str) -> None:
    """FORBID_CARE_REPORTER: in a concern report of their own, those who report may name themselves."""
    assert kit.ask("concern.report", sender, "ifo", categories=REPORTER).grounds == ("DUTY_REPORT",)


@pytest.mark.parametrize("purpose", ["crime_prevention", "crime_investigation"])
def test_forbid_crime_refuses_such_a_purpose(kit: Any, purpose: str) -> None:
    """FORBID_CRIME: nothing passes in order to prevent or investigate crime, duties included."""
    _refuses(kit, "FORBID_CRIME", "PURPOSE_OUT_OF_SCOPE", "ifo", "bup", necessity=purpose, limb="under_18")
    assert kit.ask("concern.report", "school", "ifo", necessity=purpose).grounds == ("FORBID_CRIME",)


@pytest.mark.parametrize("purpose", ["benefit_fraud", "incorrect_payment"])
def test_forbid_fraud_refuses_such_a_purpose(kit: Any, purpose: str) -> None:
    """FORBID_FRAUD: nothing passes against benefit fraud or incorrect payments."""
    _refuses(kit, "FORBID_FRAUD", "PURPOSE_OUT_OF_SCOPE", "school", "ifo", necessity=purpose)


def test_forbid_crime_permits_care(kit: Any) -> None:
    """FORBID_CRIME: what is needed for care is another purpose."""
    assert kit.ask("dialogue.message", "ifo", "bup", **NEEDED).grounds == ("SOCIAL_TO_CARE",)


def test_forbid_fraud_permits_care(kit: Any) -> None:
    """FORBID_FRAUD: what is needed for care is another purpose."""
    assert kit.ask("health_exam.statement", "bup", "ifo", **NEEDED).grounds == ("CARE_TO_SOCIAL",)
