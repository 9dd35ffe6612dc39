"""What a draft becomes: a question to the gate, or a message. Then its page tells what came of it."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.client import FLOWING
from samband.connectors.desk.attached import source
from samband.connectors.desk.drafts import Draft, Drafts
from samband.connectors.reading import answered
from samband.schemas.rulebook import Need

if TYPE_CHECKING:
    from samband.connectors.desk.ask import Ask, Onward
    from samband.connectors.party import Party
    from samband.schemas.units import Unit

__all__ = ["CALL", "NECESSITIES", "answer_or_ask", "asks_why", "unsent", "wait_for"]

CONSENTED: Final = "consented"
CALL: Final = "concern.report"
"""The type that may not wait for a screen: the telephone stands on the form, before sending, and on the receipt."""
NECESSITIES: Final = ("care", "support", "protection", CONSENTED)
"""Why the recipient needs it, as a code word of the sender's own; the last says that a consent carries it instead."""
_LOOK_S: Final = 0.05


def asks_why(party: Party, type_name: str, sender: Unit, recipient: Unit, now: int) -> bool:
    """Say whether a ground that may carry the type between these units asks why it is needed."""
    rules = party.directory.rules.at(now)
    if rules is None:
        return False
    rows = rules.rulebook.rows(type_name).permits
    return any(Need.NECESSITY in row.needs and row.concerns(sender, recipient) for row in rows)


def answer_or_ask(ask: Ask, draft: Draft, content: dict[str, Any], *, question: bool) -> Onward:
    """Say it, wait a moment for the gate's answer, and go to the page that tells it."""
    from samband.connectors.desk.ask import Onward

    said = draft.values.get("necessity", "")
    necessity = "" if said == CONSENTED else said
    client, drafts = ask.client, Drafts(ask.party, ask.session.user)
    drafts.keep(replace(draft, sent=not question), ask.ms)
    if question:
        fields = tuple(key for key in content if key != "acting_user")
        message = client.ask(draft.type, recipient=draft.to, child=content["child_identifier"], now=ask.now,
                             unit=draft.unit, fields=fields, necessity=necessity,
                             message_id=secrets.token_bytes(16))  # fmt: skip
    else:
        message = client.send(
            draft.type, recipient=draft.to, now=ask.now, unit=draft.unit, necessity=necessity,
            conversation=bytes.fromhex(draft.conversation) if draft.conversation else None,
            ref_to=bytes.fromhex(draft.reply) if draft.reply else None, message_id=bytes.fromhex(draft.id),
            content={name: value for name, value in content.items() if name != "attachments"},
            attachments=[source(ask.party.store, each) for each in draft.attached],
        )  # fmt: skip
        if draft.reply:
            answered(ask.party, bytes.fromhex(draft.reply), message, user=ask.user, now=ask.ms)
    wait_for(ask, message)
    return Onward(f"sent/{message.hex()}" + (f"?draft={draft.id}" if question else ""))


def unsent(ask: Ask) -> list[Draft]:
    """Return this person's drafts, newest first: what was refused is one again, what was permitted is none any more."""
    drafts, found = Drafts(ask.party, ask.session.user), []
    for draft in drafts.all(ask.ms):
        if not draft.sent:
            found.append(draft)
            continue
        state = ask.client.outcome(bytes.fromhex(draft.id)).state
        if state in FLOWING:
            drafts.drop(draft.id)
        elif state != "waiting":
            again = replace(draft, id=secrets.token_bytes(16).hex(), sent=False, of=draft.id)
            found.append(drafts.again(draft, again, ask.ms))
        elif not ask.party.store.has_said(bytes.fromhex(draft.id)):
            found.append(drafts.keep(replace(draft, sent=False), ask.ms))  # it was not said after all
    return found


def wait_for(ask: Ask, message: bytes) -> None:
    """Wait a moment for the gate's answer."""
    deadline = time.monotonic() + ask.house.wait_s
    while not ask.client.outcome(message).decided and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
