"""Nothing reaches a page that does not come from a person at this console, and every answer is shut in."""

from __future__ import annotations

import pytest

from samband.connectors.console.roles import Role
from samband.connectors.web.guard import COOKIE
from samband.connectors.web.session import IDLE_S, LINK_S, LONGEST_S, ROTATE_S, Door, Rate
from samband.schemas.errors import RefusedError
from tests.console.house import HOST, HubHouse

ALL = tuple(Role)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:8601", "localhost:8600", f"{HOST}.evil.example", ""]
)
def test_another_name_is_refused(hub: HubHouse, host: str) -> None:
    """A name that somebody else points at this address opens nothing, signed in or not."""
    browser = hub.browser(*ALL)
    assert browser.get("/sv/", host=host or " ").status_code in (400, 421)
    assert browser.get("/static/console.css", host=host or " ").status_code in (400, 421)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", f"https://{HOST}", "http://127.0.0.1"])
def test_a_form_of_another_site_is_refused(hub: HubHouse, origin: str) -> None:
    """A form counts only with this console's own `Origin`, whatever else it carries."""
    browser = hub.browser(*ALL)
    token = browser.csrf()
    assert browser.post("/sv/logout", {"csrf": token}, origin=origin).status_code == 403
    assert browser.get("/sv/").status_code == 200, "nothing was done"


@pytest.mark.parametrize("token", ["", "0" * 64, "å", None])
def test_a_form_without_its_token_is_refused(hub: HubHouse, token: str | None) -> None:
    """A form counts only with the session's own token."""
    browser = hub.browser(*ALL)
    assert browser.post("/sv/logout", {} if token is None else {"csrf": token}).status_code == 403
    other = hub.browser(*ALL)
    assert browser.post("/sv/logout", {"csrf": other.csrf()}).status_code == 403
    assert browser.get("/sv/").status_code == 200


def test_what_is_no_form_is_refused(hub: HubHouse) -> None:
    """Another kind of body, a large one, one that says something twice, another method: none is read."""
    browser = hub.browser(*ALL)
    token = browser.csrf()
    assert browser.post("/sv/logout", {"csrf": token}, content_type="text/plain").status_code == 415
    assert browser.post("/sv/logout", {"csrf": token, "x": "y" * 20_000}).status_code == 413
    assert browser.post("/sv/logout", [("csrf", token), ("csrf", token)]).status_code == 400
    assert browser._ask("PUT", "/sv/", {}).status_code == 405
    assert browser.get("/sv/decisions?unit=" + "x" * 5000).status_code == 414


def test_every_answer_is_shut_in(hub: HubHouse) -> None:
    """Pages, errors, files and refusals carry the policy: own files only, no frame, no inline script, nothing kept."""
    browser = hub.browser(*ALL)
    answers = [
        browser.get(path) for path in ("/", "/sv/", "/sv/nothing", "/en/login", "/static/htmx.min.js", "/static/x")
    ]
    answers += [browser.post("/sv/logout"), browser.get("/sv/", host="evil.example")]
    for each in answers:
        policy = each.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["x-frame-options"] == "DENY"
        assert each.headers["referrer-policy"] == "same-origin"
        assert each.headers["cache-control"] in ("no-store", "private, max-age=3600")
    assert answers[1].headers["cache-control"] == "no-store"
    for page in answers[:4]:
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert " onclick" not in page.text
        assert page.text.count("<script") == page.text.count('<script src="/static/htmx.min.js" defer></script>')
        assert "//" not in page.text.replace('href="//', "")


def test_the_cookie_is_the_browsers_own(hub: HubHouse) -> None:
    """The cookie is hidden from scripts and is sent to this site from this site only; a link signs in once."""
    browser = hub.browser()
    code = hub.door.link("local", ALL, hub.clock)
    shown = browser.get(f"/sv/login?code={code}")
    assert "set-cookie" not in shown.headers, "looking at the link does not use it"
    entered = browser.post("/sv/login", {"code": code})
    assert (entered.status_code, entered.headers["location"]) == (303, "/sv/")
    assert "HttpOnly; SameSite=Strict" in entered.headers["set-cookie"]
    assert browser.get("/sv/").status_code == 200
    again = hub.browser()
    assert again.post("/sv/login", {"code": code}).status_code == 403
    assert again.cookie == ""
    old = browser.cookie
    assert browser.post("/sv/logout", {"csrf": browser.csrf()}).status_code == 303
    assert browser.cookie == ""
    assert browser.get("/sv/", cookie=f"{COOKIE}={old}").headers["location"] == "/sv/login"


def test_nothing_leads_away(hub: HubHouse) -> None:
    """No answer redirects anywhere but into this console, whatever is asked for."""
    browser = hub.browser()
    for path in (
        "//evil.example", "/sv//evil.example", "/sv/?next=//evil.example", "/sv/login?next=https://evil.example",
        "/\\evil.example", "/sv/decisions?back=//evil.example", "/?lang=//evil.example", "/sv/%2f%2fevil.example",
        "/sv",
    ):  # fmt: skip
        location = browser.get(path).headers.get("location", "/sv/")
        assert location.removeprefix(f"http://{HOST}") in ("/sv/", "/en/", "/sv/login", "/en/login"), path


def test_a_link_is_good_for_a_minute() -> None:
    """A link that nobody used in time, and one that never was, say the same."""
    door = Door()
    code = door.link("local", ALL, 0.0)
    with pytest.raises(RefusedError) as late:
        door.redeem(code, float(LINK_S))
    with pytest.raises(RefusedError) as never:
        door.redeem("x", 0.0)
    assert str(late.value) == str(never.value)
    assert door.redeem(door.link("local", ALL, 0.0), LINK_S - 0.1)


def test_a_session_ends_by_itself() -> None:
    """Idle for a quarter of an hour, or open for a working day, a session is over."""
    door = Door()
    idle, busy = door.open("a", ALL, 0.0), door.open("b", ALL, 0.0)
    assert door.enter(idle, IDLE_S - 1.0)
    assert door.enter(idle, 2.0 * IDLE_S - 1) is None
    now, token = 0.0, busy
    while now < LONGEST_S - 400:
        now += 299
        found = door.enter(token, now)
        assert found is not None
        token = found[1] or token
    assert door.enter(token, float(LONGEST_S)) is None


def test_a_cookies_value_changes() -> None:
    """After five minutes the cookie has another value, and the one before soon opens nothing."""
    door = Door()
    first = door.open("a", ALL, 0.0)
    found = door.enter(first, ROTATE_S + 1.0)
    assert found is not None
    session, second = found
    assert second is not None
    assert door.enter(first, ROTATE_S + 5.0) is not None, "a request that was under way"
    assert door.enter(first, ROTATE_S + 60.0) is None
    again = door.enter(second, ROTATE_S + 60.0)
    assert again is not None
    assert again[0] is session
    door.leave(second)
    assert door.enter(second, ROTATE_S + 61.0) is None


def test_a_cookies_value_changes_in_the_browser(hub: HubHouse) -> None:
    """The browser is given the next value by itself, and forms of the page before still count."""
    browser = hub.browser(*ALL)
    token, before = browser.csrf(), browser.cookie
    hub.clock += ROTATE_S + 1
    assert browser.get("/sv/").status_code == 200
    assert browser.cookie != before
    assert browser.csrf() == token
    assert browser.post("/sv/logout", {"csrf": token}).status_code == 303


def test_too_often_is_too_often(hub: HubHouse) -> None:
    """Guessing codes ends after ten attempts in a minute; so does anything else after three hundred."""
    browser = hub.browser()
    hub.clock += 600
    answers = [browser.post("/sv/login", {"code": str(number)}).status_code for number in range(12)]
    assert answers == [403] * 10 + [429] * 2
    hub.clock += 600
    rate = Rate(3, 60.0)
    for _ in range(3):
        rate.take("a", 0.0)
    with pytest.raises(RefusedError):
        rate.take("a", 1.0)
    rate.take("b", 1.0)
    rate.take("a", 21.0)
