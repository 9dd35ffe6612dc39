"""A party's writing end: drafts become messages, messages become records, in order.

    messages = seal(drafts, directory, keys, now)          label, seal, sign: once, kept by the caller
    writer = OutboxWriter(...);  await writer.send(rows)    lane, send, await: as often as needed

A message's bytes never change after sealing; only the lane around them is new at each send. Sends of one partition go
out in seq order and are all awaited, so a failure leaves a tail to send again and never a hole in the middle.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from samband.schemas.message import Message, Up
from samband.schemas.routing import NO_COMMIT, Routing
from samband.streams import clients
from samband.streams.crypto.content import commit, pad_content, seal_content
from samband.streams.crypto.held import Signing
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.lane import LaneOut
from samband.streams.crypto.signature import BATCH_MAX, sign_batch
from samband.streams.directory import HUB, Directory
from samband.streams.topics import outbox

__all__ = ["Draft", "OutboxWriter", "Row", "seal"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is said, before it is sealed: kept encrypted by the party until the terminal receipt, to seal again."""

    agreement: str
    message_id: bytes
    conversation: bytes
    ref_to: bytes | None = None
    ask: bool = False
    sender: str
    recipient: str
    e: int
    ref: bytes
    type: str
    categories: tuple[str, ...] = ()
    ground: str = ""
    age_band: str = ""
    limb: str = ""
    necessity: str = ""
    recipient_role: str = ""
    motive: bytes | None = None
    user: bytes = NO_COMMIT
    created: int
    expires: int
    content_schema: bytes = NO_COMMIT
    content: bytes | None = None
    body: bytes | None = None


class Row(NamedTuple):
    """A sealed message with its place in the sender's order."""

    partition: int
    seq: int
    message: bytes
    sealed: int
    """Length of the sealed content in bytes."""


def seal(drafts: Sequence[Draft], directory: Directory, sign: Signing, now: int) -> list[Message]:
    """Label, seal and sign up to 64 drafts, in the order given.

    Raises:
        RefusedError, TrustError: a recipient unit or its key is not in the directory.
        FormatError: a content or label is larger than the format allows.
    """
    if len(drafts) > BATCH_MAX:
        raise ValueError(f"at most {BATCH_MAX} at once")
    parts = []
    for draft in drafts:
        unit = directory.unit(draft.recipient)
        key = directory.seal_key(unit.party, Purpose.UNIT_CONTENT, now, unit.id)
        plain = None if draft.content is None else pad_content(draft.content)
        routing = Routing(
            salt=secrets.token_bytes(16),
            agreement=draft.agreement,
            message_id=draft.message_id,
            conversation=draft.conversation,
            ref_to=draft.ref_to,
            ask=draft.ask,
            sender=draft.sender,
            sender_kid=sign.kid,
            recipient=draft.recipient,
            recipient_kid=key.kid,
            e=draft.e,
            ref=draft.ref,
            type=draft.type,
            categories=draft.categories,
            ground=draft.ground,
            age_band=draft.age_band,
            limb=draft.limb,
            necessity=draft.necessity,
            recipient_role=draft.recipient_role,
            motive=draft.motive,
            user=draft.user,
            created=draft.created,
            expires=draft.expires,
            content_schema=draft.content_schema if plain else NO_COMMIT,
            plain_commit=commit(directory.realm, plain) if plain else NO_COMMIT,
            body=draft.body,
        ).encode()
        parts.append((routing, seal_content(key, plain, routing) if plain else b""))
    return sign_batch(sign, parts)


class OutboxWriter:
    """The producer of one connector instance and its lane to the gate."""

    def __init__(
        self,
        kafka: Callable[[], dict[str, Any]],
        directory: Directory,
        sign: Callable[[int], Signing],
        *,
        party: str,
        instance: bytes,
        agreement: str,
    ) -> None:
        self._kafka = kafka
        self._directory = directory
        self._sign = sign
        self._party = party
        self.instance = instance
        """Whose numbers the lane carries."""
        self._agreement = agreement
        self._topic = outbox(agreement)
        self._producer: AIOKafkaProducer | None = None
        self._lane: LaneOut | None = None

    def renew(self, instance: bytes) -> None:
        """Speak as another instance from the next send on."""
        self.instance, self._lane = instance, None

    async def send(self, rows: Sequence[Row], now: int) -> None:
        """Send rows in order and return when the brokers have them all.

        Raises:
            Exception: a send failed; the producer is given up and the caller sends the rows again, from the first.
        """
        lane = self._fresh_lane(now)
        try:
            producer = await self._started()
            sent = []
            for number, row in enumerate(rows):
                if number % BATCH_MAX == BATCH_MAX - 1:
                    await asyncio.sleep(0)  # whoever else runs in this loop is not slower for a flood here
                value = lane.seal(Up(row.seq, row.message).encode(), row.sealed, self._topic, row.partition)
                sent.append(await producer.send(self._topic, value=value, partition=row.partition, headers=_headers()))
            await asyncio.gather(*sent)
        except BaseException:
            await self.stop()
            raise

    def _fresh_lane(self, now: int) -> LaneOut:
        """Return the lane; another where its hour is over, or where another key has come for either end."""
        self._directory.check_fresh(now)
        sign, gate = self._sign(now), self._directory.seal_key(HUB, Purpose.GATE_HOP, now)
        lane = self._lane
        if lane is None or not lane.fresh(now) or (lane.opener.from_kid, lane.opener.to_kid) != (sign.kid, gate.kid):
            lane = self._lane = LaneOut(
                sign, gate, party=self._party, instance=self.instance, agreement=self._agreement, now=now
            )
        return lane

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = clients.producer(  # kept before it starts: who is cancelled meanwhile stops it
                self._kafka(),
                enable_idempotence=True,
                acks="all",
                max_request_size=1_000_000,
                max_batch_size=256_000,
                retry_backoff_ms=50,
                request_timeout_ms=15_000,
            )
            await self._producer.start()
        return self._producer

    async def stop(self) -> None:
        """Let the producer go."""
        producer, self._producer = self._producer, None
        await clients.stop(producer)


def _headers() -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"samband.record.v1"),
        ("ce_source", b"samband"),
        ("ce_id", secrets.token_hex(16).encode()),
    ]
