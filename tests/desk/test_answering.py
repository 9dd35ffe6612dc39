"""Writing: one answers, asks first, sends, adds a participant, recalls; nothing is lost, and nothing is sent twice."""

from __future__ import annotations

import re
from typing import Any

import pytest

from samband.connectors.desk.drafts import LIFE_MS, Draft, Drafts
from samband.connectors.desk.roles import Role
from samband.connectors.tracking import VIEW
from samband.connectors.web.session import IDLE_S
from samband.schemas import events
from tests.desk.house import EVIL, Browser, Desk, DeskHouse
from tests.desk.story import children
from tests.gate.world import DAY

TALK = "/sv/write/dialogue.message"


def bup_views(house: DeskHouse, message: str) -> list[Any]:
    """Return who has read a letter at BUP."""
    return [step for step in house.connectors["bup"].store.steps(bytes.fromhex(message)) if step.kind == VIEW]


@pytest.fixture
def bup(house: DeskHouse) -> Desk:
    """Give BUP's desk."""
    return house.desk("bup")


def opened(house: DeskHouse, browser: Browser, **content: Any) -> str:
    """Let BUP get a request and open it."""
    child = children(house)[0].identifier
    message = house.say("social", "health_exam.request", "IFO", "BUP", child, part="oral", law="SoL",
                        placed_on="2027-01-04", sender_reference="IFO-77", **content).hex()  # fmt: skip
    browser.post(f"/sv/inbox/{message}/open", {"csrf": browser.csrf("/sv/")})
    return message


def written(browser: Browser, child: str, text: str = "Hej", to: str = "IFO", **fields: str) -> Any:
    """Fill in a new message and send the form."""
    page = browser.get(f"{TALK}?to={to}").text
    filled = {"f__child_identifier": child, "f__text": text, "action": "check", **fields}
    if 'name="necessity"' in page:
        filled.setdefault("necessity", "care")
    return browser.submit(page, TALK, **filled)


def said(house: DeskHouse, party: str, type_name: str) -> list[Any]:
    """Return what has come to a party of a type."""
    return [row for row in house.connectors[party].store.letters() if row.type == type_name]


def test_an_answer_goes_by_itself(house: DeskHouse, bup: Desk) -> None:
    """An answer is about the same child, in the same conversation, with both case numbers and the same choices."""
    browser = bup.browser(Role.WRITER)
    request = opened(house, browser)
    kind = "/sv/write/health_exam.accepted"
    page = browser.get(f"{kind}?reply={request}").text
    assert re.search(r'value="oral" checked', page)
    assert children(house)[0].identifier not in page
    another = children(house)[1].identifier
    checked = browser.submit(page, kind, f__part="oral", necessity="care", f__sender_reference="B-1",
                             f__recipient_reference="IFO-77", f__child_identifier=another,
                             action="check")  # fmt: skip
    review = browser.get(checked.headers["location"]).text
    sent = browser.submit(review, f"{kind}/check", action="send")
    house.carry()
    (answer,) = said(house, "social", "health_exam.accepted")
    letter = answer.letter
    asked = house.connectors["bup"].store.letter(bytes.fromhex(request))
    assert asked is not None
    assert (letter["ref_to"], letter["conversation"]) == (request, asked.letter["conversation"])
    content = letter["content"]
    assert (content["child_identifier"], content["sender_reference"], content["recipient_reference"]) == (
        children(house)[0].identifier, "B-1", "IFO-77",
    )  # fmt: skip
    assert content["acting_user"] == {"id": "anna01", "role": "sekreterare"}
    assert "Framme." in browser.get(sent.headers["location"]).text
    shown = browser.get(f"/sv/inbox/{request}").text
    assert "Besvarat." in shown
    assert sent.headers["location"] in shown
    assert "Dina utkast" not in browser.get("/sv/").text


def test_asking_first_sends_nothing(house: DeskHouse, bup: Desk) -> None:
    """A question is answered in plain words with the way to a consent form, and the draft waits to be sent."""
    browser = bup.browser(Role.WRITER, Role.RELEASER)
    checked = written(browser, children(house)[0].identifier, to="SKOLA", necessity="care")
    review = browser.get(checked.headers["location"]).text
    asked = browser.submit(review, f"{TALK}/check", action="ask").headers["location"]
    assert "Väntar på svar." in browser.get(asked).text
    house.carry()
    page = browser.get(asked).text
    assert "Nej, det skulle inte tillåtas." in page
    assert "Samtycke saknas." in page
    form = re.search(r'href="(/sv/papers\?kind=consent-form&amp;about=[0-9a-f]{32})"', page)
    assert form
    assert said(house, "skola", "dialogue.message") == []
    assert "Dina utkast" in browser.get("/sv/").text
    paper = browser.get(form[1].replace("&amp;", "&")).text
    rows = browser.submit(paper, "/sv/papers", number=children(house)[0].identifier, reader="guardian", language="sv",
                          kind="consent-form", reason="Möte med familjen", action="rows").text  # fmt: skip
    chosen = dict(re.findall(r'name="(row-\d+)" value="([^"]+)" checked', rows))
    assert chosen
    made = browser.submit(rows, "/sv/papers", function="psykolog", action="print",
                          **{name.replace("-", "__"): value for name, value in chosen.items()})  # fmt: skip
    assert "Björkskolan" in made.text
    assert "sha256-" in made.headers["content-security-policy"]
    kinds = [draft.type for draft in house.connectors["bup"].store.drafts()]
    assert kinds.count("act.logged") == 3, "twice looked up, once released"


def test_a_refusal_is_kept_as_a_draft(house: DeskHouse, bup: Desk) -> None:
    """What may not be sent stays written, under another id, and stands among what did not go through."""
    browser = bup.browser(Role.WRITER)
    review = browser.get(written(browser, children(house)[0].identifier, to="SKOLA").headers["location"]).text
    sent = browser.submit(review, f"{TALK}/check", action="send").headers["location"]
    house.carry()
    page = browser.get(sent).text
    assert "Det får inte skickas." in page
    draft = re.search(r'href="(/sv/write/dialogue\.message)/check(\?draft=[0-9a-f]{32})"', page)
    assert draft
    assert draft[2][7:] not in sent
    assert "Hej</textarea>" in browser.get(draft[1] + draft[2]).text
    first = browser.get("/sv/").text
    assert "Gick inte fram" in first
    assert first.count("?draft=") == 1


def test_a_form_with_faults_keeps_everything(house: DeskHouse, bup: Desk) -> None:
    """Each fault is told with a link to its field, what was typed stands there again, and a draft keeps it."""
    browser = bup.browser(Role.WRITER)
    answer = written(browser, "20120101-0000", f"{EVIL}\nrad två", necessity="care")
    assert answer.status_code == 400
    assert '<a href="#f-child_identifier">' in answer.text
    assert answer.text.count('role="alert"') == 1
    assert "20120101-0000" in answer.text
    assert EVIL not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\nrad två</textarea>" in answer.text
    assert "<title>Fel:" in answer.text
    assert "Dina utkast" in browser.get("/sv/").text
    assert list(house.connectors["bup"].store.said()) == []


def test_twice_sent_is_once(house: DeskHouse, bup: Desk) -> None:
    """A button that is pressed twice sends one message."""
    browser = bup.browser(Role.WRITER)
    review = browser.get(written(browser, children(house)[0].identifier).headers["location"]).text
    first = browser.submit(review, f"{TALK}/check", action="send")
    second = browser.submit(review, f"{TALK}/check", action="send")
    assert first.status_code == 303
    assert second.status_code == 404
    house.carry()
    assert len(said(house, "social", "dialogue.message")) == 1


def test_a_form_after_the_session_is_kept_and_not_sent(house: DeskHouse, bup: Desk) -> None:
    """Whoever comes back after a quarter of an hour finds what they wrote; another user does not."""
    browser = bup.browser(Role.WRITER)
    page = browser.get(f"{TALK}?to=IFO").text
    bup.clock += IDLE_S + 1
    late = browser.submit(page, TALK, f__child_identifier=children(house)[0].identifier, f__text="Länge skrivet",
                          action="check")  # fmt: skip
    assert late.status_code == 401
    assert "är sparat som utkast" in late.text
    assert list(house.connectors["bup"].store.said()) == []
    again = bup.browser(Role.WRITER)
    link = re.search(r'href="(/sv/write/dialogue\.message\?draft=[0-9a-f]{32})"', again.get("/sv/").text)
    assert link
    assert "Länge skrivet" in again.get(link[1]).text
    other = bup.browser(Role.WRITER, user="beata")
    assert "Dina utkast" not in other.get("/sv/").text
    assert other.get(link[1]).status_code == 404


@pytest.mark.parametrize("change", ["csrf", "cookie", "origin", "left", "reader"])
def test_only_ones_own_late_form_is_kept(house: DeskHouse, bup: Desk, change: str) -> None:
    """Nothing is kept of a form with another's token, no cookie, another site, after signing out, or without right."""
    browser = bup.browser(Role.READER if change == "reader" else Role.WRITER)
    maker = bup.browser(Role.WRITER)
    fields = maker.hidden(maker.get(f"{TALK}?to=IFO").text, TALK) | {"csrf": browser.csrf("/sv/"), "f-text": "x"}
    if change == "left":
        browser.post("/sv/logout", {"csrf": fields["csrf"]})
    bup.clock += IDLE_S + 1
    if change == "csrf":
        fields["csrf"] = "0" * 64
    if change == "cookie":
        browser.cookie = ""
    headers = {"origin": "https://elsewhere.example"} if change == "origin" else {}
    answer = browser.post(TALK, fields, **headers)
    assert answer.status_code in (303, 403)
    again = bup.browser(Role.WRITER)
    assert "Dina utkast" not in again.get("/sv/").text


def test_drafts_end(house: DeskHouse) -> None:
    """A draft is sealed on the disk, is its writer's own, and is erased after two weeks."""
    party = house.opened("bup")
    mine = Drafts(party, "anna01")
    kept = mine.keep(Draft(id="aa" * 16, type="dialogue.message", unit="BUP", to="IFO", values={"text": "HEMLIGT"}), 1)
    assert mine.all(1) == [kept]
    assert Drafts(party, "beata").get(kept.id) is None
    assert b"HEMLIGT" not in b"".join(path.read_bytes() for path in (house.folder / "bup").glob("store.db*"))
    assert mine.all(2 + LIFE_MS) == []
    assert mine.get(kept.id) is None
    assert party.store.sealed(f"desk/draft/{kept.id}") is None
    party.store.close()


def test_another_participant_is_another_decision(house: DeskHouse, bup: Desk) -> None:
    """Added from a letter: the same child and conversation, a message and decision of its own; reading is logged."""
    browser = bup.browser(Role.WRITER)
    request = opened(house, browser)
    page = browser.get(f"/sv/add/inbox/{request}").text
    assert "Det prövas för sig" in page
    assert "Björkskolans elevhälsa" in page
    before = len(bup_views(house, request))
    begun = browser.submit(page, f"/sv/add/inbox/{request}", to="EMI").headers["location"]
    assert len(bup_views(house, request)) == before + 1
    form = browser.get(begun).text
    assert "samma barn som samtalet" in form
    kind = begun.partition("?")[0]
    checked = browser.submit(form, kind, f__text="Kan ni delta?", necessity="care", action="check")
    review = browser.get(checked.headers["location"]).text
    browser.submit(review, f"{kind}/check", action="send")
    house.carry()
    (message,) = said(house, "skola", "dialogue.message")
    asked = house.connectors["bup"].store.letter(bytes.fromhex(request))
    assert asked is not None
    assert message.letter["conversation"] == asked.letter["conversation"]
    assert message.letter["content"]["child_identifier"] == children(house)[0].identifier
    assert message.letter["decision"] != asked.letter["decision"]


def test_recalling(house: DeskHouse, bup: Desk) -> None:
    """What has not arrived can be stopped from its page."""
    browser = bup.browser(Role.WRITER)
    review = browser.get(written(browser, children(house)[0].identifier).headers["location"]).text
    sent = browser.submit(review, f"{TALK}/check", action="send").headers["location"]
    page = browser.get(sent).text
    assert browser.submit(page, f"{sent}/recall").status_code == 303
    house.carry()
    assert "Återkalla" not in browser.get(sent).text.replace("Återkallat", "")


def test_the_ladder_is_told(house: DeskHouse, bup: Desk) -> None:
    """From decision to dealt with, each rung has its time, its role and what it means."""
    bup_, social = bup.browser(Role.WRITER), house.desk("social").browser(Role.WRITER, user="sara")
    request = opened(house, bup_)
    bup_.post(f"/sv/inbox/{request}/acted", {"csrf": bup_.csrf("/sv/")})
    house.carry()
    page = social.get(f"/sv/sent/{request}").text
    assert "Mottagaren har tagit hand om det." in page
    assert page.count('<li class="done">') == 4
    assert "av sekreterare" in page
    told = house.connectors["social"].store.steps(bytes.fromhex(request))
    assert events.Level.ACTED in [step.outcome for step in told]


def test_a_late_answer_is_said(house: DeskHouse, bup: Desk) -> None:
    """Days by the agreement: first how many are left, then by how many it is late, until it is answered."""
    browser = bup.browser(Role.WRITER)
    opened(house, browser)
    assert "om 7 dagar" in browser.get("/sv/").text
    house.gate.now += 8 * DAY
    assert "Försenat: svaret skulle ha kommit" in browser.get("/sv/").text
    assert "Late: the answer was due Friday 22 January, yesterday" in browser.get("/en/").text


def test_a_concern_shows_the_telephone(house: DeskHouse, bup: Desk) -> None:
    """Who reports a concern sees whom to call on the form, before sending, and on the receipt."""
    browser = bup.browser(Role.WRITER)
    kind = "/sv/write/concern.report"
    form = browser.get(f"{kind}?to=IFO").text
    checked = browser.submit(form, kind, f__child_identifier=children(house)[0].identifier, f__urgency="immediate",
                             f__concern="Oro", f__family_told="yes", action="check")  # fmt: skip
    review = browser.get(checked.headers["location"]).text
    sent = browser.submit(review, f"{kind}/check", action="send").headers["location"]
    for page in (form, review, browser.get(sent).text):
        assert "Ring också, nu." in page
        assert page.count('href="tel:021-390000"') > 1


def test_a_name_in_what_names_nobody(house: DeskHouse, bup: Desk) -> None:
    """A consultation without a name does not go with a number in its text; what was written is kept."""
    browser = bup.browser(Role.WRITER)
    kind = "/sv/write/consult.question"
    found = browser.get(f"{kind}?to=IFO")
    assert found.status_code == 200
    assert "f-child_identifier" not in found.text
    fields = {f"f__{name}": value for name, value in
              {"question": f"Vad gör vi med {children(house)[0].identifier}?"}.items()}  # fmt: skip
    answer = browser.submit(found.text, kind, action="check", **fields)
    if answer.status_code == 400:  # a field more is asked for
        choices = dict(re.findall(r'type="radio" name="f-([a-z_]+)" id="[^"]+" value="([^"]+)"', answer.text))
        select = r'<select id="[^"]+" name="f-([a-z_]+)".*?<option value="([^"]+)">'
        selects = dict(re.findall(select, answer.text, re.DOTALL))
        more = {f"f__{name}": value for name, value in (choices | selects).items()}
        answer = browser.submit(found.text, kind, action="check", **fields, **more)
    review = browser.get(answer.headers["location"]).text
    sent = browser.submit(review, f"{kind}/check", action="send")
    assert sent.status_code == 400
    assert "står ett nummer eller namn som ni har" in sent.text
    assert "Dina utkast" in browser.get("/sv/").text
