"""What a party has itself recorded of a child, as the facts that papers are made from.

It reads the party's own store, consent book, circle and cards; nothing is asked of anybody. What other parties said to
each other is not here and cannot come onto a paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from samband.connectors.book import ConsentBook
from samband.connectors.client import Client
from samband.connectors.papers import rows as made
from samband.connectors.papers.row import Kind, Row
from samband.connectors.party import Party
from samband.connectors.store import InboxRow, Step
from samband.schemas.agreement import SHIPPED, shipped
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.event_bodies import Scope
from samband.schemas.identifiers import AgeBand, ChildIdentifier, age_band, birth_date
from samband.schemas.reasons import Remedy, explain
from samband.schemas.units import Unit
from samband.streams.decision.conditions import HOLD_PROTECTED
from samband.streams.decision.said import LONGEST
from samband.streams.inbox import STOCKHOLM

__all__ = ["Source"]

_DAY: Final = 86400
_GONE: Final = ("handed_over", "opened", "acted")
_WITHDRAWN: Final = "CONSENT_WITHDRAWN"
_PROTECTED: Final = "PROTECTED_ADDRESS"
_MARKED: Final = "protection.marked"


class Source:
    """One child, as one party knows it at a moment."""

    def __init__(self, party: Party, child: ChildIdentifier, now: datetime) -> None:
        self._party = party
        self._store = party.store
        self._book = ConsentBook(party)
        self._child = child
        self._refs = party.refs(child)
        self._now = now
        self._ladders = self._read_ladders()

    def _read_ladders(self) -> dict[bytes, list[Step]]:
        """Return what was said of the child and judged, own and told of, by message id, in order of time."""
        about = {ref.hex() for ref in self._refs}
        ladders = [
            (message_id, told)
            for message_id, steps in self._store.ladders()
            if (told := [step for step in steps if "type" in step.detail]) and told[0].detail.get("ref") in about
        ]
        return dict(sorted(ladders, key=lambda each: (each[1][0].at, each[0])))

    def rows(self, kind: Kind, subject: bytes | None) -> tuple[Row, ...]:
        """Return a paper's rows; `subject` is the question, consent or withdrawal that it is about.

        Raises:
            InputError: there is no such thing about this child, or a consent would not change the refusal.
        """
        match kind:
            case Kind.CONSENT_FORM:
                return made.consent_form(self._refusal(subject), self.unit)
            case Kind.CONSENT_RECEIPT:
                return made.consent_receipt(self._consent(subject), self.unit)
            case Kind.WITHDRAWAL_RECEIPT:
                return made.withdrawal_receipt(self._withdrawal(subject), self.unit)
            case Kind.CONTACT_CARD:
                return made.contact_card(self._members(), self.unit)
            case Kind.TOLD:
                return made.told(self._messages(), self.unit)
            case Kind.SIP:
                return self._plan(subject)

    def unit(self, unit: str) -> Unit | None:
        """Return a unit as its card says."""
        try:
            return self._party.directory.unit(unit)
        except RefusedError:
            return None

    @property
    def age_band(self) -> str:
        """The child's age band today, `unknown` where the number tells no birth date."""
        born = birth_date(self._child)
        return age_band(born, self._now.astimezone(STOCKHOLM).date()).value if born else "unknown"

    @property
    def adult(self) -> bool:
        """Whether the child is known to be 18 or older."""
        return self.age_band == AgeBand.FROM_18

    @property
    def marked(self) -> bool:
        """Whether the child has a protection mark, by the newest sign of it in the own store.

        Signs are an accepted mark, own or told of, what the gate asked of a letter, and a refusal for a mark. A letter
        that came without such a request shows that there was no mark then.
        """
        signs = [
            (row.letter["decided_at"], HOLD_PROTECTED in row.letter["obligations"])
            for row in self._store.letters_about(*self._refs)
        ]
        for step in (step for steps in self._ladders.values() for step in steps):
            marking = step.detail["type"] == _MARKED and step.outcome == "accepted"
            if marking or _PROTECTED in step.detail["reasons"]:
                signs.append((step.at, True))
            elif step.kind == "decision" and step.outcome == "permit":
                signs.append((step.at, HOLD_PROTECTED in step.detail["obligations"]))
        return max(signs, default=(0, False))[1]

    # what each kind of paper is about

    def _refusal(self, question: bytes | None) -> made.Refusal:
        if question is None:
            raise InputError("PAPER_FOR", "it is not said which refusal the form is for", "--for, the question's id")
        step = _decision(self._ladders.get(question, ()))
        if step is None or step.outcome not in ("deny", "ask"):
            raise InputError("PAPER_FOR", "no question or message about this child was refused under that id")
        reasons = tuple(step.detail.get("reasons", ()))
        if not any(explain(code).remedy is Remedy.FAMILY for code in reasons):
            raise InputError("PAPER_NO_CONSENT", "a consent would not change this refusal", "samband track says why")
        return made.Refusal(
            type=step.detail["type"],
            sender=step.detail["sender"],
            recipient=step.detail["recipient"],
            reasons=reasons,
            purpose="coordination",
            until=int(self._now.timestamp()) + self._longest - _DAY,
        )

    @property
    def _longest(self) -> int:
        """The longest life of a consent in seconds: the agreement's, where it ships; else no longer than any."""
        name = self._party.root.agreement
        return shipped(name).longest_consent_days * _DAY if name in SHIPPED else LONGEST

    def _consent(self, consent: bytes | None) -> made.Consent:
        entries = [(each, entry) for each, entry in self._book.entries() if entry["child"] == self._child]
        chosen = [entry for each, entry in entries if consent in (None, each) and self._accepted(entry["message_id"])]
        if not chosen:
            raise InputError("PAPER_FOR", "this party has recorded no such consent about this child")
        entry = chosen[-1]
        return made.Consent(
            disclosers=tuple(entry["disclosers"]),
            recipients=tuple(entry["recipients"]),
            categories=tuple(f"{each}:{entry['about']}" for each in entry["categories"]),
            purpose=entry.get("purpose", ""),
            since=entry.get("since", entry["recorded_at"] // 1000),
            until=entry["until"],
            givers=tuple((each, self._accepted(entry["signatures"].get(each, ""))) for each in entry["givers"]),
            child_view=entry.get("child_view", ""),
            how=entry.get("how", ""),
            language=entry.get("language", ""),
            recorded_by=entry.get("recorded_by", self._party.units[0].id),
            recorded_at=entry["recorded_at"] // 1000,
        )

    def _withdrawal(self, message: bytes | None) -> made.Withdrawal:
        found = [
            (at, entry)
            for each, entry in self._book.withdrawals().items()
            if entry["child"] == self._child and message in (None, each) and (at := self._accepted(each.hex()))
        ]
        if not found:
            raise InputError("PAPER_FOR", "this party has recorded no such withdrawal about this child")
        at, entry = max(found, key=lambda pair: pair[0])
        own = [(sent, steps) for sent, steps in self._sent() if self._rests(sent, steps, entry)]
        return made.Withdrawal(
            at=at,
            scope=entry["scope"],
            recipient=entry["recipient"],
            category=entry["category"],
            stopped=tuple(sent for sent, steps in own if sent.state == "stopped" and _stopped_by(steps, at)),
            gone=tuple(sent for sent, _ in own if sent.state == "handed_over" and sent.at <= at),
        )

    def _rests(self, sent: made.Sent, steps: list[Step], withdrawal: dict[str, Any]) -> bool:
        """Say whether a message was sent on what a withdrawal takes back."""
        if "CONSENT" not in sent.grounds:
            return False
        match Scope(withdrawal["scope"]):
            case Scope.EVERYTHING:
                return True
            case Scope.RECIPIENT:
                return sent.recipient == str(withdrawal["recipient"])
            case Scope.CATEGORY:
                return str(withdrawal["category"]) in {each.partition(":")[0] for each in sent.categories}
            case Scope.CONSENT:
                entry = dict(self._book.entries()).get(bytes.fromhex(withdrawal["consent"]))
                recorded = self._store.steps(bytes.fromhex(entry["message_id"])) if entry else []
                leaned_on = {each for step in steps for each in step.detail.get("consents", ())}
                return any(step.detail.get("entry") in leaned_on for step in recorded)

    def _plan(self, message: bytes | None) -> tuple[Row, ...]:
        """Return the newest plan that came about the child, or the one named. An own plan is in the own system."""
        found = [
            row
            for row in self._store.letters_about(*self._refs)
            if row.type == made.SIP_PLAN and row.letter["content"] and message in (None, row.message_id)
        ]
        sender = self.unit(found[-1].letter["sender_unit"]) if found else None
        if sender is None:
            raise InputError("PAPER_FOR", "no plan about this child has come to this party", "samband inbox list")
        if found[-1].held:
            raise InputError("PAPER_HELD", "the plan is held back, since the child is protected", "samband inbox show")
        return made.sip(found[-1].letter["content"], sender.kind)

    def _members(self) -> Iterator[str]:
        at = int(self._now.timestamp())
        return (each.unit for each in Client(self._party).circle(self._child) if each.holds_at(at))

    def _messages(self) -> Iterator[made.Sent]:
        yield from (sent for sent, _ in self._sent())
        yield from map(_received, self._store.letters_about(*self._refs))

    def _sent(self) -> Iterator[tuple[made.Sent, list[Step]]]:
        """Yield what this party said about the child and was permitted, each with its ladder."""
        for message_id, steps in self._ladders.items():
            decision = _decision(steps)
            row = None if decision is None else CATALOGUE.get(decision.detail["type"])
            if decision is None or row is None or not row.carries_content:
                continue
            if decision.outcome == "permit" and not decision.detail.get("ask"):
                yield _told(message_id, decision, steps[-1].outcome), steps

    def _accepted(self, message_id: str) -> int:
        """Return when the gate took an event, in seconds since 1970 UTC; 0 where it has not."""
        steps = self._store.steps(bytes.fromhex(message_id)) if message_id else []
        return next((step.at // 1000 for step in steps if step.outcome == "accepted"), 0)


def _decision(steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if step.kind == "decision"), None)


def _told(message_id: bytes, decision: Step, state: str) -> made.Sent:
    detail = decision.detail
    return made.Sent(
        id=message_id.hex(),
        at=decision.at // 1000,
        type=detail["type"],
        sender=detail["sender"],
        recipient=detail["recipient"],
        categories=tuple(detail["categories"]),
        grounds=tuple(detail["grounds"]),
        state=_state(state),
    )


def _received(row: InboxRow) -> made.Sent:
    letter = row.letter
    return made.Sent(
        id=row.message_id.hex(),
        at=letter["decided_at"] // 1000,
        type=row.type,
        sender=letter["sender_unit"],
        recipient=row.unit,
        categories=tuple(letter["categories"]),
        grounds=tuple(letter["grounds"]),
        state=_state(row.state),
    )


def _state(state: str) -> str:
    if state in _GONE:
        return "handed_over"
    return "on_the_way" if state in ("permit", "accepted", "waiting", "handing", "shown") else "stopped"


def _stopped_by(steps: list[Step], withdrawn_at: int) -> bool:
    return any(step.kind == "recall" and step.code == _WITHDRAWN and step.at // 1000 >= withdrawn_at for step in steps)
