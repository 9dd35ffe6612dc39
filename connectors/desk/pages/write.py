"""Writing: choose what and to whom, and fill in the type's form; `checking` is what comes next.

write            the types that the unit may send, by group
write/TYPE       to whom; then the form, from the catalogue: what was written is kept as a draft from here on
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.desk.ask import Ask, Onward, protected
from samband.connectors.desk.attached import Fault, keep, look
from samband.connectors.desk.drafts import Draft, Drafts
from samband.connectors.desk.forms import CHILD, Control, Filled, Form
from samband.connectors.desk.pages.sending import CALL, NECESSITIES, asks_why
from samband.connectors.finder import find as find_units
from samband.connectors.reading import read
from samband.connectors.web.page import Shown
from samband.schemas.catalogue import find
from samband.schemas.choices import CHOICE_TEXTS
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.identifiers import is_random, without_number
from samband.schemas.media_types import KINDS, taken_by
from samband.schemas.message_types import GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samband.connectors.finder import Found
    from samband.connectors.store import InboxRow
    from samband.schemas.message_type import MessageType

__all__ = ["choices", "fill_in", "form", "kept_form", "label", "mine", "types", "unkeep"]

_UNITS: Final = 40
NECESSITY: Final = "necessity"
"""Beside the type's own fields: why the recipient needs it."""
_NO_NUMBER: Final = "no_number"


def types(ask: Ask) -> Shown:
    """List what a unit may send, by group."""
    named = ask.query.text("unit")
    unit = ask.unit(named) if named or len(ask.units) == 1 else None
    found: list[tuple[tuple[str, str], list[MessageType]]] = []
    if unit is not None:
        kinds = {each.kind for each in ask.party.directory.units if not each.retired}
        for group in GROUPS:
            rows = [row for row in group.types if not row.event and any(row.may(unit.kind, kind) for kind in kinds)]
            if rows:
                found.append(((group.label_sv, group.label_en), rows))
    return Shown("types", groups=found, unit=unit, units=ask.units)


def choices(ask: Ask, type_name: str, unit: str, words: str) -> list[Found]:
    """Return the units that could be written to, likeliest first: those that take the type, by what was asked for."""
    kind, own = find(type_name), ask.unit(unit)
    found = find_units(ask.party.directory.cards, words=words, receives=type_name)
    return [each for each in found if kind.may(own.kind, each.unit.kind) and each.unit.id != own.id][:_UNITS]


def form(ask: Ask) -> Shown:
    """Show to whom it could go; with a recipient, a letter that is answered or a draft, the form."""
    kind = Form.of(ask.path["type"]).row.name
    draft_id, reply = ask.query.text("draft"), ask.query.text("reply")
    if draft_id:
        return _shown(ask, mine(ask, draft_id, kind))
    if reply:
        return _shown(ask, _answering(ask, kind, _answered(ask, reply)))
    unit, to = ask.query.text("unit"), ask.query.text("to")
    if not unit and len(ask.units) != 1:
        return types(ask)
    own = ask.unit(unit)
    if not to:
        words = ask.query.text("q")
        return Shown("to", type=kind, found=choices(ask, kind, own.id, words), q=words, unit=own.id, units=ask.units,
                     adding=None, reply="")  # fmt: skip
    _check_pair(ask, kind, own.id, to)
    return _shown(ask, Draft(id=secrets.token_bytes(16).hex(), type=kind, unit=own.id, to=to))


def _answered(ask: Ask, reply: str) -> InboxRow:
    """Return the letter that is answered.

    Raises:
        RefusedError: this person may not open it (`DESK_RIGHT`).
        InputError: nobody has opened it, or what it said is erased (`DESK_STATE`).
    """
    row = ask.letter(_hex(reply))
    if not ask.may_open(row):
        raise RefusedError("DESK_RIGHT", "this asks for a right that you do not have")
    if row.state != "opened" or row.erased or not row.letter["content"]:
        raise InputError("DESK_STATE", "the message is not opened yet")
    return row


def _answering(ask: Ask, kind: str, row: InboxRow) -> Draft:
    """Return the beginning of an answer: case numbers go back, and what both types choose among is chosen the same."""
    content: dict[str, Any] = row.letter["content"]
    draft = Draft(id=secrets.token_bytes(16).hex(), type=kind, unit=row.unit, to=row.letter["sender_unit"],
                  child=content[CHILD], conversation=row.letter["conversation"],
                  reply=row.message_id.hex())  # fmt: skip
    _check_pair(ask, kind, draft.unit, draft.to)
    if protected(row):
        return draft  # what it said is shown for a reason only
    read(ask.party, row, reason="", user=ask.user, now=ask.ms)
    theirs = {each.name: each for each in find(row.type).fields}
    values = {
        each.field.name: str(content[each.field.name])
        for each in Form.of(kind).own
        if each.choices and content.get(each.field.name) in each.choices
        and theirs.get(each.field.name, each.field).choices == each.field.choices
    }  # fmt: skip
    for mine, other in (("recipient_reference", "sender_reference"), ("sender_reference", "recipient_reference")):
        if content.get(other) and Form.of(kind).common:
            values[mine] = content[other]
    return replace(draft, values=values)


def _check_pair(ask: Ask, kind: str, unit: str, to: str) -> None:
    """Check that the type goes from one unit to the other.

    Raises:
        InputError: it does not (`TYPE_NOT_FOR_KIND`), or there is no such unit.
    """
    own, other = ask.unit(unit), ask.other(to)
    if not find(kind).may(own.kind, other.kind) or not find(kind).taken_by(other):
        raise InputError("TYPE_NOT_FOR_KIND", "the type does not go to such a unit")


def mine(ask: Ask, draft_id: str, kind: str) -> Draft:
    """Return one of this person's drafts.

    Raises:
        InputError: there is none (any more) (`DESK_DRAFT`).
    """
    draft = Drafts(ask.party, ask.session.user).get(draft_id)
    if draft is None or draft.type != kind or draft.sent:
        raise InputError("DESK_DRAFT", "there is no such draft")
    ask.unit(draft.unit)
    return draft


def _shown(ask: Ask, draft: Draft, filled: Filled | None = None, files: Sequence[Fault] = ()) -> Shown:
    """Show the form with what is filled in, and with what is wrong with it and with its files."""
    made = Form.of(draft.type)
    own, other = ask.unit(draft.unit), ask.other(draft.to)
    wrong = {} if filled is None else filled.faults
    why = asks_why(ask.party, draft.type, own, other, ask.ms)
    return Shown(
        "form",
        status=400 if wrong or files else 200,
        form=made,
        attached=draft.attached,
        file_faults=files,
        kinds=[each for each in KINDS if each.name in taken_by(other)] if made.row.takes_files else None,
        draft=draft,
        values=draft.values if filled is None else {**draft.values, **filled.values},
        faults=wrong,
        labels={each.field.name: label(ask, each) for each in made.controls},
        limits={each.field.name: each.field.limit for each in made.controls},
        unit=own,
        to_unit=other,
        ask_child=(not draft.child or is_random(draft.child)) and not draft.reply and not made.row.unidentified,
        known_child=bool(draft.child) and not is_random(draft.child) and not draft.reply,
        why=NECESSITIES if why else (),
        call=draft.type == CALL,
        needs={each.field.name: _when(ask, made, each) for each in made.own if each.field.required_when},
    )


def label(ask: Ask, each: Control) -> str:
    """Return a field's label, of the two case numbers as the one who writes sees them."""
    return ask.words("form.our_reference") if each.field.name == "sender_reference" else ask.words.label(each.field)


def _when(ask: Ask, made: Form, each: Control) -> tuple[str, str]:
    """Return label and value of what makes a field required."""
    assert each.field.required_when is not None
    name, value = each.field.required_when
    label = next((ask.words.label(one.field) for one in made.own if one.field.name == name), name)
    return label, ask.words.choice(value) if value in CHOICE_TEXTS else value


def fill_in(ask: Ask) -> Shown | Onward:
    """Take a form: shown again with what is wrong, else kept as a draft and shown to be looked through."""
    draft = taken(ask)
    form_of = Form.of(draft.type)
    child = draft.child
    if form_of.row.unidentified or ask.form.one_of(_NO_NUMBER, ("yes",)):
        child = child or without_number(secrets.token_bytes(16))
    elif is_random(child) and not draft.reply:
        child = ""  # it was not known, and is now
    filled = form_of.read(ask.form.values, user=ask.user, child=child)
    draft = replace(draft, values=filled.values, child=child)
    why = asks_why(ask.party, draft.type, ask.unit(draft.unit), ask.other(draft.to), ask.ms)
    said_why = ask.form.one_of(NECESSITY, NECESSITIES)
    if why:
        draft.values[NECESSITY] = said_why
    draft, wrong = _attached(ask, draft)
    if ask.form.one_of("action", ("check", "keep")) == "keep" and not wrong:
        return Onward("")
    if why and not said_why:
        filled.faults[NECESSITY] = "choice"
    if filled.faults or wrong:
        return _shown(ask, draft, filled, wrong)
    return Onward(f"write/{draft.type}/check?draft={draft.id}")


def _attached(ask: Ask, draft: Draft) -> tuple[Draft, list[Fault]]:
    """Keep a draft with the files that its form brings and without those that it drops; say what cannot go.

    Raises:
        InputError: the type carries none (`ATTACHMENT_TYPE`).
    """
    if ask.uploads.files and not find(draft.type).takes_files:
        raise InputError("ATTACHMENT_TYPE", "the type carries no attachments")
    drafts, store = Drafts(ask.party, ask.session.user), ask.party.store
    left = [each for each in draft.attached if ask.form.one_of(f"drop-{each.key}", ("yes",)) != "yes"]
    looked, faults = look(ask.uploads, left, ask.other(draft.to))
    draft = drafts.keep(draft.with_files([*left, *(each.attached for each in looked)]), ask.ms)
    if not looked:
        return draft, faults
    return drafts.keep(draft.with_files([*left, *keep(store, looked)]), ask.ms), faults


def taken(ask: Ask) -> Draft:
    """Return the draft that a form is of: its own hidden values, each checked again.

    Raises:
        InputError: a value cannot be used, or what it answers is not this person's.
    """
    kind = Form.of(ask.path["type"]).row.name
    draft_id = ask.form.hexes("draft", 16).hex() or secrets.token_bytes(16).hex()
    kept = Drafts(ask.party, ask.session.user).get(draft_id)
    if kept is not None and kept.sent:
        raise InputError("DESK_DRAFT", "it is sent already")
    if kept is not None and kept.type == kind:
        ask.unit(kept.unit)
        return kept
    if reply := ask.form.text("reply"):
        return replace(_answering(ask, kind, _answered(ask, reply)), id=draft_id)
    unit, to = ask.form.text("unit"), ask.form.text("to")
    _check_pair(ask, kind, unit, to)
    return Draft(id=draft_id, type=kind, unit=unit, to=to)


def kept_form(ask: Ask) -> None:
    """Keep what a form says that came after its session's end; nothing else is done with it."""
    draft = taken(ask)
    known = Form.of(draft.type).controls
    values = {each.field.name: ask.form.values.get(each.name, "").replace("\r\n", "\n") for each in known}
    _attached(ask, replace(draft, values={**values, NECESSITY: ask.form.values.get(NECESSITY, "")}))


def unkeep(ask: Ask) -> Onward:
    """Erase a draft."""
    Drafts(ask.party, ask.session.user).drop(ask.form.text("draft"))
    return Onward("")


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError("MESSAGE_UNKNOWN", "there is no such message here") from None
