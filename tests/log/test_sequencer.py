"""The sequencer: what becomes a leaf, and that nothing it ever signed is contradicted, whatever crashes."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from samband.schemas import events
from samband.schemas.codec import frame, unframe
from samband.schemas.errors import OperatorError, SambandError, TrustError
from samband.schemas.events import CardBytes, Digest, LogCosigned
from samband.schemas.stamp import AUDIT
from samband.streams.crypto.keys import Purpose, SignKey, VerifyKey
from samband.streams.log.checkpoint import Checkpoint, Policy, cosigners, opened, sign
from samband.streams.log.journal import Journal
from samband.streams.log.note import Note
from samband.streams.log.sequencer import Sequencer
from samband.streams.log.witnessed import ASKED, Asking
from tests.gate.world import NOW, World
from tests.log.hub import Hub, Killed
from tests.log.logs import WITNESS_KEYS


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def counts(sequencer: Sequencer) -> dict[str, int]:
    return sequencer.journal.counts()


def test_every_stamped_entry_is_a_leaf_in_order(hub: Hub) -> None:
    """The log has each entry once, in the topic's order, whatever the steps; an empty one is signed too."""
    sequencer = hub.start()
    assert hub.entries() == []
    entries = hub.say(300) + hub.say(3, partition=1)
    hub.turn(sequencer, 37)
    assert hub.entries() == entries
    assert counts(sequencer) == {}
    assert [sequencer.journal.index(entries[n]) for n in (0, 302)] == [0, 302]


def test_what_the_gate_did_not_stamp_is_no_leaf(hub: Hub) -> None:
    """Garbage, another's stamp, an altered entry or proof never becomes a leaf; each is counted as an alarm."""
    sequencer = hub.start()
    (entry,) = hub.say(1)
    value = hub.topic.pop()
    stranger = Hub(hub.path / "stranger")
    stranger.ground.world = World("another")
    stranger.say(1)
    fields = unframe(AUDIT, value)
    forged = [b"", b"garbage", value[:-1], *stranger.topic]
    forged += [frame(AUDIT, {**fields, **change}) for change in (
        {"entry": secrets.token_bytes(32)}, {"sig": bytes(64)}, {"n": fields["n"] + 1}, {"v": 2},
        {"kid": bytes(32)}, {"path": bytes(32)},
    )]  # fmt: skip
    hub.topic += [*forged, value]
    hub.turn(sequencer)
    assert hub.entries() == [entry]
    assert counts(sequencer) == {"refused": len(forged)}


def test_a_transaction_s_signature_is_checked_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that one signature covers cost one check; what it does not cover is refused after it held, too."""
    checked: list[bytes] = []
    verify = VerifyKey.verify
    monkeypatch.setattr(VerifyKey, "verify", lambda key, *what: checked.append(what[2]) or verify(key, *what))
    sequencer = hub.start()
    entries = hub.say(50) + hub.say(50)
    fields = unframe(AUDIT, hub.topic[-1])
    forged = [frame(AUDIT, {**fields, **change}) for change in (
        {"entry": secrets.token_bytes(32)}, {"sig": bytes(64)}, {"n": fields["n"] + 1}, {"path": bytes(6 * 32)},
    )]  # fmt: skip
    hub.topic += forged
    hub.turn(sequencer, 30)
    assert hub.entries() == entries
    assert counts(sequencer) == {"refused": len(forged)}
    assert len(checked) <= 2 + len(forged)


def test_gaps_and_repeats_are_alarms(hub: Hub) -> None:
    """A number of a partition that never came or came again is counted; an entry is one leaf however often it comes."""
    sequencer = hub.start()
    first, second = hub.say(1, seq=1), hub.say(1, seq=4)
    hub.topic.append(hub.topic[0])
    third = hub.say(1, seq=4)
    hub.turn(sequencer)
    assert hub.entries() == first + second + third
    assert counts(sequencer) == {"gap": 1, "repeat": 2}
    assert [(each.kind, each.partition, each.audit_seq, each.offset) for each in sequencer.journal.alarms()] == [
        ("gap", 0, 4, 1), ("repeat", 0, 1, 2), ("repeat", 0, 4, 3),
    ]  # fmt: skip


def _killed(hub: Hub, at: int) -> bool:
    hub.steps, hub.die_at = 0, at
    try:
        hub.turn(hub.start(), 200)
    except Killed:
        return True
    finally:
        hub.die_at = 0
    return False


def test_killed_at_every_step(tmp_path: Path) -> None:
    """Killed before any write to disk or network, the next start ends with the same log, every entry once and in order.

    And no two checkpoints that anybody has seen contradict each other: there is none for one size with two roots.
    """
    at, done = 1, False
    while not done:
        hub = Hub(tmp_path / str(at))
        sequencer = hub.start()
        entries = hub.say(250)
        hub.turn(sequencer)
        entries += hub.say(270, partition=1)
        sequencer.journal.close()
        done = not _killed(hub, at)
        entries += hub.say(2, partition=1)
        hub.turn(hub.start(), 7)
        assert hub.entries() == entries, at
        hub.check_seen()
        at += 1
    assert at > 20


def test_a_lost_journal_is_made_anew_from_the_log(hub: Hub) -> None:
    """Without its journal, or with an older one, the log goes on where the folder says that it is; nothing is twice."""
    sequencer = hub.start()
    entries = hub.say(260) + hub.say(2, partition=1)
    hub.turn(sequencer)
    sequencer.journal.close()
    for path in hub.path.glob("journal.db*"):
        path.unlink()
    again = hub.start()
    assert again.offset == 0
    entries += hub.say(1, partition=1)
    hub.turn(again, 100)
    assert hub.entries() == entries
    assert counts(again) == {}
    hub.say(1, partition=1, seq=9)
    hub.turn(again)
    assert counts(again) == {"gap": 1}


def test_a_log_older_than_what_others_have_does_not_start(hub: Hub) -> None:
    """Restored from a backup, folder and journal alike, the log signs nothing: others have seen more of it."""
    sequencer = hub.start()
    hub.say(10)
    hub.turn(sequencer)
    older = Hub(hub.path / "backup")
    older.start()
    older.told = hub.told
    older.key, older.world = hub.key, hub.world
    with pytest.raises(OperatorError) as caught:
        older.start()
    assert caught.value.code == "LOG_ROLLED_BACK"


def test_two_checkpoints_of_one_size_stop_it(hub: Hub) -> None:
    """Where others have another root for our size, the log stops and says so."""
    sequencer = hub.start()
    hub.say(10)
    hub.turn(sequencer)
    hub.told["checkpoint"] = sign(hub.key, Checkpoint(hub.origin, 10, bytes(32)))
    with pytest.raises(TrustError) as caught:
        hub.start()
    assert caught.value.code == "LOG_FORK"


def test_altered_tiles_stop_it(hub: Hub) -> None:
    """Where the right edge is not what was signed, nothing is built upon it."""
    sequencer = hub.start()
    hub.say(10)
    hub.turn(sequencer)
    path = hub.path / "log-tiles" / "tile" / "0" / "000.p" / "10"
    path.write_bytes(bytes(320))
    with pytest.raises(OperatorError) as caught:
        hub.start()
    assert caught.value.code == "LOG_TILES"


@pytest.fixture
def asked(hub: Hub) -> tuple[Hub, Sequencer, Asking]:
    sequencer = hub.start()
    hub.say(10)
    hub.turn(sequencer)
    return (
        hub,
        sequencer,
        Asking(sequencer.journal, hub.origin, Policy(2, "organisation of bup"), 60_000, sequencer.root_at),
    )


def word(hub: Hub, note: bytes, name: str, key: SignKey | None = None) -> bytes:
    """Return a party's event body about a checkpoint."""
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    signer = key or WITNESS_KEYS[name]
    text = b"cosignature/v1\ntime 99\n" + checkpoint.text()
    return events.encode(
        LogCosigned(checkpoint.size, Digest(checkpoint.root), 99, Digest(signer.kid), CardBytes(signer.sign_note(text)))
    )


def test_enough_words_make_a_witnessed_checkpoint(asked: tuple[Hub, Sequencer, Asking]) -> None:
    """One checkpoint is put to the witnesses; with words of enough of them, one from outside, it is witnessed."""
    from tests.log.logs import WITNESSES

    hub, sequencer, asking = asked
    note = asking.next(sequencer.note, NOW)
    assert note == sequencer.note == sequencer.journal.get(ASKED)
    with sequencer.journal.transaction():
        assert asking.hear(word(hub, note, "bup"), WITNESSES)
        assert not asking.hear(word(hub, note, "bup"), WITNESSES), "once each"
    assert asking.witnessed(WITNESSES) is None
    with sequencer.journal.transaction():
        assert asking.hear(word(hub, note, "skola"), WITNESSES)
    found = asking.witnessed(WITNESSES)
    assert found is not None
    assert len(cosigners(opened(found, [hub.public], hub.origin)[1], WITNESSES)) == 2


def test_a_word_that_does_not_hold(asked: tuple[Hub, Sequencer, Asking]) -> None:
    """A stranger's word, one on another state and garbage are passed over."""
    from tests.log.logs import WITNESSES

    hub, sequencer, asking = asked
    note = asking.next(sequencer.note, NOW)
    assert note is not None
    stranger = SignKey(hub.world.realm, Purpose.PARTY_WITNESS, bytes([9]) * 32)
    other = sign(hub.key, Checkpoint(hub.origin, 10, bytes(32)))
    good = word(hub, note, "bup")
    with sequencer.journal.transaction():
        for value in (
            word(hub, note, "bup", stranger),
            word(hub, other, "bup"),
            b"",
            good[:-1] + bytes([good[-1] ^ 1]),
        ):
            assert not asking.hear(value, WITNESSES)
    assert sequencer.journal.said() == {}


def test_words_do_not_keep_the_witnesses_talking(asked: tuple[Hub, Sequencer, Asking]) -> None:
    """The leaves that their own words made bring no new question, however long it takes; another leaf does."""
    from tests.log.logs import WITNESSES

    hub, sequencer, asking = asked
    note = asking.next(sequencer.note, NOW)
    assert note is not None
    with sequencer.journal.transaction():
        for name in ("bup", "skola"):
            asking.hear(word(hub, note, name), WITNESSES)
    hub.say(2)
    hub.turn(sequencer)
    assert asking.next(sequencer.note, NOW + 10 * 60_000) is None
    hub.say(1)
    hub.turn(sequencer)
    assert asking.next(sequencer.note, NOW + 59_999) is None, "not before its time"
    assert asking.next(sequencer.note, NOW + 60_000) == sequencer.note


def test_the_journal_knows_every_leaf(tmp_path: Path) -> None:
    """Asked about many entries at once, it names those that are leaves and no others, first and last too."""
    some = [n.to_bytes(32, "big") for n in range(1203)]
    journal = Journal(tmp_path / "j.db")
    with journal.transaction():
        journal.add(0, some[::2])
    assert journal.known(some) == set(some[::2])
    assert journal.known([]) == set()
    journal.close()


def test_the_journal_has_one_version(tmp_path: Path) -> None:
    """A journal of another version is not touched."""
    Journal(tmp_path / "j.db").close()
    import sqlite3

    db = sqlite3.connect(tmp_path / "j.db")
    db.execute("PRAGMA user_version = 9")
    db.commit()
    db.close()
    with pytest.raises(SambandError) as caught:
        Journal(tmp_path / "j.db")
    assert caught.value.code == "LOG_VERSION"
