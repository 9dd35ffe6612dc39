"""An answer tells a unit nothing about a child that it has no part in; the log holds the true reason."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from samband.schemas import events
from samband.schemas.categories import Category
from samband.schemas.events import ChildView, CircleUpdate, ConsentWithdrawn, MarkKind, Member, ProtectionMarked, View
from samband.schemas.stamp import Stamped
from samband.streams import topics
from samband.streams.gate import verdicts

BUP = events.Recipient("BUP")


def children(gate: Any, kit: Any) -> dict[str, Any]:
    """Return children of one partition whom the gate knows different things about."""
    world = gate.world
    names = ("unknown", "unconsented", "consented", "withdrawn", "protected", "objecting")
    found = {name: world.child_of(0, number) for number, name in enumerate(names)}
    objecting = ChildView(View.OBJECTS)

    def said(name: str, body: Any, unit: str = "IFO") -> None:
        (stamp,) = gate.say(world.event(body, unit, found[name]))
        assert stamp.outcome == "accepted", (name, stamp.code)

    for name in names[1:]:
        said(name, CircleUpdate((Member("SKOLA", "school", 1),), claim=True))
    for name in names[2:]:
        said(
            name,
            kit.consent(recipients=(BUP,), child_view=objecting if name == "objecting" else kit.consent().child_view),
        )
    said("withdrawn", ConsentWithdrawn())
    said("protected", ProtectionMarked(MarkKind.THREAT))
    return found


def shown(gate: Any, draft: Any, party: str) -> Any:
    """Return the one record that the sender's party gets of a message, without what says which message it was."""
    turn = gate.take(gate.record(gate.world.seal(draft), party))
    (back,) = gate.inbox(turn, party)
    (value,) = gate.values(turn, topics.inbox(party))
    stamp = replace(back.stamp, message_id=bytes(16), leaf=bytes(32), ref=bytes(16), decided_at=0, appended_at=0)
    seen = len(value), len(back.down.stamped), Stamped.decode(back.down.stamped).n
    return stamp, seen, gate.stamps(turn)


@pytest.mark.parametrize("ask", [False, True])
@pytest.mark.parametrize("role", ["", "school"])
def test_an_outsider_gets_one_constant_answer(gate, world, kit, ask, role):
    """For an unknown, unconsented, protected or objecting child a stranger's answer is the same, byte for byte."""
    answers = []
    for child in children(gate, kit).values():
        draft = world.draft("dialogue.message", "SKOLA", "BUP", child, recipient_role=role)
        if ask:
            draft = structs.replace(draft, ask=True, content=None)
        # BUP is no member, EMI is: the school's own circle membership would show it more, so the stranger is EMI.
        draft = structs.replace(draft, sender="EMI", categories=("dialogue:child", "health:child", "identity:child"))
        answers.append(shown(gate, draft, "skola")[:2])
    assert len({(stamp.encode(), seen) for stamp, seen in answers}) == 1
    assert answers[0][0].outcome == "deny"


def test_the_log_holds_the_true_reason(gate, world, kit):
    """The stranger's answer is stamped beside the decision, and only the decision says why."""
    child = children(gate, kit)["consented"]
    draft = structs.replace(
        world.draft("dialogue.message", "SKOLA", "BUP", child), sender="EMI",
        categories=("dialogue:child", "health:child", "identity:child"),
    )  # fmt: skip
    stamp, _, (decision, answer) = shown(gate, draft, "skola")
    assert (decision.kind, decision.reasons) == ("decision", ("NECESSITY_MISSING", "CONSENT_DISCLOSER"))
    assert (answer.kind, answer.reasons) == ("answer", ("NECESSITY_MISSING", "CONSENT_MISSING"))
    assert stamp.reasons == answer.reasons


def test_the_circle_learns_what_is_missing(gate, world, kit):
    """A unit in the circle is told the decision itself."""
    child = children(gate, kit)["consented"]
    stamp, _, stamps = shown(gate, world.draft("dialogue.message", "SKOLA", "BUP", child), "skola")
    assert stamp.reasons == ("CONSENT_DISCLOSER",)
    assert [each.kind for each in stamps] == ["decision"]


def test_an_own_record_opens_no_view_on_others(gate, world, kit):
    """Who records a consent of its own sees that one, and still nothing of what others have recorded."""
    child = children(gate, kit)["protected"]
    own = kit.consent(9, disclosers=("EMI",), recipients=(events.Recipient("IFO"),))
    assert gate.say(world.event(own, "EMI", child))[0].outcome == "accepted"
    where = {"address": "Exempelvägen 1"}
    told = ("address:child", "dialogue:child", "health:child", "identity:child")
    draft = structs.replace(world.draft("dialogue.message", "SKOLA", "BUP", child, content=where), sender="EMI",
                            categories=told)  # fmt: skip
    stamp, _, (decision, _) = shown(gate, draft, "skola")
    assert decision.grounds == ("FORBID_PROTECTED",)
    assert (stamp.grounds, stamp.reasons) == ((), ("NECESSITY_MISSING", "CONSENT_RECIPIENT"))


def test_questions_are_counted(gate, world, monkeypatch):
    """A party that asks about child after child is stopped for the hour, and goes on in the next."""
    monkeypatch.setattr(verdicts, "ASKS_AN_HOUR", 3)
    question = structs.replace(world.notice(), ask=True, content=None)
    codes = [gate.say(structs.replace(question, message_id=bytes([n]) * 16))[0].code for n in range(1, 6)]
    assert codes == ["", "", "", "QUOTA", "QUOTA"]
    gate.now += 3_600_000
    assert gate.say(structs.replace(question, message_id=bytes(16)))[0].code == ""


def test_marks_are_counted(gate, world, monkeypatch):
    """A party cannot mark every child of a municipality in an hour."""
    monkeypatch.setattr(verdicts, "MARKS_AN_HOUR", 2)
    codes = [gate.say(world.event(ProtectionMarked(kind), "SKOLA"))[0].code for kind in MarkKind]
    assert codes == ["", "", "QUOTA", "QUOTA"]


def test_a_claim_is_told_to_those_who_were_told_something(gate, world):
    """Every unit that has exchanged messages about the child learns that somebody has become responsible."""
    gate.say(world.concern())
    turn = gate.take(gate.record(world.seal(world.event(CircleUpdate(claim=True), "IFO")), "social"))
    (notice,) = gate.inbox(turn, "skola")
    assert (notice.stamp.type, notice.stamp.outcome, notice.message) == ("circle.update", "accepted", None)
    assert not gate.inbox(turn, "bup")


def test_a_look_up_is_no_other_partys_matter(gate, world):
    """That somebody looked at a child in their own party is in the log, by name; the responsible unit is not told.

    Of another act the record does not say which it was.
    """
    gate.say(world.event(CircleUpdate(claim=True), "IFO"))
    told = {}
    for act in (events.Act.LOOKED_UP, events.Act.SUBJECT_ACCESS):
        body = events.ActLogged(act, "head", events.Digest(bytes(32)))
        turn = gate.take(gate.record(world.seal(world.event(body, "SKOLA")), "skola"))
        (stamp,) = (each for each in gate.stamps(turn) if each.type == "act.logged")
        told[act] = (stamp.code, len(gate.inbox(turn, "social")))
    assert told == {events.Act.LOOKED_UP: ("LOOKED_UP", 0), events.Act.SUBJECT_ACCESS: ("", 1)}


def test_a_notice_says_which_consent(gate, world, kit):
    """A named unit's notice carries the consent's id, so that it can confirm or doubt it, and nothing more of it."""
    turn = gate.take(gate.record(world.seal(world.event(kit.consent(), "IFO")), "social"))
    (notice,) = gate.inbox(turn, "skola")
    assert notice.stamp.subject == kit.consent().consent_id
    assert notice.stamp.consents == ()


def test_a_withdrawal_is_told_to_those_who_lean_on_it(gate, world, kit):
    """Recorder and disclosers learn which consent was taken back; who heard it, only that it is recorded."""
    gate.say(world.event(CircleUpdate(claim=True), "IFO"))
    gate.say(world.event(kit.consent(2, disclosers=("BUP",)), "IFO"), world.event(kit.consent(1), "IFO"))
    turn = gate.take(gate.record(world.seal(world.event(ConsentWithdrawn(), "SKOLA")), "skola"))
    told = {
        party: [
            (each.stamp.subject, each.stamp.code) for each in gate.inbox(turn, party) if each.stamp.kind != "recall"
        ]
        for party in ("social", "bup", "skola")
    }
    closed = [(bytes([number]) * 16, "CONSENT_WITHDRAWN") for number in (2, 1)]
    assert told["bup"] == closed[:1]
    assert [each for each in told["social"] if each[0]] == closed
    assert told["skola"] == [(None, "")]


def test_a_withdrawal_is_answered_alike(gate, world, kit):
    """Whoever takes back what another recorded cannot tell from the answer whether there was anything to take back."""
    answers = []
    for child in children(gate, kit).values():
        draft = world.event(ConsentWithdrawn(), "EMI", child)
        answers.append(shown(gate, draft, "skola")[:2])
    assert len({(stamp.encode(), seen) for stamp, seen in answers}) == 1
    assert answers[0][0].outcome == "accepted"


def test_a_withdrawal_in_part_says_so(gate, world, kit):
    """Of a consent that is taken back for one category, the recorder learns that it was a part."""
    gate.say(world.event(kit.consent(1), "IFO"))
    scope = ConsentWithdrawn(events.Scope.CATEGORY, category=Category.PLACEMENT)
    turn = gate.take(gate.record(world.seal(world.event(scope, "BUP")), "bup"))
    assert [each.stamp.code for each in gate.inbox(turn, "social")] == ["CONSENT_WITHDRAWN_IN_PART"]
