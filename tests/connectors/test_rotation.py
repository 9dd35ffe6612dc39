"""The child-reference key is rotated: what was permitted stays permitted, and nothing that was taken back comes back.

Real stores, a real gate, real keys; the authority's records come over the directory. Only Kafka is left out, and the
partition of a child, which the real Kafka test has.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from samband.connectors import service as running
from samband.connectors.anew import Anew
from samband.connectors.client import Client
from samband.connectors.spoken import Spoken
from samband.schemas import events
from samband.schemas.categories import Category
from samband.schemas.errors import SambandError
from samband.schemas.events import (
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentWithdrawn,
    EventBody,
    Id16,
    InvestigationDeclared,
    MarkKind,
    Maturity,
    MaturityAssessed,
    Member,
    ProtectionMarked,
    Recipient,
    Scope,
)
from samband.streams.crypto.keys import Purpose
from samband.streams.decision.child import ChildState
from samband.streams.gate.state import View
from samband.streams.references import NOTICE_MS, OVERLAP_MS, seal_reference, sign_reference
from tests.connectors.line import Connector, Line

DAY = 86_400_000
SECRET = b"next" * 8


class Drill:
    """Three parties, a clock, and an authority that rotates."""

    def __init__(self, line: Line, kit: Any, tmp_path: Path) -> None:
        self.line, self.kit, self.world = line, kit, line.gate.world
        self.parties = {name: line.connector(name, tmp_path / name) for name in ("social", "skola", "bup")}
        self.now = kit.NOW

    @property
    def when(self) -> datetime:
        """The clock."""
        return datetime.fromtimestamp(self.now / 1000, UTC)

    def later(self, ms: int) -> None:
        """Move the clock on, with a fresh head."""
        self.now += ms
        self.line.gate.now = self.now
        self.world.publish(self.world.directory, now=self.now)

    def say(self, who: str, body: EventBody, child: Any = None, unit: str = "") -> bytes:
        """Record an event at a party and let everybody hear of it."""
        self.later(1000)
        connector = self.parties[who]
        number = (child or self.world.child).identifier
        said = Client(connector.party).record(body, child=number, now=self.when, unit=unit or self.unit(connector))
        self.settle(who)
        return said

    @staticmethod
    def unit(connector: Connector) -> str:
        """Return the unit that speaks for a party."""
        return min(unit.id for unit in connector.party.units if unit.id != "EMI")

    def settle(self, *names: str) -> None:
        """Send and read everything, at these parties or all."""
        for _ in range(3):
            for name in names or self.parties:
                self.parties[name].send()
            for name in names or self.parties:
                self.parties[name].read()

    def rotate(self, e: int = 2, *names: str, notice: int = NOTICE_MS) -> None:
        """Announce the next key; `names` take it now, or all."""
        world, secret = self.world, SECRET if e == 2 else SECRET[::-1]
        values = []
        for party in world.parties:
            hop = world.directory.seal_key(party, Purpose.PARTY_HOP, self.now)
            record = seal_reference(hop, secret, agreement="barn", party=party, e=e,
                                    effective_from=self.now + notice, issued=self.now)  # fmt: skip
            values.append(sign_reference([world.signer], record))
        world.publish(world.directory, *values, now=self.now)
        for name in names or self.parties:
            self.learn(name)

    def learn(self, name: str) -> None:
        """Take what the directory has, as the connector does."""
        self.parties[name].party.load_keys()

    def tend(self, *names: str) -> int:
        """Record anew at these parties or all, with the inbox read to its end, until nothing is left to say."""
        said = 0
        for _ in range(8):
            for name in names or self.parties:
                self.parties[name].read()
                said += Anew(self.parties[name].party).tend(self.now)
            self.settle(*names)
        return said

    def ask(self, sender: str, recipient: str, type_name: str = "placement.notice", child: Any = None) -> str:
        """Return what the gate says to a message now, as a question."""
        who = next(name for name, each in self.parties.items() if any(unit.id == sender for unit in each.party.units))
        connector = self.parties[who]
        number = (child or self.world.child).identifier
        asked = Client(connector.party).ask(type_name, recipient=recipient, child=number, now=self.when, unit=sender)
        connector.send()
        connector.read()
        return connector.outcomes(asked)[-1]

    def state(self, child: Any, e: int) -> ChildState:
        """Return what the gate remembers of a child under an epoch's reference."""
        ref = self.parties["social"].party.ref(child.identifier, e)
        return View(self.line.gate.state.values).child(ref)

    def progress(self, name: str) -> tuple[int, int, int, int]:
        """Return (left, on its way, done, refused) of recording anew."""
        found = Anew(self.parties[name].party).progress(self.now)
        assert found is not None
        return dataclasses.astuple(found[1])


@pytest.fixture
def drill(kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Drill:
    """Return three parties on one partition."""
    world = kit.World("rotation")
    world.root = dataclasses.replace(world.root, shards=1)
    monkeypatch.setattr("samband.streams.gate.checks.partition_of", lambda ref, shards: 0)
    made = Drill(Line(kit.Gate(world)), kit, tmp_path)
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: made.now)
    return made


@pytest.fixture
def consent(kit: Any) -> Callable[..., Any]:
    """Return the maker of consents that carry the placement notice."""
    return kit.consent


def begun(drill: Drill) -> None:
    """Let the announced epoch begin."""
    drill.later(NOTICE_MS)


def test_what_was_permitted_stays_permitted(drill: Drill, consent: Any) -> None:
    """Before and after: each message that consents, findings and the circle carried is carried, each that not, not."""
    children = [drill.world.child_of(0, skip) for skip in range(4)]
    drill.say("social", CircleUpdate((Member("SKOLA", "school", 1),), claim=True), children[0])
    for number, child in enumerate(children, 1):
        drill.say("social", consent(number=number), child)
    drill.say("skola", ConsentWithdrawn(), children[1])
    drill.say("social", ConsentWithdrawn(Scope.CONSENT, Id16(bytes([3]) * 16)), children[2])
    drill.say("bup", ConsentWithdrawn(Scope.CATEGORY, category=Category.PLACEMENT), children[3])
    drill.say("bup", MaturityAssessed(Maturity.GUARDIANS, bytes(32)), children[0])
    drill.say("social", InvestigationDeclared(open=True, decision=bytes(32)), children[1])
    drill.settle()
    before = [drill.ask("IFO", "SKOLA", child=child) for child in children]
    assert before == ["permit", "deny", "deny", "deny"]
    drill.later(5 * DAY)
    drill.rotate()
    assert drill.tend() > 0
    assert drill.tend() == 0
    begun(drill)
    assert drill.parties["social"].party.epoch(drill.now) == 2
    assert [drill.ask("IFO", "SKOLA", child=child) for child in children] == before
    assert drill.progress("social")[0] == drill.progress("social")[1] == drill.progress("social")[3] == 0
    one, two = (drill.state(children[1], e) for e in (1, 2))
    assert [each.until for each in two.investigations] == [each.until for each in one.investigations]
    mine = drill.state(children[0], 2)
    assert mine.circle.responsible == "IFO"
    assert [member.unit for member in mine.circle.members] == ["SKOLA"]


@pytest.mark.parametrize("scope", ["everything", "consent", "recipient", "category"])
@pytest.mark.parametrize("moment", ["before", "announced", "recorded", "begun"])
@pytest.mark.parametrize("by", ["skola", "social", "bup"])
def test_no_withdrawal_is_missed(drill: Drill, consent: Any, scope: str, moment: str, by: str) -> None:
    """Whoever withdraws, in whatever scope, at whatever moment, and whoever records anew first: it stays withdrawn."""
    body = {
        "everything": ConsentWithdrawn(),
        "consent": ConsentWithdrawn(Scope.CONSENT, Id16(b"\1" * 16)),
        "recipient": ConsentWithdrawn(Scope.RECIPIENT, recipient="SKOLA"),
        "category": ConsentWithdrawn(Scope.CATEGORY, category=Category.PLACEMENT),
    }[scope]
    order = ("social", by) if scope in ("everything", "recipient") else (by, "social")
    drill.say("social", consent())
    if moment == "before":
        drill.say(by, body)
    drill.rotate()
    if moment == "announced":
        drill.say(by, body)
    for name in dict.fromkeys(order):
        drill.tend(name)
    if moment == "recorded":
        drill.say(by, body)
    begun(drill)
    if moment == "begun":
        assert drill.ask("IFO", "SKOLA") == "permit"
        drill.say(by, body)
    drill.tend()
    assert drill.ask("IFO", "SKOLA") == "deny"
    drill.say("social", consent(number=2))
    assert drill.ask("IFO", "SKOLA") == "permit"  # what is given after it counts, under the new key too
    drill.tend()
    assert drill.ask("IFO", "SKOLA") == "permit"


def test_a_recorder_that_was_away_when_it_was_withdrawn(drill: Drill, consent: Any) -> None:
    """It reads its inbox to the end first, and does not record anew what was taken back, though nobody repeats that."""
    drill.say("social", consent())
    drill.say("skola", ConsentWithdrawn())  # and `skola` is heard of no more
    drill.rotate(2, "social")
    begun(drill)
    drill.tend("social")
    assert drill.ask("IFO", "SKOLA") == "deny"


def test_a_withdrawal_in_the_very_moment(drill: Drill, consent: Any) -> None:
    """The consent is on its way under the new key when it is taken back, and arrives after the withdrawal."""
    drill.say("social", consent())
    drill.rotate()
    social = drill.parties["social"]
    social.read()
    assert Anew(social.party).tend(drill.now) == 1  # drafted, and not sent
    drill.say("skola", ConsentWithdrawn())
    social.send()
    begun(drill)
    assert drill.ask("IFO", "SKOLA") == "deny"  # before the notice is read
    drill.tend()
    assert drill.ask("IFO", "SKOLA") == "deny"


def test_a_withdrawal_counts_when_it_is_taken_under_each_key(drill: Drill, consent: Any) -> None:
    """Its outcome is `waiting` until the gate has taken it in every epoch in use."""
    drill.say("social", consent())
    drill.rotate()
    connector = drill.parties["skola"]
    said = Client(connector.party).record(
        ConsentWithdrawn(), child=drill.world.child.identifier, now=drill.when, unit="SKOLA"
    )
    connector.send()
    connector.read()
    assert connector.outcomes(said) == ["accepted"]
    assert Client(connector.party).outcome(said).state == "waiting"
    connector.send()
    connector.read()
    assert Client(connector.party).outcome(said).state == "accepted"


def test_a_withdrawal_that_overtakes_its_consent(drill: Drill, consent: Any) -> None:
    """A consent waits under the old key when it is taken back under the next one, and the gate takes it last."""
    social, number = drill.parties["social"], drill.world.child.identifier
    drill.rotate()
    client, spoken = Client(social.party), Spoken(social.store)
    given = client.record(consent(), child=number, now=drill.when)
    begun(drill)
    taken = client.record(ConsentWithdrawn(), child=number, now=drill.when)
    with social.store.transaction():
        spoken.accepted(taken, drill.now)
        spoken.accepted(given, drill.now + 1000)
        assert Anew(social.party).follow(given, drill.now)
        assert not Anew(social.party).follow(given, drill.now)
    more = [draft for draft, _ in social.store.new_drafts(9)][2:]
    assert {draft.e for draft in more} == {1, 2}
    bodies = {events.decode(draft.type, draft.body or b"") for draft in more}
    assert {(body.scope, body.consent_id) for body in bodies if isinstance(body, ConsentWithdrawn)} == {
        (Scope.CONSENT, b"\1" * 16)
    }


def test_a_party_that_learns_the_key_late(drill: Drill, consent: Any) -> None:
    """It goes on under the old key, loses nothing, repeats its withdrawals, and its recorder has ended them already."""
    drill.say("bup", consent(number=1, disclosers=("BUP",), recipients=(Recipient("IFO"),)))
    drill.say("social", consent(number=2))
    drill.rotate(2, "social", "bup")
    drill.tend("social", "bup")
    begun(drill)
    drill.say("skola", ConsentWithdrawn())  # under the old key alone
    drill.tend("social", "bup")
    assert drill.ask("IFO", "SKOLA") == "deny"
    drill.learn("skola")
    drill.tend()
    assert drill.ask("IFO", "SKOLA") == "deny"
    assert drill.parties["skola"].party.epoch(drill.now) == 2


def test_what_is_on_its_way_arrives(drill: Drill, consent: Any) -> None:
    """A message of the old epoch arrives in the new one, its receipt and recall go under its own key."""
    drill.say("social", consent())
    social, school = drill.parties["social"], drill.parties["skola"]
    first, second = (social.say(drill.world.notice(created=drill.now)) for _ in range(2))
    drill.rotate(notice=1000)
    drill.tend()
    drill.later(2000)
    social.send()
    school.read()
    assert [row.state for row in school.store.letters()] == ["waiting", "waiting"]
    Client(social.party).recall(second, now=drill.when)
    social.send()
    school.read()
    with school.store.transaction():
        rows = school.service.handing.begin("SKOLA", 10_000, running.now_ms())
    school.service.handing.settle(rows, [None] * len(rows), running.now_ms())
    assert {(draft.type, draft.e, draft.ref == rows[0].ref) for draft, _ in school.store.new_drafts(9)} == {
        ("receipt", 1, True)
    }
    school.send()
    social.read()
    assert social.outcomes(first)[-1] == "handed_over"
    assert social.outcomes(second)[-1] == "refused"
    assert {row.letter["e"] for row in school.store.letters()} == {1}


def test_the_old_epoch_ends(drill: Drill, consent: Any) -> None:
    """After the overlap nothing new goes under the old key, and a withdrawal still does."""
    drill.say("social", consent())
    drill.rotate()
    begun(drill)
    drill.later(OVERLAP_MS - 1)
    world, social = drill.world, drill.parties["social"]
    late = social.say(world.notice(created=drill.now, expires=drill.now + DAY))
    drill.settle()
    assert social.outcomes(late)[0] == "permit"
    drill.later(1)
    over = social.say(world.notice(created=drill.now, expires=drill.now + DAY))
    ended = social.say(world.event(ConsentWithdrawn(), "IFO", created=drill.now, expires=drill.now + DAY))
    drill.settle()
    assert social.outcomes(over) == ["refused"]
    assert social.store.steps(over)[0].code == "REFERENCE_EPOCH"
    assert social.outcomes(ended) == ["accepted"]


@pytest.mark.parametrize("change", [{"e": 3}, {"e": 2}])
def test_no_message_under_a_key_that_has_not_begun(drill: Drill, change: dict[str, int]) -> None:
    """Neither an epoch that nobody announced nor one that begins later carries a message."""
    drill.rotate()
    social = drill.parties["social"]
    said = social.say(drill.world.notice(**change))
    drill.settle()
    assert [step.code for step in social.store.steps(said)] == ["REFERENCE_EPOCH"]


def test_a_crash_while_recording_anew(drill: Drill, consent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops after any word, goes on from there, and nothing is said twice or left out."""
    children = [drill.world.child_of(0, skip) for skip in range(5)]
    for number, child in enumerate(children, 1):
        drill.say("social", consent(number=number), child)
        drill.say("social", ProtectionMarked(MarkKind.SECRECY), child)
    drill.rotate()
    social = drill.parties["social"]
    stops = iter(range(20))
    real = type(social.store).add_draft

    def add(store: Any, draft: Any, partition: int) -> bool:
        if store is social.store and next(stops, 19) % 2:
            raise KeyboardInterrupt
        return real(store, draft, partition)

    monkeypatch.setattr(type(social.store), "add_draft", add)
    for _ in range(40):
        try:
            Anew(social.party).tend(drill.now)
        except KeyboardInterrupt:
            continue
    monkeypatch.undo()
    monkeypatch.setattr("samband.streams.gate.checks.partition_of", lambda ref, shards: 0)
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: drill.now)
    drill.tend()
    begun(drill)
    assert [drill.ask("IFO", "SKOLA", child=child) for child in children] == ["permit"] * 5
    for child in children:
        held = drill.state(child, 2)
        assert (len(held.consents), len(held.marks)) == (1, 1)
    assert drill.progress("social") == (0, 0, 10, 0)


def test_what_is_said_meanwhile(drill: Drill, consent: Any) -> None:
    """What is said under the old key after recording anew has begun follows, and nothing of before is said again."""
    drill.say("social", consent(number=1))
    drill.rotate()
    drill.tend("social")
    drill.say("social", consent(number=2))
    assert drill.tend("social") == 1
    assert drill.progress("social") == (0, 0, 2, 0)
    assert len(drill.state(drill.world.child, 2).consents) == 2


def test_others_words_follow_the_recorder(drill: Drill, consent: Any) -> None:
    """A discloser's confirmation waits until the recorder has recorded anew, and then goes by itself."""
    drill.say("social", CircleUpdate(claim=True))
    drill.say("social", consent(disclosers=("IFO", "BUP")))
    drill.say("bup", ConsentConfirmed(Id16(b"\1" * 16)))
    drill.rotate()
    drill.tend("bup")
    assert drill.progress("bup")[3] == 1
    drill.tend("social")
    drill.tend("bup")
    assert drill.progress("bup")[3] == 0
    assert [part.party for part in drill.state(drill.world.child, 2).consents[0].confirmations] == ["bup"]


def test_a_doubted_consent_waits(drill: Drill, consent: Any) -> None:
    """While another party doubts it, it is not recorded anew; when the doubt is taken back, it is."""
    drill.say("social", consent())
    drill.say("skola", ConsentDisputed(Id16(b"\1" * 16)))
    drill.rotate()
    drill.tend("social")
    assert drill.progress("social")[0] == 1
    drill.say("skola", ConsentDisputed(Id16(b"\1" * 16), settled=True))
    drill.tend()
    begun(drill)
    assert drill.ask("IFO", "SKOLA") == "permit"


def test_marks_are_as_they_were(drill: Drill) -> None:
    """A mark that stands is set anew by who set it; one that two others have lifted is not."""
    other = drill.world.child_of(0, 1)
    for child in (drill.world.child, other):
        drill.say("social", CircleUpdate((Member("SKOLA", "school", 1),), claim=True), child)
        drill.say("bup", ProtectionMarked(MarkKind.THREAT), child)
    drill.say("social", ProtectionMarked(MarkKind.THREAT, lifted=True), other)
    drill.say("skola", ProtectionMarked(MarkKind.THREAT, lifted=True), other)
    drill.rotate()
    drill.tend()
    marks = [drill.state(child, 2).standing_marks for child in (drill.world.child, other)]
    assert [len(each) for each in marks] == [1, 0]


def test_twice(drill: Drill, consent: Any) -> None:
    """A second rotation, from what was said under the first key: the times of the first word stay."""
    drill.say("social", consent())
    drill.say("bup", ConsentWithdrawn())
    drill.say("social", consent(number=2))
    for e in (2, 3):
        drill.rotate(e)
        drill.tend("social")
        drill.tend()
        begun(drill)
        assert drill.ask("IFO", "SKOLA") == "permit"
    drill.say("skola", ConsentWithdrawn())
    assert drill.ask("IFO", "SKOLA") == "deny"


# the record


def _record(drill: Drill, **changes: Any) -> tuple[Any, bytes]:
    world = drill.world
    to = changes.pop("to", "skola")
    hop = world.directory.seal_key(to, Purpose.PARTY_HOP, drill.now)
    fields = {"agreement": "barn", "party": "skola", "e": 2, "effective_from": drill.now + DAY, "issued": drill.now}
    record = seal_reference(hop, SECRET, **{**fields, **changes})
    return record, sign_reference([world.signer], record)


def test_the_key_opens_to_its_party_alone(drill: Drill) -> None:
    """One party's record lies in front of everybody, and nobody else takes it."""
    drill.world.publish(drill.world.directory, _record(drill)[1], now=drill.now)
    for name, connector in drill.parties.items():
        connector.party.load_keys()
        assert (2 in connector.party.references) == (name == "skola")
    assert drill.parties["skola"].party.references[2] == SECRET
    assert drill.parties["skola"].party.keys.secret("reference-2") == SECRET


def test_a_record_that_is_not_to_be_taken(drill: Drill) -> None:
    """Sealed to another's key, or bound to another party or epoch, it opens nothing here."""
    good, _ = _record(drill)
    for number, record in enumerate(
        (
            _record(drill, to="bup")[0],
            dataclasses.replace(_record(drill, to="skola", party="bup")[0], party="skola"),
            dataclasses.replace(good, sealed=good.sealed[:-1] + bytes([good.sealed[-1] ^ 1])),
            dataclasses.replace(good, hop=secrets.token_bytes(32)),
        )
    ):
        later = dataclasses.replace(record, issued=drill.now + number)
        drill.world.publish(drill.world.directory, sign_reference([drill.world.signer], later), now=drill.now)
        drill.learn("skola")
        assert set(drill.parties["skola"].party.references) == {1}


def test_a_record_that_the_directory_refuses(drill: Drill) -> None:
    """Forged, of another agreement, with another beginning for the same epoch, or out of order."""
    world = drill.world
    record, value = _record(drill)
    other = type(world)("another").signer
    world.directory.learn(value, drill.now)
    refused = {
        "ROOT_UNKNOWN": sign_reference([other], dataclasses.replace(record, issued=drill.now + 1)),
        "AGREEMENT": sign_reference([world.signer], dataclasses.replace(record, agreement="vuxna")),
        "REFERENCE_TIME": sign_reference([world.signer], dataclasses.replace(record, party="bup", effective_from=5)),
        "REFERENCE_ISSUED": sign_reference([world.signer], _record(drill)[0]),
        "FORMAT_FIELD": sign_reference([world.signer], dataclasses.replace(record, e=1)),
    }
    for code, value in refused.items():
        with pytest.raises(SambandError) as caught:
            world.directory.learn(value, drill.now)
        assert caught.value.code == code
    third = sign_reference([world.signer], dataclasses.replace(record, e=3, effective_from=record.effective_from))
    with pytest.raises(SambandError, match="follow each other"):
        world.directory.learn(third, drill.now)


def test_the_gate_has_no_key(drill: Drill) -> None:
    """The two references of a child have nothing in common, and no record opens with the hub's keys."""
    drill.rotate()
    party = drill.parties["social"].party
    one, two = (party.ref(drill.world.child.identifier, e) for e in (1, 2))
    assert one != two
    for record in drill.world.directory.references("social"):
        with pytest.raises(SambandError):
            drill.world.hop.open("reference", b"", record.sealed)
        assert SECRET not in record.encode()
