"""What the gate says about a checked message, and what it remembers of it.

A message or question goes to the kernel; a consent, circle or mark to the child's state; a receipt or recall to the
message that it is about. Each returns what to say, to whom, as records that `judge` stamps.
"""

from __future__ import annotations

import dataclasses
import secrets
from typing import Final

import msgspec

from samband.schemas import events
from samband.schemas.errors import RefusedError
from samband.schemas.events import (
    ConsentRefused,
    ConsentWithdrawn,
    EventBody,
    Id16,
    KeySaid,
    Level,
    LogCosigned,
    ProtectionMarked,
    Recall,
    Receipt,
)
from samband.schemas.key_card import Reason
from samband.schemas.stamp import PART, StampRecord
from samband.streams.crypto.keys import Purpose, Realm
from samband.streams.crypto.signature import entry_of
from samband.streams.decision.changes import apply
from samband.streams.decision.child import ChildState
from samband.streams.decision.kernel import decide
from samband.streams.decision.memory import remember
from samband.streams.decision.question import Claims, Decision, Outcome, Question
from samband.streams.decision.said import Said
from samband.streams.decision.sight import told
from samband.streams.decision.withdrawals import stops
from samband.streams.directory import Directory, Known
from samband.streams.gate.checks import Checked
from samband.streams.gate.notices import closed, notified, said_of, subject_of
from samband.streams.gate.state import Leaning, Track, View
from samband.streams.rules import InForce

__all__ = ["Say", "Verdicts"]

GRACE_MS: Final = 3_600_000
"""How long after its end a message is remembered, so that a late receipt still finds it."""

ASKS_AN_HOUR: Final = 600
"""Questions of one party: plenty for its people, too few to ask about every child of a municipality."""
KEYS_AN_HOUR: Final = 2000
"""Key cards of one party: a large one has some hundred units, each with a new key in the same hour perhaps."""
COSIGNED_AN_HOUR: Final = 120
"""Words of one witness: each is a leaf, and the log asks for one every few minutes."""
MARKS_AN_HOUR: Final = 60
"""Protection marks of one party; each is told to the responsible unit."""

ACCEPTED: Final = "accepted"
RECALLED: Final = "recalled"
RECALL_EXPIRED: Final = "EXPIRED"
KEY_LOST: Final = "KEY_LOST"
"""Why a message stops whose recipient has lost the key to it."""
SEAL_AGAIN: Final = frozenset({KEY_LOST, "RECIPIENT_KEY"})
"""Codes after which the sender seals the same message again, under its own id."""

_STEPS: Final = ("", Level.ACCEPTED, Level.HANDED_OVER, Level.OPENED, Level.ACTED)
_ENDED: Final = (Level.REFUSED, Level.MISMATCH, Level.MISDIRECTED)
_DONE: Final = frozenset({Level.HANDED_OVER, Level.OPENED, Level.ACTED, *_ENDED})


class Say(msgspec.Struct, frozen=True):
    """One record to stamp and whom it goes to.

    `answer`: the party that sent the message gets the record. `to`: further parties, with or without the message.
    `alone`: it is stamped with a signature of its own, so that its proof does not tell how much else was said.
    """

    record: StampRecord
    encoded: bytes
    salt: bytes
    entry: bytes
    to: tuple[tuple[str, bytes], ...]
    sealed: int
    answer: bool
    alone: bool = False
    card: bytes = b""
    """A key card for the directory, where it is one."""
    cosigned: bytes = b""
    """A witness's word for the log, where it is one."""

    @classmethod
    def of(
        cls,
        record: StampRecord,
        realm: Realm,
        to: tuple[tuple[str, bytes], ...] = (),
        *,
        sealed: int = 0,
        answer: bool = True,
        alone: bool = False,
        card: bytes = b"",
        cosigned: bytes = b"",
    ) -> Say:
        """Salt a record and name its log entry."""
        salt, encoded = secrets.token_bytes(32), record.encode()
        return cls(record, encoded, salt, entry_of(realm, salt, encoded), to, sealed, answer, alone, card, cosigned)


class Verdicts:
    """Verdicts over one partition's state."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._rules: InForce | None = None

    def begin(self, now: int) -> None:
        """Take the rules that hold at `now` (ms), for everything that is judged until the next call."""
        self._rules = self._directory.rules.at(now)

    @property
    def rulebook_hash(self) -> bytes:
        """The hash of the rulebook that holds; zeros where none does, and nothing is decided."""
        return bytes(32) if self._rules is None else self._rules.rulebook.hash

    def _in_force(self) -> InForce:
        if self._rules is None:
            raise RefusedError("RULES_MISSING", "no rules are in force, so nothing can be decided", retriable=True)
        return self._rules

    def of(self, checked: Checked, view: View, appended_at: int, now: int) -> list[Say]:
        """Return what to say about a checked message and change the view accordingly.

        Raises:
            RefusedError: the event, receipt or recall is not its signer's to say.
            FormatError: its body is not the one of its type.
        """
        if (track := view.track(checked.routing.message_id)) is not None and not _may_come_again(track, checked):
            raise RefusedError("MESSAGE_ID_USED", "a message with this id was judged already")
        if checked.routing.body is None:
            return self._decide(checked, view, appended_at, now)
        body = events.decode(checked.routing.type, checked.routing.body)
        match body:
            case Receipt():
                return [self._receipt(checked, body, view, appended_at, now)]
            case Recall():
                return self._recall(checked, body, view, appended_at, now)
            case KeySaid():
                return self._key(checked, body, view, appended_at, now)
            case LogCosigned():
                return [self._cosigned(checked, body, view, appended_at, now)]
            case _:
                return self._event(checked, body, view, appended_at, now)

    def expired(self, name: bytes, view: View, now: int) -> list[Say]:
        """Forget a message whose time is over; one that was permitted and never receipted ends as `expired`."""
        message_id = name.removeprefix(b"msg/")
        track = view.track(message_id)
        view.put(name, None)
        if track is None or not track.permitted or track.level in _DONE or track.level == RECALLED:
            return []
        self._close(message_id, track.ref, view)
        return [self._end(message_id, track, RECALL_EXPIRED, now)]

    def _decide(self, checked: Checked, view: View, appended_at: int, now: int) -> list[Say]:
        routing = checked.routing
        if routing.ask:
            view.spend("ask", checked.sender.party, now, ASKS_AN_HOUR)
        child = view.child(routing.ref)
        question = Question(
            type=routing.type,
            sender=checked.sender,
            recipient=checked.recipient,
            categories=routing.categories,
            claims=Claims(routing.age_band, routing.limb, routing.necessity, routing.motive is not None),
            claimed_ground=routing.ground,
            recipient_role=routing.recipient_role,
            ref_to=routing.ref_to or b"",
        )
        rulebook, seconds = self._in_force().rulebook, now // 1000
        decision = decide(question, child, rulebook, seconds)
        record = self._decision_record(checked, decision, child, appended_at, now)
        permitted = decision.outcome is Outcome.PERMIT and not routing.ask
        if not routing.ask:
            view.put_track(routing.message_id, _track(checked, permitted=permitted))
        if not permitted:
            answer = told(decision, question, child, rulebook, seconds)
            if answer is None:
                return [Say.of(record, self._directory.realm)]
            shown = self._record(
                checked, "answer", answer.outcome, appended_at, now, grounds=answer.grounds, reasons=answer.reasons
            )
            realm = self._directory.realm
            return [Say.of(record, realm, answer=False), Say.of(shown, realm, alone=True)]
        if decision.consents:
            leaning = Leaning(decision.consents, routing.categories)
            view.put_open(routing.ref, view.open(routing.ref) | {routing.message_id: leaning})
        remembered = remember(child, question, routing.message_id, seconds, part=checked.is_part)
        if remembered is not child:
            view.put_child(routing.ref, remembered)
        to = ((checked.recipient.party, checked.message.encode()),)
        return [Say.of(record, self._directory.realm, to, sealed=len(checked.message.content))]

    def _decision_record(
        self, checked: Checked, decision: Decision, child: ChildState, appended_at: int, now: int
    ) -> StampRecord:
        entries = {consent.given.consent_id: consent.entry for consent in child.consents} if decision.consents else {}
        return self._record(
            checked,
            "decision",
            decision.outcome,
            appended_at,
            now,
            subject=checked.routing.ref_to if checked.is_part else None,
            code=PART if checked.is_part else "",
            grounds=decision.grounds,
            reasons=decision.reasons,
            obligations=decision.obligations,
            consents=tuple(entries[Id16(each)] for each in dict.fromkeys(decision.consents)),
        )

    def _event(self, checked: Checked, body: EventBody, view: View, appended_at: int, now: int) -> list[Say]:
        if checked.recipient.id != checked.sender.id:
            raise RefusedError("EVENT_RECIPIENT", "an event is sealed to the unit that says it")
        routing, realm = checked.routing, self._directory.realm
        if isinstance(body, ProtectionMarked):
            view.spend("mark", checked.sender.party, now, MARKS_AN_HOUR)
        before = view.child(routing.ref)
        said_by = Said(
            checked.sender,
            now // 1000,
            bytes(32),
            self._directory.find_unit,
            routing.age_band,
            self._in_force().longest,
        )
        tried = apply(before, body, said_by)  # the record says what comes of it, and what comes of it names the record
        record = self._record(
            checked, "event", ACCEPTED, appended_at, now, subject=subject_of(body), code=said_of(body, before, tried)
        )
        salt, encoded = secrets.token_bytes(32), record.encode()
        entry = entry_of(realm, salt, encoded)
        after = apply(before, body, dataclasses.replace(said_by, entry=entry))
        view.put_child(routing.ref, after)
        view.put_track(routing.message_id, _track(checked, permitted=False))  # said again, it must not count again
        parties = notified(before, after, body, checked.sender, self._directory.find_unit)
        taken_back = isinstance(body, ConsentWithdrawn | ConsentRefused)
        said = [Say(record, encoded, salt, entry, tuple((party, b"") for party in parties), 0, True, taken_back)]
        if isinstance(body, ConsentWithdrawn | ConsentRefused):
            said += self._closed(checked, body, before, after, appended_at, now)
            said += self._recall_all(before, body, routing.ref, view, now)
        return said

    def _closed(
        self,
        checked: Checked,
        body: ConsentWithdrawn | ConsentRefused,
        before: ChildState,
        after: ChildState,
        appended_at: int,
        now: int,
    ) -> list[Say]:
        """Tell those who lean on it of each consent that a withdrawal closed, in whole or in part.

        Whoever withdrew is told only that it is recorded: which consents there were is not its to know.
        """
        said = []
        for consent, parties in closed(before, after, checked.sender, self._directory.find_unit):
            code = "CONSENT_WITHDRAWN" if consent.closed_at else "CONSENT_WITHDRAWN_IN_PART"
            record = self._record(
                checked, "notice", ACCEPTED, appended_at, now, subject=consent.given.consent_id, code=code
            )
            if not consent.closed_at and isinstance(body, ConsentWithdrawn):  # which part: they record it anew one day
                part = (body.category.value,) if body.category else ()
                record = msgspec.structs.replace(record, recipient=body.recipient or record.recipient, categories=part)
            to = tuple((party, b"") for party in parties)
            said.append(Say.of(record, self._directory.realm, to, answer=False))
        return said

    def _recall_all(
        self, before: ChildState, body: ConsentWithdrawn | ConsentRefused, ref: bytes, view: View, now: int
    ) -> list[Say]:
        """Stop whatever rests on what was closed and is not handed over yet."""
        said = []
        for message_id, leaning in view.open(ref).items():
            track = view.track(message_id)
            if track is None or not stops(before, body, leaning.consents, track.recipient, leaning.categories):
                continue
            view.put_track(message_id, msgspec.structs.replace(track, level=RECALLED))
            self._close(message_id, ref, view)
            said.append(self._end(message_id, track, "CONSENT_WITHDRAWN", now))
        return said

    def _recall(self, checked: Checked, body: Recall, view: View, appended_at: int, now: int) -> list[Say]:
        track = view.track(body.message_id)
        if track is None or track.sender != checked.sender.id or track.ref != checked.routing.ref:
            raise RefusedError("RECALL_UNKNOWN", "only a message's own sender recalls it, while it is remembered")
        if not track.permitted or track.level in _DONE or track.level == RECALLED:
            raise RefusedError("RECALL_TOO_LATE", "the message was handed over, refused or recalled already")
        view.put_track(body.message_id, msgspec.structs.replace(track, level=RECALLED))
        view.put_track(checked.routing.message_id, _track(checked, permitted=False))
        self._close(body.message_id, track.ref, view)
        record = self._record(checked, "event", ACCEPTED, appended_at, now, subject=body.message_id)
        return [Say.of(record, self._directory.realm), self._end(body.message_id, track, "RECALLED_BY_SENDER", now)]

    def _receipt(self, checked: Checked, body: Receipt, view: View, appended_at: int, now: int) -> Say:
        track = view.track(body.message_id)
        if (
            track is None
            or not track.permitted
            or (track.recipient, track.sender, track.ref)
            != (checked.sender.id, checked.recipient.id, checked.routing.ref)
        ):
            raise RefusedError("RECEIPT_UNKNOWN", "a receipt is only for a message that was permitted to this unit")
        if not _rises(track.level, body.level):
            raise RefusedError("RECEIPT_LEVEL", "a receipt's level only rises")
        code = track.code or body.code  # why it may come again outlives what is said after it
        view.put_track(body.message_id, msgspec.structs.replace(track, level=body.level.value, code=code))
        if body.level in _DONE:
            self._close(body.message_id, track.ref, view)
        record = self._record(checked, "receipt", body.level, appended_at, now, subject=body.message_id, code=body.code)
        to = ((track.sender_party, checked.message.encode()),)
        return Say.of(record, self._directory.realm, to, sealed=len(checked.message.content), answer=False)

    def _key(self, checked: Checked, body: KeySaid, view: View, appended_at: int, now: int) -> list[Say]:
        """Take what a party says about a key of its own; who publishes it verifies it again.

        A lost key's unread messages end here, and their senders seal them again.
        """
        view.spend("key", checked.sender.party, now, KEYS_AN_HOUR)
        known = self._directory.read_key(body.record)
        if known.party != checked.sender.party:
            raise RefusedError("KEY_NOT_YOURS", "a party says something about its own keys only")
        record = self._record(
            checked, "event", ACCEPTED, appended_at, now, code="KEY_REVOKED" if known.revocation else "KEY_NAMED"
        )
        view.put_track(checked.routing.message_id, _track(checked, permitted=False))
        said = [Say.of(record, self._directory.realm, card=body.record)]
        if known.revocation is not None and known.revocation.reason is Reason.LOST:
            for message_id, track in list(view.tracks()):
                if _unread(track, known):
                    view.put_track(message_id, msgspec.structs.replace(track, level=RECALLED, code=KEY_LOST))
                    self._close(message_id, track.ref, view)
                    said.append(self._end(message_id, track, KEY_LOST, now))
        return said

    def _cosigned(self, checked: Checked, body: LogCosigned, view: View, appended_at: int, now: int) -> Say:
        """Pass a witness's word on to the log, which looks at the signature itself."""
        view.spend("cosigned", checked.sender.party, now, COSIGNED_AN_HOUR)
        party, _ = self._directory.verify_key(body.kid, Purpose.PARTY_WITNESS, now)
        if party != checked.sender.party:
            raise RefusedError("KEY_NOT_YOURS", "a party cosigns with its own witness key only")
        record = self._record(checked, "event", ACCEPTED, appended_at, now, code="LOG_COSIGNED")
        view.put_track(checked.routing.message_id, _track(checked, permitted=False))
        return Say.of(record, self._directory.realm, cosigned=events.encode(body))

    def _close(self, message_id: bytes, ref: bytes, view: View) -> None:
        messages = view.open(ref)
        if message_id in messages:
            view.put_open(ref, {key: value for key, value in messages.items() if key != message_id})

    def _end(self, message_id: bytes, track: Track, code: str, now: int) -> Say:
        """Say to both ends that a message stops here."""
        record = StampRecord(
            kind="recall",
            leaf=track.leaf,
            message_id=message_id,
            subject=message_id,
            sender=track.sender,
            recipient=track.recipient,
            ref=track.ref,
            type=track.type,
            outcome=RECALLED,
            code=code,
            rulebook=self.rulebook_hash,
            directory=self._directory.version,
            decided_at=now,
            appended_at=now,
        )
        parties = dict.fromkeys((track.recipient_party, track.sender_party))
        return Say.of(record, self._directory.realm, tuple((party, b"") for party in parties), answer=False)

    def _record(
        self,
        checked: Checked,
        kind: str,
        outcome: str,
        appended_at: int,
        now: int,
        *,
        subject: bytes | None = None,
        code: str = "",
        grounds: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
        consents: tuple[bytes, ...] = (),
        obligations: tuple[str, ...] = (),
    ) -> StampRecord:
        routing = checked.routing
        return StampRecord(
            kind=kind,
            leaf=checked.leaf,
            message_id=routing.message_id,
            subject=subject,
            sender=routing.sender,
            recipient=routing.recipient,
            ref=routing.ref,
            type=routing.type,
            ask=routing.ask,
            outcome=str(outcome),
            code=code,
            grounds=grounds,
            reasons=reasons,
            consents=consents,
            obligations=obligations,
            categories=routing.categories,
            user=routing.user,
            rulebook=self.rulebook_hash,
            directory=self._directory.version,
            decided_at=now,
            appended_at=appended_at,
        )


def _may_come_again(track: Track, checked: Checked) -> bool:
    """Say whether a message may be judged again: it was never read for want of a key, and is the same one."""
    same = (track.sender, track.recipient, track.ref) == (
        checked.sender.id,
        checked.recipient.id,
        checked.routing.ref,
    )
    return same and track.code in SEAL_AGAIN and track.level in (Level.REFUSED, RECALLED)


def _unread(track: Track, known: Known) -> bool:
    """Say whether a message on its way needs a key that is lost."""
    if not track.permitted or track.level not in ("", Level.ACCEPTED) or track.recipient_party != known.party:
        return False
    return known.card.purpose == Purpose.PARTY_HOP or (
        known.card.purpose == Purpose.UNIT_CONTENT and known.card.unit == track.recipient
    )


def _track(checked: Checked, *, permitted: bool) -> Track:
    routing = checked.routing
    return Track(
        sender=routing.sender,
        recipient=routing.recipient,
        sender_party=checked.sender.party,
        recipient_party=checked.recipient.party,
        ref=routing.ref,
        type=routing.type,
        permitted=permitted,
        level="",
        expires=routing.expires + GRACE_MS,
        leaf=checked.leaf,
    )


def _rises(before: str, level: Level) -> bool:
    """Say whether a receipt's level may follow: steps rise; a refusal ends a message that was not handed over.

    That a message was misdirected is often seen only when it is read, so it follows any step.
    """
    if level is Level.MISDIRECTED:
        return before not in _ENDED
    if level in (Level.REFUSED, Level.MISMATCH):
        return before in ("", Level.ACCEPTED, RECALLED)
    if before == RECALLED:  # it was handed over before the recall came: that is what happened, so it is recorded
        return level is Level.HANDED_OVER
    return before in _STEPS and _STEPS.index(level) > _STEPS.index(before)
