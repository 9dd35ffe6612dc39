"""Attacks with what is over: revoked and stolen keys, closed units, old suites, keys that were lost."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from msgspec import structs

from samband.connectors.keys import OwnKeys
from samband.schemas.events import KeySaid
from samband.schemas.key_card import Reason
from samband.streams.crypto.keys import OpenKey, Purpose, SignKey
from samband.streams.crypto.signature import sign_batch
from samband.streams.outbox import Draft
from tests.attacks.directory import learned, revoked
from tests.attacks.ground import Ground, done
from tests.attacks.register import attack, existing
from tests.gate.world import DAY, HOUR, NOW, World
from tests.log.logs import entries
from tests.log.ring import Ring, read

# what is over


@attack("directory.batch-cache", "batch cache after revocation", "key.revoked")
def batch_cache(ground: Ground) -> bool:
    """A message of a batch that was verified before does not pass once its key is revoked, in an open lane either."""
    world, sign = ground.own(), ground.sign("skola")
    messages = [ground.forge(world.concern()) for _ in range(2)]
    signed = sign_batch(sign, [(each.routing, each.content) for each in messages])
    assert ground.permitted(signed[0], "skola")
    world.publish(world.directory, revoked(world, "skola", sign))
    turn = ground.gate.take(ground.gate.record(signed[1], "skola"))
    return bool(turn.counts.get("permit"))


STOLEN = "stolen gate key backdates after revocation"


@attack("directory.stolen-stamp", STOLEN, "key.stolen")
def stolen_stamp(ground: Ground) -> bool:
    """Whoever has stolen a gate's key stamps nothing with it after its revocation, whatever time it says."""
    world = ground.own()
    value = ground.stamped(world.seal(world.concern()), decided_at=NOW - HOUR, lane={"now": NOW - HOUR})
    world.publish(world.directory, revoked(world, "hub", world.stamp, reason=Reason.STOLEN))
    return done(ground.delivered, value, "social")


@attack("directory.stolen-stamp-logged", STOLEN, "key.before")
def stolen_stamp_logged(ground: Ground) -> bool:
    """Nor where the hub helps and puts it into the log: it is in no checkpoint that was witnessed before."""
    return backdated(ground.folder, NOW)


def backdated(folder: Path, witnessed: int) -> bool:
    """Say whether a letter is handed over that a stolen stamp key has signed an hour before its revocation, by itself.

    Its entry is in the log, in a checkpoint that was witnessed at `witnessed` (ms).
    """
    ring = Ring(folder)
    ground = Ground(folder)
    world = ground.world = ring.world
    value = ground.stamped(world.seal(world.concern()), decided_at=NOW - HOUR, lane={"now": NOW - HOUR})
    entry = world.accept("social").open(value).entry
    world.publish(world.directory, revoked(world, "hub", world.stamp, reason=Reason.STOLEN))
    ring.tell([*entries(3), entry])
    ring.witnessed("bup", at=witnessed // 1000)
    party = ring.party("social")
    with contextlib.closing(party.store):
        accept = world.accept("social")
        accept.stands = read(ring, party).stands
        return done(lambda: accept.letter(accept.open(value), NOW))


NAME = "another's unit, wrong kind, retired unit"


def retire(ground: Ground, unit: str, party: str) -> World:
    """Return a world in which a unit is closed."""
    world = ground.own()
    units = tuple(dataclasses.replace(each, retired=each.id == unit) for each in world.units(party))
    world.publish(world.directory, world.card(party, units, version=2))
    return world


@attack("directory.retired-sender", NAME, "gate.retired-sender")
def retired_sender(ground: Ground) -> bool:
    """A unit that is closed says nothing new, though its party's key is good."""
    return ground.permitted(retire(ground, "SKOLA", "skola").concern())


@attack("directory.retired-recipient", NAME, "gate.retired-recipient")
def retired_recipient(ground: Ground) -> bool:
    """Nothing new is said to a unit that is closed, where nobody may read it any more."""
    return ground.permitted(retire(ground, "IFO", "social").concern())


@attack("directory.retired-party", NAME, "gate.retired-sender")
def retired_party(ground: Ground) -> bool:
    """Nor does a party say anything that has left the agreement."""
    world = ground.own()
    world.publish(world.directory, world.card("skola", world.units("skola"), version=2, retired=True))
    return ground.permitted(world.concern())


# suites

SUITE = "suite below the minimum"


@attack("directory.suite-head", SUITE, "directory.suite", "directory.suite-keys")
def suite_head(ground: Ground) -> bool:
    """Once the agreement asks for a higher suite, no key of a lower one counts."""
    world = ground.own()
    learned(world.directory, world.head(world.directory, suite=2))
    return world.directory.version == 2 and done(
        world.directory.verify_key, ground.sign("skola").kid, Purpose.PARTY_SIGN, NOW
    )


@attack("directory.suite-card", SUITE, "book.suite", "directory.suite-keys")
def suite_card(ground: Ground) -> bool:
    """A key of a suite below the lowest one is not used, though its party has signed its card."""
    world, own = ground.own(), SignKey(ground.world.realm, Purpose.PARTY_SIGN, b"\x05" * 32)
    learned(world.directory, world.key("skola", own, suite=0))
    learned(world.directory, world.head(world.directory))
    return done(world.directory.verify_key, own.kid, Purpose.PARTY_SIGN, NOW)


# what must open no more


@attack("recovery.copy-of-topic", "topics and hub backup after the key period open nothing", "keys.over")
def copy_of_topic(ground: Ground) -> bool:
    """Whoever has a copy of the inbox and comes to the party's keys after their period opens nothing of it."""
    value = ground.stamped(ground.world.seal(ground.world.concern()))
    party = ground.world.open_party("social", ground.folder / "social")
    with contextlib.closing(party.store):
        OwnKeys(party)._destroy(NOW + ground.world.life + 31 * DAY)
        accept = ground.world.accept("social")
        accept.hop, accept.content = party.hop, party.content
        return done(lambda: accept.letter(accept.open(value), NOW))


# what nobody could read

LOST = "lost unit key: senders re-seal, exactly once"


existing("recovery.lost-unit-key", LOST, "recovery.seal-again",
         "tests/connectors/test_drills.py::test_a_lost_unit_key")  # fmt: skip


def lost_key(ground: Ground) -> Draft:
    """Return what was on its way to a unit when it lost its key, and has another key now."""
    world, waiting = ground.own(), ground.world.concern()
    old = world.parties["social"].content["IFO"]
    assert ground.permitted(waiting)
    new = OpenKey(world.realm, Purpose.UNIT_CONTENT, b"\x06" * 96)
    lost, named = revoked(world, "social", old, "IFO"), world.key("social", new, "IFO")
    assert ground.accepted(KeySaid(named), "IFO")
    assert ground.accepted(KeySaid(lost), "IFO")
    world.publish(world.directory, named, lost)
    return waiting


@attack("recovery.again-twice", LOST, "gate.message-id")
def again_twice(ground: Ground) -> bool:
    """What is sealed again to the new key passes once."""
    waiting = lost_key(ground)
    assert ground.permitted(waiting)
    return ground.permitted(waiting)


@attack("recovery.again-another", LOST, "gate.come-again")
def again_another(ground: Ground) -> bool:
    """Nothing else passes under its id."""
    waiting = lost_key(ground)
    other = ground.world.draft("concern.report", "EMI", "IFO")
    return ground.permitted(structs.replace(other, message_id=waiting.message_id))
