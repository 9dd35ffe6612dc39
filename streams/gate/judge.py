"""The gate's judgement, pure: records and state in, stamped records and state out.

    judge = Judge(...)                           one per partition
    turn = judge.turn(records, state.values, now)
    turn.outputs                                 [(topic, partition, [(key, value, headers), ...]), ...]
    turn.changes                                 {name: bytes or None}, the position included

A turn becomes one Kafka transaction, and all that it says is stamped with one signature. Randomness and the month's
audit key are the only input besides the arguments. Whatever a record holds, a turn ends: what cannot be read is put
into quarantine, what can be read and not accepted is answered with a code, an error inside the judgement denies.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from samband.schemas.errors import FormatError, OperatorError, RefusedError, SambandError
from samband.schemas.message import NO_INSTANCE, Down, Message, Up, hop_length
from samband.schemas.routing import Routing
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams.audit import AUDIT_CLASS, seal_audit
from samband.streams.crypto.held import Signing
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.lane import UnverifiedRecord
from samband.streams.crypto.signature import stamp_all
from samband.streams.directory import Directory
from samband.streams.gate.checks import Checks
from samband.streams.gate.digest import DIGEST, compare, moved
from samband.streams.gate.digest import check as check_digest
from samband.streams.gate.head import head
from samband.streams.gate.lanes import Lanes
from samband.streams.gate.logged import NONE
from samband.streams.gate.lookback import seen, state_say
from samband.streams.gate.quarantine import set_aside
from samband.streams.gate.state import HEAD, POSITION, View
from samband.streams.gate.verdicts import Say, Verdicts
from samband.streams.topics import AUDIT as AUDIT_TOPIC
from samband.streams.topics import CARDS as CARDS_TOPIC
from samband.streams.topics import COSIGN as COSIGN_TOPIC
from samband.streams.topics import QUARANTINE as QUARANTINE_TOPIC
from samband.streams.topics import inbox

__all__ = ["Incoming", "Judge", "Output", "Record", "Turn"]

RECORD_MAX: Final = 1_000_000
"""Largest outbox record in bytes."""

_AHEAD: Final = 1 << 20
"""How far inbox numbers are set on above a rolled-back state's: more than were given since a backup."""

_DOWN_ROOM: Final = 64
"""Bytes of a downward hop beside its stamps and message."""

_STAMP_MAX: Final = AUDIT_CLASS - 34
"""Longest stamp record in bytes: with salt and length it fills the audit record's one length."""

_ROOM: Final = 4 + 47 + 142 + 16 * 32
"""What a downward hop holds beside stamp record and message: lengths, head, stamp, a path of up to 2^16 leaves."""

inbox_topic: Final = cache(inbox)
_HEADERS: Final = (("ce_specversion", b"1.0"), ("ce_type", b"samband.record.v1"), ("ce_source", b"samband"))


class Incoming(NamedTuple):
    """A record as Kafka gave it. `appended_at` is the broker's word, in milliseconds since 1970 UTC."""

    offset: int
    value: bytes | None
    appended_at: int
    bare: bool
    """No key and only the headers that the format allows."""


Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value (None: a tombstone), headers."""

Output = tuple[str, int, list[Record]]
"""Topic, partition and its records in order."""

_Outputs = defaultdict[tuple[str, int], list[Record]]


@dataclass(slots=True)
class Turn:
    """What a transaction writes, and what it was about: counts by outcome, for metrics."""

    outputs: list[Output]
    changes: dict[bytes, bytes | None]
    counts: dict[str, int]
    quarantined: list[tuple[int, str]]
    """(offset, code) of each quarantine note, for the operator's log."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many were refused, by code."""


@dataclass(slots=True)
class _Draft:
    """What this turn says so far, before it is stamped."""

    view: View
    said: list[tuple[Say, str, bytes, int]] = field(default_factory=list)
    """(say, party, instance, seq of the message that it answers)"""
    acks: dict[tuple[str, bytes], int] = field(default_factory=dict)
    quarantine: list[tuple[int, str, int]] = field(default_factory=list)
    noted: list[tuple[int, str]] = field(default_factory=list)
    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class _Answers:
    """Stamps that go back to one connector instance in one record."""

    instance: bytes
    words: list[bytes] = field(default_factory=list)
    size: int = 0
    seq: int = 0

    def fits(self, word: bytes) -> bool:
        """Say whether one more keeps within the length of a record without content."""
        return self.size + len(word) + _DOWN_ROOM <= hop_length(0)

    def add(self, word: bytes, seq: int) -> None:
        """Take one more."""
        self.words.append(word)
        self.size += len(word)
        self.seq = seq


class Judge:
    """The judgement of one partition of one agreement."""

    def __init__(
        self,
        *,
        directory: Directory,
        lanes: Lanes,
        checks: Checks,
        stamp: Signing,
        store: HubStore,
        audit: Callable[[int], tuple[int, HubStore]],
        audit_of: Callable[[int], HubStore],
        source: tuple[str, int],
        logged: Callable[[], tuple[int, bytes]] = lambda: NONE,
    ) -> None:
        self._directory = directory
        self._lanes = lanes
        self._checks = checks
        self._stamp = stamp
        self._store = store
        self._audit_key, self._audit_of = audit, audit_of
        self._topic, self._partition = source
        self._logged = logged
        self._verdicts = Verdicts(directory)

    def check(self, now: int) -> None:
        """Check that the directory is fresh enough to judge by at `now` (ms).

        Raises:
            OperatorError: it is not (`DIRECTORY_STALE`, `DIRECTORY_EMPTY`).
        """
        self._directory.check_fresh(now)

    def turn(
        self, records: Sequence[Incoming], values: Mapping[bytes, bytes], now: int, expired: Iterable[bytes]
    ) -> Turn:
        """Judge `records` in order at `now` (ms); `expired` are names whose time is over, `HEAD` to say a new one."""
        view = View(values)
        now = max(now, view.number(b"clock"))
        self._verdicts.begin(now)
        draft = _Draft(view)
        for name in expired:
            for say in self._head(view, values, now) if name == HEAD else self._expired(name, view, now):
                draft.counts[say.record.outcome] += 1
                draft.said.append((say, "", NO_INSTANCE, 0))
        for record in records:
            self._take(record, draft, now)
        view.put(b"clock", now.to_bytes(8, "big"))
        if records:
            view.put(POSITION, (records[-1].offset + 1).to_bytes(8, "big"))
        outputs = self._outputs(draft, now)
        view.put(DIGEST, moved(self._store.mark, values, view.changes).encode())
        refused = Counter(say.record.code for say, *_ in draft.said if say.record.kind == "refusal")
        return Turn(outputs, view.changes, dict(draft.counts), draft.noted, refused)

    def verify(self, values: Mapping[bytes, bytes], tail: Sequence[bytes] | None) -> bool:
        """Check a state that was read back, against itself or against the end of the audit topic.

        Args:
            values: the state.
            tail: audit records, oldest first; None to look at the state alone.

        Returns:
            Whether nothing older need be looked at.

        Raises:
            OperatorError: `STATE_ALTERED` or `STATE_ROLLED_BACK`.
        """
        if tail is None:
            check_digest(self._store.mark, values)
            return True
        found = seen(tail, self._partition, self._directory, self._audit_of)
        compare(values, found)
        return found.state is not None

    def go_on(self, values: Mapping[bytes, bytes], tail: Sequence[bytes], now: int) -> Turn:
        """Return what a partition begins with whose state was rolled back whole, where somebody has said to go on.

        The outbox is judged again from the state's own place. Numbers go on above all that were given: the audit topic
        says which, and inboxes leave a gap that their readers report. The log is told (`STATE_ROLLED_BACK`).
        """
        view = View(values)
        draft, now = _Draft(view), max(now, view.number(b"clock"))
        self._verdicts.begin(now)
        last = seen(tail, self._partition, self._directory, self._audit_of).number
        view.put(b"audit", max(last, view.number(b"audit")).to_bytes(8, "big"))
        for name in values:
            if name.startswith(b"box/"):
                view.put(name, (view.number(name) + _AHEAD).to_bytes(8, "big"))
        for say in state_say(self._directory, values, self._verdicts.rulebook_hash, now, "STATE_ROLLED_BACK"):
            draft.said.append((say, "", NO_INSTANCE, 0))
        outputs = self._outputs(draft, now)
        view.put(DIGEST, moved(self._store.mark, values, view.changes).encode())
        return Turn(outputs, view.changes, {}, [])

    def _head(self, view: View, values: Mapping[bytes, bytes], now: int) -> list[Say]:
        view.put(HEAD, now.to_bytes(8, "big"))
        rulebook = self._verdicts.rulebook_hash
        said = head(self._directory, rulebook, self._logged(), now)
        return [said, *state_say(self._directory, values, rulebook, now)]

    def _expired(self, name: bytes, view: View, now: int) -> list[Say]:
        try:
            return self._verdicts.expired(name, view, now)
        except FormatError as error:
            raise OperatorError("STATE_BROKEN", "what the gate remembers of a message cannot be said") from error

    def _take(self, record: Incoming, draft: _Draft, now: int) -> None:
        size = len(record.value or b"")
        try:
            if not record.bare:
                raise RefusedError("RECORD_HEADERS", "a record has no key and only the format's headers")
            if size > RECORD_MAX:
                raise RefusedError("RECORD_TOO_LARGE", f"a record has at most {RECORD_MAX} bytes")
            unverified = UnverifiedRecord.decode(record.value or b"")
            lane = self._lanes.reading(unverified, now)
            up = Up.decode(lane.open(unverified, self._topic, self._partition))
        except SambandError as error:
            draft.quarantine.append((record.offset, error.code, size))
            draft.counts["quarantined"] += 1
            return
        party, instance = lane.opener.party, lane.opener.instance
        name = b"seq/" + party.encode() + b"/" + instance
        last = draft.view.number(name)
        if up.seq != last + 1:
            # A repeat, or a gap that the sender will fill: change nothing and say how far we are.
            draft.acks[party, instance] = last
            draft.counts["duplicate" if up.seq <= last else "gap"] += 1
            return
        draft.view.put(name, up.seq.to_bytes(8, "big"))
        draft.acks[party, instance] = up.seq
        for say in self._judge(up, party, record.appended_at, draft.view, now):
            draft.counts[say.record.outcome] += 1
            draft.said.append((say, party, instance, up.seq))

    def _judge(self, up: Up, party: str, appended_at: int, view: View, now: int) -> list[Say]:
        """Return what is said about one message; an error anywhere refuses it and leaves no change behind."""
        view.begin()
        try:
            message = Message.decode(up.message)
            routing = Routing.decode(message.routing)
        except SambandError as error:
            return [self._refusal(None, error.code, appended_at, now)]
        try:
            checked = self._checks.check(message, routing, party, now)
            said = self._verdicts.of(checked, view, appended_at, now)
            for say in said:
                _check_room(say)
            return said
        except OperatorError:
            raise  # the state itself does not read: nothing may be decided on it
        except SambandError as error:
            code = error.code
        except Exception:  # a fault of ours never permits, and never stops the partition
            code = "GATE_ERROR"
        view.undo()
        return [self._refusal(routing, code, appended_at, now)]

    def _refusal(self, routing: Routing | None, code: str, appended_at: int, now: int) -> Say:
        record = StampRecord(
            kind="refusal",
            leaf=bytes(32),
            message_id=routing.message_id if routing else bytes(16),
            sender=routing.sender if routing else "",
            recipient=routing.recipient if routing else "",
            ref=routing.ref if routing else bytes(16),
            type=routing.type if routing else "",
            ask=routing.ask if routing else False,
            outcome="refused",
            code=code,
            rulebook=self._verdicts.rulebook_hash,
            directory=self._directory.version,
            decided_at=now,
            appended_at=appended_at,
        )
        return Say.of(record, self._directory.realm)

    def _outputs(self, draft: _Draft, now: int) -> list[Output]:
        out: _Outputs = defaultdict(list)
        answers: dict[str, _Answers] = {}
        answered: dict[tuple[str, bytes], int] = {}

        def flush(party: str) -> None:
            if (some := answers.pop(party, None)) is not None:
                self._down(party, (b"".join(some.words), b"", some.instance, some.seq), 0, draft, out, now)

        if draft.said:
            first = draft.view.number(b"audit") + 1
            draft.view.put(b"audit", (first + len(draft.said) - 1).to_bytes(8, "big"))
            stamped = self._stamped([say for say, *_ in draft.said])
            for number, ((entry, stamp), (say, party, instance, seq)) in enumerate(
                zip(stamped, draft.said, strict=True)
            ):
                self._audit(first + number, entry, stamp, out, now)
                if say.card:
                    out[CARDS_TOPIC, 0].append((None, say.card, headers()))
                if say.cosigned:
                    out[COSIGN_TOPIC, 0].append((None, say.cosigned, headers()))
                word = stamp.encode()
                if say.answer and party:
                    # Answers to one instance share a record as far as they fit. A refusal stands alone: where the gate
                    # could not read which message it was, the record's seq tells.
                    refusal = say.record.kind == "refusal"
                    some = answers.get(party)
                    if some is not None and (refusal or some.instance != instance or not some.fits(word)):
                        flush(party)
                    answers.setdefault(party, _Answers(instance)).add(word, seq)
                    answered[party, instance] = seq
                    if refusal:
                        flush(party)
                for to, message in say.to:
                    flush(to)  # what was said before stays before
                    sealed = say.sealed if message else 0
                    self._down(to, (word, message, NO_INSTANCE, 0), sealed, draft, out, now)
        for party in list(answers):
            flush(party)
        for (party, instance), seq in draft.acks.items():
            if answered.get((party, instance)) != seq:
                self._down(party, (b"", b"", instance, seq), 0, draft, out, now)
        for each in set_aside(draft.quarantine, draft.view, (self._topic, self._partition), now):
            draft.noted.append((each.offset, each.code))
            out[QUARANTINE_TOPIC, 0].append((*self._store.seal(QUARANTINE_TOPIC, each.name, each.note), headers()))
        return [(topic, partition, records) for (topic, partition), records in out.items()]

    def _stamped(self, said: Sequence[Say]) -> Iterator[tuple[bytes, Stamped]]:
        """Yield (entry, stamp) of each, all under one signature but those that stand alone."""
        common = [say for say in said if not say.alone]
        shared = iter(self._stamp_all(common) if common else ())
        for say in said:
            if say.alone:
                yield from self._stamp_all([say])
            else:
                yield next(shared)

    def _stamp_all(self, said: Sequence[Say]) -> list[tuple[bytes, Stamped]]:
        return stamp_all(self._stamp, [(say.salt, say.encoded) for say in said], [say.entry for say in said])

    def _down(
        self, party: str, what: tuple[bytes, bytes, bytes, int], sealed: int, draft: _Draft, out: _Outputs, now: int
    ) -> None:
        """Put (stamped, message, instance, ack) into a party's inbox."""
        try:
            lane = self._lanes.writing(party, now)
        except SambandError:  # its hop key is gone: nobody could read it, and the log still has it
            draft.counts["unreachable"] += 1
            return
        topic = inbox_topic(party)
        hop = Down(self._partition, draft.view.count(b"box/" + party.encode()), *what)
        out[topic, 0].append((None, lane.seal(hop.encode(), sealed, topic, 0), headers()))

    def _audit(self, seq: int, entry: bytes, stamp: Stamped, out: _Outputs, now: int) -> None:
        value = seal_audit(*self._audit_key(now), self._partition, seq, entry, stamp)
        out[AUDIT_TOPIC, 0].append((None, value, headers()))


def _check_room(say: Say) -> None:
    """Check that what is said fits its records' one length: an overlong label is its sender's trouble only.

    Raises:
        RefusedError: it does not.
        FormatError: the message's content is larger than the largest class.
    """
    size = len(say.encoded)
    fits = all(size + len(message) + _ROOM <= hop_length(say.sealed if message else 0) for _, message in say.to)
    if size > _STAMP_MAX or not fits:
        raise RefusedError("LABEL_TOO_LONG", "the label is longer than the format has room for")


def headers() -> list[tuple[str, bytes]]:
    """Return the only headers a record has (CloudEvents Kafka binding, binary mode); the id is random."""
    return [*_HEADERS, ("ce_id", secrets.token_bytes(16).hex().encode())]
