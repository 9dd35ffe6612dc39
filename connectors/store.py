"""A connector's durable memory: what it said, what it was told, what it handed over. SQLite, one file per party.

    outbox   a row per message said: draft (sealed with the store secret), then MESSAGE bytes and seq, until it ended
    inbox    a row per message permitted to us: waiting → handing → handed_over → opened | refused | recalled; its
             content goes by disposal decision, some time after it ended
    steps    what the gate and the recipients have said about a message, in order: its ladder
    meta     instance, next inbox offset, last seq per partition, last box number per gate partition

Every change that belongs together is one transaction, so a crash leaves either all of it or nothing. Journal in WAL
mode with full synchronisation: what was accepted survives power loss. Drafts and contents are sealed with a secret that
is not in this file, and what is erased is overwritten. Times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec

from samband.schemas.errors import InputError, OperatorError
from samband.streams.crypto.hub import HubStore
from samband.streams.database import transaction
from samband.streams.outbox import Draft, Row

__all__ = ["InboxRow", "OutboxRow", "Step", "Store"]

_VERSION: Final = 4
_PATIENCE_S: Final = 10
"""How long another process's write is waited for."""
_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    partition INTEGER NOT NULL,
    seq INTEGER,
    type TEXT NOT NULL,
    draft BLOB,
    message BLOB,
    sealed INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX outbox_new ON outbox (id) WHERE state = 'new';
CREATE INDEX outbox_sent ON outbox (partition, seq) WHERE state = 'sent';
CREATE INDEX outbox_receipts ON outbox (partition, seq) WHERE type = 'receipt' AND state = 'decided';
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    "offset" INTEGER NOT NULL,
    ref BLOB NOT NULL,
    unit TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    held INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL,
    letter BLOB NOT NULL,
    received INTEGER NOT NULL,
    changed INTEGER NOT NULL
);
CREATE INDEX inbox_waiting ON inbox (unit, id) WHERE state IN ('waiting', 'handing');
CREATE INDEX inbox_unacknowledged ON inbox (unit, id) WHERE state = 'handed_over';
CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX steps_message ON steps (message_id);
"""
_ENDED: Final = "state IN ('handed_over', 'opened', 'refused', 'recalled')"
_SINCE_1: Final = f"""
ALTER TABLE inbox ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_kept ON inbox (changed) WHERE erased = 0 AND {_ENDED};
"""
"""What version 2 adds: when the content of a letter was erased by a disposal decision."""
_SINCE_2: Final = """
CREATE INDEX outbox_open ON outbox (created) WHERE state = 'decided' AND type != 'receipt' AND draft IS NOT NULL;
UPDATE outbox SET state = 'done', draft = NULL WHERE state = 'decided' AND message_id IN
    (SELECT message_id FROM steps WHERE kind = 'decision' AND json_extract(detail, '$.ask'));
"""
"""What version 3 adds: finding what was permitted and is not handed over; a question that was answered is none."""
_SINCE_3: Final = """
CREATE TABLE spoken (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    child BLOB NOT NULL,
    ref BLOB NOT NULL,
    e INTEGER NOT NULL,
    of INTEGER,
    part INTEGER NOT NULL,
    together INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    at INTEGER NOT NULL,
    word BLOB NOT NULL
);
CREATE INDEX spoken_child ON spoken (child, id) WHERE of IS NULL;
CREATE INDEX spoken_ref ON spoken (ref);
CREATE INDEX spoken_of ON spoken (of, e) WHERE of IS NOT NULL;
"""
"""What version 4 adds: what this party recorded about children, to record it anew under another key (`spoken`)."""
_UNANSWERED: Final = "NOT EXISTS (SELECT 1 FROM steps WHERE steps.message_id = outbox.message_id)"
_DECIDED: Final = "CASE WHEN draft IS NULL THEN 'done' ELSE 'decided' END"
"""The state of what the gate has decided: what ended already stays ended."""
_NO_COPY: Final = "consent.part"
"""The letters that are kept with the consents, not as transport."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was said about a message."""

    at: int
    kind: str
    outcome: str
    code: str
    detail: dict[str, Any]


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
class InboxRow:
    """A message that was permitted to a unit of this party."""

    id: int
    message_id: bytes
    ref: bytes
    unit: str
    type: str
    state: str
    code: str
    held: bool
    expires: int
    letter: dict[str, Any]
    received: int
    changed: int
    erased: int
    """When the content was erased by a disposal decision; 0 while it is kept."""


class Store:
    """The store of one party. One connector writes; the command line may open it at the same time."""

    def __init__(self, path: Path, secret: bytes) -> None:
        """Open or make the store.

        Raises:
            OperatorError: it cannot be opened, or is of another version.
        """
        self.secret = secret
        """The party's own 32 bytes: they seal this store, and salt what the party commits to."""
        self.parked = True
        """Whether something may wait for `release`."""
        self._box = HubStore(secret)
        self._drafts = msgspec.msgpack.Decoder(Draft)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_S, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            with self.transaction():
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    self._run(_SCHEMA)
                    self._put("instance", secrets.token_bytes(16))
                if version in (0, 1):
                    self._run(_SINCE_1)
                if version in (0, 1, 2):
                    self._run(_SINCE_2)
                if version in (0, 1, 2, 3):
                    self._run(_SINCE_3)
                    self._db.execute(f"PRAGMA user_version = {_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise OperatorError("STORE_OPEN", f"the store `{path}` cannot be opened: {error}") from error
        if version not in (0, 1, 2, 3, _VERSION):
            raise OperatorError("STORE_VERSION", f"the store `{path}` is of version {version}, not {_VERSION}")

    def _run(self, statements: str) -> None:
        for statement in filter(str.strip, statements.split(";")):
            self._db.execute(statement)

    def transaction(self) -> AbstractContextManager[None]:
        """Do everything inside or nothing.

        Raises:
            OperatorError: the disk is full or broken; nothing of it is kept.
        """
        return transaction(self._db, "STORE_WRITE", "the store")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Do everything inside or nothing, within a transaction that goes on either way."""
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO attempt")
            raise
        finally:
            if self._db.in_transaction:
                self._db.execute("RELEASE attempt")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # meta

    def _get(self, key: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def _put(self, key: str, value: bytes) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )

    def number(self, key: str) -> int | None:
        """Return a kept number."""
        value = self._get(key)
        return None if value is None else int.from_bytes(value, "big")

    def keep_number(self, key: str, value: int) -> None:
        """Keep a number; inside a transaction of the caller's."""
        self._put(key, value.to_bytes(8, "big"))

    def numbers(self, prefix: str) -> dict[str, int]:
        """Return the kept numbers whose names begin so; `prefix` ends in a slash."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE key > ? AND key < ?", (prefix, prefix[:-1] + "0"))
        return {key: int.from_bytes(value, "big") for key, value in rows}

    def forget(self, key: str) -> None:
        """Forget a kept number or bytes; inside a transaction of the caller's."""
        self._db.execute("DELETE FROM meta WHERE key = ?", (key,))

    def kept(self, key: str) -> bytes | None:
        """Return kept bytes."""
        return self._get(key)

    def keep(self, key: str, value: bytes) -> None:
        """Keep bytes that say nothing about anybody; inside a transaction of the caller's."""
        self._put(key, value)

    def keep_sealed(self, name: str, plain: bytes) -> None:
        """Keep bytes under a name that says nothing outside this store."""
        key, value = self._box.seal("known", name.encode(), plain)
        self._put(f"known/{key.hex()}", value)

    def sealed(self, name: str) -> bytes | None:
        """Return the bytes that were kept under a name."""
        key = self._box.key(name.encode())
        value = self._get(f"known/{key.hex()}")
        return None if value is None else self._box.open("known", key, value)[1]

    @property
    def database(self) -> sqlite3.Connection:
        """The file itself, for a module that has a table of its own in it."""
        return self._db

    @property
    def box(self) -> HubStore:
        """What seals with the store's secret."""
        return self._box

    @property
    def instance(self) -> bytes:
        """This store's 16 bytes: the sequence numbers belong to it."""
        value = self._get("instance")
        assert value is not None
        return value

    @property
    def data_version(self) -> int:
        """A number that changes when another process has written."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version

    # outbox

    def add_draft(self, draft: Draft, partition: int) -> bool:
        """Take a draft into the outbox; False where its message id is there already."""
        _, sealed = self._box.seal("outbox", draft.message_id, msgspec.msgpack.encode(draft))
        cursor = self._db.execute(
            "INSERT INTO outbox (message_id, partition, type, draft, state, created) VALUES (?, ?, ?, ?, 'new', ?)"
            " ON CONFLICT (message_id) DO NOTHING",
            (draft.message_id, partition, draft.type, sealed, draft.created),
        )
        return cursor.rowcount == 1

    def new_drafts(self, limit: int) -> list[tuple[Draft, int]]:
        """Return the oldest drafts that have no seq yet, with their partitions."""
        rows = self._db.execute(
            "SELECT message_id, draft, partition FROM outbox WHERE state = 'new' ORDER BY id LIMIT ?", (limit,)
        ).fetchall()
        return [(self._draft(bytes(message_id), bytes(sealed)), partition) for message_id, sealed, partition in rows]

    def draft(self, message_id: bytes) -> Draft | None:
        """Return what was said, or None where it is not ours or was cleared."""
        row = self._db.execute("SELECT draft FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
        return None if row is None or row[0] is None else self._draft(message_id, bytes(row[0]))

    def drafts(self) -> Iterator[Draft]:
        """Yield everything said that has not ended, receipts left out, one at a time."""
        rows = self._db.execute(
            "SELECT message_id, draft FROM outbox WHERE draft IS NOT NULL AND type != 'receipt' ORDER BY id"
        )
        return (self._draft(bytes(message_id), bytes(sealed)) for message_id, sealed in rows)

    def _draft(self, message_id: bytes, sealed: bytes) -> Draft:
        key = self._box.key(message_id)
        return self._drafts.decode(self._box.open("outbox", key, sealed)[1])

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

    def unanswered_count(self) -> int:
        """Return how many sealed messages the gate has not decided."""
        count: int = self._db.execute("SELECT count(*) FROM outbox WHERE state = 'sent'").fetchone()[0]
        return count

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
            "UPDATE outbox SET state = 'new', seq = NULL, message = NULL WHERE state = 'sent' AND partition = ?"
            f" AND seq <= ? AND type != 'receipt' AND draft IS NOT NULL AND {_UNANSWERED}",
            (partition, seq),
        ).rowcount

    def begin_anew(self) -> int:
        """Take a new instance, whose numbers begin at 1, and put back all that the gate has not answered.

        Nothing counts twice, since the gate judges a message id once. Return how many are said again.
        """
        self._put("instance", secrets.token_bytes(16))
        self._db.execute("DELETE FROM meta WHERE key GLOB 'seq/*'")
        self._db.execute("DELETE FROM outbox WHERE type = 'receipt' AND state = 'decided'")
        self._db.execute(f"UPDATE outbox SET state = {_DECIDED}, message = NULL WHERE state = 'sent' AND draft IS NULL")
        again = self._db.execute(
            "UPDATE outbox SET state = 'new', message = NULL WHERE draft IS NOT NULL AND (state = 'sent' OR"
            f" (state = 'decided' AND type != 'receipt' AND {_UNANSWERED}))"
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
            " AND created < ?",
            (before,),
        ).fetchone()[0]
        return count

    def open_messages(self) -> list[OutboxRow]:
        """Return what was said and has not ended, oldest first, receipts left out."""
        rows = self._db.execute(
            "SELECT message_id, partition, seq, type, state, created FROM outbox WHERE type != 'receipt'"
            " AND draft IS NOT NULL ORDER BY id"
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
            " ORDER BY id DESC LIMIT ?",
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

    # steps

    def add_step(self, message_id: bytes, step: Step) -> None:
        """Add to a message's ladder."""
        self._db.execute(
            "INSERT INTO steps (message_id, at, kind, outcome, code, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (message_id, step.at, step.kind, step.outcome, step.code, json.dumps(step.detail)),
        )

    def steps(self, message_id: bytes) -> list[Step]:
        """Return a message's ladder."""
        rows = self._db.execute(
            "SELECT at, kind, outcome, code, detail FROM steps WHERE message_id = ? ORDER BY id", (message_id,)
        )
        return [Step(at, kind, outcome, code, json.loads(detail)) for at, kind, outcome, code, detail in rows]

    def ladders(self) -> Iterator[tuple[bytes, list[Step]]]:
        """Yield every ladder with its message id, one at a time, in no order that says anything."""
        rows = self._db.execute("SELECT message_id, at, kind, outcome, code, detail FROM steps ORDER BY message_id, id")
        for message_id, steps in groupby(rows, key=lambda row: bytes(row[0])):
            yield (
                message_id,
                [Step(at, kind, outcome, code, json.loads(detail)) for _, at, kind, outcome, code, detail in steps],
            )

    # users

    def remember_role(self, user: str, role: str) -> None:
        """Keep that a user has acted in a role, so that what they said can be found by their id alone."""
        if role in self.roles_of(user):
            return
        with nullcontext() if self._db.in_transaction else self.transaction():
            self.keep_sealed(f"roles/{user}", json.dumps([*self.roles_of(user), role]).encode())

    def roles_of(self, user: str) -> list[str]:
        """Return the roles that a user has acted in."""
        roles: list[str] = json.loads(self.sealed(f"roles/{user}") or b"[]")
        return roles

    # inbox

    def add_letter(
        self,
        message_id: bytes,
        *,
        offset: int,
        ref: bytes,
        unit: str,
        type: str,  # noqa: A002  the catalogue's word
        expires: int,
        held: bool,
        letter: dict[str, Any],
        now: int,
        state: str = "waiting",
        code: str = "",
    ) -> bool:
        """Take a verified message into the inbox; False where its id is there already."""
        # What could not be opened for want of a key comes again, sealed to another.
        self._db.execute(
            "DELETE FROM inbox WHERE message_id = ? AND state = 'refused' AND code = 'RECIPIENT_KEY'", (message_id,)
        )
        _, sealed = self._box.seal("inbox", message_id, json.dumps(letter).encode())
        cursor = self._db.execute(
            'INSERT INTO inbox (message_id, "offset", ref, unit, type, state, code, held, expires, letter, received,'
            " changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING",
            (message_id, offset, ref, unit, type, state, code, held, expires, sealed, now, now),
        )
        return cursor.rowcount == 1

    def waiting(self, unit: str, before_offset: int, limit: int) -> list[InboxRow]:
        """Return for each child its oldest message that is not handed over: one a child, so that order is kept.

        A message whose hand-over had begun comes whatever its offset: after a crash it is handed over again.
        """
        rows = self._db.execute(
            f"SELECT {_INBOX} FROM inbox WHERE state IN ('waiting', 'handing') AND unit = ?"
            " AND (\"offset\" < ? OR state = 'handing') ORDER BY id LIMIT ?",
            (unit, before_offset, 20 * limit),
        )
        seen: set[bytes] = set()
        found: list[InboxRow] = []
        for row in rows:
            if bytes(row[2]) not in seen and len(found) < limit:
                seen.add(bytes(row[2]))
                found.append(self._inbox_row(row))
        return found

    def letter(self, message_id: bytes) -> InboxRow | None:
        """Return a message of the inbox."""
        row = self._db.execute(f"SELECT {_INBOX} FROM inbox WHERE message_id = ?", (message_id,)).fetchone()
        return None if row is None else self._inbox_row(row)

    def offset_of(self, message_id: bytes) -> int:
        """Return the inbox offset that a letter came from.

        Raises:
            InputError: no such letter.
        """
        row = self._db.execute('SELECT "offset" FROM inbox WHERE message_id = ?', (message_id,)).fetchone()
        if row is None:
            raise InputError("MESSAGE_UNKNOWN", "this party has no such message")
        offset: int = row[0]
        return offset

    def letters(self, state: str = "", limit: int = 100) -> list[InboxRow]:
        """Return messages of the inbox, newest first."""
        rows = self._db.execute(
            f"SELECT {_INBOX} FROM inbox WHERE ? IN ('', state) ORDER BY id DESC LIMIT ?", (state, limit)
        )
        return [self._inbox_row(row) for row in rows]

    def letters_of(self, type_name: str, limit: int = 1000) -> list[InboxRow]:
        """Return the inbox's messages of one type, newest first."""
        rows = self._db.execute(
            f"SELECT {_INBOX} FROM inbox WHERE type = ? ORDER BY id DESC LIMIT ?", (type_name, limit)
        )
        return [self._inbox_row(row) for row in rows]

    def every_letter(self) -> Iterator[InboxRow]:
        """Yield every message of the inbox, one at a time, oldest first."""
        return map(self._inbox_row, self._db.execute(f"SELECT {_INBOX} FROM inbox ORDER BY id"))

    def letters_about(self, *refs: bytes) -> list[InboxRow]:
        """Return the messages about one child, under whichever of its references, oldest first."""
        marks = ",".join("?" * len(refs))
        rows = self._db.execute(f"SELECT {_INBOX} FROM inbox WHERE ref IN ({marks}) ORDER BY id", refs)
        return [self._inbox_row(row) for row in rows]

    def forget_offsets(self) -> None:
        """The inbox is another one: what has come and is not handed over is before all that is read there."""
        self._db.execute("UPDATE inbox SET \"offset\" = -1 WHERE state IN ('waiting', 'handing')")

    def mark_letter(self, message_id: bytes, state: str, now: int, *, code: str = "", only: Sequence[str] = ()) -> bool:
        """Change a message's state; False where it is not in one of `only`."""
        marks = ",".join("?" * len(only))
        where = f" AND state IN ({marks})" if only else ""
        cursor = self._db.execute(
            f"UPDATE inbox SET state = ?, code = ?, changed = ? WHERE message_id = ?{where}",
            (state, code, now, message_id, *only),
        )
        return cursor.rowcount == 1

    def recall_letter(self, message_id: bytes, now: int, code: str) -> bool:
        """Stop a message that is not handed over; True where that is done now.

        Of one whose hand-over goes on, the code is kept: it ends as recalled if the far side does not take it.
        """
        if self.mark_letter(message_id, "recalled", now, code=code, only=("waiting",)):
            return True
        self.mark_letter(message_id, "handing", now, code=code, only=("handing",))
        return False

    # erasure

    def erasable(self, before: int, limit: int) -> list[tuple[bytes, str]]:
        """Return (message id, unit) of letters that ended before a time and whose content is still here, oldest first.

        A held letter was handed over as a reference only: until somebody has read it here, this is the one copy. A part
        of a consent is no copy: the connector itself reads it when the discloser confirms.
        """
        rows = self._db.execute(
            f"SELECT message_id, unit FROM inbox WHERE erased = 0 AND {_ENDED} AND changed <= :before AND type != :kept"
            " AND (held = 0 OR state IN ('refused', 'recalled') OR EXISTS (SELECT 1 FROM steps"
            " WHERE steps.message_id = inbox.message_id AND kind = 'view' AND at <= :before))"
            " ORDER BY changed LIMIT :limit",
            {"before": before, "limit": limit, "kept": _NO_COPY},
        )
        return [(bytes(message_id), unit) for message_id, unit in rows]

    def erase_letter(self, message_id: bytes, now: int, decision: str) -> None:
        """Erase a letter's content for good; that it came, and by which decision it is gone, stays."""
        row = self.letter(message_id)
        if row is None or row.erased:
            return
        kept = {**row.letter, "content": None, "disposal": decision}
        sealed = self._box.seal("inbox", message_id, json.dumps(kept).encode())[1]
        self._db.execute("UPDATE inbox SET letter = ?, erased = ? WHERE message_id = ?", (sealed, now, message_id))

    def scrub(self) -> None:
        """Write the journal back and cut it, so that nothing erased lies in it; with a reader in the way, not now."""
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {1000 * _PATIENCE_S}")

    def holdings(self) -> dict[str, tuple[int, int | None]]:
        """Return (how many, since when the oldest) of what is kept, by category of the retention table."""
        counts = {
            "transport.letter": f"SELECT count(*), min(changed) FROM inbox WHERE erased = 0 AND {_ENDED}"
            f" AND type != '{_NO_COPY}'",
            "transport.waiting": f"SELECT count(*), min(changed) FROM inbox WHERE erased = 0 AND NOT {_ENDED}",
            "transport.draft": "SELECT count(*), min(created) FROM outbox WHERE draft IS NOT NULL",
            "log.ladder": "SELECT count(*), min(at) FROM steps WHERE kind != 'view'",
            "log.view": "SELECT count(*), min(at) FROM steps WHERE kind = 'view'",
        }
        return {name: self._db.execute(query).fetchone() for name, query in counts.items()}

    def unacknowledged(self, unit: str) -> set[bytes]:
        """Return the ids of a unit's messages that were handed over and not acknowledged."""
        rows = self._db.execute("SELECT message_id FROM inbox WHERE state = 'handed_over' AND unit = ?", (unit,))
        return {bytes(row[0]) for row in rows}

    def _inbox_row(self, row: Sequence[Any]) -> InboxRow:
        number, message_id, ref, unit, kind, state, code, held, expires, letter, received, changed, erased = row
        opened = self._box.open("inbox", self._box.key(bytes(message_id)), bytes(letter))[1]
        return InboxRow(
            number, bytes(message_id), bytes(ref), unit, kind, state, code, bool(held), expires, json.loads(opened),
            received, changed, erased,
        )  # fmt: skip


_INBOX: Final = "id, message_id, ref, unit, type, state, code, held, expires, letter, received, changed, erased"
