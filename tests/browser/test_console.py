"""The console in a real browser: it shuts nobody out, wide or narrow, light or dark, with and without JavaScript.

`make test-browser` fetches the browser and runs this; without it these tests are skipped.
"""

from __future__ import annotations

import random
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.console.attention import Matter
from samband.connectors.console.roles import Role
from samband.connectors.web.guard import COOKIE
from samband.streams.snapshot import Snapshot
from tests.browser.chromium import AXE, CHROMIUM
from tests.console.house import BUP, IFO, SKOLA
from tests.console.logged import LoggedHouse
from tests.console.test_child import CHILD, AtParty

pytestmark = pytest.mark.skipif(not (CHROMIUM and AXE), reason="make test-browser")

PAGES = (
    "", "decisions", "decisions/{permit}", "decisions/{denied}", "consents", "consents/{given}",
    f"conversations?unit={IFO}", "parties", "parties/skola", "rules", "rules/diff?one=1&other=1", "log",
    "affected?ground=CONSENT", "samples", "samples/{check}", "samples/misuse", "nothing", "login", "login?code=x",
)  # fmt: skip
AXE_RUN = """async () => {
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const found = await axe.run(document, {runOnly: rules});
    // What axe cannot measure: a number of one digit, a cell that a scrolling table hides at its edge, and labels in a
    // drawing, which have the colour of the small texts that it does measure.
    const unmeasured = ['shortTextContent', 'elmPartiallyObscured', 'elmPartiallyObscuring'];
    const open = found.incomplete.filter(each => each.nodes.some(node => !node.html.includes('class="axis"') &&
        (!node.any.length || node.any.some(check => !unmeasured.includes((check.data || {}).messageKey)))));
    return found.violations.concat(open).map(each =>
        each.id + ': ' + each.nodes.map(node => node.html + ' ' + node.failureSummary).join(' ').slice(0, 300));
}"""
USABLE = """() => {
    const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, '
        + '[tabindex="0"]')].filter(e => !e.disabled && e.checkVisibility());
    const groups = new Set();
    window.usable = all.filter(e => {
        if (e.type !== 'radio') return true;
        const first = !groups.has(e.name); groups.add(e.name); return first;
    });
    return window.usable.map((_, at) => at);
}"""
"""Everything that can be used on a page, by its place; of a group of radio buttons one, as browsers do it."""
STOP = """() => {
    const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
    const at = window.usable.findIndex(each => each === e || (e.type === 'radio' && each.name === e.name));
    (window.stops = window.stops || []).push([at, s.outlineStyle !== 'none' && r.width > 0]);
    return at;
}"""
WIDTHS = ((1440, "light"), (320, "dark"), (320, "light"), (1440, "dark"))


class Site:
    """A console that is served, and a browser."""

    def __init__(self, house: Any, origin: str, chromium: Any) -> None:
        self.house = house
        self.origin = origin
        self._chromium = chromium

    @contextmanager
    def page(self, *, width: int = 1440, scheme: str = "light", scripts: bool = True, roles: Any = tuple(Role)) -> Any:
        """Give a page of a browser that is signed in; what its console complains of is an error."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts, bypass_csp=False
        )
        if roles:
            token = self.house.door.open("granskaren", roles, self.house.clock)
            context.add_cookies([{"name": COOKIE, "value": token, "url": self.origin, "sameSite": "Strict"}])
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        try:
            yield page
        finally:
            context.close()
        assert [each for each in said if "404" not in each and "400 (Bad" not in each] == []

    def path(self, page: str, language: str = "sv") -> str:
        """Return a page's address."""
        told = self.house.told
        for name in ("permit", "denied", "given", "check"):
            page = page.replace(f"{{{name}}}", told[name].hex())
        return f"{self.origin}/{language}/{page}"


class School(Site):
    """A party's console, and a browser."""


@pytest.fixture(scope="module")
def school(site: Site) -> Iterator[School]:
    """Serve the school's own console."""
    import uvicorn

    folder = site.house.home.parties / "skola"
    Snapshot(folder / "directory.snapshot").write(list(site.house.home.published(site.house.ms).values()))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        at = AtParty(folder / "connector.toml", host)
        server = uvicorn.Server(uvicorn.Config(at.app, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield School(at, f"http://{host}", site._chromium)
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a hub with a month of decisions."""
    import uvicorn
    from playwright.sync_api import sync_playwright

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
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
        server = uvicorn.Server(uvicorn.Config(house.app, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=["--no-sandbox"])
            yield Site(house, f"http://{host}", chromium)
            chromium.close()
        server.should_exit = True
        thread.join(30)
        house.close()


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_shuts_nobody_out(site: Site, width: int, scheme: str, language: str) -> None:
    """On every page axe-core finds no breach of WCAG 2.2 A and AA, nothing undecided; only tables scroll sideways."""
    found: dict[str, Any] = {}
    with site.page(width=width, scheme=scheme) as page:
        for each in PAGES:
            site.house.clock += 1
            page.goto(site.path(each, language))
            if wrong := breaches(page):
                found[each] = wrong
    assert found == {}, "\n".join(map(str, found.items()))


def breaches(page: Any) -> list[str]:
    """Return what axe-core finds on a page, and whether it scrolls sideways."""
    page.evaluate(Path(AXE).read_text("utf-8"))
    wrong: list[str] = page.evaluate(AXE_RUN)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append("the page scrolls sideways")
    return wrong


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_the_child_page_shuts_nobody_out(school: School, width: int, scheme: str, language: str) -> None:
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
def test_every_page_by_keyboard(site: Site, language: str) -> None:
    """By keyboard alone each thing that can be used is reached, in the order of the page, and is seen when it is."""
    found: dict[str, Any] = {}
    with site.page() as page:
        for each in PAGES:
            site.house.clock += 1
            page.goto(site.path(each, language))
            usable = page.evaluate(USABLE)
            while not usable or page.evaluate(STOP) < len(usable) - 1:
                if page.evaluate("(window.stops || []).length") > 4 * len(usable):
                    break
                page.keyboard.press("Tab")
            stops = page.evaluate("window.stops || []")
            reached = list(dict.fromkeys(place for place, _ in stops if place >= 0))  # a date has several stops
            if reached != usable or not all(seen for place, seen in stops if place >= 0):
                found[each] = usable, stops
    assert found == {}, "\n".join(map(str, found.items()))


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_without_javascript(site: Site, language: str) -> None:
    """Without JavaScript every page says what it is, and all that htmx does is a link or a form as well."""
    with site.page(scripts=False) as page:
        for each in PAGES:
            site.house.clock += 1
            page.goto(site.path(each, language))
            assert page.locator("h1").inner_text(), each
            assert page.locator("html").get_attribute("lang") == language, each
            for one in page.locator("[hx-get]:not([hx-trigger^=every]), [hx-post]").all():  # else loading again does it
                plain = one.evaluate("e => e.matches('form[action], a[href]') || !!e.closest('form[action]')")
                assert plain, (each, one.evaluate("e => e.outerHTML"))
            for one in page.locator("main form").all():
                assert one.locator("button, [type=submit]").count(), (each, "a form that only a script could send")


def test_works_without_javascript(site: Site) -> None:
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


def test_signs_in_by_the_link(site: Site) -> None:
    """The printed link leads to a button, and the button to the overview, with the cookie that the browser accepts."""
    site.house.clock += 100
    with site.page(roles=()) as page:
        page.goto(f"{site.origin}/sv/login?code={site.house.door.link('local', tuple(Role), site.house.clock)}")
        page.get_by_role("button", name="Logga in").click()
        assert page.url.endswith("/sv/")
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert page.evaluate("document.cookie") == ""


def test_works_by_keyboard(site: Site) -> None:
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


def test_prints(site: Site) -> None:
    """On paper a decision has its words and its proof, and no menu or button."""
    site.house.clock += 100
    with site.page() as page:
        page.emulate_media(media="print")
        page.goto(site.path("decisions/{permit}"))
        assert not page.locator("header nav").is_visible()
        assert not page.locator("button").first.is_visible()
        assert page.get_by_role("heading", name="Varför").is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")
