"""Records anew, under the next child-reference key, what this party itself recorded and what still stands.

    anew = Anew(party)
    anew.tend(now)                a batch; 0 where nothing is left

The gate has no key, and so cannot bring what it knows of a child under the child's next reference: each party says its
own again, and nobody another's. It begins as soon as the next key is announced and here, before the epoch does, and
when the inbox was read to its end, so that what others have ended is known. Draft and mark of a word are one
transaction of the store: a crash anywhere is a pause, and nothing is said twice. What another party must say first is
tried again.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from samband.connectors.client import Client
from samband.connectors.spoken import Progress, Spoken
from samband.connectors.standing import Again, ends, overtaken, parts, standing
from samband.schemas import events
from samband.schemas.errors import InputError
from samband.schemas.events import CircleUpdate
from samband.streams.crypto.reference import partition_of

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["Anew"]

log = logging.getLogger("samband.connector")

_CHILDREN: Final = 50
"""Children of one batch."""
_ROOM: Final = 500
"""Most messages that may wait for the gate when a batch begins: what people say meanwhile does not wait behind it."""


class Anew:
    """One party's words under the next key."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._store = party.store
        self._spoken = Spoken(party.store)
        self._client = Client(party)

    def targets(self, now: int) -> list[int]:
        """Return the epochs under which what was said must stand at `now` (ms), oldest first."""
        epochs = self._party.directory.epochs
        current = epochs.current(now)
        return [e for e in sorted(self._party.references) if e in epochs.begins and e >= current]

    def progress(self, now: int) -> tuple[int, Progress] | None:
        """Return (epoch, how far it has come) of the newest epoch that is here; None where there was never another."""
        targets = self.targets(now)
        return (targets[-1], self._spoken.progress(targets[-1])) if targets and targets[-1] > 1 else None

    def tend(self, now: int) -> int:
        """Say a batch anew at `now` (ms); return how many words.

        Raises:
            OperatorError: the store cannot be written.
        """
        if not self._party.units or self._store.open_count() > _ROOM:
            return 0
        said = 0
        for e in self.targets(now):
            with self._store.transaction():
                self._spoken.try_again(now)
            for child in self._spoken.unsaid(e, _CHILDREN):
                with self._store.transaction():
                    said += self._child(child, e, now)
            if said:
                left = self._spoken.progress(e).left
                log.info("recorded anew under the next child-reference key", extra={"e": e, "said": said, "left": left})
        return said

    def follow(self, message_id: bytes, now: int) -> bool:
        """Say what the gate has just taken in every other epoch too, where it ends or narrows; True where it does.

        With the time at which it was taken, in the transaction in which that is learned: so what was recorded before is
        ended under each key, in whatever order it arrives there, and what is recorded later under none.
        """
        word = self._spoken.word(message_id)
        if word is None:
            return False
        more = [
            self._spoken.say_more(word, number, body, now)
            for number, body in enumerate(overtaken(word, self._spoken.words_with(word)))
        ]
        if more:
            return max(self.follow(each, now) for each in more)
        if not ends(word.body):
            return False
        said = 0
        for e in self._party.directory.epochs.live(now):
            if e == word.e or e not in self._party.references:
                continue
            for part, body in enumerate(parts(word)):
                if (e, part) not in self._spoken.said_in(word.id):
                    said += self._say(Again(word, part, body), e, now, together=True)
        return bool(said)

    def _child(self, child: bytes, e: int, now: int) -> int:
        words = self._spoken.words(child)
        if not words:
            return 0
        number = words[0].child
        again, waits = standing(words, lambda what: self._spoken.known(number, what), now // 1000)
        said = 0
        for each in again:
            if each.word.e < e and (e, each.part) not in self._spoken.said_in(each.word.id):
                said += self._say(each, e, now)
        gone = {word.id for word in words if word.e < e} - {each.word.id for each in again} - waits
        for word in gone:
            if not any(epoch == e for epoch, _ in self._spoken.said_in(word)):
                self._spoken.pass_over(word, e, now)
        return said

    def _say(self, each: Again, e: int, now: int, *, together: bool = False) -> int:
        word, moment = each.word, datetime.fromtimestamp(now / 1000, UTC)
        try:
            draft = self._client.event(each.body, child=word.child, now=moment, unit=word.unit, e=e)
        except InputError as error:  # the unit is another party's now, or the child is grown up
            log.warning("not recorded anew", extra={"code": error.code, "e": e})
            self._spoken.pass_over(word.id, e, now)
            return 0
        if isinstance(each.body, CircleUpdate):
            self._store.keep_sealed(f"circle/{draft.ref.hex()}", events.encode(each.body))
        self._store.add_draft(draft, partition_of(draft.ref, self._party.root.shards))
        self._spoken.repeat(word.id, each.part, draft, together=together)
        return 1
