"""What a draft says and tells, looked through before anything is said: then it is asked about first, or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.connectors.attachments import as_content
from samband.connectors.desk.ask import Ask, Onward
from samband.connectors.desk.due import expected
from samband.connectors.desk.forms import CHILD, Filled, Form, child_of
from samband.connectors.desk.pages.inbox import answers
from samband.connectors.desk.pages.sending import CALL, answer_or_ask
from samband.connectors.desk.pages.write import NECESSITY, label, mine
from samband.connectors.desk.roles import Page, Right
from samband.connectors.papers.source import Source
from samband.connectors.web.page import Shown
from samband.schemas.catalogue import categories
from samband.schemas.errors import RefusedError
from samband.schemas.identifiers import is_random

if TYPE_CHECKING:
    from samband.connectors.desk.drafts import Draft
    from samband.schemas.identifiers import ChildIdentifier

__all__ = ["check", "marked", "send"]


def check(ask: Ask) -> Shown | Onward:
    """Show what a draft says and tells, before it is sent."""
    draft = mine(ask, ask.query.text("draft"), ask.path["type"])
    made, filled = Form.of(draft.type), whole(ask, draft)
    if filled.faults:
        return Onward(f"write/{draft.type}?draft={draft.id}")
    own, other = ask.unit(draft.unit), ask.other(draft.to)
    said = [
        (each.name, label(ask, each), ask.words.value(each.field, filled.content[each.field.name]))
        for each in made.controls
        if each.field.name in filled.content and each.field.name != CHILD
    ]
    return Shown(
        "check",
        draft=draft,
        said=said,
        files=[(each.file.name, ask.words.size(each.file.size)) for each in draft.attached],
        takes_files=made.row.takes_files,
        child="" if draft.child else filled.content[CHILD],
        whose="same_child" if draft.reply else "no_number" if is_random(draft.child) else "same_talk",
        tells=categories(draft.type, filled.content, own.kind),
        why=draft.values.get(NECESSITY, ""),
        unit=own,
        to_unit=other,
        due=expected(ask.agreement, draft.type, ask.ms),
        theirs=answers(draft.type, other, own),
        call=draft.type == CALL,
    )


def whole(ask: Ask, draft: Draft) -> Filled:
    """Return a draft as the type's content, read again as a form is."""
    posted = {each.name: draft.values.get(each.field.name, "") for each in Form.of(draft.type).controls}
    filled = Form.of(draft.type).read(posted, user=ask.user, child=draft.child)
    if draft.attached:
        filled.content["attachments"] = as_content([each.file for each in draft.attached])
    return filled


def send(ask: Ask) -> Onward:
    """Ask first, or send; the same draft again is the same message.

    Raises:
        RefusedError: the child is marked as protected, and this person has not that right (`DESK_PROTECTED`).
    """
    draft = mine(ask, ask.form.text("draft"), ask.path["type"])
    filled = whole(ask, draft)
    if filled.faults:
        return Onward(f"write/{draft.type}?draft={draft.id}")
    number = child_of(filled.content[CHILD])
    if number and not ask.may(Page.INBOX, Right.PROTECTED) and marked(ask, number):
        raise RefusedError("DESK_PROTECTED", "the child is protected: this asks for a right that you do not have")
    return answer_or_ask(ask, draft, filled.content, question=ask.form.one_of("action", ("ask", "send")) != "send")


def marked(ask: Ask, number: ChildIdentifier) -> bool:
    """Say whether a child is marked as protected, as far as this party knows."""
    return Source(ask.party, number, ask.now).marked
