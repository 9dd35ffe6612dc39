"""One accepted form of each value, limits, and decoders that fail with a code whatever they are given."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samband.schemas import events
from samband.schemas import routing as routing_module
from samband.schemas import stamp as stamp_module
from samband.schemas.card import SIGNED_CARD, Card
from samband.schemas.catalogue import CATALOGUE, decode_content
from samband.schemas.codec import TIME_MAX, Codec, FlatCodec, Reader, fixed, frame, lp16, lp32, schema_id, unframe
from samband.schemas.errors import FormatError, SambandError
from samband.schemas.message import RECORD, Down, Message, Up, hop_length, pad, unpad
from samband.schemas.routing import Routing
from samband.schemas.stamp import AUDIT, Stamped, StampRecord

FIELDS: dict[str, Any] = {"v": "int", "name": "string", "id": fixed(4), "list": {"type": "array", "items": "string"}}
CODEC, CODEC_BY_HAND = (kind("record", FIELDS, {"name": 5, "list": 2}) for kind in (Codec, FlatCodec))
VALUE = {"v": 1, "name": "å", "id": b"1234", "list": ["a", "b"]}
CHOICES: dict[str, Any] = {"flag": "boolean", "maybe": ["null", fixed(4)]}
CHOICE, CHOICE_BY_HAND = (kind("record", CHOICES) for kind in (Codec, FlatCodec))
BYTES = b"\x02\x04\xc3\xa51234\x04\x02a\x02b\x00"
FLAT_FIELDS: dict[str, Any] = {"v": "int", "id": fixed(4), "data": "bytes", "at": "long"}
FLAT, FLAT_TWIN = (kind("record", FLAT_FIELDS, {"data": 300}) for kind in (FlatCodec, Codec))
FLAT_BYTES = b"\x02" + b"1234" + b"\x06abc" + b"\x01"

ID, DIGEST = st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32)
TEXT = st.text(max_size=14)
TEXTS = st.lists(TEXT, max_size=8).map(tuple)
LONG = st.integers(-(2**63), 2**63 - 1)
TIME = st.integers(0, TIME_MAX - 1)
PATH = st.lists(DIGEST, max_size=6).map(tuple)
ROUTING = st.builds(
    Routing, salt=ID, agreement=TEXT, message_id=ID, conversation=ID, ref_to=st.none() | ID, ask=st.booleans(),
    sender=TEXT, sender_kid=DIGEST, recipient=TEXT, recipient_kid=DIGEST, e=st.integers(0, 2**31 - 1), ref=ID,
    type=TEXT, categories=TEXTS, ground=TEXT, age_band=st.text(max_size=8), limb=TEXT, necessity=TEXT,
    motive=st.none() | DIGEST, created=TIME, expires=TIME, content_schema=DIGEST, plain_commit=DIGEST,
    body=st.none() | st.binary(max_size=100),
)  # fmt: skip
STAMP = st.builds(
    StampRecord, kind=TEXT, leaf=DIGEST, message_id=ID, subject=st.none() | ID, sender=TEXT, recipient=TEXT, ref=ID,
    type=TEXT, ask=st.booleans(), outcome=TEXT, code=TEXT, grounds=TEXTS, reasons=TEXTS,
    consents=st.lists(DIGEST, max_size=8).map(tuple), obligations=TEXTS, categories=TEXTS, rulebook=DIGEST,
    directory=LONG, decided_at=TIME, appended_at=LONG,
)  # fmt: skip
STAMPED = st.builds(
    Stamped, record=st.binary(max_size=90), salt=DIGEST, kid=DIGEST, sig=st.binary(min_size=64, max_size=64),
    n=st.integers(0, 2**32 - 1), i=st.integers(0, 2**32 - 1), path=PATH,
)  # fmt: skip
MESSAGE = st.builds(
    Message, routing=st.binary(max_size=90), content=st.binary(max_size=90), kid=DIGEST,
    sig=st.binary(min_size=64, max_size=64), n=st.integers(0, 65535), i=st.integers(0, 65535), path=PATH,
)  # fmt: skip
SEQ = st.integers(0, 2**64 - 1)
UP = st.builds(Up, seq=SEQ, message=st.binary(max_size=90), trace=st.binary(max_size=60))
DOWN = st.builds(
    Down, partition=st.integers(0, 2**32 - 1), box_seq=SEQ, stamped=st.binary(max_size=90),
    message=st.binary(max_size=90), instance=ID, ack=SEQ, trace=st.binary(max_size=60),
)  # fmt: skip


def refuses(decode: Any, data: bytes, code: str) -> None:
    """See that a decoder refuses some bytes with a code."""
    with pytest.raises(FormatError) as refusal:
        decode(data)
    assert refusal.value.code == code


def test_known_bytes():
    """A record is written as Avro's binary encoding says, worked out here by hand."""
    for codec in (CODEC, CODEC_BY_HAND):
        assert codec.encode(VALUE) == BYTES
        assert codec.decode(BYTES) == VALUE
    assert FLAT.encode({"v": 1, "id": b"1234", "data": b"abc", "at": -1}) == FLAT_BYTES


@pytest.mark.parametrize(("data", "code"), [
    (b"\x82\x00\x04\xc3\xa51234\x04\x02a\x02b\x00", "FORMAT_NOT_CANONICAL"),
    (b"\x02\x84\x00\xc3\xa51234\x04\x02a\x02b\x00", "FORMAT_NOT_CANONICAL"),
    (b"\x02\x04\xc3\xa51234\x02\x02a\x02\x02b\x00", "FORMAT_NOT_CANONICAL"),
    (b"\x02\x04\xc3\xa51234\x03\x08\x02a\x02b\x00", "FORMAT_NOT_CANONICAL"),
    (BYTES + b"\0", "FORMAT_NOT_CANONICAL"),
    (BYTES[:-1], "FORMAT_RECORD"),
    (b"", "FORMAT_RECORD"),
    (b"\x02\x04\xc3\x281234\x00", "FORMAT_RECORD"),
    (b"\x02\xff\xff\xff\xff\x0f", "FORMAT_RECORD"),
    (b"\x02\x0c123456" + b"1234\x00", "FORMAT_TOO_LONG"),
    (b"\x02\x02a1234\x06\x00\x00\x00\x00", "FORMAT_TOO_LONG"),
])  # fmt: skip
def test_one_form(data, code):
    """An over-long number or length, a split or sized array block, a trailing, missing or wrong byte: refused."""
    refuses(CODEC.decode, data, code)
    refuses(CODEC_BY_HAND.decode, data, code)


@pytest.mark.parametrize("data", [
    b"\x02\x00", b"\xff\x00", b"\x01\x041234", b"\x01\x011234", b"\x01\x02123", b"\x01", b"\x01\x00\x00",
    b"\x01\x80\x00",
])  # fmt: skip
def test_one_form_of_choices(data):
    """A boolean is 0 or 1 and an optional field is there or not: nothing else is read."""
    assert CHOICE_BY_HAND.decode(b"\x01\x021234") == {"flag": True, "maybe": b"1234"}
    for codec in (CHOICE, CHOICE_BY_HAND):
        with pytest.raises(FormatError):
            codec.decode(data)


@pytest.mark.parametrize("data", [b"\x02\x02a\x02\x02x", b"\x01\x00\x02x", b"\x02\x02a\x02x", b"\x02\x02a\x00\x04x"])
def test_array_in_the_middle(data):
    """An array's end is its one zero: nothing that stands in its place is read as the next field."""
    fields: dict[str, Any] = {"list": {"type": "array", "items": "string"}, "tail": "bytes"}
    assert FlatCodec("record", fields).decode(b"\x02\x02a\x00\x02x") == {"list": ["a"], "tail": b"x"}
    for kind in (Codec, FlatCodec):
        with pytest.raises(FormatError):
            kind("record", fields).decode(data)


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1])
def test_number_too_large(number):
    """A number that no reader would take is not written."""
    with pytest.raises(FormatError) as refusal:
        FLAT.encode({"v": 1, "id": b"1234", "data": b"", "at": number})
    assert refusal.value.code == "FORMAT_FIELD"


@pytest.mark.parametrize(("data", "code"), [
    (b"\x82\x00" + FLAT_BYTES[1:], "FORMAT_NOT_CANONICAL"),
    (b"\x02" + b"1234" + b"\x86\x00abc" + b"\x01", "FORMAT_NOT_CANONICAL"),
    (FLAT_BYTES + b"\0", "FORMAT_NOT_CANONICAL"),
    (FLAT_BYTES[:-1], "FORMAT_RECORD"),
    (FLAT_BYTES[:6], "FORMAT_RECORD"),
    (b"", "FORMAT_RECORD"),
    (b"\x02" + b"1234" + b"\xda\x04" + bytes(301) + b"\x01", "FORMAT_TOO_LONG"),
    (b"\x02" + b"1234" + b"\x05abc" + b"\x01", "FORMAT_RECORD"),
    (b"\x02" + b"1234" + b"\x06abc" + b"\xff" * 10 + b"\x01", "FORMAT_RECORD"),
    (b"\x02" + b"1234" + b"\x06abc" + b"\xff" * 9 + b"\x02", "FORMAT_NOT_CANONICAL"),
])  # fmt: skip
def test_one_flat_form(data, code):
    """The hot records have one accepted form too."""
    refuses(FLAT.decode, data, code)


@given(st.fixed_dictionaries({"v": st.integers(-(2**31), 2**31 - 1), "id": st.binary(min_size=4, max_size=4),
                              "data": st.binary(max_size=300), "at": LONG}))  # fmt: skip
def test_flat_is_avro(value):
    """The hand-written codec writes the very bytes that Avro writes, and reads them back."""
    assert FLAT.encode(value) == FLAT_TWIN.encode(value)
    assert FLAT.decode(FLAT.encode(value)) == value


@given(st.binary(max_size=20) | st.builds(
    lambda at, byte: FLAT_BYTES[:at] + bytes([byte]) + FLAT_BYTES[at + 1 :],
    st.integers(0, len(FLAT_BYTES) - 1), st.integers(0, 255),
))  # fmt: skip
def test_flat_reads_what_avro_reads(data):
    """The hand-written codec takes what Avro's takes, and nothing else."""

    def read(codec: Any) -> Any:
        try:
            return codec.decode(data)
        except FormatError:
            return None

    assert read(FLAT) == read(FLAT_TWIN)


def avro_twin(kind: Any) -> Codec:
    """Return the codec that Avro itself makes of a record's schema."""
    hot = {Routing: routing_module._CODEC, StampRecord: stamp_module._CODEC}[kind]
    return Codec(hot.name, {field["name"]: field["type"] for field in hot.schema["fields"]}, hot.limits)


ROUTING_TWIN, STAMP_TWIN = avro_twin(Routing), avro_twin(StampRecord)


@given(st.one_of(ROUTING, STAMP), st.data())
def test_labels_are_avro(value, data):
    """A label or stamp record has the bytes that Avro writes; with some changed, both take it or both refuse it."""
    kind, twin = type(value), ROUTING_TWIN if isinstance(value, Routing) else STAMP_TWIN
    fields = {name: getattr(value, name) for name in kind.__struct_fields__}
    encoded = value.encode()
    assert encoded == twin.encode(
        {name: list(part) if isinstance(part, tuple) else part for name, part in fields.items()}
    )
    at = data.draw(st.integers(0, len(encoded)))
    changed = encoded[:at] + data.draw(st.binary(max_size=2)) + encoded[at + data.draw(st.integers(0, 2)) :]

    def read(decode: Any) -> Any:
        try:
            found = decode(changed)
        except FormatError:
            return None
        return found if isinstance(found, dict) else {name: getattr(found, name) for name in kind.__struct_fields__}

    theirs = read(twin.decode)
    if theirs is not None:
        times = [theirs[name] for name in ("created", "expires", "decided_at") if name in theirs]
        good = theirs["v"] == 1 and all(0 <= each < TIME_MAX for each in times)  # Avro knows no bounds of time
        plain = {name: tuple(part) if isinstance(part, list) else part for name, part in theirs.items()}
        theirs = plain if good else None
    assert read(kind.decode) == theirs


@pytest.mark.parametrize("change", [
    {"name": "123456"}, {"list": ["a"] * 3}, {"id": b"12345"}, {"id": b"123"}, {"v": "1"}, {"name": None},
])  # fmt: skip
def test_encode_limits(change):
    """A value that is too long, of another type or of another size is not written."""
    with pytest.raises(FormatError) as refusal:
        CODEC.encode({**VALUE, **change})
    assert refusal.value.code in ("FORMAT_TOO_LONG", "FORMAT_FIELD")


@pytest.mark.parametrize("change", [{"data": bytes(301)}, {"id": b"123"}, {"v": "1"}, {"v": None}, {"data": None}])
def test_flat_encode_limits(change):
    """The same for the hot records."""
    with pytest.raises(FormatError) as refusal:
        FLAT.encode({"v": 1, "id": b"1234", "data": b"", "at": 0, **change})
    assert refusal.value.code in ("FORMAT_TOO_LONG", "FORMAT_FIELD")


def test_frame():
    """A frame is magic 0 and the schema's id; another id, another magic, or no frame at all is refused."""
    value = {"v": 1, "opener": b"o", "nonce": bytes(12), "ct": b"c"}
    data = frame(RECORD, value)
    assert data[:5] == b"\0" + schema_id("record").to_bytes(4, "big")
    assert unframe(RECORD, data) == value
    for wrong in (b"\x01" + data[1:], data[:4] + b"\x7f" + data[5:], data[:4], b"", data[5:]):
        refuses(lambda each: unframe(RECORD, each), wrong, "FORMAT_SCHEMA")


def test_limits_of_the_format():
    """The largest label is written and read; each field one longer is refused on both ways."""
    largest = Routing(
        salt=bytes(16), agreement="a" * 14, message_id=bytes(16), conversation=bytes(16), sender="s" * 64,
        sender_kid=bytes(32), recipient="r" * 64, recipient_kid=bytes(32), e=1, ref=bytes(16), type="t" * 40,
        categories=("c",) * 12, ground="g" * 32, age_band="a" * 8, limb="l" * 32, necessity="n" * 32, created=0,
        expires=0, body=bytes(2048),
    )  # fmt: skip
    assert Routing.decode(largest.encode()) == largest
    for name in ("agreement", "sender", "recipient", "type", "ground", "age_band", "limb", "necessity"):
        longer = Routing(**{**fields_of(largest), name: getattr(largest, name) + "x"})
        with pytest.raises(FormatError) as refusal:
            longer.encode()
        assert refusal.value.code == "FORMAT_TOO_LONG"


def fields_of(routing: Routing) -> dict[str, Any]:
    """Return a label's fields by name."""
    return {name: getattr(routing, name) for name in Routing.__struct_fields__}


@pytest.mark.parametrize("kind", [Routing, StampRecord])
def test_version(kind):
    """A label or stamp record of another version is refused by name."""
    values = {"v": 2, "salt": bytes(16), "agreement": "", "conversation": bytes(16), "sender_kid": bytes(32),
              "recipient_kid": bytes(32), "e": 1, "age_band": "", "created": 0, "expires": 0}  # fmt: skip
    if kind is StampRecord:
        values = {"v": 2, "kind": "", "leaf": bytes(32), "outcome": "", "rulebook": bytes(32), "directory": 0,
                  "decided_at": 0, "appended_at": 0}  # fmt: skip
    shared = {"message_id": bytes(16), "sender": "", "recipient": "", "ref": bytes(16), "type": ""}
    rest = {"categories": ()} if kind is Routing else {}
    refuses(kind.decode, kind(**values, **shared, **rest).encode(), "FORMAT_VERSION")


@given(ROUTING)
def test_routing_round_trip(routing):
    """A label comes back as it was written."""
    assert Routing.decode(routing.encode()) == routing


@given(STAMP)
def test_stamp_round_trip(stamp):
    """A stamp record comes back as it was written."""
    assert StampRecord.decode(stamp.encode()) == stamp


@given(st.one_of(STAMPED, MESSAGE, UP, DOWN))
def test_round_trip(value):
    """Stamps, messages and hops come back as they were written."""
    assert type(value).decode(value.encode()) == value


@given(st.one_of(STAMPED, MESSAGE, DOWN), st.binary(min_size=1, max_size=3))
def test_nothing_behind(value, rest):
    """Whatever stands behind the last field is refused."""
    refuses(type(value).decode, value.encode() + rest, "FORMAT_TRAILING")


@given(st.one_of(STAMPED, MESSAGE, DOWN), st.data())
def test_cut_off(value, data):
    """Bytes that end anywhere too early are refused."""
    encoded = value.encode()
    refuses(type(value).decode, encoded[: data.draw(st.integers(0, len(encoded) - 1))], "FORMAT_SHORT")


@pytest.mark.parametrize(("kind", "version"), [(Message, 1), (Stamped, 1), (Up, 1), (Down, 2)])
def test_version_byte(kind, version):
    """A message, stamp or hop begins with its version; any other is refused."""
    for byte in set(range(256)) - {version}:
        refuses(kind.decode, bytes([byte]) + bytes(300), "FORMAT_VERSION")


@given(st.binary(max_size=100), st.sampled_from([0, 3184, 9328]))
def test_padding(hop, sealed):
    """A padded hop has its class's length and comes back; one byte in its padding is refused."""
    padded = pad(hop, sealed)
    assert len(padded) == hop_length(sealed)
    assert unpad(padded) == hop
    refuses(unpad, padded[:-1] + b"\x01", "FORMAT_PADDING")


def test_reader_borders():
    """A reader gives what is there, to the last byte, and never goes backwards."""
    reader = Reader(lp16(b"ab") + lp32(b"") + b"c")
    assert (reader.lp16(), reader.lp32(), reader.take(1)) == (b"ab", b"", b"c")
    reader.end()
    refuses(lambda _: reader.take(1), b"", "FORMAT_SHORT")
    refuses(lambda _: reader.take(-1), b"", "FORMAT_SHORT")


DECODERS: dict[str, Any] = {
    "routing": Routing.decode,
    "stamp": StampRecord.decode,
    "stamped": Stamped.decode,
    "message": Message.decode,
    "up": Up.decode,
    "down": Down.decode,
    "unpad": unpad,
    "card": Card.decode,
    **{codec.name: lambda data, codec=codec: unframe(codec, data) for codec in (RECORD, AUDIT, SIGNED_CARD)},
    **{name: lambda data, name=name: events.decode(name, data) for name in events.EVENTS},
    **{name: lambda data, name=name: decode_content(name, data) for name, row in CATALOGUE.items() if not row.event},
}


def good(name: str) -> bytes:
    """Return bytes that a decoder takes, or nearly."""
    stamped = Stamped(b"record", bytes(32), bytes(32), bytes(64), 2, 1, (bytes(32),))
    message = Message(b"routing", b"content", bytes(32), bytes(64), 2, 1, (bytes(32),))
    made = {
        "stamped": stamped.encode(),
        "message": message.encode(),
        "up": Up(1, message.encode()).encode(),
        "down": Down(0, 1, stamped.encode(), message.encode()).encode(),
        "unpad": pad(b"hop", 0)[:200],
        "record": frame(RECORD, {"v": 1, "opener": b"opener", "nonce": bytes(12), "ct": b"ct"}),
        "receipt": events.encode(events.Receipt(events.Id16(bytes(16)), events.Level.OPENED)),
        "consent.withdrawn": events.encode(events.ConsentWithdrawn()),
    }
    return made.get(name, b"\x02" + bytes(80))


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=60)
@given(data=st.binary(max_size=120))
def test_random_bytes(name, data):
    """Random bytes are decoded or refused with a code; no other error ever comes out of a decoder."""
    with suppress(SambandError):
        DECODERS[name](data)


@pytest.mark.parametrize("name", DECODERS)
def test_mutated_bytes(name):
    """Good bytes with some flipped, cut out, doubled or put in are decoded or refused with a code."""
    chance = random.Random(name)
    for _ in range(300):
        data = bytearray(good(name))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) or 1)
            match chance.randrange(4):
                case 0 if data:
                    data[at] ^= 1 << chance.randrange(8)
                case 1:
                    del data[at : at + chance.randint(1, 9)]
                case 2:
                    data[at:at] = chance.choice([b"\xff" * 5, b"\x80", bytes(8), data[at : at + 8]])
                case _:
                    data[at:] = b""
        with suppress(SambandError):
            DECODERS[name](bytes(data))
