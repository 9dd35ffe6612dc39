"""What the gate remembers of one partition: names, bytes, and what they mean.

    seq/<party>/<instance16>   highest seq decided, u64
    box/<party>                last box number given to an inbox, u64
    child/<ref16>              consents, marks and circle of one child
    msg/<message id16>         who may receipt or recall a message, and how far it has come
    open/<ref16>               messages of a child that rest on a consent and are not handed over yet
    rate/<what>/<party>        hour ‖ how often within it: questions, marks
    rate/quarantine            what was put aside in this hour (`quarantine`)
    audit                      last audit number, u64
    head                       when the last head was said to every inbox, ms
    clock                      time of the last decision, ms
    position                   next offset to read, u64
    digest                     version and sum of all this (`digest`)

A view collects a transaction's changes over what is committed; `loop` writes them in the same Kafka transaction as the
outputs, and only then makes them the state.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Final, TypeVar

import msgspec

from samband.schemas.errors import OperatorError, RefusedError
from samband.streams.decision.child import ChildState

__all__ = ["HEAD", "POSITION", "Leaning", "State", "Track", "View"]

Value = TypeVar("Value")

HEAD: Final = b"head"
POSITION: Final = b"position"
_EXPIRED_AT_ONCE: Final = 200
_VALUE_MAX: Final = (1 << 19) - 4
"""Longest value in bytes: padded and sealed it still fits a Kafka batch, or the partition could never commit again."""


class Track(msgspec.Struct, frozen=True, array_like=True):
    """How far a message has come. Times are milliseconds since 1970 UTC."""

    sender: str
    recipient: str
    sender_party: str
    recipient_party: str
    ref: bytes
    type: str
    permitted: bool
    level: str
    expires: int
    leaf: bytes
    code: str = ""
    """Why it was refused, where it was."""


class Leaning(msgspec.Struct, frozen=True, array_like=True):
    """What a permitted message that is not handed over yet rests on."""

    consents: tuple[bytes, ...]
    categories: tuple[str, ...]


_child_encoder: Final = msgspec.msgpack.Encoder()
_child_decoder: Final = msgspec.msgpack.Decoder(ChildState)
_track_decoder: Final = msgspec.msgpack.Decoder(Track)
_open_decoder: Final = msgspec.msgpack.Decoder(dict[bytes, Leaning])


@dataclass(slots=True)
class State:
    """The committed state of a partition, as plain bytes by name, with a queue of what has served its time."""

    values: dict[bytes, bytes] = field(default_factory=dict)
    _expiry: list[tuple[int, bytes]] = field(default_factory=list)

    def load(self, name: bytes, data: bytes | None) -> None:
        """Take one change; None forgets the name.

        Raises:
            OperatorError: a message's track does not read (`STATE_BROKEN`).
        """
        if data is None:
            self.values.pop(name, None)
            return
        if name.startswith(b"msg/") and name not in self.values:
            heapq.heappush(self._expiry, (_read(_track_decoder, data).expires, name))
        self.values[name] = data

    def expired(self, now: int) -> list[bytes]:
        """Return up to 200 names whose time is over, and forget that they were due."""
        due: list[bytes] = []
        while self._expiry and self._expiry[0][0] < now and len(due) < _EXPIRED_AT_ONCE:
            due.append(heapq.heappop(self._expiry)[1])
        return due

    @property
    def head_said(self) -> int:
        """When the last head was said, in ms; 0 where none was."""
        return int.from_bytes(self.values.get(HEAD, b""), "big")

    @property
    def position(self) -> int | None:
        """The next offset to read, or None at the very beginning."""
        data = self.values.get(POSITION)
        return None if data is None else int.from_bytes(data, "big")


class View:
    """One transaction's view of the state: reads see its own writes."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values
        self.changes: dict[bytes, bytes | None] = {}
        self._before: dict[bytes, bytes | EllipsisType | None] = {}

    def begin(self) -> None:
        """Begin what `undo` takes back."""
        self._before = {}

    def undo(self) -> None:
        """Take back every change since `begin`."""
        for name, data in self._before.items():
            if data is ...:  # it was not changed before
                del self.changes[name]
            else:
                self.changes[name] = data
        self._before = {}

    def get(self, name: bytes) -> bytes | None:
        """Return the bytes of a name, or None."""
        return self.changes[name] if name in self.changes else self._values.get(name)

    def put(self, name: bytes, data: bytes | None) -> None:
        """Change a name; None forgets it.

        Raises:
            RefusedError: more is remembered under this name than a record holds.
        """
        if data is not None and len(data) > _VALUE_MAX:
            raise RefusedError("STATE_FULL", "the gate remembers more of one child than it has room for")
        self._before.setdefault(name, self.changes.get(name, ...))
        self.changes[name] = data

    def number(self, name: bytes) -> int:
        """Return a counter, 0 where it never counted.

        Raises:
            OperatorError: it is larger than any count (`STATE_BROKEN`).
        """
        number = int.from_bytes(self.get(name) or b"", "big")
        if number >> 63:
            raise _broken()
        return number

    def count(self, name: bytes) -> int:
        """Return a counter's next number, and keep it."""
        number = self.number(name) + 1
        self.put(name, number.to_bytes(8, "big"))
        return number

    def spend(self, what: str, party: str, now: int, most: int) -> None:
        """Count one act of a party in the hour of `now` (ms).

        Raises:
            RefusedError: it has done so `most` times in this hour (`QUOTA`); another hour begins at zero.
        """
        name = f"rate/{what}/{party}".encode()
        hour, held = now // 3_600_000, self.number(name)
        count = held % (1 << 24) if held >> 24 == hour else 0
        if count >= most:
            raise RefusedError("QUOTA", f"the party has done this {most} times within the hour", retriable=True)
        self.put(name, (hour << 24 | count + 1).to_bytes(8, "big"))

    def child(self, ref: bytes) -> ChildState:
        """Return what is known of a child; nothing, at first.

        Raises:
            OperatorError: the stored state does not read, which stops the partition.
        """
        data = self.get(b"child/" + ref)
        return ChildState() if data is None else _read(_child_decoder, data)

    def put_child(self, ref: bytes, child: ChildState) -> None:
        """Keep what is known of a child."""
        self.put(b"child/" + ref, _child_encoder.encode(child))

    def track(self, message_id: bytes) -> Track | None:
        """Return how far a message has come, or None where it is unknown or forgotten."""
        data = self.get(b"msg/" + message_id)
        return None if data is None else _read(_track_decoder, data)

    def put_track(self, message_id: bytes, track: Track) -> None:
        """Keep how far a message has come."""
        self.put(b"msg/" + message_id, _child_encoder.encode(track))

    def tracks(self) -> Iterator[tuple[bytes, Track]]:
        """Yield (message id, how far it has come) of everything remembered: slow, for what is rare."""
        for name in {**self._values, **self.changes}:
            if name.startswith(b"msg/") and (track := self.track(name[4:])) is not None:
                yield name[4:], track

    def open(self, ref: bytes) -> dict[bytes, Leaning]:
        """Return message id → what it rests on, for what is permitted on a consent and not handed over."""
        data = self.get(b"open/" + ref)
        return {} if data is None else _read(_open_decoder, data)

    def put_open(self, ref: bytes, messages: dict[bytes, Leaning]) -> None:
        """Keep which messages rest on a consent."""
        self.put(b"open/" + ref, _child_encoder.encode(messages) if messages else None)


def _read(decoder: msgspec.msgpack.Decoder[Value], data: bytes) -> Value:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: a text that is not UTF-8
        raise _broken() from error


def _broken() -> OperatorError:
    return OperatorError("STATE_BROKEN", "the gate's own state does not read")
