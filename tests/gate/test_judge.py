"""Bad input at the gate: each has its code, changes nothing that is remembered, and stops nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas import events
from samband.schemas.message import SEAL_OVERHEAD, Message
from samband.schemas.routing import NO_COMMIT
from samband.schemas.rulebook import shipped_text
from samband.streams.crypto.keys import Purpose, SignKey

DAY = 24 * 3_600_000


def altered(message: Message, **changes: Any) -> Message:
    """Return a message with parts changed and nothing signed again."""
    return replace(message, **changes)


def flipped(data: bytes, at: int = 0) -> bytes:
    """Return bytes with one bit flipped."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def stranger(world: Any) -> SignKey:
    """Return a signing key that no card names."""
    return SignKey(world.realm, Purpose.PARTY_SIGN, b"\x09" * 32)


# What a message can be wrong in: (code, how to make it from the world, whose lane it comes through: `skola` if unsaid).
REFUSED: dict[str, tuple[Any, ...]] = {
    "garbage": ("FORMAT_VERSION", lambda w: b"garbage"),
    "nothing": ("FORMAT_SHORT", lambda w: b""),
    "trailing byte": ("FORMAT_TRAILING", lambda w: w.seal(w.concern()).encode() + b"\0"),
    "no label": ("FORMAT_RECORD", lambda w: altered(w.seal(w.concern()), routing=b"")),
    "label with trailing byte": (
        "FORMAT_NOT_CANONICAL",
        lambda w: altered(m := w.seal(w.concern()), routing=m.routing + b"\0"),
    ),
    "label of another version": ("FORMAT_VERSION", lambda w: w.seal(w.concern(), v=2)),
    "overlong unit": ("FORMAT_TOO_LONG", lambda w: altered(w.seal(w.concern()), routing=w.overlong)),
    "unknown key": ("KEY_UNKNOWN", lambda w: w.seal(w.concern(), sign=stranger(w), sender_kid=stranger(w).kid)),
    "key for another purpose": ("KEY_PURPOSE", lambda w: altered(w.seal(w.concern()), kid=w.parties["skola"].hop.kid)),
    "gate's key": ("KEY_PURPOSE", lambda w: altered(w.seal(w.concern()), kid=w.stamp.kid)),
    "another party's name": ("SIGNATURE_BROKEN", lambda w: altered(w.seal(w.concern()), kid=w.parties["bup"].sign.kid)),
    "signature": ("SIGNATURE_BROKEN", lambda w: altered(m := w.seal(w.concern()), sig=flipped(m.sig))),
    "label after signing": (
        "SIGNATURE_BROKEN",
        lambda w: altered(w.seal(w.concern()), routing=w.seal(w.notice()).routing),
    ),
    "content after signing": (
        "SIGNATURE_BROKEN",
        lambda w: altered(m := w.seal(w.concern()), content=flipped(m.content)),
    ),
    "content taken off": ("SIGNATURE_BROKEN", lambda w: altered(w.seal(w.concern()), content=b"")),
    "size of the batch": ("PATH_BROKEN", lambda w: altered(w.seal(w.concern()), n=2)),
    "place in the batch": ("PATH_BROKEN", lambda w: altered(w.seal(w.concern()), i=1)),
    "path": ("PATH_BROKEN", lambda w: altered(w.seal(w.concern()), path=(bytes(32),))),
    "batch too large": ("BATCH_TOO_LARGE", lambda w: altered(w.seal(w.concern()), n=65)),
    "signed by another party": (
        "SENDER_PARTY",
        lambda w: w.seal(w.concern(), sign=w.parties["bup"].sign, sender_kid=w.parties["bup"].sign.kid),
    ),
    "another's unit": ("SENDER_PARTY", lambda w: w.seal(w.concern(), sender="BUP")),
    "unknown sender unit": ("UNIT_UNKNOWN", lambda w: w.seal(w.concern(), sender="NOBODY")),
    "label names another key": ("SENDER_KEY", lambda w: w.seal(w.concern(), sender_kid=bytes(32))),
    "another agreement": ("AGREEMENT", lambda w: w.seal(w.concern(), agreement="vuxna")),
    "wrong partition": ("WRONG_PARTITION", lambda w: w.seal(w.concern(child=w.child_of(1)))),
    "post-dated": ("CLOCK_AHEAD", lambda w: w.seal(w.concern(created=w.now + 300_001, expires=w.now + DAY))),
    "lives too long": ("EXPIRES_TOO_LATE", lambda w: w.seal(w.concern(expires=w.now + 14 * DAY + 1))),
    "expired": ("EXPIRED", lambda w: w.seal(w.concern(created=w.now - DAY, expires=w.now))),
    "unknown recipient unit": ("UNIT_UNKNOWN", lambda w: w.seal(w.concern(), recipient="NOBODY")),
    "swapped recipient": ("RECIPIENT_KEY", lambda w: w.seal(w.concern(), recipient="BUP")),
    "swapped recipient key": (
        "RECIPIENT_KEY",
        lambda w: w.seal(w.concern(), recipient_kid=w.parties["bup"].content["BUP"].kid),
    ),
    "key of another unit of the same party": (
        "RECIPIENT_KEY",
        lambda w: w.seal(
            w.draft("dialogue.message", "IFO", "SKOLA"), recipient_kid=w.parties["skola"].content["EMI"].kid
        ),
        "social",
    ),
    "sealed to a party, not a unit": (
        "RECIPIENT_KEY",
        lambda w: w.seal(w.concern(), recipient_kid=w.parties["social"].hop.kid),
    ),
    "unknown type": ("TYPE_UNKNOWN", lambda w: w.seal(w.concern(), type="concern.gossip")),
    "wrong kind of sender": ("TYPE_NOT_FOR_KIND", lambda w: w.seal(w.draft("placement.notice", "SKOLA", "IFO"))),
    "wrong kind of recipient": ("TYPE_NOT_FOR_KIND", lambda w: w.seal(w.draft("concern.report", "SKOLA", "BUP"))),
    "not received": ("TYPE_NOT_RECEIVED", lambda w: w.seal(w.draft("placement.notice", "IFO", "BUP")), "social"),
    "not chosen": ("TYPE_NOT_RECEIVED", lambda w: w.seal(w.draft("school.absence_signal", "SKOLA", "IFO"))),
    "body where none is": ("BODY", lambda w: w.seal(w.concern(), body=b"x")),
    "event without body": ("BODY", lambda w: w.seal(w.event(events.ConsentWithdrawn(), "IFO"), body=None), "social"),
    "question that is an event": (
        "BODY",
        lambda w: w.seal(w.event(events.ConsentWithdrawn(), "IFO"), ask=True),
        "social",
    ),
    "unknown schema": ("SCHEMA_UNKNOWN", lambda w: w.seal(w.concern(), content_schema=bytes(32))),
    "schema of another type": ("SCHEMA_UNKNOWN", lambda w: w.seal(w.concern(), content_schema=w.other_schema)),
    "content without commitment": ("CONTENT", lambda w: w.seal(w.concern(), plain_commit=NO_COMMIT)),
    "commitment without content": ("CONTENT", lambda w: w.seal(w.concern(), content=b"")),
    "no content": ("CONTENT", lambda w: w.seal(w.concern(), content=b"", plain_commit=NO_COMMIT)),
    "question with content": ("CONTENT", lambda w: w.seal(w.concern(), ask=True)),
    "odd content length": ("CONTENT_SIZE", lambda w: w.seal(w.concern(), content=bytes(2048 + SEAL_OVERHEAD + 1))),
    "oversized content": ("CONTENT_SIZE", lambda w: w.seal(w.concern(), content=bytes(900_000))),
    "no category": ("CATEGORIES", lambda w: w.seal(w.concern(), categories=())),
    "overlong categories": ("LABEL_TOO_LONG", lambda w: w.seal(w.concern(), categories=("x" * 9_000,) * 12)),
    "label that leaves no room": ("LABEL_TOO_LONG", lambda w: w.seal(w.concern(), categories=("x" * 80,) * 12)),
    "event of another unit": (
        "EVENT_RECIPIENT",
        lambda w: w.seal(w.event(events.ConsentWithdrawn(), "IFO", recipient="SKOLA")),
        "social",
    ),
    "event with a garbage body": (
        "EVENT_FORM",
        lambda w: w.seal(w.event(events.ConsentWithdrawn(), "IFO"), body=b"\xff"),
        "social",
    ),
    "event with a body of another type": (
        "EVENT_FORM",
        lambda w: w.seal(w.event(events.ConsentWithdrawn(), "IFO"), type="consent.given"),
        "social",
    ),
    "consent recorded by who is not in it": (
        "CONSENT_RECORDER",
        lambda w: w.seal(w.event(w.kit.consent(), "BUP")),
        "bup",
    ),
    "receipt for what was never sent": ("RECEIPT_UNKNOWN", lambda w: w.seal(w.receipt(w.concern())), "social"),
    "recall of what was never sent": (
        "RECALL_UNKNOWN",
        lambda w: w.seal(w.event(events.Recall(bytes(16)), "IFO", recipient="SKOLA")),
        "social",
    ),
}


@pytest.fixture(scope="module")
def made(world, kit):
    """Return the world with what the table above needs."""
    world.now, world.kit = kit.NOW, kit
    world.other_schema = kit.content_schema_id("dialogue.message")
    routing = world.seal(world.concern(), sender="S" * 64).routing
    world.overlong = routing.replace(b"\x80\x01" + b"S" * 64, b"\x82\x01" + b"S" * 65)
    assert world.overlong != routing
    return world


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, made, gate):
    """A message that is wrong is answered with its code, changes nothing, and the one behind it passes."""
    code, make, party = (*REFUSED[case], "skola")[:3]
    message = make(made)
    turn = gate.take(gate.record(message, party), gate.record(made.seal(made.concern()), "skola"))
    refusal, permit = gate.stamps(turn)
    assert (refusal.kind, refusal.outcome, refusal.code) == ("refusal", "refused", code)
    assert permit.outcome == "permit"
    assert {name.partition(b"/")[0] for name in gate.remembered()} == {b"msg", b"child"}
    assert len(gate.messages()) == 1
    (answer,) = [each for each in gate.inbox(turn, party) if each.stamp and each.stamp.kind == "refusal"]
    assert answer.message is None
    assert answer.down.ack == 1


def test_rules_hold_from_their_time(kit):
    """What a turn decides by are the rules in force at the gate's clock, and each record says which."""
    world = kit.World("rules")
    gate = kit.Gate(world)
    text = shipped_text().replace('ground = "DUTY_REPORT"\neffect = "permit"', 'ground = "DUTY_REPORT"\neffect = "ask"')
    world.publish(world.directory, world.rules(7, gate.now + 1000, text))
    (before,) = gate.say(world.concern())
    gate.now += 1000
    decision, _ = gate.say(world.concern())
    assert (before.outcome, decision.outcome) == ("permit", "deny")
    assert before.rulebook != decision.rulebook


def test_without_rules_nothing_is_decided(gate, made, monkeypatch):
    """Where no rules are in force a message is refused with a code, and can be sent again."""
    monkeypatch.setattr(made.directory.rules, "at", lambda now: None)
    (refusal,) = gate.say(made.concern())
    assert (refusal.kind, refusal.code) == ("refusal", "RULES_MISSING")
