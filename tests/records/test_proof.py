"""The gate's signature is kept beside each record, so that it can be verified for as long as the record is there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from samband.schemas.stamp import Stamped
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import verify_entry
from samband.streams.records.erasure import Wish
from samband.streams.records.store import RecordStore
from tests.gate.world import NOW
from tests.records.ground import Ground, midnight


def test_the_signature_is_kept(tmp_path: Path) -> None:
    """What is kept beside a record proves its entry, with neither salt nor record in it, and goes when it is erased."""
    ground = Ground(tmp_path)
    entries = ground.say(*(ground.record("BUP", "SKOLA", "2020-03-14") for _ in range(5)))
    ground.keep()
    for entry in entries:
        leaf = ground.store.find(entry)
        assert leaf is not None
        assert leaf.proof is not None
        stamp = Stamped.decode(leaf.proof)
        assert (stamp.record, stamp.salt, stamp.n) == (b"", bytes(32), 5)
        _, key = ground.world.directory.verify_key(stamp.kid, Purpose.GATE_STAMP, NOW)
        verify_entry(key, entry, stamp)
    ground.ask(Wish.by_rule("care", "BUP", midnight("2021-01-01"), "RS 2031/14", midnight("2027-01-01")))
    ground.ask(Wish.by_rule("school", "SKOLA", midnight("2021-01-01"), "RS 2031/15", midnight("2027-01-01")))
    ground.keep()
    gone = [ground.store.find(entry) for entry in entries]
    assert [(each.proof, each.erasure is None) for each in gone if each is not None] == [(None, False)] * 5


def test_an_earlier_store_is_taken_on(tmp_path: Path) -> None:
    """A store of before signatures were kept opens, keeps what it has, and keeps signatures from then on."""
    ground = Ground(tmp_path)
    (before,) = ground.say(ground.record("BUP", "IFO", "2026-11-01"))
    ground.keep()
    ground.store.close()
    raw = sqlite3.connect(tmp_path / "records.db")
    raw.executescript("ALTER TABLE leaves DROP COLUMN proof; PRAGMA user_version = 1")
    raw.close()
    after = ground.again()
    (new,) = after.say(after.record("BUP", "IFO", "2026-11-02"))
    after.keep()
    old_leaf, new_leaf = after.store.find(before), after.store.find(new)
    assert old_leaf is not None
    assert new_leaf is not None
    assert (old_leaf.proof, new_leaf.proof is None) == (None, False)
    assert after.store.open(old_leaf).sender == "BUP"
    RecordStore(tmp_path / "records.db", after.keys, after.realm).close()
