"""`samband hub keys rotate-reference`, and what `keys list` and `doctor` say of it at a party."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samband.connectors.cli.doctor import OK, WARN, _references
from samband.connectors.cli.terminal import options
from samband.connectors.party import Party
from samband.connectors.spoken import Spoken
from samband.schemas.events import ConsentWithdrawn
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.outbox import Draft
from tests.terminal import Terminal

CHILD = "201201019805"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a hub with one party, never started."""
    home, now = Home(tmp_path / "home"), datetime.now(UTC)
    home.found("vasteras", now=now, shards=1)
    unit = Unit(UnitId("SE2120002080-SKOLA"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan")
    home.add_party("skola", "Skolan", "2120002080", [unit], now=now)
    yield home
    options.home = None


def test_rotate(home: Home) -> None:
    """It says from when and for whom; nearer on request, again for a party that needs it, never into the past."""
    run = Terminal(home.path)
    told = run.say_here("hub", "keys", "rotate-reference", "--json").json
    assert (told["epoch"], told["parties"], told["without"]) == (2, ["skola"], [])
    assert told["effective_from"] > time.time() * 1000 + 6 * 86_400_000
    again = run.say_here("hub", "keys", "rotate-reference", "--again", "--json").json
    assert (again["epoch"], again["effective_from"]) == (2, told["effective_from"])
    assert run.say_here("hub", "keys", "rotate-reference", "--from", "2020-01-01T00:00").code == 2
    assert (
        run.say_here("hub", "keys", "rotate-reference", "--from", "now").code == 2
    )  # before the one that is announced


def test_how_far_it_has_come(home: Home) -> None:
    """The doctor counts what is left, and is content when nothing is."""
    now = int(time.time() * 1000)
    path = home.parties / "skola" / "connector.toml"

    def opened() -> Party:
        party = Party.load(path)
        party.directory.restore(home.published(int(time.time() * 1000)).values())
        party.load_keys()
        return party

    party = opened()
    assert [(each.state, each.found) for each in _references(party)] == [(OK, "epoch 1")]
    draft = Draft(
        agreement="vasteras", message_id=b"m" * 16, conversation=b"m" * 16, sender="SE2120002080-SKOLA",
        recipient="SE2120002080-SKOLA", e=1, ref=party.ref(CHILD, 1), type="consent.withdrawn", created=now,
        expires=now + 1000,
    )  # fmt: skip
    with party.store.transaction():
        Spoken(party.store).keep(draft, CHILD, ConsentWithdrawn())
        Spoken(party.store).accepted(draft.message_id, now)
    party.store.close()
    home.rotate_reference(now)
    party = opened()
    (check,) = _references(party)
    assert (check.state, check.found) == (WARN, "epoch 2, 0 recorded anew, 0 on their way, 1 left")
    with party.store.transaction():
        Spoken(party.store).pass_over(1, 2, now)
    (check,) = _references(party)
    assert (check.state, check.found) == (OK, "epoch 2, 1 recorded anew, 0 on their way, 0 left")
    party.store.close()
