"""One synthetic child's story, told by three authorities and a private home. Each step says what comes of it, checked.

The sentences are the demo's own; nothing else in the product knows them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from samband.connectors.client import Outcome
from samband.connectors.demo.house import BUP, HOME, SCHOOL, SOCIAL, House, Place
from samband.schemas.categories import Category
from samband.schemas.events import (
    ChildView,
    CircleUpdate,
    ConsentGiven,
    ConsentSigned,
    ConsentWithdrawn,
    Digest,
    EventBody,
    Giver,
    GiverRole,
    Id16,
    MarkKind,
    Member,
    ProtectionMarked,
    Recipient,
    View,
)
from samband.schemas.testdata import Child, synthetic

__all__ = ["Step", "Story"]

_WAIT_S: Final = 25.0
_PAUSE_S: Final = 0.01
_FINAL: Final = frozenset({"deny", "ask", "refused", "recalled", "handed_over", "opened", "acted", "mismatch"})


@dataclass(slots=True)
class Step:
    """What one step was, what came of it, and whether that is what was told."""

    step: str
    sender: Place
    to: Place
    type: str
    told: str
    """The decision that the story foretells."""
    message_id: bytes = b""
    decision: str = "…"
    grounds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    receipts: tuple[str, ...] = ()
    readers: str = ""
    note: str = ""
    group: str = ""
    """Steps of one group stand in one row of the table."""
    ok: bool = False
    ms: int = 0

    def json(self) -> dict[str, Any]:
        """Return the step as the demo's file has it."""
        return {
            "step": self.step,
            "from": self.sender.unit,
            "to": self.to.unit,
            "type": self.type,
            "message_id": self.message_id.hex(),
            "decision": self.decision,
            "grounds": list(self.grounds),
            "reasons": list(self.reasons),
            "receipts": list(self.receipts),
            "ok": self.ok,
            "ms": self.ms,
        }


def _thirteen() -> Child:
    """Return a synthetic child who turns 13 this year: the same all year, so that a command can name it."""
    return synthetic(13, born=date(datetime.now(UTC).year - 13, 1, 1))


@dataclass(slots=True)
class Story:
    """The story in one house; `play` yields each step when it begins and again when it is done."""

    house: House
    steps: list[Step] = field(default_factory=list)
    shown: Step | None = None
    """The step whose message is shown as broker and recipient saw it."""
    child: Child = field(default_factory=_thirteen)
    _consent: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def play(self) -> Iterator[Step]:
        """Play the nine parts in order."""
        for part in (
            self._denied,
            self._consented,
            self._examined,
            self._at_a_desk,
            self._concerned,
            self._undisclosed,
            self._through_a_crash,
            self._withdrawn,
            self._protected,
        ):
            yield from part()

    # the parts

    def _denied(self) -> Iterator[Step]:
        members = (Member(SCHOOL.unit, "school", 1), Member(BUP.unit, "bup", 1))
        claimed = CircleUpdate(members, claim=True)
        yield from self._event("0", SOCIAL, "circle.update", claimed, "the placing unit is responsible")
        yield from self._send(
            "1", SOCIAL, SCHOOL, "placement.notice", self._notice(), told="deny", why="CONSENT_MISSING"
        )

    def _consented(self) -> Iterator[Step]:
        given = self._consent_body(self._consent)
        yield from self._event("2", SOCIAL, "consent.given", given, "recorded, nobody has signed: pending")
        for number in (1, 2):
            signed = ConsentSigned(Id16(self._consent), f"guardian-{number}", Digest(secrets.token_bytes(32)))
            yield from self._event("2", SOCIAL, "consent.signed", signed, f"guardian {number} of 2; the child agrees")
        for step in self._send(
            "2",
            SOCIAL,
            SCHOOL,
            "placement.notice",
            self._notice(),
            told="permit",
            why="CONSENT",
            note="a file at the school",
        ):
            if step.ms:
                step.ok = step.ok and self._lies_at_school(step)
                self.shown = step
            yield step

    def _examined(self) -> Iterator[Step]:
        request = {
            "part": "psychological",
            "law": "SoL",
            "placed_on": "2026-11-02",
            "background": "Sover dåligt sedan flytten. Undrar själv vem hon kan prata med.",
        }
        for step in self._send(
            "3",
            SOCIAL,
            BUP,
            "health_exam.request",
            request,
            told="permit",
            why="DUTY_HEALTH_EXAM",
            note="by webhook, no consent",
        ):
            if step.ms:
                step.ok = step.ok and self.house.case_system.ids().count(step.message_id.hex()) == 1
            yield step
        asked = self.steps[-1].message_id
        statement = {
            "part": "psychological",
            "examined_on": "2026-11-20",
            "assessment": "Oro och sömnsvårigheter efter uppbrottet. Stödsamtal inleds.",
        }
        yield from self._send(
            "3", BUP, SOCIAL, "health_exam.statement", statement, told="permit", why="CARE_TO_SOCIAL", ref_to=asked
        )

    def _at_a_desk(self) -> Iterator[Step]:
        """A private home has no system: somebody there opens the letter in a browser and says what was done."""
        given = self._consent_body(secrets.token_bytes(16), signed=("guardian-1", "guardian-2"), to=(HOME, "hvb"))
        yield from self._event("4", SOCIAL, "consent.given", given, "both guardians have signed, for the home")
        for step in self._send(
            "4", SOCIAL, HOME, "placement.notice", self._notice(), told="permit", why="CONSENT", note="at its desk"
        ):  # fmt: skip
            if step.ms and step.ok:
                self.house.desk.take(step.message_id)
                self._note(step, self._await(step, lambda outcome: outcome.state == "acted"))
                step.ok = step.receipts[-2:] == ("opened", "acted")
            yield step

    def _concerned(self) -> Iterator[Step]:
        report = {
            "urgency": "today",
            "concern": "Hon kom utan jacka i dag igen och ville inte gå hem efter sista lektionen.",
            "family_told": "no",
            "family_not_told_why": "Hon bad oss att inte ringa hem innan ni har pratat med henne.",
        }
        yield from self._send("5", SCHOOL, SOCIAL, "concern.report", report, told="permit", why="DUTY_REPORT")

    def _undisclosed(self) -> Iterator[Step]:
        text = {"text": "Stödsamtalen är på tisdagar klockan tio; hon får gärna komma senare till skolan."}
        yield from self._send("6", BUP, SCHOOL, "dialogue.message", text, told="deny", why="CONSENT_DISCLOSER")

    def _through_a_crash(self) -> Iterator[Step]:
        lines = ("När kan ni ses?", "Torsdag passar.", "Vi tar med skolans schema.", "Bra. Vem bokar?", "Det gör vi.")
        before = len(self.house.case_system.received), len(self.house.files(SOCIAL))
        sent: list[Step] = []
        for number in range(10):
            sender, to = (SOCIAL, BUP) if number % 2 == 0 else (BUP, SOCIAL)
            step = self._begin("7", sender, to, "dialogue.message", "permit")
            step.group = "both ways, while the gate is killed"
            step.message_id = self._say(step, {"text": lines[number // 2]}, None)
            sent.append(step)
            yield step
            if number == 4:
                self.house.hub.kill_gate()
        for step in sent:
            self._finish(step, "CARE_TO_SOCIAL" if step.sender is BUP else "SOCIAL_TO_CARE")
            yield step
        took = len(self.house.case_system.received) - before[0], len(self.house.files(SOCIAL)) - before[1]
        for step in sent:
            step.ok = step.ok and took == (5, 5)

    def _withdrawn(self) -> Iterator[Step]:
        self.house.stop_connector(SCHOOL)
        caught = self._begin("8", SOCIAL, SCHOOL, "placement.notice", "recalled", "the school's connector is stopped")
        caught.message_id = self._say(caught, self._notice(to_date="2027-06-30"), None)
        yield caught
        self._await(caught, lambda outcome: outcome.decided)
        withdrawn = ConsentWithdrawn(giver_role=GiverRole.GUARDIAN)
        yield from self._event("8", SOCIAL, "consent.withdrawn", withdrawn, "one guardian withdraws")
        self.house.start_connector(SCHOOL)
        outcome = self._await(
            caught, lambda outcome: (outcome.final and outcome.state == "recalled") or _refused(outcome)
        )
        self._note(caught, outcome)
        caught.decision = "recalled"
        caught.ok = "recalled" in [step.outcome for step in outcome.steps] and not self._lies_at_school(caught)
        caught.readers = "nobody"
        yield caught
        yield from self._send(
            "8", SOCIAL, SCHOOL, "placement.notice", self._notice(), told="deny", why="CONSENT_WITHDRAWN"
        )

    def _protected(self) -> Iterator[Step]:
        mark = ProtectionMarked(MarkKind.SECRET_WHEREABOUTS)
        yield from self._event("9", SOCIAL, "protection.marked", mark, "secret whereabouts (OSL 26:2)")
        where = {"text": "Ny adress från i morgon.", "address": "Exempelvägen 7, 720 00 Provsta"}
        yield from self._send("9", SOCIAL, BUP, "dialogue.message", where, told="deny", why="FORBID_PROTECTED")
        again = self._consent_body(secrets.token_bytes(16), signed=("guardian-1", "guardian-2"))
        yield from self._event("9", SOCIAL, "consent.given", again, "both guardians consent anew")
        for step in self._send(
            "9",
            SOCIAL,
            SCHOOL,
            "placement.notice",
            self._notice(),
            told="permit",
            why="CONSENT",
            note="a reference only",
        ):
            if step.ms:
                file = self.house.files(SCHOOL).get(step.message_id.hex(), {})
                step.ok = step.ok and file.get("held") is True and "content" not in file
                step.readers = "Skolan, in its connector"
            yield step

    # what the parts are made of

    def _notice(self, **more: str) -> dict[str, Any]:
        return {"event": "started", "law": "SoL", "form": "family_home", "from_date": "2026-11-02", **more}

    def _consent_body(
        self, consent: bytes, signed: tuple[str, ...] = (), to: tuple[Place, str] = (SCHOOL, "school")
    ) -> ConsentGiven:
        now = int(time.time())
        return ConsentGiven(
            consent_id=Id16(consent),
            disclosers=(SOCIAL.unit,),
            recipients=(Recipient(to[0].unit, to[1]),),
            categories=(Category.IDENTITY, Category.PLACEMENT, Category.SCHEDULE),
            purpose="schooling_during_placement",
            valid_from=now - 60,
            valid_to=now + 180 * 86_400,
            givers=(Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.GUARDIAN, "guardian-2")),
            signed_by=signed,
            child_view=ChildView(View.AGREES),
            explained=("what", "to_whom", "withdrawal"),
            evidence=Digest(secrets.token_bytes(32)),
            recorder_role="socialsekreterare",
            acting_user=Digest(secrets.token_bytes(32)),
        )

    def _begin(self, number: str, sender: Place, to: Place, type_name: str, told: str, note: str = "") -> Step:
        step = Step(number, sender, to, type_name, told, note=note)
        step.ms = -time.monotonic_ns() // 1_000_000
        self.steps.append(step)
        return step

    def _say(self, step: Step, fields: dict[str, Any], ref_to: bytes | None) -> bytes:
        content = {
            "child_identifier": self.child.identifier,
            "child_name": self.child.name,
            "sender_reference": f"DNR-{step.step}-2026",
            "acting_user": {"id": "u-1001", "role": "handläggare"},
            **fields,
        }
        return self.house.client(step.sender).send(
            step.type,
            recipient=step.to.unit,
            content=content,
            now=datetime.now(UTC),
            necessity="support" if {step.sender, step.to} == {SOCIAL, BUP} else "",
            ref_to=ref_to,
            conversation=ref_to,
        )

    def _send(
        self,
        number: str,
        sender: Place,
        to: Place,
        type_name: str,
        fields: dict[str, Any],
        *,
        told: str,
        why: str,
        note: str = "",
        ref_to: bytes | None = None,
    ) -> Iterator[Step]:
        step = self._begin(number, sender, to, type_name, told, note)
        yield step
        step.message_id = self._say(step, fields, ref_to)
        self._finish(step, why)
        yield step

    def _finish(self, step: Step, why: str) -> None:
        outcome = self._await(step, lambda outcome: outcome.state in _FINAL)
        self._note(step, outcome)
        step.ok = step.decision == step.told and why in (*step.grounds, *step.reasons)
        if step.told == "permit":
            step.ok = step.ok and step.receipts[-1] == "handed_over"
        step.readers = step.to.name if step.decision == "permit" else "nobody"

    def _event(self, number: str, place: Place, type_name: str, body: EventBody, note: str) -> Iterator[Step]:
        step = self._begin(number, place, place, type_name, "accepted", note)
        yield step
        step.message_id = self.house.client(place).record(body, child=self.child.identifier, now=datetime.now(UTC))
        outcome = self._await(step, lambda outcome: outcome.decided)
        self._note(step, outcome)
        step.ok = step.decision == "accepted"
        step.readers = place.name
        yield step

    def _await(self, step: Step, done: Callable[[Outcome], bool]) -> Outcome:
        client = self.house.client(step.sender)
        deadline = time.monotonic() + _WAIT_S
        while not done(outcome := client.outcome(step.message_id)):
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_S)
        return outcome

    def _note(self, step: Step, outcome: Outcome) -> None:
        step.ms = max(1, step.ms + time.monotonic_ns() // 1_000_000)
        step.receipts = tuple(each.outcome for each in outcome.steps)
        if outcome.steps:
            first = outcome.steps[0]
            step.decision = first.outcome
            step.grounds, step.reasons = tuple(first.detail["grounds"]), tuple(first.detail["reasons"])
            if first.code:
                step.reasons = (*step.reasons, first.code)
        else:
            step.decision = "no answer"

    def _lies_at_school(self, step: Step) -> bool:
        """Say whether the school's folder has the message."""
        return step.message_id.hex() in self.house.files(SCHOOL)


def _refused(outcome: Outcome) -> bool:
    return any(step.outcome == "refused" for step in outcome.steps)
