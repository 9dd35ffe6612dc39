"""Whoever may see a page sees it, and nobody else does: every role on every page, by the table itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from samband.connectors.desk.app import ROUTES, Address
from samband.connectors.desk.roles import TABLE, Page, Right, Role, may
from tests.desk.house import Desk, DeskHouse, World
from tests.desk.story import USER, Story, tell

DOCS = Path(__file__).resolve().parents[2] / "docs" / "desk.md"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, town: World) -> Iterator[tuple[DeskHouse, Desk, Story]]:
    """Give BUP's desk with a little of everything."""
    house = DeskHouse(tmp_path_factory.mktemp("desk") / "home", town)
    story = tell(house)
    yield house, house.desk("bup"), story
    house.close()


def path_of(address: Address, story: Story) -> str:
    """Return an address of a page that there is."""
    letter = story.ids["opened" if "misdirected" in address.path or "add" in address.path else "new"]
    message = {Page.SENT: story.ids["sent"], Page.CONSENTS: story.ids["consent"]}.get(address.page, letter)
    path = address.path.replace("{message}", message).replace("{where}", "inbox").replace("{number}", "1")
    kind = "health_exam.booking" if "check" in path else "dialogue.message"
    return path.replace("{type}", kind) + (f"?draft={story.ids['draft']}" if "check" in path else "")


@pytest.mark.parametrize("address", ROUTES, ids=lambda each: f"{each.method} {each.path or 'front'}")
@pytest.mark.parametrize("role", [*Role, None], ids=str)
def test_the_table_is_kept(told: tuple[DeskHouse, Desk, Story], address: Address, role: Role | None) -> None:
    """A role gets a page exactly where its row says so, a form too; nobody who is not signed in gets any."""
    _, desk, story = told
    desk.clock += 10
    browser = desk.browser(*([role] if role else []), user=USER)
    path = f"/sv/{path_of(address, story)}"
    if address.method == "POST":
        csrf = browser.csrf("/sv/") if role else "x"
        answer = browser.post(path, {"csrf": csrf, "draft": "00" * 16})
    else:
        answer = browser.get(path)
    if role is None:
        assert answer.status_code in (303, 401)
        assert answer.headers.get("location", "/sv/login") == "/sv/login"
    elif may([role], address.page, address.right):
        assert "Du får inte se det här" not in answer.text
        assert answer.status_code != 500
    else:
        assert answer.status_code == 403
        assert "Du får inte se det här" in answer.text


@pytest.mark.parametrize("role", Role)
def test_only_open_pages_are_shown(told: tuple[DeskHouse, Desk, Story], role: Role) -> None:
    """The menu names the pages that the role may open, and no other."""
    _, desk, _ = told
    desk.clock += 10
    text = desk.browser(role).get("/sv/").text
    for page in Page:
        name = "" if page is Page.WAITING else page
        assert (f'<li><a href="/sv/{name}"' in text) == may([role], page), page


def test_every_page_has_its_row() -> None:
    """Each page is in the table once, and each address belongs to one; two roles together may what either may."""
    assert [row.page for row in TABLE.rows] == list(Page)
    assert {each.page for each in ROUTES} == set(Page)
    for page, right in itertools.product(Page, Right):
        assert not may([], page, right)
        assert may(list(Role), page, right) == any(may([role], page, right) for role in Role)


def test_the_documented_table_is_this_one() -> None:
    """`docs/desk.md` holds the table as the desk enforces it."""
    assert TABLE.page() in DOCS.read_text("utf-8")
