"""The reserve routine: a number to read out, and sealed envelopes that take another way, counted once."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.connectors.reserve import away_since, ids_of, number_of, read_number, reserve_of
from samband.connectors.reserve_file import _file, export, take_in
from samband.connectors.store import Step
from samband.connectors.watch import HUB_SILENT, REACHED, Watch, begin_to_reach
from samband.schemas.errors import FormatError, InputError, OperatorError, RefusedError, TrustError
from samband.schemas.message import Message
from samband.streams.crypto.keys import OpenKey, Purpose, Realm
from samband.streams.outbox import seal
from tests.connectors.line import Connector, Line

MINUTE = 60_000
DAY = 86_400_000
ids = st.binary(min_size=16, max_size=16)


@pytest.fixture(autouse=True)
def _clock(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connector's clock to the world's."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)


@pytest.fixture
def line(gate: Any) -> Line:
    """Return a gate with inboxes."""
    return Line(gate)


@pytest.fixture
def here(line: Line, tmp_path: Path) -> Connector:
    """Return the party's machine that does not reach the hub."""
    return line.connector("skola", tmp_path / "here")


@pytest.fixture
def there(line: Line, tmp_path: Path) -> Connector:
    """Return another machine of the same party, which does."""
    return line.connector("skola", tmp_path / "there")


def judged(line: Line) -> Counter[bytes]:
    return Counter(each.message_id for each in line.log if each.kind in ("decision", "event"))


def outbox(connector: Connector) -> list[Any]:
    database = connector.store.database
    return database.execute("SELECT message_id, state, seq, draft, message FROM outbox ORDER BY id").fetchall()


# the number


@given(ids, st.integers(0, 9), st.sampled_from("0123456789ABCDEFGHJKMNPRSTVWXYZ"))
def test_one_wrong_sign_is_noticed(message_id: bytes, at: int, sign: str) -> None:
    """A reserve number with one sign changed is no reserve number."""
    plain = number_of(message_id).replace("-", "")
    wrong = plain[:at] + sign + plain[at + 1 :]
    if wrong == plain:
        assert read_number(wrong) == number_of(message_id)
        return
    with pytest.raises(InputError) as caught:
        read_number(wrong)
    assert caught.value.code == "RESERVE_NUMBER"


@given(ids, st.integers(0, 9), st.integers(0, 9))
def test_two_signs_that_changed_places_are_noticed(message_id: bytes, one: int, other: int) -> None:
    """A reserve number with two signs exchanged, next to each other or not, is no reserve number."""
    signs = list(number_of(message_id).replace("-", ""))
    signs[one], signs[other] = signs[other], signs[one]
    wrong = "".join(signs)
    if wrong == number_of(message_id).replace("-", ""):
        return
    with pytest.raises(InputError):
        read_number(wrong)


@given(ids)
def test_a_number_is_heard_in_many_ways(message_id: bytes) -> None:
    """Small letters, spaces, I for 1 and O for 0 are the same number; it is five signs, a dash and five signs."""
    number = number_of(message_id)
    assert len(number) == 11
    assert number[5] == "-"
    heard = number.lower().replace("-", " ").replace("1", "i").replace("0", "o")
    assert read_number(f" {heard} ") == number


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_number_or_an_error(text: str) -> None:
    """What cannot be read as a number is an input error and nothing else."""
    with contextlib.suppress(InputError):
        assert len(read_number(text)) == 11


def test_a_message_is_found_by_its_number(here: Connector, world: Any) -> None:
    """The number leads back to the message on every machine that said it, and to nothing elsewhere."""
    said = [here.say(world.concern()) for _ in range(5)]
    assert [ids_of(here.store, number_of(each).lower()) for each in said] == [[each] for each in said]
    with pytest.raises(InputError) as caught:
        ids_of(here.store, number_of(bytes(16)))
    assert caught.value.code == "RESERVE_UNKNOWN"


# when it is said


def test_a_number_is_given_while_the_hub_is_away(here: Connector, world: Any, kit: Any) -> None:
    """It is said after some minutes without the hub, of what waits, and no longer when the hub is there again."""
    store, party, message = here.store, here.party, here.say(world.concern())
    assert reserve_of(party, message, kit.NOW + DAY) is None  # no connector has ever run: nothing is known
    begin_to_reach(store, kit.NOW)
    begin_to_reach(store, kit.NOW + MINUTE)
    assert store.number(REACHED) == kit.NOW
    assert reserve_of(party, message, kit.NOW + 5 * MINUTE - 1) is None
    found = reserve_of(party, message, kit.NOW + 5 * MINUTE)
    assert found is not None
    assert (found.number, found.since) == (number_of(message), kit.NOW)
    Watch(party).look(kit.NOW + 6 * MINUTE, 30_000)
    assert away_since(party, kit.NOW + 6 * MINUTE) == 0
    Watch(party).look(kit.NOW + 12 * MINUTE, 0)  # the inbox was not read to its end
    assert away_since(party, kit.NOW + 12 * MINUTE) == kit.NOW + 6 * MINUTE
    with store.transaction():
        store.add_step(message, Step(kit.NOW, "decision", "permit", "", {}))
    assert reserve_of(party, message, kit.NOW + 12 * MINUTE) is None
    assert reserve_of(party, bytes(16), kit.NOW + 12 * MINUTE) is None


def test_a_gate_that_does_not_decide_is_a_hub_that_is_away(here: Connector, kit: Any) -> None:
    """Kafka may be there and the gate not: when it has not decided for long, the hub counts as away."""
    begin_to_reach(here.store, kit.NOW)
    with here.store.transaction():
        here.store.keep_number(f"alarm/{HUB_SILENT}", kit.NOW - MINUTE)
    assert away_since(here.party, kit.NOW) == kit.NOW - MINUTE


# the file


def test_what_is_carried_is_judged_once_and_both_know(here, there, line, world, kit) -> None:
    """Exported, taken in elsewhere and sent: permitted there; and the first store learns it when it reads again."""
    said = [here.say(world.concern()) for _ in range(3)]
    before = outbox(here)
    file = export(here.party, kit.NOW)
    assert list(file.messages) == said
    assert (file.left, file.next) == ((), 0)
    assert outbox(here) == before  # an export changes nothing
    taken = take_in(there.party, file.data, kit.NOW)
    assert [(each.message_id, each.state) for each in taken] == [(each, "taken") for each in said]
    there.settle()
    assert judged(line) == dict.fromkeys(said, 1)
    assert [there.outcomes(each) for each in said] == [["permit"]] * 3
    here.settle()
    assert judged(line) == dict.fromkeys(said, 1)
    assert [here.outcomes(each) for each in said] == [["permit"]] * 3
    assert here.store.number("count/cloned_store") is None


@pytest.mark.parametrize("sealed_first", [True, False])
@pytest.mark.parametrize("order", ["hthththt", "tthhtthh", "hhtthhtt"])
def test_both_ways_at_once(here, there, line, world, kit, order, sealed_first) -> None:
    """The network is back while the file is on its way: in whatever order, each message is handed over once."""
    said = [here.say(world.concern()) for _ in range(4)]
    if sealed_first:
        here.records()
    file = export(here.party, kit.NOW)
    take_in(there.party, file.data, kit.NOW)
    said.append(here.say(world.concern()))
    said.append(there.say(world.concern()))
    for who in order:
        connector = here if who == "h" else there
        connector.send()
        connector.read()
    for connector in (here, there, here, there):
        connector.settle()
    assert judged(line) == dict.fromkeys(said, 1)
    assert [here.outcomes(each) for each in said[:5]] == [["permit"]] * 5
    assert [there.outcomes(each) for each in said[:4]] == [["permit"]] * 4
    recipient = line.connector("social", here.folder.parent / "social")
    recipient.read()
    assert sorted(each.message_id for each in recipient.store.letters("waiting", 100)) == sorted(said)


def test_taken_in_twice(here, there, line, world, kit) -> None:
    """The same file again, before and after it was sent, and a second export: nothing new."""
    message = here.say(world.concern())
    file, again = export(here.party, kit.NOW), export(here.party, kit.NOW)
    assert file.data != again.data
    take_in(there.party, file.data, kit.NOW)
    assert [each.state for each in take_in(there.party, file.data, kit.NOW)] == ["known"]
    there.settle()
    for data in (file.data, again.data):
        assert [each.state for each in take_in(there.party, data, kit.NOW)] == ["known"]
    there.settle()
    assert judged(line) == {message: 1}
    assert [each.state for each in take_in(here.party, file.data, kit.NOW)] == ["known"]


def test_a_withdrawal_is_carried(line, world, kit, tmp_path) -> None:
    """Events are carried as well: a withdrawal that is said while the network is away counts when the file comes."""
    first, second = line.connector("social", tmp_path / "first"), line.connector("social", tmp_path / "second")
    withdrawal = first.say(world.event(kit.events.ConsentWithdrawn(), "IFO"))
    take_in(second.party, export(first.party, kit.NOW).data, kit.NOW)
    second.settle()
    assert judged(line) == {withdrawal: 1}
    assert second.outcomes(withdrawal) == ["accepted"]


def test_what_was_carried_survives_a_new_instance_and_a_lost_answer(here, there, line, world, kit) -> None:
    """A store that takes new numbers, or whose number the gate has had, sends what it cannot seal again as it is."""
    message = here.say(world.concern())
    take_in(there.party, export(here.party, kit.NOW).data, kit.NOW)
    there.records()  # it has a number, and is not sent
    with there.store.transaction():
        assert there.store.repeat_unanswered(0, 1) == 1
    there.records()
    with there.store.transaction():
        assert there.store.begin_anew() == 1
    there.service._writer.renew(there.store.instance)
    there.settle()
    assert judged(line) == {message: 1}
    assert there.outcomes(message) == ["permit"]
    with there.store.transaction():
        assert there.store.begin_anew() == 0


def test_what_is_decided_is_not_carried(here, line, world, kit) -> None:
    """A file holds what the gate has not answered, and no receipts."""
    here.say(world.concern())
    here.settle()
    assert export(here.party, kit.NOW).data == b""


def test_many_make_several_files(here, there, world, kit, monkeypatch) -> None:
    """What does not fit into one file is in the next, once each, in order."""
    monkeypatch.setattr("samband.connectors.reserve_file.MOST", 3)
    said = [here.say(world.concern()) for _ in range(7)]
    files, after = [], 0
    while True:
        files.append(export(here.party, kit.NOW, after))
        if not (after := files[-1].next):
            break
    assert [len(each.messages) for each in files] == [3, 3, 1]
    assert [message for each in files for message in each.messages] == said
    for each in files:
        take_in(there.party, each.data, kit.NOW)
    assert len(there.store.new_sealed(100)) == 7


# what is refused


def test_every_changed_byte_is_noticed(here, there, world, kit) -> None:
    """A file with any byte changed, cut or longer is refused, and nothing of it is taken."""
    here.say(world.concern())
    data = export(here.party, kit.NOW).data
    changed = [bytes((*data[:at], data[at] ^ 1, *data[at + 1 :])) for at in range(0, len(data), 7)]
    for each in (*changed, data[:-1], data + b"\0", b"", b"samband/1/reserve\n", data[:40]):
        with pytest.raises(FormatError) as caught:
            take_in(there.party, each, kit.NOW)
        assert caught.value.code == "RESERVE_BROKEN"
    assert outbox(there) == []


def forged(data: bytes, at: int = -33) -> bytes:
    """Change a byte and make the digest fit again: what somebody does who means it."""
    body = bytearray(data[:-32])
    body[at] ^= 1
    return bytes(body) + hashlib.sha256(body).digest()


@pytest.mark.parametrize(("at", "code"), [(-1, "RESERVE_BROKEN"), (20, "RESERVE_REALM"), (36, "RESERVE_PARTY")])
def test_a_change_with_a_digest_that_fits(here, there, world, kit, at, code) -> None:
    """Who changes the file and its digest is stopped by the seal, which binds the head too."""
    here.say(world.concern())
    with pytest.raises((FormatError, RefusedError)) as caught:
        take_in(there.party, forged(export(here.party, kit.NOW).data, at), kit.NOW)
    assert caught.value.code == code
    assert outbox(there) == []


def test_another_party(here, line, world, kit, tmp_path) -> None:
    """A file of one party is refused by another."""
    here.say(world.concern())
    with pytest.raises(RefusedError) as caught:
        take_in(line.connector("social", tmp_path / "other").party, export(here.party, kit.NOW).data, kit.NOW)
    assert caught.value.code == "RESERVE_PARTY"


@pytest.mark.parametrize("of_unit", ["IFO", "SKOLA"])
def test_another_party_s_message_in_an_own_file(here, there, line, world, kit, tmp_path, of_unit) -> None:
    """A hop key is public: a message that another party signed, in its own or our name, does not get in."""
    other = line.connector("social", tmp_path / "other")
    draft = world.concern() if of_unit == "SKOLA" else world.event(kit.events.ConsentWithdrawn(), "IFO")
    messages = seal([draft], world.directory, other.party.sign(kit.NOW), kit.NOW)
    with pytest.raises(TrustError) as caught:
        take_in(there.party, _file(here.party, [each.encode() for each in messages], kit.NOW), kit.NOW)
    assert caught.value.code == "RESERVE_SENDER"
    assert outbox(there) == []


def test_a_message_that_was_changed_inside(here, there, world, kit) -> None:
    """A message whose content is not what was signed does not get in, whoever has sealed the file."""
    here.say(world.concern())
    here.records()
    message = Message.decode(here.store.unanswered()[0].message)
    changed = bytes((*message.content[:-1], message.content[-1] ^ 1))
    message = Message(message.routing, changed, message.kid, message.sig, message.n, message.i, message.path)
    with pytest.raises(TrustError):
        take_in(there.party, _file(here.party, [message.encode()], kit.NOW), kit.NOW)
    assert outbox(there) == []


def test_another_realm(here, there, world, kit, monkeypatch) -> None:
    """A file of a test hub is refused in production."""
    here.say(world.concern())
    data = export(here.party, kit.NOW).data
    monkeypatch.setattr(there.party, "root", replace(there.party.root, realm=Realm(bytes(16))), raising=False)
    with pytest.raises(RefusedError) as caught:
        take_in(there.party, data, kit.NOW)
    assert caught.value.code == "RESERVE_REALM"


def test_too_old(here, there, world, kit) -> None:
    """What has expired says so and is not taken; the rest of the file is; and an export leaves it out with its code."""
    old, new = here.say(replace_expiry(world.concern(), kit.NOW + DAY)), here.say(world.concern())
    file = export(here.party, kit.NOW)
    taken = take_in(there.party, file.data, kit.NOW + 2 * DAY)
    assert [(each.message_id, each.state, each.code) for each in taken] == [
        (old, "expired", "EXPIRED"),
        (new, "taken", ""),
    ]
    assert [(each.message_id, each.code) for each in export(here.party, kit.NOW + 2 * DAY).left] == [(old, "EXPIRED")]


def replace_expiry(draft: Any, expires: int) -> Any:
    return msgspec.structs.replace(draft, expires=expires)


def test_a_key_that_is_over(here, there, world, kit, monkeypatch) -> None:
    """What is sealed to a key past its overlap says so on import, and is sealed anew by the next export."""
    message = here.say(world.concern())
    here.records()
    file = export(here.party, kit.NOW)

    def over(*_: object) -> None:
        raise TrustError("KEY_EXPIRED", "outside its time")

    with monkeypatch.context() as patch:
        patch.setattr(type(there.party.directory), "content_key_of", over)
        (taken,) = take_in(there.party, file.data, kit.NOW)
        assert (taken.state, taken.code) == ("key_over", "KEY_EXPIRED")
        assert outbox(there) == []
        again = export(here.party, kit.NOW)
    assert again.messages == (message,)
    assert [each.state for each in take_in(there.party, again.data, kit.NOW)] == ["taken"]
    assert there.store.new_sealed(1)[0][2] != here.store.unanswered()[0].message


def test_without_the_hop_key(here, there, world, kit, monkeypatch) -> None:
    """A machine that lacks the key, or has destroyed it, says that the file must be exported again."""
    here.say(world.concern())
    stranger = OpenKey.generate(there.party.root.realm, Purpose.PARTY_HOP)
    monkeypatch.setattr(there.party, "hop", {stranger.kid: stranger})
    with pytest.raises(OperatorError) as caught:
        take_in(there.party, export(here.party, kit.NOW).data, kit.NOW)
    assert caught.value.code == "RESERVE_KEY"


def test_the_file_shows_nothing(here, world, kit) -> None:
    """No label is plain in the file: unit, type, child reference and message id are not in it."""
    draft = world.concern()
    here.say(draft)
    data = export(here.party, kit.NOW).data
    for said in (draft.message_id, draft.ref, draft.type.encode(), draft.recipient.encode(), draft.sender.encode()):
        assert said not in data
