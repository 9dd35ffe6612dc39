"""Attacks on content: another schema, another commitment, hidden bytes, lengths that tell."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from samband.schemas import catalogue
from samband.schemas.codec import lp32
from samband.schemas.message import Message, Up
from samband.streams import topics
from samband.streams.crypto.content import commit, open_content, pad_content
from samband.streams.crypto.lane import UnverifiedRecord
from tests.attacks import two_keys as two
from tests.attacks.ground import Ground
from tests.attacks.register import attack
from tests.contents import content as some_content

# content

TWO_KEYS = (bytes(32), b"two" + (88201).to_bytes(29, "big"))
"""The second was searched for: under it the length of the other content reads as one that has room."""


@attack("format.two-keys", "an AES-GCM ciphertext that opens under two keys", "content.commit", "content.padding")
def two_keys(ground: Ground) -> bool:
    """A ciphertext that was made to open under two keys is one content under its label, never two."""
    realm = ground.world.realm
    sealed = two.ciphertext(*TWO_KEYS, (bytes(32) + lp32(bytes(100))).ljust(2048, b"\0"), free=0)

    class Key:
        """What is left of a unit's key once both ends of the seal are the attacker's."""

        def __init__(self, key: bytes) -> None:
            self.kid, self.realm, self._key = key, realm, AESGCM(key)

        def open(self, label: str, context: bytes, data: bytes) -> bytes:
            del label, context
            return self._key.decrypt(two.NONCE, data, b"")

    one, other = (Key(key) for key in TWO_KEYS)
    label = commit(realm, one.open("", b"", sealed))
    contents = {open_content(key, sealed, b"label", label) for key in (one, other)}  # type: ignore[arg-type]
    return len(contents) == 2


@attack("format.swapped-schema", "swapped-field writer schema", "gate.schema", "party.schema")
def swapped_schema(ground: Ground) -> bool:
    """A content that was written with two fields swapped is not read as if they stood right."""
    told = {"whereabouts": "hos mormor", "siblings": "Kim"}
    draft = ground.world.concern(content=told)
    swapped = dict(catalogue.decode_content(draft.type, draft.content))
    swapped["whereabouts"], swapped["siblings"] = swapped["siblings"], swapped["whereabouts"]
    written = catalogue.encode_content(draft.type, swapped)  # what a writer with the other order of fields writes
    message = ground.forge(replace(draft, content=written), content_schema=b"s" * 32)
    turn = ground.gate.take(ground.gate.record(message, "skola"))
    letters = [ground.delivered(value, "social") for value in ground.gate.values(turn, topics.inbox("social"))]
    return [letter.content["whereabouts"] for letter in letters] == ["Kim"]


PLAIN = "wrong plain_commit, non-zero padding"


@attack("format.commit", PLAIN, "content.commit")
def wrong_commit(ground: Ground) -> bool:
    """A content that its label does not commit to is not handed over."""
    return ground.carried(ground.forge(ground.world.concern(), plain_commit=b"\x01" * 32), "skola")


@attack("format.content-padding", PLAIN, "content.padding")
def content_padding(ground: Ground) -> bool:
    """A content that hides something behind its end is not handed over."""
    draft = ground.world.concern()
    plain = pad_content(draft.content or b"")[:-6] + b"hidden"
    return ground.carried(ground.forge(draft, plain=plain), "skola")


@attack("format.hop-padding", PLAIN, "hop.padding")
def hop_padding(ground: Ground) -> bool:
    """A record that hides something behind its hop is not taken."""
    hop, lane = Up(1, ground.world.seal(ground.world.concern()).encode()).encode(), ground.gate.lane("skola")
    real = lane._aead

    class Hiding:
        def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
            return real.encrypt(nonce, data[:-6] + b"hidden", aad)

    lane._aead = Hiding()  # type: ignore[assignment]
    record = ground.gate.raw(lane.seal(hop, 3184, ground.gate.topic, 0))
    return bool(ground.gate.take(record).counts.get("permit"))


LENGTHS = "every type, minimum and maximum, has its class's one length"


@attack("format.record-lengths", LENGTHS, "hop.length")
def record_lengths(ground: Ground) -> bool:
    """The records of all types, with as little or as much as they hold, have one length per class of their content."""
    lane, seen = ground.gate.lane("skola"), set[tuple[int, int]]()
    for message in sealed(ground):
        value = lane.seal(Up(1, message.encode()).encode(), len(message.content), ground.gate.topic, 0)
        seen.add((len(message.content), len(UnverifiedRecord.decode(value).ct)))
    return len(seen) != len({content for content, _ in seen})


@attack("format.content-lengths", LENGTHS, "content.length")
def content_lengths(ground: Ground) -> bool:
    """The contents of all types, with as little or as much as they hold, have one of five lengths."""
    return len({len(message.content) for message in sealed(ground)}) > 5


def sealed(ground: Ground) -> list[Message]:
    """Return a message of each type with the smallest and the largest content."""
    found = []
    for name, row in catalogue.CATALOGUE.items():
        for full in (False, True) if row.carries_content else ():
            content = catalogue.encode_content(name, some_content(name, full=full))
            draft = replace(ground.world.concern(), content=content)
            found.append(ground.forge(draft, type=name, plain=pad_content(content)))
    return found


@attack("format.content-size", LENGTHS, "gate.content-size")
def content_size(ground: Ground) -> bool:
    """A content of another length than the five is not let through."""
    message = ground.world.seal(ground.world.concern(), content=bytes(2048 + 1136 + 1))
    return ground.permitted(message, "skola")
