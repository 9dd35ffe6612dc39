"""Parties and keys: cards, units, keys with their periods and revocations, certificates, and the directory's head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.attention import certificates
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.streams.directory_book import Known

__all__ = ["parties", "party"]


def parties(ask: Ask) -> Shown:
    """List the parties, and what ends first."""
    directory = ask.house.hub.directory
    return Shown(
        "parties",
        cards=list(directory.cards.values()),
        head=directory.head,
        head_hash=directory.head_hash.hex(),
        certificates=[
            (name, 0 if ends is None else int(ends.timestamp() * 1000))
            for name, ends in certificates(ask.house.hub.home)
        ],
        now=_now(ask),
    )


def party(ask: Ask) -> Shown:
    """Show one party: its units and every key it ever had.

    Raises:
        InputError: no card names it (`CONSOLE_UNKNOWN`).
    """
    directory = ask.house.hub.directory
    card = directory.cards.get(ask.path["party"])
    if card is None:
        raise InputError("CONSOLE_UNKNOWN", "no card names such a party")
    keys = [known for known in directory.keys.values() if known.party == card.party]
    keys.sort(key=lambda each: (each.card.purpose, each.card.unit, -each.card.not_before))
    return Shown(
        "party", card=card, units=list(card.units), keys=[_key(each, _now(ask)) for each in keys], now=_now(ask)
    )


def _now(ask: Ask) -> int:
    return int(ask.now.timestamp() * 1000)


def _key(known: Known, now: int) -> dict[str, Any]:
    revocation = known.revocation
    state = (
        "good"
        if known.is_good(now)
        else "revoked"
        if revocation
        else "over"
        if now >= known.card.not_after
        else "later"
    )
    return {
        "kid": known.kid.hex(),
        "purpose": known.card.purpose,
        "unit": known.card.unit,
        "begins": known.card.not_before,
        "ends": known.card.not_after,
        "state": state,
        "revoked": revocation.at if revocation else 0,
        "reason": str(revocation.reason) if revocation else "",
    }
