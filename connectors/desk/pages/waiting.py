"""The first page: what waits for us, what we wait for, and what somebody has begun to write. It names no child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from samband.connectors.desk.ask import Ask
from samband.connectors.desk.ladder import TROUBLE, tell
from samband.connectors.desk.pages.inbox import listed
from samband.connectors.desk.pages.sending import unsent
from samband.connectors.desk.roles import Page
from samband.connectors.pages import letters_before, said_before
from samband.connectors.waiting import waiting as waits
from samband.connectors.web.page import Shown
from samband.schemas.catalogue import CATALOGUE

if TYPE_CHECKING:
    from samband.connectors.desk.pages.inbox import Listed

__all__ = ["waiting"]

_LOOKED: Final = 300
"""Letters and messages that are looked through, the newest."""
_NEWS_MS: Final = 14 * 86_400_000
_FAR: Final = 1 << 62


def waiting(ask: Ask) -> Shown:
    """Show what somebody here should do, most urgent first."""
    to_open, to_answer = _letters(ask)
    return Shown(
        "waiting",
        to_open=to_open,
        to_answer=to_answer,
        stuck=_stuck(ask),
        ours=_ours(ask),
        drafts=unsent(ask) if ask.may(Page.WRITE) else [],
        name=ask.name,
        may_write=ask.may(Page.WRITE),
        may_read=ask.may(Page.INBOX),
    )


def _letters(ask: Ask) -> tuple[list[Listed], list[Listed]]:
    units = [unit.id for unit in ask.units]
    if not units or not ask.may(Page.INBOX):
        return [], []
    states = ("waiting", "handing", "handed_over", "opened")
    places = letters_before(ask.party.store, 0, _LOOKED, units=units, states=states)
    rows = [row for _, message_id in places if (row := ask.party.store.letter(message_id)) is not None]
    found = [each for each in (listed(ask, row) for row in rows) if each.waits]

    def urgent(each: Listed) -> tuple[int, int]:
        return (each.due.at if each.due and each.due.at else _FAR, each.came)

    return (
        sorted((each for each in found if each.state != "opened"), key=urgent),
        sorted((each for each in found if each.state == "opened"), key=urgent),
    )


def _stuck(ask: Ask) -> list[dict[str, Any]]:
    """Return what this person's units said lately and that did not go through: it needs somebody."""
    if not ask.may(Page.SENT):
        return []
    mine, found = {unit.id for unit in ask.units}, []
    for _, row in said_before(ask.party.store, 0, _LOOKED):
        if row.created < ask.ms - _NEWS_MS or row.type not in CATALOGUE or CATALOGUE[row.type].event:
            continue
        steps = ask.party.store.steps(row.message_id)
        detail = next((step.detail for step in steps if step.detail.get("sender")), {})
        if not steps or detail.get("ask") or detail.get("sender") not in mine:
            continue
        told = tell(steps, steps[-1].outcome)
        if told.state in TROUBLE:
            found.append({"id": row.message_id.hex(), "type": row.type, "to": ask.name(detail.get("recipient", "")),
                          "state": told.state, "at": steps[-1].at})  # fmt: skip
    return found


def _ours(ask: Ask) -> list[dict[str, Any]]:
    """Return what was said and has not arrived: nobody here needs to do anything about it."""
    if not ask.may(Page.SENT):
        return []
    mine, found = {unit.id for unit in ask.units}, []
    for each in waits(ask.party, ask.ms):
        draft = ask.party.store.draft(each.message_id)
        if draft is None or draft.sender not in mine or draft.ask or CATALOGUE[each.type].event:
            continue
        found.append({"id": each.message_id.hex(), "type": each.type, "to": ask.name(each.recipient),
                      "state": each.state, "since": each.since, "late": each.late})  # fmt: skip
    return found
