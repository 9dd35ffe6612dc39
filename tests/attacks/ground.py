"""Where attacks are mounted: the small world of the gate's tests, a gate, and a recipient that opens what it gets.

    ground = Ground(folder)
    ground.carried(message, "skola")        through the gate, into the inbox, opened: was it handed over?

Everything is real but Kafka. Whoever attacks may make what it likes: `forge` seals and signs any label.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from samband.connectors.receive import Receiver
from samband.connectors.store import Store
from samband.schemas.errors import SambandError
from samband.schemas.message import NO_INSTANCE, Down, Message
from samband.schemas.routing import Routing
from samband.schemas.stamp import StampRecord
from samband.streams import topics
from samband.streams.crypto.content import commit, pad_content, seal_content
from samband.streams.crypto.keys import Purpose, SealKey, SignKey
from samband.streams.crypto.lane import LaneOut
from samband.streams.crypto.signature import message_leaf, sign_batch, stamp_all
from samband.streams.inbox import Letter
from samband.streams.outbox import Draft
from tests.gate.world import AGREEMENT, NOW, PARTY_OF, Gate, World

__all__ = ["Ground", "done", "flips"]

_WORLD: list[World] = []


def done(act: Any, *args: Any) -> bool:
    """Say whether something was done, and not refused."""
    try:
        return act(*args) is not False
    except SambandError:
        return False


def flips(data: bytes, step: int = 1) -> Iterator[bytes]:
    """Yield bytes with one bit of one byte flipped, byte after byte."""
    for at in range(0, len(data), step):
        yield data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


class Ground:
    """A world, a gate and a recipient."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not _WORLD:
            _WORLD.append(World())
        self.world = _WORLD[0]
        self.now = NOW

    def own(self) -> World:
        """Begin with a world whose directory may be changed."""
        self.world = World()
        return self.world

    @cached_property
    def gate(self) -> Gate:
        """The gate of partition 0."""
        return Gate(self.world)

    def sign(self, party: str) -> SignKey:
        """Return a party's signing key."""
        return self.world.parties[party].sign

    def content_key(self, unit: str) -> SealKey:
        """Return the key that content for a unit is sealed to."""
        public = self.world.parties[PARTY_OF[unit]].content[unit].public
        return SealKey(self.world.realm, Purpose.UNIT_CONTENT, public)

    def forge(
        self,
        draft: Draft,
        *,
        sign: SignKey | None = None,
        to: str = "",
        key: SealKey | None = None,
        plain: bytes = b"",
        **label: Any,
    ) -> Message:
        """Return a message as its sender's own software could make it: any label, sealed to any unit, well signed."""
        world, key = self.world, key or self.content_key(to or draft.recipient)
        plain = plain or pad_content(draft.content or b"")
        honest = Routing.decode(world.seal(draft).routing)
        made = {"recipient_kid": key.kid, "plain_commit": commit(world.realm, plain), **label}
        routing = replace(honest, **made).encode()
        return sign_batch(sign or self.sign(PARTY_OF[draft.sender]), [(routing, seal_content(key, plain, routing))])[0]

    def event(self, body: Any, unit: str, by: str, **more: Any) -> Message:
        """Return an event in the name of a unit that a party signs, perhaps another one than the unit's own."""
        kid = self.sign(by).kid
        return self.world.seal(self.world.event(body, unit, **more), sign=self.sign(by), sender_kid=kid)

    def say(self, what: Draft | Message, party: str = "", gate: Gate | None = None) -> StampRecord:
        """Return what the gate says first about a message."""
        return (gate or self.gate).say(what, party=party)[0]

    def permitted(self, what: Draft | Message, party: str = "", gate: Gate | None = None) -> bool:
        """Say whether the gate lets a message through."""
        return self.say(what, party, gate).outcome == "permit"

    def accepted(self, body: Any, unit: str, **more: Any) -> bool:
        """Say whether the gate takes an event."""
        return self.say(self.world.event(body, unit, **more)).outcome == "accepted"

    def delivered(self, value: bytes, to: str, now: int = 0) -> Letter:
        """Open an inbox record as its recipient does.

        Raises:
            SambandError: it is not believed, or not handed over.
        """
        accept = self.world.accept(to)
        return accept.letter(accept.open(value), now or self.now)

    def carried(self, message: Message | Draft, party: str, to: str = "social", **record: Any) -> bool:
        """Say whether a message comes all the way: let through by the gate and handed over by the recipient."""
        sealed = message if isinstance(message, Message) else self.world.seal(message)
        turn = self.gate.take(self.gate.record(sealed, party, **record))
        values = self.gate.values(turn, topics.inbox(to))
        return any(done(self.delivered, value, to) for value in values)

    # a hostile gate

    def stamped(self, message: Message, party: str = "social", box: int = 1, **changes: Any) -> bytes:
        """Return an inbox record that a gate with its true keys could write about any message.

        `by` stamps it, `lane` holds what is different in the lane; every other change is made in the stamp.
        """
        by, lane = changes.pop("by", self.world.stamp), changes.pop("lane", {})
        topic, bare = changes.pop("topic", topics.inbox(party)), changes.pop("bare", False)
        routing = Routing.decode(message.routing)
        said: dict[str, Any] = {
            "kind": "decision", "leaf": message_leaf(self.world.realm, message.routing, message.content),
            "message_id": routing.message_id, "sender": routing.sender, "recipient": routing.recipient,
            "ref": routing.ref, "type": routing.type, "outcome": "permit", "categories": routing.categories,
            "rulebook": bytes(32), "directory": 4, "decided_at": self.now, "appended_at": self.now, **changes,
        }  # fmt: skip
        stamp = stamp_all(by, [(bytes(32), StampRecord(**said).encode())])[0][1]
        down = Down(0, box, stamp.encode(), b"" if bare else message.encode(), NO_INSTANCE, 0)
        return self.down(down, party, topic=topic, sealed=0 if bare else len(message.content), **lane)

    def down(self, down: Down, party: str = "social", *, topic: str = "", sealed: int = 3184, **lane: Any) -> bytes:
        """Return a hop in a lane of the gate into an inbox, or in one that is different in something."""
        hop = self.world.parties[party].hop.public
        made: dict[str, Any] = {
            "sign": self.world.stamp, "to": SealKey(self.world.realm, Purpose.PARTY_HOP, hop), "party": "hub",
            "instance": b"g" * 16, "agreement": AGREEMENT, "now": self.now, **lane,
        }  # fmt: skip
        out = LaneOut(made.pop("sign"), made.pop("to"), **made)
        return out.seal(down.encode(), sealed, topic or topics.inbox(party), 0)

    # a connector

    @contextmanager
    def receiver(self, name: str = "social") -> Iterator[tuple[Any, Store]]:
        """Give what takes a party's inbox records, and its store."""
        folder = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        party = self.world.open_party(name, folder)
        with contextlib.closing(party.store) as store:
            receiver, offsets = Receiver(party, self.world.accept(name)), iter(range(10_000))

            def take(value: bytes) -> None:
                with store.transaction():
                    receiver.take(next(offsets), value, self.now)

            yield take, store
