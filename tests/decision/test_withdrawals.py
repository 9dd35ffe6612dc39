"""A consent taken back: by any unit, never refused, whole or in part, and what of it is recalled."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.categories import Category
from samband.schemas.errors import RefusedError
from samband.schemas.events import ConsentRefused, ConsentWithdrawn, GiverRole, Scope
from samband.streams.decision.child import ChildState
from samband.streams.decision.withdrawals import stops, withdrawn_by

ONE, TWO = b"\x01" * 16, b"\x02" * 16


@pytest.mark.parametrize("signer", ["ifo", "school", "bup", "hvb", "ifo-b", "clinic-private"])
def test_withdrawal_by_any_unit_closes_everything_recorded_before(kit: Any, signer: str) -> None:
    """Any unit that hears it withdraws; everything recorded before is closed, whoever recorded it; a new one counts."""
    state = kit.told((kit.consent(), "ifo"), (kit.consent(number=2, by=["bup"], to=["school"]), "bup"))
    state = kit.tell(state, ConsentWithdrawn(giver_role=GiverRole.CHILD), signer)
    for sender in ("ifo", "bup"):
        decision = kit.ask("dialogue.message", sender, "school", state)
        assert (decision.outcome, decision.reasons) == ("deny", ("CONSENT_WITHDRAWN",))
    renewed = kit.tell(state, kit.consent(number=3), "ifo")
    assert kit.ask("dialogue.message", "ifo", "school", renewed).outcome == "permit"


@pytest.mark.parametrize("body", [ConsentWithdrawn(Scope.CONSENT, TWO), ConsentRefused(TWO, GiverRole.CHILD)])  # type: ignore[arg-type]
def test_withdrawal_of_an_unknown_consent_wins_over_its_later_arrival(kit: Any, body: Any) -> None:
    """A withdrawal or refusal that names a consent is remembered, and closes it when it arrives afterwards."""
    state = kit.told((kit.consent(), "ifo"), (body, "school"))
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "permit"
    remembers = ChildState(withdrawals=state.withdrawals)
    another = kit.tell(remembers, kit.consent(number=3), "ifo")
    assert kit.ask("placement.notice", "ifo", "school", another).outcome == "permit"
    late = kit.tell(remembers, kit.consent(number=2), "ifo")
    expected = "CONSENT_REFUSED" if isinstance(body, ConsentRefused) else "CONSENT_WITHDRAWN"
    assert kit.ask("placement.notice", "ifo", "school", late).reasons == (expected,)


def test_withdrawal_for_one_recipient_leaves_the_other(kit: Any) -> None:
    """A withdrawal towards one recipient closes that; when the last recipient is gone the consent is closed."""
    state = kit.told((kit.consent(to=["school", "hvb"]), "ifo"))
    state = kit.tell(state, ConsentWithdrawn(Scope.RECIPIENT, recipient="school"), "school")
    assert kit.ask("dialogue.message", "ifo", "school", state).reasons == ("CONSENT_WITHDRAWN",)
    assert kit.ask("dialogue.message", "ifo", "hvb", state).outcome == "permit"
    state = kit.tell(state, ConsentWithdrawn(Scope.RECIPIENT, recipient="hvb"), "school")
    assert state.consents[0].closed_at == kit.NOW


def test_withdrawal_for_one_category_leaves_the_rest(kit: Any) -> None:
    """A withdrawal of one category closes that; when the last is gone the consent is closed."""
    state = kit.told((kit.consent(), "ifo"))
    state = kit.tell(state, ConsentWithdrawn(Scope.CATEGORY, category=Category.PLACEMENT), "school")
    assert kit.ask("dialogue.message", "ifo", "school", state).reasons == ("CONSENT_WITHDRAWN",)
    more = kit.ask("dialogue.message", "ifo", "school", state, categories=("health:child", "placement:child"))
    assert more.reasons == ("CONSENT_WITHDRAWN",)
    assert kit.ask("dialogue.message", "ifo", "school", state, categories=("identity:child",)).outcome == "permit"
    state = kit.tell(state, ConsentWithdrawn(Scope.CATEGORY, category=Category.IDENTITY), "school")
    assert state.consents[0].closed_at == kit.NOW


def test_a_repeated_withdrawal_changes_nothing(kit: Any) -> None:
    """The same withdrawal again leaves only its last time in the memory, so that repeating it cannot fill it."""
    state = kit.told((kit.consent(), "ifo"), (ConsentWithdrawn(), "school"))
    again = kit.tell(state, ConsentWithdrawn(), "bup", kit.NOW + 5)
    assert [each.again for each in again.withdrawals] == [kit.NOW + 5]
    assert again.consents == state.consents
    assert kit.tell(again, ConsentWithdrawn(first_said=kit.NOW + 4), "bup", kit.NOW + 9) == again


def test_a_withdrawal_closes_what_was_given_since_the_last_one(kit: Any) -> None:
    """A family that consents anew and withdraws again in the same words has withdrawn again."""
    state = kit.told((kit.consent(), "ifo"), (ConsentWithdrawn(), "school"), (kit.consent(number=2), "ifo"))
    assert kit.ask("placement.notice", "ifo", "school", state).outcome == "permit"
    assert kit.ask("placement.notice", "ifo", "school", kit.tell(state, ConsentWithdrawn(), "school")).outcome == "deny"


def test_withdrawn_by_and_stops_tell_what_to_recall(kit: Any) -> None:
    """A withdrawal recalls what leaned on a consent that it closes, as far as recipient and category go."""
    state = kit.told((kit.consent(to=["school", "hvb"]), "ifo"), (kit.consent(number=2, to=["bup"]), "ifo"))
    told = ("identity:child", "placement:child")
    assert withdrawn_by(state, ConsentWithdrawn()) == {ONE, TWO}
    assert withdrawn_by(state, ConsentRefused(TWO, GiverRole.CHILD)) == {TWO}  # type: ignore[arg-type]
    to_school = ConsentWithdrawn(Scope.RECIPIENT, recipient="school")
    assert withdrawn_by(state, to_school) == {ONE}
    assert stops(state, to_school, [ONE], "school", told)
    assert not stops(state, to_school, [ONE], "hvb", told)
    assert not stops(state, to_school, [TWO], "bup", told)
    of_placement = ConsentWithdrawn(Scope.CATEGORY, category=Category.PLACEMENT)
    assert stops(state, of_placement, [ONE], "hvb", told)
    assert not stops(state, of_placement, [ONE], "hvb", ("identity:child",))
    assert stops(state, ConsentWithdrawn(), [ONE], "hvb", told)
    assert stops(state, ConsentRefused(TWO, GiverRole.CHILD), [TWO], "bup", told)  # type: ignore[arg-type]
    assert not stops(state, ConsentRefused(TWO, GiverRole.CHILD), [ONE], "school", told)  # type: ignore[arg-type]
    closed = kit.tell(state, ConsentWithdrawn(), "school")
    assert withdrawn_by(closed, ConsentWithdrawn()) == set()


def test_a_steering_group_takes_nothing_back(kit: Any) -> None:
    """Any unit around a child hears a withdrawal; a steering group is none."""
    with pytest.raises(RefusedError) as caught:
        kit.told((kit.consent(), "ifo"), (ConsentWithdrawn(), "bus"))
    assert caught.value.code == "TYPE_NOT_FOR_KIND"
