"""The desk in a real browser: it shuts nobody out, and one person answers a request from it without a manual.

`make test-browser` fetches the browser and runs this; without it these tests are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.desk.roles import Role
from tests.browser.chromium import AXE, CHROMIUM
from tests.browser.site import WIDTHS, Site, breaches, browser, listening, only_by_script, served, unreached
from tests.desk.house import Desk, DeskHouse, World
from tests.desk.story import FILES, USER, Story, tell

pytestmark = pytest.mark.skipif(not (CHROMIUM and AXE), reason="make test-browser")

PAGES = (
    "", "inbox", "inbox?show=ended", "inbox/{new}", "inbox/{opened}", "inbox/{protected}", "inbox/{opened}/misdirected",
    "write", "write/dialogue.message", "write/dialogue.message?to=IFO", "write/health_exam.statement?reply={opened}",
    "write/consult.question?to=IFO", "write/concern.report?to=IFO", "write/health_exam.booking?draft={draft}",
    "write/health_exam.booking/check?draft={draft}", "add/inbox/{opened}", "sent", "sent/{sent}", "sent/{denied}",
    "consents", "consents/new", "consents/new?about={denied}", "consents/{consent}?about={denied}",
    "papers?kind=consent-form&about={denied}", "nothing", "login", "login?code=x",
)  # fmt: skip
GOOD: Any = {"name": "utlåtande.pdf", "mimeType": "application/pdf", "buffer": FILES[0][2]}
BAD: Any = {"name": "program.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"}


class DeskSite(Site):
    """A desk, and a browser."""

    def __init__(self, house: DeskHouse, story: Story, desk: Desk, origin: str, chromium: Any) -> None:
        super().__init__(origin, chromium, "samband_desk", ("40",))
        self.house, self.story, self.desk = house, story, desk

    def page(self, *, roles: Any = tuple(Role), **how: Any) -> Any:
        """Give a page of a browser that is signed in."""
        return self.opened(self.desk.door.open(USER, roles, self.desk.clock, title="psykolog") if roles else "", **how)

    def path(self, page: str, language: str = "sv") -> str:
        """Return a page's address."""
        for name, found in self.story.ids.items():
            page = page.replace(f"{{{name}}}", found)
        return f"{self.origin}/{language}/{page}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskSite]:
    """Serve BUP's desk, with a little of everything."""
    with listening() as (listener, host):
        house = DeskHouse(tmp_path_factory.mktemp("desk") / "home", World("desk"))
        story = tell(house)
        desk = house.desk("bup", host)
        with served(desk.app, listener), browser() as chromium:
            yield DeskSite(house, story, desk, f"http://{host}", chromium)
        desk.rooms.close()
        house.close()


def looked_at(page: Any, name: str) -> None:
    """Keep a picture where SAMBAND_PICTURES names a folder: somebody looks at it."""
    if folder := os.environ.get("SAMBAND_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_shuts_nobody_out(site: DeskSite, width: int, scheme: str, language: str) -> None:
    """On every page axe-core finds no breach of WCAG 2.2 A and AA, nothing undecided; no page scrolls sideways."""
    found: dict[str, Any] = {}
    with site.page(width=width, scheme=scheme) as page:
        for each in PAGES:
            site.desk.clock += 1
            page.goto(site.path(each, language))
            if wrong := breaches(page):
                found[each] = wrong
            looked_at(page, f"{each.replace('/', '_') or 'front'}-{language}-{width}-{scheme}"[:80])
        page.goto(site.path("write/health_exam.statement?reply={opened}", language))
        page.locator("button[value=check]").click()
        found |= {"form with faults": wrong} if (wrong := breaches(page)) else {}
        page.goto(site.path("write/dialogue.message?to=IFO", language))
        page.locator("#f-attachments").set_input_files([GOOD, BAD])
        page.locator("button[value=check]").click()
        page.locator("#f-attachments-fault").wait_for()
        found |= {"form with files": wrong} if (wrong := breaches(page)) else {}
        looked_at(page, f"files-{language}-{width}-{scheme}")
        page.goto(site.path("inbox/{protected}", language))
        page.locator("#reason").fill("Ska boka besök för barnet")
        page.locator("form.sheet button").click()
        page.locator("form[action$='/files/1']").wait_for()
        found |= {"a protected child's files": wrong} if (wrong := breaches(page)) else {}
        looked_at(page, f"protected-{language}-{width}-{scheme}")
        page.goto(site.path("consents/new?about={denied}", language))
        page.locator("form.write button").click()
        page.locator("#faults").wait_for()
        found |= {"a consent with faults": wrong} if (wrong := breaches(page)) else {}
        looked_at(page, f"consent-faults-{language}-{width}-{scheme}")
        page.goto(site.path("consents", language))
        page.locator("#number").fill(site.story.child)
        page.locator("#reason").fill("Möte med familjen i dag")
        page.locator("form.write button").first.click()
        page.locator(".items").wait_for()
        found |= {"a child's consents": wrong} if (wrong := breaches(page)) else {}
        looked_at(page, f"consent-list-{language}-{width}-{scheme}")
        page.goto(site.path("papers?kind=consent-form&about={denied}", language))
        page.locator("#number").fill(site.story.child)
        page.locator("#reason").fill("Möte med familjen i dag")
        page.locator("#reader").select_option("guardian")
        page.locator("button[value=rows]").click()
        page.locator("#function").wait_for()
        found |= {"rows of a paper": wrong} if (wrong := breaches(page)) else {}
    assert found == {}, "\n".join(map(str, found.items()))


@pytest.mark.parametrize("scripts", [True, False])
def test_one_person_answers_a_request(site: DeskSite, scripts: bool) -> None:
    """From what waits to the answer that has arrived, by the words on the screen alone, with and without JavaScript."""
    site.desk.clock += 100
    request = site.house.say("social", "health_exam.request", "IFO", "BUP", site.story.child, part="psychological",
                             law="SoL", placed_on="2027-01-04", sender_reference="IFO-9")  # fmt: skip
    with site.page(scripts=scripts, roles=(Role.WRITER,)) as page:
        page.goto(site.path(""))
        page.locator(f"a[href$='{request.hex()}']").click()
        page.get_by_role("button", name="Öppna").click()
        assert page.get_by_text("IFO-9").is_visible()
        page.get_by_role("link", name="Hälsoundersökning tas emot").click()
        assert page.get_by_role("radio", name="Psykisk hälsa").is_checked()
        page.get_by_label("Planerad till").fill("2027-02-30")
        page.get_by_role("button", name="Granska").click()
        page.get_by_role("link", name="Skriv ”Planerad till”").click()
        assert page.url.endswith("#f-planned_on")
        page.get_by_label("Planerad till").fill("2027-02-20")
        page.get_by_label("För barnets vård eller behandling").check()
        page.get_by_role("button", name="Granska").click()
        assert page.get_by_role("heading", name="Granska innan du skickar").is_visible()
        page.get_by_role("button", name="Fråga först").click()
        site.house.carry(2)
        page.reload()
        page.get_by_text("Ja, det skulle tillåtas.").wait_for()
        page.get_by_role("button", name="Skicka").click()
        page.get_by_role("heading", name="Hälsoundersökning tas emot").wait_for()
        site.house.carry(3)
        if not scripts:
            page.get_by_role("link", name="Se efter igen").click()
        page.get_by_text("Framme.").wait_for()
        page.goto(site.path(f"inbox/{request.hex()}"))
        assert page.get_by_text("Besvarat.").is_visible()
    answers = [row for row in site.house.connectors["social"].store.letters() if row.type == "health_exam.accepted"]
    assert answers[0].letter["ref_to"] == request.hex()
    assert answers[0].letter["content"]["recipient_reference"] == "IFO-9"


@pytest.mark.parametrize("scripts", [True, False])
def test_files_are_attached(site: DeskSite, scripts: bool) -> None:
    """A file that cannot go is told and forgotten; what was typed and what can go stay, and go when it is sent."""
    site.desk.clock += 100
    with site.page(scripts=scripts, roles=(Role.WRITER,)) as page:
        page.goto(site.path("write/dialogue.message?to=IFO"))
        page.get_by_label("Barnets personnummer").fill(site.story.child)
        page.get_by_label("Text", exact=True).fill("Utlåtandet, som ni bad om.")
        page.get_by_label("För barnets vård eller behandling").check()
        page.get_by_label("Bifoga filer").set_input_files([GOOD, BAD])
        page.get_by_role("button", name="Granska").click()
        page.get_by_role("link", name="”program.exe” är inte av ett slag").click()
        assert page.evaluate("document.activeElement.id") == "f-attachments"
        assert page.get_by_label("Ta bort utlåtande.pdf").is_visible()
        assert page.get_by_label("Text", exact=True).input_value() == "Utlåtandet, som ni bad om."
        page.get_by_role("button", name="Granska").click()
        assert page.get_by_text("utlåtande.pdf").is_visible()
        page.get_by_role("button", name="Skicka").click()
        page.get_by_text("0 av 1 delar är prövade").wait_for()
        site.house.carry(3)
        page.reload()
        page.get_by_text("Filerna är framme med meddelandet, hela.").wait_for()
    letter = site.house.connectors["social"].store.letters()[0]
    assert b"".join(site.house.connectors["social"].store.file_data(letter.message_id, 0)) == FILES[0][2]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_consent_is_recorded(site: DeskSite, scripts: bool) -> None:
    """From a refusal to a consent that both guardians have signed, and back, by the words on the screen alone."""
    site.desk.clock += 100
    with site.page(scripts=scripts) as page:
        page.goto(site.path("sent/{denied}"))
        page.get_by_role("link", name="Familjen har skrivit under").click()
        page.get_by_role("button", name="Anteckna samtycket").click()
        page.get_by_role("link", name="Barnets personnummer: skriv tolv siffror").click()
        assert page.evaluate("document.activeElement.id") == "number"
        page.get_by_label("Barnets personnummer").fill(site.story.child)
        page.get_by_label("Gäller till och med").fill("2027-08-31")
        page.get_by_role("checkbox", name="Vårdnadshavare 1").check()
        page.get_by_label("Var finns underskriften?").fill("Pärm 4, flik 2")
        page.get_by_label("Barnet vill", exact=True).check()
        page.get_by_role("button", name="Anteckna samtycket").click()
        site.house.carry(2)
        page.reload()
        page.get_by_text("Väntar på underskrift.").wait_for()
        assert page.get_by_role("radio", name="Vårdnadshavare 2").is_checked(), "nobody else is left"
        page.get_by_label("Var finns underskriften?").fill("Pärm 4, flik 3")
        page.get_by_role("button", name="Anteckna underskriften").click()
        site.house.carry(2)
        page.reload()
        page.get_by_text("Undertecknat av alla.").wait_for()
        page.get_by_role("button", name="Ta tillbaka samtycket").click()
        site.house.carry(2)
        page.reload()
        page.get_by_text("Från nu lämnas inget på det.").wait_for()


@pytest.mark.parametrize("scripts", [True, False])
def test_files_are_saved(site: DeskSite, scripts: bool) -> None:
    """A file is saved under its own name, with its own bytes, by a link and, for a protected child, by a button."""
    site.desk.clock += 100
    name, _, data = FILES[0]
    with site.page(scripts=scripts) as page:
        page.goto(site.path("inbox/{opened}"))
        with page.expect_download() as by_link:
            page.get_by_role("link", name=f"Ladda ner {name}").click()
        page.goto(site.path("inbox/{protected}"))
        page.locator("#reason").fill("Ska boka besök för barnet")
        page.get_by_role("button", name="Öppna").click()
        with page.expect_download() as by_button:
            page.get_by_role("button", name=f"Ladda ner {name}").click()
        for each in (by_link.value, by_button.value):
            assert each.suggested_filename == name
            assert Path(each.path()).read_bytes() == data


def test_works_by_keyboard(site: DeskSite) -> None:
    """By keyboard alone a form is filled in wrong, its faults are reached, and each stop is seen."""
    site.desk.clock += 100
    with site.page() as page:
        page.goto(site.path("write/health_exam.booking?reply={opened}"))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        seen, names = [], []
        for _ in range(40):
            page.keyboard.press("Tab")
            where = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
                " return [e.name || e.tagName, s.outlineStyle !== 'none' && r.width > 0]; })()"
            )
            if where[0] == "BODY":
                break
            seen.append(where)
            names.append(where[0])
        assert [each for each in seen if not each[1]] == []
        assert [each for each in dict.fromkeys(names) if each.startswith("f-")] == [
            "f-part", "f-booked_on", "f-booked_time", "f-place", "f-interpreter", "f-bring", "f-contact",
            "f-sender_reference", "f-recipient_reference",
        ], "as they are read"  # fmt: skip
        page.locator("#f-booked_on").focus()
        page.keyboard.type("i morgon")
        page.keyboard.press("Enter")
        page.locator(".faults").wait_for()
        assert page.title().startswith("Fel:")
        page.locator(".faults a").first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "f-booked_on"
        assert page.locator("#f-booked_on").input_value() == "i morgon"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_by_keyboard(site: DeskSite, language: str) -> None:
    """By keyboard alone each thing that can be used is reached, in the order of the page, and is seen when it is."""
    found: dict[str, Any] = {}
    with site.page() as page:
        for each in PAGES:
            site.desk.clock += 1
            page.goto(site.path(each, language))
            if missed := unreached(page):
                found[each] = missed
    assert found == {}, "\n".join(map(str, found.items()))


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_without_javascript(site: DeskSite, language: str) -> None:
    """Without JavaScript every page says what it is, and all that htmx does is a link or a form as well."""
    with site.page(scripts=False) as page:
        for each in PAGES:
            site.desk.clock += 1
            page.goto(site.path(each, language))
            assert page.locator("h1").inner_text(), each
            assert page.locator("html").get_attribute("lang") == language, each
            assert only_by_script(page) == [], each


def test_nothing_is_lost_when_a_session_ends(site: DeskSite) -> None:
    """What somebody wrote for a quarter of an hour is theirs when they sign in again, and is not sent."""
    site.desk.clock += 100
    with site.page() as page:
        page.goto(site.path("write/dialogue.message?to=IFO"))
        page.get_by_label("Barnets personnummer").fill(site.story.child)
        page.get_by_label("Text", exact=True).fill("Vi har talat med familjen.\nDe vill ha ett möte.")
        site.desk.clock += 1000
        page.get_by_role("button", name="Granska").click()
        assert page.get_by_text("är sparat som utkast").is_visible()
        token = site.desk.door.link(USER, tuple(Role), site.desk.clock, title="psykolog")
        page.goto(f"{site.origin}/sv/login?code={token}")
        page.get_by_role("button", name="Logga in").click()
        page.get_by_role("heading", name="Dina utkast").wait_for()
        page.locator("a[href*='write/dialogue.message?draft=']").first.click()
        assert page.get_by_label("Text", exact=True).input_value() == "Vi har talat med familjen.\nDe vill ha ett möte."
        assert page.get_by_label("Barnets personnummer").input_value() == site.story.child


def test_prints(site: DeskSite) -> None:
    """On paper a message has what it says and no menu, form or button; a paper for the family is one by itself."""
    site.desk.clock += 100
    with site.page() as page:
        page.emulate_media(media="print")
        page.goto(site.path("inbox/{opened}"))
        assert page.get_by_role("heading", name="Innehåll").is_visible()
        assert not page.locator("header nav").is_visible()
        assert not page.locator("button").first.is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")
        page.emulate_media(media="screen")
        page.goto(site.path("papers?kind=consent-form&about={denied}"))
        page.locator("#number").fill(site.story.child)
        page.locator("#reason").fill("Möte med familjen i dag")
        page.locator("#reader").select_option("guardian")
        page.locator("button[value=rows]").click()
        page.locator("#function").fill("psykolog")
        page.locator("button[value=print]").click()
        page.get_by_text("Björkskolan").first.wait_for()
        assert page.evaluate("getComputedStyle(document.querySelector('dl')).borderTopWidth") == "1px", "its own style"
        looked_at(page, "paper")
