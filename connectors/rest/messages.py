"""Saying something, asking first, following it, and stopping it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from samband.connectors.pages import said_before
from samband.connectors.reserve import TEXT_EN, TEXT_SV
from samband.connectors.rest import files
from samband.connectors.rest.calls import CURSOR, LIMIT, WAIT, Answer, Call, Operation, rfc3339
from samband.connectors.rest.ladder import ground_of, step_of
from samband.connectors.rest.problems import ProblemError, fault_of
from samband.connectors.rest.settings import Scope
from samband.connectors.rest.shapes import Ask, Message, Reserve, Said, SaidPage, Send
from samband.connectors.tracking import VIEW, track
from samband.schemas import catalogue
from samband.schemas.identifiers import normalise

if TYPE_CHECKING:
    from samband.connectors.rest.house import Hosted

__all__ = ["OPERATIONS", "answer", "message_of"]

_LOOK_S: Final = 0.05


async def answer(call: Call, said: dict[str, str], headers: dict[str, str]) -> Answer:
    """Wait as long as the caller would for the gate's answer, and say how it stands."""
    message_id = bytes.fromhex(said["message_id"])
    await wait(call, message_id)
    found = message_of(call.hosted, message_id, call.now_ms)
    found.consent_id = said.get("consent_id", msgspec.UNSET)
    return Answer(found, {**headers, "location": f"/v1/messages/{said['message_id']}"})


async def wait(call: Call, message_id: bytes) -> None:
    """Wait until the gate has answered, or the time is over."""
    left = call.patience
    if not left or call.hosted.client.outcome(message_id).decided:
        return
    with call.waiting:
        deadline = asyncio.get_running_loop().time() + left
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_LOOK_S)
            if call.hosted.client.outcome(message_id).decided:
                return


def message_of(hosted: Hosted, message_id: bytes, now: int) -> Message:
    """Return what became of a message.

    Raises:
        InputError: this party knows no such message (`MESSAGE_UNKNOWN`).
    """
    found = track(hosted.party, message_id, now)
    letter = hosted.party.store.letter(message_id)
    state = found.state if letter is not None else hosted.client.outcome(message_id).state
    reserve = hosted.client.reserve(message_id, now)
    return Message(
        message_id=message_id.hex(),
        type=found.type,
        sender=found.sender,
        recipient=found.recipient,
        state=state,
        late=found.waits is not None and found.waits.late,
        openings=[ground_of(each) for step in found.steps[:1] for each in hosted.client.openings(step)],
        steps=[step_of(each) for each in found.steps if each.kind != VIEW],
        reserve=msgspec.UNSET
        if reserve is None
        else Reserve(
            number=reserve.number,
            since=rfc3339(reserve.since),
            text_sv=f"{TEXT_SV} {reserve.number}.",
            text_en=f"{TEXT_EN} {reserve.number}.",
        ),
    )


async def send(call: Call) -> Answer:
    """Take a message into the outbox."""
    body: Send = call.body
    check_content(body.type, body.content)
    named = body.attachments or ()
    files.check_ids(named)
    client, store = call.hosted.client, call.hosted.party.store
    ref_to = bytes.fromhex(body.reply_to) if body.reply_to else None
    answered = store.letter(ref_to) if ref_to else None
    conversation = bytes.fromhex(answered.letter["conversation"]) if answered else None

    def act(ids: Any) -> dict[str, str]:
        known: bytes | None = ids("message")
        if named and known and store.has_said(known):  # it has its files, which may be over by now
            return {"message_id": known.hex()}
        message = client.send(
            body.type, recipient=body.recipient, content=body.content, now=call.now, unit=body.unit,
            ground=body.ground, limb=body.limb, necessity=body.necessity, conversation=conversation, ref_to=ref_to,
            message_id=known, life_days=body.life_days, attachments=files.sources(call, named),
        )  # fmt: skip
        return {"message_id": message.hex()}

    said, headers = call.once(act)
    files.drop(call, named)
    return await answer(call, said, headers)


def check_content(type_name: str, content: dict[str, Any]) -> None:
    """Check a content whole, so that an answer names each field that is wrong.

    Raises:
        ProblemError: with one error for each field.
        InputError: no such type (`TYPE_UNKNOWN`).
    """
    found = list(catalogue.faults(type_name, content))
    if not found:
        return
    errors = [fault_of(each, "/content") for each in found]
    detail = f"{len(errors)} of the content's fields cannot be used" if len(errors) > 1 else found[0].message
    raise ProblemError(422, found[0].code, detail, errors=errors)


async def ask(call: Call) -> Answer:
    """Ask whether a message would be permitted."""
    body: Ask = call.body

    def act(ids: Any) -> dict[str, str]:
        question = call.hosted.client.ask(
            body.type, recipient=body.recipient, child=normalise(body.child), now=call.now, unit=body.unit,
            fields=body.fields, ground=body.ground, limb=body.limb, necessity=body.necessity,
            message_id=ids("message"),
        )  # fmt: skip
        return {"message_id": question.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


async def said_list(call: Call) -> SaidPage:
    """List what was said."""
    limit = call.query["limit"]
    rows = said_before(call.hosted.party.store, call.query["cursor"], limit + 1)
    client = call.hosted.client
    items = [
        Said(
            message_id=row.message_id.hex(),
            type=row.type,
            state=client.outcome(row.message_id).state,
            created=rfc3339(row.created),
        )
        for _, row in rows[:limit]
    ]
    return SaidPage(items=items, next=str(rows[limit - 1][0]) if len(rows) > limit else None)


async def follow(call: Call) -> Message:
    """Say what became of a message."""
    message_id = call.id()
    message_of(call.hosted, message_id, call.now_ms)  # one that is not known is not waited for
    await wait(call, message_id)
    return message_of(call.hosted, message_id, call.now_ms)


async def recall(call: Call) -> Answer:
    """Stop a message that is not handed over yet."""
    message_id = call.id()

    def act(ids: Any) -> dict[str, str]:
        asked = call.hosted.client.recall(message_id, now=call.now, recall_id=ids("recall"))
        return {"message_id": asked.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


OPERATIONS: Final = (
    Operation(
        "POST", "/v1/messages", "sendMessage", "Send a message", send, scope=Scope.SEND, body=Send, answer=Message,
        status=202, query=(WAIT,), once=True, tag="messages",
        about="It is kept before the answer comes, and goes when connector and hub run. Whether it is permitted is in "
        "`state`, now or later: a denial is an answer, not an error. Files are handed in first (`POST /v1/files`).",
    ),
    Operation(
        "POST", "/v1/questions", "ask", "Ask whether a message would be permitted", ask, scope=Scope.SEND, body=Ask,
        answer=Message, status=202, query=(WAIT,), once=True, tag="messages",
        about="The same rules decide as when it is sent. Nothing reaches the other unit; the question itself is "
        "logged.",
    ),
    Operation(
        "GET", "/v1/messages", "listSaid", "List what was said", said_list, scope=Scope.SEND, answer=SaidPage,
        query=(LIMIT, CURSOR), tag="messages",
    ),
    Operation(
        "GET", "/v1/messages/{id}", "track", "What became of a message", follow, scope=Scope.SEND, answer=Message,
        query=(WAIT,), problems=(404,), tag="messages",
        about="With `wait` the answer comes when the gate has decided, or when the time is over.",
    ),
    Operation(
        "POST", "/v1/messages/{id}/recall", "recall", "Stop a message that is not handed over", recall,
        scope=Scope.SEND, answer=Message, status=202, query=(WAIT,), once=True, problems=(404,), tag="messages",
        about="The answer is about the recall; one that came too late is `refused`.",
    ),
)  # fmt: skip
