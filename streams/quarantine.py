"""What the gate put aside because nobody could read it: notes on `samband.quarantine.v1`, never content.

    name   <topic>/<partition>/<offset>        note   <code> <size> <ms>
    name   <topic>/<partition>/flood/<hour>    note   FLOOD <records> <ms> <first offset> <last offset>
    after an operator has dealt with it        note   DROPPED <ms> <the note>

A note is sealed with the hub store (`crypto.hub`) under the keyed hash of its name; of one key the last record counts.
An operator's word is a record over the gate's, so what was dropped stays to be seen as long as Kafka keeps the topic,
and a flood that grew afterwards is open again. The gate never reads this topic.

    for entry in await read(kafka, store): …
    await drop(kafka, store, entries, now)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samband.schemas.errors import FormatError, OperatorError, SambandError
from samband.streams.crypto.hub import HubStore
from samband.streams.topics import QUARANTINE

__all__ = ["CODES", "FLOOD", "Entry", "drop", "flood_note", "note", "parse", "read", "reason_of"]

FLOOD: Final = "FLOOD"
"""The code of a note that stands for many records."""

CODES: Final = frozenset(
    {"AGREEMENT", "CONTENT_TOO_LARGE", FLOOD, "FORMAT", "GATE_KEY", "HOP_TOO_LONG", "KEY_EXPIRED", "KEY_FORMAT",
     "KEY_MISSING", "KEY_PURPOSE", "KEY_REVOKED", "KEY_UNKNOWN", "LANE_EXPIRED", "LANE_QUOTA", "OPENER_KEY",
     "OPENER_LIFE", "OPENER_PARTY", "REALM", "RECORD_BROKEN", "RECORD_HEADERS", "RECORD_TOO_LARGE", "SEAL_BROKEN",
     "SIGNATURE_BROKEN"}
)  # fmt: skip
"""Why a record lies here; FORMAT stands for every code that begins so."""

_DROPPED: Final = b"DROPPED"
_LENGTH: Final = 64
"""Bytes of a note, so that its size tells nothing."""
_HEADERS: Final = (("ce_specversion", b"1.0"), ("ce_type", b"samband.record.v1"), ("ce_source", b"samband"))
_WAIT_MS: Final = 500
_PATIENCE_MS: Final = 8000


@dataclass(frozen=True, slots=True)
class Entry:
    """One note: where a record lies that could not be read, and why. Times are ms since 1970 UTC."""

    name: bytes
    code: str
    topic: str
    partition: int
    offset: int
    """Of the first record, where it stands for many."""
    last: int
    count: int
    """Records that it stands for; of a flood at least so many."""
    size: int
    """Bytes; 0 of a flood."""
    at: int
    dropped: int = 0
    """When an operator dealt with it; 0 while it is open."""
    key: bytes = b""

    @property
    def id(self) -> str:
        """What an operator calls it: the beginning of its record's key, which tells nothing."""
        return self.key[:6].hex()


def reason_of(code: str) -> str:
    """Return which of `CODES` a note's code is; empty where it is none."""
    code = "FORMAT" if code.startswith("FORMAT_") else code
    return code if code in CODES else ""


def note(place: tuple[str, int], offset: int, code: str, size: int, now: int) -> tuple[bytes, bytes]:
    """Return (name, note) of one record in `place`, a topic and its partition."""
    name = f"{place[0]}/{place[1]}/{offset}"
    return name.encode(), f"{code} {size} {now}".encode().ljust(_LENGTH)


def flood_note(
    place: tuple[str, int], hour: int, count: int, offsets: tuple[int, int], now: int
) -> tuple[bytes, bytes]:
    """Return (name, note) of all further records of an hour (since 1970 UTC) in `place`."""
    name = f"{place[0]}/{place[1]}/flood/{hour}"
    return name.encode(), f"{FLOOD} {count} {now} {offsets[0]} {offsets[1]}".encode().ljust(_LENGTH)


def parse(name: bytes, data: bytes, key: bytes = b"") -> Entry:
    """Return the entry of a note.

    Raises:
        FormatError: it is none.
    """
    try:
        topic, number, *where = name.decode("ascii").split("/")
        words = data.split()
        dropped = 0
        if words[0] == _DROPPED:
            dropped, words = int(words[1]), words[2:]
        partition = int(number)
        if len(where) == 2 and where[0] == "flood" and words[0] == FLOOD.encode():
            count, at, first, last = map(int, words[1:])
            return Entry(name, FLOOD, topic, partition, first, last, count, 0, at, dropped, key)
        (offset,), (code, size, at_) = map(int, where), words
        return Entry(name, code.decode("ascii"), topic, partition, offset, offset, 1, int(size), int(at_), dropped, key)
    except (ValueError, IndexError) as error:
        raise FormatError("FORMAT_NOTE", "this is no quarantine note") from error


async def read(kafka: Callable[[], dict[str, Any]], store: HubStore) -> tuple[list[Entry], int]:
    """Return every entry, oldest first, and how many records of the topic are no note of this hub.

    Raises:
        OperatorError: Kafka does not answer (`KAFKA_UNREACHABLE`).
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    from samband.streams import clients

    place = TopicPartition(QUARANTINE, 0)
    latest: dict[bytes, bytes] = {}
    foreign = 0
    consumer = AIOKafkaConsumer(
        **kafka(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # no seek: it would race the consumer's own first look, and may lose
        request_timeout_ms=_PATIENCE_MS,
    )
    try:
        await consumer.start()
        consumer.assign([place])
        end: int = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=_WAIT_MS)).get(place, ()):
                if record.key is None or record.value is None:
                    foreign += 1
                else:
                    latest[record.key] = record.value
    except KafkaError as error:
        raise OperatorError(
            "KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "samband hub status", retriable=True
        ) from error
    finally:
        await clients.stop(consumer)
    entries = []
    for key, value in latest.items():
        try:
            entries.append(parse(*store.open(QUARANTINE, key, value), key))
        except SambandError:
            foreign += 1
    return sorted(entries, key=lambda each: (each.at, each.partition, each.offset)), foreign


async def drop(kafka: Callable[[], dict[str, Any]], store: HubStore, entries: Sequence[Entry], now: int) -> int:
    """Mark entries as dealt with at `now` (ms) and return how many were open; again changes nothing.

    Raises:
        OperatorError: Kafka does not answer (`KAFKA_UNREACHABLE`).
    """
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    from samband.streams import clients

    still = [each for each in entries if not each.dropped]
    if not still:
        return 0
    producer = AIOKafkaProducer(**kafka(), enable_idempotence=True, request_timeout_ms=_PATIENCE_MS)
    try:
        await producer.start()
        for each in still:
            key, value = store.seal(QUARANTINE, each.name, _dropped(each, now))
            headers = [*_HEADERS, ("ce_id", secrets.token_bytes(16).hex().encode())]
            await producer.send_and_wait(QUARANTINE, value, key=key, partition=0, headers=headers)
    except KafkaError as error:
        raise OperatorError(
            "KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "samband hub status", retriable=True
        ) from error
    finally:
        await clients.stop(producer)
    return len(still)


def _dropped(entry: Entry, now: int) -> bytes:
    told = f"{entry.code} {entry.size} {entry.at}"
    if entry.code == FLOOD:
        told = f"{entry.code} {entry.count} {entry.at} {entry.offset} {entry.last}"
    return f"{_DROPPED.decode()} {now} {told}".encode().ljust(2 * _LENGTH)
