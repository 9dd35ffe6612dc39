"""The index finds what the records hold, tells nothing by itself, and is the same however it was made."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samband.connectors.console.index import Index, Wanted, day_of
from samband.streams.audit import AuditKeys
from samband.streams.records.erasure import Wish
from tests.records.ground import Ground, midnight

UNITS = ("IFO", "BUP", "SKOLA")
TYPES = ("dialogue.message", "sip.invitation")
DAYS = ("2026-09-30", "2026-10-01", "2026-10-25", "2026-11-20")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def index_of(ground: Ground, name: str = "index.db") -> Index:
    return Index(ground.folder / name, ground.keys)


def test_made_anew_it_is_the_same(ground: Ground) -> None:
    """Followed step by step, or made anew from the records, totals and order are the same."""
    index = index_of(ground)
    for number in range(30):
        ground.say(
            ground.record(
                UNITS[number % 3], UNITS[number % 2], DAYS[number % 4], outcome=("permit", "deny")[number % 2]
            )
        )
        ground.keep()
        if number % 7 == 0:
            index.follow(ground.store)
    index.follow(ground.store)
    other = index_of(ground, "other.db")
    assert other.follow(ground.store) == len(other) == len(index) == ground.store.count() == 30
    before = index.sums(), index.every(Wanted(), 100)
    assert before == (other.sums(), other.every(Wanted(), 100))
    index.rebuild(ground.store)
    assert before == (index.sums(), index.every(Wanted(), 100))
    assert index.follow(ground.store) == 0


def test_what_is_erased_is_not_found(ground: Ground) -> None:
    """After an erasure neither lists nor totals hold what went, and the erasure's own record stands there."""
    ground.say(*(ground.record("BUP", "SKOLA", "2020-03-14") for _ in range(3)))
    kept = ground.say(ground.record("BUP", "SKOLA", "2026-03-14"))
    ground.keep()
    index = index_of(ground)
    index.follow(ground.store)
    assert len(index) == 4
    ground.ask(Wish.by_rule("care", "BUP", midnight("2021-01-01"), "RS 2031/14", midnight("2027-01-01")))
    ground.keep()
    index.follow(ground.store)
    gone = ground.store.count()
    assert len(index) == gone
    assert [each.entry for each in index.every(Wanted(kinds=("decision",)), 10)] == kept
    fresh = index_of(ground, "fresh.db")
    fresh.follow(ground.store)
    assert fresh.sums() == index.sums()


def test_the_file_tells_nothing(ground: Ground) -> None:
    """No unit, type, ground, message or child stands in the index's file, in the clear or as a plain hash."""
    import hashlib

    record = ground.record("SE2120002080-BUP", "SE2120002080-IFO", "2026-11-20", reasons=("CONSENT_MISSING",))
    ground.say(record)
    ground.keep()
    index = index_of(ground)
    index.follow(ground.store)
    index._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = (ground.folder / "index.db").read_bytes()
    words = [record.sender.encode(), record.recipient.encode(), record.type.encode(), b"CONSENT_MISSING",
             b"CARE_TO_SOCIAL", record.message_id, record.ref]  # fmt: skip
    for each in words:
        assert each not in data
        assert each.hex().encode() not in data
        assert hashlib.sha256(each).digest()[:8] not in data


def test_without_its_months_key_nothing_is_found(ground: Ground) -> None:
    """Where a month's key is destroyed, its tokens lead to nothing, in a copy of the index too."""
    ground.say(ground.record("BUP", "IFO", "2026-09-30"), ground.record("BUP", "IFO", "2026-11-20"))
    ground.keep()
    index = index_of(ground)
    index.follow(ground.store)
    assert len(index.every(Wanted(unit="BUP"), 10)) == 2
    ground.keys.destroy(202609)
    keys = AuditKeys(ground.keys._folder)
    copy = Index(ground.folder / "index.db", keys)
    assert len(copy.every(Wanted(unit="BUP"), 10)) == 1


def test_another_version_is_made_anew(ground: Ground) -> None:
    """An index of another version is thrown away, and made from the records."""
    ground.say(ground.record("BUP", "IFO", "2026-11-20"))
    ground.keep()
    index = index_of(ground)
    index.follow(ground.store)
    index._db.execute("PRAGMA user_version = 99")
    index.close()
    again = index_of(ground)
    assert (len(again), again.follow(ground.store)) == (0, 1)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "unit": st.sampled_from((*UNITS, "nobody")), "type": st.sampled_from(TYPES),
        "outcome": st.sampled_from(("permit", "deny")), "ground": st.sampled_from(("CARE_TO_SOCIAL", "CONSENT")),
        "kinds": st.sampled_from((("decision",), ("event", "decision"))), "other": st.sampled_from(UNITS),
        "since": st.sampled_from([int(midnight(day).timestamp() * 1000) for day in DAYS]),
        "before": st.sampled_from([int(midnight(day).timestamp() * 1000) for day in DAYS]),
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, list[Any]]:
    """Give an index of a hundred records, and the records with their entries."""
    ground = Ground(tmp_path_factory.mktemp("many"))
    records = [
        ground.record(
            UNITS[number % 3], UNITS[(number // 2) % 3], DAYS[(number // 25) % 4], type=TYPES[number % 2],
            kind=("decision", "event")[number % 5 == 0], outcome=("permit", "deny")[number % 3 == 0],
            grounds=(("CARE_TO_SOCIAL",), ("CONSENT",), ())[number % 3], ref=secrets.token_bytes(16),
        )
        for number in range(100)
    ]  # fmt: skip
    entries = ground.say(*records)
    ground.keep()
    index = index_of(ground)
    index.follow(ground.store)
    return index, list(zip(entries, records, strict=True))


def fits(record: Any, wanted: Wanted) -> bool:
    """Say, naively, whether a record is looked for."""
    ends = {record.sender, record.recipient}
    pair = {wanted.unit, wanted.other} - {""}
    return (
        (not wanted.kinds or record.kind in wanted.kinds)
        and (not wanted.outcome or record.outcome == wanted.outcome)
        and (not wanted.type or record.type == wanted.type)
        and (not wanted.ground or wanted.ground in (*record.grounds, *record.reasons))
        and (pair == ends if wanted.unit and wanted.other else pair <= ends)
        and wanted.since <= record.decided_at < wanted.before
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=FILTERS, size=st.integers(1, 40))
def test_it_finds_what_a_look_at_each_would_find(
    many: tuple[Index, list[Any]], filters: dict[str, Any], size: int
) -> None:
    """Whatever is asked for, in pages of any size, the index gives each record once, and no other."""
    index, records = many
    wanted = Wanted(**filters)
    found, after = [], None
    while True:
        places, after = index.find(wanted, after, size)
        found += [each.entry for each in places]
        if after is None:
            break
        assert len(places) == size
    assert sorted(found) == sorted(entry for entry, record in records if fits(record, wanted))


def test_days_are_stockholms() -> None:
    """A record just before midnight in Stockholm counts for that day, in winter and in summer."""
    for day in ("2026-01-15", "2026-07-15"):
        midnight_ms = int(midnight(day).timestamp() * 1000)
        assert day_of(midnight_ms) == day_of(midnight_ms - 1) + 1
