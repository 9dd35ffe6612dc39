"""A party as witness of the log: mirrors every entry, ticks off its own, cosigns only what continues what it saw.

    witness = Witness(party)
    witness.take(offset, name, value, now)        a record of `samband.log.v1`
    witness.caught_up(now)                        everything that is there was taken: cosign, tick off, complain

What was cosigned is on the disk before the cosignature leaves. Where another copy of this store has cosigned more than
this one knows, it was rolled back: it cosigns no more with that key. Every entry that the gate stamped for us, sent or
received, is due in the log within ten minutes. What the gate's heads name of the log must be the mirror's beginning.
What it has of the log is `mirror`'s.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.client import Client
from samband.connectors.mirror import Mirror
from samband.connectors.watch import NAMED, episode
from samband.schemas.errors import OperatorError, SambandError, TrustError
from samband.schemas.events import CardBytes, Digest, LogCosigned
from samband.schemas.identifiers import without_number
from samband.streams.crypto.keys import Kid, Purpose, VerifyKey
from samband.streams.crypto.reference import partition_of
from samband.streams.directory import HUB
from samband.streams.log.checkpoint import Checkpoint, Policy, cosign, cosigners, opened, origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.note import Note
from samband.streams.log.tiles import CHECKPOINT, split
from samband.streams.log.witnessed import ASKED, WITNESSED, witness_name, witnesses_of

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import Store
    from samband.streams.inbox import Received

__all__ = ["FORK", "LATE_MS", "ROLLED_BACK", "TICK_OFF", "WITHHELD", "Witness", "due", "witnessed_before"]

log = logging.getLogger("samband.connector")

LATE_MS: Final = 10 * 60_000
"""How long an entry may take into a checkpoint; it takes seconds."""
COSIGN_MS: Final = 10_000
"""Shortest time between two words of ours: the log asks far more seldom."""
FORK: Final = "log_fork"
ROLLED_BACK: Final = "log_witness"
TICK_OFF: Final = "log_late"
WITHHELD: Final = "log_withheld"
_DUE: Final = "due/"
_ENTRIES: Final = "entries/"
_TIMES: Final = "witnessed/"
"""Before a checkpoint's size: when witnesses stood behind it, for the day on which a key turns out to be stolen."""


def due(store: Store, received: Received, now: int) -> None:
    """Remember the entries of what was received, for the log to have; inside a transaction of the caller's."""
    if received.stamp is not None:
        for entry in (received.entry, *(entry for _, entry in received.more)):
            store.keep_number(_DUE + entry.hex(), now)


def witnessed_before(store: Store, at: int) -> int:
    """Return the size of the largest checkpoint that enough witnesses had cosigned before `at` (ms)."""
    times = store.numbers(_TIMES).items()
    return max((int(name.removeprefix(_TIMES)) for name, when in times if when < at), default=0)


class Witness(Mirror):
    """One party's view of the log."""

    def __init__(self, party: Party) -> None:
        """Open the party's mirror.

        Raises:
            OperatorError: it cannot be read, or is altered.
        """
        self._party, self._store = party, party.store
        self.origin = origin_of(party.root.realm, party.root.agreement)
        self._waiting: dict[str, bytes] = {}
        """Checkpoints that are asked for or witnessed, and larger than what is here yet."""
        self._times: dict[int, int] = {}
        """Size → when (ms) enough witnesses stood behind it, not in the store yet."""
        super().__init__(LogFolder(party.folder / "log"))

    # what comes

    def take_all(self, records: Iterable[tuple[int, str, bytes]], now: int) -> None:
        """Take records in order; in another thread than the store's."""
        for offset, name, value in records:
            self.take(offset, name, value, now)

    def take(self, offset: int, name: str, value: bytes, now: int) -> None:
        """Take a record of the log's topic; one that does not hold changes nothing but an alarm.

        Raises:
            OperatorError: the mirror cannot be written.
        """
        try:
            if name.startswith(_ENTRIES):
                self._bundles[int(name.removeprefix(_ENTRIES))] = split(value)
            elif name in (CHECKPOINT, ASKED, WITNESSED):
                self._checkpoint(offset, name, value, now)
        except OperatorError:
            raise
        except (SambandError, ValueError) as error:
            code = error.code if isinstance(error, SambandError) else type(error).__name__
            log.warning("log record refused", extra={"code": code, "offset": offset})

    def _open(self, value: bytes) -> tuple[Checkpoint, Note]:
        keys = [each.key for each in self._party.directory.keys.values()
                if (each.party, each.card.purpose) == (HUB, Purpose.LOG) and isinstance(each.key, VerifyKey)
                and each.revocation is None]  # fmt: skip
        return opened(value, keys, self.origin)

    def _checkpoint(self, offset: int, name: str, value: bytes, now: int) -> None:
        checkpoint, _ = self._open(value)
        if name == CHECKPOINT:
            if self._extend(checkpoint, value, now):
                self._state["offset"] = max(self.offset, offset + 1)
                self._keep()
                waiting, self._waiting = self._waiting, {}
                for each, held in waiting.items():
                    self._checkpoint(offset, each, held, now)
            return
        if checkpoint.size > self.size:
            self._waiting[name] = value
        elif not self._fits(checkpoint):
            self._fork(value, name, now)
        elif name == ASKED:
            self._waiting[ASKED] = value
        else:
            self._witnessed(value, now)

    def _witnessed(self, value: bytes, now: int) -> None:
        """Take a checkpoint that others cosigned, and see whether we ourselves said more than we remember."""
        checkpoint, note = self._open(value)
        witnesses = witnesses_of(self._party.root, self._party.directory, now)
        said = cosigners(note, witnesses)
        own = witness_name(self._party.root, self._party.name)
        for each in said:
            kid = each.witness.key.kid.hex()
            if each.witness.name == own and checkpoint.size > self._cosigned(kid):
                self._state["rolled_back"] = sorted({*self._state["rolled_back"], kid})
                self._keep()
        choice = self._party.settings.log
        try:
            Policy(choice.witnesses, choice.operator).check(said)
        except TrustError:
            return  # enough for the hub, not for us
        self._times.setdefault(checkpoint.size, 1000 * max((each.timestamp for each in said), default=0))
        if checkpoint.size > self.witnessed:
            self._state["witnessed"] = checkpoint.size
            self.folder.keep_witnessed(checkpoint.size, value)
            self._keep([(WITNESSED, value)])

    # what we say

    def caught_up(self, now: int) -> bool:
        """Do what is due when everything that is there was taken; True where there is something to send."""
        self._keep_times()
        self._compare_named(now)
        said = self._cosign(now)
        self._tick_off(now)
        return said

    def _compare_named(self, now: int) -> None:
        """Compare the checkpoints that the gate's heads named with the mirror: its log and ours are one."""
        done, withheld = [], False
        for name, at in self._store.numbers(NAMED).items():
            size, root, entry = name.removeprefix(NAMED).split("/")
            checkpoint = Checkpoint(self.origin, int(size), bytes.fromhex(root))
            if checkpoint.size > self.size:
                withheld |= at + LATE_MS < now
                continue
            if not self._fits(checkpoint):
                self._fork(checkpoint.text() + f"\nhead {entry}\n".encode(), "head", now)
            done.append(name)
        with self._store.transaction():
            for name in done:
                self._store.forget(name)
            words = "the gate knows more of the log than comes here"
            episode(self._store, WITHHELD, withheld, now, "LOG_WITHHELD", words)

    def _cosigned(self, kid: str) -> int:
        """Return the largest size that a key of ours has cosigned."""
        kept = self._state["cosigned"].get(kid, {"size": -1})
        return int(kept["size"])

    def _key(self, now: int) -> tuple[Kid, Any] | None:
        try:
            kid = self._party.directory.newest(self._party.witness, now)
        except TrustError:
            return None  # none yet, or none that the directory names
        return kid, self._party.witness[kid]

    def _cosign(self, now: int) -> bool:
        asked = self._waiting.pop(ASKED, None)
        found = self._key(now)
        if asked is None or found is None or self._state["fork"] or not self._party.settings.log.cosign:
            return False
        checkpoint, _ = self._open(asked)
        if checkpoint.size > self.size:
            self._waiting[ASKED] = asked
            return False
        kid, key = found
        name, before = kid.hex(), self._state["cosigned"].get(kid.hex(), {"size": -1, "at": 0})
        if (self._store.number(f"cosigned/{name}") or 0) > before["size"] + 1:
            self._state["rolled_back"] = sorted({*self._state["rolled_back"], name})
            self._keep()
        if name in self._state["rolled_back"] or checkpoint.size <= before["size"]:
            return False
        if now < before["at"] + COSIGN_MS:
            self._waiting.setdefault(ASKED, asked)  # in a while
            return False
        line = cosign(key, witness_name(self._party.root, self._party.name), checkpoint, now // 1000)
        self._state["cosigned"][name] = {"size": checkpoint.size, "root": checkpoint.root.hex(), "at": now}
        self._keep()  # before anybody sees it
        word = LogCosigned(
            checkpoint.size, Digest(checkpoint.root), now // 1000, Digest(kid), CardBytes(line.signature[8:])
        )
        self._say(word, name, checkpoint.size, now)
        return True

    def _say(self, word: LogCosigned, name: str, size: int, now: int) -> None:
        party = self._party
        speaker = min((unit.id for unit in party.units if not unit.retired), default="")
        nobody = without_number(secrets.token_bytes(16))
        draft = Client(party).event(word, child=nobody, now=datetime.fromtimestamp(now / 1000, UTC), unit=speaker)
        with self._store.transaction():
            self._store.add_draft(draft, partition_of(draft.ref, party.root.shards))
            self._store.keep_number(f"cosigned/{name}", size + 1)

    # what must be there

    def is_logged(self, entry: bytes) -> bool:
        """Say whether an entry is in a checkpoint that witnesses stand behind."""
        found = self.index(entry, search=True)
        return found is not None and found < self.witnessed

    def stands(self, entry: bytes, at: int) -> bool:
        """Say whether an entry is in a checkpoint that enough witnesses had cosigned before `at` (ms)."""
        place = self.index(entry, search=True)
        return place is not None and place < witnessed_before(self._store, at)

    def _keep_times(self) -> None:
        with self._store.transaction():
            for size, when in self._times.items():
                if when and not self._store.number(f"{_TIMES}{size}"):
                    self._store.keep_number(f"{_TIMES}{size}", when)
        self._times = {}

    def _tick_off(self, now: int) -> None:
        waiting = {bytes.fromhex(name.removeprefix(_DUE)): at for name, at in self._store.numbers(_DUE).items()}
        old = {entry for entry, at in waiting.items() if at + LATE_MS < now}
        there = [entry for entry in waiting if self.index(entry, search=entry in old) is not None]
        late = len(old.difference(there))
        with self._store.transaction():
            for entry in there:
                self._store.forget(_DUE + entry.hex())
            if there:
                self._store.keep_number("ticked", (self._store.number("ticked") or 0) + len(there))
            self._store.keep_number("late_entries", late)
            words = "what the gate stamped is not in the log"
            episode(self._store, TICK_OFF, late > 0, now, "TICK_OFF_LATE", words)
            words = "the log contradicts itself"
            episode(self._store, FORK, bool(self._state["fork"]), now, "LOG_FORK", words)
            mine = {kid.hex() for kid in self._party.witness}
            older = bool(mine & {*self._state["rolled_back"]})
            words = "this store is older than what it cosigned"
            episode(self._store, ROLLED_BACK, older, now, "LOG_WITNESS_ROLLED_BACK", words)
