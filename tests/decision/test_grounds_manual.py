"""Manual grounds: a named function decides and says why, once per message or until a day.

Each docstring is the rule in words.
"""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.categories import Category

WHY = {"necessity": "care_planning"}
OPENED = [
    ("CANNOT_CONSENT", "bup", "hvb"),
    ("CANNOT_CONSENT", "emi", "ifo"),
    ("GENERAL_CLAUSE", "psych", "ifo"),
    ("GENERAL_CLAUSE", "preschool", "bup"),
    ("NECESSARY_OWN", "ifo", "hvb"),
    ("NECESSARY_OWN", "school", "free-school"),
    ("LVU_BOARD", "ifo", "school"),
    ("LVU_BOARD", "clinic-private", "hvb"),
]


def _permits(kit: Any, ground: str) -> None:
    ways = [way[1:] for way in OPENED if way[0] == ground]
    assert ways
    for sender, recipient in ways:
        asked = kit.ask("dialogue.message", sender, recipient, ground=ground, **WHY)
        assert (asked.outcome, asked.reasons) == ("ask", ("ASK_MANUAL",))
        opened = kit.ask("dialogue.message", sender, recipient, ground=ground, motivated=True, **WHY)
        assert (opened.outcome, opened.grounds) == ("permit", (ground,))
        standing = kit.motivated(kit.told(), ground, sender, recipient)
        until_then = kit.ask("dialogue.message", sender, recipient, standing, **WHY)
        assert (until_then.outcome, until_then.grounds) == ("permit", (ground,))


def _refuses(kit: Any, ground: str, *ways: tuple[str, str]) -> None:
    for sender, recipient in ways:
        decision = kit.ask("dialogue.message", sender, recipient, ground=ground, motivated=True, **WHY)
        assert (decision.outcome, decision.reasons) == ("deny", ("NO_GROUND",))
    sender, recipient = next(way[1:] for way in OPENED if way[0] == ground)
    unclaimed = kit.ask("dialogue.message", sender, recipient, motivated=True, **WHY)
    assert unclaimed.outcome == "deny"
    assert "ASK_MANUAL" not in unclaimed.reasons


def test_cannot_consent_permits_what_a_function_decided(kit: Any) -> None:
    """CANNOT_CONSENT: where the patient cannot consent, care gives necessary care what it needs, also private."""
    _permits(kit, "CANNOT_CONSENT")


def test_cannot_consent_refuses_others(kit: Any) -> None:
    """CANNOT_CONSENT: not from private care or social services, and not to the teachers."""
    _refuses(kit, "CANNOT_CONSENT", ("clinic-private", "ifo"), ("ifo", "bup"), ("bup", "school"))
    assert kit.ask("dialogue.message", "bup", "hvb", ground="CANNOT_CONSENT").reasons == ("NECESSITY_MISSING",)


def test_general_clause_permits_what_a_function_decided(kit: Any) -> None:
    """GENERAL_CLAUSE: school tells an authority what plainly outweighs the secrecy."""
    _permits(kit, "GENERAL_CLAUSE")


def test_general_clause_refuses_others(kit: Any) -> None:
    """GENERAL_CLAUSE: not for the medical service, care or social services, and not to a private party."""
    _refuses(kit, "GENERAL_CLAUSE", ("emi", "ifo"), ("bup", "ifo"), ("ifo", "school"), ("school", "free-school"),
             ("free-school", "ifo"))  # fmt: skip
    assert kit.ask("dialogue.message", "psych", "ifo", ground="GENERAL_CLAUSE").reasons == ("NECESSITY_MISSING",)


def test_necessary_own_permits_what_a_function_decided(kit: Any) -> None:
    """NECESSARY_OWN: an authority tells, also a private home, what its own task cannot do without."""
    _permits(kit, "NECESSARY_OWN")


def test_necessary_own_refuses_others(kit: Any) -> None:
    """NECESSARY_OWN: a private party has no such exception."""
    _refuses(kit, "NECESSARY_OWN", ("hvb", "ifo"), ("free-school", "school"), ("clinic-private", "bup"))
    assert kit.ask("dialogue.message", "ifo", "hvb", ground="NECESSARY_OWN").reasons == ("NECESSITY_MISSING",)


def test_lvu_board_permits_what_a_function_decided(kit: Any) -> None:
    """LVU_BOARD: with the board's decision in the guardian's place, a named function lets it pass."""
    _permits(kit, "LVU_BOARD")


def test_lvu_board_refuses_without_a_claim(kit: Any) -> None:
    """LVU_BOARD: it is nobody's reason until somebody claims it."""
    _refuses(kit, "LVU_BOARD")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ground": "ONE_GUARDIAN"}, "CONSENT_MISSING"),
        ({"by": "ifo-b"}, "CONSENT_MISSING"),
        ({"to": "school"}, "CONSENT_MISSING"),
        ({"categories": (Category.IDENTITY,)}, "CONSENT_MISSING"),
        ({"about": "guardian"}, "CONSENT_MISSING"),
        ({"since": 1}, "CONSENT_MISSING"),
        ({"until": 0}, "CONSENT_MISSING"),
        ({}, ""),
        ({"by": "duty"}, ""),
        ({"since": 0, "until": 1}, ""),
    ],
)
def test_a_standing_decision_opens_what_it_names(kit: Any, change: dict[str, Any], reason: str) -> None:
    """A motivated decision opens its own ground, for its authority, recipients, kinds of information and days."""
    what = {"ground": "LVU_BOARD", "by": "ifo", "to": "hvb", **change}
    for day in ("since", "until"):
        if day in what:
            what[day] += kit.NOW
    state = kit.motivated(kit.told(), what.pop("ground"), what.pop("by"), what.pop("to"), **what)
    decision = kit.ask("dialogue.message", "ifo", "hvb", state)
    assert decision.reasons == ((reason,) if reason else ())
    assert decision.grounds == (() if reason else ("LVU_BOARD",))


def test_an_urgent_manual_disclosure_is_reviewed(kit: Any) -> None:
    """What could not wait for the usual function passes, and a reviewing function looks at it at once."""
    for necessity, reviewed in (("urgent", True), ("care_planning", False)):
        decision = kit.ask(
            "dialogue.message", "ifo", "hvb", ground="NECESSARY_OWN", motivated=True, necessity=necessity
        )
        assert decision.outcome == "permit"
        assert ("review_urgent" in decision.obligations) == reviewed
    duty = kit.ask("health_exam.request", "ifo", "bup", necessity="urgent")
    assert "review_urgent" not in duty.obligations


def test_a_function_opens_only_the_ground_that_it_claims(kit: Any) -> None:
    """That a function has decided on one ground makes no other one carry."""
    decision = kit.ask("dialogue.message", "ifo", "hvb", ground="CONSENT", motivated=True, **WHY)
    assert (decision.outcome, decision.reasons) == ("deny", ("CONSENT_MISSING",))
