"""The gate's judgement: records as Kafka gives them, and what only a party with good keys can put inside.

Each turn must end. What it says must be readable by those whom it is said to, and none of it may be `GATE_ERROR`: the
gate refuses with that code what it fell over itself.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

from msgspec.structs import replace

from samband.schemas import events, routing
from samband.schemas.codec import frame, lp16, lp32
from samband.schemas.errors import FormatError, InputError, OperatorError, SambandError
from samband.schemas.message import RECORD, Message, Up, pad
from samband.schemas.routing import Routing
from samband.streams import topics
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto import lane
from samband.streams.crypto.keys import Purpose, SealKey
from samband.streams.crypto.signature import sign_batch
from samband.streams.gate.judge import Incoming
from samband.streams.gate.state import State, View
from samband.streams.inbox import Accept
from tests.fuzz.parts import avro, framed, layout, prefixed
from tests.fuzz.target import TOPIC, Target, audit_key, gate, once, world
from tests.fuzz.wire import EVENTS, MESSAGE, UP, event
from tests.gate.world import DAY, NOW

__all__ = ["TARGETS"]

_PARTIES: Final = ("skola", "social", "bup")


@cache
def _accept(party: str) -> Accept:
    return world().accept(party)


@cache
def _lane(party: str) -> lane.LaneOut:
    return world().lane(party)


def judge(value: bytes, party: str = "", message: bytes = b"", bare: bool = True) -> object:
    """Let the gate judge a record and return what it said; `party` and `message` are in it, for a closer look."""
    at_gate, state = gate()
    try:
        turn = at_gate.judge.turn([Incoming(at_gate.offset, value, NOW, bare)], state, NOW, ())
    except SambandError as error:
        raise AssertionError(f"a turn did not end: {error.code}") from error
    assert turn.changes[b"clock"] is not None
    said = [UnverifiedAudit.decode(value).record(audit_key) for value in at_gate.values(turn, topics.AUDIT)]
    if any(record.code == "GATE_ERROR" for record in said):
        _fall_again(party, message)
        raise AssertionError("GATE_ERROR")
    for each in _PARTIES:
        for record in at_gate.values(turn, topics.inbox(each)):
            _read(each, record)
    told = tuple((record.kind, record.outcome, record.code, record.reasons, record.grounds) for record in said)
    return tuple(code for _, code in turn.quarantined), told


def _read(party: str, record: bytes) -> None:
    """Read what the gate wrote, as its party does."""
    try:
        _accept(party).open(record)
    except SambandError as error:
        raise AssertionError(f"the party does not take what the gate wrote: {error.code}") from error


def _fall_again(party: str, data: bytes) -> None:
    at_gate, state = gate()
    message = Message.decode(data)
    checked = at_gate.judge._checks.check(message, Routing.decode(message.routing), party, NOW)
    at_gate.judge._verdicts.of(checked, View(state), NOW, NOW)


def _sealed(party: str, hop: bytes) -> bytes:
    """Seal a hop into a party's lane, whatever its length."""
    own = _lane(party)
    try:
        own._left += 1
        return own.seal(hop, 0, TOPIC, 0)
    except FormatError:
        nonce = bytes(12)
        ct = own._aead.encrypt(nonce, lp32(hop), lane._aad(own._realm, own._hash, TOPIC, 0))
        return frame(RECORD, {"v": 1, "opener": own._bytes, "nonce": nonce, "ct": ct})


def _next(party: str) -> int:
    return gate()[0].seqs[party] + 1


def _split(data: bytes) -> tuple[str, bytes]:
    """Return (party, rest) of `party NUL rest`."""
    name, _, rest = data.partition(b"\0")
    party = name.decode("latin-1")
    if party not in _PARTIES:
        raise InputError("FUZZ_PARTY", "no such party")
    return party, rest


def _drafts() -> list[tuple[str, Routing, bytes]]:
    made = world()
    return [
        once("skola", made.concern()),
        once("social", made.notice()),
        once("skola", replace(made.concern(ask=True), content=None)),
        once("social", made.draft("health_exam.request", "IFO", "BUP")),
        once("skola", made.draft("dialogue.message", "SKOLA", "IFO", ground="GENERAL_CLAUSE", motive=bytes(32))),
        once("social", made.draft("dialogue.message", "IFO", "SKOLA", recipient_role="school")),
    ]  # fmt: skip


def _message(label: bytes, content: bytes, party: str) -> bytes:
    return sign_batch(world().parties[party].sign, [(label, content)])[0].encode()


def _say(party: str, message: bytes) -> object:
    return judge(_sealed(party, Up(_next(party), message).encode()), party, message)


def _hops() -> list[bytes]:
    return [
        party.encode() + b"\0" + Up(_next(party), _message(label.encode(), content, party)).encode()
        for party, label, content in _drafts()
    ]


def _hop(data: bytes) -> object:
    party, hop = _split(data)
    return judge(_sealed(party, hop), party)


def _whole(data: bytes) -> object:
    party, message = _split(data)
    return _say(party, message)


def _label(data: bytes) -> object:
    """Sign a mutated label as its party would: everything behind the signature is reached."""
    party, label = _split(data)
    try:
        sealed = Routing.decode(label).plain_commit != bytes(32)
    except FormatError:
        sealed = False
    return _say(party, _message(label, bytes(2048 + 1136) if sealed else b"", party))


def _event(data: bytes) -> object:
    """Say a mutated event, signed and sealed in order."""
    name, _, body = data.partition(b"\0")
    label = replace(_labels()[name], body=body) if name in _labels() else None
    if label is None:
        raise InputError("FUZZ_EVENT", "no such event")
    return _say("social", _message(label.encode(), b"", "social"))


@cache
def _labels() -> dict[bytes, Routing]:
    found = {}
    for each in EVENTS:
        name, _, body = each.partition(b"\0")
        other = "SKOLA" if name in (b"receipt",) else "IFO"
        made = world().event(events.decode(name.decode(), body), "IFO", recipient=other)
        found[name] = once("social", made)[1]
    return found


def _opener(data: bytes) -> object:
    """Seal and sign mutated fields of an opener, and put a good record into that lane."""
    party, o = _split(data)
    keys, gate_hop = world().parties[party], SealKey(world().realm, Purpose.GATE_HOP, world().hop.public)
    if len(o) > 60_000:
        raise InputError("FUZZ_SIZE", "longer than its length field says")
    secret = bytes(32)
    kem = gate_hop.seal("opener", o, secret)
    opener = lp16(o) + lp16(kem) + keys.sign.sign("opener", o + kem)
    digest = hashlib.sha256(opener).digest()
    hop = Up(_next(party), b"").encode()
    ct = lane._key(world().realm, secret, digest).encrypt(
        bytes(12), pad(hop, 0), lane._aad(world().realm, digest, TOPIC, 0)
    )
    at_gate = gate()[0]
    at_gate.judge._lanes._made.clear()  # the quota is not what is looked at here
    return judge(frame(RECORD, {"v": 1, "opener": opener, "nonce": bytes(12), "ct": ct}))


def _openers() -> list[bytes]:
    made = [(party, _lane(party)._bytes) for party in _PARTIES]
    return [
        party.encode() + b"\0" + lane.UnverifiedRecord(each, b"", b"", b"").opener(world().realm)[1]
        for party, each in made
    ]


def _kept() -> list[bytes]:
    return [lp16(name) + data for name, data in gate()[1].items()]


def _state(data: bytes) -> None:
    """Take a mutated name of the state, as a restarting gate does, and judge what leans on it."""
    size = int.from_bytes(data[:2], "big")
    at_gate, values = gate()
    state = State(dict(values))
    try:
        state.load(data[2 : 2 + size], data[2 + size :])
        for party, label, content in _leaning():
            message = _message(label.encode(), content, party)
            record = Incoming(at_gate.offset, _sealed(party, Up(_next(party), message).encode()), NOW, True)
            at_gate.judge.turn([record], state.values, NOW, state.expired(NOW + 30 * DAY))
    except OperatorError:
        raise
    except SambandError as error:
        raise AssertionError(f"neither judged nor stopped: {error.code}") from error


@cache
def _leaning() -> list[tuple[str, Routing, bytes]]:
    made = world()
    return [
        once("social", made.notice()),
        once("social", made.event(events.ConsentWithdrawn(), "IFO")),
    ]


def _wholes() -> list[bytes]:
    return [party.encode() + b"\0" + _message(label.encode(), content, party) for party, label, content in _drafts()]


def _label_seeds() -> list[bytes]:
    return [party.encode() + b"\0" + label.encode() for party, label, _ in _drafts()]


def _raws() -> list[bytes]:
    return [_sealed(party, each[len(party) + 1 :]) for each in _hops() for party in [_split(each)[0]]]


TARGETS: Final = (
    Target("gate.record", _raws, judge, framed(avro(RECORD.schema)), 0.5),
    Target("gate.opener", _openers, _opener, prefixed(lambda name: avro(lane._OPENER.schema)), 0.5),
    Target("gate.up", _hops, _hop, prefixed(lambda name: UP), 0.5),
    Target("gate.message", _wholes, _whole, prefixed(lambda name: MESSAGE), 0.5),
    Target("gate.routing", _label_seeds, _label, prefixed(lambda name: avro(routing._CODEC.schema)), 0.5),
    Target("gate.event", lambda: list(EVENTS), _event, prefixed(event), 0.5),
    Target("gate.state", _kept, _state, layout("lp2"), 0.3),
)
