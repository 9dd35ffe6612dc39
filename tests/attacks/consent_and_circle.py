"""Attacks on consent and circle: saying what is not one's own to say, hearing what is not one's own to hear."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

from samband.schemas import events
from samband.schemas.categories import Category
from samband.schemas.events import (
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentWithdrawn,
    Id16,
    IdentityChanged,
    MarkKind,
    ProtectionMarked,
    Scope,
)
from samband.schemas.rulebook import shipped
from samband.streams.decision.child import ChildState
from samband.streams.decision.speech import CONTEST
from tests.attacks.ground import Ground, done
from tests.attacks.register import attack, existing
from tests.decision import conftest as story
from tests.decision import test_speech as table
from tests.gate.world import DAY, NOW, consent

TOWN = SimpleNamespace(
    NOW=story.NOW, DAY=story.DAY, consent=story.consent,
    UNITS={**story.UNITS, **table.MORE, **{
        name: dataclasses.replace(unit, municipality=table.CITY)
        for name, unit in story.UNITS.items() if unit.party[:4] == "city"
    }},
)  # fmt: skip
"""The people of the story, the city's authorities in one municipality."""


def says(state: ChildState, body: Any, signer: str, at: int = 0) -> ChildState:
    """Return the state after an event of the story."""
    return table.apply(state, body, table.said(TOWN, signer, at))


# who may say what


@attack("consent.matrix", "matrix event × signer's relation", "speech.rows")
def matrix(ground: Ground) -> bool:
    """No event is taken from a unit that has none of its row's relations to the child, in any situation."""
    del ground
    for param in table.MATRIX:
        row, place, unit = param.values
        held = table.CHANGED[place].get(unit, table.AROUND[unit])
        if table.expected(row, unit, {*held, table.R.ANYONE}):
            body = table.example(TOWN, row.event, row.form, unit)
            if done(says, table.world(TOWN, place), body, unit):
                return True
    return False


OWN = "recorder is recipient"


@attack("consent.recorder-recipient", OWN, "consents.recorder", "consents.confirmed")
def recorder_recipient(ground: Ground) -> bool:
    """Nobody gets another's information by a consent that it has recorded itself."""
    told = (Category.IDENTITY, Category.DIALOGUE, Category.MENTAL_HEALTH)
    given = consent(disclosers=("SKOLA", "BUP"), recipients=(events.Recipient("EMI"),), categories=told)
    ground.accepted(given, "SKOLA")
    return ground.permitted(ground.world.draft("dialogue.message", "BUP", "EMI"))


UNINVOLVED = "uninvolved party consents, claims, lifts"


@attack("consent.uninvolved-consents", UNINVOLVED, "speech.rows")
def uninvolved_consents(ground: Ground) -> bool:
    """A party that no consent names as discloser records none between others."""
    return ground.accepted(consent(), "BUP")


@attack("consent.uninvolved-claims", UNINVOLVED, "speech.rows", "gate.kinds")
def uninvolved_claims(ground: Ground) -> bool:
    """A school becomes responsible for nobody."""
    return ground.accepted(CircleUpdate(claim=True), "SKOLA")


@attack("consent.uninvolved-lifts", UNINVOLVED, "speech.rows")
def uninvolved_lifts(ground: Ground) -> bool:
    """A party that has nothing to do with the child does not even ask to lift its mark."""
    assert ground.accepted(ProtectionMarked(MarkKind.THREAT), "SKOLA")
    return ground.accepted(ProtectionMarked(MarkKind.THREAT, lifted=True), "BUP")


@attack("consent.lifts-alone", UNINVOLVED, "marks.first-word")
def lifts_alone(ground: Ground) -> bool:
    """A party that has set a mark does not lift it alone."""
    del ground
    state = says(ChildState(), ProtectionMarked(MarkKind.THREAT), "hvb")
    return not says(state, ProtectionMarked(MarkKind.THREAT, lifted=True), "hvb").standing_marks


existing("consent.one-authority-lifts", UNINVOLVED, "marks.two",
         "tests/decision/test_marks.py::test_one_authority_is_not_two[duty]")  # fmt: skip


# withdrawals

WITHDRAWAL = "withdrawal against parallel, unknown, old-epoch, not-yet-arrived consents"


@attack("consent.parallel", WITHDRAWAL, "withdrawals.all")
def parallel(ground: Ground) -> bool:
    """After a withdrawal nothing passes on a consent beside it, whoever recorded that one."""
    assert ground.accepted(consent(1), "IFO")
    assert ground.accepted(consent(2, disclosers=("SKOLA",), recipients=(events.Recipient("IFO"),)), "SKOLA")
    assert ground.accepted(ConsentWithdrawn(), "SKOLA")
    return ground.permitted(ground.world.notice())


@attack("consent.not-yet-arrived", WITHDRAWAL, "consents.remembered")
def not_yet_arrived(ground: Ground) -> bool:
    """A consent that comes after the withdrawal that named it carries nothing."""
    assert ground.accepted(ConsentWithdrawn(Scope.CONSENT, Id16(b"\x01" * 16)), "SKOLA")
    assert ground.accepted(consent(1), "IFO")
    return ground.permitted(ground.world.notice())


@attack("consent.under-way", WITHDRAWAL, "gate.recall")
def under_way(ground: Ground) -> bool:
    """What was let through on a consent and is not handed over yet is recalled with it."""
    assert ground.accepted(consent(1), "IFO")
    message = ground.world.notice()
    assert ground.permitted(message)
    ground.say(ground.world.event(ConsentWithdrawn(), "SKOLA"))
    recalls = [stamp.subject for stamp in ground.gate.stamps(ground.gate.turns[-1]) if stamp.kind == "recall"]
    return recalls != [message.message_id]


# circle

CIRCLE = "handover without acceptance, two claims"
CLAIM = CircleUpdate(claim=True)


@attack("consent.handover-unaccepted", CIRCLE, "circle.offer")
def handover_unaccepted(ground: Ground) -> bool:
    """Nobody is made responsible for a child by another's word alone."""
    del ground
    claimed = says(ChildState(), CLAIM, "ifo")
    return says(claimed, CircleHandover("ifo-b"), "ifo", 2 * CONTEST).circle.responsible == "ifo-b"


@attack("consent.handover-unoffered", CIRCLE, "speech.rows")
def handover_unoffered(ground: Ground) -> bool:
    """Nobody accepts a child that was not offered."""
    del ground
    claimed = says(ChildState(), CLAIM, "ifo")
    return says(claimed, CircleAccepted("ifo"), "ifo-b", 2 * CONTEST).circle.responsible == "ifo-b"


@attack("consent.two-claims", CIRCLE, "circle.contested")
def two_claims(ground: Ground) -> bool:
    """While two authorities claim a child nothing passes on a consent."""
    del ground
    state = says(says(ChildState(), CLAIM, "ifo"), CLAIM, "ifo-b", CONTEST - 1)
    state = says(state, story.consent(), "ifo")
    return story.ask("placement.notice", "ifo", "school", state).outcome == "permit"


# clocks

CLOCKS = "clocks ±1 year"
YEAR = 365 * DAY


@attack("consent.gate-clock-back", CLOCKS, "gate.clock")
def gate_clock_back(ground: Ground) -> bool:
    """A gate whose clock is set back by a year lets nothing pass on a consent that has ended since."""
    world, gate = ground.world, ground.gate
    assert gate.say(world.event(consent(), "IFO"))[0].outcome == "accepted"
    gate.now = NOW + YEAR
    gate.take()
    gate.now = NOW + 5 * DAY
    permits = 0
    for at in (gate.now, NOW + YEAR):  # as the gate's clock is, and as everybody else's
        message = world.seal(world.notice(created=at, expires=at + DAY))
        turn = gate.take(gate.record(message, "social", seq=2, lane=world.lane("social", at)))
        permits += turn.counts.get("permit", 0)
    return permits > 0


@attack("consent.sender-clock-ahead", CLOCKS, "gate.post-dated")
def sender_clock_ahead(ground: Ground) -> bool:
    """A sender whose clock is a year ahead gets nothing through that would outlive the consent."""
    return ground.permitted(ground.world.concern(created=NOW + YEAR, expires=NOW + YEAR + DAY))


@attack("consent.sender-clock-back", CLOCKS, "gate.expired", "party.expired")
def sender_clock_back(ground: Ground) -> bool:
    """What a sender dates a year back is not handed over."""
    return ground.carried(ground.world.concern(created=NOW - YEAR, expires=NOW - YEAR + DAY), "skola")


@attack("consent.recipient-clock-ahead", CLOCKS, "party.expired")
def recipient_clock_ahead(ground: Ground) -> bool:
    """A recipient whose clock is a year ahead hands nothing over: it errs on the safe side."""
    value = ground.stamped(ground.world.seal(ground.world.concern()))
    return done(ground.delivered, value, "social", NOW + YEAR)


# forbid rows

EMERGENCY = "emergency against each forbid row"
MARKED = (ProtectionMarked(MarkKind.SECRECY), "school")
URGENT = {"limb": "under_18", "ground": "LVU_BOARD", "motivated": True}
FORBIDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "FORBID_PROTECTED": ("ifo", "school", {"categories": ("address:child",), "necessity": "urgent"}),
    "FORBID_REPORTER": ("ifo", "school", {"categories": ("concern:child", "reporter_identity:other"),
                                          "necessity": "urgent"}),
    "FORBID_CARE_REPORTER": ("bup", "hvb", {"categories": ("concern:child", "reporter_identity:other"),
                                            "necessity": "urgent"}),
    "FORBID_CRIME": ("ifo", "bup", {"necessity": "crime_prevention", "limb": "under_18"}),
    "FORBID_FRAUD": ("ifo", "bup", {"necessity": "benefit_fraud", "limb": "under_18"}),
}  # fmt: skip


@attack("consent.emergency", EMERGENCY, "kernel.forbids")
def emergency(ground: Ground) -> bool:
    """No forbid row gives way, however urgent it is said to be, though everybody has consented to everything."""
    del ground
    outcomes = {name: _urgently(name, *case) for name, case in FORBIDS.items()}
    assert set(FORBIDS) == {rule.ground for rule in shipped().rules if rule.effect == "forbid"}
    assert len(set(outcomes.values())) == 1, outcomes
    return "permit" in outcomes.values()


def _urgently(name: str, sender: str, recipient: str, claims: dict[str, Any]) -> str:
    everything = {"by": [sender], "to": [recipient], "categories": tuple(Category)}
    consents = [(story.consent(number=n, about=about, givers=givers, signed_by=("one",), **everything), sender)
                for n, (about, givers) in enumerate(_ABOUT.items(), 1)]  # fmt: skip
    state = story.told(*consents, MARKED)
    return str(story.ask("dialogue.message", sender, recipient, state, **claims).outcome)


_ABOUT = {
    "child": (events.Giver(events.GiverRole.GUARDIAN, "one"),),
    "other": (events.Giver(events.GiverRole.OTHER, "one"),),
}


# identity, and authorities beside each other

IDENTITY = "identity event onto another child"


@attack("consent.identity-takes", IDENTITY, "speech.rows")
def identity_takes(ground: Ground) -> bool:
    """Saying that a child has come from another number takes nobody's child."""
    del ground
    claimed = says(ChildState(), CLAIM, "ifo")
    after = says(claimed, IdentityChanged(Id16(bytes(16)), True), "ifo-b", 2 * CONTEST)
    return after.circle.responsible == "ifo-b"


@attack("consent.identity-ends", IDENTITY, "speech.rows")
def identity_ends(ground: Ground) -> bool:
    """Saying that a child has another number now ends nobody else's circle."""
    del ground
    claimed = says(ChildState(), CLAIM, "ifo")
    return bool(says(claimed, IdentityChanged(Id16(bytes(16)), False), "ifo-b", 2 * CONTEST).moved_at)


@attack("consent.identity-threat", IDENTITY, "identity.protected")
def identity_threat(ground: Ground) -> bool:
    """A child that lives under a threat is linked to no other number."""
    del ground
    state = says(says(ChildState(), CLAIM, "ifo"), ProtectionMarked(MarkKind.THREAT), "hvb")
    return bool(says(state, IdentityChanged(Id16(bytes(16)), False), "ifo").moved_at)


BESIDE = "authority A signing for authority B of the same municipality"


@attack("consent.beside-signs", BESIDE, "gate.sender-party")
def beside_signs(ground: Ground) -> bool:
    """The school board of a municipality says nothing in the name of its social services."""
    message = ground.event(CLAIM, "IFO", "skola")
    return ground.say(message, "skola").outcome == "accepted"


@attack("consent.beside-answers", BESIDE, "speech.rows")
def beside_answers(ground: Ground) -> bool:
    """A board of the same municipality does not stand in for the one that is responsible, under its own name either."""
    del ground
    claimed = says(ChildState(), CLAIM, "ifo")
    changed = says(claimed, CLAIM, "board-b", 2 * CONTEST)
    return changed.circle != claimed.circle


@attack("consent.beside-lifts", BESIDE, "speech.rows")
def beside_lifts(ground: Ground) -> bool:
    """Nor does it give one of the two words that lift a mark."""
    del ground
    state = says(says(ChildState(), CLAIM, "ifo"), ProtectionMarked(MarkKind.THREAT), "hvb")
    lift = ProtectionMarked(MarkKind.THREAT, lifted=True)
    return not says(says(state, lift, "ifo"), lift, "board-b", 2 * CONTEST).standing_marks
