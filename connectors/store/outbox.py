"""What a party said: a row per message, from draft to its end. Draft → sealed with a seq → decided → done.

A row without a draft, whose message no answer has come to, was sealed by another store of this party (`reserve_file`):
it is sent as it is, and cannot be sealed again here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from samband.connectors.store.ladder import Ladders, Step
from samband.streams.outbox import Draft, Row

__all__ = ["OutboxRow", "OutboxTable", "Undecided"]

_DRAFTS: Final = msgspec.msgpack.Decoder(Draft)
_UNANSWERED: Final = "NOT EXISTS (SELECT 1 FROM steps WHERE steps.message_id = outbox.message_id)"
_DECIDED: Final = "CASE WHEN draft IS NULL THEN 'done' ELSE 'decided' END"
"""The state of what the gate has decided: what ended already stays ended."""
_SEALED_ELSEWHERE: Final = "CASE WHEN draft IS NULL THEN message END"
"""The bytes of what cannot be sealed again here; of the rest none."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message that this party said."""

    message_id: bytes
    partition: int
    seq: int | None
    type: str
    state: str
    created: int


@dataclass(frozen=True, slots=True)
class Undecided:
    """A message that the gate has not decided: sealed, or as it was said, or both."""

    id: int
    message_id: bytes
    message: bytes | None
    draft: Draft | None


class OutboxTable(Ladders):
    """The table `outbox`."""

    def add_draft(self, draft: Draft, partition: int, *, main: bytes | None = None) -> bool:
        """Take a draft into the outbox; False where its message id is there already.

        A piece of a file goes with `main`, and is not sent before `release_parts` says so.
        """
        _, sealed = self._box.seal("outbox", draft.message_id, msgspec.msgpack.encode(draft))
        cursor = self._db.execute(
            "INSERT INTO outbox (message_id, partition, type, draft, state, created, main) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (message_id) DO NOTHING",
            (draft.message_id, partition, draft.type, sealed, "kept" if main else "new", draft.created, main),
        )
        return cursor.rowcount == 1

    def release_parts(self, main: bytes) -> None:
        """Let the pieces of a message's files go, before the message itself; in the transaction that adds it."""
        self._db.execute("UPDATE outbox SET state = 'new' WHERE main = ? AND state = 'kept'", (main,))

    def drop_parts(self, main: bytes | None, before: int = 0) -> None:
        """Forget pieces whose message was never said: one's, or with None those that were made before a time."""
        self._db.execute(
            "DELETE FROM outbox WHERE main IS NOT NULL AND state = 'kept' AND (main = ? OR created < ?)", (main, before)
        )

    def parts_said(self, main: bytes) -> list[tuple[bytes, str, bool]]:
        """Return (message id, state, whether it has ended) of the pieces that go with a message of ours, in order."""
        rows = self._db.execute(
            "SELECT message_id, state, draft IS NULL FROM outbox WHERE main = ? ORDER BY id", (main,)
        )
        return [(bytes(message_id), state, bool(ended)) for message_id, state, ended in rows]

    def parts_decided(self, main: bytes) -> tuple[int, int]:
        """Return how many of the pieces that go with a message of ours the gate has decided, and how many there are."""
        said = self.parts_said(main)
        return sum(state in ("decided", "done") for _, state, _ in said), len(said)

    def has_new(self) -> bool:
        """Say whether there is a draft, or what another store has sealed, that has no seq yet."""
        return self._db.execute("SELECT 1 FROM outbox WHERE state = 'new' LIMIT 1").fetchone() is not None

    def new_drafts(self, limit: int, most: int = 1 << 40) -> list[tuple[Draft, int]]:
        """Return the oldest drafts that have no seq yet, with their partitions; at most `most` bytes, but one."""
        rows = self._db.execute(
            "SELECT message_id, draft, partition FROM outbox WHERE state = 'new' AND draft IS NOT NULL"
            " ORDER BY id LIMIT ?",
            (limit,),
        )
        found: list[tuple[Draft, int]] = []
        for message_id, sealed, partition in rows:
            most -= len(sealed)
            if found and most < 0:
                break
            found.append((self._draft(bytes(message_id), bytes(sealed)), partition))
        rows.close()
        return found

    def add_sealed(self, message_id: bytes, partition: int, type_name: str, message: bytes, created: int) -> bool:
        """Take a message that another store of ours has sealed; False where its id is there already."""
        cursor = self._db.execute(
            "INSERT INTO outbox (message_id, partition, type, message, state, created) VALUES (?, ?, ?, ?, 'new', ?)"
            " ON CONFLICT (message_id) DO NOTHING",
            (message_id, partition, type_name, message, created),
        )
        return cursor.rowcount == 1

    def new_sealed(self, limit: int) -> list[tuple[bytes, int, bytes]]:
        """Return (id, partition, message) of what another store has sealed and has no seq here, oldest first."""
        rows = self._db.execute(
            "SELECT message_id, partition, message FROM outbox WHERE state = 'new' AND draft IS NULL"
            " AND message IS NOT NULL ORDER BY id LIMIT ?",
            (limit,),
        )
        return [(bytes(message_id), partition, bytes(message)) for message_id, partition, message in rows]

    def undecided(self, limit: int, after: int = 0) -> list[Undecided]:
        """Return what the gate has not decided, oldest first from a row on, receipts left out."""
        rows = self._db.execute(
            "SELECT id, message_id, message, draft FROM outbox WHERE state IN ('new', 'sent', 'parked')"
            f" AND type != 'receipt' AND id > ? AND {_UNANSWERED} ORDER BY id LIMIT ?",
            (after, limit),
        ).fetchall()
        return [
            Undecided(
                number, bytes(message_id), None if message is None else bytes(message),
                None if draft is None else self._draft(bytes(message_id), bytes(draft)),
            )
            for number, message_id, message, draft in rows
        ]  # fmt: skip

    def said_ids(self) -> list[bytes]:
        """Return the id of everything that was said, newest first, receipts left out."""
        rows = self._db.execute("SELECT message_id FROM outbox WHERE type != 'receipt' ORDER BY id DESC")
        return [bytes(message_id) for (message_id,) in rows]

    def draft(self, message_id: bytes) -> Draft | None:
        """Return what was said, or None where it is not ours or was cleared."""
        row = self._db.execute("SELECT draft FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
        return None if row is None or row[0] is None else self._draft(message_id, bytes(row[0]))

    def drafts(self) -> Iterator[Draft]:
        """Yield everything said that has not ended, receipts left out, one at a time."""
        rows = self._db.execute(
            "SELECT message_id, draft FROM outbox WHERE draft IS NOT NULL AND type != 'receipt' AND main IS NULL"
            " ORDER BY id"
        )
        return (self._draft(bytes(message_id), bytes(sealed)) for message_id, sealed in rows)

    def _draft(self, message_id: bytes, sealed: bytes) -> Draft:
        key = self._box.key(message_id)
        return _DRAFTS.decode(self._box.open("outbox", key, sealed)[1])

    def keep_message(self, message_id: bytes, partition: int, message: bytes, sealed: int) -> Row:
        """Give a sealed message its seq and keep its bytes."""
        seq = (self.number(f"seq/{partition}") or 0) + 1
        self.keep_number(f"seq/{partition}", seq)
        self._db.execute(
            "UPDATE outbox SET seq = ?, message = ?, sealed = ?, state = 'sent' WHERE message_id = ?",
            (seq, message, sealed, message_id),
        )
        return Row(partition, seq, message, sealed)

    def unanswered(self, limit: int = 1000) -> list[Row]:
        """Return sealed messages that the gate has not decided, in order of partition and seq."""
        return [
            Row(partition, seq, bytes(message), sealed)
            for partition, seq, message, sealed in self._db.execute(
                "SELECT partition, seq, message, sealed FROM outbox WHERE state = 'sent'"
                " ORDER BY partition, seq LIMIT ?",
                (limit,),
            )
        ]

    def unanswered_count(self) -> tuple[int, int]:
        """Return how many sealed messages the gate has not decided, and how many bytes of content they have."""
        found: tuple[int, int] = self._db.execute(
            "SELECT count(*), coalesce(sum(sealed), 0) FROM outbox WHERE state = 'sent'"
        ).fetchone()
        return found

    def seal_again(self, message_id: bytes, now: int) -> bool:
        """Let a message be sealed anew, under its own id: at once the first time, else when `release` says so.

        False where it is not ours any more, or is over.
        """
        draft = self.draft(message_id)
        if draft is None or draft.expires <= now:
            return False
        name = f"again/{message_id.hex()}"
        self.parked = True
        times = (self.number(name) or 0) + 1
        self.keep_number(name, times)
        self._db.execute(
            "UPDATE outbox SET state = ?, seq = NULL, message = NULL WHERE message_id = ?",
            ("new" if times == 1 else "parked", message_id),
        )
        return True

    def park(self, message_id: bytes) -> None:
        """Keep a draft that cannot be sealed now until `release`."""
        self.parked = True
        self._db.execute("UPDATE outbox SET state = 'parked' WHERE message_id = ?", (message_id,))

    def release(self, now: int) -> int:
        """Let what was parked be sealed again, and end what is over meanwhile; return how many there were."""
        self.parked = False
        rows = self._db.execute("SELECT message_id FROM outbox WHERE state = 'parked' ORDER BY id").fetchall()
        for (message_id,) in rows:
            draft = self.draft(bytes(message_id))
            if draft is None or draft.expires <= now:
                self.fail(bytes(message_id), now, "EXPIRED")
            else:
                self._db.execute("UPDATE outbox SET state = 'new' WHERE message_id = ?", (message_id,))
        return len(rows)

    def fail(self, message_id: bytes, at: int, code: str) -> None:
        """End a draft that cannot be sealed."""
        self._db.execute(
            "UPDATE outbox SET state = 'done', draft = NULL, message = NULL WHERE message_id = ?", (message_id,)
        )
        self.add_step(message_id, Step(at, "refusal", "refused", code, {}))

    def acknowledge(self, partition: int, seq: int) -> int:
        """The gate has decided everything up to `seq`: those bytes need not be sent again. Return how many."""
        return self._db.execute(
            f"UPDATE outbox SET state = {_DECIDED}, message = NULL WHERE state = 'sent' AND partition = ? AND seq <= ?",
            (partition, seq),
        ).rowcount

    def repeat_unanswered(self, partition: int, seq: int) -> int:
        """Put back what the gate says to have decided up to `seq` and has said no word on; return how many.

        It is said again under a new number: either the answer was lost, and the gate knows the id, or the number was
        another's, and the gate has not seen the message.
        """
        return self._db.execute(
            f"UPDATE outbox SET state = 'new', seq = NULL, message = {_SEALED_ELSEWHERE} WHERE state = 'sent'"
            f" AND partition = ? AND seq <= ? AND type != 'receipt' AND {_UNANSWERED}",
            (partition, seq),
        ).rowcount

    def begin_anew(self) -> int:
        """Take a new instance, whose numbers begin at 1, and put back all that the gate has not answered.

        Nothing counts twice, since the gate judges a message id once. Return how many are said again.
        """
        self._put("instance", secrets.token_bytes(16))
        self._db.execute("DELETE FROM meta WHERE key GLOB 'seq/*'")
        self._db.execute("DELETE FROM outbox WHERE type = 'receipt' AND state = 'decided'")
        self._db.execute(
            f"UPDATE outbox SET state = {_DECIDED}, message = NULL WHERE state = 'sent' AND draft IS NULL"
            f" AND NOT {_UNANSWERED}"
        )
        again = self._db.execute(
            f"UPDATE outbox SET state = 'new', message = {_SEALED_ELSEWHERE} WHERE state = 'sent' OR"
            f" (draft IS NOT NULL AND state = 'decided' AND type != 'receipt' AND {_UNANSWERED})"
        ).rowcount
        self._db.execute("UPDATE outbox SET seq = NULL WHERE seq IS NOT NULL")
        return again

    def answered(self, message_id: bytes, *, sent: bool = False) -> None:
        """The gate has answered it: it need not be said again. What has a number is sent until that is acknowledged.

        `sent`: the answer came with that very number.
        """
        states = ("new", "sent") if sent else ("new",)
        self._db.execute(
            f"UPDATE outbox SET state = {_DECIDED}, message = NULL WHERE message_id = ? AND state IN (?, ?)",
            (message_id, states[0], states[-1]),
        )

    def finish(self, message_id: bytes) -> None:
        """A terminal receipt came: forget what was needed to seal again.

        What has a number that is not acknowledged keeps its bytes until then, or the numbers had a hole.
        """
        self._db.execute(
            "UPDATE outbox SET draft = NULL, state = CASE state WHEN 'sent' THEN 'sent' ELSE 'done' END,"
            " message = CASE state WHEN 'sent' THEN message END WHERE message_id = ?",
            (message_id,),
        )

    def message_at(self, partition: int, seq: int) -> bytes | None:
        """Return the id of the message that has this seq and is not known to have ended."""
        for states in ("state = 'sent'", "state = 'decided' AND draft IS NOT NULL"):  # only the first has an index
            row = self._db.execute(
                f"SELECT message_id FROM outbox WHERE partition = ? AND seq = ? AND {states}", (partition, seq)
            ).fetchone()
            if row is not None:
                return bytes(row[0])
        return None

    def has_said(self, message_id: bytes) -> bool:
        """Say whether this store said a message."""
        return self._db.execute("SELECT 1 FROM outbox WHERE message_id = ?", (message_id,)).fetchone() is not None

    def undecided_since(self) -> dict[int, int]:
        """Return partition → seq of the oldest message that was sent and not decided."""
        return dict(
            self._db.execute(
                "SELECT partition, min(seq) FROM outbox WHERE state = 'sent' GROUP BY partition"
            ).fetchall()
        )

    def overdue(self, before: int) -> int:
        """Return how many messages the gate has decided that were made before a time and have not ended."""
        count: int = self._db.execute(
            "SELECT count(*) FROM outbox WHERE state = 'decided' AND type != 'receipt' AND draft IS NOT NULL"
            " AND created < ? AND main IS NULL",
            (before,),
        ).fetchone()[0]
        return count

    def open_messages(self, message_id: bytes | None = None) -> list[OutboxRow]:
        """Return what was said and has not ended, oldest first, receipts left out; of one id only where it is given."""
        one = "" if message_id is None else " AND message_id = ?"
        rows = self._db.execute(
            "SELECT message_id, partition, seq, type, state, created FROM outbox WHERE type != 'receipt'"
            f" AND draft IS NOT NULL AND main IS NULL{one} ORDER BY id",
            () if message_id is None else (message_id,),
        )
        return [OutboxRow(bytes(row[0]), *row[1:]) for row in rows]

    def drop_receipts(self, partition: int, seq: int) -> None:
        """Forget own receipts that the gate has taken: they have no ladder."""
        self._db.execute(
            "DELETE FROM outbox WHERE type = 'receipt' AND partition = ? AND seq <= ? AND state = 'decided'",
            (partition, seq),
        )

    def said(self, limit: int = 100) -> list[OutboxRow]:
        """Return what was said, newest first, receipts left out."""
        rows = self._db.execute(
            "SELECT message_id, partition, seq, type, state, created FROM outbox WHERE type != 'receipt'"
            " AND main IS NULL ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [OutboxRow(bytes(row[0]), *row[1:]) for row in rows]

    def open_count(self) -> int:
        """Return how many messages the gate has not decided yet."""
        one = "SELECT count(*) FROM outbox WHERE state = "  # two counts, since each has its own index
        count: int = self._db.execute(f"SELECT ({one} 'new') + ({one} 'sent')").fetchone()[0]
        return count

    def queues(self) -> dict[str, tuple[int, int]]:
        """Return what is not done yet by state: how many, and since when the oldest (ms; 0: none, or not known)."""
        found: dict[str, tuple[int, int]] = {}
        for state, table, began in (
            ("new", "outbox", "created"), ("sent", "outbox", "created"),
            ("waiting", "inbox", "received"), ("handing", "inbox", "received"), ("handed_over", "inbox", "0"),
        ):  # fmt: skip
            row = self._db.execute(f"SELECT count(*), min({began}) FROM {table} WHERE state = '{state}'").fetchone()
            found[state] = (row[0], row[1] or 0)
        return found
