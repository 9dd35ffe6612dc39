"""Letters that an adapter hands over: marked before it begins, settled after it ended, each with its receipt.

    handing = Handing(party, is_logged, wake)
    with party.store.transaction():
        rows = handing.begin(unit, known_before, now)
    results = [await handing.deliver(adapter, row) for row in rows]
    handing.settle(rows, results, now)

Nothing is handed over before the inbox was read to the end that it had when the letter came (`known_before`), nor what
waits for the log before its permit is in a witnessed checkpoint. A crash between `begin` and `settle` is a repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from samband.connectors.adapter import Adapter, Attachment, Delivery
from samband.connectors.attachments import files_of
from samband.connectors.dead import DEAD
from samband.connectors.gather import answer
from samband.connectors.store import InboxRow, Store
from samband.schemas.errors import DeliveryError
from samband.schemas.events import Level

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["Handing", "delivery_of"]

log = logging.getLogger("samband.connector")

_AT_ONCE: Final = 32
_WAITING: Final = 1000
"""Most messages of a unit that wait for the log and are looked through."""


class Handing:
    """The letters of the units that have an adapter."""

    def __init__(self, party: Party, is_logged: Callable[[InboxRow], bool], wake: Callable[[], None]) -> None:
        """Hand over a party's letters; `is_logged` and `wake` as `Pickup`."""
        self._party = party
        self._store = party.store
        self._is_logged = is_logged
        self._wake = wake
        kept = (each for each in party.settings.adapter if each.kind == "webhook" and each.dead_letters)
        self.keeps_dead = frozenset(each.unit for each in kept)
        """Units whose refused letters wait for a person."""

    def begin(self, unit: str, known_before: int, now: int) -> list[InboxRow]:
        """Mark what is handed over next, within a transaction of the store; what came too late is refused."""
        rows = self.ready(unit, known_before, _AT_ONCE, now)
        late = [row for row in rows if row.state == "waiting" and row.expires <= now]
        for row in late:
            self._store.mark_letter(row.message_id, "refused", now, code="EXPIRED")
            self._receipt(row, Level.REFUSED, "EXPIRED", now)
        if late:
            self._wake()
        rows = [row for row in rows if row not in late]
        for row in rows:
            if row.state == "waiting":  # a repeat keeps the recall that came meanwhile
                self._store.mark_letter(row.message_id, "handing", now)
        return rows

    def ready(self, unit: str, known_before: int, limit: int, now: int) -> list[InboxRow]:
        """Return what may be handed over: of the types that wait for the log, what a witnessed checkpoint has."""
        logged = {each.type for each in self._party.settings.handover if each.when == "logged"}
        if not logged:
            return self._store.waiting(unit, known_before, limit)
        rows = self._store.waiting(unit, known_before, _WAITING)
        return [row for row in rows if row.type not in logged or row.expires <= now or self._is_logged(row)][:limit]

    async def deliver(self, adapter: Adapter, row: InboxRow) -> DeliveryError | None:
        """Hand a letter over; return why it was not taken."""
        try:
            await adapter.deliver(delivery_of(row, self._store))
        except DeliveryError as error:
            return error
        except Exception as error:  # an adapter's fault is the far side's trouble, never a lost message
            log.warning("adapter failed", extra={"code": type(error).__name__})
            return DeliveryError("ADAPTER_FAILED", "the adapter failed", retriable=True)
        return None

    def settle(self, rows: Sequence[InboxRow], results: Sequence[DeliveryError | None], now: int) -> None:
        """Keep what became of each, with its receipt, in one transaction."""
        with self._store.transaction():
            for row, error in zip(rows, results, strict=True):
                if error is None:
                    self._store.mark_letter(row.message_id, "handed_over", now)
                    self._receipt(row, Level.HANDED_OVER, "", now)
                elif error.retriable and (code := self._recall_of(row.message_id)):
                    self._store.mark_letter(row.message_id, "recalled", now, code=code)
                    self._receipt(row, Level.REFUSED, "RECALLED", now)
                elif error.retriable:
                    self._store.mark_letter(row.message_id, "waiting", now, code=error.code)
                    log.warning("far side does not take", extra={"code": error.code})
                elif row.unit in self.keeps_dead and error.code == "WEBHOOK_REFUSED":
                    self._store.mark_letter(row.message_id, DEAD, now, code=error.code)
                    log.error("far side refuses; a person must look", extra={"code": error.code})
                else:
                    self._store.mark_letter(row.message_id, "refused", now, code=error.code)
                    self._receipt(row, Level.REFUSED, error.code, now)
        self._wake()

    def _recall_of(self, message_id: bytes) -> str:
        """Return the code of a recall that came while the message was on its way to the far side, if one came."""
        row = self._store.letter(message_id)
        return row.code if row is not None and row.state == "handing" else ""

    def opened(self, unit: str, ids: Sequence[bytes], now: int) -> bool:
        """Turn what the far side has acknowledged into receipts; return whether there were any."""
        open_ids = self._store.unacknowledged(unit) if ids else set()
        new = [each for each in ids if each in open_ids]
        if not new:
            return False
        with self._store.transaction():
            for each in new:
                row = self._store.letter(each)
                if row and self._store.mark_letter(each, "opened", now, only=("handed_over",)):
                    self._receipt(row, Level.OPENED, "", now)
        return True

    def _receipt(self, row: InboxRow, level: Level, code: str, now: int) -> None:
        answer(self._party, row, level, code, now)


def delivery_of(row: InboxRow, store: Store | None = None, *, whole: bool = False) -> Delivery:
    """Return what an adapter gets of a letter, with its files out of `store`.

    Of a held one a reference only, unless a person reads it (`whole`).
    """
    letter = row.letter
    attached: tuple[Attachment, ...] = ()
    if store is not None and (whole or not row.held):
        attached = tuple(
            Attachment(
                number + 1, file.name, file.media_type, file.size, file.sha256,
                partial(store.file_data, row.message_id, number),
            )
            for number, file in enumerate(files_of(letter["content"]))
        )  # fmt: skip

    def moment(name: str) -> datetime:
        return datetime.fromtimestamp(letter[name] / 1000, UTC)

    return Delivery(
        message_id=row.message_id.hex(),
        conversation=letter["conversation"],
        ref_to=letter["ref_to"],
        type=row.type,
        sender_unit=letter["sender_unit"],
        sender_party=letter["sender_party"],
        unit=row.unit,
        created=moment("created"),
        decided_at=moment("decided_at"),
        received=datetime.fromtimestamp(row.received / 1000, UTC),
        grounds=tuple(letter["grounds"]),
        obligations=tuple(letter["obligations"]),
        categories=tuple(letter["categories"]),
        decision=letter["decision"],
        content=None if row.held and not whole else letter["content"],
        attachments=attached,
    )
