"""A party's reading end: the gate's records, and what a gate that was broken into could seal and stamp.

What is taken goes the whole way: opened, compared, made a delivery, written as JSON and as an event, put on paper.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any, Final

from msgspec.structs import replace

from samband.connectors import webhook
from samband.connectors.adapter import encode
from samband.connectors.consents import Consents
from samband.connectors.handing import delivery_of
from samband.connectors.papers.render import render
from samband.connectors.papers.row import Form, Kind, Language, Reader
from samband.connectors.papers.rows import sip
from samband.connectors.receive import step_of
from samband.schemas import routing, stamp
from samband.schemas.catalogue import content_schema, decode_content, encode_content
from samband.schemas.codec import frame, lp32
from samband.schemas.errors import FormatError, InputError
from samband.schemas.examples import example
from samband.schemas.message import RECORD, Down, Message
from samband.schemas.routing import Routing
from samband.schemas.stamp import StampRecord
from samband.schemas.units import UnitKind
from samband.streams import topics
from samband.streams.crypto import lane
from samband.streams.crypto.content import commit, pad_content, seal_content
from samband.streams.crypto.keys import Purpose, SealKey
from samband.streams.crypto.lane import LaneOut
from samband.streams.crypto.signature import message_leaf, sign_batch, stamp_all
from samband.streams.inbox import Accept, Letter
from tests.fuzz.parts import avro, framed, layout
from tests.fuzz.target import Target, once, world
from tests.fuzz.wire import DOWN, STAMPED, downs, inboxes
from tests.gate.world import AGREEMENT, NOW
from tests.papers.world import HEAD

__all__ = ["TARGETS"]

PARTY: Final = "skola"
TOPIC: Final = topics.inbox(PARTY)


@cache
def _accept() -> Accept:
    return world().accept(PARTY)


@cache
def _lane() -> LaneOut:
    to = world().directory.seal_key(PARTY, Purpose.PARTY_HOP, NOW)
    return LaneOut(world().stamp, to, party="hub", instance=bytes(16), agreement=AGREEMENT, now=NOW)


def _sealed(hop: bytes) -> bytes:
    own = _lane()
    nonce, aad = bytes(12), lane._aad(own._realm, own._hash, TOPIC, 0)
    return frame(RECORD, {"v": 1, "opener": own._bytes, "nonce": nonce, "ct": own._aead.encrypt(nonce, lp32(hop), aad)})


def take(value: bytes) -> None:
    """Take a record of the inbox, and go on with what is in it."""
    received = _accept().open(value)
    for record in (received.stamp, *(each for each, _ in received.more)):
        if record is not None:
            encode(step_of(record, record.kind, received.entry).detail)
    if received.message is not None and received.stamp is not None and received.stamp.kind == "decision":
        _deliver(_accept().letter(received, NOW))


def _deliver(letter: Letter) -> None:
    received = letter.received
    assert received.routing is not None
    assert received.stamp is not None
    label, word = received.routing, received.stamp
    row = SimpleNamespace(
        message_id=label.message_id, type=label.type, unit=label.recipient, received=NOW, held=False,
        letter={
            "conversation": label.conversation.hex(), "ref_to": label.ref_to.hex() if label.ref_to else None,
            "sender_unit": label.sender, "sender_party": "social", "created": label.created,
            "decided_at": word.decided_at, "grounds": list(word.grounds), "obligations": list(word.obligations),
            "categories": list(word.categories), "decision": received.entry.hex(), "content": letter.content,
        },
    )  # fmt: skip
    for held in (False, True):
        row.held = held
        delivery = delivery_of(row)  # type: ignore[arg-type]
        encode(delivery.document())
        encode(webhook.cloud_event(delivery))


def _hop(data: bytes) -> None:
    take(_sealed(data))


def _stamps(data: bytes) -> None:
    take(_sealed(Down(0, 1, data).encode()))


@cache
def _notice() -> tuple[Routing, bytes, bytes]:
    """Return the label of a letter to the school, its content in clear, and the gate's word."""
    draft = world().notice()
    _, label, _ = once("social", draft)
    assert draft.content is not None
    word = StampRecord(
        kind="decision", leaf=bytes(32), message_id=label.message_id, sender=label.sender, recipient=label.recipient,
        ref=label.ref, type=label.type, outcome="permit", grounds=("CONSENT",), categories=label.categories,
        rulebook=bytes(32), directory=1, decided_at=NOW, appended_at=NOW,
    )  # fmt: skip
    return label, draft.content, word.encode()


def _permitted(message: Message, word: bytes) -> None:
    stamped = stamp_all(world().stamp, [(bytes(32), word)])[0][1]
    take(_sealed(Down(0, 1, stamped.encode(), message.encode()).encode()))


def _sign(label: bytes, content: bytes) -> Message:
    return sign_batch(world().parties["social"].sign, [(label, content)])[0]


@cache
def _sealer() -> SealKey:
    return world().directory.seal_key(PARTY, Purpose.UNIT_CONTENT, NOW, "SKOLA")


def _letter(label: bytes, plain: bytes) -> Message:
    return _sign(label, seal_content(_sealer(), plain, label))


@cache
def _good() -> Message:
    label, content, _ = _notice()
    plain = pad_content(content)
    return _letter(replace(label, plain_commit=commit(world().realm, plain)).encode(), plain)


def _leaf(message: Message) -> bytes:
    return message_leaf(world().realm, message.routing, message.content)


def _word(data: bytes) -> None:
    """Stamp a mutated word, with and without the message that it is about."""
    stamped = stamp_all(world().stamp, [(bytes(32), data)])[0][1].encode()
    try:
        take(_sealed(Down(0, 1, stamped).encode()))
    finally:
        take(_sealed(Down(0, 1, stamped, _good().encode()).encode()))


def _word_seeds() -> list[bytes]:
    word = StampRecord.decode(_notice()[2])
    return [
        replace(word, leaf=_leaf(_good())).encode(),
        *(replace(word, kind=each).encode() for each in ("event", "recall")),
    ]


def _label(data: bytes) -> None:
    """Seal to a mutated label, sign it and stamp what it says."""
    label = Routing.decode(data)
    plain = bytes(32) + lp32(_notice()[1])
    plain = plain.ljust(2048, b"\0")
    message = _letter(replace(label, plain_commit=commit(world().realm, plain)).encode(), plain)
    word = replace(
        StampRecord.decode(_notice()[2]), leaf=_leaf(message), message_id=label.message_id, sender=label.sender,
        recipient=label.recipient, type=label.type, categories=label.categories,
    )  # fmt: skip
    _permitted(message, word.encode())


def _plain(data: bytes) -> None:
    """Seal a mutated content under a label that commits to it."""
    try:
        plain = pad_content(data)
    except FormatError as error:
        raise InputError("FUZZ_SIZE", "larger than the largest class") from error
    label = replace(_notice()[0], plain_commit=commit(world().realm, plain))
    message = _letter(label.encode(), plain)
    _permitted(message, replace(StampRecord.decode(_notice()[2]), leaf=_leaf(message)).encode())


def _padded(data: bytes) -> None:
    """The same with mutated padding."""
    label = replace(_notice()[0], plain_commit=commit(world().realm, data))
    message = _letter(label.encode(), data)
    _permitted(message, replace(StampRecord.decode(_notice()[2]), leaf=_leaf(message)).encode())


# what becomes of contents that were taken


def _plan(data: bytes) -> None:
    """Print a plan that came."""
    content = decode_content("sip.plan", data)
    for language, form in ((Language.SV, Form.HTML), (Language.EN, Form.TEXT), (Language.EASY, Form.HTML)):
        rows = sip(content, UnitKind.SOCIAL_IFO)
        render(Kind.SIP, rows, HEAD, reader=Reader.GUARDIAN, language=language, form=form)


def _plan_seeds() -> list[bytes]:
    plain = {key: value for key, value in example("sip.plan").items() if value is not None}
    return [encode_content("sip.plan", plain)]


def _part(data: bytes) -> None:
    """Look through the parts of consents that came: one that another party wrote may not hide the rest."""
    content = decode_content("consent.part", data)
    rows = [
        SimpleNamespace(message_id=bytes(16), unit="SKOLA", letter={"content": each})
        for each in (content, example("consent.part"))
    ]
    party: Any = SimpleNamespace(store=SimpleNamespace(letters_of=lambda name: rows))
    parts = Consents(party, None).parts()  # type: ignore[arg-type]
    assert any(each.content == example("consent.part") for each in parts)


TARGETS: Final = (
    Target("inbox.record", lambda: [*inboxes(PARTY), *inboxes("social")], take, framed(avro(RECORD.schema))),
    Target("inbox.down", downs, _hop, DOWN),
    Target("inbox.stamps", lambda: [Down.decode(each).stamped for each in downs()], _stamps, STAMPED),
    Target("inbox.word", _word_seeds, _word, avro(stamp._CODEC.schema)),
    Target("inbox.label", lambda: [_notice()[0].encode()], _label, avro(routing._CODEC.schema), 0.5),
    Target("inbox.content", lambda: [_notice()[1]], _plain, avro(content_schema("placement.notice")), 0.5),
    Target("inbox.padding", lambda: [pad_content(_notice()[1])], _padded, layout("32", "lp4"), 0.5),
    Target("plan", _plan_seeds, _plan, avro(content_schema("sip.plan")), 0.2),
    Target(
        "consent.part",
        lambda: [encode_content("consent.part", example("consent.part"))],
        _part,
        avro(content_schema("consent.part")),
    ),
)
