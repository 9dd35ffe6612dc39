"""The party's end: what comes through its inbox is believed only where gate, sender and content all fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from samband.connectors.party import Party
from samband.connectors.receive import Receiver, step_of
from samband.schemas import events
from samband.schemas.catalogue import categories
from samband.schemas.errors import OperatorError, SambandError
from samband.schemas.message import NO_INSTANCE, Down, Message
from samband.schemas.routing import Routing
from samband.schemas.stamp import StampRecord
from samband.schemas.testdata import synthetic
from samband.schemas.units import UnitKind
from samband.streams import topics
from samband.streams.crypto.content import pad_content, seal_content
from samband.streams.crypto.keys import Purpose, SealKey, SignKey
from samband.streams.crypto.lane import LaneOut
from samband.streams.crypto.signature import message_leaf, sign_batch, stamp_all
from samband.streams.inbox import STOCKHOLM

HOUR = 3_600_000
DAY = 24 * HOUR


class Hand:
    """Writes into the inbox of `social`, as a gate would or as nobody may."""

    def __init__(self, world: Any, now: int) -> None:
        self.world, self.now, self.box = world, now, 0
        self.message = world.seal(world.concern())

    def stamp(self, message: Message | None = None, **changes: Any) -> StampRecord:
        """Return a permit for a message, with parts changed."""
        message = message or self.message
        routing = Routing.decode(message.routing)
        made: dict[str, Any] = {
            "kind": "decision",
            "leaf": message_leaf(self.world.realm, message.routing, message.content),
            "message_id": routing.message_id,
            "sender": routing.sender,
            "recipient": routing.recipient,
            "ref": routing.ref,
            "type": routing.type,
            "outcome": "permit",
            "categories": routing.categories,
            "rulebook": bytes(32),
            "directory": self.world.directory.version,
            "decided_at": self.now,
            "appended_at": self.now,
        }
        return StampRecord(**{**made, **changes})

    def down(self, message: Message | None = None, *, stamped: Any = None, box: int = 0, bare: bool = False,
             sign: SignKey | None = None, **changes: Any) -> Down:  # fmt: skip
        """Return a downward hop; `changes` are made in the stamp before it is signed."""
        message = message or self.message
        if stamped is None:
            record = self.stamp(message, **changes).encode()
            stamped = stamp_all(sign or self.world.stamp, [(bytes(32), record)])[0][1]
        self.box = box or self.box + 1
        return Down(0, self.box, stamped.encode() if stamped else b"", b"" if bare else message.encode())

    def value(self, down: Down, *, topic: str = "", sealed: int = 3184, **lane: Any) -> bytes:
        """Return the Kafka value of a hop in a lane of the gate, or in one that is wrong in something."""
        keys = self.world.parties["social"]
        made: dict[str, Any] = {
            "sign": self.world.stamp,
            "to": SealKey(self.world.realm, Purpose.PARTY_HOP, keys.hop.public),
            "party": "hub",
            "instance": b"g" * 16,
            "agreement": "barn",
            "now": self.now,
            **lane,
        }
        out = LaneOut(made.pop("sign"), made.pop("to"), **made)
        return out.seal(down.encode(), sealed, topic or topics.inbox("social"), 0)

    def concern(self, **label: Any) -> Message:
        """Return a concern report whose label is altered before it is signed."""
        message: Message = self.world.seal(self.world.concern(), **label)
        return message

    def forged(self, **changes: Any) -> Any:
        """Return an honestly signed stamp in which something was changed afterwards."""
        stamped = stamp_all(self.world.stamp, [(bytes(32), self.stamp(outcome="deny").encode())])[0][1]
        salt = changes.pop("salt", stamped.salt)
        record = self.stamp(**changes).encode() if changes else stamped.record
        return replace(stamped, record=record, salt=salt)


@pytest.fixture
def hand(world, kit) -> Hand:
    """Return a hand that may write into the inbox."""
    return Hand(world, kit.NOW)


@pytest.fixture
def party(world, tmp_path: Path) -> Iterator[Party]:
    """Return `social` with a store on disk."""
    made = world.open_party("social", tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def take(world, party: Party, kit) -> Any:
    """Return a way to give records to the party's receiver, one transaction each."""
    receiver = Receiver(party, world.accept("social"))
    offsets = iter(range(10_000))

    def give(value: bytes | None, now: int = kit.NOW) -> bool:
        with party.store.transaction():
            return receiver.take(next(offsets), value, now)

    return give


def other_hop(world: Any) -> SealKey:
    """Return another party's hop key."""
    return SealKey(world.realm, Purpose.PARTY_HOP, world.parties["bup"].hop.public)


# Records that are not what the gate writes: (code, how to make the value).
NOT_BELIEVED: dict[str, tuple[str, Any]] = {
    "garbage": ("FORMAT_SCHEMA", lambda h: b"garbage"),
    "tombstone": ("FORMAT_SCHEMA", lambda h: None),
    "trailing byte": ("FORMAT_NOT_CANONICAL", lambda h: h.value(h.down()) + b"\0"),
    "altered": ("RECORD_BROKEN", lambda h: (v := h.value(h.down()))[:-1] + bytes([v[-1] ^ 1])),
    "another's record": ("RECORD_BROKEN", lambda h: h.value(h.down(), topic=topics.inbox("bup"))),
    "sealed to another": ("OPENER_KEY", lambda h: h.value(h.down(), to=other_hop(h.world))),
    "another agreement": ("OPENER_KEY", lambda h: h.value(h.down(), agreement="vuxna")),
    "sealed by a party": (
        "KEY_PURPOSE",
        lambda h: h.value(h.down(), sign=h.world.parties["skola"].sign, party="skola"),
    ),
    "sealed by a party as the hub": ("KEY_PURPOSE", lambda h: h.value(h.down(), sign=h.world.parties["skola"].sign)),
    "sealed by nobody": (
        "KEY_UNKNOWN",
        lambda h: h.value(h.down(), sign=SignKey(h.world.realm, Purpose.GATE_STAMP, b"\x09" * 32)),
    ),
    "upward hop": ("FORMAT_VERSION", lambda h: h.value(type("Hop", (), {"encode": lambda s: b"\x01" + bytes(90)})())),
    "message without stamp": ("STAMP_MISSING", lambda h: h.value(h.down(stamped=b""))),
    "stamp by a party": (
        "KEY_PURPOSE",
        lambda h: h.value(h.down(sign=h.world.parties["skola"].sign)),
    ),
    "stamp by an unknown key": (
        "KEY_UNKNOWN",
        lambda h: h.value(h.down(sign=SignKey(h.world.realm, Purpose.GATE_STAMP, b"\x09" * 32))),
    ),
    "stamp of another time": ("KEY_EXPIRED", lambda h: h.value(h.down(decided_at=h.now - 2 * DAY))),
    "stamp altered": ("SIGNATURE_BROKEN", lambda h: h.value(h.down(stamped=h.forged(outcome="permit", code="X")))),
    "salt altered": ("SIGNATURE_BROKEN", lambda h: h.value(h.down(stamped=h.forged(salt=b"\x01" * 32)))),
    "stamp for another leaf": ("LEAF", lambda h: h.value(h.down(leaf=bytes(32)))),
    "stamp for another message": ("LEAF", lambda h: h.value(h.down(message_id=bytes(16)))),
    "stamp for another sender": ("SENDER_PARTY", lambda h: h.value(h.down(sender="BUP"))),
    "stamp for another recipient": ("RECIPIENT", lambda h: h.value(h.down(recipient="BUP"))),
    "denied message": ("NOT_PERMITTED", lambda h: h.value(h.down(outcome="deny"))),
    "ask outcome": ("NOT_PERMITTED", lambda h: h.value(h.down(outcome="ask"))),
    "question": ("NOT_PERMITTED", lambda h: h.value(h.down(ask=True))),
    "for a unit of another party": (
        "RECIPIENT",
        lambda h: h.value(h.down(h.world.seal(h.world.draft("placement.notice", "IFO", "SKOLA")))),
    ),
    "unknown sender unit": ("UNIT_UNKNOWN", lambda h: h.value(h.down(h.concern(sender="NOBODY")))),
    "another's unit": ("SENDER_PARTY", lambda h: h.value(h.down(h.concern(sender="BUP")))),
    "message signed by a stranger": (
        "KEY_UNKNOWN",
        lambda h: h.value(h.down(h.concern(sign=SignKey(h.world.realm, Purpose.PARTY_SIGN, b"\x09" * 32)))),
    ),
    "message signed by the gate": (
        "KEY_PURPOSE",
        lambda h: h.value(h.down(replace(h.message, kid=h.world.stamp.kid))),
    ),
    "message altered": (
        "SIGNATURE_BROKEN",
        lambda h: h.value(h.down(replace(h.message, content=bytes(len(h.message.content))))),
    ),
    "label altered by the gate": (
        "SIGNATURE_BROKEN",
        lambda h: h.value(h.down(replace(h.message, routing=h.concern(type="recall").routing))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_BELIEVED)
def test_not_believed(case, hand, world, take, party):
    """It is refused with its code, counted as an incident, kept nowhere; and the honest record behind it is taken."""
    code, make = NOT_BELIEVED[case]
    value = make(hand)
    with pytest.raises(SambandError) as refusal:
        world.accept("social").open(value)
    assert refusal.value.code == code
    assert not [secret for secret in (world.child.identifier, world.child.name, world.ref(world.child).hex())
                if secret in str(refusal.value) + refusal.value.hint]  # fmt: skip
    assert take(value) is False
    assert party.store.number("count/incident") == 1
    assert party.store.number("box/0") is None
    assert not party.store.letters()
    take(hand.value(hand.down(world.seal(world.concern()), box=1)))
    assert [row.state for row in party.store.letters()] == ["waiting"]


def test_a_newer_directory_is_waited_for(hand, world, take, party, kit):
    """A record from a unit that only a newer directory names is read again when that is here; nothing is lost."""
    newer = hand.down(hand.concern(sender="NOBODY"), directory=world.directory.version + 1)
    with pytest.raises(OperatorError) as waits:
        take(hand.value(newer))
    assert waits.value.code == "DIRECTORY_BEHIND"
    assert party.store.number("count/incident") is None
    forged = hand.down(hand.concern(sender="BUP"), directory=world.directory.version + 1)
    assert take(hand.value(forged)) is False
    assert party.store.number("count/incident") == 1


def test_believed(hand, world, take, party):
    """An honest record is taken, opened, and waits to be handed over."""
    received = world.accept("social").open(hand.value(hand.down()))
    assert received.message == hand.message
    letter = world.accept("social").letter(received, hand.now)
    assert letter.content["concern"] == "HEMLIGT-ORD om oron"
    assert take(hand.value(hand.down(box=1))) is False
    (row,) = party.store.letters()
    assert (row.unit, row.type, row.state, row.held) == ("IFO", "concern.report", "waiting", False)
    assert row.letter["content"]["child_identifier"] == world.child.identifier


def test_cached_lane_is_not_enough(hand, world):
    """A record that rides on an honest opener does not get its key, though the reader has the lane open."""
    accept = world.accept("social")
    value = hand.value(hand.down())
    accept.open(value)
    with pytest.raises(SambandError) as refusal:
        accept.open(value[:-1] + bytes([value[-1] ^ 1]))
    assert refusal.value.code == "RECORD_BROKEN"


# Letters that the gate let through and the recipient does not hand over: (code, level of the receipt, draft).
def _other_child(world: Any) -> Any:
    """Return a concern about one child, routed as another."""
    return world.concern(ref=world.ref(world.child_of(0, skip=1)))


def _understated(world: Any) -> Any:
    """Return a concern that tells an address and does not say so."""
    honest = categories("concern.report", {"concern": "x", "child_identifier": "x"}, UnitKind.SCHOOL_PEDAGOGIC)
    return world.concern(content={"address": "Hemliga gatan 1"}, categories=honest)


def _unlike_plain(world: Any) -> Any:
    """Return a message whose label commits to another content."""
    return world.seal(world.concern(), plain_commit=b"\x01" * 32)


MISFITS: dict[str, tuple[str, str, Any]] = {
    "content about another child": ("MISMATCH_CHILD", "mismatch", _other_child),
    "understated category": ("MISMATCH_CATEGORIES", "mismatch", _understated),
    "overstated category": (
        "MISMATCH_CATEGORIES",
        "mismatch",
        lambda w: w.concern(categories=("address:child", *w.concern().categories)),
    ),
    "another age": ("MISMATCH_AGE", "mismatch", lambda w: w.concern(age_band="15-17")),
    "content of another type": (
        "CONTENT_FORM",
        "mismatch",
        lambda w: structs.replace(w.concern(), content=b"not one"),
    ),
    "content with a trailing byte": (
        "CONTENT_FORM",
        "mismatch",
        lambda w: structs.replace(d := w.concern(), content=(d.content or b"") + b"\0"),
    ),
    "unknown schema": ("SCHEMA_UNKNOWN", "mismatch", lambda w: w.concern(content_schema=bytes(32))),
    "content moved to another label": ("SEAL_BROKEN", "refused", _unlike_plain),
    "expired by the own clock": ("EXPIRED", "refused", lambda w: w.concern(expires=w.concern().created)),
    "unknown reference epoch": ("REFERENCE_EPOCH", "refused", lambda w: w.concern(e=2)),
    "sealed to a key that is not the unit's": (
        "RECIPIENT_KEY",
        "refused",
        lambda w: w.seal(w.concern(), recipient_kid=w.parties["skola"].content["SKOLA"].kid),
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_not_handed_over(case, hand, world, take, party):
    """What does not fit what was judged is never handed over, keeps no content, and is answered with a receipt."""
    code, level, make = MISFITS[case]
    made = make(world)
    message = made if isinstance(made, Message) else world.seal(made)
    assert take(hand.value(hand.down(message))) is True
    (row,) = party.store.letters()
    assert (row.state, row.code, row.letter["content"]) == ("refused", code, None)
    ((receipt, _),) = party.store.new_drafts(10)
    assert (receipt.type, receipt.recipient) == ("receipt", "SKOLA")
    body = events.decode("receipt", receipt.body or b"")
    assert isinstance(body, events.Receipt)
    assert (body.level, body.code, body.message_id) == (level, code, row.message_id)


def test_eighteen_between_writing_and_decision(world, hand, take, party):
    """Written at 23:59 before the 18th birthday and decided after midnight: refused by age, and so receipted."""
    midnight = datetime(2027, 5, 3, tzinfo=STOCKHOLM)
    child = synthetic(3, born=date(2009, 5, 3))
    created, decided = (int((midnight + timedelta(minutes=each)).timestamp() * 1000) for each in (-1, 1))
    written = {"age_band": "15-17", "created": created, "expires": created + DAY}
    message = world.seal(world.draft("concern.report", "SKOLA", "IFO", child, **written))
    hand.now = decided
    assert take(hand.value(hand.down(message)), decided) is True
    (row,) = party.store.letters()
    assert (row.state, row.code, row.letter["content"]) == ("refused", "MISMATCH_AGE", None)
    ((receipt, _),) = party.store.new_drafts(10)
    body = events.decode("receipt", receipt.body or b"")
    assert (receipt.recipient, body.level, body.code) == ("SKOLA", "mismatch", "MISMATCH_AGE")


def test_eighteen_after_the_decision(world, hand, take, party):
    """A message that was judged before midnight stands, however late it is opened."""
    midnight = datetime(2027, 5, 3, tzinfo=STOCKHOLM)
    child = synthetic(3, born=date(2009, 5, 3))
    created, decided, opened = (int((midnight + timedelta(minutes=each)).timestamp() * 1000) for each in (-2, -1, 60))
    written = {"age_band": "15-17", "created": created, "expires": created + DAY}
    message = world.seal(world.draft("concern.report", "SKOLA", "IFO", child, **written))
    hand.now = decided
    assert take(hand.value(hand.down(message)), opened) is False
    assert [row.state for row in party.store.letters()] == ["waiting"]


def test_the_sender_learns_why(world, gate):
    """The recipient's receipt comes back through the gate with its code, as a step of the sender's ladder."""
    draft = world.concern()
    assert [stamp.outcome for stamp in gate.say(draft)] == ["permit"]
    body = events.Receipt(events.Id16(draft.message_id), events.Level.MISMATCH, "MISMATCH_AGE")
    gate.say(world.event(body, "IFO", recipient="SKOLA"))
    (told,) = [each.stamp for each in gate.inbox(gate.turns[-1], "skola") if each.stamp.kind == "receipt"]
    step = step_of(told, "receipt", b"")
    assert (told.subject, step.outcome, step.code) == (draft.message_id, "mismatch", "MISMATCH_AGE")


def test_commitment(hand, world):
    """A content that opens under its label and is not what the label committed to is refused by name."""
    draft = world.concern()
    honest = world.seal(draft)
    to = SealKey(world.realm, Purpose.UNIT_CONTENT, world.parties["social"].content["IFO"].public)
    content = seal_content(to, pad_content(draft.content), honest.routing)
    message = sign_batch(world.parties["skola"].sign, [(honest.routing, content)])[0]
    accept = world.accept("social")
    with pytest.raises(SambandError) as refusal:
        accept.letter(accept.open(hand.value(hand.down(message))), hand.now)
    assert refusal.value.code == "COMMIT_BROKEN"


def test_nothing_to_open(hand, world):
    """The gate's own word has no letter in it."""
    accept = world.accept("social")
    with pytest.raises(SambandError) as refusal:
        accept.letter(accept.open(hand.value(hand.down(bare=True), sealed=0)), hand.now)
    assert refusal.value.code == "FORMAT_RECORD"


# box numbers


def test_repeated_record(hand, take, party):
    """A record that comes twice is taken once and counted."""
    value = hand.value(hand.down())
    for _ in range(3):
        take(value)
    assert len(party.store.letters()) == 1
    assert party.store.number("count/box_repeat") == 2
    assert party.store.number("count/incident") is None


def test_older_number(hand, world, take, party):
    """A record with a number that has come, however honest, changes nothing."""
    take(hand.value(hand.down(box=1)))
    take(hand.value(hand.down(world.seal(world.concern()), box=2)))
    take(hand.value(hand.down(world.seal(world.concern()), box=1)))
    assert len(party.store.letters()) == 2
    assert party.store.number("box/0") == 2
    assert party.store.number("count/box_repeat") == 1


def test_missing_numbers(hand, world, take, party, caplog):
    """A gap in the numbers is counted and logged with how many are missing, and stops nothing."""
    take(hand.value(hand.down(box=1)))
    take(hand.value(hand.down(world.seal(world.concern()), box=4)))
    assert party.store.number("count/box_gap") == 1
    assert party.store.number("box/0") == 4
    assert len(party.store.letters()) == 2
    (logged,) = [each for each in caplog.records if getattr(each, "code", "") == "BOX_GAP"]
    assert logged.missing == 2


def test_numbers_of_two_partitions(hand, world, take, party):
    """Each gate partition counts for itself."""
    take(hand.value(hand.down(box=7)))
    take(hand.value(replace(hand.down(world.seal(world.concern()), box=1), partition=1)))
    assert (party.store.number("box/0"), party.store.number("box/1")) == (7, 1)
    assert len(party.store.letters()) == 2


def test_same_message_with_a_new_number(hand, take, party):
    """A message that a hostile gate lets through twice is handed over once: its id is taken already."""
    take(hand.value(hand.down()))
    party.store.mark_letter(party.store.letters()[0].message_id, "handed_over", hand.now)
    take(hand.value(hand.down()))
    assert [row.state for row in party.store.letters()] == ["handed_over"]
    assert not party.store.new_drafts(10)


def test_recall_before_hand_over(hand, take, party):
    """A recall stops a waiting letter, answers with a refusal, and does nothing to one that was handed over."""
    take(hand.value(hand.down()))
    message_id = party.store.letters()[0].message_id
    stamp = {"kind": "recall", "subject": message_id, "outcome": "recalled", "code": "CONSENT_WITHDRAWN"}
    assert take(hand.value(hand.down(bare=True, **stamp), sealed=0)) is True
    assert party.store.letters()[0].state == "recalled"
    assert take(hand.value(hand.down(bare=True, **stamp), sealed=0)) is False


def test_receipt_with_a_garbage_body(hand, world, take, party):
    """A receipt that a hostile gate lets through with another body is one incident and stops nothing."""
    for body in (b"", b"\xff", events.encode(events.Receipt(events.Id16(bytes(16)), events.Level.OPENED))):
        message = world.seal(world.receipt(world.notice()), sender="SKOLA", sign=world.parties["skola"].sign,
                             sender_kid=world.parties["skola"].sign.kid, recipient="IFO", body=body)  # fmt: skip
        take(hand.value(hand.down(message, kind="receipt", outcome="opened", subject=b"s" * 16)))
    assert party.store.number("count/incident") == 3
    assert not party.store.steps(b"s" * 16)


def test_foreign_instance(hand, take, party):
    """An acknowledgement for another instance of the store, or for none, marks nothing as decided."""
    value = hand.value(Down(0, 1, b"", b"", b"x" * 16, 99), sealed=0)
    take(value)
    take(hand.value(Down(0, 2, b"", b"", NO_INSTANCE, 99), sealed=0))
    assert party.store.number("box/0") == 2
    assert party.store.number("count/incident") is None


def test_random_bytes_are_incidents(hand, take, party):
    """Whatever bytes stand in the inbox, the reader goes on: each is one incident and nothing else."""
    value = hand.value(hand.down())
    for cut in range(0, len(value), 97):
        take(value[:cut])
        take(value[:cut] + bytes([value[cut] ^ 0xFF]) + value[cut + 1 :])
    count = party.store.number("count/incident")
    assert count is not None
    assert count >= 2 * len(range(0, len(value), 97)) - 1
    assert not party.store.letters()


def test_another_units_content_key(world, hand):
    """A letter to one unit does not open with the key of another unit of the same party."""
    draft = world.draft("placement.notice", "IFO", "SKOLA")
    message = world.seal(draft)
    accept = world.accept("skola")
    keys = world.parties["skola"]
    accept.content = {keys.content["SKOLA"].kid: ("EMI", keys.content["SKOLA"])}
    down = hand.down(message)
    to = SealKey(world.realm, Purpose.PARTY_HOP, keys.hop.public)
    value = hand.value(down, topic=topics.inbox("skola"), to=to)
    with pytest.raises(SambandError) as refusal:
        accept.letter(accept.open(value), hand.now)
    assert refusal.value.code == "RECIPIENT_KEY"
