"""A party as witness: what it mirrors, ticks off and cosigns, and what makes it say that something is wrong."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from samband.connectors import mirror
from samband.connectors.mirror import how_forked
from samband.connectors.watch import NAMED
from samband.connectors.witness import FORK, LATE_MS, ROLLED_BACK, TICK_OFF, WITHHELD
from samband.streams.crypto.keys import Purpose, SignKey, VerifyKey
from samband.streams.log.verify import WITNESSED, verify
from tests.gate.world import NOW
from tests.log.logs import Log, entries
from tests.log.ring import Ring, alarms, hear_head, keep, read, said


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path)


def test_the_mirror_is_the_log(ring: Ring) -> None:
    """A mirror has every entry, in the log's own layout, however many records it took, and goes on after a restart."""
    party = ring.party("skola")
    for count in (1, 255, 300, 0, 44):
        ring.tell(entries(count, ring.log.edge.size))
        witness = read(ring, party)
    public = VerifyKey(ring.world.realm, Purpose.LOG, ring.key.public)
    report = verify(witness.folder.read, [public], ring.origin)
    assert (report.differences, report.size, report.root) == ([], 600, ring.log.checkpoint.root)
    assert alarms(party) == set()


def test_a_compacted_topic_is_enough(ring: Ring) -> None:
    """Who comes late and finds of each name its newest record only has every entry all the same."""
    for count in (100, 200, 300):
        ring.tell(entries(count, ring.log.edge.size), ask=True)
    ring.witnessed("bup")
    newest = {name: n for n, (name, _) in enumerate(ring.topic)}
    ring.topic = [record for n, record in enumerate(ring.topic) if newest[record[0]] == n]
    party = ring.party("skola")
    witness = read(ring, party)
    assert (witness.size, witness.witnessed, said(party)) == (600, 600, 1)


def test_it_cosigns_once_what_it_was_asked(ring: Ring) -> None:
    """It cosigns the checkpoint that the log puts to it, once, and not more often than it would itself."""
    party = ring.party("skola")
    ring.tell(entries(3))
    read(ring, party)
    assert said(party) == 0, "nobody asked"
    ring.tell(entries(3, 3), ask=True)
    read(ring, party)
    read(ring, party)
    assert said(party) == 1
    ring.tell(entries(3, 6), ask=True)
    witness = read(ring, party, NOW + 1000)
    assert said(party) == 1
    assert witness.caught_up(NOW + 60_000), "what came too early is not forgotten"
    assert said(party) == 2


def test_a_fork_is_kept_as_evidence(ring: Ring) -> None:
    """Shown another past under the log's own signature, it raises the alarm, keeps both, and cosigns no more."""
    party = ring.party("skola")
    ring.tell(entries(5), ask=True)
    read(ring, party)
    forked = ring.make([*entries(4), bytes(32)])
    ring.tell(entries(2, 5), forked, ask=True)
    witness = read(ring, party, NOW + 60_000)
    assert alarms(party) == {FORK}
    assert witness.size == 5
    assert said(party) == 1
    kept = {path.read_bytes() for path in (witness.folder.path / "evidence").iterdir()}
    assert kept == {ring.log.files["checkpoint"], forked.files["checkpoint"]}
    assert how_forked(witness.folder.path) == "checkpoint"


@pytest.mark.parametrize("past", [entries(5), [*entries(2), bytes(32)]], ids=["cut", "rewritten"])
def test_a_fork_toward_one_witness_is_seen_by_another_s_word(ring: Ring, past: list[bytes]) -> None:
    """Where others have cosigned another state than this party was shown, their words on it give the fork away."""
    party = ring.party("skola")
    ring.tell(entries(6))
    other = ring.make(past)
    ring.witnessed("bup", log=other)
    read(ring, party)
    assert (FORK in alarms(party)) == (past != entries(5))


def test_a_store_that_was_rolled_back_cosigns_no_more(ring: Ring) -> None:
    """A witness from a backup sees its own later word on a witnessed checkpoint, and cosigns no more with that key."""
    ring.tell(entries(3), ask=True)
    party = ring.party("skola")
    backup = ring.party("skola", "backup")
    for each in (party, backup):
        read(ring, each)
    ring.tell(entries(3, 3), ask=True)
    ring.witnessed("skola")
    ring.tell(entries(3, 6), ask=True)
    read(ring, backup, NOW + 60_000)
    assert alarms(backup) == {ROLLED_BACK}
    assert said(backup) == 1
    read(ring, backup, NOW + 120_000)
    assert said(backup) == 1, "not after a restart either"


def test_a_lost_mirror_beside_a_store_that_remembers(ring: Ring) -> None:
    """Where only the mirror was rolled back, the store knows that more was cosigned, and nothing is cosigned."""
    party = ring.party("skola")
    ring.tell(entries(3), ask=True)
    read(ring, party)
    (party.folder / "log" / "witness.json").unlink()
    ring.tell([], ask=True)
    ring.topic[-1] = ("asked", ring.make(entries(2)).files["checkpoint"])
    read(ring, party, NOW + 60_000)
    assert alarms(party) == {ROLLED_BACK}
    assert said(party) == 1


def test_entries_are_ticked_off(ring: Ring) -> None:
    """What the gate stamped for us is ticked off when it is in the log, in whichever order the two come."""
    party = ring.party("skola")
    early, late = entries(2)
    keep(party, early)
    ring.tell([early, late])
    read(ring, party)
    keep(party, late)
    read(ring, party)
    assert party.store.numbers("due/") == {}
    assert party.store.number("ticked") == 2


def test_an_unlogged_stamp_is_found(ring: Ring) -> None:
    """An entry that is stamped and not in a checkpoint within ten minutes raises the alarm, until it is there."""
    party = ring.party("skola")
    ring.tell(entries(3))
    unlogged = secrets.token_bytes(32)
    keep(party, unlogged)
    read(ring, party, NOW + LATE_MS)
    assert alarms(party) == set()
    read(ring, party, NOW + LATE_MS + 1)
    assert alarms(party) == {TICK_OFF}
    assert party.store.number("late_entries") == 1
    ring.tell([unlogged])
    read(ring, party, NOW + LATE_MS + 2)
    assert alarms(party) == set()


def test_an_entry_of_long_ago_is_found_in_the_mirror(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that was held back for long is no alarm: before one is raised the whole mirror is looked through."""
    monkeypatch.setattr(mirror, "_RECENT", 10)
    party = ring.party("skola")
    ring.tell(entries(600))
    read(ring, party)
    keep(party, entries(1)[0])
    read(ring, party, NOW + LATE_MS + 1)
    assert (alarms(party), party.store.numbers("due/")) == (set(), {})


def test_logged_is_in_a_checkpoint_that_witnesses_stand_behind(ring: Ring) -> None:
    """An entry counts as logged when enough witnesses have cosigned a checkpoint that has it."""
    party = ring.party("skola")
    ring.tell(entries(3))
    assert not read(ring, party).is_logged(entries(3)[2])
    ring.witnessed()
    assert not read(ring, party).is_logged(entries(3)[2]), "too few cosignatures"
    ring.witnessed("bup")
    ring.tell(entries(1, 3))
    witness = read(ring, party)
    assert witness.is_logged(entries(3)[2])
    assert not witness.is_logged(entries(4)[3])


def test_what_the_log_did_not_sign_changes_nothing(ring: Ring) -> None:
    """A checkpoint of another key, garbage, or another's bundle moves nothing and stops nothing."""
    party = ring.party("skola")
    ring.tell(entries(3))
    thief = Log(entries(4), key=SignKey(ring.world.realm, Purpose.LOG, bytes([8]) * 32), origin=ring.origin)
    ring.topic += [("checkpoint", thief.files["checkpoint"]), ("checkpoint", b""), ("entries/x", b""), ("?", b"")]
    ring.topic += [("entries/0", b"\0"), ("asked", b"garbage"), (WITNESSED, thief.files["checkpoint"])]
    assert (read(ring, party).size, alarms(party), said(party)) == (3, set(), 0)
    ring.tell(entries(1, 3))
    assert read(ring, party).size == 4


def test_a_head_names_the_log_that_the_gate_was_shown(ring: Ring) -> None:
    """A checkpoint that a head names is compared once the mirror has come so far, and is then forgotten."""
    party = ring.party("skola")
    ring.tell(entries(3))
    ahead = ring.make(entries(5))
    for log in (None, ring.log, ahead):
        hear_head(ring, party, log)
    read(ring, party)
    assert list(party.store.numbers(NAMED)) == [f"named/5/{ahead.checkpoint.root.hex()}/{entry_of_last(party)}"]
    ring.tell(entries(2, 3))
    read(ring, party)
    assert (party.store.numbers(NAMED), alarms(party)) == ({}, set())


def entry_of_last(party: Any) -> str:
    """Return the log entry of the head that is not compared yet."""
    (name,) = party.store.numbers(NAMED)
    return str(name.rpartition("/")[2])


def test_a_fork_toward_the_gate_is_seen_by_its_head(ring: Ring) -> None:
    """Where the gate was shown another log than this party, its head gives that away; both are kept as evidence."""
    party = ring.party("skola")
    ring.tell(entries(5), ask=True)
    read(ring, party)
    hear_head(ring, party, other := ring.make([*entries(4), bytes(32)]))
    witness = read(ring, party, NOW + 60_000)
    assert alarms(party) == {FORK}
    assert how_forked(witness.folder.path) == "head"
    kept = [path.read_bytes() for path in (witness.folder.path / "evidence").iterdir()]
    assert any(each.startswith(other.checkpoint.text()) for each in kept)
    ring.tell(entries(1, 5), ask=True)
    read(ring, party, NOW + 120_000)
    assert said(party) == 1, "nothing is cosigned any more"


def test_a_log_that_is_withheld_from_this_party_alone(ring: Ring) -> None:
    """The gate names more than comes here: after ten minutes that is an alarm, until it comes."""
    party = ring.party("skola")
    ring.tell(entries(3))
    hear_head(ring, party, ring.make(entries(5)))
    read(ring, party, NOW + LATE_MS)
    assert alarms(party) == set()
    read(ring, party, NOW + LATE_MS + 1)
    assert alarms(party) == {WITHHELD}
    ring.tell(entries(2, 3))
    read(ring, party, NOW + LATE_MS + 2)
    assert alarms(party) == set()
