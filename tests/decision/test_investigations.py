"""A board's own word that it investigates."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from samband.schemas.events import Digest, InvestigationDeclared
from samband.schemas.units import PartyId
from samband.streams.decision.child import ChildState
from samband.streams.decision.investigations import MOST_OF_PARTY, MOST_PARTIES, ends
from tests.decision.saying import refused, say

OPEN = InvestigationDeclared(True, Digest(bytes(32)))
CLOSE = InvestigationDeclared(False, Digest(bytes(32)))


@pytest.mark.parametrize(
    ("declared", "last_second"),
    [
        ("2026-03-02 09:00:00", "2026-07-02 23:59:59"),  # over the change to summer time
        ("2026-10-31 12:00:00", "2027-02-28 23:59:59"),  # February has no 31st
        ("2027-10-31 12:00:00", "2028-02-29 23:59:59"),  # a leap year
        ("2026-10-01 00:00:00", "2027-02-01 23:59:59"),  # the first second of a day in Sweden, not in UTC
        ("2026-09-30 23:59:59", "2027-01-30 23:59:59"),
        ("2026-12-15 10:00:00", "2027-04-15 23:59:59"),  # over new year and the clock
    ],
)
def test_it_ends_four_months_later_at_midnight_in_sweden(declared: str, last_second: str) -> None:
    """An investigation ends with the day of the same number four months on (SoL 20:2; lag 1930:173, 1 §)."""
    zone = ZoneInfo("Europe/Stockholm")
    at, last = (int(datetime.fromisoformat(each).replace(tzinfo=zone).timestamp()) for each in (declared, last_second))
    assert ends(at) == last + 1


def test_a_board_opens_and_closes_its_own(kit: Any) -> None:
    """A board's unit opens its own investigation, another of its units closes it; another board's goes on."""
    state = say(kit, ChildState(), OPEN, "ifo")
    assert [(each.party, each.until) for each in state.investigations] == [("city-social", ends(kit.NOW))]
    assert refused(kit, state, OPEN, "duty") == "INVESTIGATION_OPEN"
    assert refused(kit, state, CLOSE, "ifo-b") == "INVESTIGATION_UNKNOWN"
    both = say(kit, state, OPEN, "ifo-b", at=5)
    closed = say(kit, both, CLOSE, "duty", at=9)
    assert [each.until for each in closed.investigations] == [kit.NOW + 9, ends(kit.NOW + 5)]
    assert refused(kit, closed, CLOSE, "ifo", at=9) == "INVESTIGATION_UNKNOWN"
    assert say(kit, closed, OPEN, "ifo", at=9).investigations[-1].party == "city-social"


def test_it_ends_by_itself(kit: Any) -> None:
    """After four months there is nothing to close, and the board may declare anew."""
    state = say(kit, ChildState(), OPEN, "ifo")
    over = ends(kit.NOW) - kit.NOW
    assert refused(kit, state, OPEN, "ifo", at=over - 1) == "INVESTIGATION_OPEN"
    assert refused(kit, state, CLOSE, "ifo", at=over) == "INVESTIGATION_UNKNOWN"
    assert len(say(kit, state, OPEN, "ifo", at=over).investigations) == 2


@pytest.mark.parametrize("signer", ["school", "bup", "hvb", "lss-private"])
def test_only_a_board_investigates(kit: Any, signer: str) -> None:
    """School, care, an institution or a private provider declares no investigation."""
    assert refused(kit, ChildState(), OPEN, signer) == "INVESTIGATION_NOT_BOARD"


def test_the_memory_is_bounded(kit: Any) -> None:
    """A board's oldest investigation goes for a new one, and a flood of boards is refused."""
    state = ChildState()
    for at in range(0, 2 * MOST_OF_PARTY + 4, 2):
        state = say(kit, say(kit, state, OPEN, "ifo", at=at), CLOSE, "ifo", at=at + 1)
    assert [each.at - kit.NOW for each in state.investigations] == list(range(4, 2 * MOST_OF_PARTY + 4, 2))
    one = state.investigations[0]
    others = tuple(replace(one, party=PartyId(f"party-{n}")) for n in range(MOST_PARTIES - 1))
    full = ChildState(investigations=(one, *others))
    assert refused(kit, full, OPEN, "ifo-b") == "INVESTIGATION_TOO_MANY"
    assert say(kit, full, OPEN, "duty", at=99) != full
