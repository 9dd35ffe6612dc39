"""What became of a message, pure: audit records are folded into a row, and a row is read as a status.

    row = fold(row, partition, audit_seq, record)     the same row object when the record adds nothing
    status(row).state                                 waiting, handed_over, denied, recalled, …

A row is a *set* of steps, each named by (partition, audit_seq), and everything else is derived from the set. So a
repeat changes nothing and order does not matter: `fold` is commutative and idempotent, and a table that is built anew
from the audit topic equals the one that grew with it.

Whose message it is, is said by the record of greatest weight (decision, recall, question, receipt, refusal), the
earliest of these: anybody may send a record with another's message id, and the gate refuses it, but the refusal names
whom the forger liked. A refusal is the state only of what was never judged. The gate forbids an id twice per
partition; should one be judged in two, the first is the message and the other's steps are not.

The child's reference is not kept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from samband.schemas.errors import FormatError
from samband.schemas.stamp import StampRecord

__all__ = ["MessageStatus", "Row", "State", "Step", "StepView", "decode_row", "encode_row", "fold", "status"]

STEPS_PER_KIND: Final = 8
"""The earliest so many of a kind are kept; only refusals and questions can be more, and anybody can send those."""

_NO_ID: Final = bytes(16)


class State(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    """Permitted; nothing from the recipient yet."""
    ACCEPTED = "accepted"
    """The recipient's connector has it; its own system does not yet."""
    HANDED_OVER = "handed_over"
    OPENED = "opened"
    ACTED = "acted"
    DENIED = "denied"
    ASK = "ask"
    """The rules leave it to somebody to decide."""
    REFUSED = "refused"
    """By the gate's checks before it was judged, or by the recipient; the code says why."""
    MISMATCH = "mismatch"
    """The recipient found other content than was judged."""
    MISDIRECTED = "misdirected"
    """It was not meant for the unit that got it, who said so."""
    RECALLED = "recalled"
    EXPIRED = "expired"
    ANSWERED = "answered"
    """A question whether it would be permitted."""
    RECORDED = "recorded"
    """An event (consent, circle, mark, recall) that the gate took."""


class Claim(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Whose message it is, according to one record; the least claim counts."""

    weight: int
    at: int
    partition: int
    seq: int
    sender: str
    recipient: str
    type: str


class Step(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What one audit record says of a message. `at`: milliseconds since 1970 UTC, never falling in a partition."""

    at: int
    partition: int
    seq: int
    kind: str
    outcome: str
    code: str
    grounds: tuple[str, ...]
    reasons: tuple[str, ...]


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One message of the table; `steps` sorted."""

    v: int
    message_id: bytes
    claim: Claim
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as it is shown. `kind`: `decision`, `ask`, `event`, `receipt`, `recall` or `refusal`."""

    at: int
    kind: str
    outcome: str
    code: str
    grounds: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What became of a message. Times are milliseconds since 1970 UTC."""

    message_id: bytes
    sender: str
    recipient: str
    type: str
    state: State
    code: str
    """Why it is refused, recalled or mismatched; else empty."""
    steps: tuple[StepView, ...]

    def json(self) -> dict[str, Any]:
        """Return it as plain values, the id in hexadecimal."""
        return {**asdict(self), "message_id": self.message_id.hex(), "state": self.state.value}


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Row)

# Greatest weight first. A receipt's sender is the message's recipient, and a refusal proves nothing.
_WEIGHTS: Final = {"decision": 0, "event": 0, "recall": 1, "ask": 2, "receipt": 3, "refusal": 4}
_RECALL_EXPIRED: Final = "EXPIRED"
_DECIDED: Final = {"permit": State.WAITING, "deny": State.DENIED, "ask": State.ASK}
_RECEIPTS: Final = {
    each.value: each
    for each in (
        State.ACCEPTED,
        State.HANDED_OVER,
        State.OPENED,
        State.ACTED,
        State.REFUSED,
        State.MISMATCH,
        State.MISDIRECTED,
    )
}


def encode_row(row: Row) -> bytes:
    """Return a row's bytes."""
    return _encoder.encode(row)


def decode_row(data: bytes) -> Row:
    """Return the row in `data`.

    Raises:
        FormatError: not a row of version 1.
    """
    try:
        row = _decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: a text that is not UTF-8
        raise FormatError("FORMAT_ROW", "the bytes are no row of the message table") from error
    if row.v != 1 or len(row.message_id) != 16:
        raise FormatError("FORMAT_ROW", "the row of the message table is not of version 1")
    return row


def message_of(record: StampRecord) -> bytes | None:
    """Return the id of the message that a record tells about, or None: then it is no row's."""
    match record.kind:
        case "receipt" | "recall":
            found = record.subject
        case "refusal" if record.type == "receipt":  # a refused receipt is its connector's matter, and no message's
            found = None
        case "decision" | "event" | "refusal":
            found = record.message_id
        case _:  # a later version's kind
            found = None
    return None if found == _NO_ID else found


def fold(row: Row | None, partition: int, seq: int, record: StampRecord) -> Row | None:
    """Add an audit record to the row of its message and return the row; None where there is none.

    Args:
        row: the row of `message_of(record)`, None when there is none yet.
        partition: the gate's partition, from the audit record.
        seq: its `audit_seq` there.
        record: what the gate said.
    """
    message_id = message_of(record)
    if message_id is None:
        return row
    kind = "ask" if record.kind == "decision" and record.ask else record.kind
    step = Step(record.decided_at, partition, seq, kind, record.outcome, record.code, record.grounds, record.reasons)
    ends = (
        (record.recipient, record.sender, "") if kind == "receipt" else (record.sender, record.recipient, record.type)
    )
    claim = Claim(_WEIGHTS[kind], record.decided_at, partition, seq, *ends)
    if row is None:
        return Row(1, message_id, claim, (step,))
    steps = _with(row.steps, step)
    claim = min(claim, row.claim)
    if steps is row.steps and claim == row.claim:
        return row
    return Row(1, message_id, claim, steps)


def _with(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    if any((known.partition, known.seq) == (step.partition, step.seq) for known in steps):
        return steps
    alike = [known for known in steps if known.kind == step.kind]
    if len(alike) < STEPS_PER_KIND:
        return tuple(sorted((*steps, step)))
    last = alike[-1]
    if step > last:
        return steps
    return tuple(sorted((*(known for known in steps if known is not last), step)))


def status(row: Row) -> MessageStatus:
    """Return what became of a row's message."""
    judged = row.claim.weight < _WEIGHTS["ask"]
    steps = [step for step in row.steps if not judged or step.partition == row.claim.partition]
    state, code = State.WAITING, ""
    decided = False
    for step in steps:
        match step.kind:
            case "decision" if not decided:
                decided, state, code = True, _DECIDED.get(step.outcome, State.DENIED), ""
            case "event":
                state, code = State.RECORDED, ""
            case "receipt":
                state, code = _RECEIPTS.get(step.outcome, state), step.code
            case "recall":
                state = State.EXPIRED if step.code == _RECALL_EXPIRED else State.RECALLED
                code = step.code
            case "ask" if not judged:
                state, code = State.ANSWERED, ""
            case "refusal" if row.claim.weight == _WEIGHTS["refusal"]:
                state, code = State.REFUSED, step.code
            case _:
                pass
    shown = tuple(StepView(s.at, s.kind, s.outcome, s.code, s.grounds, s.reasons) for s in steps)
    claim = row.claim
    return MessageStatus(row.message_id, claim.sender, claim.recipient, claim.type, state, code, shown)
