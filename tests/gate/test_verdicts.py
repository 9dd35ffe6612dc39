"""What the gate says, remembers and gives away: permits, receipts, recalls, numbers, and no byte too many."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from samband.schemas import events
from samband.schemas.catalogue import CATALOGUE, possible_categories
from samband.schemas.codec import unframe
from samband.schemas.events import Level, Scope
from samband.schemas.stamp import AUDIT, StampRecord
from samband.schemas.units import UnitKind
from samband.streams import topics
from samband.streams.crypto.lane import UnverifiedRecord
from samband.streams.gate import judge, loop, state, verdicts

HOUR = 3_600_000
MS = 1_800_000_000_000


def permitted(gate: Any, *drafts: Any) -> None:
    """Send drafts and see them permitted."""
    assert [stamp.outcome for stamp in gate.say(*drafts)] == ["permit"] * len(drafts)


def consented(gate: Any, kit: Any, **changes: Any) -> None:
    """Record the consent that carries placement notices."""
    (stamp,) = gate.say(gate.world.event(kit.consent(**changes), "IFO"))
    assert stamp.outcome == "accepted", stamp.code


def test_permit_reaches_the_recipient(gate, world):
    """A permitted message comes out unchanged, with its stamp, at its recipient; the sender gets the stamp alone."""
    message = world.seal(world.concern())
    turn = gate.take(gate.record(message, "skola"))
    (there,), (back,) = gate.inbox(turn, "social"), gate.inbox(turn, "skola")
    assert there.message == message
    assert back.message is None
    assert there.stamp == back.stamp
    assert there.entry == back.entry
    assert not gate.inbox(turn, "bup")


def test_denied_goes_nowhere(gate, world):
    """A denied message is answered and comes out nowhere."""
    turn = gate.take(gate.record(world.seal(world.notice()), "social"))
    assert gate.stamps(turn)[0].reasons == ("CONSENT_MISSING",)
    assert not gate.values(turn, topics.inbox("skola"))
    assert gate.inbox(turn, "social")[0].message is None


def test_question_is_answered_and_never_forwarded(gate, world, kit):
    """A question that would be permitted is answered so; nothing comes out, nothing is remembered."""
    consented(gate, kit)
    before = gate.remembered()
    question = structs.replace(world.notice(), ask=True, content=None)
    turn = gate.take(gate.record(world.seal(question), "social"))
    (stamp,) = gate.stamps(turn)
    assert (stamp.outcome, stamp.ask) == ("permit", True)
    assert not gate.values(turn, topics.inbox("skola"))
    assert gate.remembered() == before


def test_error_in_the_kernel_denies(gate, world, monkeypatch):
    """An error inside the judgement refuses the message with a code, changes nothing, and the next one passes."""
    real = verdicts.decide

    def broken(question: Any, *rest: Any) -> Any:
        if question.type == "placement.notice":
            raise ZeroDivisionError("199001019802")
        return real(question, *rest)

    monkeypatch.setattr(verdicts, "decide", broken)
    refusal, permit = gate.say(world.notice(), world.concern())
    assert (refusal.kind, refusal.code, refusal.outcome) == ("refusal", "GATE_ERROR", "refused")
    assert permit.outcome == "permit"
    assert len(gate.messages()) == 1


def test_error_after_a_change_takes_it_back(gate, world, kit, monkeypatch):
    """An event whose judgement fails after the state was changed leaves no change behind."""
    monkeypatch.setattr(verdicts, "notified", lambda *_: 1 / 0)
    (refusal,) = gate.say(world.event(kit.consent(), "IFO"))
    assert refusal.code == "GATE_ERROR"
    assert not gate.remembered()


def test_refused_event_changes_nothing(gate, world, kit):
    """An event that is refused leaves the child's state byte for byte as it was."""
    consented(gate, kit)
    before = gate.remembered()
    refused = gate.say(
        world.event(kit.consent(), "IFO"),
        world.event(events.ConsentSigned(events.Id16(bytes(16)), "guardian-1", events.Digest(bytes(32))), "IFO"),
        world.event(events.CircleUpdate(claim=True), "SKOLA"),
        world.event(events.ProtectionMarked(events.MarkKind.THREAT, lifted=True), "SKOLA"),
    )
    assert [stamp.kind for stamp in refused] == ["refusal"] * 4
    assert refused[0].code == "CONSENT_ID_USED"
    assert gate.remembered() == before


def test_no_room_for_more(gate, world, kit, monkeypatch):
    """When a child's open messages fill what one record holds, the next is refused; other children's still pass."""
    consented(gate, kit)
    permitted(gate, world.notice())
    monkeypatch.setattr(state, "_VALUE_MAX", max(map(len, gate.state.values.values())))
    more = [world.notice() for _ in range(100)]
    assert {stamp.code for stamp in gate.say(*more)} == {"", "STATE_FULL"}
    before = gate.remembered()
    refusal, permit = gate.say(world.notice(), world.concern(child=world.child_of(0, skip=1)))
    assert (refusal.kind, refusal.code) == ("refusal", "STATE_FULL")
    assert permit.outcome == "permit"
    assert before.items() < gate.remembered().items()


def test_largest_state_fits_a_batch():
    """The longest value that the gate remembers, padded and sealed, fits the batch that commits it."""
    assert len(loop.pad(bytes(state._VALUE_MAX))) + 1000 < loop._BATCH_BYTES


# receipts


def test_receipt_reaches_the_sender(gate, world):
    """A recipient's receipt comes out at the sender, signed and stamped, and is itself answered with an ack only."""
    draft = world.concern()
    permitted(gate, draft)
    turn = gate.take(gate.record(world.seal(world.receipt(draft)), "social"))
    (there,), (back,) = gate.inbox(turn, "skola"), gate.inbox(turn, "social")
    assert (there.stamp.kind, there.stamp.outcome, there.stamp.subject) == ("receipt", "handed_over", draft.message_id)
    assert there.message is not None
    assert (back.stamp, back.down.ack) == (None, 1)


def test_receipt_of_another_unit(gate, world):
    """A receipt for a message that was permitted to another unit, even of the same party, is refused."""
    draft = world.draft("dialogue.message", "BUP", "IFO", necessity="care")
    permitted(gate, draft)
    body = events.Receipt(events.Id16(draft.message_id), Level.HANDED_OVER)
    for unit in ("SKOLA", "EMI", "BUP"):
        (refusal,) = gate.say(world.event(body, unit, recipient="BUP" if unit != "BUP" else "IFO"))
        assert refusal.code == "RECEIPT_UNKNOWN"


def test_receipt_about_another_child(gate, world):
    """A receipt that is routed about another child than its message is refused."""
    draft = world.concern()
    permitted(gate, draft)
    (refusal,) = gate.say(world.receipt(draft, ref=world.ref(world.child_of(0, skip=1))))
    assert refusal.code == "RECEIPT_UNKNOWN"


def test_receipt_for_a_denied_message(gate, world):
    """A receipt for a message that was never let through is refused."""
    notice = world.notice()
    gate.say(notice)
    assert gate.say(world.receipt(notice))[0].code == "RECEIPT_UNKNOWN"


@pytest.mark.parametrize(("first", "then"), [
    (Level.HANDED_OVER, Level.HANDED_OVER), (Level.OPENED, Level.HANDED_OVER), (Level.ACTED, Level.OPENED),
    (Level.HANDED_OVER, Level.REFUSED), (Level.HANDED_OVER, Level.MISMATCH), (Level.REFUSED, Level.HANDED_OVER),
    (Level.REFUSED, Level.REFUSED), (Level.MISMATCH, Level.OPENED), (Level.HANDED_OVER, Level.ACCEPTED),
])  # fmt: skip
def test_level_only_rises(gate, world, first, then):
    """A receipt whose level falls or stands still is refused, and a refused message is never handed over."""
    draft = world.concern()
    permitted(gate, draft)
    assert gate.say(world.receipt(draft, first))[0].outcome == first
    before = gate.remembered()
    (refusal,) = gate.say(world.receipt(draft, then))
    assert (refusal.kind, refusal.code) == ("refusal", "RECEIPT_LEVEL")
    assert gate.remembered() == before


def test_level_rises(gate, world):
    """Handed over, opened and acted come one after the other."""
    draft = world.concern()
    permitted(gate, draft)
    for level in (Level.HANDED_OVER, Level.OPENED, Level.ACTED):
        assert gate.say(world.receipt(draft, level))[0].outcome == level


# recalls


def recall(world: Any, draft: Any, unit: str, recipient: str) -> Any:
    """Return a unit's recall of a draft."""
    return world.event(events.Recall(events.Id16(draft.message_id), "MISDIRECTED"), unit, recipient=recipient)


@pytest.mark.parametrize("before", ["", "accepted", "handed_over", "opened"])
def test_misdirected_follows_any_step(gate, world, before):
    """A unit that sees that a message was not meant for it says so, even after it was opened; then nothing follows."""
    sent = world.concern()
    permitted(gate, sent)
    if before:
        gate.say(world.receipt(sent, Level(before)))
    assert gate.say(world.receipt(sent, Level.MISDIRECTED))[0].outcome == "misdirected"
    assert gate.say(world.receipt(sent, Level.MISDIRECTED))[0].code == "RECEIPT_LEVEL"
    assert gate.say(world.receipt(sent, Level.ACTED))[0].code == "RECEIPT_LEVEL"


def test_recall_by_the_sender(gate, world):
    """A sender's recall stops a message that is not handed over: both ends are told, and only once."""
    draft = world.concern()
    permitted(gate, draft)
    turn = gate.take(gate.record(world.seal(recall(world, draft, "SKOLA", "IFO")), "skola"))
    assert [(stamp.kind, stamp.code) for stamp in gate.stamps(turn)] == [
        ("event", ""),
        ("recall", "RECALLED_BY_SENDER"),
    ]
    assert [each.stamp.kind for each in gate.inbox(turn, "social")] == ["recall"]
    assert gate.say(recall(world, draft, "SKOLA", "IFO"))[0].code == "RECALL_TOO_LATE"


@pytest.mark.parametrize(("unit", "recipient"), [("IFO", "SKOLA"), ("BUP", "IFO"), ("EMI", "IFO")])
def test_recall_by_a_stranger(gate, world, unit, recipient):
    """Nobody but the sending unit recalls a message: not the recipient, not a neighbour, not another party."""
    draft = world.concern()
    permitted(gate, draft)
    before = gate.remembered()
    assert gate.say(recall(world, draft, unit, recipient))[0].code == "RECALL_UNKNOWN"
    assert gate.remembered() == before


def test_recall_too_late(gate, world):
    """What was handed over is not recalled."""
    draft = world.concern()
    permitted(gate, draft)
    gate.say(world.receipt(draft))
    assert gate.say(recall(world, draft, "SKOLA", "IFO"))[0].code == "RECALL_TOO_LATE"


def test_withdrawal_recalls_what_is_open(gate, world, kit):
    """A withdrawn consent stops what rests on it and is not handed over; what was handed over or goes on duty stays."""
    consented(gate, kit)
    done, waiting, refused, duty = world.notice(), world.notice(), world.notice(), world.concern()
    permitted(gate, done, waiting, refused, duty)
    gate.say(world.receipt(done), world.receipt(refused, Level.REFUSED))
    turn = gate.take(gate.record(world.seal(world.event(events.ConsentWithdrawn(), "SKOLA")), "skola"))
    event, closed, stopped = gate.stamps(turn)
    assert (event.kind, event.outcome) == ("event", "accepted")
    assert (closed.code, closed.subject) == ("CONSENT_WITHDRAWN", kit.consent().consent_id)
    assert (stopped.kind, stopped.code, stopped.subject) == ("recall", "CONSENT_WITHDRAWN", waiting.message_id)
    assert gate.say(world.notice())[0].reasons == ("CONSENT_WITHDRAWN",)
    assert not [name for name in gate.remembered() if name.startswith(b"open/")]


def test_withdrawal_in_the_same_turn(gate, world, kit):
    """A message permitted in the very same turn is recalled by a withdrawal behind it, and one after it denied."""
    consented(gate, kit)
    stamps = gate.say(world.notice(), world.event(events.ConsentWithdrawn(), "IFO"), world.notice())
    assert [(stamp.kind, stamp.outcome) for stamp in stamps] == [
        ("decision", "permit"), ("event", "accepted"), ("recall", "recalled"), ("decision", "deny"), ("answer", "deny"),
    ]  # fmt: skip


def test_withdrawal_of_another_child(gate, world, kit):
    """A withdrawal touches nothing of another child."""
    consented(gate, kit)
    permitted(gate, world.notice())
    other = world.child_of(0, skip=1)
    assert len(gate.say(world.event(events.ConsentWithdrawn(), "IFO", other))) == 1


def test_withdrawal_of_another_consent(gate, world, kit):
    """A withdrawal of one named consent does not recall what rests on another."""
    consented(gate, kit)
    consented(gate, kit, number=2, recipients=(events.Recipient("BUP"),))
    permitted(gate, world.notice())
    body = events.ConsentWithdrawn(Scope.CONSENT, events.Id16(b"\x02" * 16))
    assert [stamp.kind for stamp in gate.say(world.event(body, "IFO"))] == ["event"]


def test_receipt_after_a_recall(gate, world):
    """What was handed over before the recall came is recorded as it was; opening it then is not."""
    draft = world.concern()
    permitted(gate, draft)
    gate.say(recall(world, draft, "SKOLA", "IFO"))
    assert gate.say(world.receipt(draft, Level.OPENED))[0].code == "RECEIPT_LEVEL"
    assert gate.say(world.receipt(draft, Level.HANDED_OVER))[0].outcome == "handed_over"


def test_expired_message_ends(gate, world):
    """A permitted message that nobody took ends as expired, for both; one that was handed over is only forgotten."""
    taken, left = world.concern(), world.concern()
    permitted(gate, taken, left)
    gate.say(world.receipt(taken))
    gate.now = left.expires + 2 * HOUR
    (stamp,) = gate.stamps(gate.take())
    assert (stamp.kind, stamp.code, stamp.subject) == ("recall", "EXPIRED", left.message_id)
    assert not gate.messages()


# numbers, clock and bytes


def test_numbers_rise_by_one(gate, world, kit):
    """Box numbers of each inbox and audit numbers of the partition rise by one, over turns and kinds of records."""
    consented(gate, kit)
    draft = world.concern()
    permitted(gate, draft, world.notice())
    gate.take(gate.raw(b"garbage"), gate.record(b"garbage", "bup"))
    gate.say(world.receipt(draft), world.event(events.ConsentWithdrawn(), "BUP"), world.notice())
    for party in ("social", "skola", "bup"):
        numbers = [each.down.box_seq for turn in gate.turns for each in gate.inbox(turn, party)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers
    audit = [unframe(AUDIT, value)["audit_seq"] for turn in gate.turns for value in gate.values(turn, topics.AUDIT)]
    assert audit == list(range(1, len(audit) + 1))


def test_clock_never_goes_back(gate, world):
    """A gate whose clock is set back decides with the partition's last time."""
    gate.say(world.concern())
    gate.now -= HOUR // 2
    assert gate.say(world.concern())[0].decided_at == gate.now + HOUR // 2


def story(gate: Any, world: Any, kit: Any) -> list[tuple[bytes, Any]]:
    """Play permits, denials, events, receipts, a refusal and a recall; return each outbox value with its turn."""
    consented(gate, kit)
    draft, notice = world.concern(), world.notice()
    said = [draft, notice, world.receipt(draft), world.draft("placement.notice", "IFO", "EMI"), world.receipt(draft),
            world.event(events.ConsentWithdrawn(), "SKOLA"), recall(world, draft, "SKOLA", "IFO")]  # fmt: skip
    found = []
    for each in said:
        message = world.seal(each)
        record = gate.record(message, kit.PARTY_OF[each.sender])
        found.append((record.value or b"", gate.take(record)))
    return found


def windows(data: bytes) -> set[bytes]:
    """Return every 16-byte string of some bytes."""
    return {data[i : i + 16] for i in range(len(data) - 15)}


def test_leak_rule(gate, world, kit):
    """No 16 bytes of an outbox record, its opener excepted, stand in any inbox, audit, quarantine or state record."""
    written: set[bytes] = set()
    coming: set[bytes] = set()
    for value, turn in story(gate, world, kit):
        record = UnverifiedRecord.decode(value)
        coming |= windows(value.replace(record.opener_bytes, b""))
        for _, _, records in turn.outputs:
            for key, out, headers in records:
                written |= windows(key or b"") | windows(out or b"")
                written |= {each for _, text in headers[3:] for each in windows(text)}
        for name, data in turn.changes.items():
            if data is not None:
                key, sealed = world.store.seal(topics.state("barn"), name, data)
                written |= windows(key) | windows(sealed)
    assert len(coming) > 40_000
    assert not coming & written


def test_records_share_nothing(gate, world, kit):
    """Two records of different topics that one turn writes share no 16 bytes, openers excepted."""
    turn = story(gate, world, kit)[0][1]
    seen: dict[bytes, str] = {}
    for topic, _, records in turn.outputs:
        for key, value, _ in records:
            data = value or b""
            if topic.startswith("samband.inbox"):
                data = data.replace(UnverifiedRecord.decode(data).opener_bytes, b"")
            for each in windows(key or b"") | windows(data):
                assert seen.setdefault(each, topic) == topic


def test_nothing_is_readable(gate, world, kit):
    """No unit, type, agreement, reference, name or number stands in what the gate writes."""
    child = world.child
    words = [b"SKOLA", b"placement", b"concern", b"permit", b"CONSENT", b"HEMLIGT-ORD", world.ref(child)]
    words += [child.identifier.encode(), child.name.encode()]
    for _, turn in story(gate, world, kit):
        for _, _, records in turn.outputs:
            for key, value, _ in records:
                assert not [word for word in words if word in (key or b"") + (value or b"")]


def test_lengths_tell_the_class_only(gate, world, kit):
    """Permits, denials, receipts, recalls, refusals and acks of the small class all have one length in every inbox."""
    turns = [turn for _, turn in story(gate, world, kit)]
    turns.append(gate.take(gate.record(b"garbage", "social"), gate.record(b"garbage", "skola", seq=1)))
    lengths = {len(UnverifiedRecord.decode(value).ct) for turn in turns for party in world.parties
               for value in gate.values(turn, topics.inbox(party))}  # fmt: skip
    assert lengths == {2048 + 4096 + 16}
    large = world.concern(content={"concern": "x" * 5000})
    turn = gate.take(gate.record(world.seal(large), "skola"))
    (value,) = gate.values(turn, topics.inbox("social"))
    assert len(UnverifiedRecord.decode(value).ct) == 8192 + 4096 + 16
    audits = {len(unframe(AUDIT, value)["sealed"]) for turn in gate.turns for value in gate.values(turn, topics.AUDIT)}
    assert len(audits) == 1


def test_codes_and_counts_tell_nothing(gate, world, kit):
    """No code, reason or count of a turn holds the child's number, name or reference."""
    story(gate, world, kit)
    secrets = (world.child.identifier, world.child.name, world.ref(world.child).hex())
    for turn in gate.turns:
        for stamp in gate.stamps(turn):
            told = " ".join((stamp.kind, stamp.outcome, stamp.code, *stamp.reasons, *stamp.grounds, *stamp.obligations))
            assert not [secret for secret in secrets if secret in told]
        assert not [secret for secret in secrets if secret in repr((turn.counts, turn.quarantined))]


@pytest.mark.parametrize("type_name", [name for name, row in CATALOGUE.items() if row.carries_content])
def test_every_honest_label_has_room(world, type_name):
    """A type with every field filled, the longest unit ids and claims and eight consents has room in one record."""
    kinds = [kind for kind in UnitKind if kind.family != "coordination"]
    told = max((possible_categories(type_name, kind) for kind in kinds), key=lambda tags: len("".join(tags)))
    units = {"sender": "S" * 64, "recipient": "R" * 64}
    claims = {"ground": "DUTY_HEALTH_EXAM", "limb": "compulsory_care", "necessity": "n" * 32, "motive": bytes(32)}
    message = world.seal(world.concern(), type=type_name, categories=told, ref_to=bytes(16), **units, **claims)
    record = StampRecord(
        kind="decision", leaf=bytes(32), message_id=bytes(16), **units, ref=bytes(16), type=type_name,
        outcome="permit", grounds=("DUTY_HEALTH_EXAM", "SOCIAL_TO_CARE", "CONSENT"), consents=(bytes(32),) * 8,
        obligations=("register_arrival", "call_if_urgent", "hold_protected", "show_objection"), categories=told,
        rulebook=bytes(32), directory=10**6, decided_at=MS, appended_at=MS,
    )  # fmt: skip
    longest = replace(message, n=64, path=(bytes(32),) * 6)
    judge._check_room(verdicts.Say.of(record, world.realm, (("p", longest.encode()),), sealed=len(message.content)))


def test_answers_of_a_turn_share_records(gate, world):
    """Answers to one connector stand in few records, in order, each verified; the last seq acknowledges them all."""
    drafts = [world.concern() for _ in range(20)]
    turn = gate.take(*[gate.record(world.seal(draft), "skola") for draft in drafts])
    boxes = gate.inbox(turn, "skola")
    assert len(boxes) < 10
    answers = [stamp.message_id for each in boxes for stamp in (each.stamp, *(stamp for stamp, _ in each.more))]
    assert answers == [draft.message_id for draft in drafts]
    assert [each.down.ack for each in boxes] == sorted({each.down.ack for each in boxes})
    assert boxes[-1].down.ack == len(drafts)


def test_a_refusal_stands_alone(gate, world):
    """Where the gate cannot read which message it was, the record's seq tells: so no other answer is beside it."""
    good = [world.seal(world.concern()) for _ in range(2)]
    turn = gate.take(gate.record(good[0], "skola"), gate.record(b"garbage", "skola"), gate.record(good[1], "skola"))
    boxes = gate.inbox(turn, "skola")
    assert [(each.stamp.kind, each.down.ack, each.more) for each in boxes] == [
        ("decision", 1, ()), ("refusal", 2, ()), ("decision", 3, ()),
    ]  # fmt: skip
