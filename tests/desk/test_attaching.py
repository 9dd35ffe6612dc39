"""Files are attached at the desk: what may go goes whole, what may not is said by name, and what was typed stays."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from samband.connectors.desk import attached
from samband.connectors.desk.drafts import LIFE_MS, Drafts
from samband.connectors.desk.roles import Role
from samband.connectors.web import uploads
from samband.connectors.web.session import IDLE_S
from samband.schemas.attachment import MOST_BYTES, MOST_FILES, PART_BYTES
from tests.desk.house import Browser, Desk, DeskHouse, World
from tests.desk.story import children

PDF = (b"%PDF-1.7\n" + bytes(range(256)) * 5000)[: 2 * PART_BYTES + 77]
TEXT = "Anteckningar från mötet.\n".encode()
TALK = "/sv/write/dialogue.message"
TYPED = "Här är utlåtandet.\nVi hörs."


@pytest.fixture
def bup(house: DeskHouse) -> Desk:
    """Give BUP's desk."""
    return house.desk("bup")


def written(house: DeskHouse, browser: Browser, *files: tuple[str, bytes], **fields: str) -> Any:
    """Fill in a message to social services with files, and send the form."""
    page = browser.get(f"{TALK}?to=IFO").text
    filled = {"f__child_identifier": children(house)[0].identifier, "f__text": TYPED, "necessity": "care",
              "action": "check", **fields}  # fmt: skip
    return browser.attach(page, TALK, files, **filled)


def letters(house: DeskHouse) -> list[Any]:
    """Return the messages that have come to social services."""
    return [row for row in house.connectors["social"].store.letters() if row.type == "dialogue.message"]


def kept(house: DeskHouse) -> int:
    """Return how many pieces of drafts' files BUP's store keeps."""
    database = house.connectors["bup"].store.database
    return int(database.execute("SELECT count(*) FROM meta WHERE length(value) > 400000").fetchone()[0])


def test_files_go_with_a_message(house: DeskHouse, bup: Desk) -> None:
    """Files chosen in the form arrive whole; before it is sent they are shown, and its page says how far they are."""
    browser = bup.browser(Role.WRITER)
    answer = written(house, browser, ("utlåtande.pdf", PDF), ("möte.txt", TEXT))
    assert answer.status_code == 303
    look = answer.headers["location"]
    page = browser.get(look).text
    assert "utlåtande.pdf" in page
    assert "1,0 MB" in page
    assert "möte.txt" in page
    assert "fri text" in page or "psykisk" in page.lower()
    sent = browser.submit(page, f"{TALK}/check", action="send").headers["location"]
    assert "0 av 4 delar är prövade" in browser.get(sent).text
    house.carry(1)
    page = browser.get(sent).text
    assert "i 4 delar" in page
    assert "utlåtande.pdf" in page
    house.carry()
    page = browser.get(sent).text
    assert "Filerna är framme med meddelandet, hela." in page
    assert "utlåtande.pdf" not in page, "of what has arrived nothing is kept here"
    row = letters(house)[0]
    store = house.connectors["social"].store
    named = row.letter["content"]["attachments"]
    assert [(each["name"], each["size"]) for each in named] == [("utlåtande.pdf", len(PDF)), ("möte.txt", len(TEXT))]
    assert [b"".join(store.file_data(row.message_id, at)) for at in (0, 1)] == [PDF, TEXT]
    browser.get("/sv/")
    assert kept(house) == 0, "the draft and its files are erased when it is permitted"


def test_an_answer_carries_files(house: DeskHouse, bup: Desk) -> None:
    """A statement with its file answers a request, in the same conversation."""
    child = children(house)[0].identifier
    request = house.say("social", "health_exam.request", "IFO", "BUP", child, part="oral", law="SoL",
                        placed_on="2027-01-04").hex()  # fmt: skip
    browser = bup.browser(Role.WRITER)
    browser.post(f"/sv/inbox/{request}/open", {"csrf": browser.csrf("/sv/")})
    path = "/sv/write/health_exam.statement"
    page = browser.get(f"{path}?reply={request}").text
    assert 'enctype="multipart/form-data"' in page
    answer = browser.attach(page, path, [("u.pdf", PDF)], f__examined_on="2027-02-10", f__assessment="Inget.",
                            f__part="oral", necessity="care", action="check")  # fmt: skip
    look = answer.headers["location"]
    browser.submit(browser.get(look).text, f"{path}/check", action="send")
    house.carry()
    came = [row for row in house.connectors["social"].store.letters() if row.type == "health_exam.statement"]
    assert came[0].letter["ref_to"] == request
    assert [each["name"] for each in came[0].letter["content"]["attachments"]] == ["u.pdf"]


def test_a_question_counts_the_files(house: DeskHouse, bup: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked first, a message with files is decided as one: the same categories as when it is sent."""
    from samband.connectors.client import Client

    told: list[tuple[str, ...]] = []
    whole = Client.ask
    monkeypatch.setattr(
        Client, "ask", lambda self, *args, **named: (told.append(named["fields"]), whole(self, *args, **named))[1]
    )
    browser = bup.browser(Role.WRITER)
    look = written(house, browser, ("u.pdf", PDF)).headers["location"]
    browser.submit(browser.get(look).text, f"{TALK}/check", action="ask")
    assert "attachments" in told[0]
    assert house.connectors["bup"].store.parts_decided(bytes.fromhex(look.partition("draft=")[2])) == (0, 0)


REFUSED = {
    "empty": (("tom.pdf", b""), "”tom.pdf” är tom"),
    "program": (("x.exe", b"MZ\x90\0"), "”x.exe” är inte av ett slag"),
    "page": (("a.html", b"<script>alert(1)</script>"), "”a.html” är inte av ett slag"),
    "disguised": (("x.pdf", b"MZ\x90\0" + bytes(999)), "”x.pdf” är inte vad namnet säger"),
    "not text": (("x.txt", b"\xff\xfe\0x"), "”x.txt” är inte vad namnet säger"),
    "path": (("../../etc/passwd.pdf", PDF), "En fils namn går inte att använda"),
    "backslashes": (("..\\\\..\\\\x.pdf", PDF), "En fils namn går inte att använda"),
    "control": (("a\x01b.pdf", PDF), "En fils namn går inte att använda"),
    "turned": (("fdp\u202efdp.pdf", PDF), "En fils namn går inte att använda"),
    "long": ((300 * "a" + ".pdf", PDF), "En fils namn går inte att använda"),
    "dots": ((".pdf", PDF), "En fils namn går inte att använda"),
    "nameless": (("", PDF), "En fils namn går inte att använda"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_go_is_said(house: DeskHouse, bup: Desk, case: str) -> None:
    """A file that cannot go is told by the field; what was typed and the files that can go are kept."""
    (name, data), told = REFUSED[case]
    browser = bup.browser(Role.WRITER)
    answer = written(house, browser, ("bra.pdf", PDF), (name, data))
    assert answer.status_code == 400
    page = unescape(answer.text)
    assert page.count(told) == 2, "in the list of what is wrong, and at the field"
    assert 'href="#f-attachments"' in page
    assert TYPED in page
    assert children(house)[0].identifier in page
    assert "Ta bort bra.pdf" in page
    assert "\u202e" not in page
    assert "<script>alert(1)</script>" not in answer.text
    assert "x=y" not in str(answer.headers)
    again = browser.attach(answer.text, TALK, [], f__child_identifier=children(house)[0].identifier, f__text=TYPED,
                           necessity="care", action="check")  # fmt: skip
    assert again.status_code == 303
    page = browser.get(again.headers["location"]).text
    assert "bra.pdf" in page
    assert page.count("MB</span>") == 1


def test_a_recipient_takes_some_kinds(tmp_path: Any, town: World) -> None:
    """What the recipient's card does not name is refused before anything is said, and the form names what is taken."""
    world, taken = World("kinds"), {"SKOLA": ("attachments.txt",)}
    plain = world.units
    world.units = lambda party: tuple(  # type: ignore[method-assign]
        replace(unit, receives=taken.get(unit.id, ("attachments.pdf",))) for unit in plain(party)
    )
    for party in world.parties:
        world.records.append(world.card(party, world.units(party), version=2))
    world.publish(world.directory)
    house = DeskHouse(tmp_path / "kinds", world)
    try:
        browser = house.desk("bup").browser(Role.WRITER)
        page = browser.get(f"{TALK}?to=IFO").text
        assert 'accept=".pdf"' in page
        answer = written(house, browser, ("möte.txt", TEXT), ("u.pdf", PDF))
        assert answer.status_code == 400
        assert "Mottagaren tar inte emot filer av det slaget: ”möte.txt”" in answer.text
        assert "Ta bort u.pdf" in answer.text
        assert TYPED in answer.text
    finally:
        house.close()


def test_too_much_is_not_kept(house: DeskHouse, bup: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 30 MB together comes back with what was typed; nothing more of it is looked at."""
    read: list[int] = []
    whole = uploads._Parser.on_part_data
    monkeypatch.setattr(
        uploads._Parser, "on_part_data",
        lambda self, data, start, end: (read.append(end - start), whole(self, data, start, end))[1],
    )  # fmt: skip
    browser = bup.browser(Role.WRITER)
    for files in ([("stor.pdf", PDF + bytes(2 * MOST_BYTES))], [("a.pdf", PDF + bytes(MOST_BYTES // 2)),
                                                                 ("b.pdf", PDF + bytes(MOST_BYTES // 2))]):  # fmt: skip
        read.clear()
        answer = written(house, browser, *files)
        assert answer.status_code == 400
        assert answer.text.count("Filerna är större än 30 MB tillsammans") == 2
        assert TYPED in answer.text
        assert sum(read) < MOST_BYTES + 10_000_000


def test_one_that_fits_and_one_that_does_not(house: DeskHouse, bup: Desk) -> None:
    """What is kept already counts: the limits hold for all files of a message together."""
    browser = bup.browser(Role.WRITER)
    first = written(house, browser, ("a.pdf", PDF + bytes(20_000_000)), f__text="")
    assert first.status_code == 400
    assert "Ta bort a.pdf" in first.text
    answer = browser.attach(first.text, TALK, [("b.pdf", PDF + bytes(15_000_000))], f__text=TYPED, action="check")
    assert answer.text.count("Filerna är större än 30 MB tillsammans") == 2
    assert "Ta bort a.pdf" in answer.text
    assert "Ta bort b.pdf" not in answer.text


@pytest.mark.parametrize("count", [MOST_FILES + 1, uploads.MOST_FILES + 20])
def test_too_many(house: DeskHouse, bup: Desk, count: int) -> None:
    """More than 20 files come back with what was typed."""
    browser = bup.browser(Role.WRITER)
    answer = written(house, browser, *((f"{number}.txt", b"%d" % number) for number in range(count)))
    assert answer.status_code == 400
    assert answer.text.count("Högst 20 filer följer med") == 2
    assert TYPED in answer.text


def test_a_file_is_removed(house: DeskHouse, bup: Desk) -> None:
    """What is marked goes, at once and for good; the same file chosen twice is one."""
    browser = bup.browser(Role.WRITER)
    page = written(house, browser, ("u.pdf", PDF), ("u.pdf", PDF), f__text="").text
    assert page.count("Ta bort u.pdf") == 1
    assert kept(house) == 2
    name = re.search(r'name="(drop-[0-9a-f]{32})"', page)
    assert name
    page = browser.attach(page, TALK, [], f__text="", action="check", **{name[1]: "yes"}).text
    assert "Ta bort u.pdf" not in page
    assert kept(house) == 0


def test_files_end_with_their_draft(house: DeskHouse, bup: Desk) -> None:
    """A draft that is erased, or too old, leaves no piece of a file behind; nor does one that broke off."""
    browser = bup.browser(Role.WRITER)
    written(house, browser, ("u.pdf", PDF), action="keep")
    assert kept(house) == 2
    page = browser.get("/sv/").text
    browser.submit(page, "/sv/unkeep")
    assert kept(house) == 0
    written(house, browser, ("u.pdf", PDF), action="keep")
    house.gate.now += LIFE_MS + 1000
    browser.get("/sv/")
    assert kept(house) == 0


def test_what_broke_off_is_erased(house: DeskHouse, bup: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of which only some pieces were kept is none, and goes with its draft; what was typed is there."""
    browser = bup.browser(Role.WRITER)
    keep = attached.keep
    monkeypatch.setattr(
        "samband.connectors.desk.pages.write.keep",
        lambda store, looked: keep(store, looked) and [each.attached for each in looked],
    )
    page = written(house, browser, ("u.pdf", PDF), f__text="").text
    monkeypatch.undo()
    assert kept(house) == 2
    assert "Ta bort u.pdf" not in page
    assert browser.attach(page, TALK, [], f__text=TYPED, action="keep", necessity="care").status_code == 303
    assert kept(house) == 0


def test_refused_files_come_back(house: DeskHouse, bup: Desk) -> None:
    """A message that the gate denied is a draft again with its files, under another id, and can be sent on."""
    browser = bup.browser(Role.WRITER)
    page = browser.get(f"{TALK}?to=SKOLA").text
    answer = browser.attach(page, TALK, [("u.pdf", PDF)], f__child_identifier=children(house)[0].identifier,
                            f__text=TYPED, necessity="care", action="check")  # fmt: skip
    look = answer.headers["location"]
    sent = browser.submit(browser.get(look).text, f"{TALK}/check", action="send").headers["location"]
    house.carry()
    page = browser.get(sent).text
    assert "Filerna har inte lämnats över." in page
    link = re.search(r'href="(/sv/write/dialogue.message/check\?draft=[0-9a-f]{32})"', page)
    assert link
    assert link[1] != look
    assert "u.pdf" in browser.get(link[1]).text
    assert kept(house) == 2


def test_a_late_form_keeps_its_files(house: DeskHouse, bup: Desk) -> None:
    """Files that came after the session's end lie with the draft of whoever chose them; a stranger's are not read."""
    browser = bup.browser(Role.WRITER)
    page = browser.get(f"{TALK}?to=IFO").text
    bup.clock += IDLE_S + 1
    answer = browser.attach(page, TALK, [("u.pdf", PDF)], f__text=TYPED, action="check")
    assert answer.status_code == 401
    party = house.opened("bup")
    draft = Drafts(party, "anna01").all(house.gate.now)[0]
    party.store.close()
    assert [each.file.name for each in draft.attached] == ["u.pdf"]
    assert draft.values["text"] == TYPED
    stranger = bup.browser()
    answer = stranger.attach(page, TALK, [("u.pdf", PDF)], f__text=TYPED)
    assert answer.headers["location"] == "/sv/login"
    assert kept(house) == 2


def test_only_its_own_forms_carry_files(house: DeskHouse, bup: Desk) -> None:
    """Elsewhere a form with files is refused unread; there it has this site's origin and the session's token."""
    browser = bup.browser(*Role)
    page = browser.get(f"{TALK}?to=IFO").text
    fields = {**browser.hidden(page, TALK), "f-text": TYPED}
    files = [("u.pdf", PDF)]
    for path in ("/sv/unkeep", f"{TALK}/check", "/sv/papers", "/sv/login", "/sv/logout", "/sv/write"):
        assert browser.carry(path, fields, files).status_code == 415, path
    assert browser.carry(TALK, fields, files, origin="https://evil.example").status_code == 403
    assert browser.carry(TALK, {**fields, "csrf": "0" * 64}, files).status_code == 403
    assert browser.carry(TALK, {k: v for k, v in fields.items() if k != "csrf"}, files).status_code == 403
    booking = browser.carry("/sv/write/health_exam.booking", fields, files)
    assert booking.status_code == 400
    assert "har inga filer med sig" in booking.text
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other",
                 "multipart/mixed; boundary=edge", "multipart/form-data; boundary=" + 5000 * "x",
                 "multipart/form-data; boundary=edge; charset=zlib"):  # fmt: skip
        assert browser.carry(TALK, fields, files, content_type=kind).status_code in (303, 400, 403, 415), kind
    twice = [("u.pdf", PDF), ('x"; name="f-text', b"x")]
    assert browser.carry(TALK, fields, twice).status_code in (303, 400)
    assert kept(house) <= 4


def test_no_file_lies_on_a_disk_in_plain_text(house: DeskHouse, bup: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its size, a file is in memory until it is sealed; and its form leaves its place when it is answered."""

    def written_down(_: Any) -> None:
        pytest.fail("a file was written to a temporary file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", written_down)
    browser = bup.browser(Role.WRITER)
    for _ in range(3):
        assert written(house, browser, ("stort.pdf", b"%PDF-1.7\n".ljust(5 << 20, b"a"))).status_code == 303


def test_two_at_a_time(bup: Desk) -> None:
    """While two forms with files are read, a third is told to wait; one that is given up leaves room again."""
    import asyncio

    browser = bup.browser(Role.WRITER)
    headers = [(b"host", b"127.0.0.1:8650"), (b"origin", b"http://127.0.0.1:8650"),
               (b"cookie", f"samband_desk={browser.cookie}".encode()),
               (b"content-type", b"multipart/form-data; boundary=edge")]  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": TALK, "query_string": b"", "headers": headers,
             "client": ("127.0.0.1", 1)}  # fmt: skip

    async def story() -> list[int]:
        gone = asyncio.Event()
        told: list[int] = []

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                told.append(message["status"])

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(bup.app(dict(scope), receive, send))
            await asyncio.sleep(0)
            await bup.app(dict(scope), receive, send)
            gone.set()
        await bup.app(dict(scope), receive, send)
        return told

    assert asyncio.run(story()) == [429, 400, 400, 400]
