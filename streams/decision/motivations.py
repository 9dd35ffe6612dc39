"""Motivations: a named function of the discloser decides once that a manual ground carries something, until a day.

It opens the ground for the signer's own party's information only, since nobody else may disclose that; which messages
the ground can carry at all is the rulebook's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.schemas.speech import MANUAL_GROUNDS
from samband.streams.decision.child import ChildState, Motivation
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from samband.schemas.event_bodies import GroundMotivated
    from samband.streams.decision.said import Said

__all__ = ["motivate"]

MOST_OF_PARTY: Final = 16
"""Motivations of one party that stand at once; more is no motivated decision any more."""

MOST: Final = 128
"""Motivations of one child."""


def motivate(state: ChildState, body: GroundMotivated, said: Said) -> ChildState:
    """Return the state with a motivated decision.

    Raises:
        RefusedError: no manual ground, no unit, a wrong period, an id that is used, or too many.
    """
    may(state, body, said)
    now, party = said.now, said.signer.party
    if body.ground not in MANUAL_GROUNDS:
        raise RefusedError("MOTIVATION_GROUND", "the ground is none that a function decides on")
    if any(said.unit(unit).kind.family == "coordination" for unit in body.recipients):
        raise RefusedError("TYPE_NOT_FOR_KIND", "a steering group gets no information about a child")
    if body.valid_to <= now or body.valid_to - max(body.valid_from, now) > said.longest:
        raise RefusedError("MOTIVATION_PERIOD", "a motivated decision ends in the future, within the longest period")
    if any(each.motivated.motivation_id == body.motivation_id for each in state.motivations):
        raise RefusedError("MOTIVATION_ID_USED", "this decision is recorded already")
    standing = [each for each in state.motivations if each.party == party and now < each.motivated.valid_to]
    if len(standing) >= MOST_OF_PARTY:
        raise RefusedError("MOTIVATION_TOO_MANY", f"at most {MOST_OF_PARTY} decisions of a party stand at once")
    kept = state.motivations
    if len(kept) >= MOST:  # what has ended makes room; the log keeps it
        kept = tuple(each for each in kept if now < each.motivated.valid_to)
        if len(kept) >= MOST:
            raise RefusedError("MOTIVATION_TOO_MANY", f"at most {MOST} decisions stand for one child")
    return replace(state, motivations=(*kept, Motivation(body, said.signer.id, party, now, said.entry)))
