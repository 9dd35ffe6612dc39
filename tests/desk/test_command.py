"""`samband desk` as a person starts it, the desk inside a running connector, and letters that wait at it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from samband.connectors.desk.adapter import DeskAdapter
from samband.connectors.desk.drafts import LIFE_MS, Draft, Drafts, erase_old
from samband.connectors.desk.serving import beside
from samband.connectors.desk.settings import DeskOidc, Granted, title_and_units
from samband.connectors.party import DeskSettings, Party
from samband.connectors.service import Service
from samband.connectors.web.oidc import Person, Provider
from samband.schemas.errors import OperatorError, RefusedError
from samband.streams.snapshot import Snapshot
from tests.console.house import SKOLA, HubHouse
from tests.desk.house import DeskHouse
from tests.desk.story import children

OIDC = """
address = "{address}"
[oidc]
issuer = "https://idp.example"
client_id = "samband"
client_secret = "secret.txt"
title = "title"
units = "samband_units"
[oidc.granted]
writer = ["skriva"]
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the settings of a school that is a party."""
    hub = HubHouse(tmp_path_factory.mktemp("desk") / "home", school="Björkskolan")
    folder = hub.home.parties / "skola"
    Snapshot(folder / "directory.snapshot").write(list(hub.home.published(hub.ms).values()))
    yield folder / "connector.toml"
    hub.close()


def test_a_link_opens_the_desk(school: Path) -> None:
    """The link signs in once, as the acting user; the address is the loopback's; Ctrl-C ends it all."""
    command = [sys.executable, "-P", "-m", "samband.connectors", "--lang", "sv", "desk", "--as", str(school),
               "--acting-user", "eva02:rektor", "--unit", SKOLA]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            link = running.stdout.readline().strip()
            found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/sv/login\?code=(.+)", link)
            assert found, running.stderr.read() if running.stderr and running.poll() is not None else link
            with httpx.Client(base_url=found[1], trust_env=False) as browser:
                entered = browser.post("/sv/login", data={"code": found[2]}, headers={"origin": found[1]})
                assert entered.status_code == 303
                page = browser.get("/sv/")
                assert "Att göra" in page.text
                assert "inloggad som eva02: läser och skriver, lämnar ut papper" in page.text
                assert "Björkskolan" in browser.get("/sv/write").text
                assert browser.get("/static/desk.css").headers["content-type"].startswith("text/css")
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(30) in (0, 130)


async def test_a_connector_serves_the_desk(school: Path) -> None:
    """Beside a running connector the desk answers on its port under its own address only, and ends with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = school.parent / "desk.toml"
    settings.write_text(OIDC.format(address="https://samband.skolan.example"))
    party = Party.load(school)
    party.settings = dataclasses.replace(party.settings, desk=DeskSettings(port, settings))
    async with beside(party, school), httpx.AsyncClient(trust_env=False) as browser:
        address = f"http://127.0.0.1:{port}/sv/login"
        for _ in range(100):
            try:
                answer = await browser.get(address, headers={"host": "samband.skolan.example"})
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
        assert "organisationens konto" in answer.text
        assert (await browser.get(address)).status_code == 421
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))
    settings.write_text(OIDC.format(address="http://samband.skolan.example"))
    with pytest.raises(OperatorError, match="https"):
        async with beside(party, school):
            pass
    party.store.close()


async def test_a_letter_waits_at_the_desk(house: DeskHouse) -> None:
    """The service hands over to the desk's adapter: `handed over` is said, `opened` is not, and a repeat is nothing."""
    connector = house.connectors["bup"]
    child = children(house)[0].identifier
    from samband.connectors.client import Client

    message = Client(house.connectors["social"].party).send(
        "health_exam.request", recipient="BUP", now=house.now(), unit="IFO",
        content={"child_identifier": child, "part": "oral", "law": "SoL", "placed_on": "2027-01-04",
                 "acting_user": {"id": "u", "role": "r"}},
    )  # fmt: skip
    house.connectors["social"].send()
    connector.read()
    adapter = DeskAdapter()
    service = Service(connector.party, {"BUP": adapter})
    service._known_before = 1 << 30
    work = asyncio.create_task(service._hand_over("BUP", adapter))
    for _ in range(200):
        row = connector.store.letter(message)
        assert row is not None
        if row.state == "handed_over":
            break
        await asyncio.sleep(0.02)
    work.cancel()
    assert row.state == "handed_over"
    assert list(await adapter.acknowledged()) == list(await adapter.waiting()) == []
    await adapter.close()
    house.carry(2)
    assert house.connectors["social"].outcomes(message) == ["permit", "handed_over"]


def test_drafts_go_though_nobody_comes(house: DeskHouse) -> None:
    """The connector itself erases old drafts, of people who never sign in again too."""
    party = house.opened("bup")
    for user in ("anna01", "beata"):
        Drafts(party, user).keep(Draft(id=user.encode().hex(), type="dialogue.message", unit="BUP", to="IFO"), 5)
    Drafts(party, "beata").keep(Draft(id="bb" * 16, type="dialogue.message", unit="BUP", to="IFO"), 9)
    erase_old(party, LIFE_MS + 7)
    assert not Drafts(party, "anna01").any()
    assert Drafts(party, "beata").any()
    assert party.store.sealed(f"desk/draft/{b'anna01'.hex()}") is None
    erase_old(party, LIFE_MS + 10)
    assert party.store.sealed("desk/drafting") == b"[]"
    party.store.close()


def test_the_provider_says_title_and_units() -> None:
    """Where the settings ask for units, whoever has none signs in to nothing; without, they work for all."""

    class Site:
        address = "https://desk.example"
        oidc = DeskOidc("https://idp.example", "samband", Path("x"), title="title", units="units", granted=Granted())

    provider = Provider(Site())
    person = Person("anna01", ("writer",), "sv", {"title": "rektor", "units": ["A", "B"]})
    assert title_and_units(person, provider) == ("rektor", ("A", "B"))
    with pytest.raises(RefusedError):
        title_and_units(person._replace(claims={"title": "rektor"}), provider)
    assert title_and_units(person, None) == ("", ())
