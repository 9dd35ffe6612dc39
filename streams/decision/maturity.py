"""Maturity: who must consent, as each discloser has found it; it holds for that discloser's own information only.

Law sets no age. A child's say grows with its maturity (FB 6:11, barnkonventionen 12), and a child under 15 decides
alone only exceptionally (JO 3153-2016): under 12 never here, from 12 to 14 only where the exception is said aloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from samband.schemas.errors import RefusedError
from samband.schemas.event_bodies import Maturity
from samband.schemas.identifiers import AgeBand
from samband.streams.decision.child import ChildState, MaturityFinding
from samband.streams.decision.speech import may

if TYPE_CHECKING:
    from samband.schemas.event_bodies import MaturityAssessed
    from samband.streams.decision.said import Said

__all__ = ["assess"]

MOST_OF_PARTY: Final = 8
"""Findings of one party that are remembered; the oldest goes, since a correction must always find room."""

MOST_PARTIES: Final = 32
"""Parties that have found something about one child; a real child meets fewer."""

_ALONE_FROM: Final = (AgeBand.FROM_15, AgeBand.FROM_18)


def assess(state: ChildState, body: MaturityAssessed, said: Said) -> ChildState:
    """Return the state with what the signer's party has found; the latest counts, the same again changes nothing.

    Raises:
        RefusedError: a child too young to decide alone, or too many parties.
    """
    may(state, body, said)
    if body.level is Maturity.CHILD and said.age_band == AgeBand.UNDER_12:
        raise RefusedError("MATURITY_TOO_YOUNG", "a child under 12 does not consent alone")
    if body.level is Maturity.CHILD and said.age_band not in _ALONE_FROM and not body.exceptional:
        raise RefusedError("MATURITY_EXCEPTIONAL", "a child under 15 consents alone only exceptionally")
    party, findings = said.signer.party, state.maturities
    own = [each for each in findings if each.party == party]
    if own and (own[-1].level, own[-1].exceptional) == (body.level, body.exceptional):
        return state
    if not own and len({each.party for each in findings}) >= MOST_PARTIES:
        raise RefusedError("MATURITY_TOO_MANY", f"at most {MOST_PARTIES} parties assess one child")
    if len(own) >= MOST_OF_PARTY:
        findings = tuple(each for each in findings if each is not own[0])
    found = MaturityFinding(body.level, said.signer.id, party, said.now, said.entry, body.exceptional)
    return replace(state, maturities=(*findings, found))
