"""Files that came with a letter: whole, on the letter's own terms, and saved by the browser and never shown."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from markupsafe import escape
from msgspec.structs import replace
from starlette.responses import Response

from samband.connectors.client import Client
from samband.connectors.desk.app import _download
from samband.connectors.desk.roles import Role
from samband.connectors.tracking import VIEW
from samband.schemas.attachment import PART_BYTES
from tests.desk.house import DeskHouse
from tests.desk.story import children

NAME = "Utlåtande ”1”; åäö & 'x'.pdf"
PDF = (b"%PDF-1.7\n" + bytes(range(256)) * 5000)[: 2 * PART_BYTES + 77]
TEXT = "Anteckningar från mötet.\n".encode()
REASON = "Ska boka besök för barnet"


def talk(house: DeskHouse) -> str:
    """Let social services send BUP a message with two files, and return its id."""
    child = children(house)[0].identifier
    return house.say("social", "dialogue.message", "IFO", "BUP", child, text="Här är utlåtandet.",
                     files=[(NAME, "application/pdf", PDF), ("möte.txt", "text/plain", TEXT)]).hex()  # fmt: skip


def views(house: DeskHouse, message: str) -> list[Any]:
    """Return who has read a letter."""
    return [step for step in house.connectors["bup"].store.steps(bytes.fromhex(message)) if step.kind == VIEW]


def saved(answer: Any) -> str:
    """Return the name that a browser saves an answer under."""
    found = re.fullmatch(r"attachment; filename\*=UTF-8''([A-Za-z0-9_.~%-]+)", answer.headers["content-disposition"])
    assert found
    return unquote(found[1])


def test_a_file_is_downloaded_whole(house: DeskHouse) -> None:
    """Each file of an opened letter has a link; its bytes are those that were sent; each download is a reading."""
    message = talk(house)
    browser = house.desk("bup").browser(Role.READER)
    browser.post(f"/sv/inbox/{message}/open", {"csrf": browser.csrf("/sv/")})
    page = browser.get(f"/sv/inbox/{message}").text
    assert f"Ladda ner {escape(NAME)}" in page
    assert "1,0 MB" in page
    assert f"{len(TEXT)} byte<" in page
    links = re.findall(rf'href="(/sv/inbox/{message}/files/\d+)"', page)
    before = len(views(house, message))
    for path, name, data in zip(links, (NAME, "möte.txt"), (PDF, TEXT), strict=True):
        answer = browser.get(path)
        assert (answer.status_code, answer.content == data, saved(answer)) == (200, True, name)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    found = views(house, message)[before:]
    assert [(each.detail["acting_user"], each.detail["role"]) for each in found] == 2 * [("anna01", "sekreterare")]
    for number in ("3", "0", "x", "99"):
        assert browser.get(f"/sv/inbox/{message}/files/{number}").status_code in (400, 404)
    assert len(views(house, message)) == before + 2


def test_a_file_opens_nothing(house: DeskHouse) -> None:
    """A link to a file of a letter that nobody has opened gives its cover, and is no reading."""
    message = talk(house)
    browser = house.desk("bup").browser(Role.READER)
    answer = browser.get(f"/sv/inbox/{message}/files/1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sv/inbox/{message}")
    assert "Ladda ner" not in browser.get(f"/sv/inbox/{message}").text
    assert views(house, message) == []


def test_another_units_person_gets_no_file(house: DeskHouse) -> None:
    """Whoever does not work for the unit gets what the letter's page gives, and so does a role that may not read."""
    message = talk(house)
    desk = house.desk("bup")
    reader = desk.browser(Role.READER)
    reader.post(f"/sv/inbox/{message}/open", {"csrf": reader.csrf("/sv/")})
    other = desk.browser(Role.READER, Role.PROTECTED, units=("ANOTHER",))
    page, file = other.get(f"/sv/inbox/{message}"), other.get(f"/sv/inbox/{message}/files/1")
    assert (page.status_code, file.status_code) == (404, 404)
    assert PDF[:8] not in file.content
    blind = desk.browser(Role.PROTECTED).get(f"/sv/inbox/{message}/files/1")
    assert (blind.status_code, blind.headers["location"]) == (303, f"/sv/inbox/{message}")
    assert desk.browser().get(f"/sv/inbox/{message}/files/1").headers["location"] == "/sv/login"
    assert views(house, message) == []


@pytest.mark.parametrize("protected", ["hold", "deliver"])
def test_a_protected_childs_file(house: DeskHouse, protected: str) -> None:
    """It is had with the right and for the reason that opened the letter, never by a link; the reason is recorded."""
    house.protected = protected
    for connector in house.connectors.values():
        connector.party.settings = house.settings(connector.party)
    house.mark(children(house)[0].identifier)
    message = talk(house)
    path, desk = f"/sv/inbox/{message}/files/1", house.desk("bup")
    reader = desk.browser(Role.READER, Role.WRITER)
    right = desk.browser(Role.READER, Role.PROTECTED, user="beata")
    shown = right.submit(right.get(f"/sv/inbox/{message}").text, f"/sv/inbox/{message}/open", reason=REASON).text
    for answer in (
        reader.get(path), reader.post(path, {"csrf": reader.csrf("/sv/"), "reason": REASON}), right.get(path),
        right.post(path, {"csrf": right.csrf("/sv/"), "reason": "kort"}),
    ):  # fmt: skip
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sv/inbox/{message}")
    assert len(views(house, message)) == 1
    assert f'href="{path}"' not in shown
    answer = right.submit(shown, path)
    assert (answer.status_code, answer.content == PDF, saved(answer)) == (200, True, NAME)
    view = views(house, message)[-1]
    assert (len(views(house, message)), view.detail["acting_user"]) == (2, "beata")
    box = house.connectors["bup"].store.box
    key = box.key(bytes.fromhex(message))
    assert box.open("view", key, bytes.fromhex(view.detail["reason"]))[1].decode() == REASON


@pytest.mark.parametrize(
    "name", ['a"; filename="b.exe', "a\r\nset-cookie: x=y\r\n\r\n.pdf", "a;b'c''.pdf", "../åäö", "％𝄞"]
)
def test_a_name_is_no_header(name: str) -> None:
    """Whatever a file is called, its name is one value of one header, and comes back as it was."""
    answer: Response = _download(name, b"x")
    value = answer.headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9_.~%-]+", value)
    assert unquote(value.partition("''")[2]) == name
    assert len([each for each in answer.raw_headers if each[0] == b"content-disposition"]) == 1


def test_a_broken_file_is_no_file(house: DeskHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file is not what its message describes any more, nobody gets half of it: the page says so."""
    message = talk(house)
    browser = house.desk("bup").browser(Role.READER)
    browser.post(f"/sv/inbox/{message}/open", {"csrf": browser.csrf("/sv/")})
    whole = Client.attachments
    monkeypatch.setattr(
        Client, "attachments", lambda self, found: [replace(each, sha256="0" * 64) for each in whole(self, found)]
    )
    answer = browser.get(f"/sv/inbox/{message}/files/1")
    assert answer.status_code == 409
    assert "inte hel" in answer.text
    assert PDF[:8] not in answer.content
