"""Spot checks at the hub: asked for in the log, drawn by a seed that nobody chose, and what was found in each decision.

    checks = SpotChecks(home, store, directory)
    checks.ask(Request(…))            the keeper makes a leaf of it
    checks.all()                      open and closed ones, newest first
    checks.draw(check, "anna", now)   when a witnessed checkpoint has the request's leaf
    checks.find(check, "anna", entry, "GROUND_WRONG", now)

    asked → waiting (in the log, no witnessed checkpoint yet) → ready → open (drawn) → closed (every one was looked at)

Whoever reads a check works its seed out anew from the log; whoever reads what was drawn, the draw too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from samband.schemas.errors import FormatError, InputError, OperatorError, SambandError, TrustError
from samband.schemas.stamp import StampRecord
from samband.streams.audit import month_of
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.log.checkpoint import Checkpoint, Policy, origin_of
from samband.streams.log.draw import Asked, drawn_digest, picks, seed_of
from samband.streams.log.folder import LogFolder, witnessed_path
from samband.streams.log.journal import Journal
from samband.streams.log.note import Note
from samband.streams.log.tiles import Tiles
from samband.streams.log.tree import inclusion
from samband.streams.log.witnessed import witnesses_of
from samband.streams.records.sample import Draw, Finding, Request, sample_of
from samband.streams.records.store import Saying, State

if TYPE_CHECKING:
    from samband.streams.authority import Home
    from samband.streams.directory import Directory
    from samband.streams.records.store import RecordStore

__all__ = ["Check", "Found", "SpotChecks", "Stage"]

_LATE_MS: Final = 10 * 60_000
"""How long a request may take into the log; it takes seconds."""


class Stage(StrEnum):
    """How far a spot check is."""

    ASKED = "asked"
    WAITING = "waiting"
    READY = "ready"
    OPEN = "open"
    CLOSED = "closed"


class Found(NamedTuple):
    """A finding, and when it was said (ms since 1970 UTC); `entry` is its own leaf, empty until there is one."""

    finding: Finding
    at: int
    entry: bytes


@dataclass(slots=True)
class Check:
    """A spot check as far as it has come."""

    request: Request
    at: int
    entry: bytes
    """The request's leaf, empty until there is one."""
    draw: Draw | None = None
    drawn_at: int = 0
    found: dict[bytes, list[Found]] = field(default_factory=dict)
    """Drawn entry → what was found in it."""
    stage: Stage = Stage.ASKED
    index: int = -1
    size: int = 0
    """Leaves of the checkpoint that gives the seed."""
    seed: bytes = b""
    code: str = ""
    """What does not hold; empty where all does."""

    @property
    def number(self) -> int:
        """How many were drawn."""
        return min(self.request.count, self.draw.population) if self.draw else 0

    @property
    def deviations(self) -> int:
        """In how many of them something was found."""
        return sum(bool(each[-1].finding.code) for each in self.found.values())


class SpotChecks:
    """The hub's spot checks, read with its own user's rights."""

    def __init__(
        self, home: Home, store: RecordStore, directory: Directory, others: Iterable[int] = (),
        remembered: dict[Draw, list[bytes]] | None = None,
    ) -> None:  # fmt: skip
        """Open them.

        Args:
            home: the hub.
            store: its records.
            directory: whose keys count.
            others: sizes of checkpoints that somebody else saw witnessed.
            remembered: draws that were worked out already, by who asks; kept in memory only.
        """
        self._remembered = {} if remembered is None else remembered
        self._home, self._store, self._directory = home, store, directory
        self._folder = LogFolder(home.hub / "log-tiles")
        self._others = tuple(others)
        choice = home.settings.log
        self._policy = Policy(max(choice.witnesses, 1), choice.operator)

    # saying

    def ask(self, request: Request, now: int) -> None:
        """Have a spot check asked for in the log.

        Raises:
            InputError: it cannot be asked.
        """
        self._say(request.record(now))

    def draw(self, check: Check, by: str, now: int) -> list[bytes]:
        """Draw, have it said in the log, and return the entries that were drawn.

        Raises:
            InputError: it is not ready, or drawn already (`SAMPLE_STAGE`).
        """
        if check.stage is not Stage.READY:
            raise InputError("SAMPLE_STAGE", f"the spot check is {check.stage}, not ready to be drawn")
        population = self._population(check)
        drawn = [population[place] for place in picks(check.seed, len(population), check.request.count)]
        digest = drawn_digest(self._home.root.realm, check.seed, len(population), _hash(population), drawn)
        self._say(Draw(check.request.id, by, check.seed, check.size, len(population), digest).record(now))
        return drawn

    def find(self, check: Check, by: str, entry: bytes, code: str, now: int) -> None:
        """Note what was found in a drawn decision: a deviation's code, or nothing.

        Raises:
            InputError: it was not drawn (`SAMPLE_ENTRY`), or the code is none.
        """
        if check.draw is None or entry not in self.drawn(check):
            raise InputError("SAMPLE_ENTRY", "that decision was not drawn in this spot check")
        self._say(Finding(check.request.id, by, entry, code).record(now))

    def _say(self, record: StampRecord) -> None:
        with self._store.transaction():
            self._store.say(record.encode())

    # reading

    def all(self, now: int) -> list[Check]:
        """Return every spot check, newest first."""
        found: dict[bytes, Check] = {}
        for saying in self._store.sayings():
            told = self._told(saying)
            if told is None:
                continue
            record, sample = told
            entry = saying.entry or b"" if saying.state is State.DONE else b""
            if isinstance(sample, Request):
                found.setdefault(sample.id, Check(sample, record.decided_at, entry))
            elif (check := found.get(sample.request)) is None:
                continue
            elif isinstance(sample, Draw):
                if check.draw is None:
                    check.draw, check.drawn_at = sample, record.decided_at
            else:
                check.found.setdefault(sample.entry, []).append(Found(sample, record.decided_at, entry))
        for check in found.values():
            self._follow(check, now)
        return list(found.values())[::-1]

    def one(self, number: bytes, now: int) -> Check:
        """Return a spot check by its id.

        Raises:
            InputError: there is none (`SAMPLE_UNKNOWN`).
        """
        for check in self.all(now):
            if check.request.id == number:
                return check
        raise InputError("SAMPLE_UNKNOWN", "there is no such spot check", "samband audit sample list")

    def _told(self, saying: Saying) -> tuple[StampRecord, Request | Draw | Finding] | None:
        try:
            if saying.state is not State.DONE:
                record = StampRecord.decode(saying.record)
            elif (leaf := self._store.find(saying.entry or b"")) is None:
                return None
            else:
                record = self._store.open(leaf)
            return record, sample_of(record)
        except (FormatError, OperatorError):
            return None  # refused, or erased with its month

    def _follow(self, check: Check, now: int) -> None:
        """Say how far a check is, and what does not hold of it."""
        if not check.entry:
            return
        check.stage = Stage.WAITING
        try:
            self._seed(check)
        except SambandError as error:
            check.code = error.code
        except OSError:
            check.code = "LOG_READ"
        if check.index < 0 and not check.code and check.at + _LATE_MS < now:
            check.code = "SAMPLE_NO_LEAF"
        if check.draw is not None:
            check.stage = Stage.CLOSED if len(check.found) >= check.number else Stage.OPEN
            if not check.code and (check.draw.seed, check.draw.size) != (check.seed, check.size):
                check.code = "SAMPLE_SEED"
        elif check.seed:
            check.stage = Stage.READY

    def _seed(self, check: Check) -> None:
        """Work the seed out from the first witnessed checkpoint that has the request."""
        path = self._home.hub / "sequencer" / "journal.db"
        if not path.exists():
            return
        with closing(Journal(path)) as journal:
            index = journal.index(check.entry)
        if index is None:
            return
        check.index = index
        sizes = self._folder.witnessed()
        check.size = next((size for size in sizes if size > index), 0)
        if not check.size:
            return
        root, note = self._home.root, self._folder.read(witnessed_path(check.size))
        if Checkpoint.parse(Note.parse(note).text).size != check.size:
            raise TrustError("SAMPLE_NOT_FIRST", "the witnessed checkpoint stands under another's size")
        steps = tuple(inclusion(Tiles(self._folder.read, check.size).node, index, check.size))
        keys = [each.key for each in self._directory.keys.values()
                if each.card.purpose == Purpose.LOG and isinstance(each.key, VerifyKey)]  # fmt: skip
        check.seed = seed_of(
            root.realm, Asked(check.entry, index, steps), note, keys, origin_of(root.realm, root.agreement),
            witnesses_of(root, self._directory, None), self._policy, (*sizes, *self._others),
        )  # fmt: skip

    # what was drawn

    def drawn(self, check: Check) -> list[bytes]:
        """Return the entries that were drawn, in the order drawn, worked out anew: once where `remembered` is given.

        Raises:
            TrustError: the log says that others were (`SAMPLE_DRAW`), or its seed is another.
        """
        if check.draw is None:
            return []
        if check.code:
            raise TrustError(check.code, "what the spot check rests on does not hold")
        if (known := self._remembered.get(check.draw)) is not None:
            return known
        draw, population = check.draw, self._population(check)
        drawn = [population[place] for place in picks(check.seed, len(population), check.request.count)]
        digest = drawn_digest(self._home.root.realm, check.seed, len(population), _hash(population), drawn)
        if (len(population), digest) != (draw.population, draw.digest):
            raise TrustError("SAMPLE_DRAW", "the log says that other decisions were drawn, or from others than these")
        self._remembered[draw] = drawn
        return drawn

    def _population(self, check: Check) -> list[bytes]:
        """Return the entries that are drawn from: those before the request in the log, in the log's order."""
        request = check.request
        places: list[tuple[int, bytes]] = []
        with closing(Journal(self._home.hub / "sequencer" / "journal.db")) as journal:
            for leaf in self._store.kept(month_of(request.since), month_of(request.before)):
                if request.covers(self._store.open(leaf)):
                    index = journal.index(leaf.entry)
                    if index is not None and index < check.index:
                        places.append((index, leaf.entry))
        return [entry for _, entry in sorted(places)]


def _hash(population: list[bytes]) -> bytes:
    return hashlib.sha256(b"".join(population)).digest()
