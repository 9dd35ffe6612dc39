"""The connector's service: the only place where messages and keys meet.

    sender     drafts → seal, sign, seq, keep (`sealing`) → Kafka; again until the gate has decided
    reader     inbox → verify → open → compare → keep, with the next offset, in one store transaction
    hand-over  waiting letters → adapter → handed over, with its receipt (`handing`), in one store transaction
    disposal   contents whose time is over → erased, with the act for the log, in one store transaction
    mirror     the log → mirrored, ticked off, cosigned
    watch      heads, cards, answers and receipts that do not come → reported

Loops over one durable store; what one leaves behind the next finds, so that a crash anywhere is a pause. Nothing
is handed over before the inbox was read to the end that it had when the letter came: a recall that is there is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from samband.connectors.adapter import Adapter
from samband.connectors.anew import Anew
from samband.connectors.boxes import count
from samband.connectors.client import Client
from samband.connectors.dead import end_late
from samband.connectors.desk.drafts import erase_old
from samband.connectors.drop import Drop
from samband.connectors.gather import Gather
from samband.connectors.handing import Handing
from samband.connectors.keys import OwnKeys
from samband.connectors.party import Party
from samband.connectors.pickup import Pickup
from samband.connectors.receive import Receiver
from samband.connectors.retention import dispose
from samband.connectors.sealing import UNDECIDED, Sealer
from samband.connectors.store import InboxRow
from samband.connectors.watch import Watch, begin_to_reach
from samband.connectors.witness import Witness
from samband.schemas.errors import DeliveryError, OperatorError, SambandError
from samband.streams.cards import CardReader
from samband.streams.inbox import Accept, Batch, InboxReader
from samband.streams.log.follow import follow
from samband.streams.outbox import OutboxWriter, Row
from samband.streams.tasks import until_asked

__all__ = ["Service"]

log = logging.getLogger("samband.connector")

_POLL_S: Final = 0.05
"""How often another process's writes to the store are looked for."""
_POLL_MANY_S: Final = 0.5
_WAIT_MS: Final = 200
"""How long the broker holds its answer while the inbox is empty: what comes is answered at once either way."""
_WAIT_MANY_MS: Final = 1000
_RESEND_S: Final = 4.0
_RESEND_MAX_S: Final = 60.0
_ACKNOWLEDGED_S: Final = 1.0
_DISPOSE_S: Final = 3600.0
_FORGOTTEN_MS: Final = 86_400_000
"""How long pieces of a file are kept whose message was never said: somebody may still be writing it."""
_TEND_S: Final = 60.0
_RELEASE_S: Final = 5.0
_LATE_S: Final = 60.0
_MORE_S: Final = 0.5
"""Between two batches of what is recorded anew: what people say meanwhile does not wait."""
_WATCH_S: Final = 30.0
_CATCH_UP_S: Final = 60.0
"""How long nothing is sent at the start while the inbox is read: what the gate has had may stand there."""
_BACK_OFF_S: Final = (0.2, 30.0)


def now_ms() -> int:
    """Return the own clock in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Service:
    """One party's running connector."""

    def __init__(self, party: Party, adapters: dict[str, Adapter], *, many: bool = False) -> None:
        """Name a party's service; `many`: one of hundreds in this process, which asks less often for what seldom is."""
        self._party = party
        self._look_s, self._wait_ms = (_POLL_MANY_S, _WAIT_MANY_MS) if many else (_POLL_S, _WAIT_MS)
        self._store = party.store
        self._adapters = adapters
        kafka = party.settings.kafka.aiokafka
        self._kafka: Callable[[], dict[str, Any]] = kafka
        self._to_tend = asyncio.Event()
        self._cards = CardReader(kafka, party.directory, self._to_tend.set)
        self._accept = Accept(
            directory=party.directory,
            party=party.name,
            agreement=party.root.agreement,
            hop=party.hop,
            content=party.content,
            reference=party.references,
            stands=lambda entry, at: self._witness is not None and self._witness.stands(entry, at),
        )
        self._receiver = Receiver(party, self._accept)
        self._gather = Gather(party)
        self._writer = OutboxWriter(
            kafka,
            party.directory,
            party.sign,
            party=party.name,
            instance=party.store.instance,
            agreement=party.root.agreement,
        )
        """One for the whole run: its lane outlives a lost connection, and the gate allows few new ones an hour."""
        self._to_send = asyncio.Event()
        self._to_hand_over = {unit: asyncio.Event() for unit in adapters}
        self._known_before = 0
        """Inbox offset below which every recall is known."""
        self._sealed: list[Row] = []
        """Sealed and kept, and not yet sent."""
        self._idle: set[str] = set()
        """Units whose hand-over has nothing to do."""
        self._begun: dict[str, list[InboxRow]] = {}
        """What the reader has already begun to hand over, by unit."""
        self._witness: Witness | None = None
        self.sealer = Sealer(party)
        self.handing = Handing(party, self._is_logged, self.wake)
        self.pickup = Pickup(party, lambda: self._known_before, self._is_logged, self.wake)
        """The letters of units that fetch for themselves."""
        self._drops = [Drop(each, party.store, Client(party, self)) for each in party.settings.drop]
        self.ready = asyncio.Event()
        self._at_end = 0.0
        """When the inbox was read to its end last, by the monotonic clock; 0 until then."""

    def seal_new(self) -> list[Row]:
        """Seal what waits, within the caller's own transaction of the store; `wake` with the rows when that is kept.

        What is written and sealed in one transaction is on the disk once instead of twice before it is on its way.
        While the sender is behind nothing is sealed here: it then seals many with one signature.
        """
        if self._sealed:
            return []
        with contextlib.suppress(SambandError):  # the sender meets it again, and backs off
            return self.sealer.seal(now_ms())
        return []

    def wake(self, sealed: Sequence[Row] = ()) -> None:
        """Say that the store has something new to send; `sealed` is kept already."""
        self._sealed += sealed
        self._to_send.set()

    async def run(self) -> None:
        """Serve until cancelled; while Kafka is away or does not let us in, say so and try again."""
        begin_to_reach(self._store, now_ms())
        async with asyncio.TaskGroup() as group:  # what is dropped is accepted while the hub is away, too
            for each in self._drops:
                group.create_task(self._forever(partial(each.run, now_ms, time.monotonic)))
            await self._serve()

    async def _serve(self) -> None:
        wait = _BACK_OFF_S[0]
        while True:
            try:
                await until_asked(self._cards.start())
                break
            except Exception as error:
                log.warning("kafka is away, or does not know our certificate", extra={"code": type(error).__name__})
            wait = min(2 * wait, _BACK_OFF_S[1])
            await asyncio.sleep(wait)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forever(self._send))
                group.create_task(self._forever(self._read))
                group.create_task(self._look())
                group.create_task(self._forever(self._dispose))
                group.create_task(self._forever(self._watch))
                group.create_task(self._forever(self._tend))
                group.create_task(self._forever(self._release))
                group.create_task(self._forever(self._mirror))
                if self.pickup.units or self.handing.keeps_dead:
                    group.create_task(self._forever(self._end_late))
                for unit, adapter in self._adapters.items():
                    group.create_task(self._forever(partial(self._hand_over, unit, adapter)))
                    group.create_task(self._forever(partial(self._ask_far_side, unit, adapter)))
        finally:
            await self._cards.stop()
            for adapter in self._adapters.values():
                with contextlib.suppress(Exception):
                    await adapter.close()

    async def _forever(self, work: Callable[[], Any]) -> None:
        """Run a loop again after whatever ended it, with back-off."""
        wait = _BACK_OFF_S[0]
        while True:
            began = time.monotonic()
            try:
                await until_asked(work())
            except Exception as error:
                code = error.code if isinstance(error, SambandError) else type(error).__name__
                log.warning("loop restarts", extra={"code": code})
            wait = _BACK_OFF_S[0] if time.monotonic() - began > _BACK_OFF_S[1] else min(2 * wait, _BACK_OFF_S[1])
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311  jitter, not a secret

    async def _tend(self) -> None:
        """See to the own keys, and seal again what waited for another's; at once when the directory has changed."""
        keys, anew, known, learned = OwnKeys(self._party), Anew(self._party), set[int](), time.monotonic()
        while True:
            self._to_tend.clear()
            self._party.load_keys()
            now = now_ms()
            try:
                if said := keys.tend(now):
                    log.info("own keys said", extra={"count": said})
            except OperatorError as error:
                log.error("own keys cannot be renewed", extra={"code": error.code})
            with self._store.transaction():
                self._store.release(now)
            # What others have ended is known when the inbox was read to its end with the next key already here.
            if known != set(self._party.references):
                known, learned = set(self._party.references), time.monotonic()
            ready = self._receiver.caught_up and self._at_end > learned
            more = ready and bool(anew.tend(now))
            self.wake()
            if more or not ready:
                await asyncio.sleep(_MORE_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TEND_S):
                    await self._to_tend.wait()

    async def _release(self) -> None:
        """Seal again what waits for a key: the directory may have had it before we were told that we need it."""
        while True:
            await asyncio.sleep(_RELEASE_S)
            if self._store.parked:
                with self._store.transaction():
                    self._store.release(now_ms())
                self.wake()

    async def _look(self) -> None:
        """Notice what another process, such as the command line, wrote into the store."""
        seen = self._store.data_version
        while True:
            await asyncio.sleep(self._look_s)
            if (version := self._store.data_version) != seen:
                seen = version
                self._to_send.set()
                for event in self._to_hand_over.values():
                    event.set()  # a person may have had what was refused tried again
                self._party.load_keys()

    # sender

    async def _send(self) -> None:
        writer = self._writer
        with contextlib.suppress(TimeoutError):  # a withdrawal does not wait for ever; message ids keep it safe
            async with asyncio.timeout(_CATCH_UP_S):
                await self.ready.wait()
        try:
            # What was sent before this start comes first: the gate takes seq by seq.
            self._sealed.clear()
            await writer.send(self._store.unanswered(UNDECIDED), now_ms())
            wait, decided, since = _RESEND_S, self._receiver.decided, time.monotonic()
            while True:
                self._to_send.clear()
                if decided != self._receiver.decided:
                    wait, decided, since = _RESEND_S, self._receiver.decided, time.monotonic()
                if time.monotonic() >= since + wait:
                    # The gate has decided nothing for a while: what it has not decided goes out again, in order.
                    self._sealed.clear()
                    rows = self._store.unanswered(UNDECIDED)
                    wait, since = min(2 * wait, _RESEND_MAX_S) if rows else _RESEND_S, time.monotonic()
                else:
                    rows, self._sealed = self._sealed, []
                    if self._store.has_new():
                        with self._store.transaction():
                            added = self.sealer.seal(now_ms())
                        rows += added
                if rows:
                    await writer.send(rows, now_ms())
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, since + wait - time.monotonic())):
                        await self._to_send.wait()
        finally:
            await writer.stop()

    # reader

    async def _read(self) -> None:
        reader = InboxReader(self._kafka, self._party.name, wait_ms=self._wait_ms)
        target: int | None = None
        known = 0
        place = self._store.number("offset")
        async for batch in reader.batches(place):
            self._party.directory.check_fresh(now_ms())
            if place is not None and self._is_cut(batch, place):
                target = None
            place = batch.next_offset
            if target is None:
                target, known = batch.end, batch.next_offset
            known_before = self._known_before
            if reached := batch.next_offset >= target:
                known_before = max(known_before, batch.next_offset if batch.end == target else known)
            if batch.records:
                self._keep(batch, known_before)
            if reached:
                self._known_before = known_before
                target = None
                self._at_end = time.monotonic()
                self._receiver.caught_up, self._receiver.again = True, False
                self.ready.set()
                for event in self._to_hand_over.values():
                    event.set()

    def _is_cut(self, batch: Batch, place: int) -> bool:
        """Say whether the inbox is read from before `place`: it lost its end, or was made anew, which is reported."""
        first = batch.records[0][0] if batch.records else batch.next_offset
        if first >= place:
            return False
        log.error("inbox is read from its beginning", extra={"code": "INBOX_CUT", "place": place, "end": batch.end})
        with self._store.transaction():
            count(self._store, "inbox_cut")
            self._store.keep_number("inbox_cut/at", now_ms())
            self._store.forget_offsets()
            self._store.keep_number("offset", 0)
        self._known_before = -1
        self._receiver.caught_up, self._receiver.again = False, True
        return True

    async def _mirror(self) -> None:
        """Follow the log: mirror, tick off, cosign; and hand over what waited for it."""
        self._witness = witness = await asyncio.to_thread(Witness, self._party)
        async for records, at_end in follow(self._kafka, witness.offset):
            before = witness.witnessed
            if records:  # it waits for the disk
                await asyncio.to_thread(witness.take_all, records, now_ms())
            if at_end and witness.caught_up(now_ms()):
                self._to_send.set()
            if witness.witnessed != before:
                for event in self._to_hand_over.values():
                    event.set()

    async def _watch(self) -> None:
        """Look for what does not come; only time at the inbox's end counts."""
        watch, looked = Watch(self._party), time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_S)
            now = time.monotonic()
            reading = self._at_end > looked
            watch.look(now_ms(), int(1000 * (now - looked)) if reading else 0)
            looked = now

    def _keep(self, batch: Batch, known_before: int) -> None:
        """Take a batch, and begin to hand over what an idle unit may have: one write to the disk before it does."""
        now, decided = now_ms(), self._receiver.decided
        with self._store.transaction():
            for offset, value in batch.records:
                if self._receiver.take(offset, value, now):
                    self._to_send.set()
            self._store.keep_number("offset", batch.next_offset)
            begun = {unit: rows for unit in self._idle if (rows := self.handing.begin(unit, known_before, now))}
        if self._store.instance != self._writer.instance:
            self._sealed.clear()  # what had a number has it no longer
            self._writer.renew(self._store.instance)
        for unit, rows in begun.items():
            self._begun[unit] = rows
            self._idle.discard(unit)
            self._to_hand_over[unit].set()
        if self._receiver.decided != decided:
            self._to_send.set()  # there may be room again

    # hand-over

    async def _hand_over(self, unit: str, adapter: Adapter) -> None:
        wake = self._to_hand_over[unit]
        self._begun.pop(unit, None)  # it is marked in the store, and comes again
        wait = 0.0
        while True:
            wake.clear()
            self._party.directory.check_fresh(now_ms())
            if not (rows := self._begun.pop(unit, [])):
                if not self.handing.ready(unit, self._known_before, 1, now_ms()):
                    self._idle.add(unit)
                    try:
                        await wake.wait()
                    finally:
                        self._idle.discard(unit)
                    continue
                with self._store.transaction():
                    rows = self.handing.begin(unit, self._known_before, now_ms())
            results = await asyncio.gather(*(self.handing.deliver(adapter, row) for row in rows))
            self.handing.settle(rows, results, now_ms())
            failed = any(isinstance(result, DeliveryError) and result.retriable for result in results)
            wait = min(max(2 * wait, _BACK_OFF_S[0]), _BACK_OFF_S[1]) if failed else 0.0
            if wait:
                await asyncio.sleep(wait)

    def _is_logged(self, row: InboxRow) -> bool:
        return self._witness is not None and self._witness.is_logged(bytes.fromhex(row.letter["decision"]))

    async def _ask_far_side(self, unit: str, adapter: Adapter) -> None:
        """Turn what the far side has acknowledged into receipts."""
        while True:
            ids = [bytes.fromhex(each) for each in await adapter.acknowledged()]
            if self.handing.opened(unit, ids, now_ms()):
                self._to_send.set()
            await asyncio.sleep(_ACKNOWLEDGED_S)

    async def _dispose(self) -> None:
        """Erase what the party's disposal decision lets go, a batch at a time, and look again in an hour."""
        while True:
            erase_old(self._party, now_ms())
            while count := dispose(self._party, datetime.now(UTC)):
                log.info("contents erased by disposal decision", extra={"count": count})
                self._to_send.set()
                await asyncio.sleep(0)
            with self._store.transaction():
                now = now_ms()
                self._store.drop_parts(None, now - _FORGOTTEN_MS)
                unused = self._store.drop_uploads(now)
                if self._gather.expire(now):
                    self._to_send.set()
            if unused:
                self._store.scrub()
            await asyncio.sleep(_DISPOSE_S)

    async def _end_late(self) -> None:
        """End what nobody fetched, or looked at, in its time."""
        while True:
            await asyncio.sleep(_LATE_S)
            self.pickup.announce(now_ms())
            if end_late(self._party, now_ms()):
                self.wake()
