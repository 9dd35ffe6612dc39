"""The page of spot checks: asked, drawn and noted by forms alone, by an auditor, and by nobody else."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest

from samband.connectors.console.roles import Role
from samband.streams.records.sample import Draw, Request
from tests.console.house import EVIL, IFO, SKOLA
from tests.console.logged import LoggedHouse


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedHouse]:
    """Give a hub of its own, with twenty decisions in the log."""
    found = LoggedHouse(tmp_path_factory.mktemp("samples") / "home")
    for n in range(20):
        found.say(found.record(IFO, SKOLA, ago=10 - n / 4))
    found.settle()
    found.witness("skola")
    yield found
    found.close()


def test_by_forms_alone(house: LoggedHouse) -> None:
    """One asks, waits for witnesses, draws, and notes each decision; every page says how far it is, and reloads."""
    house.clock += 10
    browser = house.browser(Role.AUDITOR)
    form = {"csrf": browser.csrf("/sv/samples"), "count": "2", "since": "", "before": "", "unit": SKOLA, "type": "",
            "outcome": "permit"}  # fmt: skip
    sent = browser.post("/sv/samples", form)
    assert sent.status_code == 303
    page = sent.headers["location"]
    assert re.fullmatch("/sv/samples/[0-9a-f]{32}", page)
    assert "begärd, inte i loggen än" in browser.get(page).text
    house.settle()
    assert "väntar på vittnen" in browser.get(page).text
    assert browser.post(f"{page}/draw", {"csrf": form["csrf"]}).status_code == 400, "nobody has witnessed it"
    house.witness("bup")
    assert "kan dras" in browser.get(page).text
    assert browser.post(f"{page}/draw", {"csrf": form["csrf"]}).headers["location"] == page
    house.settle()
    text = browser.get(page).text
    assert "omräknade ur loggen nu och stämmer" in text
    entries = re.findall(r'<option value="([0-9a-f]{64})"', text)
    assert (len(entries), text.count("inte granskat")) == (2, 2)
    for entry, code in zip(entries, ("", "RECIPIENT_WRONG"), strict=True):
        sent = browser.post(f"{page}/found", {"csrf": form["csrf"], "entry": entry, "code": code})
        assert sent.status_code == 303
    assert "på väg till loggen" in browser.get(page).text
    house.settle()
    text = browser.get(page.replace("/sv/", "/en/")).text
    assert "RECIPIENT_WRONG" in text
    assert "<dd>done</dd>" in text
    assert "on its way" not in text
    listed = list(csv.reader(io.StringIO(browser.get("/en/samples.csv").text.removeprefix("\ufeff"))))
    assert [row[9] for row in listed[1:]] == ["closed"]
    assert listed[1][2] == "granskaren"


def test_what_cannot_be_asked_or_noted(house: LoggedHouse) -> None:
    """A form with other values, an entry that was not drawn, a text as a code: an error that says so, and no leaf."""
    house.clock += 10
    browser = house.browser(Role.AUDITOR)
    token = browser.csrf("/sv/samples")
    size = house.settle().size
    number = house.spot_check().hex()
    drawn = re.findall(r'<option value="([0-9a-f]{64})"', browser.get(f"/sv/samples/{number}").text)
    for path, fields in (
        ("samples", {"count": "0"}), ("samples", {"count": "201"}), ("samples", {"count": "2", "outcome": "x"}),
        ("samples", {"count": "2", "since": "2030-01-01"}), ("samples", {"count": "2", "unit": "a\nb"}),
        (f"samples/{number}/found", {"entry": "00" * 32, "code": ""}),
        (f"samples/{number}/found", {"entry": drawn[0], "code": EVIL}),
        (f"samples/{number}/found", {"entry": drawn[0], "code": "Astrid mår bra"}),
        (f"samples/{number}/draw", {}),
    ):  # fmt: skip
        assert browser.post(f"/sv/{path}", {"csrf": token, **fields}).status_code == 400, (path, fields)
    assert house.settle().size == size + 2, "the request and the draw"
    assert browser.get("/sv/samples/" + "00" * 16).status_code == 404


def test_without_the_token_nothing_is_said(house: LoggedHouse) -> None:
    """A form from elsewhere, or without the session's token, asks for nothing."""
    house.clock += 10
    browser = house.browser(Role.AUDITOR)
    before = len(house.store.sayings())
    assert browser.post("/sv/samples", {"count": "2"}).status_code == 403
    token = browser.csrf("/sv/samples")
    assert browser.post("/sv/samples", {"csrf": token, "count": "2"}, origin="http://evil.example").status_code == 403
    assert len(house.store.sayings()) == before


def test_a_lie_is_shown(house: LoggedHouse) -> None:
    """Where the checkpoint that gave the seed has vanished, the page says that it does not hold, and draws nothing."""
    house.clock += 10
    number = house.spot_check()
    check = house.checks.one(number, house.ms)
    (house.tiles.path / "witnessed" / str(check.size)).unlink()
    house.say(house.record(IFO, SKOLA))
    house.settle()
    house.witness("skola")
    text = house.browser(Role.AUDITOR).get(f"/sv/samples/{number.hex()}").text
    assert "håller inte" in text
    assert "SAMPLE_SEED" in text
    assert "Dragna beslut" not in text


def test_the_page_is_kept_from_who_runs_the_hub(house: LoggedHouse) -> None:
    """Who runs the hub, and who keeps consents, neither sees nor asks."""
    for role in (Role.OPERATOR, Role.CONSENT_OFFICER):
        house.clock += 10
        browser = house.browser(role)
        assert browser.get("/sv/samples").status_code == 403
        assert browser.post("/sv/samples", {"csrf": browser.csrf(), "count": "2"}).status_code == 403
        assert "samples" not in browser.get("/sv/").text


def test_other_decisions_than_the_lot_gives(house: LoggedHouse) -> None:
    """A draw that the hub itself put into the log, of decisions that it likes better, is shown as what it is."""
    house.clock += 10
    number = bytes([9]) * 16
    house.checks.ask(Request(number, "anna", 2, 0, house.ms), house.ms)
    house.settle()
    house.witness("skola")
    ready = house.checks.one(number, house.ms)
    with house.store.transaction():
        house.store.say(Draw(number, "anna", ready.seed, ready.size, 20, bytes(32)).record(house.ms).encode())
    house.settle()
    text = house.browser(Role.AUDITOR).get(f"/sv/samples/{number.hex()}").text
    assert "SAMPLE_DRAW" in text
    assert "Dragna beslut" not in text
