"""What may go, when, what it leaves; and that no crash loses a record or an erasure."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.errors import InputError, OperatorError, RefusedError, SambandError
from samband.schemas.retention import parse, rows
from samband.schemas.stamp import StampRecord
from samband.streams.audit import ERASURES, AuditKeys, UnverifiedAudit
from samband.streams.crypto.signature import entry_of, verify_stamp
from samband.streams.keyfile import KeyFolder
from samband.streams.records import erasure
from samband.streams.records.check import check
from samband.streams.records.erasure import Wish, check_time, chosen, digest
from samband.streams.records.keeper import PARTITION
from samband.streams.records.store import Erasure, State
from tests.records.ground import Ground, at, midnight

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
DECISION = "RS 2026/123"


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.again()  # closes


def by_rule(rule: str = "care", unit: str = "BUP", before: str = "2021-01-01", now: datetime = TODAY) -> Wish:
    return Wish.by_rule(rule, unit, midnight(before), DECISION, now)


def leaf_of(ground: Ground) -> tuple[bytes, StampRecord]:
    """Return the one erasure on the topic, its stamp verified."""
    audits = [UnverifiedAudit.decode(value) for value in ground.topic.values()]
    (audit,) = [audit for audit in audits if audit.partition == PARTITION]
    stamped = audit.open(ground.keys.of(audit.month))
    key = ground.world.directory.known(stamped.kid)
    assert key.card.purpose == "gate-stamp"
    assert verify_stamp(_verify_key(ground, key.card.public), stamped) == audit.entry
    return audit.entry, StampRecord.decode(stamped.record)


def _verify_key(ground: Ground, public: bytes) -> Any:
    from samband.streams.crypto.keys import Purpose, VerifyKey

    return VerifyKey(ground.realm, Purpose.GATE_STAMP, public)


def state(ground: Ground) -> Erasure:
    (found,) = ground.store.erasures()
    return found


# when


def test_nothing_goes_before_its_time() -> None:
    """PDL 4:3: a record of the log is kept at least five years; who asks too early is told the date."""
    wish = by_rule(before="2026-01-01")
    with pytest.raises(RefusedError) as caught:
        check_time(wish, at("2030-12-31"))
    assert caught.value.code == "RETENTION_TOO_EARLY"
    assert "2031-01-01" in caught.value.message
    check_time(wish, at("2031-01-01"))


@pytest.mark.parametrize("day", ["2021-11-30", "2021-12-01"])
def test_a_month_goes_whole_or_not(day: str) -> None:
    """A month's key is not destroyed until the last record of the month has had its five years."""
    wish = Wish.by_month("2016-11", DECISION, TODAY)
    if day == "2021-12-01":
        check_time(wish, at(day))
    else:
        with pytest.raises(RefusedError, match="2021-12-01"):
            check_time(wish, at(day))


def test_both_ends_have_had_their_time(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record between two laws goes when the longer of their times is over."""
    longer = dict(rows())
    text = (Path(erasure.__file__).parents[2] / "schemas" / "retention.toml").read_text("utf-8")
    head, tail = text.split('category = "records.social"')
    longer = parse(head + 'category = "records.social"' + tail.replace("amount = 5", "amount = 10", 1))
    monkeypatch.setattr(erasure, "rows", lambda: longer)
    own, crossing = ground.say(ground.record("BUP", "BUP", "2020-03-01"), ground.record("IFO", "BUP", "2020-03-01"))
    ground.keep()
    assert chosen(by_rule(), ground.store, ground.world.directory, at("2026-11-24")) == [own]
    assert chosen(by_rule(), ground.store, ground.world.directory, at("2030-03-02")) == sorted([own, crossing])


def test_a_unit_that_is_no_more_is_under_every_rule(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose law it was cannot be said any more, so the longest holds."""
    text = (Path(erasure.__file__).parents[2] / "schemas" / "retention.toml").read_text("utf-8")
    head, tail = text.split('category = "records.school"')
    longer = parse(head + 'category = "records.school"' + tail.replace("amount = 5", "amount = 10", 1))
    monkeypatch.setattr(erasure, "rows", lambda: longer)
    (entry,) = ground.say(ground.record("NEDLAGD", "BUP", "2020-03-01"))
    ground.keep()
    assert chosen(by_rule(), ground.store, ground.world.directory, at("2026-11-24")) == []
    assert chosen(by_rule(), ground.store, ground.world.directory, at("2030-03-02")) == [entry]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: by_rule(rule="police"), "RETENTION_RULE"),
        (lambda: Wish.by_month("2020-13", DECISION, TODAY), "MONTH"),
        (lambda: Wish.by_month("2020-03", "", TODAY), "DECISION"),
        (lambda: Wish.by_month("2020-03", "beslut om Anna\n", TODAY), "DECISION"),
    ],
)
def test_a_wish_is_refused(make: Any, code: str) -> None:
    """Rule, month and decision are what they say, and a decision is a registration number."""
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.code == code


def test_another_s_rule_erases_nothing(ground: Ground) -> None:
    """A school's records are not erased by the rule of health care."""
    ground.say(ground.record("SKOLA", "IFO", "2020-03-01"))
    ground.ask(by_rule(rule="care", unit="SKOLA"))
    ground.keep()
    assert (state(ground).state, state(ground).code) == (State.REFUSED, "RETENTION_RULE")
    assert len(list(ground.store.kept(1, 999_999))) == 1


# what


def test_an_erasure_takes_what_it_names_and_nothing_else(ground: Ground) -> None:
    """Unit and date choose; the record goes, its entry stays with the erasure's entry beside it, and nothing more."""
    sent, received, later, other = ground.say(
        ground.record("BUP", "IFO", "2020-12-31"),
        ground.record("IFO", "BUP", "2019-05-05"),
        ground.record("BUP", "IFO", "2021-01-01"),
        ground.record("SKOLA", "IFO", "2020-01-01"),
    )
    ground.ask(by_rule())
    ground.keep()
    entry, record = leaf_of(ground)
    for gone in (sent, received):
        leaf = ground.store.find(gone)
        assert leaf is not None
        assert (leaf.erasure, leaf.sealed, leaf.month, leaf.offset) == (entry, None, None, None)
        with pytest.raises(OperatorError, match="erased"):
            ground.store.open(leaf)
    for kept in (later, other):
        leaf = ground.store.find(kept)
        assert leaf is not None
        assert leaf.erasure is None
        assert ground.store.open(leaf).decided_at
    assert (record.kind, record.outcome, record.code, record.sender) == ("erasure", "erased", "records.care", "BUP")
    assert record.leaf == digest(ground.realm, [sent, received])
    assert record.reasons == ("before 2021-01-01", "entries 2", f"decision {DECISION}")
    assert (state(ground).state, state(ground).count) == (State.DONE, 2)
    assert check(ground.store).findings == []


def test_nothing_to_erase_says_nothing(ground: Ground) -> None:
    """Where nothing is old enough of a unit's, no leaf is written."""
    ground.say(ground.record("SKOLA", "IFO", "2020-03-01"))
    ground.ask(by_rule())
    ground.keep()
    assert (state(ground).state, state(ground).count) == (State.DONE, 0)
    assert len(ground.topic.values()) == 1


def test_an_erasure_asked_too_early_is_refused_by_the_keeper_too(ground: Ground) -> None:
    """Whoever writes a wish past the command is refused all the same."""
    ground.say(ground.record("BUP", "IFO", "2026-03-01"))
    ground.ask(by_rule(before="2026-11-01"))
    ground.keep()
    assert (state(ground).state, state(ground).code) == (State.REFUSED, "RETENTION_TOO_EARLY")
    assert len(list(ground.store.kept(1, 999_999))) == 1


def test_what_is_deleted_is_overwritten(ground: Ground) -> None:
    """No 16 bytes of an erased row are left in the database's files, its journal included."""
    (entry,) = ground.say(ground.record("BUP", "IFO", "2020-03-01"))
    ground.keep()
    leaf = ground.store.find(entry)
    assert leaf is not None
    sealed = leaf.sealed
    assert sealed is not None
    pieces = [sealed[k : k + 16] for k in range(0, 1500, 16)]
    assert sum(piece in ground.disk() for piece in pieces) > 80
    ground.ask(by_rule())
    ground.keep()
    assert [piece for piece in pieces if piece in ground.disk()] == []


def test_a_guessed_record_cannot_be_confirmed(ground: Ground) -> None:
    """Who has an erased leaf's entry, every file of the hub and the very record, cannot tell that it was this one."""
    record = ground.record("BUP", "IFO", "2020-03-01")
    (entry,) = ground.say(record)

    def confirmed() -> bool:
        """Try every salt that the database, opened with its keys, still has."""
        disk = ground.disk()
        salts = [disk[k : k + 32] for k in range(len(disk) - 32)]
        leaf = ground.store.find(entry)
        if leaf is not None and leaf.sealed is not None and leaf.month is not None:
            store = ground.keys.of(leaf.month)
            salts.append(store.open("samband.records", store.key(entry), leaf.sealed)[1][:32])
        return any(entry_of(ground.realm, salt, record.encode()) == entry for salt in salts)

    ground.keep()
    assert confirmed(), "as long as the salt is kept"
    ground.ask(by_rule())
    ground.keep()
    assert not confirmed()


def test_after_a_month_s_key_no_copy_opens(ground: Ground, tmp_path: Path) -> None:
    """A copy of the database, the journal and the topic from before opens nothing once the month's key is destroyed."""
    old, young = ground.say(ground.record("BUP", "IFO", "2020-03-01"), ground.record("BUP", "IFO", "2020-04-01"))
    ground.keep()
    copy = tmp_path / "backup"
    copy.mkdir()
    for path in (*tmp_path.glob("records.db*"), tmp_path / "topic"):
        (copy / path.name).write_bytes(path.read_bytes())

    def opens(backup: Ground) -> list[bytes]:
        """Return the entries that open, in the copied database or on the copied topic, with the keys of today."""
        vars(backup)["keys"] = AuditKeys(KeyFolder(tmp_path / "keys", ground.realm))
        found = set()
        for leaf in backup.store.kept(1, 999_999):
            try:
                found.add(leaf.entry) if backup.store.open(leaf) else None
            except SambandError:
                continue
        for audit in map(UnverifiedAudit.decode, backup.topic.values()):
            try:
                found.add(audit.entry) if audit.record(backup.keys.of) else None
            except SambandError:
                continue
        return sorted(found)

    assert opens(Ground(copy)) == sorted([old, young])
    ground = ground.again()
    ground.ask(Wish.by_month("2020-03", DECISION, TODAY))
    ground.keep()
    assert opens(Ground(copy)) == [young]
    assert not ground.keys.has(202003)
    leaf = ground.store.find(old)
    assert leaf is not None
    assert leaf.erasure == leaf_of(ground)[0]
    assert check(ground.store).findings == []


def test_a_restored_backup_erases_again(ground: Ground, tmp_path: Path) -> None:
    """A store from before an erasure reads the same leaf and deletes the same records."""
    ground.say(ground.record("BUP", "IFO", "2020-03-01"), ground.record("SKOLA", "IFO", "2020-03-01"))
    ground.keep()
    ground.store.tidy()
    backup = (tmp_path / "records.db").read_bytes()
    ground.ask(by_rule())
    ground.keep()
    after = [(leaf.entry, leaf.erasure) for leaf in ground.store.leaves()]
    ground = ground.again()
    for path in tmp_path.glob("records.db*"):
        path.unlink()
    (tmp_path / "records.db").write_bytes(backup)
    ground.keep()
    assert [(leaf.entry, leaf.erasure) for leaf in ground.store.leaves()] == after
    assert len(ground.topic.values()) == 3
    assert check(ground.store).findings == []


# kill -9

POINTS = [
    "Keeper.stamped",  # asked
    "RecordStore.set_erasure:stamped",  # signed, not kept
    "FileTopic.send",  # kept, not sent
    "FileTopic.send+",  # sent, not read back
    "Keeper.take",  # read back, nothing done
    "RecordStore.erase+",  # rows gone in a transaction that never ends
    "RecordStore.set_erasure:erased",
    "RecordStore.tidy",  # rows gone
    "AuditKeys.destroy",
    "AuditKeys.destroy+",  # key gone, not noted
    "RecordStore.set_erasure:done",
]


@pytest.mark.parametrize(
    ("kind", "point"),
    [("rule", point) for point in POINTS if "destroy" not in point] + [("month", point) for point in POINTS[5:]],
)
def test_killed_at_each_step(ground: Ground, tmp_path: Path, point: str, kind: str) -> None:
    """Whatever step `kill -9` hits: no row goes before its leaf is on the topic, and the next start ends the work."""
    gone, kept = ground.say(ground.record("BUP", "IFO", "2020-03-01"), ground.record("BUP", "IFO", "2022-03-01"))
    ground.keep()
    ground.ask(by_rule() if kind == "rule" else Wish.by_month("2020-03", DECISION, TODAY))
    ground = ground.again()
    if point == "Keeper.take":  # its first call is the one that reads the leaf back: everything else is read already
        assert ground.store.offset == 2
    killed = subprocess.run(
        [sys.executable, "-m", "tests.records.victim", str(tmp_path), point],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    on_topic = len(ground.topic.values()) == 3
    leaf = ground.store.find(gone)
    assert leaf is not None
    assert leaf.sealed is not None or on_topic
    ground = ground.again()
    ground.keep()
    entry, record = leaf_of(ground)
    assert len(ground.topic.values()) == 3, "one leaf, not two"
    leaf = ground.store.find(gone)
    assert leaf is not None
    assert (leaf.sealed, leaf.erasure) == (None, entry)
    assert record.leaf == digest(ground.realm, [gone])
    assert ground.store.open(ground.store.find(kept) or leaf)
    assert ground.keys.has(202003) == (kind == "rule")
    assert state(ground).state is State.DONE
    assert check(ground.store).findings == []
    assert ground.store.counts() == {}


def test_what_a_dead_keeper_sent_is_not_said_twice(ground: Ground, tmp_path: Path) -> None:
    """A leaf that lies behind much that the gate wrote meanwhile is read before anything is sent again."""
    ground.say(ground.record("BUP", "IFO", "2020-03-01"))
    ground.keep()
    ground.ask(by_rule())
    (wanted,) = ground.store.erasures()
    leaf = ground.keeper.stamped(wanted, at("2026-11-24"))
    assert leaf is not None
    ground = ground.again()  # it died here, and the leaf was on its way
    ground.say(*(ground.record("BUP", "IFO", "2026-11-01") for _ in range(8)))
    ground.write(leaf)
    ground.keep()
    assert leaf_of(ground)[1].code == "records.care"
    assert state(ground).state is State.DONE
    assert check(ground.store).findings == []


def test_a_day_in_the_middle_of_a_month(ground: Ground) -> None:
    """What was decided on the day itself, and later in its month, stays."""
    before, *_ = ground.say(*(ground.record("BUP", "IFO", day) for day in ("2020-12-14", "2020-12-15", "2020-12-30")))
    ground.keep()
    wish = by_rule(before="2020-12-15")
    assert chosen(wish, ground.store, ground.world.directory, at("2026-11-24")) == [before]


def test_the_leaf_of_an_erasure_can_always_be_read(ground: Ground) -> None:
    """What was erased, by which rule and decision, is readable for as long as there is a log."""
    ground.say(ground.record("BUP", "IFO", "2020-03-01"))
    ground.ask(by_rule())
    ground.keep()
    leaf = ground.store.find(leaf_of(ground)[0])
    assert leaf is not None
    assert leaf.month == ERASURES
    with pytest.raises(ValueError, match="stays"):
        ground.keys.destroy(ERASURES)
