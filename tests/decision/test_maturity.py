"""What a discloser has found about who must consent."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas.events import Digest, Maturity, MaturityAssessed
from samband.schemas.units import PartyId
from samband.streams.decision.child import ChildState
from samband.streams.decision.maturity import MOST_OF_PARTY, MOST_PARTIES
from tests.decision.saying import refused, say


def found(level: Maturity, *, exceptional: bool = False) -> MaturityAssessed:
    return MaturityAssessed(level, Digest(bytes(32)), exceptional)


def test_any_unit_assesses_for_its_own_authority(kit: Any) -> None:
    """A finding is its party's own; each party's latest one stands last, the earlier ones are remembered."""
    state = ChildState()
    for at, (level, signer) in enumerate(
        [(Maturity.CHILD, "bup"), (Maturity.GUARDIANS, "school"), (Maturity.GUARDIANS_AND_CHILD, "bup")]
    ):
        state = say(kit, state, found(level), signer, at=at, age="15-17")
    assert [(each.party, each.level) for each in state.maturities] == [
        ("region", "child"), ("city-school", "guardians"), ("region", "guardians+child"),
    ]  # fmt: skip
    assert state.maturities[-1].by == "bup"
    assert state.maturities[-1].at == kit.NOW + 2


@pytest.mark.parametrize(
    ("age", "exceptional", "code"),
    [
        ("<12", False, "MATURITY_TOO_YOUNG"), ("<12", True, "MATURITY_TOO_YOUNG"),
        ("12-14", False, "MATURITY_EXCEPTIONAL"), ("12-14", True, ""),
        ("15-17", False, ""), ("18-20", False, ""),
        ("unknown", False, "MATURITY_EXCEPTIONAL"), ("", False, "MATURITY_EXCEPTIONAL"),
    ],
)  # fmt: skip
def test_a_child_decides_alone_by_age(kit: Any, age: str, exceptional: bool, code: str) -> None:
    """Under 12 no child consents alone, under 15 only where the exception is said aloud (JO 3153-2016)."""
    body = found(Maturity.CHILD, exceptional=exceptional)
    if code:
        assert refused(kit, ChildState(), body, "bup", age=age) == code
    else:
        assert say(kit, ChildState(), body, "bup", age=age).maturities[0].exceptional is exceptional


@pytest.mark.parametrize("level", [Maturity.GUARDIANS, Maturity.GUARDIANS_AND_CHILD])
def test_the_guardians_may_always_be_asked(kit: Any, level: Maturity) -> None:
    """That guardians consent, with or without the child, can be found at any age."""
    assert say(kit, ChildState(), found(level), "bup", age="<12").maturities[0].level is level


def test_the_same_again_changes_nothing(kit: Any) -> None:
    """A finding repeated leaves the memory as it is, also from another unit of the party."""
    state = say(kit, ChildState(), found(Maturity.GUARDIANS), "school")
    assert say(kit, state, found(Maturity.GUARDIANS), "emi", at=9) == state


def test_a_correction_always_finds_room(kit: Any) -> None:
    """A party's oldest finding goes for a new one; other parties' stay."""
    state = say(kit, ChildState(), found(Maturity.GUARDIANS), "school")
    for at in range(MOST_OF_PARTY + 3):
        level = Maturity.GUARDIANS if at % 2 else Maturity.GUARDIANS_AND_CHILD
        state = say(kit, state, found(level), "bup", at=at)
        assert state.maturities[-1].level is level
    assert [each.at - kit.NOW for each in state.maturities] == [0, *range(3, MOST_OF_PARTY + 3)]
    assert state.maturities[0].party == "city-school"


def test_a_flood_of_parties_is_refused(kit: Any) -> None:
    """More parties than a child meets are refused; those that have found something go on."""
    one = say(kit, ChildState(), found(Maturity.GUARDIANS), "bup").maturities[0]
    others = tuple(replace(one, party=PartyId(f"party-{n}")) for n in range(MOST_PARTIES - 1))
    full = ChildState(maturities=(one, *others))
    assert refused(kit, full, found(Maturity.GUARDIANS), "school") == "MATURITY_TOO_MANY"
    assert say(kit, full, found(Maturity.GUARDIANS_AND_CHILD), "bup") != full
