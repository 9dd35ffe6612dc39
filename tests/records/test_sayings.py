"""What a spot check says becomes a leaf by the keeper, once, whatever else the keeper has to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.audit import UnverifiedAudit, month_of
from samband.streams.records.check import check
from samband.streams.records.erasure import Wish
from samband.streams.records.keeper import PARTITION
from samband.streams.records.sample import Finding, Request, sample_of
from samband.streams.records.store import State
from tests.gate.world import NOW
from tests.records.ground import Ground, at, midnight

REQUEST = Request(bytes([1]) * 16, "anna", 5, 0, NOW, unit="BUP")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Give a keeper with three records."""
    found = Ground(tmp_path)
    found.say(*(found.record("BUP", "IFO", "2020-03-14") for _ in range(3)))
    return found


def say(ground: Ground, *what: Request | Finding) -> None:
    with ground.store.transaction():
        for each in what:
            ground.store.say(each.record(NOW).encode())


def told(ground: Ground) -> list[Request | Finding]:
    """Return what is a leaf, in the topic's order."""
    found = []
    for saying in ground.store.sayings(State.DONE):
        leaf = ground.store.find(saying.entry or b"")
        assert leaf is not None
        assert leaf.partition == PARTITION
        found.append(sample_of(ground.store.open(leaf)))
    return found  # type: ignore[return-value]


def test_each_is_said_once(ground: Ground) -> None:
    """Said together with an erasure, each becomes one leaf, numbered without a gap; said again, nothing happens."""
    finding = Finding(REQUEST.id, "bo", bytes(32), "GROUND_WRONG")
    ground.ask(Wish.by_rule("care", "BUP", midnight("2020-03-15"), "RS 1", midnight("2026-11-24")))
    say(ground, REQUEST, finding)
    ground.keep()
    assert told(ground) == [REQUEST, finding]
    assert check(ground.store).findings == []
    size = len(ground.topic.values())
    ground.keep()
    assert len(ground.topic.values()) == size == 3 + 2 + 1
    assert [UnverifiedAudit.decode(each).audit_seq for each in ground.topic.values()[3:]] == [1, 2, 3]


def test_a_store_from_a_backup(ground: Ground, tmp_path: Path) -> None:
    """A store that knows nothing of them reads them from the topic."""
    say(ground, REQUEST)
    ground.keep()
    for each in tmp_path.glob("records.db*"):
        each.unlink()
    again = ground.again()
    again.keep()
    assert told(again) == [REQUEST]


def test_what_waits_is_sealed(ground: Ground) -> None:
    """On the disk nothing of who checks what stands in the clear, before and after."""
    say(ground, REQUEST)
    assert b"anna" not in ground.disk()
    ground.keep()
    assert b"anna" not in ground.disk()


def test_they_go_with_their_month(ground: Ground) -> None:
    """When their month is erased, a spot check's rows are gone too."""
    say(ground, REQUEST)
    ground.keep()
    (saying,) = ground.store.sayings()
    leaf = ground.store.find(saying.entry or b"")
    assert leaf is not None
    assert leaf.month == month_of(ground.store.open(leaf).decided_at)
    with ground.store.transaction():
        ground.store.erase([leaf.entry], bytes(32))
    assert ground.store.sayings() == []
    gone = ground.store.find(leaf.entry)
    assert gone is not None
    with pytest.raises(OperatorError):
        ground.store.open(gone)


def test_they_are_no_units_records(ground: Ground) -> None:
    """An erasure of the unit that a spot check is about does not take the spot check."""
    say(ground, REQUEST)
    ground.keep()
    ground.ask(Wish.by_rule("care", "BUP", midnight("2021-01-01"), "RS 1", midnight("2026-11-24")))
    ground.keep()
    assert told(ground) == [REQUEST]
    assert at("2020-03-14") < NOW
