"""What a party's card may become, and what not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samband.schemas.errors import InputError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.membership import add_unit, change_unit, retire_party, retire_unit
from samband.streams.roster import covering_for

NOW = datetime(2026, 12, 1, tzinfo=UTC)
IFO, DUTY, BUP, BUS = "SE2120002080-IFO", "SE2120002080-JOUR", "SE2321000172-BUP", "SE2321000172-BUS"


def unit(name: str, party: str, kind: UnitKind) -> Unit:
    regime = {"social": Regime.OSL_26, "care": Regime.OSL_25}.get(kind.family, Regime.NONE)
    return Unit(UnitId(name), PartyId(party), kind, regime, name)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a hub with social services and a region."""
    home = Home(tmp_path_factory.mktemp("samband") / "home")
    home.found("vastmanland", now=NOW)
    home.add_party("social", "Socialnämnden", "2120002080", [unit(IFO, "social", UnitKind.SOCIAL_IFO)], now=NOW)
    region = [unit(BUP, "region", UnitKind.CARE_BUP), unit(BUS, "region", UnitKind.COORDINATION_BUS)]
    home.add_party("region", "Region", "2321000172", region, now=NOW)
    add_unit(home, unit(DUTY, "social", UnitKind.SOCIAL_DUTY), NOW)
    return home


def refused(home: Home, unit_id: str, **changes: object) -> str:
    before = home.records()
    with pytest.raises(InputError) as refusal:
        change_unit(home, unit_id, **changes)
    assert home.records() == before
    return refusal.value.code


def test_a_card_never_drops_a_unit(founded: Home) -> None:
    """Records name units, so one that is closed stays on its card; nor does it change its kind."""
    card = founded.card("social")
    with pytest.raises(InputError) as refusal:
        founded.change_card("social", units=card.units[1:])
    assert refusal.value.code == "CARD_DROPS"
    assert refused(founded, IFO, kind=UnitKind.SOCIAL_LSS) == "UNIT_KIND"


def test_who_covers(founded: Home) -> None:
    """A covering unit exists, takes the same types, is not closed, and is not covered by whom it covers for."""
    assert refused(founded, IFO, covering="SE-NOBODY") == "COVERING_UNKNOWN"
    assert refused(founded, IFO, covering=BUP) == "COVERING_KIND"
    assert refused(founded, IFO, covering=IFO) == "COVERING_CYCLE"
    assert change_unit(founded, IFO, covering=DUTY).covering == DUTY
    assert refused(founded, DUTY, covering=IFO) == "COVERING_CYCLE"
    assert refused(founded, DUTY, receives=("receipt", "dialogue.message")) in ("COVERING_KIND", "TYPE_NOT_FOR_KIND")
    assert refused(founded, DUTY, receives=("dialogue.message",)) == "COVERING_KIND"
    with pytest.raises(InputError) as refusal:
        retire_unit(founded, DUTY)
    assert refusal.value.code == "COVERING_IN_USE"
    units = {each.id: each for each in founded.card("social").units}
    found = covering_for(units[IFO], units)
    assert found is not None
    assert found.id == DUTY
    change_unit(founded, IFO, covering="")


def test_codes(founded: Home) -> None:
    """What a unit serves and receives exists."""
    assert refused(founded, BUP, serves=("1900",)) == "MUNICIPALITY_UNKNOWN"
    assert refused(founded, BUP, municipality="19") == "MUNICIPALITY_UNKNOWN"
    assert refused(founded, BUP, receives=("sip.nothing",)) == "TYPE_NOT_FOR_KIND"
    assert change_unit(founded, BUP, serves=("19", "0319")).serves == ("19", "0319")


def test_a_unit_has_one_party(founded: Home) -> None:
    """Another party's unit cannot be put on a card."""
    with pytest.raises(InputError) as refusal:
        add_unit(founded, unit(BUP, "social", UnitKind.SOCIAL_LSS), NOW)
    assert refusal.value.code == "CARD_UNIT"


def test_closed_for_good(tmp_path: Path) -> None:
    """A closed unit or party stays on its card, is never opened again, and takes no units."""
    home = Home(tmp_path / "home")
    home.found("vastmanland", now=NOW)
    units = [unit(IFO, "social", UnitKind.SOCIAL_IFO), unit(DUTY, "social", UnitKind.SOCIAL_DUTY)]
    home.add_party("social", "Socialnämnden", "2120002080", units, now=NOW)
    assert retire_unit(home, IFO).retired
    assert refused(home, IFO, retired=False) == "UNIT_RETIRED"
    assert refused(home, DUTY, covering=IFO) in ("COVERING_RETIRED", "COVERING_IN_USE")
    version = home.card("social").version
    card = retire_party(home, "social")
    assert (card.retired, card.version) == (True, version + 1)
    assert all(each.retired for each in card.units)
    assert retire_party(home, "social") == card
    assert home.party_names() == []
    with pytest.raises(InputError) as refusal:
        add_unit(home, unit("SE2120002080-LSS", "social", UnitKind.SOCIAL_LSS), NOW)
    assert refusal.value.code == "PARTY_RETIRED"
    with pytest.raises(InputError):
        home.publish_card(replace(card, retired=False, version=card.version + 1))
