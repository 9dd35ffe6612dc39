"""A child, at a party that holds the reference key: only by entering the number, with a reason that the log holds.

The number stands in no address and no cookie; the answer is the page itself and is nowhere kept. First the look-up is
in the outbox, durable, as an `act.logged` event (LOOKED_UP); then the data is read. Who looked, when, and why is kept
sealed in the party's own store, where the digest in the log proves it, and is shown to whoever comes next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.roles import Page, Right, may
from samband.connectors.look_ups import LONGEST, before, log_look_up, look_ups
from samband.schemas.identifiers import normalise

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["child", "look_up"]


def child(ask: Ask) -> Shown:
    """Show the form, and who has looked before."""
    with ask.house.party() as party:
        return Shown(
            "child",
            party=party.name,
            units=[unit for unit in party.units if not unit.retired],
            may_look=may(ask.session.roles, Page.CHILD, Right.LOOK_UP),
            looks=look_ups(party),
            found=None,
        )


def look_up(ask: Ask) -> Shown:
    """Log that somebody looks and why, then show what the party's Samband holds about the child.

    Raises:
        InputError: the number or the reason cannot be used; the error does not repeat it.
        OperatorError: it could not be logged, so nothing is shown.
    """
    from samband.connectors.book import ConsentBook
    from samband.connectors.subject_access import Reader, about

    number = normalise(ask.form.text("number"))
    reason = ask.form.text("reason", LONGEST)
    with ask.house.party() as party:
        earlier = before(party, number)
        user = {"id": ask.session.user, "role": "console"}
        logged = log_look_up(party, number, user=user, reason=reason, function="console", now=ask.now,
                             unit=ask.form.text("unit"))  # fmt: skip
        found = about(party, number, Reader.CHILD, ask.now, consents=ConsentBook(party).entries())
        return Shown(
            "child",
            party=party.name,
            units=[unit for unit in party.units if not unit.retired],
            may_look=True,
            looks=look_ups(party),
            before=earlier,
            logged=logged.hex(),
            found=found,
            ref=_now(party, number, ask),
        )


def _now(party: Party, number: str, ask: Ask) -> str:
    """Return the reference that stands for the child now."""
    return party.ref(number, party.epoch(int(ask.now.timestamp() * 1000))).hex()
