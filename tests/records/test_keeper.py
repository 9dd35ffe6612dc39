"""What the keeper takes from the audit topic, and what it refuses and says so."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from samband.schemas.codec import frame, unframe
from samband.schemas.errors import OperatorError
from samband.schemas.stamp import AUDIT
from samband.streams.audit import month_of, seal_audit
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.signature import stamp_all
from samband.streams.records import Kept, opened, read
from samband.streams.records.erasure import Wish
from tests.gate.world import World
from tests.records.ground import Ground, midnight


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.again()  # closes


def kept(ground: Ground) -> list[bytes]:
    return [leaf.entry for leaf in ground.store.kept(0, 999_999)]


def altered(value: bytes, **changes: Any) -> bytes:
    """Return an audit record with other fields."""
    return frame(AUDIT, {**unframe(AUDIT, value), **changes})


def test_every_leaf_is_kept_and_opens(ground: Ground) -> None:
    """What the gate stamped is kept record by record, and opens with the key of its month to the very same record."""
    records = [ground.record("BUP", "IFO", day) for day in ("2026-10-31", "2026-11-01", "2026-11-24")]
    entries = ground.say(*records[:2]) + ground.say(records[2], partition=1)
    ground.keep()
    assert kept(ground) == entries
    leaves = [ground.store.find(entry) for entry in entries]
    assert [ground.store.open(leaf) for leaf in leaves if leaf] == records
    assert [(leaf.partition, leaf.audit_seq, leaf.month) for leaf in leaves if leaf] == [
        (0, 1, 202610), (0, 2, 202611), (1, 1, 202611),
    ]  # fmt: skip
    assert ground.store.counts() == {}


def test_a_second_start_takes_nothing_twice(ground: Ground) -> None:
    """The next offset stands in the transaction of the records, so that a new start goes on where the last one was."""
    first = ground.say(ground.record("BUP", "IFO", "2026-11-01"))
    ground.keep()
    second = ground.say(ground.record("BUP", "IFO", "2026-11-02"))
    ground = ground.again()
    ground.keep()
    assert kept(ground) == first + second
    assert ground.store.counts() == {}


def test_a_transaction_that_fails_keeps_nothing(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle leaves neither a record nor the offset behind it."""
    ground.say(*(ground.record("BUP", "IFO", "2026-11-01") for _ in range(3)))

    def full(offset: int) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(ground.store, "move", full)
    with pytest.raises(OperatorError) as caught:
        ground.keep()
    assert caught.value.code == "RECORDS_WRITE"
    monkeypatch.undo()
    assert (kept(ground), ground.store.offset) == ([], 0)
    ground.keep()
    assert len(kept(ground)) == 3


def test_a_gap_is_an_alarm(ground: Ground) -> None:
    """A number that never came is counted and shown, and what came after it is kept."""
    ground.say(ground.record("BUP", "IFO", "2026-11-01"), seq=1)
    ground.say(ground.record("BUP", "IFO", "2026-11-01"), seq=5)
    ground.keep()
    assert ground.store.counts() == {"gap": 1}
    assert [(each.kind, each.partition, each.audit_seq, each.offset) for each in ground.store.alarms()] == [
        ("gap", 0, 5, 1)
    ]
    assert len(kept(ground)) == 2


def test_a_repeat_is_an_alarm(ground: Ground) -> None:
    """The same record again changes nothing; another one with the same number is kept, and both are alarms."""
    ((entry, value),) = ground.values(ground.record("BUP", "IFO", "2026-11-01"))
    ground.write(value, value)
    other = ground.say(ground.record("BUP", "IFO", "2026-11-01"), seq=1)
    ground.keep()
    assert kept(ground) == [entry, *other]
    assert ground.store.counts() == {"repeat": 2}
    assert ground.store.next_seq(0) == 2


def test_what_the_gate_did_not_stamp_is_kept_out(ground: Ground) -> None:
    """Neither garbage nor another's stamp, altered proof, exchanged content or moved entry gets in; the rest does."""
    (first, value), (_, second) = ground.values(*(ground.record("BUP", "IFO", "2026-11-01") for _ in range(2)))
    fields = unframe(AUDIT, value)
    stranger = World("another")
    record = ground.record("BUP", "IFO", "2026-11-01")
    ((entry, stamp),) = stamp_all(stranger.stamp, [(secrets.token_bytes(32), record.encode())])
    forged = [
        b"\0",
        b"garbage",
        value[:-1],
        seal_audit(*ground.keys.at(record.decided_at), 0, 1, entry, stamp),
        altered(value, sig=bytes(64)),
        altered(value, entry=secrets.token_bytes(32)),
        altered(value, path=fields["path"] + bytes(31)),
        altered(value, n=fields["n"] + 1),
        altered(value, sealed=unframe(AUDIT, second)["sealed"]),
        altered(value, v=2),
    ]
    ground.write(*forged, value)
    ground.keep()
    assert kept(ground) == [first]
    assert ground.store.counts() == {"refused": len(forged)}
    assert ground.store.offset == len(forged) + 1


def test_content_that_is_not_the_entry_s_is_kept_out(ground: Ground) -> None:
    """Who has the month's key and not the gate's cannot put another record under a stamped entry."""
    record, other = (ground.record("BUP", "IFO", "2026-11-01") for _ in range(2))
    ((entry, stamp),) = stamp_all(ground.world.stamp, [(secrets.token_bytes(32), record.encode())])
    exchanged = type(stamp)(other.encode(), stamp.salt, stamp.kid, stamp.sig, stamp.n, stamp.i, stamp.path)
    ground.write(seal_audit(*ground.keys.at(record.decided_at), 0, 1, entry, exchanged))
    ground.keep()
    assert kept(ground) == []
    assert [each.code for each in ground.store.alarms()] == ["AUDIT_ENTRY"]


def test_a_month_that_never_was_stops_nobody(ground: Ground) -> None:
    """A record under another month's name is refused and counted; the honest one behind it is kept."""
    (entry,) = ground.say(ground.record("BUP", "IFO", "2026-11-01"))
    (value,) = ground.topic.values()
    asyncio.run(ground.topic.send(altered(value, month=201001)))
    ground.keep()
    assert kept(ground) == [entry]
    assert ground.store.counts() == {"refused": 1}


def test_a_missing_key_stops_the_keeper(ground: Ground) -> None:
    """A record that only a missing key keeps from being read is waited for, not passed over."""
    ground.say(ground.record("BUP", "IFO", "2027-01-10"))
    key = ground.folder / "keys" / "secret-audit-202701.key"
    away = key.read_bytes()
    key.unlink()
    ground = ground.again()
    with pytest.raises(OperatorError) as caught:
        ground.keep()
    assert caught.value.code == "KEY_FILE_MISSING"
    assert ground.store.offset == 0
    key.touch(mode=0o600)
    key.write_bytes(away)
    ground.keep()
    assert len(kept(ground)) == 1


def test_the_store_tells_nothing_in_the_clear(ground: Ground) -> None:
    """No unit, type, reference, ground, rule, decision or time of day stands in the database's bytes."""
    record = ground.record("PLANTERAD-ENHET-BUP", "PLANTERAD-ENHET-IFO", "2020-03-01")
    ground.say(record)
    ground.ask(Wish.by_rule("care", "PLANTERAD-ENHET-BUP", midnight("2021-01-01"), "RS-PLANTERAD", datetime.now(UTC)))
    ground.keep()
    data = ground.disk()
    for planted in (b"PLANTERAD", b"dialogue", b"CARE_TO", b"permit", b"records.", record.ref, record.message_id,
                    record.decided_at.to_bytes(6, "big"), str(record.decided_at).encode()):  # fmt: skip
        assert planted not in data


def test_rows_have_one_length(ground: Ground) -> None:
    """The size of a row tells nothing of its record."""
    ground.say(
        ground.record("B", "I", "2026-11-01", grounds=(), type=""),
        ground.record("B" * 60, "I" * 60, "2026-11-01", grounds=("CARE_TO_SOCIAL",) * 8),
    )
    ground.keep()
    assert len({len(leaf.sealed or b"") for leaf in ground.store.kept(0, 999_999)}) == 1


def test_a_month_is_a_month_in_stockholm() -> None:
    """Half past midnight on the first of December is December, though it still is November in UTC."""
    assert month_of(int(datetime(2026, 11, 30, 22, 59, tzinfo=UTC).timestamp() * 1000)) == 202611
    assert month_of(int(datetime(2026, 11, 30, 23, 0, tzinfo=UTC).timestamp() * 1000)) == 202612


def test_reading_gives_a_time_s_records_oldest_first(ground: Ground, tmp_path: Path) -> None:
    """`read` yields what was decided from one moment to another, over the turn of a month, without what is erased."""
    days = ["2020-03-01", "2026-10-31", "2026-11-01", "2026-11-02", "2026-12-01"]
    entries = ground.say(*(ground.record("BUP", "IFO", day) for day in days))
    ground.keep()
    (tmp_path / "records").mkdir()
    ground.store.tidy()
    (tmp_path / "records" / "records.db").write_bytes((tmp_path / "records.db").read_bytes())
    home = cast("Any", SimpleNamespace(hub=tmp_path, audit_keys=ground.keys, root=SimpleNamespace(realm=ground.realm)))
    found = list(read(home, since=midnight("2026-10-31"), before=midnight("2026-11-02")))
    assert [each.entry for each in found] == entries[1:3]
    assert all(isinstance(each, Kept) for each in found)
    assert len(list(read(home))) == 5
    with opened(home) as store, store.transaction():
        store.erase(entries[:1], bytes(32))
    assert [each.entry for each in read(home)] == entries[1:]


def test_a_home_without_records_says_so(tmp_path: Path) -> None:
    """Before the first start there is nothing to read, and one clear error."""
    home = cast("Any", SimpleNamespace(hub=tmp_path))
    with pytest.raises(OperatorError) as caught:
        list(read(home))
    assert caught.value.code == "RECORDS_MISSING"


def test_two_who_make_a_month_s_key_get_the_same(ground: Ground) -> None:
    """The first who asks makes the key; nobody ever writes over another's."""
    one, other = ground.keys, Ground(ground.folder).keys
    key, value = one.making(202611).seal("t", b"n", b"d")
    assert other.making(202611).open("t", key, value) == (b"n", b"d")
    assert isinstance(other.of(202611), HubStore)
