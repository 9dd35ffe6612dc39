"""What comes in parts: files are gathered until their message comes, and go with it or not at all.

    gather.take(...)         a piece of a file came: kept, never handed over alone
    gather.check(...)        their message came: raises unless every file is whole and was judged as the message was
    gather.end(...)          the message ended: each of its pieces ends so too, with a receipt

The pieces are said first and the message last, in one partition and so in order: a message whose pieces are not here
when it comes lacks them for good. What comes without its message ends when its time is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from samband.connectors.attachments import check_whole, files_of
from samband.connectors.receipts import receipt_for
from samband.schemas.attachment import Part
from samband.schemas.errors import RefusedError
from samband.schemas.events import Level
from samband.schemas.media_types import kind_of, taken_by
from samband.schemas.routing import Routing
from samband.streams.crypto.reference import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow, PartRow

__all__ = ["Gather", "answer"]

_SAME: Final = ("unit", "sender_unit", "conversation", "e", "categories", "age_band")
"""What a piece's label has in common with its message's, beside child and type."""
_AT_ONCE: Final = 200
_SEALED_AGAIN: Final = ("refused", "RECIPIENT_KEY")
"""How a message stands here whose sender seals it again, its pieces first."""
_HANDED: Final = ("handed_over", "opened")


def answer(party: Party, row: InboxRow, level: Level, code: str, now: int) -> None:
    """Receipt a letter, and end what goes with it where the letter ends; within a transaction of the store."""
    draft = receipt_for(party, row.letter, row.ref, row.message_id, level, code, now)
    party.store.add_draft(draft, partition_of(row.ref, party.root.shards))
    if level is not Level.OPENED:
        Gather(party).end(row.message_id, level, code, now)


class Gather:
    """The pieces of files of one party's inbox. Every call is within a transaction of the store."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._store = party.store

    def take(self, part: Part, routing: Routing, letter: dict[str, Any], now: int) -> bool:
        """Keep a piece; True where it left a receipt, since what it goes with has ended."""
        label = {**letter, "ref": routing.ref.hex(), "type": routing.type, "parts": part.parts}
        del label["content"]
        place, number = (part.file, part.part), part.message_id
        if not self._store.add_part(number, part.main, place, part.data, label, routing.expires):
            return self._again(number, letter, now)
        main = self._store.letter(part.main)
        recalled = self._store.sealed(f"recalled/{part.main.hex()}")
        if recalled is None and (main is None or (main.state, main.code) == _SEALED_AGAIN):
            return False
        code = "RECALLED" if recalled or (main and main.state == "recalled") else "ATTACHMENT_LATE"
        self._end(self._store.part(number), Level.REFUSED, code, now)
        return True

    def _again(self, number: bytes, letter: dict[str, Any], now: int) -> bool:
        """Say again that a piece was handed over, where its sender was told that a key was lost."""
        before = self._store.part(number)
        main = self._store.letter(before.main) if before and before.ended else None
        if before is None or main is None or main.state not in _HANDED:
            return False
        if before.letter["sealed_to"] == letter["sealed_to"]:
            return False
        self._end(before, Level.HANDED_OVER, "", now)
        return True

    def refuse(self, routing: Routing, letter: dict[str, Any], level: Level, code: str, now: int) -> None:
        """Answer a piece that cannot be kept."""
        draft = receipt_for(self._party, letter, routing.ref, routing.message_id, level, code, now)
        self._store.add_draft(draft, partition_of(routing.ref, self._party.root.shards))

    def check(self, routing: Routing, letter: dict[str, Any], content: dict[str, Any], now: int) -> None:
        """Check that all that goes with a message is here, whole, and was judged as the message was.

        Pieces of another sender are none of its: they end here.

        Raises:
            RefusedError: `ATTACHMENT_MISSING`, `ATTACHMENT_MISMATCH`, `ATTACHMENT_NOT_TAKEN`.
        """
        files, here, own = files_of(content), [], {**letter, "ref": routing.ref.hex(), "type": routing.type}
        for part in self._store.parts(routing.message_id):
            if part.letter["sender_unit"] == letter["sender_unit"]:
                here.append(part)
            elif not part.ended:
                self._end(part, Level.MISMATCH, "MISMATCH_PART", now)
        wanted = {(number, part) for number, file in enumerate(files) for part in range(file.parts)}
        found = {(part.file, part.part) for part in here if not part.ended}
        if wanted - found:
            raise RefusedError("ATTACHMENT_MISSING", "a part of an attachment is not here")
        if found - wanted or any(not _same(part, own) for part in here):
            raise RefusedError("ATTACHMENT_MISMATCH", "a part of an attachment goes with another message")
        taken = taken_by(self._party.directory.unit(routing.recipient)) if files else ()
        for number, file in enumerate(files):
            if kind_of(file.name, file.media_type).name not in taken:
                raise RefusedError("ATTACHMENT_NOT_TAKEN", "the unit does not take attachments of that kind")
            check_whole(file, self._store.file_data(routing.message_id, number))

    def end(self, main: bytes, level: Level, code: str, now: int) -> bool:
        """End what goes with a message as the message ends; True where there was anything."""
        parts = [part for part in self._store.parts(main) if not part.ended]
        for part in parts:
            self._end(part, level, code, now)
        return bool(parts)

    def recall(self, message_id: bytes, now: int) -> bool:
        """Stop a piece that was recalled, or those whose message was and has not come; True where there was any."""
        part = self._store.part(message_id)
        if part is None:
            return self.end(message_id, Level.REFUSED, "RECALLED", now)
        if not part.ended:
            self._end(part, Level.REFUSED, "RECALLED", now)
        return not part.ended

    def expire(self, now: int) -> int:
        """End the pieces whose time is over and whose message never came; return how many, at most a batch."""
        late: Sequence[PartRow] = self._store.late_parts(now, _AT_ONCE)
        for part in late:
            self._end(part, Level.REFUSED, "EXPIRED", now)
        return len(late)

    def _end(self, part: PartRow | None, level: Level, code: str, now: int) -> None:
        assert part is not None
        self._store.end_part(part.message_id, erase=level is not Level.HANDED_OVER)
        ref = bytes.fromhex(part.letter["ref"])
        draft = receipt_for(self._party, part.letter, ref, part.message_id, level, code, now)
        self._store.add_draft(draft, partition_of(ref, self._party.root.shards))


def _same(part: PartRow, letter: dict[str, Any]) -> bool:
    """Say whether a piece's label is its message's, so that both were judged alike."""
    return all(part.letter[name] == letter[name] for name in (*_SAME, "ref", "type"))
