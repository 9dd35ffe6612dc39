"""The reserve number at the desk: said while the hub is away, on the page after sending, and not otherwise."""

from __future__ import annotations

import pytest

from samband.connectors.desk.roles import Role
from samband.connectors.reserve import TEXT_EN, TEXT_SV, number_of
from samband.connectors.watch import REACHED
from tests.desk.house import Browser, Desk, DeskHouse
from tests.desk.story import children
from tests.desk.test_answering import TALK, written

MINUTE = 60_000


@pytest.fixture
def bup(house: DeskHouse) -> Desk:
    """Give BUP's desk."""
    return house.desk("bup")


def reached(house: DeskHouse, minutes: int) -> None:
    """Let it be some minutes since the hub was reached."""
    store = house.connectors["bup"].store
    with store.transaction():
        store.keep_number(REACHED, house.gate.now - minutes * MINUTE)


def after(house: DeskHouse, browser: Browser, action: str = "send") -> str:
    """Write a message, send it or ask first, and return the address of the page that comes after."""
    review = browser.get(written(browser, children(house)[0].identifier).headers["location"]).text
    answer = browser.submit(review, f"{TALK}/check", action=action)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_the_number_is_said_while_the_hub_is_away(house: DeskHouse, bup: Desk) -> None:
    """After sending stand the number and its words, in the page's language, until the gate has decided."""
    reached(house, 6)
    browser = bup.browser(Role.WRITER)
    path = after(house, browser)
    number = number_of(bytes.fromhex(path.rpartition("/")[2]))
    assert f"{TEXT_SV} {number}." in browser.get(path).text
    assert f"{TEXT_EN} {number}." in browser.get(path.replace("/sv/", "/en/")).text
    assert f"{TEXT_SV} {number}." in bup.browser(Role.READER, user="bo").get(path).text
    house.carry()
    assert number not in browser.get(path).text


def test_no_number_while_the_hub_is_there(house: DeskHouse, bup: Desk) -> None:
    """What waits a moment has none, and has one as soon as the set minutes have gone."""
    reached(house, 4)
    browser = bup.browser(Role.WRITER)
    path = after(house, browser)
    number = number_of(bytes.fromhex(path.rpartition("/")[2]))
    assert number not in browser.get(path).text
    house.gate.now += MINUTE
    assert number in browser.get(path).text


def test_a_question_has_no_number(house: DeskHouse, bup: Desk) -> None:
    """A question is no message: nobody is told that one is kept and goes."""
    reached(house, 6)
    browser = bup.browser(Role.WRITER)
    text = browser.get(after(house, browser, "ask")).text
    assert "Väntar på svar." in text
    assert TEXT_SV not in text
