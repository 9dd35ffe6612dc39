"""Investigations: a social services board's own word that it investigates a child's situation (SoL 20:1).

While one is open, other authorities owe that board what it asks for (SoL 20:6). It ends four months after it was
declared (SoL 20:2), in calendar months as law counts them: on the day with the same number, or the month's last where
there is none (lag 1930:173, 1 §), at the end of that day in Sweden. A board that prolongs it closes and declares anew,
so that each period is a decision of its own.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.streams.decision.child import ChildState, Investigation
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from samband.schemas.event_bodies import InvestigationDeclared
    from samband.streams.decision.said import Said

__all__ = ["declare", "ends"]

MONTHS: Final = 4
MOST_OF_PARTY: Final = 8
"""Investigations of one board that are remembered; the oldest goes."""

MOST_PARTIES: Final = 16
"""Boards that investigate one child; a real child meets one or two."""

_STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")


def ends(now: int) -> int:
    """Return when an investigation declared now ends, both in seconds since 1970 UTC."""
    today = datetime.fromtimestamp(now, UTC).astimezone(_STOCKHOLM).date()
    months = today.month - 1 + MONTHS
    year, month = today.year + months // 12, months % 12 + 1
    last = date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
    return int(datetime.combine(last + timedelta(days=1), time(), _STOCKHOLM).timestamp())


def declare(state: ChildState, body: InvestigationDeclared, said: Said) -> ChildState:
    """Return the state with the signer's own board's investigation opened or closed.

    Raises:
        RefusedError: not a board, one open already, none to close, or too many boards.
    """
    may(state, body, said)
    party, now, known = said.signer.party, said.now, state.investigations
    own = [each for each in known if each.party == party]
    standing = own[-1] if own and now < own[-1].until else None
    if not body.open:
        if standing is None:
            raise RefusedError("INVESTIGATION_UNKNOWN", "the board has no open investigation of this child")
        closed = replace(standing, until=now)
        return replace(state, investigations=tuple(closed if each is standing else each for each in known))
    if standing is not None:
        raise RefusedError("INVESTIGATION_OPEN", "the board's investigation is open already")
    if not own and len({each.party for each in known}) >= MOST_PARTIES:
        raise RefusedError("INVESTIGATION_TOO_MANY", f"at most {MOST_PARTIES} boards investigate one child")
    if len(own) >= MOST_OF_PARTY:
        known = tuple(each for each in known if each is not own[0])
    until = ends(min(body.first_said or now, now))
    if until <= now:
        raise RefusedError("INVESTIGATION_UNKNOWN", "the investigation that is said anew is over")
    opened = Investigation(said.signer.id, party, now, until, said.entry)
    return replace(state, investigations=(*known, opened))
