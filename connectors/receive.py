"""What a record of the own inbox changes in the store, and what it is answered with.

Called for each record inside the transaction that also keeps the next offset: a record is taken once, whatever crashes.
A record that is not believed changes nothing but a counter, and stops nobody else's.
"""

from __future__ import annotations

import logging
import sqlite3
from base64 import b64encode
from typing import Any, Final

from samband.connectors.anew import Anew
from samband.connectors.boxes import Place, count, gaps, take_number
from samband.connectors.copies import check_own
from samband.connectors.gather import Gather, answer
from samband.connectors.hear import hear
from samband.connectors.party import Party
from samband.connectors.receipts import recall_of, receipt_for
from samband.connectors.spoken import Spoken
from samband.connectors.store import Step
from samband.connectors.watch import heard
from samband.connectors.witness import due
from samband.schemas import events
from samband.schemas.attachment import PART_SCHEMA_ID
from samband.schemas.errors import FormatError, OperatorError, SambandError
from samband.schemas.events import Level, Receipt
from samband.schemas.message import Down
from samband.schemas.routing import Routing
from samband.schemas.stamp import StampRecord
from samband.streams.crypto.reference import partition_of
from samband.streams.decision.conditions import HOLD_PROTECTED
from samband.streams.inbox import Accept, Received
from samband.streams.log.bundle import label_of

__all__ = ["REVOKED", "Receiver", "receipt_for"]

log = logging.getLogger("samband.connector")

REVOKED: Final = "revoked/"
"""Before the place of an inbox record that was not believed because a key of it was taken back: when it came."""
_TAKEN_BEFORE = frozenset({"MESSAGE_ID_USED", "RECEIPT_LEVEL"})
"""The gate's word on what it has had already, under another number: no refusal."""
_LOST_KEY = frozenset({"KEY_LOST", "RECIPIENT_KEY"})
"""The recipient could not open it: it is sealed again, to the unit's next key."""
_OTHER_KEY = frozenset({*_LOST_KEY, "KEY_EXPIRED", "KEY_REVOKED", "KEY_UNKNOWN"})
"""The gate would take it sealed to, or signed with, another key."""
_ENDS = frozenset({Level.HANDED_OVER, Level.OPENED, Level.ACTED, Level.REFUSED, Level.MISMATCH, Level.MISDIRECTED})


class Receiver:
    """Takes the records of one party's inbox."""

    def __init__(self, party: Party, accept: Accept) -> None:
        self._party = party
        self._store = party.store
        self._accept = accept
        self._spoken = Spoken(party.store)
        self._anew = Anew(party)
        self._gather = Gather(party)
        self.decided = 0
        """How many of our messages the gate has decided since the start: the sender looks whether it rises."""
        self.caught_up = False
        """Whether the inbox was read to its end since the start: what comes now is said now."""
        self.again = False
        """Whether the inbox is read from its beginning another time: repeats are no news."""

    def take(self, offset: int, value: bytes | None, now: int) -> bool:
        """Take one record; True where it left something to send.

        A record that is not believed, or that trips us, changes nothing, is counted, and stops nobody else's.

        Raises:
            OperatorError, sqlite3.Error: the store cannot be written.
        """
        try:
            with self._store.attempt():
                return self._take(offset, value, now)
        except (OperatorError, sqlite3.Error):
            raise  # the record stays where it is, and is read again
        except Exception as error:
            code = error.code if isinstance(error, SambandError) else type(error).__name__
            count(self._store, "incident")
            if code == "KEY_REVOKED":
                self._store.keep_number(f"{REVOKED}{offset}", now)
            log.warning("inbox record refused", extra={"code": code, "offset": offset})
            return False

    def _take(self, offset: int, value: bytes | None, now: int) -> bool:
        received = self._accept.open(value)
        down, stamp = received.down, received.stamp
        if take_number(self._store, down.partition, down.box_seq, now) is Place.REPEAT:
            if not self.again:
                count(self._store, "box_repeat")
            return False
        if stamp is not None:
            heard(self._party, stamp, received.entry, down.partition, now)
            due(self._store, received, now)
        stamps = [] if stamp is None else [stamp, *(answer for answer, _ in received.more)]
        another = check_own(self._store, down, stamps, now, caught_up=self.caught_up)
        own = not another and down.instance == self._store.instance
        if own and stamp is not None and stamp.kind == "refusal":
            self._refusal(received, stamp, now)
        told = another | (stamp is not None and self._told(received, stamp, offset, now))
        return told | (own and self._acknowledge(down))

    def _acknowledge(self, down: Down) -> bool:
        """Take what the gate has decided; True where it has said no word on something, which goes out again."""
        again = self._store.repeat_unanswered(down.partition, down.ack)
        if again:
            log.warning("acknowledged without an answer", extra={"code": "ANSWER_MISSING", "again": again})
        self.decided += again + self._store.acknowledge(down.partition, down.ack)
        self._store.drop_receipts(down.partition, down.ack)
        return bool(again)

    def _told(self, received: Received, stamp: StampRecord, offset: int, now: int) -> bool:
        """Take what a stamp says; True where it left something to send."""
        match stamp.kind:
            case "decision" if received.routing is not None:
                if received.routing.content_schema == PART_SCHEMA_ID:
                    return self._part(received, received.routing, stamp, offset, now)
                return self._letter(received, received.routing, stamp, offset, now)
            case "receipt":
                self._receipt(received, stamp, now)
            case "recall":
                return self._recall(received, stamp, now)
            case "refusal" | "head":
                pass  # taken above; of a refusal the gate may not have been able to read which message it was
            case _:
                every = ((stamp, received.entry), *received.more)
                said = [self._answer(received, each, entry, now) for each, entry in every]
                return any(said)
        return False

    def _refusal(self, received: Received, stamp: StampRecord, now: int) -> None:
        """The gate did not even judge what we sent with this seq."""
        down = received.down
        message_id = self._store.message_at(down.partition, down.ack)
        if message_id is None:
            return
        if stamp.code in _TAKEN_BEFORE:
            self._store.answered(message_id, sent=True)  # what became of it was said, or is said, by its own answer
            return
        log.error("message refused by the gate", extra={"code": stamp.code})
        self._spoken.refused(message_id, stamp.code, now)
        self._store.add_step(message_id, step_of(stamp, "refusal", received.entry, received))
        if stamp.code not in _OTHER_KEY or not self._store.seal_again(message_id, now):
            self._store.finish(message_id)
            self._stop_parts(message_id, now)

    def _stop_parts(self, main: bytes, now: int) -> bool:
        """Recall the pieces that were permitted of a message that is not; True where there are any."""
        drafts = [self._store.draft(each) for each, _, ended in self._store.parts_said(main) if not ended]
        recalls = [recall_of(draft, "NOT_PERMITTED", now) for draft in drafts if draft is not None]
        for recall in recalls:
            self._store.add_draft(recall, partition_of(recall.ref, self._party.root.shards))
        return bool(recalls)

    def _answer(self, received: Received, stamp: StampRecord, entry: bytes, now: int) -> bool:
        """The gate's word on something that we said, or a notice of what another said; True where we say it on."""
        again = False
        mine = any(unit.id == stamp.sender for unit in self._party.units)
        told = "decision" if stamp.kind == "answer" else stamp.kind
        kind = told if mine or not stamp.sender else "notice"
        # What another said of a consent is found under the consent.
        about = stamp.subject if kind == "notice" and stamp.subject else stamp.message_id
        self._store.add_step(about, step_of(stamp, kind, entry, received))
        if mine and stamp.kind == "event":
            self._spoken.accepted(stamp.message_id, stamp.decided_at)
            again = self._anew.follow(stamp.message_id, now)
        if (closing := hear(self._spoken, stamp, entry, mine=mine)) and self._anew.follow(closing, now):
            again = True
        if mine and (stamp.outcome != "permit" or stamp.ask):
            self._store.finish(stamp.message_id)
            again |= self._stop_parts(stamp.message_id, now)
        elif mine:
            self._store.answered(stamp.message_id)
        return again

    def _receipt(self, received: Received, stamp: StampRecord, now: int) -> None:
        """What the recipient's party says about a message of ours."""
        routing = received.routing
        if routing is None or routing.body is None or stamp.subject is None:
            return
        body = events.decode("receipt", routing.body)
        if not isinstance(body, Receipt) or body.message_id != stamp.subject:
            count(self._store, "incident")
            return
        self._store.add_step(stamp.subject, step_of(stamp, "receipt", received.entry, received))
        lost = body.level is Level.REFUSED and body.code in _LOST_KEY
        if body.level in _ENDS and not (lost and self._store.seal_again(stamp.subject, now)):
            self._store.finish(stamp.subject)

    def _recall(self, received: Received, stamp: StampRecord, now: int) -> bool:
        """Stop a letter that is not handed over yet, or learn that a message of ours was stopped."""
        subject = stamp.subject or b""
        answered = False
        row = self._store.letter(subject)
        if stamp.code in _LOST_KEY:
            pass  # what is here was opened already, and goes on
        elif row is not None and self._store.recall_letter(subject, now, stamp.code):
            answer(self._party, row, Level.REFUSED, "RECALLED", now)
            answered = True
        elif row is None and self._gather.recall(subject, now):
            answered = True
        elif row is None and gaps(self._store):  # the message itself may be what is missing, and come late
            self._store.keep_sealed(f"recalled/{subject.hex()}", stamp.code.encode())
        if any(unit.id == stamp.sender for unit in self._party.units):
            self._store.add_step(subject, step_of(stamp, "recall", received.entry, received))
            if stamp.code not in _LOST_KEY or not self._store.seal_again(subject, now):
                self._store.finish(subject)
        return answered

    def _label(self, received: Received, routing: Routing, stamp: StampRecord) -> dict[str, Any]:
        """Return what is kept of a message beside its content."""
        return {
            "conversation": routing.conversation.hex(),
            "e": routing.e,
            "ref_to": routing.ref_to.hex() if routing.ref_to else None,
            "unit": routing.recipient,
            "sender_unit": routing.sender,
            "sender_party": self._party.directory.unit(routing.sender).party,
            "created": routing.created,
            "decided_at": stamp.decided_at,
            "grounds": list(stamp.grounds),
            "obligations": list(stamp.obligations),
            "categories": list(stamp.categories),
            "consents": [entry.hex() for entry in stamp.consents],
            "decision": received.entry.hex(),
            "proof": b64encode(received.proof(received.entry)).decode(),
            "label": label_of(received.message).value() if received.message else None,
            "age_band": routing.age_band,
            "kid": received.message.kid.hex() if received.message else "",
            "stamp_kid": received.stamp_kid.hex(),
            "sealed_to": routing.recipient_kid.hex(),
            "content": None,
        }

    def _part(self, received: Received, routing: Routing, stamp: StampRecord, offset: int, now: int) -> bool:
        """Keep a piece of a file until its message comes; True where it is answered at once."""
        letter = self._label(received, routing, stamp)
        try:
            part = self._accept.part(received, now)
        except SambandError as error:
            log.error("part not kept", extra={"code": error.code, "offset": offset})
            self._gather.refuse(routing, letter, _level(error), error.code, now)
            return True
        return self._gather.take(part, routing, letter, now)

    def _letter(self, received: Received, routing: Routing, stamp: StampRecord, offset: int, now: int) -> bool:
        letter = self._label(received, routing, stamp)
        state, code, level = "waiting", "", None
        try:
            content = self._accept.letter(received, now).content
            self._gather.check(routing, letter, content, now)
            letter["content"] = content
        except SambandError as error:
            state, code, level = "refused", error.code, _level(error)
            log.error("letter not handed over", extra={"code": code, "offset": offset})
        stopped = self._store.sealed(f"recalled/{routing.message_id.hex()}")
        if stopped is not None and level is None:
            state, code, level = "recalled", stopped.decode(), Level.REFUSED
        held = HOLD_PROTECTED in stamp.obligations and self._party.settings.protected == "hold"
        added = self._store.add_letter(
            routing.message_id,
            offset=offset,
            ref=routing.ref,
            unit=routing.recipient,
            type=routing.type,
            expires=routing.expires,
            held=held,
            letter=letter,
            now=now,
            state=state,
            code=code,
        )
        before = None if added else self._store.letter(routing.message_id)
        anew = before is not None and before.letter.get("sealed_to") != letter["sealed_to"]
        if before is not None and anew and before.state in ("handed_over", "opened"):
            level = Level.HANDED_OVER  # its sender was told that a key was lost: it was handed over all the same
        if level is not None and (added or level is Level.HANDED_OVER):
            draft = receipt_for(self._party, letter, routing.ref, routing.message_id, level, code, now)
            self._store.add_draft(draft, partition_of(routing.ref, self._party.root.shards))
        if level is not None and added and code not in _LOST_KEY:
            self._gather.end(routing.message_id, level, code, now)
        return level is not None


def _level(error: SambandError) -> Level:
    """Return how a message ends that is refused with an error."""
    mismatch = error.code.startswith("MISMATCH") or error.code == "ATTACHMENT_MISMATCH"
    return Level.MISMATCH if mismatch or isinstance(error, FormatError) else Level.REFUSED


def step_of(stamp: StampRecord, kind: str, entry: bytes, received: Received | None = None) -> Step:
    """Return a stamp as a step of a ladder, with what proves it where it was received."""
    detail = {
        "grounds": list(stamp.grounds),
        "reasons": list(stamp.reasons),
        "obligations": list(stamp.obligations),
        "categories": list(stamp.categories),
        "consents": [consent.hex() for consent in stamp.consents],
        "entry": entry.hex(),
        "proof": b64encode(received.proof(entry)).decode() if received else "",
        "ref": stamp.ref.hex(),
        "user": stamp.user.hex(),
        "type": stamp.type,
        "ask": stamp.ask,
        "sender": stamp.sender,
        "recipient": stamp.recipient,
        "subject": stamp.subject.hex() if stamp.subject else None,
    }
    return Step(stamp.decided_at, kind, stamp.outcome, stamp.code, detail)
