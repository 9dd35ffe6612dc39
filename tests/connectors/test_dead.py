"""What a webhook refuses for good waits for a person: it is tried again, given up, or ends when its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.adapter import Delivery
from samband.connectors.dead import DEAD, dead, end_late, give_up, replay
from samband.connectors.party import AdapterSettings, Party
from samband.connectors.reading import misdirect
from samband.connectors.service import Service
from samband.schemas import events
from samband.schemas.errors import DeliveryError, InputError
from samband.schemas.events import Receipt

ID, LATER = b"m" * 16, 1 << 50


class FarSide:
    """Refuses until it is mended."""

    def __init__(self, code: str = "WEBHOOK_REFUSED") -> None:
        self.error: DeliveryError | None = DeliveryError(code, "it refused")
        self.taken: list[str] = []

    async def deliver(self, delivery: Delivery) -> None:
        """Take it or refuse."""
        if self.error:
            raise self.error
        self.taken.append(delivery.message_id)

    async def acknowledged(self) -> list[str]:
        """Return nothing."""
        return []

    async def waiting(self) -> list[Any]:
        """Return nothing."""
        return []

    async def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def skola(world: Any, tmp_path: Path) -> Iterator[Party]:
    """Give a party whose unit has a webhook, with one letter."""
    party = world.open_party("skola", tmp_path)
    party.settings = replace(party.settings, adapter=(AdapterSettings("SKOLA", "webhook"),))
    letter = {
        "conversation": ID.hex(), "ref_to": None, "unit": "SKOLA", "sender_unit": "IFO", "sender_party": "social",
        "created": 1, "decided_at": 2, "grounds": ["CONSENT"], "obligations": [], "categories": [], "decision": "00",
        "age_band": "12-14", "content": {"text": "prov"},
    }  # fmt: skip
    with party.store.transaction():
        party.store.add_letter(
            ID, offset=0, ref=b"r" * 16, unit="SKOLA", type="dialogue.message", expires=LATER, held=False,
            letter=letter, now=1,
        )  # fmt: skip
    yield party
    party.store.close()


async def run(party: Party, far_side: FarSide, until: str) -> None:
    """Let the service hand over until the letter has a state."""
    service = Service(party, {"SKOLA": far_side})
    service._known_before = 1
    task = asyncio.create_task(service._hand_over("SKOLA", far_side))
    async with asyncio.timeout(5):
        while state_of(party) != until:  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def state_of(party: Party) -> str:
    """Return the letter's state."""
    row = party.store.letter(ID)
    assert row is not None
    return row.state


def receipts(party: Party) -> list[tuple[str, str]]:
    """Return level and code of what the sender is told."""
    bodies = [events.decode("receipt", draft.body or b"") for draft, _ in party.store.new_drafts(10)]
    return [(str(body.level), body.code) for body in bodies if isinstance(body, Receipt)]


async def test_what_was_refused_is_tried_again(skola: Party) -> None:
    """The sender is not told of a refusal that somebody can mend; when it is, the message is handed over."""
    far_side = FarSide()
    await run(skola, far_side, DEAD)
    assert receipts(skola) == []
    assert [row.message_id for row in dead(skola)] == [ID]
    far_side.error = None
    replay(skola, ID, 5)
    await run(skola, far_side, "handed_over")
    assert (far_side.taken, receipts(skola)) == ([ID.hex()], [("handed_over", "")])
    with pytest.raises(InputError):
        replay(skola, ID, 6)


async def test_what_is_given_up_is_refused(skola: Party) -> None:
    """Given up, or its time over, it ends with the code that it was refused with, once."""
    await run(skola, FarSide(), DEAD)
    assert end_late(skola, LATER - 1) == 0
    give_up(skola, ID, 5)
    assert end_late(skola, LATER) == 0
    assert receipts(skola) == [("refused", "WEBHOOK_REFUSED")]
    with pytest.raises(InputError):
        give_up(skola, ID, 6)


async def test_nothing_goes_quiet(skola: Party) -> None:
    """What nobody looks at in its time is refused by itself."""
    await run(skola, FarSide(), DEAD)
    assert end_late(skola, LATER) == 1
    assert (state_of(skola), receipts(skola)) == ("refused", [("refused", "WEBHOOK_REFUSED")])


async def test_a_recall_and_a_misdirection_end_it(skola: Party) -> None:
    """What waits for a person is still stopped by its sender, and can be said to be misdirected."""
    await run(skola, FarSide(), DEAD)
    with skola.store.transaction():
        assert skola.store.recall_letter(ID, 5, "CONSENT_WITHDRAWN")
    assert dead(skola) == []
    skola.store.database.execute("UPDATE inbox SET state = 'dead'")
    misdirect(skola, ID, user={"id": "a", "role": "b"}, now=6)
    assert receipts(skola) == [("misdirected", "MISDIRECTED")]


@pytest.mark.parametrize(("code", "kept"), [("DELIVERY_FORM", True), ("WEBHOOK_REFUSED", False)])
async def test_what_nobody_can_mend_ends_at_once(skola: Party, code: str, kept: bool) -> None:
    """A message that has no form, or a webhook that wants no list, ends as refused at once."""
    skola.settings = replace(skola.settings, adapter=(AdapterSettings("SKOLA", "webhook", dead_letters=kept),))
    await run(skola, FarSide(code), "refused")
    assert receipts(skola) == [("refused", code)]
    assert dead(skola) == []
