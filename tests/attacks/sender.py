"""Attacks by a sender: in another's name, again, at another time, in another place, and too much."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from samband.schemas import events
from samband.schemas.catalogue import categories
from samband.schemas.categories import Category
from samband.schemas.errors import SambandError
from samband.schemas.message import Message
from samband.schemas.units import UnitKind
from samband.streams.gate.judge import RECORD_MAX
from samband.streams.gate.state import State, View
from tests.attacks.ground import Ground, done
from tests.attacks.register import attack, existing
from tests.gate.world import CONTENT, DAY, HOUR, NOW, Gate, consent

# in another's name

NAME = "another's unit, wrong kind, retired unit"


@attack("sender.other-unit", NAME, "gate.sender-party", "party.sender-party")
def other_unit(ground: Ground) -> bool:
    """A message in the name of another party's unit is not handed over."""
    told = categories("concern.report", CONTENT["concern.report"] | {"child_identifier": "x"}, UnitKind.CARE_BUP)
    return ground.carried(ground.forge(ground.world.concern(), sender="BUP", categories=told), "skola")


@attack("sender.other-unit-event", NAME, "gate.sender-party")
def other_unit_event(ground: Ground) -> bool:
    """An event in the name of another party's unit changes nothing."""
    return changes(ground, ground.event(events.CircleUpdate(claim=True), "IFO", "skola"), "skola")


@attack("sender.wrong-kind", NAME, "gate.kinds", "kernel.kinds")
def wrong_kind(ground: Ground) -> bool:
    """A unit of a kind that does not send a type has no permit for it, though a consent would carry what it tells."""
    told = (Category.IDENTITY, Category.PLACEMENT, Category.SCHEDULE)
    given = consent(disclosers=("SKOLA",), recipients=(events.Recipient("IFO"),), categories=told)
    assert ground.accepted(given, "SKOLA")
    draft = replace(ground.world.notice(), sender="SKOLA", recipient="IFO")
    return ground.permitted(ground.forge(draft, sign=ground.sign("skola")), "skola")


def changes(ground: Ground, message: Message, party: str) -> bool:
    """Say whether a message changes what the gate remembers."""
    before = ground.gate.remembered()
    ground.gate.say(message, party=party)
    return ground.gate.remembered() != before


# again

AGAIN = "replay in the same epoch, a new one, after restart, after eviction"


def twice(ground: Ground, second: Gate | None = None, **record: Any) -> bool:
    """Say whether the very same numbered message is permitted a second time, perhaps at a gate that began anew."""
    message = ground.world.seal(ground.world.concern())
    first = ground.gate.take(ground.gate.record(message, "skola", seq=1))
    assert first.counts == {"permit": 1}
    gate = second or ground.gate
    if second is not None:
        for name, data in ground.gate.state.values.items():
            second.state.load(name, data)
    return bool(gate.take(gate.record(message, "skola", seq=1, **record)).counts.get("permit"))


@attack("sender.replay", AGAIN, "gate.seq", "gate.message-id")
def replay(ground: Ground) -> bool:
    """A record that is written again is not judged again."""
    return twice(ground)


@attack("sender.replay-new-lane", AGAIN, "gate.seq", "gate.message-id")
def replay_new_lane(ground: Ground) -> bool:
    """Nor is it in a new lane."""
    return twice(ground, lane=ground.world.lane("skola"))


@attack("sender.replay-restart", AGAIN, "gate.seq", "gate.message-id")
def replay_restart(ground: Ground) -> bool:
    """Nor by a gate that has begun anew from its state."""
    return twice(ground, Gate(ground.world, state=State()))


@attack("sender.replay-new-number", AGAIN, "gate.message-id")
def replay_new_number(ground: Ground) -> bool:
    """Under a new number it is refused: an id is judged once."""
    message = ground.world.seal(ground.world.concern())
    return ground.permitted(message) and ground.permitted(message)


@attack("sender.replay-evicted", AGAIN, "gate.expired", "party.expired")
def replay_evicted(ground: Ground) -> bool:
    """When the gate has forgotten it, its time is over: it is not handed over."""
    draft = ground.world.concern()
    message = ground.world.seal(draft)
    assert ground.permitted(message)
    ground.now = ground.gate.now = draft.expires + 2 * HOUR
    ground.gate.take()
    assert not ground.gate.messages()
    return ground.carried(message, "skola")


@attack("sender.replay-to-recipient", AGAIN, "party.message-id")
def replay_to_recipient(ground: Ground) -> bool:
    """A gate that lets a message through twice, under new numbers, does not hand it over twice."""
    message = ground.world.seal(ground.world.concern())
    with ground.receiver() as (take, store):
        take(ground.stamped(message, box=1))
        store.mark_letter(store.letters()[0].message_id, "handed_over", ground.now)
        take(ground.stamped(message, box=2))
        return [row.state for row in store.letters()] == ["waiting"]


# at another time

TIME = "expired, post-dated"


@attack("sender.expired", TIME, "gate.expired", "party.expired")
def expired(ground: Ground) -> bool:
    """A message whose time is over is not handed over."""
    return ground.carried(ground.world.concern(created=NOW - DAY, expires=NOW), "skola")


@attack("sender.post-dated", TIME, "gate.post-dated")
def post_dated(ground: Ground) -> bool:
    """A message of tomorrow is not let through today."""
    return ground.permitted(ground.world.concern(created=NOW + DAY, expires=NOW + 2 * DAY))


@attack("sender.long-lived", TIME, "gate.long-lived")
def long_lived(ground: Ground) -> bool:
    """A message that would live for a month is not let through."""
    return ground.permitted(ground.world.concern(expires=NOW + 30 * DAY))


# in another place

PLACE = "wrong partition, parallel consent there"


@attack("sender.wrong-partition", PLACE, "gate.partition")
def wrong_partition(ground: Ground) -> bool:
    """A message in another partition than its child's is not let through."""
    return ground.permitted(ground.world.concern(child=ground.world.child_of(1)))


@attack("sender.parallel-consent", PLACE, "gate.partition")
def parallel_consent(ground: Ground) -> bool:
    """A consent that was recorded in another partition, where no withdrawal comes, carries nothing."""
    world, beside = ground.world, Gate(ground.world, partition=1)
    beside.say(world.event(consent(), "IFO"))
    assert ground.accepted(events.ConsentWithdrawn(), "SKOLA")
    return ground.permitted(world.notice(), gate=beside)


# too much

FLOOD = "floods of openers, quarantine, oversize"


@attack("sender.openers", FLOOD, "opener.quota")
def openers(ground: Ground) -> bool:
    """A party that opens lane after lane is stopped for the hour."""
    gate = Gate(ground.world, new_per_hour=3)
    turn = gate.take(*(gate.record(b"x", "skola", seq=1, lane=ground.world.lane("skola")) for _ in range(5)))
    return not turn.quarantined


@attack("sender.garbage", FLOOD, "gate.quarantine")
def garbage(ground: Ground) -> bool:
    """A flood of garbage stops nobody's message behind it."""
    honest = ground.gate.record(ground.world.seal(ground.world.concern()), "skola")
    flood = [ground.gate.raw(bytes([n]) * 100) for n in range(50)]
    try:
        return not ground.gate.take(*flood, honest).counts.get("permit")
    except SambandError:
        return True


@attack("sender.oversize", FLOOD, "gate.record-size")
def oversize(ground: Ground) -> bool:
    """A record of more bytes than any honest one is not even opened."""
    record = ground.gate.record(ground.world.seal(ground.world.concern()).encode() + bytes(RECORD_MAX), "skola")
    ground.gate.take(record)
    return any(name.startswith(b"seq/skola/") for name in ground.gate.state.values)


@attack("sender.questions", FLOOD, "gate.quota")
def questions(ground: Ground) -> bool:
    """A party that asks about child after child is stopped for the hour."""
    asked = View({})
    return all(done(asked.spend, "ask", "skola", ground.now, 3) for _ in range(5))


existing("sender.questions-asked", FLOOD, "gate.quota", "tests/gate/test_oracle.py::test_questions_are_counted")
existing("sender.cached-lane", "batch cache after revocation", "opener.time",
         "tests/gate/test_quarantine.py::test_cached_lane_ends")  # fmt: skip
existing("sender.cached-batch", "batch cache after revocation", "key.time",
         "tests/gate/test_quarantine.py::test_batch_cache_after_expiry")  # fmt: skip
existing("sender.cached-key", "batch cache after revocation", "key.time",
         "tests/gate/test_quarantine.py::test_key_expires_under_an_open_lane")  # fmt: skip
