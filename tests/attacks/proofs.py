"""Attacks on trees and keys: wrong places in a batch, leaves as nodes, one key for another's purpose."""

from __future__ import annotations

from msgspec.structs import replace

from samband.schemas.message import Message
from samband.streams.crypto import merkle
from samband.streams.crypto.keys import Purpose, SignKey, VerifyKey
from samband.streams.crypto.signature import BatchCache, message_leaf, sign_batch
from tests.attacks.ground import Ground, done
from tests.attacks.register import attack

# trees

TREES = "odd-leaf duplicate, wrong n, i, path, leaf as node"


def batch(ground: Ground, count: int) -> tuple[VerifyKey, list[Message]]:
    """Return a key and messages that were signed with it at once, by their place."""
    made = sign_batch(ground.sign("skola"), [(b"label %d" % n, b"") for n in range(count)])
    key = VerifyKey(ground.world.realm, Purpose.PARTY_SIGN, ground.sign("skola").public)
    return key, sorted(made, key=lambda message: message.i)


@attack("format.odd-leaf", TREES, "merkle.odd", "batch.n")
def odd_leaf(ground: Ground) -> bool:
    """The last of three messages is not also a fourth one."""
    key, (first, second, third) = batch(ground, 3)
    leaves = [message_leaf(key.realm, each.routing, each.content) for each in (first, second, third)]
    path = (leaves[2], merkle.node_hash(leaves[0], leaves[1]))
    return done(BatchCache().verify, key, replace(third, n=4, i=3, path=path))


@attack("format.wrong-n", TREES, "batch.n")
def wrong_n(ground: Ground) -> bool:
    """A message of a batch of four is none of a batch of three."""
    key, messages = batch(ground, 4)
    return done(BatchCache().verify, key, replace(messages[0], n=3))


@attack("format.wrong-i", TREES, "merkle.inside")
def wrong_i(ground: Ground) -> bool:
    """A message has no place outside its batch."""
    key, messages = batch(ground, 1)
    return done(BatchCache().verify, key, replace(messages[0], i=1))


@attack("format.wrong-path", TREES, "merkle.length", "batch.n")
def wrong_path(ground: Ground) -> bool:
    """A path of one step proves nothing in a batch of four."""
    key, messages = batch(ground, 2)
    return done(BatchCache().verify, key, replace(messages[0], n=4))


@attack("format.leaf-as-node", TREES, "merkle.prefix")
def leaf_as_node(ground: Ground) -> bool:
    """Two hashes side by side are no leaf of the tree above them."""
    del ground
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(4)]
    root, paths = merkle.root_and_paths(leaves)
    return merkle.root_from_path(merkle.leaf_hash(leaves[0] + leaves[1]), 2, 0, paths[0][1:]) == root


# one key, one purpose

PURPOSE = "signature of one purpose used for another"


@attack("format.signature-label", PURPOSE, "domain.label")
def signature_label(ground: Ground) -> bool:
    """What was signed as an opener is no signature over a batch, though the key and the bytes are the same."""
    key = SignKey(ground.world.realm, Purpose.PARTY_SIGN, b"\x07" * 32)
    verify = VerifyKey(ground.world.realm, Purpose.PARTY_SIGN, key.public)
    return done(verify.verify, "batch", b"bytes", key.sign("opener", b"bytes"))


@attack("format.gate-as-sender", PURPOSE, "key.purpose", "batch.purpose", "party.sender-party")
def gate_as_sender(ground: Ground) -> bool:
    """A gate that signs a message with its stamping key has no sender."""
    message = ground.forge(ground.world.concern(), sign=ground.world.stamp)
    return done(ground.delivered, ground.stamped(message), "social")


@attack("format.party-as-gate", PURPOSE, "key.purpose", "party.stamp-purpose", "party.stamp-hub")
def party_as_gate(ground: Ground) -> bool:
    """A party that stamps its own message with its signing key has no permit."""
    message = ground.world.seal(ground.world.concern())
    return done(ground.delivered, ground.stamped(message, by=ground.sign("skola")), "social")


@attack("format.party-as-lane", PURPOSE, "key.purpose", "party.stamp-hub")
def party_as_lane(ground: Ground) -> bool:
    """A party that opens a lane into another's inbox is not heard there."""
    value = ground.stamped(ground.world.seal(ground.world.concern()), lane={"sign": ground.sign("skola")})
    return done(ground.world.accept("social").open, value)
