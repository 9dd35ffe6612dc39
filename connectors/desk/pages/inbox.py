"""The inbox by unit: what came, what of it is not opened, when an answer is expected. It names no child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.connectors.desk.ask import Ask, protected
from samband.connectors.desk.due import Due, days_left, expected
from samband.connectors.pages import letters_before
from samband.connectors.reading import ACTED, at_desk
from samband.connectors.web.page import Shown
from samband.schemas.catalogue import find

if TYPE_CHECKING:
    from samband.connectors.store import InboxRow, Step
    from samband.schemas.units import Unit

__all__ = ["Listed", "answers", "inbox", "listed", "to_answer"]

_ROWS: Final = 50
SHOW: Final = {"new": ("waiting", "handing", "handed_over"), "opened": ("opened",),
               "ended": ("refused", "recalled", "misdirected")}  # fmt: skip
"""What can be looked at alone: states of letters."""
_RECEIPT: Final = "receipt"


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter as a list shows it."""

    id: str
    type: str
    """Empty where this person may not know."""
    sender: str
    unit: str
    came: int
    state: str
    protected: bool
    may_open: bool
    due: Due | None
    left: int
    """Days to the day on which an answer is expected."""
    answered: bool
    acted: bool
    at_desk: bool

    @property
    def waits(self) -> bool:
        """Say whether somebody here should do something about it."""
        return self.state in ("handed_over", "waiting", "handing") or (
            self.state == "opened" and self.due is not None and not self.answered and not self.acted
        )


def inbox(ask: Ask) -> Shown:
    """List what came to a unit, newest first."""
    units = ask.units
    unit = ask.query.text("unit")
    mine = [ask.unit(unit)] if unit else list(units)
    show = ask.query.one_of("show", SHOW)
    before = ask.query.number("before", 1 << 29)
    places = letters_before(ask.party.store, before, _ROWS + 1, units=[each.id for each in mine],
                            states=SHOW.get(show, ()))  # fmt: skip
    rows = [row for _, message_id in places[:_ROWS] if (row := ask.party.store.letter(message_id)) is not None]
    older = ask.link("inbox", unit=unit, show=show, before=places[_ROWS - 1][0]) if len(places) > _ROWS else ""
    return Shown(
        "inbox",
        rows=[listed(ask, row) for row in rows],
        units=units,
        unit=unit,
        show=show,
        shows=("", *SHOW),
        older=older,
        newest=ask.link("inbox", unit=unit, show=show) if before else "",
        far=[each.name for each in mine if not at_desk(ask.party, each.id)],
    )


def listed(ask: Ask, row: InboxRow) -> Listed:
    """Return a letter as a list shows it: of a protected child without its type, where this person may not know."""
    hidden = protected(row) and not ask.may_open(row)
    steps = ask.party.store.steps(row.message_id)
    due = None if hidden or row.erased else _due(ask, row)
    return Listed(
        row.message_id.hex(),
        "" if hidden else row.type,
        "" if hidden else ask.name(row.letter["sender_unit"]),
        ask.name(row.unit),
        row.received,
        row.state,
        protected(row),
        ask.may_open(row),
        due,
        days_left(due.at, ask.ms) if due and due.at else 0,
        any(_is_answer(step) for step in steps),
        row.code == ACTED,
        at_desk(ask.party, row.unit),
    )


def to_answer(ask: Ask, row: InboxRow) -> bool:
    """Say whether an answer to a letter is expected of us: what follows an acceptance comes from its sender."""
    sender = ask.party.directory.find_unit(row.letter["sender_unit"])
    return sender is not None and answers(row.type, ask.party.own_unit(row.unit), sender)


def answers(type_name: str, recipient: Unit, sender: Unit) -> bool:
    """Say whether the type that is expected next comes from the recipient of this one."""
    reply = find(type_name).expected_reply
    return reply not in ("", _RECEIPT) and find(reply).may(recipient.kind, sender.kind)


def _due(ask: Ask, row: InboxRow) -> Due | None:
    """Return when the answer is expected; for one that is expected and has no day, a day that is none."""
    if not to_answer(ask, row):
        return None
    return expected(ask.agreement, row.type, row.received) or Due(0, ("", ""), law=False)


def _is_answer(step: Step) -> bool:
    return step.kind == "event" and step.outcome == "answered"
