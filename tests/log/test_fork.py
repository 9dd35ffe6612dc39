"""A log that really forks: two checkpoints of one size, signed by the log's key, toward two witnesses. Who finds it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import audit_live, doctor
from samband.connectors.console.roles import Role
from samband.connectors.console.tree import stands_of
from samband.connectors.mirror import how_forked
from samband.connectors.witness import FORK
from samband.streams.log.checkpoint import Policy
from samband.streams.log.journal import Journal
from samband.streams.log.standing import BEHIND_MS, Stand, keep_word, standings
from samband.streams.log.tree import root_of
from samband.streams.log.verify import WITNESSED, verify
from samband.streams.log.witnessed import Asking, witness_name, witnesses_of
from tests.console.house import HubHouse
from tests.gate.world import NOW
from tests.log.logs import entries
from tests.log.ring import Ring, alarms, hear_head, read, said


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path)


@pytest.fixture
def forked(ring: Ring, tmp_path: Path) -> tuple[Ring, Ring, Any, Any]:
    """Give a log as the school is shown it and as psychiatry is; both have cosigned what they saw."""
    ring.tell(entries(6), ask=True)
    other = Ring(tmp_path)
    other.world, other.key = ring.world, ring.key
    other.log = other.make()
    other.tell([*entries(5), bytes(32)], ask=True)
    school, psychiatry = ring.party("skola"), other.party("bup")
    read(ring, school)
    read(other, psychiatry)
    assert ring.log.checkpoint.size == other.log.checkpoint.size
    assert ring.log.checkpoint.root != other.log.checkpoint.root
    assert (said(school), said(psychiatry)) == (1, 1), "neither can know yet"
    return ring, other, school, psychiatry


def word_of(party: Any) -> bytes:
    """Return what a party said as a witness, as the gate passes it on."""
    (body,) = [draft.body for draft in party.store.drafts() if draft.type == "log.cosigned"]
    return bytes(body)


def test_who_finds_it(forked: tuple[Ring, Ring, Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hub by the other witness's own word, each party by the gate's head or by the other's cosignature."""
    ring, other, school, psychiatry = forked
    found: list[tuple[str, str]] = []

    journal = Journal(tmp_path / "journal.db")
    witnesses = witnesses_of(ring.world.root, ring.world.directory, NOW)

    def root_at(size: int) -> bytes | None:
        return root_of(ring.log.tiles().node, size) if size <= ring.log.edge.size else None

    asking = Asking(journal, ring.origin, Policy(1), 60_000, root_at)
    asking.next(ring.log.files["checkpoint"], NOW)
    with journal.transaction():
        assert asking.hear(word_of(school), witnesses)
        assert not asking.hear(word_of(psychiatry), witnesses)
    stands = {each.name.rpartition("/")[2]: each.state for each in standings(journal, witness_names(ring), NOW)}
    assert stands == {"bup": Stand.DISAGREES, "skola": Stand.AGREES, "social": Stand.SILENT}
    assert journal.counts() == {"disagrees": 1}
    found.append(
        ("the hub", "a witness's own word is on another state: alarm `disagrees`, console, doctor, audit verify")
    )

    hear_head(ring, school, other.log)
    witness = read(ring, school, NOW + 60_000)
    assert alarms(school) == {FORK}
    assert how_forked(witness.folder.path) == "head"
    found.append(("a party", "the gate's head names another state than its mirror: LOG_FORK, both kept"))

    ring.witnessed("skola")
    other.topic.append((WITNESSED, ring.topic[-1][1]))
    witness = read(other, psychiatry, NOW + 60_000)
    assert alarms(psychiatry) == {FORK}
    assert how_forked(witness.folder.path) == WITNESSED
    found.append(("a witness", "another's cosignature is on another state than its mirror: LOG_FORK, both kept"))

    told = [(each.found, each.way_out) for each in doctor._log(psychiatry) if each.check == "log"]
    evidence = f"evidence is in {psychiatry.folder / 'log' / 'evidence'}: show it to the other parties"
    assert told == [(doctor._FOUND[WITNESSED], evidence)]
    with capsys.disabled():
        sys.stdout.write("".join(f"\n  {who} finds it: {how}" for who, how in found))


def witness_names(ring: Ring) -> list[str]:
    return [witness_name(ring.world.root, party) for party in ring.world.parties]


def test_evidence_beside_the_log_is_the_proof(forked: tuple[Ring, Ring, Any, Any]) -> None:
    """Whoever lays what another was shown beside the log finds the fork without trusting either."""
    ring, other, _, _ = forked
    public = [each.key for each in ring.world.directory.keys.values() if each.card.purpose == "log"]
    ring.log.add(entries(9, 6))
    beside = [("theirs", other.log.checkpoint), ("mine", ring.make(entries(4)).checkpoint)]
    report = verify(ring.log.read, public, ring.origin, beside=beside)  # type: ignore[arg-type]
    assert report.differences == [("theirs", "LOG_FORK")]
    longer = [("longer", ring.make(entries(99)).checkpoint)]
    report = verify(ring.log.read, public, ring.origin, beside=longer)  # type: ignore[arg-type]
    assert report.differences == [("longer", "LOG_ROLLED_BACK")]


def test_a_live_log_needs_no_tiles(ring: Ring) -> None:
    """What Kafka keeps of the log is enough: every entry and the newest checkpoints; a changed entry is found."""
    for count in (300, 200, 12):
        ring.tell(entries(count, ring.log.edge.size))
    ring.witnessed("bup")
    public = [each.key for each in ring.world.directory.keys.values() if each.card.purpose == "log"]
    files, there = audit_live.layout(dict(ring.topic))
    assert there == set(entries(512))
    live = audit_live.Live(files, public, ring.origin, [], there, entries(3, 511))  # type: ignore[arg-type]
    report = verify(live.read, live.keys, live.origin, tiles_too=False)
    assert (report.differences, report.size, report.witnessed) == ([], 512, 512)
    assert audit_live.hidden(live) == [(each.hex(), "TICK_OFF_LATE") for each in entries(2, 512)]
    name, value = "entries/1", dict(ring.topic)["entries/1"]
    files, _ = audit_live.layout({**dict(ring.topic), name: value[:2] + bytes(32) + value[34:]})
    live.files = files
    report = verify(live.read, live.keys, live.origin, tiles_too=False)
    assert ("checkpoint", "LOG_ROOT") in report.differences


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(0, Stand.AGREES), (BEHIND_MS // 60_000, Stand.AGREES), (BEHIND_MS // 60_000 + 1, Stand.BEHIND)],
)
def test_a_witness_that_is_behind(ring: Ring, tmp_path: Path, minutes: int, state: Stand) -> None:
    """Who has said nothing on what it was asked for a quarter of an hour is behind, however often it is asked anew."""
    journal = Journal(tmp_path / "journal.db")
    asking = Asking(journal, ring.origin, Policy(1), 60_000, lambda size: None)
    checkpoint = ring.make(entries(3)).checkpoint
    with journal.transaction():
        keep_word(journal, "w", checkpoint, NOW, agrees=True)
    for minute in range(minutes + 1):
        asking.next(ring.log.add(entries(5, ring.log.edge.size)), NOW + minute * 60_000)
    (found,) = standings(journal, ["w"], NOW + minutes * 60_000)
    assert found == ("w", 3, NOW, state)


def test_the_console_and_the_doctor_show_it(tmp_path: Path) -> None:
    """The Log page names the witness that has cosigned another log, in both languages; the hub's doctor fails."""
    house = HubHouse(tmp_path / "home")
    try:
        home, now = house.home, time.time_ns() // 1_000_000
        directory = home.directory(now)
        names = [each.name for each in witnesses_of(home.root, directory, now)]
        assert names
        journal = Journal(home.hub / "sequencer" / "journal.db")
        checkpoint = Ring(tmp_path / "ring").make(entries(3)).checkpoint
        with journal.transaction():
            for name in names:
                keep_word(journal, name, checkpoint, now, agrees=not name.endswith("/bup"))
        journal.close()
        first = stands_of(home, directory)[0]
        assert (first.name, first.state) == ("bup", Stand.DISAGREES)
        checks = list(doctor._witnesses(home))
        assert [(each.check, each.state) for each in checks] == [("log witness", doctor.FAIL)]
        (home.hub / "log-tiles").mkdir(exist_ok=True)
        (home.hub / "log-tiles" / "checkpoint").write_bytes(b"")
        for language, words in (("sv", "har skrivit under en annan logg"), ("en", "has cosigned another log")):
            page = house.browser(Role.AUDITOR).get(f"/{language}/log")
            assert page.status_code == 200
            assert words in page.text
    finally:
        house.close()
