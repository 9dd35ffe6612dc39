"""Opening a letter: recorded each time, told to its sender once; what is protected only by right and with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from samband.connectors.desk.roles import Role
from samband.connectors.reading import read
from samband.connectors.tracking import VIEW
from samband.schemas import events
from samband.streams.crypto.acting_user import user_commitment
from tests.desk.house import DeskHouse
from tests.desk.story import children
from tests.gate.world import DAY

SECRET = "HEMLIGT-ORD om sömnen"
REASON = "Ska boka besök för barnet"


def request(house: DeskHouse, number: int = 0, **content: Any) -> str:
    """Let social services ask BUP for an examination, and return the message's id."""
    child = children(house)[number].identifier
    return house.say("social", "health_exam.request", "IFO", "BUP", child, part="oral", law="SoL",
                     placed_on="2027-01-04", background=SECRET, **content).hex()  # fmt: skip


def receipts(house: DeskHouse, message: str) -> list[tuple[str, str]]:
    """Return what the sender was told, as (level, code)."""
    steps = house.connectors["social"].store.steps(bytes.fromhex(message))
    return [(step.outcome, step.code) for step in steps if step.kind == "receipt"]


def views(house: DeskHouse, message: str) -> list[Any]:
    """Return who has read a letter."""
    return [step for step in house.connectors["bup"].store.steps(bytes.fromhex(message)) if step.kind == VIEW]


def test_looking_opens_nothing(house: DeskHouse) -> None:
    """A list and a cover tell neither child nor content, are no reading, and tell the sender nothing."""
    message = request(house)
    browser = house.desk("bup").browser(Role.READER)
    for path in ("/sv/", "/sv/inbox", f"/sv/inbox/{message}", f"/sv/inbox/{message}/open"):
        text = browser.get(path).text
        assert SECRET not in text
        assert children(house)[0].identifier not in text
    house.carry()
    assert views(house, message) == []
    assert receipts(house, message) == [("handed_over", "")]


def test_opening_is_told_and_recorded(house: DeskHouse) -> None:
    """Who opens is told to the sender once, by role; each showing is recorded with user and role, in the same words."""
    message = request(house)
    browser = house.desk("bup").browser(Role.READER)
    page = browser.get(f"/sv/inbox/{message}").text
    opened = browser.submit(page, f"/sv/inbox/{message}/open")
    assert (opened.status_code, opened.headers["location"]) == (303, f"/sv/inbox/{message}")
    assert views(house, message) == []
    shown = browser.get(opened.headers["location"]).text
    assert SECRET in shown
    assert "läst, anna01, sekreterare" in shown
    house.carry()
    browser.get(f"/sv/inbox/{message}")
    browser.submit(page, f"/sv/inbox/{message}/open")
    house.carry()
    assert receipts(house, message) == [("handed_over", ""), ("opened", "sekreterare")]
    assert [(each.detail["acting_user"], each.detail["role"]) for each in views(house, message)] == 2 * [
        ("anna01", "sekreterare")
    ]


def test_the_receipt_names_its_user_to_nobody(house: DeskHouse) -> None:
    """In the log stands a commitment to who opened: at the party it is known as theirs, elsewhere it says nothing."""
    message = request(house)
    browser = house.desk("bup").browser(Role.READER)
    browser.submit(browser.get(f"/sv/inbox/{message}").text, f"/sv/inbox/{message}/open")
    party = house.opened("bup")
    (draft,) = _receipts_of(party)
    expected = user_commitment(party.store.secret, party.root.realm, draft.message_id, "anna01", "sekreterare")
    party.store.close()
    assert draft.user == expected
    assert b"anna01" not in (draft.body or b"")


def _receipts_of(party: Any) -> list[Any]:
    rows = party.store.new_drafts(10)
    return [draft for draft, _ in rows if draft.type == "receipt"]


def test_the_command_line_says_the_same(house: DeskHouse) -> None:
    """What `samband inbox show` reads of a unit at the desk is opened too: both call the same function."""
    message = request(house)
    party = house.opened("bup")
    row = party.store.letter(bytes.fromhex(message))
    assert row is not None
    read(party, row, reason="", user={"id": "cli", "role": "lakare"}, now=house.gate.now)
    party.store.close()
    house.carry()
    assert receipts(house, message) == [("handed_over", ""), ("opened", "lakare")]
    assert len(views(house, message)) == 1


def test_dealt_with(house: DeskHouse) -> None:
    """Acknowledging is told once; it waits no longer; what nobody opened cannot be acknowledged."""
    message = request(house)
    browser = house.desk("bup").browser(Role.WRITER)
    csrf = {"csrf": browser.csrf("/sv/")}
    assert browser.post(f"/sv/inbox/{message}/acted", csrf).status_code == 409
    browser.post(f"/sv/inbox/{message}/open", csrf)
    assert 'Att svara på <span class="count">1<' in browser.get("/sv/").text
    for _ in range(2):
        assert browser.post(f"/sv/inbox/{message}/acted", csrf).status_code == 303
    house.carry()
    assert receipts(house, message)[-2:] == [("opened", "sekreterare"), ("acted", "sekreterare")]
    assert 'Att svara på <span class="count">0<' in browser.get("/sv/").text
    assert "Kvitterat:" in browser.get(f"/sv/inbox/{message}").text
    house.gate.now += 40 * DAY
    party = house.opened("bup")
    assert party.store.erasable(house.gate.now - DAY, 10) == [(bytes.fromhex(message), "BUP")]
    party.store.close()


def test_misdirected(house: DeskHouse) -> None:
    """Asked once more, then the sender is told and the content is gone here."""
    message = request(house)
    browser = house.desk("bup").browser(Role.WRITER)
    page = browser.get(f"/sv/inbox/{message}/misdirected").text
    assert "Är det felsänt?" in page
    assert browser.submit(page, f"/sv/inbox/{message}/misdirected").status_code == 303
    house.carry()
    assert receipts(house, message)[-1] == ("misdirected", "MISDIRECTED")
    assert "Ni har sagt att det var felsänt" in browser.get(f"/sv/inbox/{message}").text
    assert SECRET not in browser.get(f"/sv/inbox/{message}").text


@pytest.mark.parametrize("protected", ["hold", "deliver"])
def test_protected_children(house: DeskHouse, protected: str) -> None:
    """Without the right a protected child's message tells not even its type; with it, only for a reason, each time."""
    house.protected = protected
    for connector in house.connectors.values():
        connector.party.settings = house.settings(connector.party)
    house.mark(children(house)[0].identifier)
    message = request(house)
    desk = house.desk("bup")
    for roles in ((Role.READER,), (Role.WRITER,), (Role.RELEASER, Role.WRITER)):
        browser = desk.browser(*roles)
        text = "".join(browser.get(path).text for path in ("/sv/", "/sv/inbox", f"/sv/inbox/{message}"))
        assert "Underrättelse om hälsoundersökning" not in text
        assert "Socialkontoret" not in text
        assert "Meddelande om ett skyddat barn" in text
        for reason in ("", REASON):
            answer = browser.post(f"/sv/inbox/{message}/open", {"csrf": browser.csrf("/sv/"), "reason": reason})
            assert answer.status_code == 403
            assert SECRET not in answer.text
    assert views(house, message) == []
    browser = desk.browser(Role.WRITER, Role.PROTECTED, user="beata")
    page = browser.get(f"/sv/inbox/{message}").text
    short = browser.submit(page, f"/sv/inbox/{message}/open", reason="kort")
    assert short.status_code == 400
    assert 'href="#reason"' in short.text
    shown = browser.submit(page, f"/sv/inbox/{message}/open", reason=REASON)
    assert shown.status_code == 200
    assert SECRET in shown.text
    assert SECRET not in browser.get(f"/sv/inbox/{message}").text, "again, and for a reason again"
    house.carry()
    assert receipts(house, message)[-1] == ("opened", "sekreterare")
    (view,) = views(house, message)
    assert view.detail["acting_user"] == "beata"
    assert REASON not in str(view.detail)
    store = house.connectors["bup"].store
    key = store.box.key(bytes.fromhex(message))
    assert store.box.open("view", key, bytes.fromhex(view.detail["reason"]))[1].decode() == REASON


def test_a_protected_child_is_answered_only_by_right(house: DeskHouse) -> None:
    """Answering, acknowledging, misdirecting and adding somebody ask for the right too; a form shows nothing of it."""
    house.mark(children(house)[0].identifier)
    message = request(house, sender_reference="IFO-77")
    desk = house.desk("bup")
    right = desk.browser(Role.WRITER, Role.PROTECTED)
    right.submit(right.get(f"/sv/inbox/{message}").text, f"/sv/inbox/{message}/open", reason=REASON)
    writer = desk.browser(Role.WRITER)
    csrf = {"csrf": writer.csrf("/sv/")}
    form = f"/sv/write/health_exam.accepted?reply={message}"
    assert writer.get(form).status_code == 403
    assert writer.post(form, {**csrf, "reply": message}).status_code == 403
    for path in (f"inbox/{message}/acted", f"inbox/{message}/misdirected"):
        assert writer.post(f"/sv/{path}", csrf).status_code == 403
    assert writer.get(f"/sv/add/inbox/{message}").status_code == 409
    shown = right.get(form)
    assert shown.status_code == 200
    assert "IFO-77" not in shown.text
    assert 'value="oral" checked' not in shown.text
    child = children(house)[0].identifier
    new = writer.get("/sv/write/dialogue.message?to=IFO").text
    checked = writer.submit(new, "/sv/write/dialogue.message", f__child_identifier=child, f__text="Hej",
                            necessity="care", action="check")  # fmt: skip
    review = writer.get(checked.headers["location"]).text
    assert writer.submit(review, "/sv/write/dialogue.message/check", action="send").status_code == 403
    assert [row.type for row in house.connectors["bup"].store.said()] == []


def test_units_are_apart(house: DeskHouse) -> None:
    """Who works for the school sees nothing of the school's medical unit, though it is the same party."""
    child = children(house)[0].identifier
    message = house.say("social", "health_exam.request", "IFO", "EMI", child, part="oral", law="SoL",
                        placed_on="2027-01-04").hex()  # fmt: skip
    desk = house.desk("skola")
    other = desk.browser(Role.WRITER, units=("SKOLA",))
    assert message not in other.get("/sv/").text + other.get("/sv/inbox").text
    csrf = {"csrf": other.csrf("/sv/")}
    for path in (f"inbox/{message}", f"inbox/{message}/misdirected", f"write/dialogue.message?reply={message}"):
        assert other.get(f"/sv/{path}").status_code == 404
    for path in (f"inbox/{message}/open", f"inbox/{message}/acted", f"inbox/{message}/misdirected"):
        assert other.post(f"/sv/{path}", csrf).status_code == 404
    assert other.get("/sv/inbox?unit=EMI").status_code == 400
    assert other.get("/sv/write/health_exam.accepted?unit=EMI&to=IFO").status_code == 400
    own = desk.browser(Role.WRITER, units=("EMI",))
    assert message in own.get("/sv/").text
    assert desk.browser(Role.READER).get(f"/sv/inbox/{message}").status_code == 200


def test_a_recalled_letter_is_not_opened(house: DeskHouse) -> None:
    """What was stopped before it arrived cannot be opened, and says so."""
    message = request(house)
    store = house.connectors["bup"].store
    with store.transaction():
        store.mark_letter(bytes.fromhex(message), "recalled", house.gate.now, code="MISDIRECTED")
    browser = house.desk("bup").browser(Role.READER)
    assert "Avsändaren har återkallat det." in browser.get(f"/sv/inbox/{message}").text
    answer = browser.post(f"/sv/inbox/{message}/open", {"csrf": browser.csrf("/sv/")})
    assert answer.status_code == 409
    assert events.Level.OPENED not in [each[0] for each in receipts(house, message)]
