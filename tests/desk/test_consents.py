"""Consents at the desk: recorded from a refusal, signed part by part, taken back, and seen for a stated reason."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from samband.connectors.book import ConsentBook
from samband.connectors.desk.roles import Role
from samband.connectors.look_ups import look_ups
from tests.desk.house import EVIL, Browser, Desk, DeskHouse
from tests.desk.story import children
from tests.gate.world import DAY

NEW = "/sv/consents/new"
REASON = "Möte med familjen i dag"
PLACE = "Pärm 4, flik 2"
ALL = (Role.WRITER, Role.CONSENTS, Role.RELEASER)


@pytest.fixture
def bup(house: DeskHouse) -> Desk:
    """Give BUP's desk."""
    return house.desk("bup")


def denied(house: DeskHouse) -> str:
    """Let BUP write to the school without a consent, and return the message that was refused."""
    child = children(house)[0].identifier
    return house.say("bup", "dialogue.message", "BUP", "SKOLA", child, text="Hur går det i skolan?").hex()


def day(house: DeskHouse, days: int = 100) -> str:
    """Return a day to come."""
    from datetime import timedelta

    return (house.now() + timedelta(days=days)).date().isoformat()


def recorded(house: DeskHouse, browser: Browser, **fields: str) -> Any:
    """Record a consent from a refusal, signed by the first of two guardians, and return the answer."""
    page = browser.get(f"{NEW}?about={denied(house)}").text
    filled = {"type": "dialogue.message", "number": children(house)[0].identifier, "until": day(house),
              "guardians": "2", "signed__guardian__1": "yes", "place": PLACE, "view": "agrees", "how": "paper",
              "language": "sv", **fields}  # fmt: skip
    answer = browser.submit(page, NEW, **filled)
    house.carry()
    return answer


def book(house: DeskHouse) -> list[tuple[bytes, dict[str, Any]]]:
    """Return what BUP has recorded."""
    return ConsentBook(house.connectors["bup"].party).entries()


def state(house: DeskHouse) -> str:
    """Say the same again to the school, and return what becomes of it."""
    child = children(house)[0].identifier
    message = house.say("bup", "dialogue.message", "BUP", "SKOLA", child, text="Hur går det i skolan?")
    return next(step.outcome for step in house.connectors["bup"].store.steps(message) if step.kind == "decision")


def test_from_a_refusal_to_a_message_that_goes(house: DeskHouse, bup: Desk) -> None:
    """A refusal leads to a form that knows what is missing; nothing goes before both have signed, then it does."""
    browser = bup.browser(*ALL)
    refused = denied(house)
    page = browser.get(f"/sv/sent/{refused}").text
    assert f'href="{NEW}?about={refused}"' in page
    form = browser.get(f"{NEW}?about={refused}").text
    assert '<option value="dialogue.message" selected>' in form
    assert "Björkskolan" in form
    assert children(house)[0].identifier not in form
    answer = recorded(house, browser)
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert "Väntar på underskrift." in page
    assert state(house) == "deny"
    path = answer.headers["location"].partition("?")[0]
    signed = browser.submit(page, path, giver="guardian-2", place="Pärm 4, flik 3")
    house.carry()
    page = browser.get(signed.headers["location"]).text
    assert "Undertecknat av alla." in page
    assert state(house) == "permit"
    (consent, entry), *more = book(house)
    assert more == []
    assert entry["acting_user"]["id"] == "anna01"
    assert entry["disclosers"] == ["BUP"]
    assert entry["evidence"]["at"] == PLACE
    assert path.endswith(consent.hex())


def test_what_is_wrong_is_said_by_field(house: DeskHouse, bup: Desk) -> None:
    """Each fault is told at its field with what was typed, and nothing is recorded."""
    browser = bup.browser(*ALL)
    wrong = {
        "number": "20120101", "until": "i morgon", "guardians": "0", "view": "not_asked", "why": "hon sov",
        "place": "", "language": "på svenska", "type": "",
    }  # fmt: skip
    answer = recorded(house, browser, **wrong)
    page = unescape(answer.text)
    assert answer.status_code == 400
    assert 'href="#view"' in recorded(house, browser, view="").text
    for name in wrong.keys() - {"view"}:
        assert f'href="#{name}"' in page, name
        assert f'id="{name}-fault"' in page, name
        assert f'id="{name}"' in page, name
    for typed in ("20120101", "i morgon", "hon sov", "på svenska"):
        assert f'value="{typed}"' in page
    assert "dagen har varit" in unescape(recorded(house, browser, until="2020-01-01").text)
    assert "det är inte barnet som meddelandet gällde" in unescape(
        recorded(house, browser, number=children(house)[1].identifier).text
    )
    assert book(house) == []
    assert EVIL not in recorded(house, browser, place=EVIL, why=EVIL, number=EVIL).text


def test_the_same_form_again_is_the_same_consent(house: DeskHouse, bup: Desk) -> None:
    """A form that is sent twice records one consent, and what was signed since then stays signed."""
    browser = bup.browser(*ALL)
    page = browser.get(f"{NEW}?about={denied(house)}").text
    filled = {"type": "dialogue.message", "number": children(house)[0].identifier, "until": day(house),
              "guardians": "1", "place": PLACE, "view": "agrees", "how": "oral", "language": "sv"}  # fmt: skip
    first = browser.submit(page, NEW, **filled).headers["location"]
    house.carry()
    shown = browser.get(first).text
    browser.submit(shown, first.partition("?")[0], giver="guardian-1", place=PLACE)
    house.carry()
    assert browser.submit(page, NEW, **filled).headers["location"] == first
    house.carry()
    assert len(book(house)) == 1
    assert "Undertecknat av alla." in browser.get(first).text


def test_an_objection_is_kept(house: DeskHouse, bup: Desk) -> None:
    """What the child thinks is recorded as it was said: against it, a person decides, whatever the guardians say."""
    browser = bup.browser(*ALL)
    recorded(house, browser, view="objects", signed__guardian__2="yes")
    assert book(house)[0][1]["child_view"] == "objects"
    assert state(house) != "permit"


def test_a_childs_are_seen_for_a_reason(house: DeskHouse, bup: Desk) -> None:
    """They are shown in the answer to number and reason alone, after that was logged; who looked before is told."""
    browser = bup.browser(*ALL)
    recorded(house, browser)
    child, party = children(house)[0].identifier, house.connectors["bup"].party
    front = browser.get("/sv/consents").text
    assert "Björkskolan" not in front
    for number, reason in (("", REASON), (child, "kort"), ("20120101", REASON)):
        answer = browser.submit(front, '/sv/consents"'.rstrip('"'), number=number, reason=reason)
        assert answer.status_code == 400
        assert "Björkskolan" not in answer.text
    assert look_ups(party) == []
    logged = [draft.type for draft in house.connectors["bup"].store.drafts()]
    csrf = browser.csrf("/sv/consents")
    answer = browser.post("/sv/consents", {"csrf": csrf, "number": child, "reason": REASON})
    assert "Björkskolan" in answer.text
    assert "Undertecknat av 1 av 2." in answer.text
    assert child not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    after = [draft.type for draft in house.connectors["bup"].store.drafts()]
    assert after.count("act.logged") == logged.count("act.logged") + 1
    assert [(each["user"], each["reason"]) for each in look_ups(party)] == [("anna01", REASON)]
    again = browser.post("/sv/consents", {"csrf": csrf, "number": child, "reason": "Uppföljning av mötet"})
    assert f"anna01: {REASON}" in again.text
    other = browser.post("/sv/consents", {"csrf": csrf, "number": children(house)[1].identifier, "reason": REASON})
    assert "Inget är antecknat." in other.text
    link = re.search(r'href="(/sv/consents/[0-9a-f]{32})"', answer.text)
    assert link
    page = browser.get(link[1]).text
    assert "Björkskolan" not in page
    assert child not in page


@pytest.mark.parametrize("everything", [True, False])
def test_it_is_taken_back(house: DeskHouse, bup: Desk, everything: bool) -> None:
    """Whoever writes at the desk takes a consent back without a reason; from then on nothing goes on it."""
    browser = bup.browser(*ALL)
    path = recorded(house, browser, signed__guardian__2="yes").headers["location"].partition("?")[0]
    assert state(house) == "permit"
    if everything:
        writer = bup.browser(Role.WRITER, user="beata")
        page = writer.get("/sv/consents").text
        assert "Se vad ni har antecknat" not in page
        bad = writer.submit(page, "/sv/consents/withdraw", child="2012", giver_role="child")
        assert bad.status_code == 400
        answer = writer.submit(bad.text, "/sv/consents/withdraw", child=children(house)[0].identifier,
                               giver_role="child")  # fmt: skip
    else:
        answer = browser.submit(browser.get(path).text, "/sv/consents/withdraw", giver_role="guardian")
    house.carry()
    assert "Från nu lämnas inget på det." in browser.get(answer.headers["location"]).text
    assert "Tillbakataget." in browser.get(path).text
    assert state(house) == "deny"


def test_it_has_an_end(house: DeskHouse, bup: Desk) -> None:
    """After its last day nothing goes on it, and its page says so."""
    browser = bup.browser(*ALL)
    path = recorded(house, browser, signed__guardian__2="yes", until=day(house, 3)).headers["location"]
    assert state(house) == "permit"
    house.gate.now += 5 * DAY
    assert state(house) == "deny"
    assert "Gäller inte längre." in browser.get(path).text


def test_what_the_gate_does_not_take_is_said(house: DeskHouse, bup: Desk) -> None:
    """A consent that is longer than the agreement lets it be is refused, and its page says why."""
    browser = bup.browser(*ALL)
    answer = recorded(house, browser, until=day(house, 2000))
    page = browser.get(answer.headers["location"]).text
    assert "Det togs inte emot." in page
    assert "Det kan ändras av:" in page


def test_a_protected_childs(house: DeskHouse, bup: Desk) -> None:
    """Recording, looking up and signing ask for that right; taking back does not."""
    browser = bup.browser(*ALL)
    path = recorded(house, browser).headers["location"].partition("?")[0]
    child = children(house)[0].identifier
    house.mark(child)
    house.say("social", "dialogue.message", "IFO", "BUP", child, text="Hej")
    csrf = browser.csrf("/sv/consents")
    signing = {"csrf": csrf, "giver": "guardian-2", "place": PLACE, "act": "ab" * 16}
    for answer in (browser.post("/sv/consents", {"csrf": csrf, "number": child, "reason": REASON}), browser.get(path),
                   browser.post(path, signing)):  # fmt: skip
        assert answer.status_code == 403
        assert "Barnet är skyddat." in answer.text
    right = bup.browser(*ALL, Role.PROTECTED)
    assert "Björkskolan" in right.post("/sv/consents", {"csrf": right.csrf("/sv/"), "number": child,
                                                       "reason": REASON}).text  # fmt: skip
    back = browser.post("/sv/consents/withdraw", {"csrf": csrf, "child": child, "giver_role": "guardian"})
    assert back.status_code == 303


def test_another_units_is_not_there(house: DeskHouse, bup: Desk) -> None:
    """Whoever does not work for the unit that recorded it finds no such consent, and no such refusal."""
    path = recorded(house, bup.browser(*ALL)).headers["location"].partition("?")[0]
    refused = denied(house)
    other = bup.browser(*ALL, Role.PROTECTED, units=("ANOTHER",))
    assert other.get(path).status_code == 404
    assert other.get(f"{NEW}?about={refused}").status_code == 404
    consent = path.rpartition("/")[2]
    csrf = other.csrf("/sv/consents")
    assert other.post("/sv/consents/withdraw", {"csrf": csrf, "consent": consent}).status_code == 404
    assert other.get("/sv/consents/" + "00" * 16).status_code == 404
    assert book(house)[0][1]["ended"] == []
