"""What the parties of the fault test say, and what must become of it.

    writer = Writer(seed, messages, world)
    writer.write(50)
    writer.said, writer.consents

Everything random comes from the seed. What a consent carries is foretold from what its sender has seen: the gate's
receipt of a withdrawal means that nothing written afterwards is permitted.
"""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from samband.schemas.categories import Category
from samband.schemas.event_bodies import (
    ChildView,
    ConsentGiven,
    ConsentWithdrawn,
    Digest,
    Giver,
    GiverRole,
    Id16,
    Recipient,
    View,
)
from samband.schemas.testdata import synthetic
from tests.kafka.fault_checks import Said
from tests.kafka.fault_world import UNITS, World

__all__ = ["Writer"]

_STORY: Final = {"dialogue": 50, "reply": 15, "concern": 10, "consent": 20, "nobody": 5}
"""What is said, and how often of a hundred."""


@dataclass(slots=True)
class Consent:
    """What the writer knows of one child's consent, from social services towards the school."""

    sender: str
    phase: str = "none"
    """none → given → active → withdrawn → closed → given …"""
    waits_for: tuple[str, bytes] = ("", b"")
    by: str = ""
    """Who said the withdrawal."""
    recent: list[Said] = field(default_factory=list)


class Writer:
    """The parties' people: says everything, and remembers what must become of it."""

    def __init__(self, seed: int, messages: int, world: World) -> None:
        self._chance = random.Random(seed + 1)
        self._world = world
        self.said: list[Said] = []
        self.consents: dict[bytes, tuple[str, ConsentGiven | ConsentWithdrawn]] = {}
        """Event id → (child, body)."""
        number = max(40, messages // 100)
        every = {str(synthetic(n, born=date(2010 + n % 14, 1 + n % 12, 1 + n % 28)).identifier) for n in range(number)}
        children = sorted(every)
        self._chance.shuffle(children)
        self._children = children[len(children) // 4 :]
        chosen = children[: len(children) // 4]
        self._consents = {child: Consent(("social", "family")[n % 2]) for n, child in enumerate(chosen)}
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)

    def write(self, count: int) -> None:
        """Say `count` messages, and move the consents on."""
        for kind in self._chance.choices(list(_STORY), list(_STORY.values()), k=count):
            child = self._chance.choice(self._children)
            social = self._chance.choice(("social", "family"))
            match kind:
                case "dialogue":
                    self._say(social, "care", "dialogue.message", child, "permit", necessity="support")
                case "reply":
                    self._say("care", social, "dialogue.message", child, "permit", necessity="care")
                case "concern":
                    self._say("school", social, "concern.report", child, "permit")
                case "nobody":
                    self._say("school", "care", "dialogue.message", child, "deny")
                case "consent":
                    self._on_consent(self._chance.choice(list(self._consents)))

    def _say(self, sender: str, to: str, kind: str, child: str, expected: str, necessity: str = "") -> Said:
        self._counts[sender, child] += 1
        number = self._counts[sender, child]
        words = f"{sender} {number} om {child[-4:]}"
        content: dict[str, Any] = {
            "child_identifier": child,
            "acting_user": {"id": "prov-1", "role": "handläggare"},
            "sender_reference": str(number),
        }
        if kind == "concern.report":
            content |= {"urgency": "normal", "concern": words, "family_told": "yes"}
        else:
            content |= {"text": words}
        client, recipient = self._world.clients[sender], UNITS[to].id
        message_id = client.send(kind, recipient=recipient, content=content, now=datetime.now(UTC), necessity=necessity)
        said = Said(message_id, sender, to, child, content, expected)
        self.said.append(said)
        return said

    def _on_consent(self, child: str) -> None:
        """Say a message that only a consent can carry, and now and then change the consent first."""
        consent = self._consents[child]
        self._look(consent)
        turn = self._chance.random()
        if consent.phase in ("none", "closed") and turn < 0.5:
            self._give(child, consent)
        elif consent.phase == "active" and turn < 0.15:
            self._withdraw(child, consent)
        expected = "permit" if consent.phase in ("given", "active") else "deny"
        if consent.phase == "withdrawn" and consent.by != consent.sender:
            expected = "either"  # on its way from another party: nothing orders the two
        said = self._say(consent.sender, "school", "dialogue.message", child, expected)
        consent.recent.append(said)

    def _look(self, consent: Consent) -> None:
        if consent.phase in ("given", "withdrawn"):
            party, event = consent.waits_for
            if self._world.clients[party].outcome(event).state == "accepted":
                consent.phase = "active" if consent.phase == "given" else "closed"
                if consent.phase == "closed":
                    consent.recent.clear()

    def _give(self, child: str, consent: Consent) -> None:
        now = int(time.time())
        body = ConsentGiven(
            consent_id=Id16(os.urandom(16)),
            disclosers=(UNITS[consent.sender].id,),
            recipients=(Recipient(UNITS["school"].id),),
            categories=(Category.IDENTITY, Category.DIALOGUE, Category.SOCIAL_INVESTIGATION),
            purpose="coordination",
            valid_from=now - 60,
            valid_to=now + 30 * 86_400,
            givers=(Giver(GiverRole.GUARDIAN, "guardian-1"),),
            signed_by=("guardian-1",),
            child_view=ChildView(View.AGREES),
            evidence=Digest(os.urandom(32)),
            recorder_role="caseworker",
            acting_user=Digest(os.urandom(32)),
        )
        self._record(consent.sender, child, consent, body, "given")

    def _withdraw(self, child: str, consent: Consent) -> None:
        consent.by = self._chance.choice((consent.sender, "school"))
        if consent.by != consent.sender:
            for said in consent.recent:
                said.expected = "either" if said.expected == "permit" else said.expected
        self._record(consent.by, child, consent, ConsentWithdrawn(), "withdrawn")

    def _record(
        self, party: str, child: str, consent: Consent, body: ConsentGiven | ConsentWithdrawn, phase: str
    ) -> None:
        event = self._world.clients[party].record(body, child=child, now=datetime.now(UTC))
        self.consents[event] = (child, body)
        consent.phase, consent.waits_for = phase, (party, event)
