"""What a draft becomes: a question to the gate, or a message. Then its page tells what came of it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.desk.drafts import Draft, Drafts
from samband.connectors.desk.roles import Page, Right
from samband.connectors.reading import answered
from samband.schemas.rulebook import Need

if TYPE_CHECKING:
    from samband.connectors.desk.ask import Ask, Onward
    from samband.connectors.party import Party
    from samband.schemas.units import Unit

__all__ = ["NECESSITIES", "answer_or_ask", "asks_why"]

CONSENTED: Final = "consented"
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
    if question:
        fields = tuple(key for key in content if key != "acting_user")
        message = client.ask(draft.type, recipient=draft.to, child=content["child_identifier"], now=ask.now,
                             unit=draft.unit, fields=fields, necessity=necessity,
                             message_id=secrets.token_bytes(16))  # fmt: skip
    else:
        message = client.send(
            draft.type, recipient=draft.to, content=content, now=ask.now, unit=draft.unit, necessity=necessity,
            conversation=bytes.fromhex(draft.conversation) if draft.conversation else None,
            ref_to=bytes.fromhex(draft.reply) if draft.reply else None, message_id=bytes.fromhex(draft.id),
        )  # fmt: skip
        if draft.reply:
            answered(ask.party, bytes.fromhex(draft.reply), message, user=ask.user, now=ask.ms)
    _wait(ask, message)
    state = client.outcome(message).state
    if not question and state not in ("deny", "ask", "refused"):
        drafts.drop(draft.id)
        return Onward(f"sent/{message.hex()}")
    return Onward(f"sent/{message.hex()}?draft={_next(ask, drafts, draft, question=question).id}")


def _next(ask: Ask, drafts: Drafts, draft: Draft, *, question: bool) -> Draft:
    """Keep what was written: to be sent after the question, or as a message of another id after a refusal."""
    from dataclasses import replace

    if question:
        return drafts.keep(draft, ask.ms)
    drafts.drop(draft.id)
    return drafts.keep(replace(draft, id=secrets.token_bytes(16).hex()), ask.ms)


def _wait(ask: Ask, message: bytes) -> None:
    deadline = time.monotonic() + ask.house.wait_s
    while not ask.client.outcome(message).decided and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def may_send(ask: Ask) -> bool:
    """Say whether this person speaks for their units."""
    return ask.may(Page.WRITE, Right.ACT)
