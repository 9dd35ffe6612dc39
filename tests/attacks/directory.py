"""Attacks on the directory: cards, keys and heads that are old, another's, or signed by nobody who may."""

from __future__ import annotations

from typing import Any

from samband.schemas.errors import OperatorError
from samband.schemas.events import KeySaid
from samband.schemas.key_card import Reason, Revocation
from samband.streams.crypto.keys import Kid, OpenKey, Purpose, SealKey, SignKey, realm_of
from samband.streams.directory import Directory
from samband.streams.directory_book import Book
from samband.streams.directory_records import revoke, sign_card
from samband.streams.root import Root
from tests.attacks.ground import Ground, done, flips
from tests.attacks.register import attack
from tests.gate.world import AGREEMENT, DAY, HOUR, NOW, World

FLIP = "flip each byte of every signed or bound field"
HEADS = "rollback, freeze, mix and match, unknown root, too few signatures"


def revoked(
    world: World, party: str, key: Any, unit: str = "", *, at: int = NOW, reason: Reason = Reason.LOST
) -> bytes:
    """Return a party's key card with its revocation."""
    said = Revocation(revoked=key.kid, party=party, at=at, reason=reason)
    return revoke(world.key(party, key, unit), said, [world.roots[party]])


def later(ground: Ground) -> tuple[World, list[bytes], bytes, bytes]:
    """Return a world in which the school's signing key was revoked: its records and head before, and the head since."""
    world = ground.own()
    before, first = list(world.records), world.last_head
    second = world.publish(world.directory, revoked(world, "skola", ground.sign("skola")))
    return world, before, first, second


def learned(directory: Directory, *values: bytes, now: int = NOW) -> Directory:
    """Give a directory what a broker shows; what it refuses is left out."""
    for value in values:
        done(directory.learn, value, now)
    return directory


def believes(directory: Directory, ground: Ground, now: int = NOW) -> bool:
    """Say whether the school's revoked key still counts."""
    return done(directory.verify_key, ground.sign("skola").kid, Purpose.PARTY_SIGN, now)


@attack("directory.rollback", HEADS, "directory.rollback", "directory.fits")
def rollback(ground: Ground) -> bool:
    """Whoever has taken a head goes back to none that is older."""
    world, _, first, second = later(ground)
    directory = learned(Directory(world.root), *world.records, second)
    assert directory.version == 2
    return learned(directory, first).version == 1


@attack("directory.rollback-restart", HEADS, "directory.kept")
def rollback_restart(ground: Ground) -> bool:
    """Nor does it after a restart, though a broker shows everything as it was."""
    world, before, first, second = later(ground)
    kept: list[Any] = []
    learned(Directory(world.root, keep=kept.append), *world.records, second)
    again = Directory(world.root)
    again.restore(kept[-1])
    return believes(learned(again, *before, first), ground)


@attack("directory.not-kept", HEADS, "directory.keeps")
def not_kept(ground: Ground) -> bool:
    """What is not on disk yet is not in use: a crash in between shows nothing that a restart could forget."""
    world, _, _, second = later(ground)

    def full(values: Any) -> None:
        raise OperatorError("DISK_FULL", "no room")

    return learned(Directory(world.root, keep=full), *world.records, second).version == 2


@attack("directory.fork", HEADS, "directory.fork")
def fork(ground: Ground) -> bool:
    """A head that does not follow the last one is not taken, though the head key has signed it."""
    world = ground.own()
    head = world.head(world.directory, previous=b"f" * 32)
    return learned(world.directory, head).version == 2


@attack("directory.freeze", HEADS, "directory.stale")
def freeze(ground: Ground) -> bool:
    """After 72 hours without a new head nothing is decided on the old one."""
    try:
        ground.world.directory.check_fresh(NOW + 72 * HOUR + 1)
    except OperatorError:
        return False
    return True


@attack("directory.expired-head", HEADS, "directory.expired")
def expired_head(ground: Ground) -> bool:
    """A head whose day is over is not taken by anybody who comes later."""
    world = ground.world
    return learned(Directory(world.root), *world.records, world.last_head, now=NOW + 25 * HOUR).version == 1


@attack("directory.future-head", HEADS, "directory.future")
def future_head(ground: Ground) -> bool:
    """A head of tomorrow is not taken: it would look fresh when it is old."""
    world = ground.own()
    head = world.head(world.directory, issued=NOW + DAY, expires=NOW + 2 * DAY)
    return learned(world.directory, head).version == 2


@attack("directory.mix-and-match", HEADS, "directory.fits")
def mix_and_match(ground: Ground) -> bool:
    """A new head over an old card is not taken: nobody hides a revocation beside newer cards."""
    world, before, _, second = later(ground)
    return believes(learned(Directory(world.root), *before, second), ground)


@attack("directory.held-back", HEADS, "directory.fits")
def held_back(ground: Ground) -> bool:
    """Nor is one without a card that it names."""
    world = ground.world
    return learned(Directory(world.root), *world.records[:-1], world.last_head).version == 1


@attack("directory.head-signer", HEADS, "directory.head-key")
def head_signer(ground: Ground) -> bool:
    """A head that a party has signed is not taken."""
    world = ground.own()
    return learned(world.directory, world.head(world.directory, signer=ground.sign("skola"))).version == 2


@attack("directory.head-flipped", FLIP, "directory.head-signature")
def head_flipped(ground: Ground) -> bool:
    """No head is taken in which one bit of any byte is another."""
    world = ground.world
    fresh = learned(Directory(world.root), *world.records)
    return any(learned(fresh, value).version for value in flips(world.last_head, 3))


def two_roots(signed: int) -> tuple[Root, list[SignKey]]:
    """Return a root that asks for two signatures, and the first keys of it."""
    seeds = [bytes([n]) * 32 for n in range(3)]
    public = [SignKey(realm_of(b""), Purpose.ROOT, seed).public for seed in seeds]
    root = Root.parse(Root.compose(AGREEMENT, "test", 2, public, "2027-01-01", threshold=2))
    return root, [SignKey(root.realm, Purpose.ROOT, seed) for seed in seeds][:signed]


def card_of(ground: Ground, root: Root, signers: list[SignKey]) -> bool:
    """Say whether a card that these have signed is believed."""
    card = ground.world.directory.cards["skola"]
    return done(Book(root).learn, sign_card(signers, card))


@attack("directory.few-signatures", HEADS, "root.threshold")
def few_signatures(ground: Ground) -> bool:
    """A card with one of the two signatures that the root asks for is not believed."""
    return card_of(ground, *two_roots(1))


@attack("directory.one-twice", HEADS, "root.twice")
def one_twice(ground: Ground) -> bool:
    """One key that signs twice is not two."""
    root, keys = two_roots(1)
    return card_of(ground, root, keys * 2)


@attack("directory.unknown-root", HEADS, "root.known")
def unknown_root(ground: Ground) -> bool:
    """A card that another root has signed is not believed."""
    stranger = SignKey(ground.world.realm, Purpose.ROOT, b"\x09" * 32)
    return card_of(ground, ground.world.root, [stranger])


@attack("directory.card-flipped", FLIP, "root.signature")
def card_flipped(ground: Ground) -> bool:
    """No card is believed in which one bit of any byte is another."""
    world = ground.world
    honest = world.card("skola", world.units("skola"))
    return any(done(Book(world.root).learn, each) for each in flips(honest))


@attack("directory.key-flipped", FLIP, "book.key-signature")
def key_flipped(ground: Ground) -> bool:
    """No key card is believed in which one bit of any byte is another."""
    world = ground.world
    return any(done(world.directory.read_key, each) for each in flips(world.key("skola", ground.sign("skola"))))


# whose key card

CARD = "key card by the wrong party"


@attack("directory.key-signer", CARD, "book.key-signer", "book.key-signature")
def key_signer(ground: Ground) -> bool:
    """A party gives another one no key."""
    world, own = ground.world, SignKey(ground.world.realm, Purpose.PARTY_SIGN, b"\x05" * 32)
    return done(world.directory.read_key, world.key("skola", own, signer=world.roots["bup"]))


@attack("directory.key-purpose", CARD, "book.key-purpose", "party.stamp-hub")
def key_purpose(ground: Ground) -> bool:
    """A party that gives itself a gate's key stamps nothing with it."""
    world, own = ground.own(), SignKey(ground.world.realm, Purpose.GATE_STAMP, b"\x05" * 32)
    learned(world.directory, world.key("bup", own))
    learned(world.directory, world.head(world.directory))
    return done(ground.delivered, ground.stamped(world.seal(world.concern()), by=own), "social")


@attack("directory.key-unit", CARD, "book.key-unit", "gate.recipient-key")
def key_unit(ground: Ground) -> bool:
    """A party that gives itself a key for another's unit reads nothing that is for that unit."""
    world, own = ground.own(), OpenKey(ground.world.realm, Purpose.UNIT_CONTENT, bytes(96))
    learned(world.directory, world.key("bup", own, "IFO"))
    learned(world.directory, world.head(world.directory))
    message = ground.forge(world.concern(), key=SealKey(world.realm, Purpose.UNIT_CONTENT, own.public))
    return ground.permitted(message, "skola")


@attack("directory.key-through-gate", CARD, "gate.key-yours")
def key_through_gate(ground: Ground) -> bool:
    """A party says nothing about another's key through the gate, though that one has signed it."""
    world = ground.world
    said = KeySaid(world.key("skola", ground.sign("skola")))
    return ground.accepted(said, "BUP", child=world.child)


@attack("directory.key-overwritten", CARD, "book.key-once")
def key_overwritten(ground: Ground) -> bool:
    """A key card is never written anew: a party whose root was stolen does not make an ended key last longer."""
    world = ground.own()
    learned(world.directory, world.key("skola", ground.sign("skola"), not_after=NOW + 900 * DAY))
    learned(world.directory, world.head(world.directory))
    return believes(world.directory, ground, NOW + 500 * DAY)


@attack("directory.revocation-of-another", CARD, "book.revocation")
def revocation_of_another(ground: Ground) -> bool:
    """A revocation of one key does not take another one back."""
    world, sign = ground.world, ground.sign("skola")
    said = Revocation(revoked=world.parties["skola"].hop.kid, party="skola", at=NOW, reason=Reason.LOST)
    return done(world.directory.read_key, revoke(world.key("skola", sign), said, [world.roots["skola"]]))


@attack("directory.revocation-by-another", CARD, "root.known")
def revocation_by_another(ground: Ground) -> bool:
    """A party takes back no key of another's."""
    world, sign = ground.world, ground.sign("skola")
    said = Revocation(revoked=sign.kid, party="skola", at=NOW, reason=Reason.LOST)
    return done(world.directory.read_key, revoke(world.key("skola", sign), said, [world.roots["bup"]]))


@attack("directory.revocation-taken-back", CARD, "book.weight")
def revocation_taken_back(ground: Ground) -> bool:
    """A broker that shows a key card from before its revocation again brings the key back to nobody."""
    world, sign = ground.world, ground.sign("skola")
    book, honest = Book(world.root), world.key("skola", sign)
    for value in (*world.records, revoked(world, "skola", sign), honest):
        done(book.learn, value)
    return book.keys()[Kid(sign.kid)].revocation is None
