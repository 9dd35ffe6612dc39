"""A child's data: only by the number, only with a reason, and never without a line in the log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.roles import Role
from samband.connectors.party import Party
from samband.connectors.web.guard import Settings
from samband.connectors.web.session import Door
from samband.schemas import events
from samband.schemas.event_bodies import Act, ActLogged
from samband.schemas.testdata import synthetic
from samband.streams.snapshot import Snapshot
from tests.console.house import EVIL, HOST, SKOLA, Browser, HubHouse

CHILD = synthetic(7).identifier
OTHER = synthetic(8).identifier
REASON = "Vårdnadshavaren frågar vad som har lämnats ut"


class AtParty:
    """A party's console."""

    def __init__(self, connector: Path, host: str = HOST) -> None:
        self.connector = connector
        self.door, self.clock = Door(), 1000.0
        house = House(connector=connector)
        self.app = console(house, Settings(frozenset({host})), self.door, lambda: self.clock)

    def browser(self, *roles: Role) -> Browser:
        """Return a browser that is signed in with some roles."""
        browser = Browser(self.app)
        if roles:
            browser.cookie = self.door.open("anna01", roles, self.clock)
        return browser

    def look(self, browser: Browser, number: str = CHILD, reason: str = REASON) -> Any:
        """Enter a number and a reason."""
        return browser.post("/sv/child", {"csrf": browser.csrf("/sv/child"), "number": number, "reason": reason})

    def drafts(self) -> list[Any]:
        """Return what waits to be said."""
        party = Party.load(self.connector)
        try:
            return list(party.store.drafts())
        finally:
            party.store.close()


@pytest.fixture
def at_school(hub: HubHouse) -> Iterator[AtParty]:
    """Give the school's console, on a store without anything in it."""
    folder = hub.home.parties / "skola"
    Snapshot(folder / "directory.snapshot").write(list(hub.home.published(hub.ms).values()))
    yield AtParty(folder / "connector.toml")
    for each in folder.glob("store.db*"):
        each.unlink()


def test_a_look_up_is_logged_first(at_school: AtParty) -> None:
    """Whoever looks gives a reason; the log's event is on the disk, its digest is of what is kept about it."""
    answer = at_school.look(at_school.browser(Role.CONSENT_OFFICER))
    assert answer.status_code == 200
    assert "Antecknat i loggen:" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    (draft,) = at_school.drafts()
    body = events.decode("act.logged", draft.body)
    assert isinstance(body, ActLogged)
    assert (draft.type, draft.sender, body.act, body.function) == ("act.logged", SKOLA, Act.LOOKED_UP, "console")
    assert draft.message_id.hex() in answer.text
    party = Party.load(at_school.connector)
    kept = party.store.sealed("console/look-ups/1")
    assert draft.ref == party.ref(CHILD, 1)
    party.store.close()
    assert kept is not None
    assert hashlib.sha256(kept).digest() == bytes(body.detail)
    assert json.loads(kept)["reason"] == REASON


def test_the_next_one_sees_who_looked(at_school: AtParty) -> None:
    """Who looked, when and why is shown to the next auditor, and beside the child to whoever looks next; no number."""
    at_school.look(at_school.browser(Role.CONSENT_OFFICER), reason=f"{REASON} {EVIL}")
    page = at_school.browser(Role.AUDITOR).get("/sv/child").text
    assert REASON in page
    assert "anna01" in page
    assert CHILD not in page
    assert EVIL not in page
    again = at_school.look(at_school.browser(Role.CONSENT_OFFICER)).text
    assert "Det här barnet har setts förut" in again
    assert CHILD not in again
    other = at_school.look(at_school.browser(Role.CONSENT_OFFICER), OTHER).text
    assert "Det här barnet har setts förut" not in other


@pytest.mark.parametrize(("number", "reason"), [
    (CHILD, ""), (CHILD, "kort"), ("", REASON), ("200001011234", REASON), (EVIL, REASON), (CHILD, "x" * 501),
    (CHILD, "rad\nrad rad rad"),
])  # fmt: skip
def test_without_number_and_reason_nothing_is_shown(at_school: AtParty, number: str, reason: str) -> None:
    """Without a number that is one and a reason that says something, nothing is shown, logged or repeated."""
    answer = at_school.look(at_school.browser(Role.CONSENT_OFFICER), number, reason)
    assert answer.status_code == 400
    assert "Mottagna meddelanden" not in answer.text
    assert at_school.drafts() == []
    assert not number or number not in answer.text


def test_what_cannot_be_logged_is_not_shown(at_school: AtParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the event cannot be kept, nothing is shown and nobody is said to have looked."""
    from samband.connectors.store import Store
    from samband.schemas.errors import OperatorError

    browser = at_school.browser(Role.CONSENT_OFFICER)
    browser.get("/sv/child")

    def full(*_: Any) -> bool:
        raise OperatorError("STORE_WRITE", "the store cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "add_draft", full)
        answer = at_school.look(browser)
    assert answer.status_code == 503
    assert "Mottagna meddelanden" not in answer.text
    assert "Ingen har sett" in browser.get("/sv/child").text


@pytest.mark.parametrize("roles", [(Role.AUDITOR,), (Role.OPERATOR,), ()])
def test_others_look_at_nobody(at_school: AtParty, roles: tuple[Role, ...]) -> None:
    """An auditor sees who looked and looks at nobody; the operator and a stranger see nothing."""
    browser = at_school.browser(*roles)
    page = browser.get("/sv/child")
    assert page.status_code == (200 if Role.AUDITOR in roles else 403 if roles else 303)
    assert 'name="number"' not in page.text
    token = at_school.browser(Role.CONSENT_OFFICER).csrf("/sv/child")
    answer = browser.post("/sv/child", {"csrf": browser.csrf("/sv/child") if roles == (Role.AUDITOR,) else token,
                                        "number": CHILD, "reason": REASON})  # fmt: skip
    assert answer.status_code in ((403,) if roles else (303,))
    assert at_school.drafts() == []


def test_looking_ends_after_thirty(at_school: AtParty) -> None:
    """Thirty children in an hour is the most for one person."""
    browser = at_school.browser(Role.CONSENT_OFFICER)
    token = browser.csrf("/sv/child")
    fields = {"csrf": token, "number": "no number", "reason": REASON}
    answers = [browser.post("/sv/child", fields).status_code for _ in range(32)]
    assert answers == [400] * 30 + [429] * 2


def test_the_hub_has_no_such_page(hub: HubHouse, at_school: AtParty) -> None:
    """At the hub there is no page for a child, and at a party none of the hub's."""
    hub.clock += 10
    assert hub.browser(*Role).get("/sv/child").status_code == 404
    assert at_school.browser(*Role).get("/sv/decisions").status_code == 404
    assert at_school.browser(*Role).get("/sv/").headers["location"] == "/sv/child"
