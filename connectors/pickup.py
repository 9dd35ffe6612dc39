"""Letters that wait for the party's own system to fetch them: the hand-over of an adapter of kind `rest`.

    pickup.announce(now)                 what may be handed over now gets its number in the stream of events
    pickup.take(message_id, now)         the content goes out; a recall that comes now is told at the next look
    pickup.acknowledge(message_id, …)    the far side durably has it: handed over, with its receipt, in one transaction

**Promise 5: exactly once by id.** A letter may be taken as often as the far side likes until it says that it has it;
the acknowledgement may be repeated and counts once. A far side that remembers ids has each message once.

Nothing is offered before the inbox was read to the end that it had when the letter came, and what waits for the log
waits here too. What nobody fetches in its time, or nobody acknowledges, ends as refused, `EXPIRED`: nothing goes quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from samband.connectors.gather import answer
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.events import Level

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow

__all__ = ["Pickup"]

_TABLE: Final = """CREATE TABLE IF NOT EXISTS announced
    (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id BLOB NOT NULL UNIQUE)"""
_OPEN: Final = ("waiting", "handing")
_HAD: Final = ("handed_over", "opened")
_BATCH: Final = 500


class Pickup:
    """The letters of the units that fetch for themselves."""

    def __init__(
        self,
        party: Party,
        known_before: Callable[[], int],
        is_logged: Callable[[InboxRow], bool],
        wake: Callable[[], None],
    ) -> None:
        """Offer letters of a party.

        Args:
            party: whose letters.
            known_before: the inbox offset below which every recall is known.
            is_logged: whether the permit of a letter is in a witnessed checkpoint.
            wake: called when there is a receipt to send.
        """
        self._party = party
        self._store = party.store
        self._known_before = known_before
        self._is_logged = is_logged
        self._wake = wake
        self.units = frozenset(each.unit for each in party.settings.adapter if each.kind == "rest")
        self._logged = frozenset(each.type for each in party.settings.handover if each.when == "logged")
        if self.units:
            party.store.database.execute(_TABLE)

    def announce(self, now: int) -> None:
        """Number what may be fetched from now on, and end what came too late; `now` in ms."""
        if not self.units:
            return
        marks = ",".join("?" * len(self.units))
        rows = self._store.database.execute(
            f"SELECT message_id FROM inbox WHERE state IN ('waiting', 'handing') AND unit IN ({marks})"
            " AND (expires <= ? OR state = 'waiting' AND \"offset\" < ?"
            " AND message_id NOT IN (SELECT message_id FROM announced)) ORDER BY id LIMIT ?",
            (*sorted(self.units), now, self._known_before(), _BATCH),
        ).fetchall()
        letters = [letter for (each,) in rows if (letter := self._store.letter(bytes(each))) is not None]
        late = [letter for letter in letters if letter.expires <= now]
        new = [letter for letter in letters if letter.expires > now and self._may(letter)]
        if not late and not new:
            return
        with self._store.transaction():
            for letter in new:
                self._store.database.execute(
                    "INSERT INTO announced (message_id) VALUES (?) ON CONFLICT DO NOTHING", (letter.message_id,)
                )
            for letter in late:
                self._end(letter, now)
        if late:
            self._wake()

    def announced(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return (number, message id) of what was announced after a number, oldest first."""
        if not self.units:
            return []
        rows = self._store.database.execute(
            "SELECT id, message_id FROM announced WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [(number, bytes(message_id)) for number, message_id in rows]

    def last(self) -> int:
        """Return the highest number that was announced; 0 where there is none."""
        if not self.units:
            return 0
        number: int = self._store.database.execute("SELECT coalesce(max(id), 0) FROM announced").fetchone()[0]
        return number

    def open_after(self, after: int, limit: int, unit: str = "") -> list[tuple[int, bytes]]:
        """Return (place, message id) of announced letters that nobody has acknowledged, oldest first."""
        if not self.units:
            return []
        units = [unit] if unit else sorted(self.units)  # by unit, since the index of what waits begins with it
        marks = ",".join("?" * len(units))
        rows = self._store.database.execute(
            "SELECT inbox.id, message_id FROM inbox JOIN announced USING (message_id)"
            f" WHERE state IN ('waiting', 'handing') AND unit IN ({marks}) AND inbox.id > ? ORDER BY inbox.id LIMIT ?",
            (*units, after, limit),
        )
        return [(place, bytes(message_id)) for place, message_id in rows]

    def take(self, row: InboxRow, now: int) -> InboxRow:
        """Return a letter whose content goes out now, or went before.

        Raises:
            RefusedError: it cannot be had: `MESSAGE_RECALLED`, `MESSAGE_REFUSED`, `MESSAGE_ERASED`, or
                `MESSAGE_NOT_READY`, which passes.
        """
        if row.erased or row.state == "misdirected":
            raise RefusedError("MESSAGE_ERASED", "the content was erased here")
        if row.state in _HAD:
            return row
        if row.state == "handing" and row.code and row.unit in self.units:
            with self._store.transaction():
                self._end(row, now)
            self._wake()
            raise RefusedError("MESSAGE_RECALLED", "the message was recalled by its sender")
        if row.state == "recalled":
            raise RefusedError("MESSAGE_RECALLED", "the message was recalled by its sender")
        if row.state not in _OPEN:
            raise RefusedError("MESSAGE_REFUSED", "the message was refused and is not handed over")
        if row.unit not in self.units:
            raise RefusedError("MESSAGE_ELSEWHERE", "another adapter hands this unit's messages over")
        if row.state == "waiting":
            self._begin(row, now)
        return row

    def acknowledge(self, row: InboxRow, now: int, *, opened: bool = False) -> str:
        """Record that the far side durably has a letter, or also that a person there has opened it; return its state.

        Raises:
            InputError: it was never fetched (`MESSAGE_NOT_FETCHED`).
            RefusedError: as `take`.
        """
        if row.state == "waiting" and row.unit in self.units:
            raise InputError("MESSAGE_NOT_FETCHED", "the message was not fetched yet")
        if row.state not in ("handing", *_HAD):
            self.take(row, now)
        state = row.state
        with self._store.transaction():
            if state == "handing" and row.unit in self.units:
                self._store.mark_letter(row.message_id, "handed_over", now, only=("handing",))
                self._receipt(row, Level.HANDED_OVER, "", now)
                state = "handed_over"
            if opened and self._store.mark_letter(row.message_id, "opened", now, only=("handed_over",)):
                self._receipt(row, Level.OPENED, "", now)
                state = "opened"
        self._wake()
        return state

    def _begin(self, row: InboxRow, now: int) -> None:
        if self._store.offset_of(row.message_id) >= self._known_before() or not self._may(row):
            raise RefusedError(
                "MESSAGE_NOT_READY", "the message is not ready to be handed over yet", "try again", retriable=True
            )
        with self._store.transaction():
            if late := row.expires <= now:
                self._end(row, now)
            else:
                self._store.mark_letter(row.message_id, "handing", now, only=("waiting",))
        if late:
            self._wake()
            raise RefusedError("MESSAGE_REFUSED", "the message was refused and is not handed over")

    def _end(self, row: InboxRow, now: int) -> None:
        """End what is not had: recalled after it was fetched, else its time is over."""
        state, code = ("recalled", row.code) if row.state == "handing" and row.code else ("refused", "EXPIRED")
        self._store.mark_letter(row.message_id, state, now, code=code, only=_OPEN)
        self._receipt(row, Level.REFUSED, "RECALLED" if state == "recalled" else code, now)

    def _may(self, row: InboxRow) -> bool:
        return row.type not in self._logged or self._is_logged(row)

    def _receipt(self, row: InboxRow, level: Level, code: str, now: int) -> None:
        answer(self._party, row, level, code, now)
