"""Keys at the gate: what a party says of its own, what a lost one ends, and what a revoked one signs no more."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from samband.schemas.errors import OperatorError
from samband.schemas.events import CardBytes, KeySaid, Level
from samband.schemas.head import STALE_MS
from samband.schemas.key_card import Reason, Revocation
from samband.streams import topics
from samband.streams.crypto.keys import OpenKey, Purpose, SealKey, SignKey
from samband.streams.crypto.signature import sign_batch
from samband.streams.directory_records import revoke
from samband.streams.outbox import seal


@pytest.fixture
def world(kit: Any) -> Any:
    """Return a world of one's own: these tests change its directory."""
    return kit.World("keys")


def card(world: Any, party: str, purpose: Purpose, unit: str = "", **changes: Any) -> tuple[Any, bytes]:
    """Return a new key of a party with its card."""
    kind = OpenKey if purpose in (Purpose.UNIT_CONTENT, Purpose.PARTY_HOP) else SignKey
    key = kind.generate(world.realm, purpose)
    return key, world.key(party, key, unit, **changes)


def said(world: Any, unit: str, value: bytes) -> Any:
    """Return the event that says a key card."""
    return world.event(KeySaid(CardBytes(value)), unit)


def taken_back(world: Any, party: str, key: Any, reason: Reason, at: int) -> bytes:
    """Return a party's key card with its revocation."""
    word = Revocation(revoked=key.kid, party=party, at=at, reason=reason)
    return revoke(world.directory.records[f"key-{key.kid.hex()}"], word, [world.roots[party]])


def test_a_key_card_goes_on_to_the_directory(gate, world):
    """A party's new key is accepted, logged, answered, and passed on byte for byte; the gate does not use it yet."""
    key, value = card(world, "bup", Purpose.UNIT_CONTENT, "BUP")
    turn = gate.take(gate.record(world.seal(said(world, "BUP", value)), "bup"))
    (stamp,) = gate.stamps(turn)
    assert (stamp.kind, stamp.outcome, stamp.code, stamp.type) == ("event", "accepted", "KEY_NAMED", "key.card")
    assert gate.values(turn, topics.CARDS) == [value]
    assert [each.stamp.outcome for each in gate.inbox(turn, "bup")] == ["accepted"]
    assert key.kid not in world.directory.keys


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("KEY_NOT_YOURS", lambda w: card(w, "bup", Purpose.PARTY_SIGN)[1]),
        ("KEY_CARD_SIGNER", lambda w: card(w, "skola", Purpose.PARTY_SIGN, signer=w.roots["bup"])[1]),
        ("KEY_CARD_UNIT", lambda w: card(w, "skola", Purpose.UNIT_CONTENT, "BUP")[1]),
        ("KEY_CARD_PURPOSE", lambda w: card(w, "skola", Purpose.GATE_STAMP)[1]),
        ("FORMAT_SCHEMA", lambda w: b"garbage"),
        ("FORMAT_SCHEMA", lambda w: w.card("skola", ())),
    ],
)
def test_nothing_but_own_keys(gate, world, code, value):
    """Another's key, one signed by another, for another's unit or for the gate, and garbage: refused, not passed on."""
    turn = gate.take(gate.record(world.seal(said(world, "SKOLA", value(world))), "skola"))
    assert [stamp.code for stamp in gate.stamps(turn)] == [code]
    assert gate.values(turn, topics.CARDS) == []


def test_a_lost_key_ends_what_was_not_read(gate, world):
    """What is on its way to a unit whose key is lost stops, told to both ends; what was handed over does not."""
    read, waiting, other = world.concern(), world.concern(), world.draft("dialogue.message", "IFO", "SKOLA")
    assert [stamp.outcome for stamp in gate.say(read, waiting)] == ["permit"] * 2
    gate.say(other)
    assert gate.say(world.receipt(read))[0].outcome == "handed_over"
    lost = taken_back(world, "social", world.parties["social"].content["IFO"], Reason.LOST, gate.now)
    turn = gate.take(gate.record(world.seal(said(world, "IFO", lost)), "social"))
    event, *ends = gate.stamps(turn)
    assert (event.code, [(end.kind, end.code, end.message_id) for end in ends]) == (
        "KEY_REVOKED",
        [("recall", "KEY_LOST", waiting.message_id)],
    )
    assert [each.stamp.code for each in gate.inbox(turn, "skola") if each.stamp] == ["KEY_LOST"]


def test_a_lost_hop_key_ends_all_that_its_party_could_not_read(gate, world):
    """With a party's hop key everything on its way to any of its units is lost, and ends so."""
    waiting = world.concern()
    gate.say(waiting)
    lost = taken_back(world, "social", world.parties["social"].hop, Reason.LOST, gate.now)
    turn = gate.take(gate.record(world.seal(said(world, "IFO", lost)), "social"))
    assert [end.message_id for end in gate.stamps(turn)[1:]] == [waiting.message_id]
    replaced = taken_back(world, "skola", world.parties["skola"].hop, Reason.REPLACED, gate.now)
    assert len(gate.say(said(world, "SKOLA", replaced))) == 1


def test_the_same_message_may_come_again_after_a_lost_key(gate, world):
    """Sealed to the unit's next key, the message is judged anew under its own id, once; another under it is not."""
    old = world.parties["social"].content["IFO"]
    waiting = world.concern()
    gate.say(waiting)
    key, new = card(world, "social", Purpose.UNIT_CONTENT, "IFO", not_before=gate.now - 1)
    lost = taken_back(world, "social", old, Reason.LOST, gate.now)
    gate.say(said(world, "IFO", new), said(world, "IFO", lost))
    before = world.seal(waiting)
    world.publish(world.directory, new, lost)
    assert gate.say(before)[0].code == "KEY_REVOKED"
    other = replace(world.draft("concern.report", "EMI", "IFO"), message_id=waiting.message_id)
    assert gate.say(other)[0].code == "MESSAGE_ID_USED"
    (stamp,) = gate.say(waiting)
    assert (stamp.outcome, stamp.message_id) == ("permit", waiting.message_id)
    assert gate.say(waiting)[0].code == "MESSAGE_ID_USED"
    assert world.directory.seal_key("social", Purpose.UNIT_CONTENT, gate.now, "IFO").kid == key.kid


def test_a_recipient_that_says_it_lost_the_key_lets_it_come_again(gate, world):
    """A refusal for want of the key is not the end of a message; any other refusal is."""
    for code, again in (("RECIPIENT_KEY", "permit"), ("EXPIRED", "refused")):
        draft = world.concern()
        gate.say(draft)
        body = world.receipt(draft, Level.REFUSED)
        from samband.schemas import events

        receipt = events.Receipt(events.Id16(draft.message_id), Level.REFUSED, code)
        gate.say(replace(body, body=events.encode(receipt)))
        assert gate.say(draft)[0].outcome == again


def test_a_revoked_key_signs_nothing_more_of_a_known_batch(gate, world):
    """Of a batch whose signature was verified before, what comes after the revocation is refused."""
    drafts = [world.concern(), world.concern()]
    keys = world.parties["skola"]
    parts = [
        (each.routing, each.content)
        for each in (seal([draft], world.directory, keys.sign, gate.now)[0] for draft in drafts)
    ]
    first, second = sign_batch(keys.sign, parts)
    assert gate.say(first)[0].outcome == "permit"
    world.publish(world.directory, taken_back(world, "skola", keys.sign, Reason.STOLEN, gate.now))
    turn = gate.take(gate.record(second, "skola"))
    assert (gate.stamps(turn), turn.quarantined[0][1]) == ([], "KEY_REVOKED")
    _, fresh = card(world, "skola", Purpose.PARTY_SIGN)
    world.publish(world.directory, fresh)


def test_an_opener_to_a_revoked_hop_key_is_refused(gate, world):
    """A lane that is sealed to a gate's key that was taken back is not opened."""
    world.publish(world.directory, taken_back(world, "hub", world.hop, Reason.STOLEN, gate.now))
    lane = world.lane("skola", gate.now, to=SealKey(world.realm, Purpose.GATE_HOP, world.hop.public))
    turn = gate.take(gate.record(world.seal(world.concern()), "skola", lane=lane))
    assert turn.quarantined[0][1] == "KEY_REVOKED"


def test_a_closed_unit(gate, world):
    """A closed unit says and receives nothing new; receipts for what is on its way still come through, both ways."""
    out, back = world.draft("dialogue.message", "SKOLA", "IFO"), world.concern()
    assert [stamp.outcome for stamp in gate.say(back)] == ["permit"]
    closed = tuple(dataclasses.replace(unit, retired=True) for unit in world.units("skola"))
    world.publish(world.directory, world.card("skola", closed, 2))
    assert gate.say(out)[0].code == "UNIT_RETIRED"
    assert gate.say(world.notice())[0].code == "UNIT_RETIRED"
    assert gate.say(world.receipt(back))[0].outcome == "handed_over"


def test_a_closed_party(gate, world):
    """When a party is closed, all its units are."""
    world.publish(world.directory, world.card("skola", world.units("skola"), 2, retired=True))
    assert gate.say(world.concern())[0].code == "UNIT_RETIRED"


def test_a_stale_directory_stops_the_gate(gate, world):
    """Nothing is judged on a directory over 72 hours old."""
    gate.judge.check(gate.now + STALE_MS)
    with pytest.raises(OperatorError) as caught:
        gate.judge.check(gate.now + STALE_MS + 1)
    assert caught.value.code == "DIRECTORY_STALE"
