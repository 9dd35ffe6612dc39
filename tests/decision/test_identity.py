"""A child that gets another number."""

from __future__ import annotations

from typing import Any

import pytest

from samband.schemas.events import (
    Act,
    ActLogged,
    CircleHandover,
    CircleUpdate,
    ConsentRefused,
    ConsentWithdrawn,
    Digest,
    GiverRole,
    Id16,
    IdentityChanged,
    InvestigationDeclared,
    MarkKind,
    Maturity,
    MaturityAssessed,
    Member,
    ProtectionMarked,
)
from samband.streams.decision.child import ChildState, Circle
from tests.decision.saying import refused, say

OLD, NEW = Id16(b"o" * 16), Id16(b"n" * 16)
ARRIVING, LEAVING = IdentityChanged(OLD, True), IdentityChanged(NEW, False)
LOGGED = ActLogged(Act.LOOKED_UP, "registrator", Digest(bytes(32)))


@pytest.fixture
def old(kit: Any) -> ChildState:
    """Give a child with a circle and a consent, at its old number."""
    members = (Member("school", "school", kit.NOW - 9), Member("bup", "bup", kit.NOW - 9, kit.NOW - 1),
               Member("hvb", "hvb", kit.NOW + 99))  # fmt: skip
    return say(kit, say(kit, ChildState(), CircleUpdate(members, claim=True), "ifo"), kit.consent(), "ifo")


def test_at_the_new_number_the_unit_is_responsible(kit: Any) -> None:
    """Where nobody is, a board's unit becomes responsible; where it is already, nothing changes; no pointer is kept."""
    state = say(kit, ChildState(), ARRIVING, "ifo")
    assert state == ChildState(circle=Circle("ifo", kit.NOW))
    assert say(kit, state, ARRIVING, "ifo", at=9) == state
    assert OLD not in repr(state).encode()


def test_it_is_no_way_to_another_s_child(kit: Any, old: ChildState) -> None:
    """A child that another unit answers for is not taken by saying that it arrived, nor emptied by who is not its."""
    for signer in ("ifo-b", "duty"):
        assert refused(kit, old, ARRIVING, signer) == "CIRCLE_TAKEN"
        assert refused(kit, old, LEAVING, signer) == "CIRCLE_NOT_YOURS"
    assert refused(kit, ChildState(), LEAVING, "ifo") == "CIRCLE_NOT_YOURS"
    for signer in ("school", "lss-private"):
        assert refused(kit, ChildState(), ARRIVING, signer) == "IDENTITY_NOT_SOCIAL"
        assert refused(kit, old, LEAVING, signer) == "IDENTITY_NOT_SOCIAL"
    contested = say(kit, old, CircleUpdate(claim=True), "ifo-b")
    for body in (ARRIVING, LEAVING):
        assert refused(kit, contested, body, "ifo") == "CIRCLE_CONTESTED"


def test_the_old_number_ends(kit: Any, old: ChildState) -> None:
    """At the old number the circle empties, who belonged until now is remembered, and consents stay where they are."""
    gone = say(kit, old, LEAVING, "ifo", at=5)
    assert gone.moved_at == kit.NOW + 5
    assert gone.circle.responsible == ""
    assert [(each.unit, each.valid_to - kit.NOW) for each in gone.circle.members] == [("school", 5), ("bup", -1)]
    assert not any(gone.circle.has(unit, kit.NOW + 5) for unit in ("ifo", "school", "bup", "hvb"))
    assert gone.consents == old.consents
    assert NEW not in repr(gone).encode()


@pytest.mark.parametrize(
    ("body", "signer"),
    [
        (CircleUpdate(claim=True), "ifo"),
        (CircleHandover("ifo-b"), "ifo"),
        (ARRIVING, "ifo"),
        (LEAVING, "ifo"),
        (InvestigationDeclared(True, Digest(bytes(32))), "ifo"),
        (MaturityAssessed(Maturity.GUARDIANS, Digest(bytes(32))), "school"),
    ],
)
def test_nothing_new_is_said_at_the_old_number(kit: Any, old: ChildState, body: Any, signer: str) -> None:
    """After the change, what would build on the old number is refused, whoever says it."""
    assert refused(kit, say(kit, old, LEAVING, "ifo"), body, signer, at=9) == "IDENTITY_MOVED"
    assert refused(kit, say(kit, old, LEAVING, "ifo"), kit.consent(number=2), "ifo", at=9) == "IDENTITY_MOVED"


def test_a_no_and_a_protection_are_still_heard(kit: Any, old: ChildState) -> None:
    """Withdrawals, refusals, marks and logged acts are taken at the old number too."""
    gone = say(kit, old, LEAVING, "ifo")
    assert say(kit, gone, ConsentWithdrawn(), "school").consents[0].closed_at
    assert say(kit, gone, ConsentRefused(Id16(b"\x01" * 16), GiverRole.CHILD), "school").consents[0].refused
    assert say(kit, gone, ProtectionMarked(MarkKind.THREAT), "clinic-private").standing_marks
    assert say(kit, gone, LOGGED, "hvb") == gone


def test_under_a_threat_nothing_is_linked(kit: Any, old: ChildState) -> None:
    """With fingerade personuppgifter (OSL 21:3) on either side the change is refused; other marks do not hinder it."""
    mark = ProtectionMarked(MarkKind.THREAT)
    assert refused(kit, say(kit, ChildState(), mark, "hvb"), ARRIVING, "ifo") == "IDENTITY_PROTECTED"
    assert refused(kit, say(kit, old, mark, "hvb"), LEAVING, "ifo") == "IDENTITY_PROTECTED"
    for kind in set(MarkKind) - {MarkKind.THREAT}:
        assert say(kit, say(kit, old, ProtectionMarked(kind), "hvb"), LEAVING, "ifo").moved_at
    lift = ProtectionMarked(MarkKind.THREAT, lifted=True)
    lifted = say(kit, say(kit, say(kit, old, mark, "hvb"), lift, "hvb"), lift, "ifo")
    assert say(kit, lifted, LEAVING, "ifo").moved_at


@pytest.mark.parametrize("signer", ["ifo", "school", "bup", "hvb", "clinic-private", "ifo-b"])
def test_an_act_is_logged_and_changes_nothing(kit: Any, old: ChildState, signer: str) -> None:
    """Any unit owes the log a line about what it did; the gate remembers nothing of it."""
    assert say(kit, old, LOGGED, signer) is old
