"""The authority rotates the child-reference key; epochs, and what is taken under which."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from samband.connectors.party import Party
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.key_card import Reason
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.references import NOTICE_MS, OVERLAP_MS, Epochs

NOW = datetime.now(UTC)
MS = int(NOW.timestamp() * 1000)
DAY = 86_400_000
EPOCHS = Epochs(MappingProxyType({1: 0, 2: MS, 3: MS + 100 * DAY}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a hub with one party."""
    made = Home(tmp_path / "home")
    made.found("barn", now=NOW, shards=1)
    _add(made, "social", UnitKind.SOCIAL_IFO)
    return made


def _add(home: Home, party: str, kind: UnitKind) -> None:
    unit = Unit(UnitId(party.upper()), PartyId(party), kind, Regime.OSL_26, party)
    home.add_party(party, party, "2120002080", [unit], now=NOW)


def _open(home: Home, party: str, now: int = MS) -> Party:
    opened = Party.load(home.parties / party / "connector.toml")
    opened.directory.restore(home.published(now).values())
    opened.load_keys()
    return opened


def test_each_party_gets_the_next_key(home: Home) -> None:
    """Over the directory, into its own key folder; one that joins later has both, and none is at the hub."""
    assert home.rotate_reference(MS) == (2, ["social"])
    party = _open(home, "social")
    assert party.references == home.references()
    assert party.directory.epochs.begins == {1: 0, 2: MS + NOTICE_MS}
    assert [party.epoch(MS + NOTICE_MS - 1), party.epoch(MS + NOTICE_MS)] == [1, 2]
    _add(home, "skola", UnitKind.SCHOOL_PEDAGOGIC)
    later = _open(home, "skola")
    assert later.references == party.references
    assert home.share_reference(MS + 1) == (2, ["skola", "social"])
    again = Party.load(home.parties / "social" / "connector.toml")
    assert again.references == party.references  # without the directory, from the folder
    secret = home.references()[2]
    assert not [path for path in home.hub.rglob("*") if path.is_file() and secret in path.read_bytes()]
    for each in (party, later, again):
        each.store.close()


def test_a_party_that_lost_its_hop_key(home: Home) -> None:
    """What was sealed to a lost key does not open; sealed again, to the next one, it does."""
    party = _open(home, "social")
    (lost,) = party.hop
    party.store.close()
    home.rotate_reference(MS)
    home.revoke_key(lost, Reason.LOST, MS)
    assert home.share_reference(MS + 1) == (2, [])
    folder = home.parties / "social" / "keys"
    for path in folder.glob("party-hop-*.key"):
        path.unlink()
    without = _open(home, "social")
    assert set(without.references) == {1}
    without.store.close()


def test_a_stolen_hop_key(home: Home) -> None:
    """A key that came under the seal of a stolen one is not taken: its thief has it too."""
    (stolen,) = _close(_open(home, "social"))
    home.rotate_reference(MS)
    home.revoke_key(stolen, Reason.STOLEN, MS + 1)
    party = _open(home, "social", MS + 2)
    assert set(party.references) == {1}
    party.store.close()


def _close(party: Party) -> list[object]:
    kids = list(party.hop)
    party.store.close()
    return list(kids)


def test_what_the_authority_may_not_say(home: Home) -> None:
    """No epoch in the past, none before an announced one, and no sharing of a key that never was."""
    with pytest.raises(InputError, match="REFERENCE_FIRST"):
        home.share_reference(MS)
    with pytest.raises(InputError, match="REFERENCE_TIME"):
        home.rotate_reference(MS, MS - 1)
    home.rotate_reference(MS, MS + 5 * DAY)
    with pytest.raises(InputError, match="REFERENCE_TIME"):
        home.rotate_reference(MS, MS + 5 * DAY)
    assert home.rotate_reference(MS, MS + 6 * DAY)[0] == 3


def test_an_attempt_that_did_not_come_to_its_end(home: Home, tmp_path: Path) -> None:
    """The secret that was made and not announced is the one that is announced."""
    shutil.copytree(home.hub / "directory", tmp_path / "before")
    home.rotate_reference(MS)
    secret = home.references()[2]
    shutil.rmtree(home.hub / "directory")
    shutil.copytree(tmp_path / "before", home.hub / "directory")
    assert home.rotate_reference(MS)[0] == 2
    assert home.references()[2] == secret


@pytest.mark.parametrize(
    ("e", "at", "event", "ends", "taken"),
    [
        (1, MS - 1, False, False, True),
        (1, MS + OVERLAP_MS - 1, False, False, True),
        (1, MS + OVERLAP_MS, False, False, False),
        (1, MS + OVERLAP_MS, True, False, False),
        (1, MS + OVERLAP_MS, True, True, True),
        (2, MS - 300_001, False, False, False),
        (2, MS - 300_000, False, False, True),
        (2, MS - 50 * DAY, True, False, True),
        (1, MS + 100 * DAY, False, False, False),
        (2, MS + 100 * DAY, False, False, True),
        (3, MS + 1, True, False, True),
        (3, MS + 1, False, False, False),
        (4, MS, True, True, False),
        (0, MS, True, True, False),
        (-1, MS, True, True, False),
    ],
)
def test_what_is_taken_when(e: int, at: int, event: bool, ends: bool, taken: bool) -> None:
    """The current epoch, the last one for its overlap; of an older one what ends; of the next one what is recorded."""
    if taken:
        EPOCHS.check(e, at, event=event, ends=ends)
    else:
        with pytest.raises(RefusedError, match=re.escape("REFERENCE_EPOCH")):
            EPOCHS.check(e, at, event=event, ends=ends)


def test_the_live_epochs() -> None:
    """A withdrawal is said in each in which something may still rest on what it ends, or will."""
    assert EPOCHS.live(MS - 1) == (3, 2, 1)
    assert EPOCHS.live(MS + OVERLAP_MS + 14 * DAY - 1) == (3, 2, 1)
    assert EPOCHS.live(MS + OVERLAP_MS + 14 * DAY) == (3, 2)
    assert EPOCHS.live(MS + 100 * DAY) == (3, 2)
    assert EPOCHS.live(MS + 150 * DAY) == (3,)
    assert Epochs().live(MS) == (1,)
