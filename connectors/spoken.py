"""What this party itself has said about children and still counts: kept so that it can be said anew under another key.

    spoken = Spoken(party.store)
    spoken.keep(draft, child, body)             an event of ours, with its draft, in one transaction
    spoken.accepted(message_id, at)             the gate has taken it
    spoken.left(e)                              children with something to say anew under epoch `e`

One row a word in the store's table `spoken`, sealed with the party's store secret; a repetition is a row that names the
word it repeats. What others are known to have done to our words (a consent closed, a mark lifted) is kept beside them,
for the gate tells it once. Nothing another party recorded is in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from samband.schemas import events

if TYPE_CHECKING:
    from samband.connectors.store import Store
    from samband.schemas.events import EventBody
    from samband.streams.outbox import Draft

__all__ = ["KEPT", "Progress", "Spoken", "Word"]

KEPT: Final = frozenset(
    {
        "consent.given", "consent.signed", "consent.confirmed", "consent.disputed", "consent.withdrawn",
        "consent.refused", "maturity.assessed", "protection.marked", "circle.update", "circle.handover",
        "circle.accepted", "investigation.declared", "ground.motivated",
    }
)  # fmt: skip
"""Events that the gate goes on remembering; of the others nothing has to be said anew."""

_RETRY: Final = frozenset(
    {"CONSENT_UNKNOWN", "CONSENT_RECORDER", "QUOTA", "REFERENCE_EPOCH", "RULES_MISSING", "GATE_ERROR"}
)
"""Refusals that pass: another party has not recorded its consent anew yet, or the hub is not ready."""
_RETRY_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class Word:
    """One event that this party said, or that it was told of one of its consents."""

    id: int
    message_id: bytes
    child: str
    unit: str
    e: int
    first: int
    """When the gate took it first, in seconds since 1970 UTC."""
    body: EventBody


@dataclass(frozen=True, slots=True)
class Progress:
    """How far recording anew has come: words by what became of them."""

    left: int
    waiting: int
    done: int
    refused: int


class Spoken:
    """The rows of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.database

    # saying

    def keep(self, draft: Draft, child: str, body: EventBody) -> int:
        """Keep a word that is said now; return its number. Inside the caller's transaction."""
        return self._add(
            draft.message_id, child, draft.sender, draft.e, draft.ref, body, state="said", at=draft.created
        )

    def repeat(self, word: int, part: int, draft: Draft, *, together: bool = False) -> None:
        """Keep that a draft says a word anew; `together`: as one act, which counts when all of it is taken."""
        self._db.execute(
            "INSERT INTO spoken (message_id, child, ref, e, of, part, together, state, at, word)"
            " SELECT ?, child, ?, ?, id, ?, ?, 'said', ?, x'' FROM spoken WHERE id = ?",
            (draft.message_id, draft.ref, draft.e, part, together, draft.created, word),
        )

    def pass_over(self, word: int, e: int, at: int) -> None:
        """Keep that a word does not stand any more, so that it is not said under an epoch."""
        self._db.execute(
            "INSERT INTO spoken (message_id, child, ref, e, of, part, together, state, at, word)"
            " SELECT randomblob(16), child, x'', ?, id, 0, 0, 'over', ?, x'' FROM spoken WHERE id = ?",
            (e, at, word),
        )

    def _add(
        self, message_id: bytes, child: str, unit: str, e: int, ref: bytes, body: EventBody, *, state: str, at: int
    ) -> int:
        word = {"child": child, "unit": unit, "type": events.name_of(body), "body": events.encode(body).hex()}
        cursor = self._db.execute(
            "INSERT INTO spoken (message_id, child, ref, e, part, together, state, at, word)"
            " VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING",
            (message_id, self._name(child), ref, e, state, at, self._store.box.seal("spoken", message_id,
             json.dumps(word).encode())[1]),
        )  # fmt: skip
        return cursor.lastrowid or 0

    def _name(self, child: str) -> bytes:
        return self._store.box.key(f"child/{child}".encode())

    # hearing

    def accepted(self, message_id: bytes, at: int) -> None:
        """The gate has taken a word, at `at` (ms)."""
        self._db.execute(
            "UPDATE spoken SET state = 'stands', at = ? WHERE message_id = ? AND state = 'said'", (at, message_id)
        )

    def refused(self, message_id: bytes, code: str, now: int) -> None:
        """The gate has refused a word; a repetition that is recorded already is none."""
        state = "stands" if code in ("CONSENT_ID_USED", "MOTIVATION_ID_USED", "INVESTIGATION_OPEN") else "refused"
        self._db.execute(
            "UPDATE spoken SET state = CASE WHEN of IS NULL THEN 'refused' ELSE ? END, code = ?, at = ?"
            " WHERE message_id = ? AND state = 'said'",
            (state, code, now, message_id),
        )

    def child_of(self, ref: bytes) -> bytes | None:
        """Return the child, by its name in this store, that we have said something about under a reference."""
        row = self._db.execute("SELECT child FROM spoken WHERE ref = ? LIMIT 1", (ref,)).fetchone()
        return None if row is None else bytes(row[0])

    def told_closed(self, ref: bytes, entry: bytes, body: EventBody, at: int) -> bytes:
        """Keep that a consent was closed for a child of ours, as a word that is said on; return the word's id."""
        row = self._db.execute(
            "SELECT message_id, word, e FROM spoken WHERE child = (SELECT child FROM spoken WHERE ref = ? LIMIT 1)"
            " AND of IS NULL LIMIT 1", (ref,),
        ).fetchone()  # fmt: skip
        e = self._db.execute("SELECT e FROM spoken WHERE ref = ? LIMIT 1", (ref,)).fetchone()
        if row is None or e is None:
            return b""
        known = self._word(bytes(row[0]), bytes(row[1]))
        message_id = hashlib.sha256(entry).digest()[:16]
        self._add(message_id, known["child"], known["unit"], e[0], ref, body, state="stands", at=at)
        return message_id

    def say_more(self, word: Word, number: int, body: EventBody, at: int) -> bytes:
        """Keep a word that follows from another one and is to be said in every epoch; return its id."""
        message_id = hashlib.sha256(b"%d/" % number + word.message_id).digest()[:16]
        self._add(message_id, word.child, word.unit, 0, b"", body, state="stands", at=at)
        return message_id

    def words_with(self, word: Word) -> list[Word]:
        """Return the words about the same child."""
        return self.words(self._name(word.child))

    def first_of(self, ref: bytes, consent: bytes) -> int:
        """Return when the gate took a consent of ours first, in seconds; 0 where it is none."""
        child = self.child_of(ref)
        for word in self.words(child) if child else ():
            if isinstance(word.body, events.ConsentGiven) and word.body.consent_id == consent:
                return word.first
        return 0

    def told(self, ref: bytes, what: str, value: int) -> None:
        """Keep a number about a child of ours, such as when a mark of it was lifted."""
        if (child := self.child_of(ref)) is not None:
            self._store.keep_number(f"spoken/{child.hex()}/{what}", value)

    def known(self, child: str, what: str) -> int:
        """Return what `told` kept of a child; 0 where nothing was."""
        return self._store.number(f"spoken/{self._name(child).hex()}/{what}") or 0

    def try_again(self, now: int, *, at_once: bool = False) -> None:
        """Forget repetitions that were refused for what may have passed, so that they are said again."""
        marks = ",".join("?" * len(_RETRY))
        passed = self._db.execute(
            f"SELECT of, e FROM spoken WHERE of IS NOT NULL AND state = 'refused' AND code IN ({marks}) AND at <= ?",
            (*_RETRY, now if at_once else now - _RETRY_MS),
        ).fetchall()
        self._db.executemany("DELETE FROM spoken WHERE of = ? AND e = ? AND state != 'said'", passed)

    # asking

    def twins(self, message_id: bytes) -> list[tuple[bytes, str]]:
        """Return (message id, state) of what was said together with a word, under other epochs."""
        rows = self._db.execute(
            "SELECT message_id, state FROM spoken WHERE together AND of = (SELECT id FROM spoken WHERE message_id = ?)",
            (message_id,),
        )
        return [(bytes(each), state) for each, state in rows]

    def unsaid(self, e: int, limit: int) -> list[bytes]:
        """Return children, by their names here, with a word that counts and was never said under epoch `e`."""
        rows = self._db.execute(f"SELECT DISTINCT child {_UNSAID} LIMIT ?", (e, e, limit))
        return [bytes(row[0]) for row in rows]

    def words(self, child: bytes) -> list[Word]:
        """Return what was said about a child and was taken, in the order of saying."""
        return self._words("child = ?", child)

    def word(self, message_id: bytes) -> Word | None:
        """Return a word that was taken; None where it is none of ours, or a repetition."""
        return next(iter(self._words("message_id = ?", message_id)), None)

    def _words(self, which: str, value: bytes) -> list[Word]:
        rows = self._db.execute(
            f"SELECT id, message_id, e, at, word FROM spoken WHERE {which} AND of IS NULL AND state = 'stands'"
            " ORDER BY id", (value,),
        ).fetchall()  # fmt: skip
        found = []
        for number, message_id, e, at, sealed in rows:
            word = self._word(bytes(message_id), bytes(sealed))
            body = events.decode(word["type"], bytes.fromhex(word["body"]))
            first = getattr(body, "first_said", 0) or at // 1000
            found.append(Word(number, bytes(message_id), word["child"], word["unit"], e, first, body))
        return found

    def said_in(self, word: int) -> set[tuple[int, int]]:
        """Return (epoch, part) of what was said anew of a word, and of what did not have to be."""
        return {(e, part) for e, part in self._db.execute("SELECT e, part FROM spoken WHERE of = ?", (word,))}

    def progress(self, e: int) -> Progress:
        """Say how far recording anew under epoch `e` has come."""
        left = self._db.execute(f"SELECT count(*) {_UNSAID}", (e, e)).fetchone()[0]
        states = dict(
            self._db.execute(
                "SELECT state, count(*) FROM spoken WHERE of IS NOT NULL AND e = ? GROUP BY state", (e,)
            ).fetchall()
        )
        done = states.get("stands", 0) + states.get("over", 0)
        return Progress(left, states.get("said", 0), done, states.get("refused", 0))

    def _word(self, message_id: bytes, sealed: bytes) -> dict[str, Any]:
        box = self._store.box
        found: dict[str, Any] = json.loads(box.open("spoken", box.key(message_id), sealed)[1])
        return found


_UNSAID: Final = (
    "FROM spoken AS own WHERE of IS NULL AND state = 'stands' AND e < ?"
    " AND NOT EXISTS (SELECT 1 FROM spoken AS anew WHERE anew.of = own.id AND anew.e = ?)"
)
