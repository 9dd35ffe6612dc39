"""Formats by themselves: what is decoded must be encoded to the same bytes, and the two codecs must agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final

from samband.schemas import attachment, events, routing, stamp
from samband.schemas import event_bodies as of
from samband.schemas.attachment import Part as FilePart
from samband.schemas.catalogue import CATALOGUE, categories, content_schema, decode_content, encode_content
from samband.schemas.categories import Category
from samband.schemas.codec import Codec, FlatCodec
from samband.schemas.errors import FormatError
from samband.schemas.examples import example
from samband.schemas.message import RECORD, Down, Message, Up, pad, unpad
from samband.schemas.stamp import AUDIT, Stamped
from samband.schemas.units import UnitKind
from samband.streams import topics
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto import hub, lane
from samband.streams.crypto.lane import UnverifiedRecord
from tests.fuzz.parts import Split, avro, framed, layout, prefixed
from tests.fuzz.target import Target, audit_key, history, world
from tests.gate.world import NOW, consent

__all__ = ["DOWN", "EVENTS", "MESSAGE", "STAMPED", "TARGETS", "UP", "audits", "contents", "downs", "event", "inboxes"]

MESSAGE: Final = layout("u1", "lp4", "lp4", "32", "64", "u2", "u2", "path")
UP: Final = layout("u1", "u8", "lp2", "u1", "lp4", "lp4", "32", "64", "u2", "u2", "path")
DOWN: Final = layout("u1", "u4", "u8", "lp2", "lp4", "lp4", "16", "u8")
STAMPED: Final = layout("u1", "lp4", "32", "32", "64", "u4", "u4", "path")
OPENER: Final = layout("lp2", "lp2", "64")

_ID, _DIGEST, _AT = of.Id16(bytes(range(16))), of.Digest(bytes(range(32))), NOW // 1000
EVENTS: Final = tuple(
    events.name_of(body).encode() + b"\0" + events.encode(body)
    for body in (
        consent(),
        of.ConsentSigned(of.Id16(b"\1" * 16), "guardian-1", _DIGEST, of.ChildView(of.View.AGREES)),
        of.ConsentConfirmed(of.Id16(b"\1" * 16)),
        of.ConsentDisputed(of.Id16(b"\1" * 16), code="why"),
        of.ConsentWithdrawn(),
        of.ConsentWithdrawn(of.Scope.CATEGORY, category=Category.HEALTH),
        of.ConsentRefused(_ID, of.GiverRole.GUARDIAN, "guardian-1"),
        of.MaturityAssessed(of.Maturity.CHILD, _DIGEST),
        of.ProtectionMarked(of.MarkKind.THREAT),
        of.CircleUpdate((of.Member("SKOLA", "school", 5), of.Member("BUP", "bup", 5, 9)), claim=True),
        of.CircleHandover("IFO"),
        of.CircleAccepted("IFO"),
        of.InvestigationDeclared(True, _DIGEST),
        of.GroundMotivated(
            motivation_id=_ID, ground="GENERAL_CLAUSE", recipients=("SKOLA",), categories=(Category.SCHEDULE,),
            valid_from=_AT - 60, valid_to=_AT + 86400, function="rektor", motive=_DIGEST, acting_user=_DIGEST,
        ),
        of.IdentityChanged(_ID, True),
        of.ActLogged(of.Act.LOOKED_UP, "rektor", _DIGEST, 1, _ID),
        of.Receipt(_ID, of.Level.HANDED_OVER, at=_AT),
        of.Recall(_ID, "CONSENT_WITHDRAWN"),
    )
)  # fmt: skip
"""`type NUL body` of every event."""


@cache
def audits() -> list[bytes]:
    """Return the audit records of the gate's history."""
    return [value for turn in history().turns for value in history().values(turn, topics.AUDIT)]


def inboxes(party: str) -> list[bytes]:
    """Return what the gate wrote to a party in that time."""
    return [value for turn in history().turns for value in history().values(turn, topics.inbox(party))]


@cache
def downs() -> list[bytes]:
    """Return the opened hops to both parties."""
    return [
        world().accept(party).open(value).down.encode() for party in ("skola", "social") for value in inboxes(party)
    ]


def contents() -> list[bytes]:
    """Return `type NUL content` of every type that has one."""
    carrying = [row.name for row in CATALOGUE.values() if row.carries_content and not row.event]
    files = {
        "attachments": [{"name": "å.pdf", "media_type": "application/pdf", "size": 9, "sha256": "0" * 64, "parts": 1}]
    }
    said = [(name, example(name)) for name in carrying]
    said += [(name, content | files) for name, content in said if CATALOGUE[name].takes_files]
    return [name.encode() + b"\0" + encode_content(name, content) for name, content in said]


def _file_parts() -> list[bytes]:
    """Return pieces of files: a whole small one, and the last of a large one."""
    made = (FilePart(main=bytes(16), file=0, part=0, parts=1, data=b"x"),
            FilePart(main=b"m" * 16, file=19, part=61, parts=62, data=b"y" * 300))  # fmt: skip
    return [each.encode() for each in made]


def event(name: str) -> Split:
    """Return what cuts an event's body."""
    return avro(events._schema(name))


def _messages() -> list[bytes]:
    made = (world().concern(), world().notice(), world().event(consent(), "IFO"))
    return [world().seal(draft).encode() for draft in made]


def _routings() -> list[bytes]:
    return [Message.decode(each).routing for each in _messages()]


def _stamped() -> list[bytes]:
    return [
        each.encode() for down in downs() if (data := Down.decode(down).stamped) for each in Stamped.decode_all(data)
    ]


def _one_form(kind: Any, data: bytes) -> None:
    """Decode; what was taken must be encoded to the same bytes."""
    assert kind.decode(data).encode() == data


def _stamped_all(data: bytes) -> None:
    assert b"".join(each.encode() for each in Stamped.decode_all(data)) == data


def _alike(flat: FlatCodec, twin: Codec, data: bytes) -> None:
    """Read with the hand-written codec and with fastavro: both take it and say the same, or neither takes it."""
    try:
        other: Any = twin.decode(data)
    except FormatError:
        other = None
    try:
        value: Any = flat.decode(data)
    except FormatError:
        value = None
    assert value == other
    assert value is None or flat.encode(value) == data


def _flat(codec: FlatCodec, seeds: Callable[[], list[bytes]]) -> Target:
    twin = Codec(codec.name, {each["name"]: each["type"] for each in codec.schema["fields"]}, codec.limits)
    return Target(f"avro.{codec.name}", seeds, partial(_alike, codec, twin), avro(codec.schema))


def _openers() -> list[bytes]:
    return [world().lane(party)._bytes for party in ("skola", "social")]


def _opener(data: bytes) -> None:
    UnverifiedRecord(data, bytes(32), bytes(12), b"").opener(world().realm)


def _opener_fields() -> list[bytes]:
    return [UnverifiedRecord(each, b"", b"", b"").opener(world().realm)[1] for each in _openers()]


def _event(data: bytes) -> None:
    name, _, body = data.partition(b"\0")
    read = events.decode(name.decode("latin-1"), body)
    assert events.encode(read) == body


def _content(data: bytes) -> None:
    name, _, body = data.partition(b"\0")
    content = decode_content(name.decode("latin-1"), body)
    for kind in UnitKind:
        categories(name.decode("latin-1"), content, kind)


_OWN: Final = (
    Target(
        "record", lambda: [*inboxes("skola"), *inboxes("social")], UnverifiedRecord.decode, framed(avro(RECORD.schema))
    ),
    Target("opener", _openers, _opener, OPENER),
    Target("hop", lambda: [pad(each, 0) for each in _small(downs())], unpad, layout("lp4")),
    Target("up", lambda: [Up(7, each).encode() for each in _messages()], partial(_one_form, Up), UP),
    Target("down", downs, partial(_one_form, Down), DOWN),
    Target("message", _messages, partial(_one_form, Message), MESSAGE),
    Target("stamped", _stamped, partial(_one_form, Stamped), STAMPED),
    Target("stamped.all", lambda: [b"".join(_stamped()[:3])], _stamped_all, STAMPED),
    Target("audit", audits, UnverifiedAudit.decode, framed(avro(AUDIT.schema))),
    Target("event", lambda: list(EVENTS), _event, prefixed(event)),
    Target("content.part", _file_parts, partial(_one_form, FilePart), avro(attachment._PART.schema)),
    Target("content", contents, _content, prefixed(lambda name: avro(content_schema(name)))),
    _flat(RECORD, lambda: [each[5:] for each in inboxes("skola")]),
    _flat(lane._OPENER, _opener_fields),
    _flat(routing._CODEC, _routings),
    _flat(stamp._CODEC, lambda: [UnverifiedAudit.decode(each).record(audit_key).encode() for each in audits()]),
    _flat(AUDIT, lambda: [each[5:] for each in audits()]),
    _flat(hub._HUB, lambda: [world().store.seal("t", b"name", b"data")[1][5:]]),
)

TARGETS: Final = tuple(replace(each, share=4.0) for each in _OWN)
"""Cheap ones, and the first that anybody's bytes meet: four times as many cases."""


def _small(hops: list[bytes]) -> list[bytes]:
    return [each for each in hops if len(each) < 4000]
