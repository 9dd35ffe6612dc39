"""The console beside a hub that runs: what is sent is seen, with its why and its proof, and the doctor is heard."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.attention import Attention
from samband.connectors.console.roles import Role
from samband.connectors.console.source import Source
from samband.connectors.web.guard import Settings
from samband.connectors.web.session import Door
from samband.schemas.testdata import synthetic
from samband.streams.authority import Home
from tests.console.house import HOST, IFO, SKOLA, Browser
from tests.terminal import PATIENCE_S, Terminal

pytestmark = pytest.mark.kafka

CHILD = synthetic(11).identifier


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Give a hub with social services and a school."""
    terminal = Terminal(tmp_path_factory.mktemp("console") / "home")
    try:
        up = terminal.say("hub", "up", "--detach", "--agreement", "vasteras", "--shards", "1")
        assert up.code == 0, up.err
        for party, unit in (("social", f"{IFO}:social.ifo:IFO"), ("skola", f"{SKOLA}:school.pedagogic:Skolan")):
            assert terminal.say("party", "add", party, "--unit", unit).code == 0
        terminal.connect("social")
        yield terminal
    finally:
        terminal.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_denial_is_seen(terminal: Terminal) -> None:
    """A question that is denied stands in the list within seconds, and its page says why not and proves it."""
    asked = terminal.say("ask", "placement.notice", "--as", "social", "--to", SKOLA, "--child", CHILD)
    assert asked.code == 10, asked.err
    home = Home(Path(terminal.home))
    with Source(home) as source, Attention(home) as attention:
        door = Door()
        app = console(House(source, None, attention), Settings(frozenset({HOST})), door)
        browser = Browser(app)
        browser.cookie = door.open("granskaren", tuple(Role), time.monotonic())
        until(lambda: source.caught_up and "CONSENT_MISSING" in browser.get("/sv/decisions?kind=question").text)
        found = re.search(r"/sv/decisions/([0-9a-f]{64})", browser.get("/sv/decisions?kind=question").text)
        assert found
        page = browser.get(f"/sv/decisions/{found[1]}").text
        assert "Samtycke saknas." in page
        assert "Grindens signatur håller" in page
        until(lambda: "Loggposten finns i loggen: plats" in browser.get(f"/sv/decisions/{found[1]}").text)
        assert CHILD not in page
        until(lambda: attention.found is not None)
        assert attention.quarantine == []
        assert "är inte prövade av jurist" in browser.get("/sv/").text
        shown = browser.get("/sv/log").text
        assert "Karantänen är tom." in shown
        assert source.log_state() is not None
        assert "Loggen håller inte" not in shown
        for tile in (home.hub / "log-tiles" / "tile" / "0").rglob("*"):
            if tile.is_file():
                tile.write_bytes(bytes(byte ^ 1 for byte in tile.read_bytes()))
        page = browser.get(f"/sv/decisions/{found[1]}").text
        assert "Loggposten går inte att bevisa i loggen." in page, "the tiles were changed"
        (home.hub / "log-tiles" / "checkpoint").write_bytes(b"samband/another/00\n1\nAAAA\n\n")
        assert "Loggen håller inte:" in browser.get("/sv/log").text
    assert not (home.hub / "run" / "console" / "index.db").read_bytes().count(SKOLA.encode())
