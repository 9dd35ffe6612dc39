"""A letter: its cover until somebody opens it, then what it says. Each time that it is shown is recorded.

Opening is a button, so that nothing that merely follows links opens anything. What is about a protected child is opened
for a stated reason each time, and shown in that answer alone. Files are had on the letter's own terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from samband.connectors.attachments import files_of
from samband.connectors.desk.ask import Ask, Fetched, Onward, protected
from samband.connectors.desk.pages.inbox import listed, to_answer
from samband.connectors.desk.roles import Page, Right
from samband.connectors.reading import KEPT, act, at_desk, misdirect, open_letter, read
from samband.connectors.tracking import VIEW
from samband.connectors.web.page import Query, Shown
from samband.schemas.attachment import MOST_FILES
from samband.schemas.catalogue import CATALOGUE, find
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.message_types import COMMON_FIELDS

if TYPE_CHECKING:
    from samband.connectors.store import InboxRow
    from samband.schemas.message_type import MessageType

__all__ = ["acted", "cover_or_content", "file", "message", "misdirected", "misdirecting", "opening", "replies"]

_SHORTEST: Final = 10
_LONGEST: Final = 500
_READABLE: Final = ("handed_over", "opened")
_DIALOGUE: Final = "dialogue.message"


def message(ask: Ask) -> Shown:
    """Show a letter: what it says where it was opened before, else its cover."""
    row = ask.letter(ask.message_id())
    return _content(ask, row, "") if _shows(ask, row, "") else _cover(ask, row)


def _shows(ask: Ask, row: InboxRow, reason: str) -> bool:
    """Say whether this person is shown what a letter says: it was opened, or it is protected and they say why."""
    if not ask.may_open(row):
        return False
    if protected(row):
        return row.state in _READABLE and not row.erased and len(reason) >= _SHORTEST
    return row.state in ("opened", "opened" if at_desk(ask.party, row.unit) else "handed_over")


def opening(ask: Ask) -> Shown | Onward:
    """Open a letter: recorded, its sender told, then shown.

    Raises:
        RefusedError: this person may not open it (`DESK_RIGHT`).
        InputError: it cannot be opened (any more) (`DESK_STATE`).
    """
    row = ask.letter(ask.message_id())
    if not ask.may_open(row):
        raise RefusedError("DESK_RIGHT", "this asks for a right that you do not have")
    if row.state not in _READABLE or row.erased:
        raise InputError("DESK_STATE", "the message cannot be opened")
    if not protected(row):
        open_letter(ask.party, row, user=ask.user, now=ask.ms)
        return Onward(f"inbox/{row.message_id.hex()}")
    reason = ask.form.text("reason", _LONGEST)
    if len(reason) < _SHORTEST:
        return _cover(ask, row, fault=True)
    return _content(ask, row, reason)


def cover_or_content(ask: Ask) -> Shown:
    """Show a letter, as `message`; the address of a form that was sent is loaded again."""
    return message(ask)


def file(ask: Ask) -> Fetched | Onward:
    """Hand out a file that came with a letter: recorded as a reading of it. Whoever is not shown it gets its page.

    The file is whole in memory, at most 30 MB: one that is broken is an error, and never half a file.

    Raises:
        InputError: no such letter or file.
        RefusedError: the file is not whole any more.
    """
    row, reason = ask.letter(ask.message_id()), ask.form.text("reason", _LONGEST)
    if not _shows(ask, row, reason):
        return Onward(f"inbox/{row.message_id.hex()}")
    named, number = ask.client.attachments(row.message_id), Query(ask.path).number("number", MOST_FILES)
    if not 1 <= number <= len(named):
        raise InputError("ATTACHMENT_UNKNOWN", "the message has no such attachment")
    read(ask.party, row, reason=reason, user=ask.user, now=ask.ms)
    return Fetched(named[number - 1].name, b"".join(ask.client.attachment(row.message_id, number - 1)))


def _cover(ask: Ask, row: InboxRow, *, fault: bool = False) -> Shown:
    return Shown("cover", status=400 if fault else 200, row=listed(ask, row), fault=fault, erased=row.erased,
                 readable=row.state in _READABLE and not row.erased, steps=_acts(ask, row))  # fmt: skip


def _content(ask: Ask, row: InboxRow, reason: str) -> Shown:
    """Record that it is read, then show it."""
    read(ask.party, row, reason=reason, user=ask.user, now=ask.ms)
    letter, kind = row.letter, find(row.type)
    fields = {each.name: each for each in (*COMMON_FIELDS, *kind.fields)}
    content: dict[str, Any] = letter["content"] or {}
    said = [
        (ask.words.label(fields[name]), ask.words.value(fields[name], value), len(str(value)) > 80)
        for name, value in content.items()
        if name in fields and value is not None and name != "attachments"
    ]
    user = content.get("acting_user") or {}
    may_act = ask.may(Page.INBOX, Right.ACT)
    return Shown(
        "message",
        row=listed(ask, ask.letter(row.message_id)),
        erased=row.erased,
        said=said,
        files=[(each.name, ask.words.size(each.size)) for each in files_of(content)],
        reason=reason,
        by=", ".join(filter(None, (user.get("id", ""), user.get("role", "")))),
        grounds=[ask.words.ground(each) for each in letter["grounds"]],
        obligations=[each for each in letter["obligations"] if each != "hold_protected"],
        decided=letter["decided_at"],
        replies=replies(ask, row) if may_act else [],
        may_act=may_act,
        answers=to_answer(ask, row),
        steps=_acts(ask, row),
        thread=_thread(ask, row),
        sender=ask.party.directory.find_unit(letter["sender_unit"]),
    )


def replies(ask: Ask, row: InboxRow) -> list[MessageType]:
    """Return the types that may answer a letter: the expected one first, its group's, then the dialogue."""
    own = ask.party.own_unit(row.unit)
    other = ask.party.directory.find_unit(row.letter["sender_unit"])
    if other is None or other.retired:
        return []
    kind = find(row.type)
    family = kind.name.partition(".")[0]
    names = [kind.expected_reply, *(name for name in CATALOGUE if name.partition(".")[0] == family), _DIALOGUE]
    found = [CATALOGUE[name] for name in dict.fromkeys(names) if name in CATALOGUE]
    return [
        each for each in found
        if (not each.event and each.may(own.kind, other.kind) and each.taken_by(other) and each.name != kind.name)
        or (each.name == _DIALOGUE and each.may(own.kind, other.kind) and each.taken_by(other))
    ]  # fmt: skip


def _acts(ask: Ask, row: InboxRow) -> list[dict[str, Any]]:
    """Return what people here have done with a letter, oldest first."""
    found = []
    for step in ask.party.store.steps(row.message_id):
        what = "shown" if step.kind == VIEW else step.outcome if step.kind == "event" else ""
        if what:
            who = ", ".join(filter(None, (step.detail.get("acting_user", ""), step.detail.get("role", ""))))
            found.append({"at": step.at, "what": what, "who": who, "message": step.detail.get("message", "")})
    return found


def _thread(ask: Ask, row: InboxRow) -> list[dict[str, Any]]:
    """Return the other letters of the same conversation that this person may know of."""
    rows = ask.party.store.letters_about(row.ref)
    mine = {unit.id for unit in ask.units}
    return [
        {"id": each.message_id.hex(), "type": each.type, "at": each.received,
         "sender": ask.name(each.letter["sender_unit"])}
        for each in rows
        if each.letter["conversation"] == row.letter["conversation"] and each.message_id != row.message_id
        and each.unit in mine and ask.may_open(each)
    ]  # fmt: skip


# what is done with it


def _to_act_on(ask: Ask) -> InboxRow:
    """Return a letter that this person may do something about.

    Raises:
        RefusedError: it is about a protected child, and they may not know (`DESK_RIGHT`).
    """
    row = ask.letter(ask.message_id())
    if protected(row) and not ask.may(Page.INBOX, Right.PROTECTED):
        raise RefusedError("DESK_RIGHT", "this asks for a right that you do not have")
    return row


def acted(ask: Ask) -> Onward:
    """Say that it is dealt with."""
    row = _to_act_on(ask)
    if row.state != "opened":
        raise InputError("DESK_STATE", "the message is not opened yet")
    act(ask.party, row.message_id, user=ask.user, now=ask.ms)
    return Onward(f"inbox/{row.message_id.hex()}")


def misdirecting(ask: Ask) -> Shown:
    """Ask once more: what is misdirected is erased here."""
    row = _to_act_on(ask)
    return Shown("misdirected", row=listed(ask, row), possible=row.state in KEPT)


def misdirected(ask: Ask) -> Onward:
    """Say that it was not meant for this unit."""
    row = _to_act_on(ask)
    misdirect(ask.party, row.message_id, user=ask.user, now=ask.ms)
    return Onward(f"inbox/{row.message_id.hex()}")
