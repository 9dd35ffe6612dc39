"""A record that is gone without an erasure that names it is an alarm, however it went."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samband.streams.records.check import Finding, check
from samband.streams.records.erasure import Wish, digest
from samband.streams.records.store import Leaf
from tests.records.ground import Ground, midnight


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Give five records of two partitions, two of them erased by a leaf."""
    made = Ground(tmp_path)
    made.say(*(made.record("BUP", "IFO", day) for day in ("2020-01-01", "2020-02-01", "2026-11-01")))
    made.say(*(made.record("IFO", "SKOLA", day) for day in ("2026-11-01", "2026-11-02")), partition=3)
    made.ask(Wish.by_rule("care", "BUP", midnight("2021-01-01"), "RS 1", datetime.now(UTC)))
    made.keep()
    yield made
    made.again()  # closes


def tamper(ground: Ground, statement: str, *values: object) -> None:
    """Change the database behind the keeper's back."""
    with sqlite3.connect(ground.folder / "records.db", isolation_level=None) as db:
        db.execute(statement, values)
    db.close()


def entries(ground: Ground) -> list[bytes]:
    return [leaf.entry for leaf in ground.store.leaves()]


def found(ground: Ground) -> list[Finding]:
    return check(ground.store).findings


def test_all_is_well(ground: Ground) -> None:
    """Every leaf has its record or an erasure that names it, and the sum is right."""
    report = check(ground.store)
    assert (report.leaves, report.kept, report.erased, report.findings, report.waiting) == (6, 4, 2, [], 0)


def test_a_record_gone_without_an_erasure(ground: Ground) -> None:
    """A row whose record was deleted is named by its entry."""
    entry = entries(ground)[2]
    tamper(ground, "UPDATE leaves SET sealed = NULL WHERE entry = ?", entry)
    assert found(ground) == [Finding("gone", 0, 3, 3, entry)]


def test_a_row_gone_altogether(ground: Ground) -> None:
    """A row that was deleted leaves a hole in its partition's numbers, in the middle and at the end."""
    tamper(ground, "DELETE FROM leaves WHERE partition = 0 AND audit_seq = 2")
    tamper(ground, "DELETE FROM leaves WHERE partition = 3")
    assert Finding("missing", 0, 2, 2) in found(ground)
    assert Finding("missing", 3, 1, 2) in found(ground)


def test_a_row_gone_with_its_number(ground: Ground) -> None:
    """Who turns the numbers back too is found by the topic or the log."""
    entry = entries(ground)[4]
    tamper(ground, "DELETE FROM leaves WHERE entry = ?", entry)
    tamper(ground, "UPDATE partitions SET next = 2 WHERE partition = 3")
    assert found(ground) == []
    report = check(ground.store, [(each, 3, 2) for each in (*entries(ground), entry)])
    assert (report.findings, report.compared) == ([Finding("unknown", 3, 2, 2, entry)], 6)


def test_a_record_hidden_behind_another_s_erasure(ground: Ground) -> None:
    """Naming a real erasure does not help: its leaf holds the hash over exactly the entries that it erased."""
    erased, gone = entries(ground)[0], entries(ground)[2]
    leaf = ground.store.find(erased)
    assert leaf is not None
    tamper(ground, "UPDATE leaves SET sealed = NULL, erasure = ? WHERE entry = ?", leaf.erasure, gone)
    assert {(each.kind, each.entry, each.code) for each in found(ground)} == {
        ("erasure", each, "ERASURE_OTHER") for each in (*entries(ground)[:2], gone)
    }


def test_an_erasure_that_is_no_leaf(ground: Ground) -> None:
    """Neither an invented erasure nor a decision that is named as one excuses a record's absence."""
    gone, other = entries(ground)[2], entries(ground)[3]
    tamper(ground, "UPDATE leaves SET sealed = NULL, erasure = ? WHERE entry = ?", bytes(32), gone)
    assert found(ground) == [Finding("erasure", 0, 3, 3, gone, "ERASURE_MISSING")]
    tamper(ground, "UPDATE leaves SET erasure = ? WHERE entry = ?", other, gone)
    assert found(ground) == [Finding("erasure", 0, 3, 3, gone, "ERASURE_OTHER")]


def test_a_record_exchanged_or_altered(ground: Ground) -> None:
    """A row that holds another leaf's record, or a bit of its own changed, is broken."""
    one, other = entries(ground)[2:4]
    tamper(ground, "UPDATE leaves SET sealed = (SELECT sealed FROM leaves WHERE entry = ?) WHERE entry = ?", other, one)
    assert [(each.kind, each.entry) for each in found(ground)] == [("broken", one)]
    tamper(ground, "UPDATE leaves SET month = 202001 WHERE entry = ?", other)
    assert [(each.kind, each.entry) for each in found(ground)] == [("broken", one), ("broken", other)]


def test_another_record_under_an_entry(ground: Ground) -> None:
    """Who has the month's key and writes another record into a row is found: the entry is not over that record."""
    leaf = Leaf(secrets.token_bytes(32), 9, 1, 99, 202611, None, None)
    with ground.store.transaction():
        ground.store.put(leaf, bytes(32), ground.record("BUP", "IFO", "2026-11-01").encode())
    assert found(ground) == [Finding("broken", 9, 1, 1, leaf.entry, "RECORD_ENTRY")]


def test_a_decision_is_no_erasure(ground: Ground) -> None:
    """Even a decision whose leaf is the very hash over what is gone excuses nothing."""
    gone = entries(ground)[2]
    (posing,) = ground.say(ground.record("BUP", "IFO", "2026-11-02", leaf=digest(ground.realm, [gone])))
    ground.keep()
    tamper(ground, "UPDATE leaves SET sealed = NULL, erasure = ? WHERE entry = ?", posing, gone)
    assert found(ground) == [Finding("erasure", 0, 3, 3, gone, "ERASURE_OTHER")]


def test_a_record_that_came_back(ground: Ground) -> None:
    """What an erasure names and is still here, or a month's key out of a backup, is told."""
    gone, other = entries(ground)[0], entries(ground)[2]
    tamper(
        ground, "UPDATE leaves SET sealed = (SELECT sealed FROM leaves WHERE entry = ?) WHERE entry = ?", other, gone
    )
    assert found(ground) == [Finding("back", 0, 1, 1, gone)]
    key = ground.folder / "keys" / "secret-audit-202002.key"
    backup = key.read_bytes()
    ground.ask(Wish.by_month("2020-02", "RS 2", datetime.now(UTC)))
    ground.keep()
    assert len(found(ground)) == 1
    key.touch(mode=0o600)
    key.write_bytes(backup)
    assert [each.code for each in found(ground)] == ["", "MONTH_KEY"]


def test_alarms_of_the_past_are_told(ground: Ground) -> None:
    """What the keeper once refused or missed stays in every later report."""
    ground.write(b"garbage")
    ground.keep()
    assert check(ground.store).alarms == {"refused": 1}
