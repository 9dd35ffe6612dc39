"""Certificates renew themselves in time, and those who use them notice."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from samband.schemas.errors import OperatorError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import PRINCIPALS, Home
from samband.streams.certificates import Credential, issue, make_authority
from samband.streams.provision import wanted
from samband.streams.renewal import is_due, principals_of, renew, renew_due
from samband.streams.settings import KafkaSettings

NOW = datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a hub with one party."""
    home = Home(tmp_path / "home")
    home.found("barn", now=NOW)
    unit = Unit(UnitId("SE2120002080-SKOLA"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan")
    home.add_party("skola", "Skolan", "2120002080", [unit], now=NOW)
    return home


def serial(path: Path) -> int:
    """Return a certificate's serial number."""
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


def name(path: Path) -> str:
    """Return a certificate's subject."""
    return x509.load_pem_x509_certificate(path.read_bytes()).subject.rfc4514_string()


@pytest.mark.parametrize(("days", "due"), [(0, False), (242, False), (244, True), (364, True), (400, True)])
def test_a_third_of_its_life(days: int, due: bool, tmp_path: Path) -> None:
    """A certificate is due when less than a third of its life is left, and after its end."""
    credential = issue(make_authority(tmp_path / "ca"), "gate", tmp_path / "gate", now=NOW)
    assert is_due(credential.keystore, "gate", NOW + timedelta(days=days)) is due


def test_another_name_is_due(home: Home) -> None:
    """A certificate of a revoked generation is replaced, and one that cannot be read."""
    keystore = home.parties / "skola" / "tls" / "keystore.pem"
    principals_of(home).revoke("skola", 0)
    assert renew_due(home, NOW) == ["skola"]
    assert name(keystore) == "CN=skola.2"
    keystore.write_text("")
    assert renew_due(home, NOW) == ["skola"]
    assert renew_due(home, NOW) == []


def test_everything_here_renews_itself(home: Home) -> None:
    """The hub's own principals, its broker and the parties here get new certificates under their names, in time."""
    assert renew_due(home, NOW) == []
    before = serial(home.credential("broker").keystore)
    assert renew_due(home, NOW + timedelta(days=300)) == [*PRINCIPALS, "broker", "skola"]
    assert serial(home.credential("broker").keystore) != before
    broker = x509.load_pem_x509_certificate(home.credential("broker").keystore.read_bytes())
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert name(home.parties / "skola" / "tls" / "client.pem") == "CN=skola"


def test_without_the_authority_nothing_renews(home: Home) -> None:
    """Where the authority's key is offline nothing is touched, and asked for outright it is an error."""
    (home.authority / "tls" / "ca.key").rename(home.path / "away")
    before = serial(home.credential("gate").keystore)
    assert renew_due(home, NOW + timedelta(days=300)) == []
    with pytest.raises(OperatorError) as refusal:
        renew(home, "gate")
    assert refusal.value.code == "CERTIFICATE_FILES"
    assert serial(home.credential("gate").keystore) == before


def test_another_authoritys_are_its_own(home: Home) -> None:
    """Certificates that hub.toml names are never renewed here, nor is a broker that is not the embedded one."""
    (home.path / "hub.toml").write_text('[kafka]\nbootstrap = "kafka:9093"\ntls = "elsewhere"\n', "utf-8")
    assert renew_due(home, NOW + timedelta(days=300)) == ["skola"]


def test_a_retired_party_has_no_right(home: Home) -> None:
    """A retired party has no right and no quota, and the gate may still write where it tells every party that was."""
    before = wanted(home, NOW)
    assert {right.principal for right in before.rights} > {"skola"}
    home.change_card("skola", retired=True)
    after = wanted(home, NOW)
    assert not after.quotas
    assert after.topics == before.topics
    assert set(before.rights) - set(after.rights) == {right for right in before.rights if right.principal == "skola"}
    assert "skola" in (after.parties or ())


def test_a_party_elsewhere_renews_itself(home: Home) -> None:
    """A party whose folder is not here is not renewed from here."""
    (home.parties / "skola").rename(home.path / "carried-away")
    with pytest.raises(OperatorError) as refusal:
        renew(home, "skola")
    assert refusal.value.code == "CERTIFICATE_FILES"


async def shown(server: Credential, settings: KafkaSettings, change: object = None) -> list[int]:
    """Return the serial numbers that one client's connections show, `change` called between the two."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=server.ca)
    context.load_cert_chain(server.keystore)
    context.verify_mode = ssl.CERT_REQUIRED
    seen: asyncio.Queue[int] = asyncio.Queue()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        seen.put_nowait(x509.load_der_x509_certificate(der).serial_number)
        writer.close()

    found = []
    own = settings.aiokafka()["ssl_context"]
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        for again in (False, True):
            if again and callable(change):
                change()
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=own)
            found.append(await seen.get())
            writer.close()
    return found


async def test_a_client_takes_a_renewed_certificate(tmp_path: Path) -> None:
    """A client that lives on shows the renewed certificate when it connects again; a broken file changes nothing."""
    authority = make_authority(tmp_path / "ca")
    server = issue(authority, "broker", tmp_path / "broker", hosts=("127.0.0.1",))
    mine = issue(authority, "skola", tmp_path / "skola")
    settings = KafkaSettings("127.0.0.1:1", mine.ca, mine.keystore, mine.keystore)
    old = serial(mine.keystore)

    before, after = await shown(server, settings, lambda: issue(authority, "skola", tmp_path / "skola"))
    assert before == old
    assert after == serial(mine.keystore) != old

    before, after = await shown(server, settings, lambda: mine.keystore.write_text("half"))
    assert before == after
