"""The ground that all contenders run on: an embedded Kafka, a hub's home with two parties, and sealed records.

Nothing here is a mock: cards, keys, certificates, rights and seals are an installation's own. The hub's supervisor is
left out, so that only what is measured runs.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.structs import replace

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas.message import Up
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.broker import Broker
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.lane import LaneOut
from samband.streams.crypto.reference import partition_of
from samband.streams.crypto.signature import BATCH_MAX
from samband.streams.directory import HUB
from samband.streams.hub import provision
from samband.streams.outbox import Draft, seal
from samband.streams.topics import AUDIT, inbox, outbox, state

__all__ = ["PARTIES", "SHARDS", "Ground", "dialogue"]

AGREEMENT: Final = "bench"
SHARDS: Final = 4
CHILDREN: Final = 400
SOCIAL: Final = Unit(UnitId("BENCH-IFO"), PartyId("social"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "Socialtjänsten")
CARE: Final = Unit(UnitId("BENCH-BUP"), PartyId("bup"), UnitKind.CARE_BUP, Regime.OSL_25, "BUP")
PARTIES: Final = (SOCIAL, CARE)

HEADERS: Final = [("ce_specversion", b"1.0"), ("ce_type", b"samband.record.v1"), ("ce_source", b"samband")]
_GONE_S: Final = 30.0


def dialogue(number: int) -> dict[str, Any]:
    """Return the content of a dialogue message about one of the synthetic children."""
    child = synthetic(number % CHILDREN, born=datetime(2014, 5, 1, tzinfo=UTC).date())
    return {
        "child_identifier": child.identifier,
        "child_name": child.name,
        "acting_user": {"id": "bench", "role": "handläggare"},
        "text": f"Meddelande {number}: vi ses på tisdag klockan tio.",
    }


class Ground:
    """Kafka, home and parties; `close` leaves nothing behind."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="samband-bench-")
        self.home = Home(Path(self._folder.name) / "home")
        now = datetime.now(UTC)
        self.home.found(AGREEMENT, now=now, shards=SHARDS)
        for unit in PARTIES:
            self.home.add_party(unit.party, unit.name, "", [unit], now=now)
        port = self.home.settings.kafka.port
        self._broker = Broker(self.home.hub / "kafka", self.home.credential("broker"), port)
        try:
            self._broker.start(say)
            self._broker.wait_ready(say)
            provision(self.home)
        except BaseException:
            self.close()
            raise
        self.kafka = self.home.kafka("hub")
        self.outbox = outbox(AGREEMENT)
        self._admin = AdminClient({**self.kafka.confluent(), "log_level": 0})

    def close(self) -> None:
        """Stop Kafka and remove the folder."""
        self._broker.stop()
        self._folder.cleanup()

    def config(self, unit: Unit) -> Path:
        """Return a party's `connector.toml`."""
        return self.home.parties / unit.party / "connector.toml"

    def party(self, unit: Unit) -> Party:
        """Return a party that has read the directory."""
        party = Party.load(self.config(unit))
        party.directory.restore(self.home.published(time.time_ns() // 1_000_000).values())
        return party

    def folder(self, name: str) -> Path:
        """Return a new folder for a process."""
        path = Path(self._folder.name) / name
        path.mkdir()
        return path

    # records

    def sealed(self, count: int) -> list[list[bytes]]:
        """Return `count` outbox records by partition: dialogue both ways, signed 64 at a time as a connector does."""
        now = time.time_ns() // 1_000_000
        found: list[list[bytes]] = [[] for _ in range(SHARDS)]
        for sender, to, drafts in self._drafts(count):
            party = self.party(sender)
            gate = party.directory.seal_key(HUB, Purpose.GATE_HOP, now)
            lane = LaneOut(
                party.sign, gate, party=party.name, instance=party.store.instance, agreement=AGREEMENT, now=now
            )
            seqs = [0] * SHARDS
            for at in range(0, len(drafts), BATCH_MAX):
                some = drafts[at : at + BATCH_MAX]
                for draft, message in zip(some, seal(some, party.directory, party.sign, now), strict=True):
                    partition = partition_of(draft.ref, SHARDS)
                    seqs[partition] += 1
                    hop = Up(seqs[partition], message.encode()).encode()
                    found[partition].append(lane.seal(hop, len(message.content), self.outbox, partition))
            party.store.close()
            assert to.party != party.name
        return found

    def _drafts(self, count: int) -> list[tuple[Unit, Unit, list[Draft]]]:
        """Return the drafts of each way. The client makes one of each child; the rest are that one with another id."""
        made = []
        for sender, to in (PARTIES, PARTIES[::-1]):
            party = self.party(sender)
            client = Client(party)
            kept: list[Draft] = []
            client._take = lambda draft, kept=kept: kept.append(draft) or draft.message_id  # type: ignore[method-assign]
            for number in range(CHILDREN):
                client.send(
                    "dialogue.message",
                    recipient=to.id,
                    content=dialogue(number),
                    necessity="support",
                    now=datetime.now(UTC),
                )
            party.store.close()
            drafts = [
                replace(kept[number % CHILDREN], message_id=secrets.token_bytes(16)) for number in range(count // 2)
            ]
            made.append((sender, to, drafts))
        return made

    def load(self, records: Sequence[Sequence[bytes]], topic: str = "") -> None:
        """Write records, by partition, to the outbox or another topic."""

        async def write() -> None:
            producer = AIOKafkaProducer(
                **self.kafka.aiokafka(), enable_idempotence=True, max_batch_size=900_000, max_request_size=2_000_000
            )
            await producer.start()
            try:
                for partition, values in enumerate(records):
                    sent = [
                        await producer.send(topic or self.outbox, value, partition=partition, headers=headers())
                        for value in values
                    ]
                    await asyncio.gather(*sent)
            finally:
                await producer.stop()

        asyncio.run(write())

    # topics

    def create(self, topic: str, partitions: int = SHARDS) -> str:
        """Create a topic with the broker's times and return its name."""
        config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "1200000"}
        self._admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result()
        return topic

    def delete(self, *topics: str) -> None:
        """Delete topics and return when they are gone."""
        for future in self._admin.delete_topics(list(topics)).values():
            with suppress(KafkaException):
                future.result()
        deadline = time.monotonic() + _GONE_S
        while set(topics) & set(self._admin.list_topics(timeout=10).topics):
            if time.monotonic() > deadline:
                raise TimeoutError("the broker does not delete topics")
            time.sleep(0.1)

    def renew_gate(self, *, empty: bool = False) -> None:
        """Let the gate begin anew: it remembers nothing, has said nothing, and reads the outbox from its beginning.

        `empty`: the outbox too.
        """
        self.delete(
            state(AGREEMENT), AUDIT, *(inbox(unit.party) for unit in PARTIES), *([self.outbox] if empty else [])
        )
        provision(self.home)

    def written(self, topic: str) -> int:
        """Return how many offsets of a topic are taken."""
        consumer = self._consumer()
        try:
            ends = [consumer.get_watermark_offsets(part, timeout=10)[1] for part in self._parts(consumer, topic)]
            return sum(ends)
        finally:
            consumer.close()

    def times(self, topic: str) -> list[int]:
        """Return the broker's time, in ms, of each committed record of a topic, sorted."""
        consumer = self._consumer()
        found: list[int] = []
        try:
            parts = self._parts(consumer, topic)
            consumer.assign(parts)
            ended = 0
            while ended < len(parts):
                for record in consumer.consume(1000, timeout=10):
                    if record.error() is None:
                        found.append(record.timestamp()[1])
                    else:  # the end of a partition
                        ended += 1
        finally:
            consumer.close()
        return sorted(found)

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                **self.kafka.confluent(),
                "group.id": "bench-look",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "log_level": 0,
            }
        )

    @staticmethod
    def _parts(consumer: Consumer, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, each, 0) for each in consumer.list_topics(topic, 10).topics[topic].partitions]


def headers() -> list[tuple[str, bytes]]:
    """Return a record's headers."""
    return [*HEADERS, ("ce_id", secrets.token_hex(16).encode())]
