"""What the pages ask of the hub; nothing else in the console reads a file, a key or Kafka.

It only reads, but for spot checks, whose pages say what somebody asked for and found.

    with Source(Home(path)) as source:
        page = source.records(Wanted(unit="SE2120002080-IFO"), None, 50)
        source.proof(page.rows[0].entry)           verified there and then
        source.ladder(message_id)

Another store may stand behind the same questions; the pages would not notice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from samband.connectors.console.index import Cursor, Index, Place, Sum, Wanted
from samband.connectors.console.tree import Inclusion, LogState, inclusion_of, state_of
from samband.connectors.spotcheck import SpotChecks
from samband.schemas.errors import OperatorError, SambandError, TrustError
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams.audit import month_of
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.crypto.signature import verify_entry
from samband.streams.index import engine_of
from samband.streams.records import opened
from samband.streams.records.store import RecordStore

if TYPE_CHECKING:
    from samband.streams.authority import Home
    from samband.streams.directory import Directory
    from samband.streams.records.sample import Draw
    from samband.streams.records.store import Alarm, Leaf

__all__ = ["CONSENT_EVENTS", "Found", "Listed", "Proof", "Source", "Wanted"]

CONSENT_EVENTS: Final = (
    "consent.given", "consent.signed", "consent.confirmed", "consent.disputed", "consent.withdrawn", "consent.refused",
)  # fmt: skip
_FOLLOW_S: Final = 2.0
_KEEP_S: Final = 15.0
_COUNT_S: Final = 60.0
"""Between counts of the records: at a million it reads megabytes, which no page waits for."""
_LADDER: Final = 200
_LAST_MONTH: Final = 999_999


class Found(NamedTuple):
    """A record with its log entry."""

    entry: bytes
    record: StampRecord


class Listed(NamedTuple):
    """A page of a list: newest first; `after` is where the next one begins, None on the last."""

    rows: list[Found]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What was verified of a record just now. `code` says what does not hold; empty where all does."""

    matches: bool
    """The record is the one that the log's entry names."""
    signed: bool
    """The gate's signature holds over the root that the path leads to."""
    kid: bytes = b""
    n: int = 0
    i: int = 0
    steps: int = 0
    key_from: int = 0
    key_until: int = 0
    code: str = ""


class Source:
    """The hub on this machine, read with its own user's rights."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.index = Index(engine_of(home), home.audit_keys)
        self._keys = home.audit_keys
        self._here = threading.local()
        self._end = threading.Event()
        self._caught_up = threading.Event()
        self._generation = 0
        self._kept: int | None = None
        self._count_at = 0.0
        self._follower = threading.Thread(target=self._follow, name="console-index", daemon=True)
        self._reading = threading.Lock()
        self._directory: tuple[float, Directory] | None = None
        self._draws: dict[Draw, list[bytes]] = {}
        self.trouble = ""
        """Code of the error that the index last met; empty where it follows."""

    def __enter__(self) -> Self:
        """Begin to follow the records."""
        self._follower.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._end.set()
        self._follower.join(30)

    # following

    def _follow(self) -> None:
        while not self._end.is_set():
            try:
                with opened(self.home) as store:
                    self.follow(store)
                    if time.monotonic() > self._count_at:
                        self._kept, self._count_at = store.count(), time.monotonic() + _COUNT_S
            except SambandError as error:
                self.trouble = error.code
            self._end.wait(_FOLLOW_S)
        self.index.close()

    def follow(self, store: RecordStore) -> None:
        """Let go of what was erased, and take what only the records can give."""
        self.index.follow(store)
        self.trouble = ""
        if (generation := self.index.store.generation) != self._generation:  # it was forgotten, and is made anew
            self._generation = generation
            self._caught_up.clear()
        if self.index.is_level(store):
            self._caught_up.set()

    @property
    def caught_up(self) -> bool:
        """Say whether the index has come to the end of the records since the start, or since it was forgotten."""
        return self._caught_up.is_set()

    @property
    def _store(self) -> RecordStore:
        """This thread's own connection to the records."""
        store: RecordStore | None = getattr(self._here, "store", None)
        if store is None:
            path = self.home.hub / "records" / "records.db"
            if not path.exists():
                raise OperatorError("RECORDS_MISSING", "this hub has kept no records yet", "samband hub up keeps them")
            store = self._here.store = RecordStore(path, self._keys, self.home.root.realm)
        return store

    # records

    def records(self, wanted: Wanted, after: Cursor | None, limit: int) -> Listed:
        """Return a page of records, opened and proved to be those that the log names.

        Raises:
            OperatorError: there are no records yet.
        """
        places, following = self.index.find(wanted, after, limit)
        rows = [found for place in places if (found := self.found(place.entry)) is not None]
        return Listed(rows, following)

    def found(self, entry: bytes) -> Found | None:
        """Return the record of a log entry; None where there is none, or it was erased."""
        leaf = self._store.find(entry)
        if leaf is None or leaf.sealed is None:
            return None
        return Found(entry, self._store.open(leaf))

    def ladder(self, message_id: bytes) -> list[Found]:
        """Return all that was said of a message or a consent, oldest first."""
        return self.records(Wanted(message=message_id), None, _LADDER).rows[::-1]

    def decision(self, message_id: bytes) -> Found | None:
        """Return the decision on a message, else the event or refusal that its id names."""
        rows = [each for each in self.ladder(message_id) if each.record.message_id == message_id]
        rank = {"decision": 0, "event": 1, "refusal": 2}
        return min(rows, key=lambda each: rank.get(each.record.kind, 9), default=None)

    def consent_events(self, child_of: bytes, before: int) -> list[Found]:
        """Return what was said about consents for a record's child before a time, oldest first."""
        wanted = Wanted(kinds=("event", "notice"), child_of=child_of, before=before)
        rows = self.records(wanted, None, _LADDER).rows[::-1]
        return [each for each in rows if each.record.type in CONSENT_EVENTS]

    def leaning(self, consent_entry: bytes, limit: int = _LADDER) -> list[Found]:
        """Return the decisions that leaned on a consent, oldest first."""
        return self.records(Wanted(leans_on=consent_entry), None, limit).rows[::-1]

    def marks(self, consent_entry: bytes, limit: int) -> list[int]:
        """Return when decisions leaned on a consent (ms), oldest first; nothing is opened for it."""
        return [each.at for each in self.index.every(Wanted(leans_on=consent_entry), limit)]

    def said_of(self, rows: Iterable[Found]) -> dict[bytes, list[Place]]:
        """Return what was said of the messages of some records, as the index knows it; nothing is opened for it."""
        return self.index.about({each.record.message_id: month_of(each.record.decided_at) for each in rows})

    def consent_story(self, given: Iterable[Found]) -> dict[bytes, list[Found]]:
        """Return what was said about the consents that some records gave, by the consent's id, each oldest first."""
        months = {each.record.subject: month_of(each.record.decided_at) for each in given if each.record.subject}
        story: dict[bytes, list[Found]] = {}
        for about, places in self.index.about(months).items():
            opened = [self.found(each.entry) for each in places if each.kind in ("event", "notice")]
            story[about] = [
                each for each in opened if each and each.record.subject == about and each.record.type in CONSENT_EVENTS
            ]
        return story

    def sums(self, first_day: int = 0) -> list[Sum]:
        """Return how many records there are, by day, kind and outcome."""
        return self.index.sums(first_day)

    def proof(self, entry: bytes) -> Proof:
        """Verify a record against its log entry, and the entry against the gate's signature, now."""
        leaf = self._store.find(entry)
        if leaf is None or leaf.sealed is None:
            return Proof(matches=False, signed=False, code="RECORD_ERASED")
        try:
            record = self._store.open(leaf)
        except SambandError as error:
            return Proof(matches=False, signed=False, code=error.code)
        return self._signature(leaf, record)

    def _signature(self, leaf: Leaf, record: StampRecord) -> Proof:
        if leaf.proof is None:
            return Proof(matches=True, signed=False, code="PROOF_MISSING")
        try:
            stamp = Stamped.decode(leaf.proof)
            known = self.directory.known(stamp.kid)
            if known.card.purpose != Purpose.GATE_STAMP or not isinstance(known.key, VerifyKey):
                raise TrustError("KEY_PURPOSE", "a stamp must be signed with a gate's stamping key")
            verify_entry(known.key, leaf.entry, stamp)
            known.check_standing()
            known.check(record.decided_at)
        except SambandError as error:
            return Proof(matches=True, signed=False, code=error.code)
        return Proof(
            True, True, stamp.kid, stamp.n, stamp.i, len(stamp.path), known.card.not_before, known.card.not_after
        )  # fmt: skip

    # directory and log

    @property
    def directory(self) -> Directory:
        """The directory as the hub publishes it, read anew every few seconds.

        Raises:
            OperatorError: a record of it cannot be read.
        """
        with self._reading:
            if self._directory is None or time.monotonic() - self._directory[0] > _KEEP_S:
                self._directory = (time.monotonic(), self.home.directory(time.time_ns() // 1_000_000))
            return self._directory[1]

    def log_state(self) -> LogState | None:
        """Return the log's checkpoint and its witnesses, verified now; None where this hub keeps no log yet."""
        return state_of(self.home, self.directory)

    def inclusion(self, entry: bytes) -> Inclusion:
        """Prove now that an entry is in the log."""
        return inclusion_of(self.home, self.directory, entry)

    def since(self, at: int) -> Iterator[StampRecord]:
        """Yield every record from a time (ms) on, oldest first: for counts, and slow where there are many."""
        for leaf in self._store.kept(month_of(at), _LAST_MONTH):
            record = self._store.open(leaf)
            if record.decided_at >= at:
                yield record

    def spot_checks(self) -> SpotChecks:
        """Return the hub's spot checks."""
        return SpotChecks(self.home, self._store, self.directory, remembered=self._draws)

    def unit_name(self, unit: str) -> str:
        """Return a unit's name, empty where no card names it."""
        found = self.directory.find_unit(unit)
        return found.name if found else ""

    def alarms(self) -> tuple[dict[str, int], list[Alarm]]:
        """Return how many alarms of each kind the keeper has met, and the earliest of each.

        Raises:
            OperatorError: there are no records yet.
        """
        return self._store.counts(), self._store.alarms()

    @property
    def kept(self) -> int:
        """How many records the hub keeps; while the console runs, as of the last minute."""
        return self._store.count() if self._kept is None else self._kept
