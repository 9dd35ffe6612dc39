"""What the witnesses say: one checkpoint at a time is put to them, and with enough words on it, it is witnessed.

    asking = Asking(journal, origin, policy, every_ms, root_at)
    asking.next(note, size, now)                 the checkpoint to put to them, or None
    asking.hear(value, witnesses)                a party's word, as the gate passed it on
    asking.witnessed(witnesses)                  the checkpoint with its words, or None

Each word is a leaf itself, so a checkpoint is put to the witnesses at most every so many minutes, and only when there
are leaves besides their words on the one before: what they say does not keep them talking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from samband.schemas import events
from samband.schemas.errors import SambandError, TrustError
from samband.schemas.events import LogCosigned
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.directory import Directory
from samband.streams.log.checkpoint import Checkpoint, Policy, Witness, cosigners, origin_of, verify_cosignature
from samband.streams.log.journal import Journal
from samband.streams.log.note import COSIGNATURE, Line, Note
from samband.streams.log.standing import keep_word
from samband.streams.log.verify import WITNESSED
from samband.streams.root import Root

__all__ = ["ASKED", "TIMES", "WITNESSED", "Asking", "witness_name", "witnesses_of"]

log = logging.getLogger("samband.log")

TIMES: Final = "witnessed/"
"""Before a checkpoint's size in the journal: when (ms) enough witnesses stood behind it, by their clocks."""

ASKED: Final = "asked"
"""The checkpoint that the witnesses are asked to cosign."""


def witness_name(root: Root, party: str) -> str:
    """Return a party's name as a cosigner."""
    return f"{origin_of(root.realm, root.agreement)}/{party}"


def witnesses_of(root: Root, directory: Directory, now: int | None) -> list[Witness]:
    """Return whoever may cosign at `now` (ms): every good witness key of the directory.

    None: every one that was never taken back, for what was cosigned long ago.
    """
    cards = directory.cards
    return [
        Witness(witness_name(root, each.party), each.key, cards[each.party].organisation)
        for each in directory.keys.values()
        if each.card.purpose == Purpose.PARTY_WITNESS
        and isinstance(each.key, VerifyKey)
        and (each.is_good(now) if now is not None else each.revocation is None)
    ]


class Asking:
    """Puts checkpoints to the witnesses and gathers their words."""

    def __init__(
        self,
        journal: Journal,
        origin: str,
        policy: Policy,
        every_ms: int,
        root_at: Callable[[int], bytes | None],
    ) -> None:
        """Ask at most once in `every_ms`; `root_at` gives this log's root of a size, None where it is not so large."""
        self._journal = journal
        self._origin = origin
        self._policy = policy
        self._every_ms = every_ms
        self._root_at = root_at

    def next(self, note: bytes, now: int) -> bytes | None:
        """Return the checkpoint to put to the witnesses at `now` (ms), or None while the last one is good enough."""
        checkpoint = Checkpoint.parse(Note.parse(note).text)
        asked = self._journal.get(ASKED)
        before = Checkpoint.parse(Note.parse(asked).text).size if asked else 0
        new = checkpoint.size - before - self._journal.number("heard")
        if new <= 0 or (asked and now < self._journal.number("asked/at") + self._every_ms):
            return None
        with self._journal.transaction():
            self._journal.put(ASKED, note)
            self._journal.put_number("asked/at", now)
            self._journal.put_number("heard", 0)
            self._journal.unsay()
        return note

    def hear(self, value: bytes, witnesses: Sequence[Witness]) -> bool:
        """Take a witness's word, within a transaction of the journal; True where it is new and on what was asked."""
        self._journal.put_number("heard", self._journal.number("heard") + 1)
        try:
            text, line = self._line(value, witnesses)
        except SambandError as error:
            log.warning("cosignature refused", extra={"code": error.code})
            return False
        checkpoint, at = Checkpoint.parse(text), 1000 * int.from_bytes(line.signature[:8], "big")
        agrees = self._root_at(checkpoint.size) == checkpoint.root
        keep_word(self._journal, line.name, checkpoint, at, agrees=agrees)
        if not agrees:
            log.error("a witness has cosigned another log", extra={"code": "LOG_FORK", "size": checkpoint.size})
        asked = self._journal.get(ASKED)
        if not asked or Note.parse(asked).text != text or line.name in self._journal.said():
            return False
        self._journal.say(line.name, line.encode())
        return True

    def _line(self, value: bytes, witnesses: Sequence[Witness]) -> tuple[bytes, Line]:
        """Return the checkpoint's text and the signature line in a witness's word, verified."""
        body = events.decode("log.cosigned", value)
        assert isinstance(body, LogCosigned)
        witness = next((each for each in witnesses if bytes(each.key.kid) == bytes(body.kid)), None)
        if witness is None:
            raise TrustError("LOG_WITNESS", "the cosignature is by no witness that the directory names")
        text = Checkpoint(self._origin, body.size, body.root).text()
        signature = body.timestamp.to_bytes(8, "big") + body.signature
        line = Line.of(witness.name, COSIGNATURE, witness.key.public, signature)
        verify_cosignature(line, text, witness)
        return text, line

    def witnessed(self, witnesses: Sequence[Witness]) -> bytes | None:
        """Return the checkpoint with the words on it, once they are enough."""
        asked = self._journal.get(ASKED)
        if not asked:
            return None
        note = Note.parse(asked + "".join(self._journal.said().values()).encode())
        said = cosigners(note, witnesses)
        try:
            self._policy.check(said)
        except TrustError:
            return None
        name = f"{TIMES}{Checkpoint.parse(note.text).size}"
        if said and not self._journal.number(name):
            self._journal.put_number(name, 1000 * max(each.timestamp for each in said))
        return note.encode()
