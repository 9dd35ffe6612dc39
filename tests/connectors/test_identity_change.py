"""A changed number at the sender, without Kafka: two events in one order, and the circle goes along."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.store import Step
from samband.schemas import events
from samband.schemas.errors import InputError
from samband.schemas.events import CircleUpdate, EventBody, IdentityChanged, Member
from samband.schemas.identifiers import without_number
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home

NOW = datetime.now(UTC)
AT = int(NOW.timestamp())
OLD, NEW = without_number(b"r" * 16), synthetic(5, born=date(NOW.year - 9, 1, 1)).identifier


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """Give a social services party."""
    home = Home(tmp_path / "home")
    home.found("barn", now=NOW, shards=1)
    unit = Unit(UnitId("IFO"), PartyId("social"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "IFO")
    home.add_party("social", "social", "2120002080", [unit], now=NOW)
    opened = Party.load(home.parties / "social" / "connector.toml")
    opened.directory.restore(home.published(int(NOW.timestamp() * 1000)).values())
    return opened


def said(party: Party) -> list[tuple[bytes, EventBody]]:
    """Return (child reference, body) of everything in the outbox, oldest first."""
    drafts = [draft for draft, _ in party.store.new_drafts(100)]
    return [(each.ref, events.decode(each.type, each.body or b"")) for each in drafts]


def test_first_at_the_new_number_then_at_the_old(party: Party) -> None:
    """The old number ends only after the gate took the new one; whoever belongs to the circle goes along, once."""
    client = Client(party)
    stays, ended = Member("SKOLA", "school", 1), Member("HVB", "hvb", 1, AT)
    client.record(CircleUpdate((stays, ended), claim=True), child=OLD, now=NOW)
    old, new = party.ref(OLD, 1), party.ref(NEW, 1)
    first = client.change_identity(old=OLD, new=NEW, now=NOW)
    assert said(party)[1:] == [(new, IdentityChanged(events.Id16(old), True))]
    for outcome in ("", "refused"):
        if outcome:
            party.store.add_step(first, Step(1, "refusal", outcome, "CIRCLE_TAKEN", {}))
        with pytest.raises(InputError, match="IDENTITY_ORDER"):
            client.change_identity(old=OLD, new=NEW, now=NOW, arrived=first)
    party.store.add_step(first, Step(2, "event", "accepted", "", {}))
    second = client.change_identity(old=OLD, new=NEW, now=NOW, arrived=first)
    assert said(party)[2:] == [(new, CircleUpdate((stays,))), (old, IdentityChanged(events.Id16(new), False))]
    assert client.circle(NEW) == (stays,)
    draft = party.store.draft(second)
    assert draft is not None
    assert draft.ref == old
    client.change_identity(old=OLD, new=NEW, now=NOW, arrived=first)
    assert [type(body) for _, body in said(party)[4:]] == [IdentityChanged]
    party.store.close()


def test_the_same_number_twice_is_no_change(party: Party) -> None:
    """A number that did not change is refused before anything is said."""
    with pytest.raises(InputError, match="IDENTITY_SAME"):
        Client(party).change_identity(old=NEW, new=f"{NEW[:8]}-{NEW[8:]}", now=NOW)
    assert said(party) == []
    party.store.close()
