"""Doctor says of a certificate, key, card, head or clock what is wrong, and the way out, in words."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samband.connectors.cli.doctor_trust import FAIL, OK, WARN, Check, certificate, hub_keys, trust
from samband.connectors.party import Party
from samband.schemas.key_card import Reason
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.certificates import issue, make_authority
from samband.streams.crypto.keys import Kid, Purpose
from samband.streams.snapshot import Snapshot

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Place:
    """A hub and one party on this machine, without Kafka."""

    def __init__(self, path: Path, now: datetime) -> None:
        self.home = Home(path)
        self.home.found("barn", now=now, shards=1, port=9)
        unit = Unit(UnitId("SE-IFO"), PartyId("social"), UnitKind.SOCIAL_IFO, Regime.OSL_26, "IFO")
        self.folder = self.home.add_party("social", "Social", "2120002080", [unit], now=now)
        self.publish(now)

    def publish(self, now: datetime) -> None:
        """Give the party the directory as of a time."""
        Snapshot(self.folder / "directory.snapshot").write([*self.home.published(_ms(now)).values()])

    def checks(self) -> dict[str, Check]:
        """Return what doctor finds, by its line."""
        party = Party.load(self.folder / "connector.toml")
        try:
            return {each.check: each for each in trust(party)}
        finally:
            party.store.close()


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def place(tmp_path: Path, now: datetime) -> Place:
    return Place(tmp_path / "home", now)


def test_all_is_well(place: Place) -> None:
    """A healthy party has nothing but good lines, and its card says that it is a test."""
    found = place.checks()
    assert {each.state for each in found.values()} == {OK}
    assert "TEST" in found["card"].found


def test_the_head_grows_old(place: Place, now: datetime) -> None:
    """After a day it warns and says when all stops; after three it says that all has stopped."""
    place.home.publication.folder.joinpath("head").unlink()
    place.publish(now - 30 * HOUR)
    assert (place.checks()["directory"].state, "41 hours" in place.checks()["directory"].way_out) == (WARN, True)
    place.home.publication.folder.joinpath("head").unlink()
    place.publish(now - 73 * HOUR)
    assert place.checks()["directory"].state == FAIL
    (place.folder / "directory.snapshot").unlink()
    assert place.checks()["directory"].found == "the directory was never read here"


def test_a_late_clock(place: Place, now: datetime) -> None:
    """A directory from the future says that this clock is late, and by how much at least."""
    place.home.publication.folder.joinpath("head").unlink()
    place.publish(now + 2 * HOUR)
    assert (place.checks()["clock"].state, "119 minutes" in place.checks()["clock"].found) == (FAIL, True)


def test_a_wrong_card(place: Place, now: datetime) -> None:
    """No card of this name, or a closed party, is told as that."""
    config = place.folder / "connector.toml"
    text = config.read_text("utf-8")
    config.write_text(text.replace('party = "social"', 'party = "sozial"'), "utf-8")
    assert place.checks()["card"].found == "the directory has no card of `sozial`"
    config.write_text(text, "utf-8")
    place.home.change_card("social", retired=True)
    place.publish(now)
    assert "closed" in place.checks()["card"].found


def test_a_key_that_is_not_here(place: Place) -> None:
    """A lost unit key is told before anybody's message is lost on it, with the way to the next one."""
    for path in (place.folder / "keys").glob("unit-content-*.key"):
        path.unlink()
    found = place.checks()["key unit-content SE-IFO"]
    assert (found.state, "cannot be opened" in found.found, "--reason lost" in found.way_out) == (FAIL, True, True)


def test_a_key_that_was_taken_back(place: Place, now: datetime) -> None:
    """A revoked key is told with its reason."""
    kid = next(kid for kid, known in place.home.publication.book().keys().items() if known.card.purpose == "party-sign")
    place.home.revoke_key(Kid(kid), Reason.STOLEN, _ms(now) - 1)
    place.publish(now)
    found = place.checks()["key party-sign"]
    assert (found.state, "stolen" in found.found) == (FAIL, True)


def test_keys_that_ended(tmp_path: Path, now: datetime) -> None:
    """Keys whose time ended are told with the day, and so is that they should have been renewed."""
    place = Place(tmp_path / "home", now - 60 * DAY)
    place.home.publication.folder.joinpath("head").unlink()
    place.publish(now)
    found = place.checks()
    assert "time ended" in found["key unit-content SE-IFO"].found
    assert found["keys"].state == WARN
    assert {each.check: each.state for each in hub_keys(place.home.directory(_ms(now)))} == {
        "keys of hub": FAIL,
        "keys of social": FAIL,
    }


def test_a_strange_key(place: Place) -> None:
    """A key file that no card names is told."""
    party = Party.load(place.folder / "connector.toml")
    party.keys.make(Purpose.UNIT_CONTENT, "SE-IFO")
    party.store.close()
    assert "directory does not name" in place.checks()["keys"].found


def certificate_of(place: Place, principal: str = "social") -> Check:
    """Return what doctor says of the party's certificate."""
    tls = place.folder / "tls"
    return certificate("certificate", (tls / "client.pem", tls / "client.key", tls / "ca.pem"), principal)


def test_certificates(place: Place, now: datetime, tmp_path: Path) -> None:
    """Expired, not begun, soon over, another's, of another authority or key, missing: each in its own words."""
    authority, tls = make_authority(place.home.authority / "tls"), place.folder / "tls"
    assert certificate_of(place).state == OK
    issue(authority, "social", tls, now=now - 400 * DAY)
    assert "ended" in certificate_of(place).found
    issue(authority, "social", tls, now=now + 2 * DAY)
    assert "begins" in certificate_of(place).found
    issue(authority, "social", tls, days=5)
    assert certificate_of(place).state == WARN
    issue(authority, "skola", tls)
    assert certificate_of(place).found == "the certificate is for `skola`, not for `social`"
    issue(authority, "social.2", tls)
    assert certificate_of(place).state == OK
    other = issue(make_authority(tmp_path / "other"), "social", tmp_path / "theirs")
    shutil.copy(other.ca, tls / "ca.pem")
    assert "not of the authority" in certificate_of(place).found
    shutil.copy(other.key, tls / "client.key")
    assert "not of the key" in certificate_of(place).found
    (tls / "client.pem").write_text("garbage", "ascii")
    assert "cannot be read" in certificate_of(place).found
    (tls / "client.key").unlink()
    assert certificate_of(place).state == FAIL
