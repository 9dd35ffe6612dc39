"""A gate's stamp key was stolen: what a witnessed log had before stands, everything else is refused and listed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from samband.connectors.receive import REVOKED, Receiver
from samband.connectors.witness import witnessed_before
from samband.schemas.key_card import Reason
from tests.attacks.directory import revoked
from tests.attacks.ground import Ground
from tests.attacks.over import backdated
from tests.gate.world import HOUR, NOW
from tests.log.logs import entries
from tests.log.ring import Ring, read


@pytest.mark.parametrize(("witnessed", "stands"), [(NOW - 1000, True), (NOW, False), (NOW + HOUR, False)])
def test_what_was_witnessed_before_stands(tmp_path: Path, witnessed: int, stands: bool) -> None:
    """A stamp of before the revocation counts where witnesses stood behind its entry by then, and only there."""
    assert backdated(tmp_path, witnessed) is stands


def test_what_is_not_there_is_refused_and_listed(tmp_path: Path) -> None:
    """What no witnessed log had before is not handed over, and its place is kept for the doctor to tell."""
    ring, ground = Ring(tmp_path), Ground(tmp_path)
    world = ground.world = ring.world
    value = ground.stamped(world.seal(world.concern()), decided_at=NOW - HOUR, lane={"now": NOW - HOUR})
    world.publish(world.directory, revoked(world, "hub", world.stamp, reason=Reason.STOLEN))
    party = ring.party("social")
    with contextlib.closing(party.store):
        receiver = Receiver(party, world.accept("social"))
        with party.store.transaction():
            receiver.take(7, value, NOW)
        assert party.store.numbers(REVOKED) == {f"{REVOKED}7": NOW}
        assert not party.store.letters()


def test_when_witnesses_stood_behind_it_is_kept(tmp_path: Path) -> None:
    """Of each checkpoint the party keeps when enough witnesses had cosigned it: the last of the first words."""
    ring = Ring(tmp_path)
    party = ring.party("social")
    for size, at in ((3, 100), (5, 200)):
        ring.tell(entries(size, ring.log.edge.size)[: size - ring.log.edge.size])
        ring.witnessed("bup", at=at)
        witness = read(ring, party)
        ring.witnessed("bup", "skola", at=at + 50)
        witness.take(len(ring.topic) - 1, *ring.topic[-1], NOW)
        witness.caught_up(NOW)
    assert [witnessed_before(party.store, at) for at in (100_000, 100_001, 200_001)] == [0, 3, 5]
