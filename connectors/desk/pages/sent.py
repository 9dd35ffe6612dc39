"""What was said: a list, one message's ladder in words, what happens next; recalling, and adding a participant."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.attachments import files_of
from samband.connectors.desk.ask import Ask, Onward, protected, unknown
from samband.connectors.desk.drafts import Draft, Drafts
from samband.connectors.desk.forms import CHILD, Form
from samband.connectors.desk.ladder import tell
from samband.connectors.desk.pages.inbox import listed
from samband.connectors.desk.pages.sending import CALL, unsent
from samband.connectors.desk.roles import Page, Right
from samband.connectors.pages import said_before, said_of
from samband.connectors.reading import read
from samband.connectors.reserve import TEXT_EN, TEXT_SV
from samband.connectors.web.page import Shown
from samband.schemas.catalogue import CATALOGUE, decode_content
from samband.schemas.errors import FormatError, InputError
from samband.schemas.reasons import Remedy, explain

if TYPE_CHECKING:
    from samband.connectors.store import OutboxRow, Step

__all__ = ["add", "adding", "recall", "sent", "sent_list"]

_FILES: Final = {
    "waiting": "waiting", "permit": "going", "accepted": "going", "handed_over": "there", "opened": "there",
    "acted": "there", "deny": "stopped", "ask": "stopped", "refused": "stopped", "recalled": "stopped",
    "mismatch": "stopped", "failed": "stopped", "expired": "stopped",
}  # fmt: skip
"""State of a message: what is said of its files."""
_ROWS: Final = 50
_LOOKED: Final = 400


def sent_list(ask: Ask) -> Shown:
    """List what this person's units have said, newest first; questions too."""
    before = ask.query.number("before", 1 << 29)
    mine, rows, last = {unit.id for unit in ask.units}, [], 0
    for number, row in said_before(ask.party.store, before, _LOOKED):
        last = number
        told = _row(ask, row)
        if told is not None and told["sender"] in mine:
            rows.append(told)
        if len(rows) == _ROWS:
            break
    more = bool(last) and bool(said_before(ask.party.store, last, 1))
    return Shown("sent_list", rows=rows, older=ask.link("sent", before=last) if more else "",
                 newest=ask.link("sent") if before else "")  # fmt: skip


def _row(ask: Ask, row: OutboxRow) -> dict[str, Any] | None:
    if row.type not in CATALOGUE or CATALOGUE[row.type].event:
        return None
    draft, steps = ask.party.store.draft(row.message_id), ask.party.store.steps(row.message_id)
    detail = _detail(steps)
    sender = draft.sender if draft else detail.get("sender", "")
    recipient = draft.recipient if draft else detail.get("recipient", "")
    question = draft.ask if draft else bool(detail.get("ask"))
    state = tell(steps, steps[-1].outcome if steps else "waiting").state
    return {"id": row.message_id.hex(), "type": row.type, "sender": sender, "to": ask.name(recipient), "state": state,
            "at": row.created, "question": question, "recipient": recipient}  # fmt: skip


def _detail(steps: list[Step]) -> dict[str, Any]:
    return next((step.detail for step in steps if step.detail.get("sender")), {})


def _own(ask: Ask) -> tuple[bytes, dict[str, Any]]:
    """Return a message that one of this person's units said.

    Raises:
        InputError: there is none (`MESSAGE_UNKNOWN`).
    """
    message_id = ask.message_id()
    said = said_of(ask.party.store, message_id)
    row = None if said is None else _row(ask, said)
    if row is None or row["sender"] not in {unit.id for unit in ask.units}:
        raise unknown()
    return message_id, row


def sent(ask: Ask) -> Shown:
    """Show what became of a message or a question, and what happens next."""
    message_id, row = _own(ask)
    outcome = ask.client.outcome(message_id)
    told = tell(outcome.steps, outcome.state)
    judged = told.judged
    reasons = [] if judged is None else list(judged.detail.get("reasons", ()))
    if judged is not None and judged.code and judged.outcome not in ("permit", "accepted") and not reasons:
        reasons = [judged.code]
    openings = [] if judged is None or told.going else ask.client.openings(judged)
    recipient = ask.party.directory.find_unit(row["recipient"])
    # A question tells the recipient nothing, and is nothing to read out to them.
    reserve = None if row["question"] else ask.client.reserve(message_id, ask.ms)
    return Shown(
        "sent",
        row=row,
        told=told,
        recipient=recipient,
        reserve=f"{ask.words.of((TEXT_SV, TEXT_EN))} {reserve.number}." if reserve else "",
        grounds=[ask.words.ground(each) for each in (judged.detail.get("grounds", ()) if judged else ())],
        reasons=[ask.words.reason(each) for each in reasons],
        by_family=any(explain(code).remedy is Remedy.FAMILY for code in reasons),
        openings=[ask.words.ground(each) for each in openings],
        files=_files(ask, message_id, told.state),
        tells=list(judged.detail.get("categories", ())) if judged else [],
        may_act=ask.may(Page.SENT, Right.ACT),
        may_write=ask.may(Page.WRITE),
        may_print=ask.may(Page.PAPERS, Right.RELEASE),
        may_record=ask.may(Page.CONSENTS, Right.RECORD),
        recallable=not row["question"] and told.state in ("waiting", "permit", "accepted"),
        draft=_draft(ask, message_id) if ask.may(Page.WRITE) else None,
        call=row["type"] == CALL,
    )


def _files(ask: Ask, message_id: bytes, state: str) -> dict[str, Any] | None:
    """Return how far a message's files have come, and their names for as long as they are kept here."""
    from samband.connectors.desk.pages.checking import marked

    done, every = ask.client.parts(message_id)
    if not every or state not in _FILES:
        return None
    draft, named = ask.party.store.draft(message_id), list[tuple[str, str]]()
    if draft is not None and draft.content and ask.may(Page.WRITE):
        content = decode_content(draft.type, draft.content)
        if ask.may(Page.INBOX, Right.PROTECTED) or not marked(ask, content[CHILD]):
            named = [(each.name, ask.words.size(each.size)) for each in files_of(content)]
    return {"how": _FILES[state], "done": done, "every": every, "named": named}


def _draft(ask: Ask, message_id: bytes) -> Draft | None:
    """Return what is kept of what was written: what the question was about, or what was refused."""
    named = ask.query.hexes("draft", 16).hex()
    return next((each for each in unsent(ask) if each.of == message_id.hex() or each.id == named), None)


def recall(ask: Ask) -> Onward:
    """Ask the gate to stop a message that has not arrived."""
    message_id, _ = _own(ask)
    ask.client.recall(message_id, now=ask.now)
    return Onward(f"sent/{message_id.hex()}")


# another participant


def adding(ask: Ask) -> Shown:
    """Show who could be added to a conversation: to each it is a message, and a decision, of its own."""
    from samband.connectors.desk.pages.write import choices

    kind, unit, source = _source(ask)
    return Shown("to", type=kind, found=choices(ask, kind, unit, ask.query.text("q")), q=ask.query.text("q"),
                 unit=unit, units=ask.units, adding=source, reply="")  # fmt: skip


def add(ask: Ask) -> Onward:
    """Begin the message to another participant: in the same conversation, about the same child."""
    kind, unit, source = _source(ask)
    to = ask.other(ask.form.text("to"))
    if not CATALOGUE[kind].may(ask.unit(unit).kind, to.kind):
        raise InputError("TYPE_NOT_FOR_KIND", "the type does not go to such a unit")
    content, conversation = _said(ask, source)
    known = {each.field.name for each in Form.of(kind).controls} - {CHILD, "recipient_reference"}
    if source["where"] == "inbox":
        known.discard("sender_reference")  # theirs
    values = {name: _typed(value) for name, value in content.items() if name in known and value is not None}
    draft = Draft(id=secrets.token_bytes(16).hex(), type=kind, unit=unit, to=to.id, values=values,
                  child=content.get(CHILD, ""), conversation=conversation)  # fmt: skip
    Drafts(ask.party, ask.session.user).keep(draft, ask.ms)
    return Onward(f"write/{kind}?draft={draft.id}")


def _typed(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _source(ask: Ask) -> tuple[str, str, dict[str, str]]:
    """Return (type, own unit, {where, id}) of what another participant is added to.

    Raises:
        InputError: it is not opened, or there is none.
    """
    if ask.path.get("where") == "inbox":
        row = ask.letter(ask.message_id())
        shown = listed(ask, row)
        if not shown.may_open or row.state != "opened" or row.erased:
            raise InputError("DESK_STATE", "the message is not opened yet")
        own = ask.party.own_unit(row.unit)
        kind = row.type if any(CATALOGUE[row.type].may(own.kind, unit.kind) for unit in ask.party.directory.units) \
            else "dialogue.message"  # fmt: skip
        return kind, row.unit, {"where": "inbox", "id": row.message_id.hex()}
    message_id, told = _own(ask)
    return told["type"], told["sender"], {"where": "sent", "id": message_id.hex()}


def _said(ask: Ask, source: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Return the content as far as it is here, and the conversation."""
    message_id = bytes.fromhex(source["id"])
    if source["where"] == "inbox":
        row = ask.letter(message_id)
        content, conversation = row.letter["content"] or {}, row.letter["conversation"]
        if protected(row):
            return {CHILD: content.get(CHILD, "")}, conversation  # the rest is shown for a reason only
        read(ask.party, row, reason="", user=ask.user, now=ask.ms)
        return content, conversation
    draft = ask.party.store.draft(message_id)
    if draft is None:
        return {}, ""  # it has arrived, and is kept here no longer
    try:
        content = decode_content(draft.type, draft.content) if draft.content else {}
    except FormatError:
        content = {}
    return content, draft.conversation.hex()
