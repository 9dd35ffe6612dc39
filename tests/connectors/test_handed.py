"""What was handed over because of one cause: at the hub from its audit records, at a party from its own store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from samband.connectors.cli.incident import LANGUAGES, Tally
from samband.connectors.client import Client
from samband.connectors.handed import Cause, Handed, Trail, by_user, of_party
from samband.connectors.party import Party
from samband.connectors.receive import Receiver, step_of
from samband.schemas.events import Id16, Level, Recall
from samband.streams import topics
from samband.streams.audit import UnverifiedAudit


def follow(gate: Any, cause: Cause) -> tuple[list[Handed], Trail]:
    """Read everything that a gate wrote to the audit topic, as the hub's command does."""
    trail = Trail(cause)
    found = []
    for turn in gate.turns:
        for value in gate.values(turn, topics.AUDIT):
            audit = UnverifiedAudit.decode(value)
            handed = trail.take(audit.entry, audit.record(gate.world.audit_key))
            found += [handed] if handed else []
    return found, trail


def leaned(gate: Any, kit: Any) -> tuple[Any, list[Any]]:
    """Let two notices go on a consent and a report on duty; return the consent's event and the three drafts."""
    world = gate.world
    event = world.event(kit.consent(), "IFO")
    gate.say(event)
    drafts = [world.notice(), world.notice(), world.concern()]
    assert [stamp.outcome for stamp in gate.say(*drafts[:2]) + gate.say(drafts[2])] == ["permit"] * 3
    return event, drafts


def test_a_consent_is_followed_from_the_event_that_recorded_it(gate: Any, kit: Any) -> None:
    """Named by its event or by its log entry, a consent gives the messages that leaned on it and were handed over."""
    event, (one, other, report) = leaned(gate, kit)
    gate.say(gate.world.receipt(one), gate.world.receipt(report))
    found, trail = follow(gate, Cause(event=event.message_id))
    assert [each.message_id for each in found] == [one.message_id]
    assert (found[0].sender, found[0].recipient, found[0].grounds) == ("IFO", "SKOLA", ("CONSENT",))
    assert found[0].handed_over_at >= found[0].decided_at > 0
    assert list(trail.on_their_way) == [other.message_id]
    (entry,) = found[0].consents
    assert [each.message_id for each in follow(gate, Cause(consents={entry}))[0]] == [one.message_id]
    assert follow(gate, Cause(consents={bytes(32)}))[0] == []
    assert follow(gate, Cause(event=bytes(16)))[0] == []


def test_a_rule_and_a_unit_are_followed(gate: Any, kit: Any) -> None:
    """A ground gives what rested on it, a unit what it sent and what came to it."""
    _, drafts = leaned(gate, kit)
    gate.say(*map(gate.world.receipt, drafts[:2]), party="skola")
    gate.say(gate.world.receipt(drafts[2]))
    ids = [each.message_id for each in drafts]
    assert [each.message_id for each in follow(gate, Cause(rule="CONSENT"))[0]] == ids[:2]
    assert [each.message_id for each in follow(gate, Cause(rule="DUTY_REPORT"))[0]] == ids[2:]
    assert [each.message_id for each in follow(gate, Cause(unit="SKOLA"))[0]] == ids
    assert follow(gate, Cause(unit="BUP"))[0] == []


def test_what_was_not_handed_over_is_not_told(gate: Any, kit: Any) -> None:
    """What is refused, recalled or only asked about is not told; a receipt after a recall shows what happened."""
    world = gate.world
    _, (one, other, _) = leaned(gate, kit)
    gate.say(world.receipt(one, Level.REFUSED))
    gate.say(world.event(Recall(Id16(other.message_id)), "IFO"))
    gate.say(structs.replace(world.notice(), ask=True, content=None))
    found, trail = follow(gate, Cause(rule="CONSENT"))
    assert (found, list(trail.on_their_way)) == ([], [other.message_id])
    gate.say(world.receipt(other, Level.HANDED_OVER))  # it was handed over before the recall came
    assert [each.message_id for each in follow(gate, Cause(rule="CONSENT"))[0]] == [other.message_id]


def test_what_expires_is_forgotten(gate: Any, kit: Any) -> None:
    """A message that nobody takes does not stay in memory for longer than it lives."""
    leaned(gate, kit)
    gate.now += 15 * kit.DAY
    gate.take()
    assert follow(gate, Cause(unit="SKOLA"))[1].on_their_way == {}


def test_a_user_is_found_by_the_party_alone(world: Any, gate: Any, social: Party, kit: Any) -> None:
    """What one of a party's own users sent is found by id; no other id, and no other party's secret, finds it."""
    client, now = Client(social), datetime.fromtimestamp(kit.NOW / 1000, UTC)
    gate.say(world.event(kit.consent(), "IFO"))
    content = {"child_identifier": world.child.identifier, **kit.CONTENT["placement.notice"]}
    sent = {}
    for user in ("anna01", "anna02"):
        acting = {"id": user, "role": "socialsekreterare"}
        sent[user] = client.send("placement.notice", recipient="SKOLA", content={**content, "acting_user": acting},
                                 now=now)  # fmt: skip
        draft = social.store.draft(sent[user])
        (stamp,) = gate.say(draft)
        assert any(stamp.user)
        with social.store.transaction():
            social.store.add_step(sent[user], step_of(stamp, "decision", b""))
            social.store.add_step(sent[user], step_of(structs.replace(stamp, outcome="handed_over"), "receipt", b""))
        gate.say(world.receipt(draft))
    assert social.store.roles_of("anna01") == ["socialsekreterare"]

    def found(party: Party, user: str, roles: list[str]) -> list[bytes]:
        return [each.message_id for each in of_party(social, Cause(user=by_user(party, user, roles)))]

    assert found(social, "anna01", social.store.roles_of("anna01")) == [sent["anna01"]]
    assert found(social, "anna01", ["rektor"]) == found(social, "anna03", social.store.roles_of("anna03")) == []
    social.store.secret = b"x" * 32
    assert found(social, "anna01", ["socialsekreterare"]) == []


def test_an_event_and_a_recall_carry_their_own_user(world: Any, social: Party, kit: Any) -> None:
    """An event carries who said it; a recall, whose user is not asked for, does not pass on the message's."""
    client, now = Client(social), datetime.fromtimestamp(kit.NOW / 1000, UTC)
    acting = {"id": "anna01", "role": "socialsekreterare"}
    event = client.record(kit.consent(), child=world.child.identifier, now=now, acting_user=acting)
    draft = social.store.draft(event)
    assert draft is not None
    assert by_user(social, "anna01", ["socialsekreterare"])(event, draft.user)
    recalled = social.store.draft(client.recall(event, now=now))
    assert recalled is not None
    assert not any(recalled.user)


def test_a_user_s_roles_are_kept_within_the_caller_s_transaction(social: Party) -> None:
    """A role is remembered once, also by who has begun a transaction, and goes with it when that fails."""
    store = social.store

    def fail() -> None:
        with store.transaction():
            store.remember_role("anna01", "rektor")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.roles_of("anna01") == []
    for role in ("rektor", "mentor", "rektor"):
        store.remember_role("anna01", role)
    assert store.roles_of("anna01") == ["rektor", "mentor"]


def test_a_party_finds_what_came_to_it(world: Any, gate: Any, social: Party, kit: Any) -> None:
    """Letters that came and were taken over are in a party's list, with ground and sender; waiting ones are not."""
    receiver = Receiver(social, world.accept("social"))
    gate.say(world.concern(), world.concern())
    with social.store.transaction():
        for value in gate.values(gate.turns[-1], topics.inbox("social")):
            receiver.take(0, value, kit.NOW)
        first = social.store.letters()[-1]
        social.store.mark_letter(first.message_id, "handed_over", kit.NOW + 5)
    (came,) = of_party(social, Cause(rule="DUTY_REPORT"))
    assert (came.message_id, came.sender, came.recipient, came.handed_over_at) == (
        first.message_id, "SKOLA", "IFO", kit.NOW + 5,
    )  # fmt: skip
    assert list(of_party(social, Cause(unit="SKOLA"))) == [came]
    assert list(of_party(social, Cause(consents={bytes(32)}))) == []


def test_the_draft_says_what_the_law_asks_for(gate: Any, kit: Any) -> None:
    """Both texts say how many, when, which ground and units, and the 72 hours; neither says which child."""
    _, drafts = leaned(gate, kit)
    gate.say(*map(gate.world.receipt, drafts[:2]), party="skola")
    tally = Tally()
    for each in follow(gate, Cause(rule="CONSENT"))[0]:
        tally.add(each)
    now = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)
    limit = (now + timedelta(hours=72)).strftime("%Y-%m-%d 14:00")  # the clocks went forward meanwhile
    assert tally.json()["children"] == 1
    for language in LANGUAGES:
        text = tally.text(language, "CONSENT", now)
        for word in ("2 m", "CONSENT (OSL 10:1", "IFO, SKOLA", "72", limit, "33", "34"):
            assert word in text
        told = text + json.dumps(tally.json())
        child = gate.world.child
        for secret in (child.identifier, child.name, gate.world.ref(child).hex(), drafts[0].message_id.hex()):
            assert secret not in told
