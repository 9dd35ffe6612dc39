"""The leak test: what of a story stands on the hub's disk, in any form that a person could read again?

    heard = listen(story)                         identifiers, references, units, types and sentences, as they are said
    search(home, heard)                           → hits: nothing, if promise 3 holds
    shared(values(outbox), other)                 → 16-byte strings that link what came in with what went out

Searched is every byte below `home/hub`: Kafka's data and logs, the records' database and its journal, the logs of the
gate, the keeper, the derived streams and the connectors, and who runs. Left out by name are what is public or secret by
its nature: the directory and who keeps it, root, keys, certificates. Kafka's data is searched as it lies on disk and
once more record by record, decompressed.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from aiokafka.record import MemoryRecords

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas.catalogue import CATALOGUE, FieldKind, find
from samband.schemas.message_types import COMMON_FIELDS
from samband.streams.topics import DIRECTORY

__all__ = ["ENCODINGS", "Heard", "Hit", "forms", "listen", "search", "shared", "topic_records", "values"]

_LEFT_OUT: Final = ("directory", "keys", "tls", "root.json")
_SNAPSHOT: Final = ".directory"
"""What gate and keeper keep of the directory, under `run/`."""
_SHORTEST: Final = 6
"""Bytes of a needle; a shorter one would be found in any noise."""

LINK: Final = 16
"""Bytes in a row that link two records."""

_BLOCK: Final = 8
"""Any 16 bytes in a row hold eight that begin at a multiple of eight."""


class Hit(NamedTuple):
    """A needle that was found: where, what, and in which form."""

    file: str
    needle: str
    form: str


@dataclass(slots=True)
class Heard:
    """What must not be found, by its name in a failure's line."""

    needles: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, what: str | bytes) -> None:
        """Remember something that was said."""
        data = what.encode() if isinstance(what, str) else what
        if len(data) >= _SHORTEST:
            self.needles[f"{name} {what if isinstance(what, str) else what.hex()}"] = data

    def add_child(self, identifier: str, reference: bytes) -> None:
        """Remember a child's number as people write it, and its reference."""
        short = f"{identifier[2:8]}-{identifier[8:]}"
        for number in (identifier, f"{identifier[:8]}-{identifier[8:]}", short, short.replace("-", "")):
            self.add("identifier", number)
        self.add("child reference", reference)


@contextmanager
def listen() -> Iterator[Heard]:
    """Hear everything that any client says meanwhile: the story may change, and what is searched changes with it."""
    heard = Heard()
    for name in CATALOGUE:
        heard.add("type", name)

    send, record = Client.send, Client.record

    def send_heard(client: Client, type_name: str, **said: Any) -> bytes:
        message_id = send(client, type_name, **said)
        _hear(heard, client, said["content"]["child_identifier"], message_id)
        texts = {each.name for each in (*COMMON_FIELDS, *find(type_name).fields) if each.kind is FieldKind.TEXT}
        for key, value in said["content"].items():
            if key in texts:
                heard.add(key, value)
        for value in said["content"]["acting_user"].values():
            heard.add("acting user", value)
        return message_id

    def record_heard(client: Client, body: Any, *, child: str, **said: Any) -> bytes:
        message_id = record(client, body, child=child, **said)
        _hear(heard, client, child, message_id)
        return message_id

    with mock.patch.object(Client, "send", send_heard), mock.patch.object(Client, "record", record_heard):
        yield heard


def _hear(heard: Heard, client: Client, child: str, message_id: bytes) -> None:
    party: Party = client._party
    heard.add_child(child, party.ref(child, 1))
    heard.add("message id", message_id)
    for unit in party.directory.units:
        heard.add("unit", unit.id)


def _bases(needle: bytes) -> Iterator[tuple[str, bytes]]:
    yield "", needle
    try:
        text = needle.decode()
    except UnicodeDecodeError:
        return
    yield "utf-16-le ", text.encode("utf-16-le")
    yield "utf-16-be ", text.encode("utf-16-be")
    if not text.isascii():
        yield "json ", json.dumps(text)[1:-1].encode()
        yield "latin-1 ", text.encode("latin-1", "replace")


def _hex(data: bytes) -> Iterator[bytes]:
    yield data.hex().encode()
    yield data.hex().upper().encode()


def _base64(data: bytes) -> Iterator[bytes]:
    """Yield what stands in any base64 text that holds `data`, whatever comes before and after it."""
    for before in range(3):
        padded = base64.b64encode(bytes(before) + data)
        first = (before * 8 + 5) // 6  # characters that the bytes before take part in
        whole = (before + len(data)) * 8 // 6
        core = padded[first:whole]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))


ENCODINGS: Final = {"raw": lambda data: iter((data,)), "hex": _hex, "base64": _base64}


@lru_cache(4096)
def forms(needle: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return (name, bytes) of each form in which a needle is searched."""
    found: dict[bytes, str] = {}
    for base, data in _bases(needle):
        for name, encode in ENCODINGS.items():
            found |= dict.fromkeys(encode(data), base + name)
    return tuple((name, data) for data, name in found.items())


def search(home: Path, needles: Mapping[str, bytes]) -> list[Hit]:
    """Return every needle that stands on the hub's disk, in any form.

    Raises:
        ValueError: a batch of records is compressed by what cannot be read here.
    """
    hits = []
    for name, data in _everything(home / "hub"):
        for needle, what in needles.items():
            hits += [Hit(name, needle, form) for form, pattern in forms(what) if pattern in data]
    return hits


def _everything(hub: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(hub.rglob("*")):
        name = path.relative_to(hub).as_posix()
        public = name.split("/")[0] in _LEFT_OUT or path.suffix == _SNAPSHOT or path.parent.name == f"{DIRECTORY}-0"
        if not path.is_file() or public:
            continue
        data = path.read_bytes()
        yield name, data.rstrip(b"\0")  # Kafka's index files are mostly room
        if path.suffix == ".log" and path.stem.isdigit():
            # Record by record too: in one piece per batch, decompressed, so that nothing hides in a codec.
            yield f"{name} (records)", b"\n".join(each for record in _records(data) for each in record if each)


def _records(data: bytes) -> Iterator[tuple[bytes | None, ...]]:
    """Yield key, value and headers of each record of a segment, committed or not.

    Raises:
        ValueError: the segment ends in the middle of a batch.
    """
    end = 0
    while end < len(data):
        end += 12 + int.from_bytes(data[end + 8 : end + 12], "big")
    if end != len(data):
        raise ValueError("a segment ends in the middle of a batch")
    batches = MemoryRecords(data)
    while (batch := batches.next_batch()) is not None:
        for record in batch:
            yield record.key, record.value, *(part for key, value in record.headers for part in (key.encode(), value))


def topic_records(home: Path, topic: str) -> list[tuple[bytes | None, ...]]:
    """Return key, value and headers of every record of a topic as it lies on disk, committed or not.

    The hub must be down.
    """
    found = []
    for path in sorted((home / "hub").rglob(f"{topic}-*/*.log")):
        if path.parent.name.removeprefix(f"{topic}-").isdigit():
            found += list(_records(path.read_bytes()))
    return found


def values(records: Iterable[tuple[bytes | None, ...]]) -> list[bytes]:
    """Return the whole value of each record, frame and opener included."""
    return [record[1] or b"" for record in records]


def shared(one: Sequence[bytes], other: Iterable[bytes], length: int = LINK) -> list[bytes]:
    """Return the longest byte strings, of at least 16 bytes, that stand in a record of both.

    Runs of one repeated byte are no link.
    """
    blocks: defaultdict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for number, record in enumerate(one):
        for at in range(0, len(record) - _BLOCK + 1, _BLOCK):
            blocks[record[at : at + _BLOCK]].append((number, at))
    found = set()
    for record in other:
        for at in range(len(record) - _BLOCK + 1):
            for number, place in blocks.get(record[at : at + _BLOCK], ()):
                common = _common(one[number], place, record, at)
                if len(common) >= length and len(set(common)) > 1:
                    found.add(common)
    return sorted(found)


def _common(one: bytes, i: int, other: bytes, j: int) -> bytes:
    """Return the longest string around one[i] and other[j] that both have."""
    back = 0
    while back < min(i, j) and one[i - back - 1] == other[j - back - 1]:
        back += 1
    ahead = 0
    while ahead < min(len(one) - i, len(other) - j) and one[i + ahead] == other[j + ahead]:
        ahead += 1
    return one[i - back : i + ahead]
