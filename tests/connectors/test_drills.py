"""When a key, a disk or a connector is lost or in other hands: each drill with real stores and a real gate."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from samband.connectors import service as running
from samband.connectors.keys import OwnKeys
from samband.schemas.errors import InputError, SambandError
from samband.schemas.key_card import Reason
from samband.streams.crypto.keys import Kid, Purpose
from tests.connectors.line import Connector, Line

DAY = 86_400_000


@pytest.fixture
def world(kit: Any) -> Any:
    """Return a world of one's own."""
    world = kit.World("drills")
    world.root = dataclasses.replace(world.root, shards=1)
    return world


@pytest.fixture
def line(world: Any, kit: Any, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Return a gate with one partition that every message goes to."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)
    monkeypatch.setattr("samband.streams.gate.checks.partition_of", lambda ref, shards: 0)
    return Line(kit.Gate(world))


@pytest.fixture
def school(line: Line, tmp_path: Path) -> Connector:
    """Return the sender."""
    return line.connector("skola", tmp_path / "skola")


@pytest.fixture
def social(line: Line, tmp_path: Path) -> Connector:
    """Return the recipient."""
    return line.connector("social", tmp_path / "social")


def forget(connector: Connector, purpose: Purpose) -> None:
    """Lose the key files of a purpose."""
    for path in (connector.folder / "keys").glob(f"{purpose}-*.key"):
        path.unlink()
    connector.party.load_keys()


def handed_over(connector: Connector) -> Counter[bytes]:
    """Hand everything over that waits, as an adapter would, and count by message."""
    service, store = connector.service, connector.store
    counted: Counter[bytes] = Counter()
    for unit in connector.party.units:
        rows: list[Any] = [None]
        while rows:  # one a child at a time
            with store.transaction():
                rows = service.handing.begin(unit.id, 10_000, running.now_ms())
            service.handing.settle(rows, [None] * len(rows), running.now_ms())
            counted += Counter(row.message_id for row in rows)
    return counted


def released(connector: Connector, now: int) -> None:
    """Do what the connector does when a newer directory has come."""
    with connector.store.transaction():
        connector.store.release(now)


def sealed_again(sender: Connector, recipient: Connector, now: int) -> None:
    """Let the sender hear what was not read, seal it again, and the recipient read it, as often as it may take."""
    for _ in range(4):
        sender.read()
        released(sender, now)
        sender.send()
        recipient.read()
        recipient.send()


def test_a_lost_unit_key(line: Line, school: Connector, social: Connector, kit: Any, world: Any) -> None:
    """The recipient cannot open; it makes a next key; the sender seals again, and each arrives exactly once."""
    said = [school.say(world.concern()) for _ in range(5)]
    school.send()
    forget(social, Purpose.UNIT_CONTENT)
    social.read()
    assert handed_over(social) == {}
    assert {row.code for row in social.store.letters()} == {"RECIPIENT_KEY"}
    OwnKeys(social.party).rotate(Purpose.UNIT_CONTENT, "IFO", kit.NOW)
    social.send()
    line.publish()
    sealed_again(school, social, kit.NOW)
    counted = handed_over(social)
    assert counted == dict.fromkeys(said, 1)
    social.send()
    school.read()
    for message in said:
        assert school.outcomes(message)[-1] == "handed_over"
        assert school.store.draft(message) is None


def test_a_lost_disk(line: Line, school: Connector, social: Connector, kit: Any, world: Any, tmp_path: Path) -> None:
    """Store and keys are gone but for the root key: new keys, the lost ones taken back, and what was not read comes."""
    before = school.say(world.concern())
    school.send()
    social.read()
    assert handed_over(social) == {before: 1}
    social.send()
    unread = [school.say(world.concern()) for _ in range(4)]
    school.send()
    old = {Kid(each.kid) for each in (social.party.directory.keys.values()) if each.party == "social"}
    # The disk is lost. What a party keeps elsewhere: its root key, and a signing key to speak at all.
    social.store.close()
    folder = tmp_path / "new"
    (folder / "keys").mkdir(parents=True, mode=0o700)
    for purpose in (Purpose.PARTY_ROOT, Purpose.PARTY_SIGN):
        for path in (social.folder / "keys").glob(f"{purpose}-*.key"):
            shutil.copy(path, folder / "keys" / path.name)
    again = Connector(line, world.open_party("social", folder, made=False), folder)
    again.party.load_keys()
    own = OwnKeys(again.party)
    own.rotate(Purpose.PARTY_HOP, "", kit.NOW)
    own.rotate(Purpose.UNIT_CONTENT, "IFO", kit.NOW)
    again.send()
    line.publish()
    for kid in old:
        if again.party.directory.known(kid).card.purpose in (Purpose.PARTY_HOP, Purpose.UNIT_CONTENT):
            own.revoke(kid, Reason.LOST, kit.NOW, kit.NOW)
    again.send()
    line.publish()
    sealed_again(school, again, kit.NOW)
    counted = handed_over(again)
    assert counted == dict.fromkeys(unread, 1)
    again.send()
    school.read()
    assert [school.outcomes(message)[-1] for message in (before, *unread)] == ["handed_over"] * 5


def test_the_sender_does_not_seal_for_ever(
    line: Line, school: Connector, social: Connector, world: Any, kit: Any
) -> None:
    """Without a next key the message waits, is tried again when the directory changes, and ends at its own end."""
    message = school.say(world.concern())
    school.send()
    forget(social, Purpose.UNIT_CONTENT)
    sealed = []
    for _ in range(6):
        social.read()
        social.send()
        school.read()
        sealed.append(school.store.number(f"again/{message.hex()}"))
        school.send()
    assert sealed[-1] == sealed[-2] == 2  # once at once, then it waits
    draft = school.store.draft(message)
    assert draft is not None
    released(school, draft.expires)
    assert school.outcomes(message)[-1] == "refused"
    assert school.store.draft(message) is None


def test_what_was_opened_before_the_key_was_lost_goes_on(
    line: Line, school: Connector, social: Connector, world: Any, kit: Any
) -> None:
    """A letter that was read, and not handed over yet, is handed over once, though its key is said to be lost."""
    message = school.say(world.concern())
    school.send()
    social.read()
    kid = next(iter(social.party.content))
    own = OwnKeys(social.party)
    own.rotate(Purpose.UNIT_CONTENT, "IFO", kit.NOW)
    own.revoke(kid, Reason.LOST, kit.NOW, kit.NOW)
    social.send()
    line.publish()
    counted = handed_over(social)
    for _ in range(3):
        social.send()
        school.read()
        released(school, kit.NOW)
        school.send()
        social.read()
        counted += handed_over(social)
    assert counted == {message: 1}
    assert school.outcomes(message)[-1] == "handed_over"


def test_a_stolen_signing_key(line: Line, school: Connector, social: Connector, world: Any, kit: Any) -> None:
    """After revocation the thief says nothing more; what came since is listed; the party goes on with its next key."""
    honest = school.say(world.concern())
    school.send()
    line.gate.now += 1000
    stolen = world.parties["skola"].sign
    forged = world.concern()
    thief = line.gate.world.lane("skola", line.gate.now, sign=stolen, instance=b"t" * 16)
    line.take(line.gate.record(world.seal(forged, sign=stolen), "skola", seq=1, lane=thief))
    social.read()
    own = OwnKeys(school.party)
    with pytest.raises(InputError) as last:
        own.revoke(Kid(stolen.kid), Reason.STOLEN, kit.NOW + 500, kit.NOW)
    assert last.value.code == "KEY_LAST"
    own.rotate(Purpose.PARTY_SIGN, "", kit.NOW)
    school.send()
    line.publish()
    own.revoke(Kid(stolen.kid), Reason.STOLEN, kit.NOW + 500, kit.NOW)
    school.send()
    line.publish()
    assert school.party.sign(kit.NOW + 600).kid != stolen.kid
    known = social.party.directory.known(stolen.kid)
    assert known.revocation is not None
    doubtful = [
        row.message_id
        for row in social.store.every_letter()
        if row.letter["kid"] == stolen.kid.hex() and row.letter["decided_at"] >= known.revocation.at
    ]
    assert doubtful == [forged.message_id]
    line.gate.now = kit.NOW + 2000
    thief = line.gate.world.lane("skola", line.gate.now, sign=stolen, instance=b"t" * 16)
    record = line.gate.record(
        world.seal(world.concern(), sign=stolen, sender_kid=stolen.kid), "skola", seq=2, lane=thief
    )
    assert line.gate.take(record).quarantined[0][1] == "KEY_REVOKED"
    after = school.say(world.concern())
    school.send()
    social.read()
    assert {honest, forged.message_id, after} == {row.message_id for row in social.store.letters()}


def test_keys_are_renewed_in_time(line: Line, social: Connector, world: Any, kit: Any) -> None:
    """After 30 days the next keys are made and said, the old ones open what comes late, and nothing is made twice."""
    own, later = OwnKeys(social.party), kit.NOW + 30 * DAY
    assert own.tend(kit.NOW) == 0
    assert own.due(later) == [(Purpose.PARTY_HOP, ""), (Purpose.UNIT_CONTENT, "IFO")]
    before = dict(social.party.content)
    line.gate.now = later
    assert own.tend(later) == 2
    assert own.tend(later) == 0
    assert len(social.party.content) == len(before) + 1
    social.send()
    line.gate.world.publish(world.directory, *line.cards, now=later)
    assert own.due(later) == []
    unit = world.directory.unit("IFO")
    newest = world.directory.seal_key("social", Purpose.UNIT_CONTENT, later, "IFO").kid
    assert newest not in before
    for kid in before:
        world.directory.content_key_of(kid, unit, later)


def test_a_crash_between_making_and_saying_a_key(line: Line, social: Connector, kit: Any) -> None:
    """A card that did not get through is said again in an hour, the same one; none is lost."""
    own = OwnKeys(social.party)
    own.rotate(Purpose.UNIT_CONTENT, "IFO", kit.NOW)
    social.send()
    first = line.cards.pop()
    assert own.tend(kit.NOW + 3_599_999) == 0
    line.gate.now = kit.NOW + 3_600_000
    assert own.tend(line.gate.now) == 1
    social.send()
    assert line.cards == [first]


def test_an_absent_root_key_is_told(social: Connector, kit: Any) -> None:
    """Where the party's root key is kept elsewhere nothing is made; a person brings it."""
    forget(social, Purpose.PARTY_ROOT)
    count = len(social.party.content)
    with pytest.raises(SambandError) as caught:
        OwnKeys(social.party).tend(kit.NOW + 31 * DAY)
    assert caught.value.code == "KEY_FILE_MISSING"
    assert len(social.party.content) == count


def test_after_its_period_a_key_is_gone(line: Line, school: Connector, social: Connector, world: Any, kit: Any) -> None:
    """Thirty days after a unit key's end no file of it is left, and no copy of the inbox opens any more."""
    school.say(world.concern())
    school.send()
    copy = list(line.inboxes["social"])
    (kid,) = social.party.content
    own, end = OwnKeys(social.party), world.directory.known(kid).card.not_after
    own.tend(end + 30 * DAY - 1)
    assert kid in social.party.content
    own.tend(end + 30 * DAY)
    assert kid not in social.party.content
    assert not list((social.folder / "keys").glob(f"*{kid.hex()[:12]}*"))
    accept = world.accept("social")
    accept.hop, accept.content = social.party.hop, social.party.content
    for value in copy:
        with pytest.raises(SambandError) as caught:
            accept.open(value)
        assert caught.value.code == "OPENER_KEY"
