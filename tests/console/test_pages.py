"""What the pages say, and that nothing that was said to them becomes anything but text."""

from __future__ import annotations

import csv
import io
import itertools
import re
from urllib.parse import quote

import pytest

from samband.connectors.console.app import ROUTES
from samband.connectors.console.roles import Role
from tests.console.house import BUP, EVIL, IFO, SKOLA, HubHouse

ALL = tuple(Role)
HOSTILE = (
    EVIL, "'\"><img src=x onerror=alert(1)>", "{{7*7}}", "%00", "\x00", "\ud7ff\uffff", "' OR 1=1 --",
    "../../etc/passwd",
    "-1", "1e9", "9" * 400, "2026-13-45", "0001-01-01", "9999-12-31", "202611-999999999999999999", "999999-1", "å" * 64,
    "javascript:alert(1)", "\u202e", "a\r\nset-cookie: x=y",
)  # fmt: skip
NAMES = ("from", "to", "kind", "outcome", "type", "unit", "other", "ground", "message", "after", "consent", "version",
         "one", "only", "code")  # fmt: skip


def test_a_permit_says_why(hub: HubHouse) -> None:
    """A permitted message shows its ground with citation, the consent as it stood then, its ladder, and its proof."""
    hub.clock += 10
    page = hub.browser(*ALL).get(f"/sv/decisions/{hub.told['permit'].hex()}").text
    assert "Varför" in page
    assert "OSL 10:1" in page
    assert "överlämnat" in page
    assert "1 händelser har kommit sedan dess" in page, "the withdrawal came after the decision"
    assert "Samtycke återkallat" not in page.partition("Samtycken så som de stod då")[2].partition("</section>")[0]
    assert "just den som loggposten anger" in page
    assert "Grindens signatur håller: 2 steg" in page
    assert "Bedömt efter regelbokens version 1." in page


def test_a_denial_says_why_not(hub: HubHouse) -> None:
    """A denied message says in words why, who can remedy it and how, and what consents there were."""
    hub.clock += 10
    page = hub.browser(*ALL).get(f"/en/decisions/{hub.told['denied'].hex()}").text
    assert "Why not" in page
    assert "The consent names another discloser." in page
    assert "the family. The guardians and the child can consent" in page
    assert "Consent given" in page


def test_a_consent_shows_what_leaned_on_it(hub: HubHouse) -> None:
    """A consent is a bar from recording to withdrawal, with a mark for the one decision that leaned on it."""
    hub.clock += 10
    browser = hub.browser(*ALL)
    page = browser.get(f"/sv/consents/{hub.told['given'].hex()}").text
    assert page.count('<line class="mark"') == 1
    assert page.count('<rect class="closed"') == 1
    assert "Återkallat" in page
    listed = browser.get("/sv/consents").text
    assert f"/sv/consents/{hub.told['given'].hex()}" in listed
    assert browser.get(f"/sv/consents/{hub.told['permit'].hex()}").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"unit={BUP}&kind=decision", {"denied"}), ("outcome=permit", {"permit"}), ("ground=CONSENT", {"permit"}),
        ("ground=CONSENT_DISCLOSER", {"denied"}), ("type=placement.notice", {"permit"}), ("kind=receipt", {"receipt"}),
        ("kind=refusal", {"refusal"}), (f"unit={SKOLA}&outcome=deny", {"denied"}), ("unit=nobody", set()),
    ],
)  # fmt: skip
def test_the_list_is_looked_in(hub: HubHouse, query: str, found: set[str]) -> None:
    """Each filter finds what it names and nothing else."""
    hub.clock += 10
    page = hub.browser(*ALL).get(f"/sv/decisions?{query}").text
    names = {name for name in ("permit", "denied", "refusal", "receipt", "evil", "given")
             if f'/sv/decisions/{hub.told[name].hex()}"' in page}  # fmt: skip
    assert names == found


def test_a_message_is_found_by_its_id(hub: HubHouse) -> None:
    """A message's id finds its decision and its receipt."""
    hub.clock += 10
    page = hub.browser(*ALL).get(f"/sv/decisions?message={hub.told['first'].hex()}").text
    assert len(re.findall(r'<td class="keep"><a href="/sv/decisions/', page)) == 2


def test_days_bound_the_list(hub: HubHouse) -> None:
    """From a day, and to the end of a day, by Stockholm's clock."""
    hub.clock += 10
    browser = hub.browser(*ALL)
    day = hub.source.found(hub.told["denied"])
    assert day is not None
    at = browser.get("/sv/decisions?outcome=deny").text
    shown = re.search(r'<time datetime="[^"]+">(\d{4}-\d\d-\d\d) ', at)
    assert shown
    assert hub.told["denied"].hex() in browser.get(f"/sv/decisions?from={shown[1]}&to={shown[1]}").text
    assert hub.told["permit"].hex() not in browser.get(f"/sv/decisions?from={shown[1]}").text


def test_nothing_becomes_markup(hub: HubHouse) -> None:
    """A unit's name, a party's, a code, a type, a category that is a script stays text, on every page."""
    hub.clock += 10
    browser = hub.browser(*ALL)
    entries = [hub.told[name].hex() for name in ("permit", "denied", "refusal", "evil", "given", "receipt")]
    paths = [
        "",
        "decisions",
        "consents",
        "conversations",
        "parties",
        "parties/skola",
        "rules",
        "log",
        "samples",
        f"samples/{hub.told['check'].hex()}",
        f"affected?unit={SKOLA}",
    ]
    paths += [f"decisions/{entry}" for entry in entries] + ["affected?ground=%3Cscript%3Ealert(1)%3C/script%3E"]
    seen = 0
    for language, path in itertools.product(("sv", "en"), paths):
        answer = browser.get(f"/{language}/{path}")
        assert answer.status_code == 200, path
        assert EVIL not in answer.text, path
        seen += "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert seen > 10


def test_a_spreadsheet_runs_nothing(hub: HubHouse) -> None:
    """In the exported list, a cell that a spreadsheet would take for a formula is text; the rest is as it was said."""
    hub.clock += 10
    hub.say(hub.record("=cmd|' /C calc'!A0", "@SUM(1)", ago=3, type="-2+3", code="+1"))
    answer = hub.browser(Role.AUDITOR).get("/sv/decisions.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="samband-decisions.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == len({row[-1] for row in rows})
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@\t\r" and cell]
    row = next(row for row in rows if "calc" in row[3])
    assert row[2:5] == ["'-2+3", "'=cmd|' /C calc'!A0", "'@SUM(1)"]
    assert hub.told["permit"].hex() in {row[-1] for row in rows}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_hostile_addresses_are_answered(hub: HubHouse, language: str) -> None:
    """Whatever stands in an address, the answer is a page, an error that says so, or a refusal; never a fault."""
    browser = hub.browser(*ALL)
    codes = set()
    paths = [*sorted({each.path for each in ROUTES if not each.at_party}), "login", "%00", "..%2f..%2f", "static/../x"]
    for path, value in itertools.product(paths, HOSTILE):
        hub.clock += 5
        filled = path.replace("{entry}", quote(value[:90], safe="")).replace("{party}", quote(value[:90], safe=""))
        filled = filled.replace("{check}", quote(value[:90], safe=""))
        query = "&".join(f"{name}={quote(value[:200], safe='')}" for name in NAMES)
        alone = f"unit={quote(value[:200], safe='')}"
        for asked in (f"/{language}/{filled}", f"/{language}/{filled}?{query}", f"/{language}/{filled}?{alone}"):
            answer = browser.get(asked)
            codes.add(answer.status_code)
            assert answer.status_code < 500, asked
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert EVIL not in answer.text
                assert "onerror=alert(1)>" not in answer.text
    assert codes <= {200, 303, 307, 400, 403, 404, 414}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_link_leads_somewhere(hub: HubHouse, language: str) -> None:
    """Followed from the front page, every link of the console's own is a page with one `h1` and a `lang`."""
    browser = hub.browser(*ALL)
    queue, seen = [f"/{language}/"], set()
    while queue:
        path = queue.pop().replace("&amp;", "&")
        if path in seen or len(seen) > 150 or not path.startswith(f"/{language}/"):
            continue
        seen.add(path)
        hub.clock += 5
        answer = browser.get(path)
        assert answer.status_code == 200, path
        if ".csv" in path:
            continue
        assert answer.text.count("<h1") == 1, path
        assert f'<html lang="{language}">' in answer.text
        ids = re.findall(r' id="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), path
        queue += re.findall(r'href="([^"]+)"', answer.text)
    assert len(seen) > 20


def test_the_lists_page_on(hub: HubHouse) -> None:
    """Page by page, newest first, every record comes once, over the edge of a month too."""
    hub.clock += 10
    for number in range(120):
        hub.say(hub.record(BUP, IFO, ago=35 - number / 4, type="sip.invitation"))
    browser = hub.browser(*ALL)
    path, found, pages = "/sv/decisions?type=sip.invitation", [], 0
    while path:
        text = browser.get(path).text
        found += re.findall(r'<td class="keep"><a href="/sv/decisions/([0-9a-f]{64})"', text)
        following = re.search(r'<a href="([^"]+)" rel="next"', text)
        path, pages = (following[1].replace("&amp;", "&"), pages + 1) if following else ("", pages + 1)
    assert (len(found), len(set(found)), pages) == (120, 120, 3)
    assert IFO in browser.get("/sv/decisions").text
