"""The directory: what is believed, when it is in use, and what an old, split or forged one is told."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.codec import unframe
from samband.schemas.errors import OperatorError, SambandError
from samband.schemas.head import HEAD_MS, SIGNED_HEAD, STALE_MS, Head
from samband.schemas.key_card import Reason, Revocation
from samband.schemas.units import UnitKind
from samband.streams.crypto.keys import OpenKey, Purpose, SignKey
from samband.streams.directory import HUB, Directory
from samband.streams.directory_records import hash_of, revoke, sign_card, sign_head
from samband.streams.root import Root
from samband.streams.snapshot import Snapshot, opened

HOUR = 3_600_000


def refused(directory: Directory, value: bytes, now: int) -> str:
    """Return the code that a record is refused with."""
    before = directory.version, dict(directory.records)
    with pytest.raises(SambandError) as caught:
        directory.learn(value, now)
    assert (directory.version, directory.records) == before
    return caught.value.code


def later(world: Any, directory: Directory, now: int, **changes: Any) -> bytes:
    """Return the next head."""
    return world.head(directory, now=now, **changes)


def new_key(world: Any, purpose: Purpose = Purpose.PARTY_SIGN) -> Any:
    """Return a key that no card names yet."""
    return (OpenKey if "hop" in purpose or "content" in purpose else SignKey).generate(world.realm, purpose)


def test_nothing_is_in_use_before_its_head(kit) -> None:
    """Records in any order, and half of them twice, are one directory when the head comes, and none before."""
    world = kit.World()
    for seed in range(5):
        directory = Directory(world.root)
        values = [*world.records, *world.records[::2]]
        random.Random(seed).shuffle(values)
        for value in values:
            directory.learn(value, kit.NOW)
            assert (directory.version, directory.units, directory.find_unit("IFO")) == (0, (), None)
        directory.learn(world.last_head, kit.NOW)
        assert directory.version == 1
        assert directory.unit("IFO").kind is UnitKind.SOCIAL_IFO
        assert directory.head_hash == world.directory.head_hash


def test_a_head_may_come_first(kit) -> None:
    """A head waits for the records that it names, and is taken with the last of them."""
    world = kit.World()
    directory = Directory(world.root)
    for value in (world.last_head, *world.records[:-1]):
        directory.learn(value, kit.NOW)
    assert directory.version == 0
    directory.learn(world.records[-1], kit.NOW)
    assert directory.version == 1


def test_a_held_back_record_keeps_the_whole_from_use(kit) -> None:
    """Whoever holds one record back keeps the reader at its last version: no mix of old and new."""
    world = kit.World()
    card = world.card("bup", world.units("bup"), 2, name="BUP i länet")
    key = world.key("bup", new_key(world))
    full = Directory(world.root)
    world.publish(full)
    for value in (card, key):
        full.learn(value, kit.NOW)
    head = later(world, full, kit.NOW)
    for missing in (card, key):
        directory = Directory(world.root)
        world.publish(directory)
        for value in (card, key, head):
            if value is not missing:
                directory.learn(value, kit.NOW)
        assert (directory.version, directory.cards["bup"].name) == (1, "bup")
        directory.learn(missing, kit.NOW)
        assert (directory.version, directory.cards["bup"].name) == (2, "BUP i länet")


def test_an_old_card_beside_a_new_head_is_not_used(kit) -> None:
    """A card's older version changes nothing after a newer one, and a head over the old mix is not taken."""
    world = kit.World()
    old = world.card("bup", world.units("bup"))
    directory = world.directory
    world.publish(directory, world.card("bup", world.units("bup"), 2, name="ny"))
    directory.learn(old, kit.NOW)
    assert (directory.version, directory.cards["bup"].name) == (2, "ny")


@pytest.fixture
def known(kit) -> Any:
    """Return a world whose directory is at its third version."""
    world = kit.World()
    world.heads = [world.last_head]
    for number in (2, 3):
        world.heads.append(world.publish(world.directory, world.card("bup", world.units("bup"), number)))
    assert world.directory.version == 3
    return world


def test_an_older_head_is_refused(known, kit) -> None:
    """The hub's own older heads, honestly signed and within their day, are refused: rollback."""
    for old in known.heads[:-1]:
        assert refused(known.directory, old, kit.NOW) == "HEAD_ROLLBACK"
    known.directory.learn(known.heads[-1], kit.NOW)


def test_two_heads_for_one_version_are_refused(known, kit) -> None:
    """Another head with the last number, or one that does not follow the last, is a fork."""
    last = known.directory
    assert refused(last, later(known, last, kit.NOW, version=3), kit.NOW) == "HEAD_FORK"
    assert refused(last, later(known, last, kit.NOW, previous=b"\x01" * 32), kit.NOW) == "HEAD_FORK"


def test_after_missed_heads_the_newest_is_taken(known, kit) -> None:
    """Compaction may take the heads between: the newest counts, whatever came before it."""
    last = known.directory
    last.learn(later(known, last, kit.NOW, version=9, previous=b"\x01" * 32), kit.NOW)
    assert last.version == 9


def test_head_and_clock(known, kit) -> None:
    """A head is taken within its day only; one from the future is not, and tells of the clock."""
    last = known.directory
    assert refused(last, later(known, last, kit.NOW), kit.NOW + HEAD_MS) == "HEAD_EXPIRED"
    assert refused(last, later(known, last, kit.NOW + HOUR), kit.NOW) == "HEAD_FUTURE"
    last.learn(later(known, last, kit.NOW), kit.NOW + HEAD_MS - 1)


def test_a_stale_directory_stops(known, kit) -> None:
    """For 72 hours the last directory is used without a newer one; then nothing is decided, and it says why."""
    known.directory.check_fresh(kit.NOW + STALE_MS)
    with pytest.raises(OperatorError) as caught:
        known.directory.check_fresh(kit.NOW + STALE_MS + 1)
    assert (caught.value.code, "72 hours" in caught.value.message) == ("DIRECTORY_STALE", True)
    with pytest.raises(OperatorError) as caught:
        Directory(known.root).check_fresh(kit.NOW)
    assert caught.value.code == "DIRECTORY_EMPTY"


def test_only_the_head_key_makes_heads(known, kit) -> None:
    """A head by the gate's stamp key, a party's key or an unknown key is refused; so is one with a changed byte."""
    last = known.directory
    for signer in (known.stamp, known.parties["bup"].sign, SignKey(known.realm, Purpose.DIRECTORY_HEAD, b"\x07" * 32)):
        assert refused(last, later(known, last, kit.NOW, signer=signer), kit.NOW) == "HEAD_KEY"
    value = bytearray(later(known, last, kit.NOW))
    value[-1] ^= 1
    assert refused(last, bytes(value), kit.NOW) == "SIGNATURE_BROKEN"


def test_a_higher_suite_stops_an_old_program(known, kit) -> None:
    """A head that accepts only newer suites is not taken by a program that has none of them."""
    assert refused(known.directory, later(known, known.directory, kit.NOW, suite=2), kit.NOW) == "SUITE"


def test_the_last_directory_is_kept_before_it_is_used(known, kit, tmp_path: Path) -> None:
    """After a restart nothing older is taken; a snapshot that cannot be written is not used; a cut one is told."""
    path = tmp_path / "directory.snapshot"
    first = opened(known.root, path)
    for value in (*known.records, known.heads[-1]):
        first.learn(value, kit.NOW)
    assert first.version == 3
    again = opened(known.root, path)
    assert (again.version, again.head_hash, again.records) == (3, first.head_hash, first.records)
    assert refused(again, known.heads[0], kit.NOW) == "HEAD_ROLLBACK"

    def full(values: Any) -> None:
        raise OperatorError("FILE_WRITE", "full")

    unkept = Directory(known.root, keep=full)
    for value in known.records:
        unkept.learn(value, kit.NOW)
    assert refused(unkept, known.heads[-1], kit.NOW) == "FILE_WRITE"
    path.write_bytes(path.read_bytes()[:-1])
    for broken in (path.read_bytes()[:-1], path.read_bytes().replace(b"BUP", b"bup")):
        path.write_bytes(broken)
        with pytest.raises(OperatorError) as caught:
            opened(known.root, path)
        assert caught.value.code == "SNAPSHOT_BROKEN"
    assert Snapshot(tmp_path / "none").read() == []


def test_an_expired_snapshot_is_still_the_last_word(known, kit, tmp_path: Path) -> None:
    """What was taken once is used after a restart, though its head's day is over: the 72 hours count, not the day."""
    path = tmp_path / "directory.snapshot"
    Snapshot(path).write([*known.records, known.heads[-1]])
    known_again = opened(known.root, path)
    known_again.check_fresh(kit.NOW + HEAD_MS + HOUR)


def test_cards_by_the_authority_only(kit) -> None:
    """A card of another root, of another agreement or environment, or with one text changed is refused."""
    world, other = kit.World(), kit.World("other")
    directory, units = world.directory, world.units("bup")
    assert refused(directory, other.card("bup", units, 2), kit.NOW) in ("ROOT_UNKNOWN", "SIGNATURE_BROKEN")
    assert refused(directory, world.card("bup", units, 2, environment="production"), kit.NOW) == "AGREEMENT"
    assert refused(directory, world.card("bup", units, 2, agreement="annat"), kit.NOW) == "AGREEMENT"
    assert refused(directory, world.card("bup", units, 1, name="annan"), kit.NOW) == "CARD_VERSION"
    value = bytearray(world.card("bup", units, 2))
    value[60] ^= 1
    assert refused(directory, bytes(value), kit.NOW) in ("SIGNATURE_BROKEN", "FORMAT_NOT_CANONICAL")


def test_enough_of_the_authority_must_sign(kit) -> None:
    """With two of three root keys needed, one is too few, one twice is not two, and any two are enough."""
    world = kit.World()
    seeds = [bytes([number]) * 32 for number in (1, 2, 3)]
    from samband.streams.crypto.keys import realm_of

    public = [SignKey(realm_of(b""), Purpose.ROOT, seed).public for seed in seeds]
    root = Root.parse(Root.compose(kit.AGREEMENT, "test", 1, public, "2027-01-01", threshold=2))
    keys = [SignKey(root.realm, Purpose.ROOT, seed) for seed in seeds]
    card = unframe_card(world)
    for few in ([], keys[:1], [keys[0], keys[0]]):
        assert refused(Directory(root), sign_card(few, card), kit.NOW) == "ROOT_SIGNATURES"
    for two in (keys[:2], keys[1:], [keys[2], keys[0]]):
        assert Directory(root).learn(sign_card(two, card), kit.NOW) == "bup"
    foreign = SignKey(root.realm, Purpose.ROOT, b"\x09" * 32)
    assert refused(Directory(root), sign_card([*keys, foreign], card), kit.NOW) == "ROOT_UNKNOWN"


def unframe_card(world: Any) -> Any:
    """Return a party's card as it stands."""
    return world.directory.cards["bup"]


@pytest.mark.parametrize(
    ("code", "forge"),
    [
        ("KEY_CARD_SIGNER", lambda w: w.key("bup", new_key(w), signer=w.roots["skola"])),
        ("KEY_CARD_SIGNER", lambda w: w.key("bup", new_key(w), signer=w.signer)),
        ("KEY_CARD_UNIT", lambda w: w.key("bup", new_key(w, Purpose.UNIT_CONTENT), "SKOLA")),
        ("KEY_CARD_PURPOSE", lambda w: w.key("bup", new_key(w, Purpose.GATE_STAMP))),
        ("KEY_CARD_PURPOSE", lambda w: w.key("bup", new_key(w, Purpose.DIRECTORY_HEAD))),
        ("KEY_CARD_PURPOSE", lambda w: w.key(HUB, new_key(w))),
        ("KEY_CARD_CHANGED", lambda w: w.key("bup", w.parties["bup"].sign, not_after=w.kit.NOW + 9)),
        ("FORMAT_SUITE", lambda w: w.key("bup", new_key(w), suite=0)),
    ],
)
def test_key_cards_by_their_party_only(kit, code: str, forge: Any) -> None:
    """A party names its own keys, for itself and its own units, once; nobody else does, not even the authority."""
    world = kit.World()
    world.kit = kit
    assert refused(world.directory, forge(world), kit.NOW) == code


def test_a_key_of_two_parties_belongs_to_the_first(kit) -> None:
    """A party that names another's key as its own gains nothing: one card a key."""
    world = kit.World()
    assert refused(world.directory, world.key("skola", world.parties["bup"].sign), kit.NOW) == "KEY_CARD_CHANGED"


def revoked(world: Any, key: Any, reason: Reason, at: int, signer: Any = None) -> bytes:
    """Return the card of a bup key with its revocation."""
    name = f"key-{key.kid.hex()}"
    value = world.directory.records[name]
    word = Revocation(revoked=key.kid, party="bup", at=at, reason=reason)
    return revoke(value, word, [signer or world.roots["bup"]])


def test_a_revoked_key_counts_no_more(kit) -> None:
    """From its time on a revoked key signs nothing; before it, what it signed stands; the card stays readable."""
    world = kit.World()
    key, directory = world.parties["bup"].sign, world.directory
    world.publish(directory, revoked(world, key, Reason.REPLACED, kit.NOW + 10))
    assert directory.verify_key(key.kid, Purpose.PARTY_SIGN, kit.NOW + 9)[0] == "bup"
    with pytest.raises(SambandError) as caught:
        directory.verify_key(key.kid, Purpose.PARTY_SIGN, kit.NOW + 10)
    assert caught.value.code == "KEY_REVOKED"
    assert directory.known(key.kid).revocation is not None


def test_a_revocation_is_not_taken_back(kit) -> None:
    """The plain card changes nothing afterwards; stolen outweighs replaced, and an earlier time a later one."""
    world = kit.World()
    key, directory = world.parties["bup"].sign, world.directory
    plain = directory.records[f"key-{key.kid.hex()}"]
    words = [
        revoked(world, key, Reason.REPLACED, kit.NOW),
        revoked(world, key, Reason.REPLACED, kit.NOW - 5),
        revoked(world, key, Reason.STOLEN, kit.NOW),
        revoked(world, key, Reason.STOLEN, kit.NOW - 9),
    ]
    for order in (words, words[::-1]):
        one = Directory(world.root)
        for value in (*world.records, *order, plain):
            one.learn(value, kit.NOW)
        assert one.records[f"key-{key.kid.hex()}"] == words[-1]


def test_who_may_revoke(kit) -> None:
    """The party and the authority take a key back; another party does not, nor with a word about another key."""
    world = kit.World()
    key, directory = world.parties["bup"].sign, world.directory
    for thief in (world.roots["skola"], world.stamp, key):
        assert refused(directory, revoked(world, key, Reason.STOLEN, kit.NOW, thief), kit.NOW) == "ROOT_UNKNOWN"
    value = directory.records[f"key-{key.kid.hex()}"]
    word = Revocation(revoked=world.parties["bup"].hop.kid, party="bup", at=kit.NOW, reason=Reason.LOST)
    assert refused(directory, revoke(value, word, [world.roots["bup"]]), kit.NOW) == "REVOCATION"
    directory.learn(revoked(world, key, Reason.STOLEN, kit.NOW, world.signer), kit.NOW)


def test_a_stolen_stamp_key_does_not_backdate(kit) -> None:
    """Of a stamp key that was taken back as stolen it is told when, whatever earlier time its stamp names."""
    world = kit.World()
    directory = world.directory
    key, stolen_at = directory.stamp_key(world.stamp.kid, kit.NOW)
    assert (key.kid, stolen_at) == (world.stamp.kid, None)
    value = directory.records[f"key-{world.stamp.kid.hex()}"]
    word = Revocation(revoked=world.stamp.kid, party=HUB, at=kit.NOW, reason=Reason.STOLEN)
    world.publish(directory, revoke(value, word, [world.roots[HUB]]))
    assert directory.stamp_key(world.stamp.kid, kit.NOW - kit.HOUR)[1] == kit.NOW
    with pytest.raises(SambandError) as caught:
        directory.stamp_key(world.stamp.kid, kit.NOW)
    assert caught.value.code == "KEY_REVOKED"


def test_a_new_party_root_signs_its_keys_anew(kit) -> None:
    """When the authority names another root key of a party, the old one's cards count no more until it signs them."""
    world = kit.World()
    directory, thief = world.directory, world.roots["bup"]
    world.roots["bup"] = SignKey.generate(world.realm, Purpose.PARTY_ROOT)
    directory.learn(world.card("bup", world.units("bup"), 2), kit.NOW)
    name = f"key-{world.parties['bup'].sign.kid.hex()}"
    assert name not in directory.records
    assert refused(directory, world.key("bup", new_key(world), signer=thief), kit.NOW) == "KEY_CARD_SIGNER"
    directory.learn(world.key("bup", world.parties["bup"].sign), kit.NOW)
    assert name in directory.records


def test_a_unit_on_two_cards_is_refused(kit) -> None:
    """No head that gives one unit to two parties is used."""
    world = kit.World()
    directory = world.directory
    import dataclasses

    stolen = tuple(dataclasses.replace(unit, party="skola") for unit in world.units("bup"))
    directory.learn(world.card("skola", (*world.units("skola"), *stolen), 2), kit.NOW)
    with pytest.raises(SambandError) as caught:
        directory.learn(later(world, directory, kit.NOW), kit.NOW)
    assert (caught.value.code, directory.version) == ("CARD_UNIT", 1)


def test_the_newest_good_key_is_sealed_to(kit) -> None:
    """Of overlapping keys the newest that has begun is used; the old one is accepted until its end."""
    world = kit.World()
    directory, unit = world.directory, world.directory.unit("BUP")
    newer = new_key(world, Purpose.UNIT_CONTENT)
    world.publish(directory, world.key("bup", newer, "BUP", not_before=kit.NOW + 10))
    old = world.parties["bup"].content["BUP"]
    assert directory.seal_key("bup", Purpose.UNIT_CONTENT, kit.NOW + 9, "BUP").kid == old.kid
    assert directory.seal_key("bup", Purpose.UNIT_CONTENT, kit.NOW + 10, "BUP").kid == newer.kid
    directory.content_key_of(old.kid, unit, kit.NOW + 10)


def test_heads_name_each_other(known) -> None:
    """Each head names the one before it by its hash."""
    heads = [Head.decode(unframe(SIGNED_HEAD, value)["head"]) for value in known.heads]
    assert [head.previous for head in heads[1:]] == [hash_of(head) for head in heads[:-1]]
    assert sign_head(known.head_key, heads[0]) == known.heads[0]
