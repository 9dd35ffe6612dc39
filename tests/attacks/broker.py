"""Attacks by a broker, and on what the hub keeps: shown, hidden, exchanged, read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from samband.schemas.errors import SambandError
from samband.schemas.event_bodies import ConsentWithdrawn, GiverRole, Scope
from samband.streams import topics
from samband.streams.crypto.lane import UnverifiedRecord
from samband.streams.crypto.signature import entry_of
from samband.streams.gate import loop
from samband.streams.gate.judge import Incoming
from samband.streams.records.check import check
from samband.streams.records.keeper import Incoming as Leaf
from tests.attacks.ground import Ground, done, flips
from tests.attacks.register import attack, existing
from tests.gate import test_verdicts as said
from tests.gate import world as small_world
from tests.records.ground import Ground as Records

existing("broker.aborted", "aborted stamped record shown as committed", "party.committed",
         "tests/kafka/test_aborted.py::test_an_aborted_permit_is_not_handed_over")  # fmt: skip

STALL = "open transaction on the outbox, gate's transactional id, gate's group"
existing("sender.stall", STALL, "topics.no-transaction",
         "tests/kafka/test_stall.py::test_a_party_stalls_nobody")  # fmt: skip

INBOX = "garbage, old, another's record in an inbox"


@attack("broker.garbage", INBOX, "party.incident")
def garbage(ground: Ground) -> bool:
    """Garbage in an inbox stops nobody's letter behind it."""
    with ground.receiver() as (take, store):
        try:
            for value in (b"", b"garbage", bytes(1000)):
                take(value)
            take(ground.stamped(ground.world.seal(ground.world.concern())))
        except SambandError:
            return True
        return not store.letters()


@attack("broker.old", INBOX, "party.box-seq", "party.message-id")
def old(ground: Ground) -> bool:
    """An old record that is shown again hands nothing over again."""
    value = ground.stamped(ground.world.seal(ground.world.concern()))
    with ground.receiver() as (take, store):
        take(value)
        store.mark_letter(store.letters()[0].message_id, "handed_over", ground.now)
        take(value)
        return [row.state for row in store.letters()] == ["waiting"]


@attack("broker.old-recall", INBOX, "party.box-seq")
def old_word(ground: Ground) -> bool:
    """An old word of the gate that is shown again adds no step to what the sender sees."""
    message = ground.world.seal(ground.world.concern())
    value = ground.stamped(message, "skola", bare=True)
    with ground.receiver("skola") as (take, store):
        for _ in range(2):
            take(value)
        return store.number("count/box_repeat") is None


@attack("broker.anothers", INBOX, "lane.topic")
def anothers(ground: Ground) -> bool:
    """What was written to another inbox leaves no letter in this one."""
    message = ground.world.seal(ground.world.concern())
    with ground.receiver() as (take, store):
        take(ground.stamped(message, topic=topics.inbox("bup")))
        return bool(store.letters())


existing("broker.garbage-bytes", INBOX, "party.incident",
         "tests/streams/test_accept.py::test_random_bytes_are_incidents")  # fmt: skip


# state, audit

STATE = "forged, swapped, rolled-back state record"


@attack("broker.state-forged", STATE, "hub.tag")
def state_forged(ground: Ground) -> bool:
    """A state record that another has made does not open."""
    topic, forger = topics.state("barn"), type(ground.world.store)(b"f" * 32)
    _, value = forger.seal(topic, b"child/x", bytes(256))
    return done(ground.world.store.open, topic, ground.world.store.key(b"child/x"), value)


@attack("broker.state-swapped", STATE, "hub.place")
def state_swapped(ground: Ground) -> bool:
    """A state record does not open in another one's place, nor on another topic."""
    store, topic = ground.world.store, topics.state("barn")
    key, value = store.seal(topic, b"child/x", bytes(256))
    other = store.key(b"child/y")
    return done(store.open, topic, other, value) or done(store.open, topics.state("other"), key, value)


def forgets(ground: Ground, forget: Callable[[dict[bytes, bytes], dict[bytes, bytes]], dict[bytes, bytes]]) -> bool:
    """Say whether a withdrawn consent carries again at a gate that begins with another state than it has left.

    `forget` is given the state before the withdrawal and after it.
    """
    world, gate = ground.world, small_world.Gate(ground.world)
    topic: list[bytes] = []
    states: list[dict[bytes, bytes]] = []
    for body in (small_world.consent(), ConsentWithdrawn(Scope.EVERYTHING, giver_role=GiverRole.GUARDIAN)):
        turn = gate.take(gate.record(world.seal(world.event(body, "IFO")), "social"))
        assert turn.counts.get("accepted"), turn.counts
        topic += gate.values(turn, topics.AUDIT)
        states.append(dict(gate.state.values))
    assert ground.say(world.notice(), gate=gate).outcome != "permit"
    values = forget(*states)
    begun = small_world.Gate(world)
    for tail in (None, topic):
        begun.judge.verify(values, tail)
    for name, data in values.items():
        begun.state.load(name, data)
    begun.seqs["social"] = int.from_bytes(values[next(each for each in values if each.startswith(b"seq/"))], "big")
    return ground.permitted(world.notice(), gate=begun)


@attack("broker.state-one-old", STATE, "state.sum")
def state_one_old(ground: Ground) -> bool:
    """A broker that shows one child's record as it was before a withdrawal gives no consent its life again."""
    return forgets(
        ground, lambda old, new: {**new, **{name: data for name, data in old.items() if name[:6] == b"child/"}}
    )


@attack("broker.state-rolled-back", STATE, "state.number")
def state_rolled_back(ground: Ground) -> bool:
    """Nor does one that rolls the whole state back, which fits in itself."""
    return forgets(ground, lambda old, new: old)


AUDIT = "dropped, repeated, reordered audit record"


def kept(ground: Ground, *order: int) -> dict[str, int]:
    """Return the keeper's alarms after four leaves came in such an order."""
    records = Records(ground.folder)
    values = [records.values(records.record("BUP", "IFO", "2026-11-01"), seq=number)[0][1] for number in range(1, 5)]
    records.write(*(values[number - 1] for number in order))
    records.keep()
    counts = records.store.counts()
    records.store.close()
    return counts


@attack("broker.audit-dropped", AUDIT, "records.seq")
def audit_dropped(ground: Ground) -> bool:
    """A leaf that never came is an alarm."""
    return not kept(ground, 1, 2, 4)


@attack("broker.audit-repeated", AUDIT, "records.seq")
def audit_repeated(ground: Ground) -> bool:
    """So is one that came twice."""
    return not kept(ground, 1, 2, 2, 3)


@attack("broker.audit-reordered", AUDIT, "records.seq")
def audit_reordered(ground: Ground) -> bool:
    """So are two that came in another order."""
    return not kept(ground, 1, 3, 2, 4)


UNSTAMPED = "unstamped entry"


@attack("broker.unstamped", UNSTAMPED, "records.stamped")
def unstamped(ground: Ground) -> bool:
    """A leaf that the gate has not signed is not kept."""
    records = Records(ground.folder)
    ((_, value),) = records.values(records.record("BUP", "IFO", "2026-11-01"))
    audit = small_world.UnverifiedAudit.decode(value)
    at = value.index(audit.proof.sig)
    records.write(value[:at] + bytes(64) + value[at + 64 :])
    records.keep()
    found = list(records.store.leaves())
    records.store.close()
    return bool(found)


@attack("broker.audit-flipped", "flip each byte of every signed or bound field", "records.stamped")
def audit_flipped(ground: Ground) -> bool:
    """No leaf is kept in which one bit of any byte of entry, proof or sealed record is another."""
    records = Records(ground.folder)
    ((entry, value),) = records.values(records.record("BUP", "IFO", "2026-11-01"))
    at = value.index(entry)
    altered = [value[:at] + each for each in flips(value[at:])]
    records.keeper.take((Leaf(n, each, ground.now) for n, each in enumerate(altered)), len(altered))
    found = list(records.store.leaves())
    records.store.close()
    return bool(found)


existing("broker.unstamped-forms", UNSTAMPED, "records.stamped",
         "tests/records/test_keeper.py::test_what_the_gate_did_not_stamp_is_kept_out")  # fmt: skip


@attack("broker.record-gone", "record missing without an erase leaf", "records.gone")
def record_gone(ground: Ground) -> bool:
    """A record that somebody deletes behind the keeper's back is found."""
    records = Records(ground.folder)
    records.say(*(records.record("BUP", "IFO", "2026-11-01") for _ in range(3)))
    records.keep()
    with sqlite3.connect(ground.folder / "records.db", isolation_level=None) as db:
        db.execute("UPDATE leaves SET sealed = NULL WHERE audit_seq = 2")
    db.close()
    findings = check(records.store).findings
    records.store.close()
    return not findings


@attack("broker.guessed", "guessed record without salt", "records.salt")
def guessed(ground: Ground) -> bool:
    """Whoever guesses a record right, and has not its salt, cannot see in the log that it was this one."""
    records = Records(ground.folder)
    record = records.record("BUP", "IFO", "2026-11-01")
    (entry,) = records.say(record)
    return any(entry_of(records.realm, salt, record.encode()) == entry for salt in (bytes(32), entry, record.leaf))


existing("broker.guessed-after-erasure", "guessed record without salt", "records.salt",
         "tests/records/test_erasure.py::test_a_guessed_record_cannot_be_confirmed")  # fmt: skip
existing("broker.month-key", "topics and hub backup after the key period open nothing", "records.month-key",
         "tests/records/test_erasure.py::test_after_a_month_s_key_no_copy_opens")  # fmt: skip


# what links, what tells

LINKS = "no 16-byte string of an outbox record in an inbox, audit or state record (openers within one topic excepted)"


def links(ground: Ground) -> dict[str, set[bytes]]:
    """Play a story and return the 16-byte strings that came in and also went out, by the topic that they went to."""
    coming, going = set[bytes](), dict[str, set[bytes]]()
    for value, turn in said.story(ground.gate, ground.world, small_world):
        coming |= said.windows(value.replace(UnverifiedRecord.decode(value).opener_bytes, b""))
        for topic, _, records in turn.outputs:
            for key, out, _ in records:
                going.setdefault(topic.split(".")[1], set()).update(said.windows(key or b"") | said.windows(out or b""))
        for name, data in turn.changes.items():
            if data is not None:
                sealed = ground.world.store.seal(topics.state("barn"), name, data)
                going.setdefault("state", set()).update(*(said.windows(each) for each in sealed))
    noise = {bytes([n]) * 16 for n in range(256)}
    return {topic: (strings & coming) - noise for topic, strings in going.items()}


@attack("broker.links-inbox", LINKS, "lane.encryption")
def links_inbox(ground: Ground) -> bool:
    """A broker that compares records byte by byte cannot tell which one came out of which."""
    return bool(links(ground)["inbox"])


@attack("broker.links-hub", LINKS, "hub.encryption", "lane.encryption")
def links_hub(ground: Ground) -> bool:
    """Nor which audit or state record was written about which message."""
    found = links(ground)
    return bool(found["audit"] and found["state"])


HEADERS = "header whitelist"


def taken(ground: Ground, key: bytes | None, headers: list[tuple[str, bytes]]) -> bool:
    """Say whether a record with such a key and headers is let through."""
    value = ground.gate.record(ground.world.seal(ground.world.concern()), "skola").value
    bare = loop._bare(SimpleNamespace(key=key, headers=headers))
    return bool(ground.gate.take(Incoming(0, value, ground.now, bare)).counts.get("permit"))


GOOD = [("ce_specversion", b"1.0"), ("ce_type", b"t"), ("ce_source", b"s"), ("ce_id", b"x")]


@attack("broker.header", HEADERS, "gate.headers")
def header(ground: Ground) -> bool:
    """A record with a header that the format does not have is put aside, whatever is in it."""
    return taken(ground, None, [*GOOD, ("child", b"199001019802")])


@attack("broker.header-seen", HEADERS, "gate.bare")
def header_seen(ground: Ground) -> bool:
    """So is one with a key, or with its headers in another order or number."""
    odd: list[Any] = [(b"key", GOOD), (None, GOOD[::-1]), (None, GOOD[:3]), (None, [*GOOD, GOOD[0]])]
    return any(taken(ground, key, headers) for key, headers in odd)
