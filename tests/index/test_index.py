"""The index finds what the records hold, tells nothing by itself, and is the same however it was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samband.connectors.console.index import Cursor, Index, Wanted, day_of
from samband.streams.audit import AuditKeys, month_of
from samband.streams.records.erasure import Wish
from tests.index.conftest import Databases
from tests.index.ground import picture
from tests.postgres import Cluster
from tests.records.ground import Ground, midnight

UNITS = ("IFO", "BUP", "SKOLA")
TYPES = ("dialogue.message", "sip.invitation")
IDS = tuple(bytes([number]) * 16 for number in range(1, 6))
CONSENTS = tuple(bytes([number]) * 32 for number in range(1, 4))
DAYS = ("2026-09-30", "2026-10-01", "2026-10-25", "2026-11-20")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_made_anew_it_is_the_same(ground: Ground, databases: Databases) -> None:
    """Followed step by step, or made anew from the records, totals and order are the same."""
    index = Index(databases(), ground.keys)
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
    other = Index(databases("other"), ground.keys)
    assert other.follow(ground.store) == len(other) == len(index) == ground.store.count() == 30
    before = picture(index.store), index.every(Wanted(), 100)
    assert before == (picture(other.store), other.every(Wanted(), 100))
    index.rebuild(ground.store)
    assert before == (picture(index.store), index.every(Wanted(), 100))
    assert index.is_level(ground.store)
    assert index.follow(ground.store) == 0


def test_what_is_erased_is_not_found(ground: Ground, databases: Databases) -> None:
    """After an erasure neither lists nor totals hold what went, and the erasure's own record stands there."""
    ground.say(*(ground.record("BUP", "SKOLA", "2020-03-14") for _ in range(3)))
    kept = ground.say(ground.record("BUP", "SKOLA", "2026-03-14"))
    ground.keep()
    index = Index(databases(), ground.keys)
    index.follow(ground.store)
    assert len(index) == 4
    ground.ask(Wish.by_rule("care", "BUP", midnight("2021-01-01"), "RS 2031/14", midnight("2027-01-01")))
    ground.keep()
    index.follow(ground.store)
    gone = ground.store.count()
    assert len(index) == gone
    assert [each.entry for each in index.every(Wanted(kinds=("decision",)), 10)] == kept
    fresh = Index(databases("fresh"), ground.keys)
    fresh.follow(ground.store)
    assert fresh.sums() == index.sums()


def test_the_database_tells_nothing(ground: Ground, databases: Databases) -> None:
    """No unit, type, ground, message or child stands in any file of the database, in the clear or as a plain hash."""
    import hashlib

    record = ground.record("SE2120002080-BUP", "SE2120002080-IFO", "2026-11-20", reasons=("CONSENT_MISSING",))
    ground.say(record)
    ground.keep()
    index = Index(databases(), ground.keys)
    index.follow(ground.store)
    assert len(index.every(Wanted(unit=record.sender), 10)) == 1
    index.store.engine.tidy()
    data = databases.disk()
    assert ground.store.find(index.every(Wanted(), 1)[0].entry).entry in data, "the row is on the disk"
    words = [record.sender.encode(), record.recipient.encode(), record.type.encode(), b"CONSENT_MISSING",
             b"CARE_TO_SOCIAL", record.message_id, record.ref]  # fmt: skip
    for each in words:
        assert each not in data
        assert each.hex().encode() not in data
        assert hashlib.sha256(each).digest()[:8] not in data


def test_without_its_months_key_nothing_is_found(ground: Ground, databases: Databases) -> None:
    """Where a month's key is destroyed, its tokens lead to nothing, in a copy of the index too."""
    ground.say(ground.record("BUP", "IFO", "2026-09-30"), ground.record("BUP", "IFO", "2026-11-20"))
    ground.keep()
    index = Index(databases(), ground.keys)
    index.follow(ground.store)
    assert len(index.every(Wanted(unit="BUP"), 10)) == 2
    ground.keys.destroy(202609)
    keys = AuditKeys(ground.keys._folder)
    copy = Index(databases(), keys)
    assert len(copy.every(Wanted(unit="BUP"), 10)) == 1


def test_before_the_stream_the_records_tell(ground: Ground, databases: Databases) -> None:
    """What the topic no longer had when the stream began is taken from the records, and no more than that."""
    ground.say(*(ground.record(UNITS[n % 3], "SKOLA", DAYS[n % 4]) for n in range(20)))
    ground.keep()
    index, whole = Index(databases(), ground.keys), Index(databases("whole"), ground.keys)
    whole.follow(ground.store)
    assert index.store.begin(12) == 12
    assert not index.is_level(ground.store)
    assert index.follow(ground.store) == 12
    assert (len(index), index.store.gap, index.position) == (12, None, 12)
    assert not index.is_level(ground.store), "the rest is the stream's"
    rows = [index._row(ground.store, leaf) for leaf in ground.store.kept_from(12, 100)]
    index.store.take([row for row in rows if row], [], 20, 0)
    assert index.is_level(ground.store)
    assert picture(index.store) == picture(whole.store)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "unit": st.sampled_from((*UNITS, "nobody")), "type": st.sampled_from(TYPES),
        "outcome": st.sampled_from(("permit", "deny")), "ground": st.sampled_from(("CARE_TO_SOCIAL", "CONSENT")),
        "kinds": st.sampled_from((("decision",), ("event", "decision"))), "other": st.sampled_from(UNITS),
        "message": st.sampled_from(IDS), "child_of": st.sampled_from(IDS), "leans_on": st.sampled_from(CONSENTS),
        "since": st.sampled_from([int(midnight(day).timestamp() * 1000) for day in DAYS]),
        "before": st.sampled_from([int(midnight(day).timestamp() * 1000) for day in DAYS]),
    },
)  # fmt: skip


class Many:
    """An index, and what it was made of as (entry, record)."""

    def __init__(self, index: Index, records: list[Any]) -> None:
        self.index = index
        self.records = records


@pytest.fixture(scope="module")
def many(kind: Cluster | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    """Give an index of a hundred records, and the records with their entries."""
    ground = Ground(tmp_path_factory.mktemp("many"))
    records = [
        ground.record(
            UNITS[number % 3], UNITS[(number // 2) % 3], DAYS[(number // 25) % 4], type=TYPES[number % 2],
            kind=("decision", "event")[number % 5 == 0], outcome=("permit", "deny")[number % 3 == 0],
            grounds=(("CARE_TO_SOCIAL",), ("CONSENT",), ())[number % 3], ref=IDS[number % 4],
            message_id=IDS[number % 5], subject=(None, *IDS)[number % 6], consents=CONSENTS[: number % 4],
        )
        for number in range(100)
    ]  # fmt: skip
    entries = ground.say(*records)
    ground.keep()
    databases = Databases(tmp_path_factory.mktemp("index"), kind)
    index = Index(databases(), ground.keys)
    index.follow(ground.store)
    yield Many(index, list(zip(entries, records, strict=True)))
    databases.close()


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
        and wanted.message in (b"", record.message_id, record.subject)
        and wanted.child_of in (b"", record.ref)
        and (not wanted.leans_on or wanted.leans_on in record.consents)
        and wanted.since <= record.decided_at < wanted.before
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=FILTERS, size=st.integers(1, 40))
def test_it_finds_what_a_look_at_each_would_find(many: Many, filters: dict[str, Any], size: int) -> None:
    """Whatever is asked for, in pages of any size, the index gives each record once, and no other."""
    index, records = many.index, many.records
    wanted = Wanted(**filters)
    found: list[bytes] = []
    after: Cursor | None = None
    for _ in range(len(records) + 1):
        places, after = index.find(wanted, after, size)
        found += [each.entry for each in places]
        if after is None:
            break
        assert len(places) == size
    else:
        pytest.fail("the pages never end")
    assert sorted(found) == sorted(entry for entry, record in records if fits(record, wanted))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.dictionaries(st.sampled_from((*IDS, b"n" * 16)), st.sampled_from(DAYS), max_size=6))
def test_it_tells_what_was_said_of_many_messages(many: Many, asked: dict[bytes, str]) -> None:
    """Of each message what was said of it since its month, oldest first, as a look at each record would find it."""
    months = {each: month_of(int(midnight(day).timestamp() * 1000)) for each, day in asked.items()}
    found = many.index.about(months)
    assert found.keys() == asked.keys()
    for message, first in months.items():
        naive = [
            (entry, record.decided_at, record.kind, record.outcome)
            for entry, record in many.records
            if message in (record.message_id, record.subject) and month_of(record.decided_at) >= first
        ]
        assert [tuple(each) for each in found[message]] == naive


def test_days_are_stockholms() -> None:
    """A record just before midnight in Stockholm counts for that day, in winter and in summer."""
    for day in ("2026-01-15", "2026-07-15"):
        midnight_ms = int(midnight(day).timestamp() * 1000)
        assert day_of(midnight_ms) == day_of(midnight_ms - 1) + 1
