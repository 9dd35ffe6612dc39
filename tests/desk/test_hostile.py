"""Whatever stands in an address, a form or a message, the desk answers: nothing runs, leaks or falls over."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from samband.connectors.desk.app import ROUTES
from samband.connectors.desk.roles import Role
from tests.desk.house import EVIL, Desk, DeskHouse, World
from tests.desk.story import USER, Story, children, tell

HOSTILE = (
    "", "0", "-1", "'", '"', "../../etc/passwd", "%00", "%2e%2e%2f", EVIL, "\"><img src=x onerror=alert(1)>",
    "{{ 7*7 }}", "${7*7}", "' OR 1=1 --", "//evil.example/", "https://evil.example", "\\\\evil.example", "a" * 200,
    "😀", "\u202eabc", "null", "[]", "role:school", "IFO", "health_exam.request", "consent.given", "receipt", "0" * 32,
    "\r\nset-cookie: x=y",
)  # fmt: skip
NAMES = ("unit", "show", "before", "to", "reply", "draft", "q", "kind", "about", "reader", "code", "state")
FIELDS = ("draft", "unit", "to", "reply", "action", "reason", "f-text", "f-child_identifier", "f-child_name", "f-part",
          "no_number", "necessity", "kind", "reader", "language", "number", "name", "function", "about", "row-0",
          "code", "csrf2", "consent", "act", "type", "until", "guardians", "with_child", "view", "why", "how", "place",
          "signed-child", "giver", "giver_role", "child")  # fmt: skip
CODES = {200, 303, 307, 400, 401, 403, 404, 405, 409, 414}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DeskHouse, Desk, Story]]:
    """Give BUP's desk in a town where every name and word is meant to harm."""
    town = World("evil")
    town.names = {unit: f"{name} {EVIL}" for unit, name in World.names.items()}
    for party in town.parties:
        town.records.append(town.card(party, town.units(party), version=2))
    town.publish(town.directory)
    house = DeskHouse(tmp_path_factory.mktemp("desk") / "home", town)
    story = tell(house)
    child = children(house)[0]
    story.ids["evil"] = house.say("social", "health_exam.request", "IFO", "BUP", child.identifier, part="oral",
                                  law="SoL", placed_on="2027-01-04", child_name=EVIL, address=EVIL, background=EVIL,
                                  sender_reference=EVIL).hex()  # fmt: skip
    yield house, house.desk("bup"), story
    house.close()


def check(answer: Any, asked: str) -> None:
    """Check that an answer is one, that nothing of ours goes elsewhere, and that nothing in it runs."""
    assert answer.status_code in CODES, (asked, answer.status_code)
    location = answer.headers.get("location", "/sv/")
    assert re.match(r"/(sv|en)/", location), asked
    assert not location.startswith("//")
    assert "x=y" not in answer.headers.get("set-cookie", "")
    assert EVIL not in answer.text, asked
    assert "onerror=alert(1)>" not in answer.text, asked
    assert "49" not in re.findall(r"<h1[^>]*>([^<]*)</h1>", answer.text)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_hostile_addresses_are_answered(told: tuple[DeskHouse, Desk, Story], language: str) -> None:
    """Each address with each hostile value, in its path and its query."""
    _, desk, story = told
    browser = desk.browser(*Role, user=USER)
    for path, value in itertools.product(sorted({each.path for each in ROUTES} | {"login"}), HOSTILE):
        desk.clock += 5
        odd = quote(value[:90], safe="") or "x"
        plain = path.replace("{message}", story.ids["opened"]).replace("{type}", "dialogue.message")
        filled = path.replace("{message}", odd).replace("{type}", odd).replace("{where}", odd)
        query = "&".join(f"{name}={quote(value[:200], safe='')}" for name in NAMES)
        for asked in (f"{filled}?{query}", f"{plain.replace('{where}', 'inbox')}?{query}"):
            check(browser.get(f"/{language}/{asked}"), asked)


def test_hostile_forms_are_answered(told: tuple[DeskHouse, Desk, Story]) -> None:
    """Each form with each hostile value in every field, and in one at a time beside good ones."""
    house, desk, story = told
    browser = desk.browser(*Role, user=USER)
    csrf = browser.csrf("/sv/")
    forms = sorted({each.path for each in ROUTES if each.method == "POST"})
    good = {"unit": "BUP", "to": "IFO", "action": "check", "draft": story.ids["draft"], "language": "sv",
            "kind": "told", "reader": "guardian", "number": story.child, "reason": "Möte med familjen"}  # fmt: skip
    consent = {"unit": "BUP", "to": "SKOLA", "type": "dialogue.message", "number": story.child, "until": "2027-06-30",
               "guardians": "1", "view": "agrees", "how": "paper", "language": "sv", "place": "pärm"}  # fmt: skip
    for path, value in itertools.product(forms, HOSTILE):
        desk.clock += 5
        filled = path.replace("{message}", story.ids["evil"]).replace("{where}", "inbox")
        filled = f"/sv/{filled.replace('{type}', 'health_exam.booking')}"
        if filled.endswith("/misdirected"):
            continue
        for fields in (dict.fromkeys(FIELDS, value), good | {"to": value}, good | {"draft": value, "reply": value},
                       consent | {"number": value}, consent | {"place": value, "language": value},
                       good | {"f-text": value, "f-place": value, "function": value, "about": value}):  # fmt: skip
            check(browser.post(filled, {**fields, "csrf": csrf}), filled)
    assert house.line.gate.now


def test_hostile_files_are_answered(told: tuple[DeskHouse, Desk, Story]) -> None:
    """Each address that takes files, with each hostile value as a file's name and bytes, and as what is typed."""
    _, desk, story = told
    browser = desk.browser(*Role, user=USER)
    csrf = browser.csrf("/sv/")
    for path, value in itertools.product((each.path for each in ROUTES if each.files), HOSTILE):
        desk.clock += 5
        name = value.replace("\r\n", "%0D%0A").replace('"', "%22")  # as browsers write them
        fields = {"csrf": csrf, "unit": "BUP", "to": "IFO", "f-text": value, "f-child_identifier": story.child}
        for kind, ending in itertools.product(("dialogue.message", "health_exam.statement"), ("", ".pdf")):
            filled = f"/sv/{path.replace('{type}', kind)}"
            check(browser.carry(filled, fields, [(name + ending, b"%PDF-1.7 x")]), filled)
            check(browser.carry(filled, {**fields, "drop-" + value[:40]: value}, [("x.txt", value.encode())]), filled)
        check(browser.carry(filled, fields, [(value, b"raw"), ("\0", b"")]), filled)


def test_what_a_message_says_is_shown_as_text(told: tuple[DeskHouse, Desk, Story]) -> None:
    """A name, an address, a case number and a unit's name that would run elsewhere are words on every page here."""
    _, desk, story = told
    browser = desk.browser(*Role, user=USER)
    seen = 0
    browser.post(f"/sv/inbox/{story.ids['evil']}/open", {"csrf": browser.csrf("/sv/")})
    for path in ("", "inbox", f"inbox/{story.ids['evil']}", "sent", f"sent/{story.ids['denied']}", "write",
                 "write/dialogue.message", f"write/health_exam.accepted?reply={story.ids['evil']}"):  # fmt: skip
        answer = browser.get(f"/sv/{path}")
        check(answer, path)
        seen += "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert seen > 5


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_link_leads_somewhere(told: tuple[DeskHouse, Desk, Story], language: str) -> None:
    """Followed from the front page, every link is a file to save, or a page with one `h1`, a `lang` and its own ids."""
    _, desk, _ = told
    browser = desk.browser(*Role, user=USER)
    queue, seen = [f"/{language}/"], set[str]()
    while queue:
        path = queue.pop().replace("&amp;", "&")
        if path in seen or len(seen) > 120 or not path.startswith(f"/{language}/"):
            continue
        seen.add(path)
        desk.clock += 5
        answer = browser.get(path)
        assert answer.status_code == 200, path
        if "/files/" in path:
            assert answer.headers["content-disposition"].startswith("attachment;"), path
            continue
        assert answer.text.count("<h1") == 1, path
        assert f'<html lang="{language}">' in answer.text
        ids = re.findall(r' id="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), (path, [each for each in ids if ids.count(each) > 1])
        queue += re.findall(r'href="([^"#]+)"', answer.text)
    assert len(seen) > 30


def test_only_its_own_forms_and_names(told: tuple[DeskHouse, Desk, Story]) -> None:
    """Another `Host`, another `Origin` and a form without the session's token are refused, and no page is kept."""
    _, desk, story = told
    browser = desk.browser(*Role, user=USER)
    path = f"/sv/inbox/{story.ids['new']}/open"
    assert browser.get("/sv/", host="evil.example").status_code == 421
    assert browser.post(path, {"csrf": browser.csrf("/sv/")}, origin="https://evil.example").status_code == 403
    assert browser.post(path, {"csrf": "0" * 64}).status_code == 403
    answer = browser.get("/sv/inbox")
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    console = desk.browser(*Role, user=USER)
    console.cookie_name = "samband_console"
    assert console.get("/sv/").status_code == 303, "the console's cookie opens no desk"
