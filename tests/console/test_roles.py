"""Whoever may see a page sees it, and nobody else does: every role on every page, by the table itself."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from samband.connectors.console.app import ROUTES, Address
from samband.connectors.console.roles import TABLE, Page, Right, Role, may
from tests.console.house import IFO, HubHouse

AT_HUB = [each for each in ROUTES if not each.at_party]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "console.md"


def path_of(address: Address, hub: HubHouse) -> str:
    """Return an address of a page that there is."""
    entry = hub.told["given" if "consents" in address.path else "permit"].hex()
    path = (
        address.path.replace("{entry}", entry).replace("{party}", "skola").replace("{check}", hub.told["check"].hex())
    )
    return path + {"rules/diff": "?one=1&other=1", "affected.csv": f"?unit={IFO}"}.get(address.path, "")


@pytest.mark.parametrize("address", AT_HUB, ids=lambda each: each.path or "front")
@pytest.mark.parametrize("role", [*Role, None], ids=str)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_table_is_kept(hub: HubHouse, address: Address, role: Role | None, language: str) -> None:
    """A role gets a page exactly where its row says so; nobody who is not signed in gets any."""
    hub.clock += 10
    browser = hub.browser(*([role] if role else []))
    path = f"/{language}/{path_of(address, hub)}"
    if address.method == "POST":
        answer = browser.post(path, {"csrf": browser.csrf()} if role else {})
    else:
        answer = browser.get(path)
    if role is None:
        assert (answer.status_code, answer.headers["location"]) == (303, f"/{language}/login")
        assert IFO not in answer.text
    elif may([role], address.page, address.right):
        assert answer.status_code in ((200,) if address.method == "GET" else (303, 400))
    else:
        assert answer.status_code == 403
        assert IFO not in answer.text


@pytest.mark.parametrize("role", Role)
def test_only_open_pages_are_shown(hub: HubHouse, role: Role) -> None:
    """The menu names the pages that the role may open, and no other."""
    hub.clock += 10
    text = hub.browser(role).get("/sv/").text
    for page in {each.page for each in AT_HUB}:
        name = "" if page is Page.OVERVIEW else page
        assert (f'<li><a href="/sv/{name}"' in text) == may([role], page), page


def test_every_page_has_its_row() -> None:
    """Each page is in the table once, each address belongs to a page, each right of a row is asked for somewhere."""
    assert [row.page for row in TABLE.rows] == list(Page)
    assert {each.page for each in ROUTES} == set(Page)
    asked = {(each.page, each.right) for each in ROUTES}
    given = {(row.page, right) for row in TABLE.rows for rights in row.rights.values() for right in rights}
    assert given == asked


def test_roles_add_up() -> None:
    """Two roles together may what either may; none may nothing."""
    for page, right in itertools.product(Page, Right):
        assert not may([], page, right)
        assert may(list(Role), page, right) == any(may([role], page, right) for role in Role)


def test_the_documented_table_is_this_one() -> None:
    """`docs/console.md` holds the table as the app enforces it."""
    assert TABLE.page() in DOCS.read_text("utf-8")
