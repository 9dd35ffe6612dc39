"""A recall against a hand-over, and a record that trips the connector: the store and the receiver without Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.adapter import Delivery
from samband.connectors.party import Party
from samband.connectors.receive import Receiver
from samband.connectors.service import Service
from samband.connectors.store import Store
from samband.schemas.errors import DeliveryError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.snapshot import Snapshot

UNIT = Unit(UnitId("SE-SKOLA-1"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan")
ID, REF = b"m" * 16, b"r" * 16
LATER = 1 << 50


class FarSide:
    """Takes nothing until told otherwise, and does something in the middle of a delivery."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        self.meanwhile = meanwhile
        self.calls = 0

    async def deliver(self, delivery: Delivery) -> None:
        """Fail."""
        self.calls += 1
        self.meanwhile()
        raise DeliveryError("FAR_SIDE_AWAY", "the far side is away", retriable=True)

    async def acknowledged(self) -> list[str]:
        """Return nothing."""
        return []

    async def waiting(self) -> list[Any]:
        """Return nothing."""
        return []

    async def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """Give a party with one letter waiting."""
    home = Home(tmp_path / "home")
    home.found("prov", now=datetime.now(UTC), port=9)
    folder = home.add_party("skola", "Skolan", "2120002080", [UNIT], now=datetime.now(UTC))
    Snapshot(folder / "directory.snapshot").write([*home.published(int(datetime.now(UTC).timestamp() * 1000)).values()])
    party = Party.load(folder / "connector.toml")
    letter = {
        "conversation": ID.hex(), "ref_to": None, "unit": UNIT.id, "sender_unit": "SE-SOC-1", "sender_party": "social",
        "created": 1, "decided_at": 2, "grounds": ["CONSENT"], "obligations": [], "categories": [], "decision": "00",
        "age_band": "12-14", "content": {"text": "prov"},
    }  # fmt: skip
    with party.store.transaction():
        party.store.add_letter(
            ID,
            offset=0,
            ref=REF,
            unit=UNIT.id,
            type="dialogue.message",
            expires=LATER,
            held=False,
            letter=letter,
            now=1,
        )
    return party


def state_of(store: Store) -> str:
    row = store.letter(ID)
    assert row is not None
    return row.state


async def hand_over_once(party: Party, far_side: FarSide) -> None:
    """Let the service hand over until the far side was asked once and the answer settled."""
    service = Service(party, {UNIT.id: far_side})
    service._known_before = 1
    task = asyncio.create_task(service._hand_over(UNIT.id, far_side))
    async with asyncio.timeout(5):
        while not far_side.calls or state_of(party.store) == "handing":  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_recall_that_comes_while_the_far_side_is_away_is_kept(party: Party) -> None:
    """A message whose recall came in the middle of a hand-over that failed is never tried again."""
    far_side = FarSide(lambda: party.store.recall_letter(ID, 2, "CONSENT_WITHDRAWN"))
    await hand_over_once(party, far_side)
    assert state_of(party.store) == "recalled"
    assert party.store.waiting(UNIT.id, 1, 10) == []
    ((draft, _),) = party.store.new_drafts(10)
    assert (draft.type, draft.ref_to) == ("receipt", ID)
    party.store.close()


async def test_a_recall_outlives_a_crash_in_the_middle_of_a_hand_over(party: Party) -> None:
    """A repeat after a crash does not forget the recall that came before it."""
    with party.store.transaction():
        party.store.mark_letter(ID, "handing", 1)
    assert not party.store.recall_letter(ID, 2, "CONSENT_WITHDRAWN")
    await hand_over_once(party, FarSide(lambda: None))
    assert state_of(party.store) == "recalled"
    party.store.close()


async def test_without_a_recall_it_waits_for_the_far_side(party: Party) -> None:
    """A far side that is away delays a message, nothing more."""
    await hand_over_once(party, FarSide(lambda: None))
    assert state_of(party.store) == "waiting"
    party.store.close()


def test_a_record_that_trips_us_stops_nobody(party: Party) -> None:
    """An unforeseen error in one record leaves no trace of it but a count, and the next record is taken."""

    class Tripping:
        def open(self, value: bytes | None) -> Any:
            party.store.keep_number("half", 1)
            raise ZeroDivisionError

    receiver = Receiver(party, Tripping())  # type: ignore[arg-type]
    with party.store.transaction():
        assert not receiver.take(5, b"", 1)
        party.store.keep_number("offset", 6)
    assert party.store.number("half") is None
    assert party.store.number("count/incident") == 1
    assert party.store.number("offset") == 6
    party.store.close()
