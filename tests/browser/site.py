"""A site in a real browser: signed in, looked at as axe-core, a keyboard and somebody without scripts look at it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import AXE, CHROMIUM

AXE_RUN: Final = """async () => {
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
USABLE: Final = """() => {
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
STOP: Final = """() => {
    const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
    const at = window.usable.findIndex(each => each === e || (e.type === 'radio' && each.name === e.name));
    (window.stops = window.stops || []).push([at, s.outlineStyle !== 'none' && r.width > 0]);
    return at;
}"""
WIDTHS: Final = ((1440, "light"), (320, "dark"), (320, "light"), (1440, "dark"))


class Site:
    """A site that is served, and a browser."""

    def __init__(self, origin: str, chromium: Any, cookie: str, expected: tuple[str, ...]) -> None:
        """Look at a site.

        Args:
            origin: where it is served.
            chromium: the browser.
            cookie: the name of its cookie.
            expected: parts of what the browser's console may complain of: answers that are refusals.
        """
        self.origin, self._chromium, self._cookie, self._expected = origin, chromium, cookie, expected

    @contextmanager
    def opened(self, token: str, *, width: int = 1440, scheme: str = "light", scripts: bool = True) -> Iterator[Any]:
        """Give a page of a browser with a session, where there is one; what its console complains of is an error."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts, bypass_csp=False
        )
        if token:
            cookie = {"name": self._cookie, "value": token, "url": self.origin, "sameSite": "Strict"}
            context.add_cookies([cookie])
        page = context.new_page()
        page.set_default_timeout(15_000)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        try:
            yield page
        finally:
            context.close()
        assert [each for each in said if not any(part in each for part in self._expected)] == []


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """Give a listener on loopback, and its host and port as a browser says them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener, f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def served(app: Any, listener: socket.socket) -> Iterator[None]:
    """Serve an app in a thread."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def browser() -> Iterator[Any]:
    """Give a Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def breaches(page: Any) -> list[str]:
    """Return what axe-core finds on a page, and whether it scrolls sideways."""
    page.evaluate(Path(AXE).read_text("utf-8"))
    wrong: list[str] = page.evaluate(AXE_RUN)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append("the page scrolls sideways")
    return wrong


def unreached(page: Any) -> tuple[Any, Any] | None:
    """Go through a page by Tab; return what can be used and the stops, where one is missed, unseen or out of order."""
    usable = page.evaluate(USABLE)
    while not usable or page.evaluate(STOP) < len(usable) - 1:
        if page.evaluate("(window.stops || []).length") > 4 * len(usable):
            break
        page.keyboard.press("Tab")
    stops = page.evaluate("window.stops || []")
    reached = list(dict.fromkeys(place for place, _ in stops if place >= 0))  # a date has several stops
    if reached == usable and all(seen for place, seen in stops if place >= 0):
        return None
    return usable, stops


def only_by_script(page: Any) -> list[str]:
    """Return what a page without JavaScript cannot do: neither link nor form, or a form that nothing sends."""
    alone = "e => !e.matches('form[action], a[href]') && !e.closest('form[action]')"
    # What loads itself again now and then is had by loading the page again.
    asking = page.locator("[hx-get]:not([hx-trigger^=every]), [hx-post]").all()
    found = [each.evaluate("e => e.outerHTML") for each in asking if each.evaluate(alone)]
    unsent = [each for each in page.locator("main form").all() if not each.locator("button, [type=submit]").count()]
    return found + [each.evaluate("e => e.outerHTML") for each in unsent]
