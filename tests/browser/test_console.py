"""The console in a real browser: it shuts nobody out, wide or narrow, light or dark, with and without JavaScript.

`make test-browser` fetches the browser and runs this; without it these tests are skipped.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from samband.connectors.console.attention import Matter
from samband.connectors.console.roles import Role
from samband.connectors.web.guard import COOKIE
from samband.streams.snapshot import Snapshot
from tests.browser.chromium import AXE, CHROMIUM
from tests.browser.site import WIDTHS, Site, breaches, browser, listening, only_by_script, served, unreached
from tests.console.house import BUP, IFO, SKOLA
from tests.console.logged import LoggedHouse
from tests.console.test_child import CHILD, AtParty

pytestmark = pytest.mark.skipif(not (CHROMIUM and AXE), reason="make test-browser")

PAGES = (
    "", "decisions", "decisions/{permit}", "decisions/{denied}", "consents", "consents/{given}",
    f"conversations?unit={IFO}", "parties", "parties/skola", "rules", "rules/diff?one=1&other=1", "log",
    "affected?ground=CONSENT", "samples", "samples/{check}", "samples/misuse", "nothing", "login", "login?code=x",
)  # fmt: skip


class ConsoleSite(Site):
    """A console, at the hub or at a party, and a browser."""

    def __init__(self, house: Any, origin: str, chromium: Any) -> None:
        super().__init__(origin, chromium, COOKIE, ("404", "400 (Bad"))
        self.house = house
        self.chromium = chromium

    def page(self, *, roles: Any = tuple(Role), **how: Any) -> Any:
        """Give a page of a browser that is signed in."""
        return self.opened(self.house.door.open("granskaren", roles, self.house.clock) if roles else "", **how)

    def path(self, page: str, language: str = "sv") -> str:
        """Return a page's address."""
        told = self.house.told
        for name in ("permit", "denied", "given", "check"):
            page = page.replace(f"{{{name}}}", told[name].hex())
        return f"{self.origin}/{language}/{page}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    """Serve a hub with a month of decisions."""
    with listening() as (listener, host):
        house = LoggedHouse(tmp_path_factory.mktemp("console") / "home", host=host, school="Björkskolan")
        house.told = house.story()
        chance = random.Random(7)
        for outcome in chance.choices(["permit", "permit", "permit", "deny", "ask"], k=150):
            grounds = ("CONSENT",) if outcome == "permit" else ()
            reasons = () if outcome == "permit" else ("CONSENT_MISSING",)
            sender, type_name = chance.choice([IFO, BUP]), chance.choice(["dialogue.message", "sip.invitation"])
            house.say(house.record(sender, SKOLA, ago=29 * chance.random(), outcome=outcome, grounds=grounds,
                                   reasons=reasons, type=type_name))  # fmt: skip
        house.told["check"] = house.spot_check(5)
        house.attention.quarantine = []
        house.attention.found = (
            house.now,
            [Matter("fail", "alarms", {"number": 2}, "log"),
             Matter("warn", "rules", {"number": 23, "version": 1}, "rules"),
             Matter("warn", "doctor", {"check": "root key"}, "", "it lies on this machine", "keep it offline")],
        )  # fmt: skip
        house.source._caught_up.set()
        with served(house.app, listener), browser() as chromium:
            yield ConsoleSite(house, f"http://{host}", chromium)
        house.close()


@pytest.fixture(scope="module")
def school(site: ConsoleSite) -> Iterator[ConsoleSite]:
    """Serve the school's own console."""
    folder = site.house.home.parties / "skola"
    Snapshot(folder / "directory.snapshot").write(list(site.house.home.published(site.house.ms).values()))
    with listening() as (listener, host):
        at = AtParty(folder / "connector.toml", host)
        with served(at.app, listener):
            yield ConsoleSite(at, f"http://{host}", site.chromium)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_shuts_nobody_out(site: ConsoleSite, width: int, scheme: str, language: str) -> None:
    """On every page axe-core finds no breach of WCAG 2.2 A and AA, nothing undecided; only tables scroll sideways."""
    found: dict[str, Any] = {}
    with site.page(width=width, scheme=scheme) as page:
        for each in PAGES:
            site.house.clock += 1
            page.goto(site.path(each, language))
            if wrong := breaches(page):
                found[each] = wrong
    assert found == {}, "\n".join(map(str, found.items()))


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_the_child_page_shuts_nobody_out(school: ConsoleSite, width: int, scheme: str, language: str) -> None:
    """The page of one child, at a party: before, with a fault, and with what was found."""
    with school.page(width=width, scheme=scheme) as page:
        page.goto(f"{school.origin}/{language}/child")
        assert breaches(page) == []
        page.locator("[name=number]").fill("1")
        page.locator("[name=reason]").fill("en prövning av sidan")
        page.locator("main form.sheet button").click()
        page.get_by_role("heading", level=1).wait_for()
        assert breaches(page) == []
        page.goto(f"{school.origin}/{language}/child")
        page.locator("[name=number]").fill(CHILD)
        page.locator("[name=reason]").fill("en prövning av sidan")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text(re.compile("Antecknat i loggen:|Logged:")).first.wait_for()
        assert breaches(page) == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_by_keyboard(site: ConsoleSite, language: str) -> None:
    """By keyboard alone each thing that can be used is reached, in the order of the page, and is seen when it is."""
    found: dict[str, Any] = {}
    with site.page() as page:
        for each in PAGES:
            site.house.clock += 1
            page.goto(site.path(each, language))
            if missed := unreached(page):
                found[each] = missed
    assert found == {}, "\n".join(map(str, found.items()))


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_without_javascript(site: ConsoleSite, language: str) -> None:
    """Without JavaScript every page says what it is, and all that htmx does is a link or a form as well."""
    with site.page(scripts=False) as page:
        for each in PAGES:
            site.house.clock += 1
            page.goto(site.path(each, language))
            assert page.locator("h1").inner_text(), each
            assert page.locator("html").get_attribute("lang") == language, each
            assert only_by_script(page) == [], each


def test_works_without_javascript(site: ConsoleSite) -> None:
    """Without JavaScript one looks, filters, pages on, opens a decision, changes language and signs out."""
    site.house.clock += 100
    with site.page(scripts=False) as page:
        page.goto(site.path(""))
        page.get_by_role("link", name="Beslut", exact=True).click()
        page.get_by_label("Utfall").select_option("deny")
        page.get_by_role("button", name="Visa").click()
        assert "outcome=deny" in page.url
        assert set(page.locator("tbody .outcome").all_inner_texts()) == {"tillåts inte"}
        page.get_by_role("link", name="Rensa").click()
        page.get_by_role("link", name="Äldre").click()
        page.get_by_role("link", name="Nyaste först").click()
        page.locator("tbody a").first.click()
        assert page.get_by_role("heading", name="Äktheten, prövad nu").is_visible()
        page.get_by_role("link", name="English").click()
        assert page.get_by_role("heading", name="Verified now").is_visible()
        page.get_by_role("button", name="Sign out").click()
        assert page.url.endswith("/en/login")
        page.goto(site.path("decisions"))
        assert page.url.endswith("/sv/login")


def test_signs_in_by_the_link(site: ConsoleSite) -> None:
    """The printed link leads to a button, and the button to the overview, with the cookie that the browser accepts."""
    site.house.clock += 100
    with site.page(roles=()) as page:
        page.goto(f"{site.origin}/sv/login?code={site.house.door.link('local', tuple(Role), site.house.clock)}")
        page.get_by_role("button", name="Logga in").click()
        assert page.url.endswith("/sv/")
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert page.evaluate("document.cookie") == ""


def test_works_by_keyboard(site: ConsoleSite) -> None:
    """By keyboard alone: the first stop skips to the content, each stop is seen, and the filter is sent by Enter."""
    site.house.clock += 100
    with site.page() as page:
        page.goto(site.path("decisions"))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        seen = []
        for _ in range(40):
            page.keyboard.press("Tab")
            where = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
                " return [e.id || e.tagName, s.outlineStyle !== 'none' && r.width > 0]; })()"
            )
            if where[0] == "BODY":
                break
            seen.append(where)
        assert [each for each in seen if not each[1]] == []
        names = list(dict.fromkeys(each[0] for each in seen if each[0].islower()))
        assert names == ["from", "to", "kind", "outcome", "type", "unit", "ground", "message"], "as they are read"
        page.locator("#unit").focus()
        page.keyboard.type(BUP)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("unit="))
        page.locator("tbody tr").first.wait_for()
        assert page.locator("#list tbody tr", has_text=BUP).count() == page.locator("#list tbody tr").count()


def test_prints(site: ConsoleSite) -> None:
    """On paper a decision has its words and its proof, and no menu or button."""
    site.house.clock += 100
    with site.page() as page:
        page.emulate_media(media="print")
        page.goto(site.path("decisions/{permit}"))
        assert not page.locator("header nav").is_visible()
        assert not page.locator("button").first.is_visible()
        assert page.get_by_role("heading", name="Varför").is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")
