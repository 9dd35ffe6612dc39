"""Files handed in over the interface: whole at the recipient, sealed meanwhile, gone when they are sent or old."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from samband.connectors import attachments
from samband.connectors.rest import files, guard
from samband.connectors.rest.house import Hosted
from samband.connectors.rest.once import Once
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.serving import serving
from samband.connectors.rest.settings import RestSettings, Scope
from samband.connectors.rest.shapes import Send
from samband.connectors.retention import held
from samband.schemas.attachment import MOST_BYTES, MOST_FILES, PART_BYTES
from samband.schemas.examples import example
from tests.rest.conftest import Api, Apis, House, token
from tests.rest.test_messages import concern

PDF = b"%PDF-1.7".ljust(2 * PART_BYTES + 7, b"a")
TYPE = "application/pdf"
MARK = b"HEMLIGT-ORD"
UNKNOWN = "0" * 32


def named(name: str) -> str:
    """Return a header that names a file."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


async def hand_in(
    api: Api, data: Any = PDF, name: str = "utlåtande.pdf", kind: str = TYPE, status: int = 201, **headers: str
) -> Any:
    """Hand a file in."""
    said = {**api.headers, "content-type": kind, "content-disposition": named(name), **headers}
    answer = await api.http.post("/v1/files", content=data, headers=said)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def kept(house: House, name: str = "skola") -> tuple[int, int]:
    """Return how many files and pieces a party's store keeps."""
    found: tuple[int, int] = (
        house.party(name)
        .store.database.execute("SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM upload_pieces)")
        .fetchone()
    )
    return found


def naming(house: House, *ids: str) -> dict[str, Any]:
    """Return a message that names files."""
    return concern(house) | {"attachments": list(ids)}


async def arrived(house: House, api: Apis, message_id: str) -> list[bytes]:
    """Let a message go its way, and return the files that its recipient fetches."""
    house.settle()
    letter = f"/v1/inbox/{message_id}"
    named = (await api["social"].get(letter))["data"]["content"]["attachments"]
    got = []
    for number, each in enumerate(named, 1):
        answer = await api["social"].http.get(f"{letter}/attachments/{number}", headers=api["social"].headers)
        assert hashlib.sha256(answer.content).hexdigest() == each["sha256"]
        got.append(answer.content)
    return got


@asynccontextmanager
async def knock(http: httpx.AsyncClient, *lines: str, body: bytes = b"") -> AsyncIterator[Any]:
    """Begin an upload by hand and leave it open; give what reads its answer's status and text."""
    url = http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        "POST /v1/files HTTP/1.1",
        "Host: x",
        f"Content-Type: {TYPE}",
        f"Content-Disposition: {named('a.pdf')}",
        *lines,
    )
    writer.write("".join(f"{each}\r\n" for each in head).encode() + b"\r\n" + body)
    await writer.drain()

    async def answer() -> tuple[int, str]:
        async with asyncio.timeout(10):
            text = (await reader.read()).decode()
        return int(text.split()[1]), text

    try:
        yield answer
    finally:
        writer.close()


async def until(condition: Any) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0.01)


# the whole way


async def test_two_files_go_with_a_message(house: House, api: Apis) -> None:
    """What is handed in and named comes to the recipient in that order, byte by byte, and is kept here no longer."""
    skola, text = api["skola"], "Åsa säger hej.".encode()
    first = await hand_in(skola)
    second = await hand_in(skola, text, "Ett brev.TXT", "Text/Plain; charset=utf-8")
    assert {key: second[key] for key in ("name", "media_type", "size", "sha256")} == {
        "name": "Ett brev.TXT", "media_type": "text/plain", "size": len(text),
        "sha256": hashlib.sha256(text).hexdigest(),
    }  # fmt: skip
    assert (await skola.get("/v1/files"))["items"] == [first, second]
    said = await skola.post("/v1/messages", naming(house, second["file_id"], first["file_id"]))
    assert kept(house) == (0, 0)
    assert await arrived(house, api, said["message_id"]) == [text, PDF]
    problem = await skola.post("/v1/messages", naming(house, first["file_id"]), 422)
    assert problem["code"] == "ATTACHMENT_UNKNOWN", "a file goes with one message"


async def test_a_whole_file_is_never_in_memory(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 MB, the most that goes, are handed in and taken by a message with less than 4 MB of memory."""

    async def body() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7".ljust(1 << 16, b"a")
        for _ in range((MOST_BYTES >> 16) - 1):
            yield bytes(1 << 16)

    await hand_in(api["skola"])  # what is loaded at the first time
    monkeypatch.setattr(house.connectors["skola"].service, "seal_new", list)  # the sender's, megabytes at a time
    tracemalloc.start()
    try:
        file = await hand_in(api["skola"], body())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        said = await api["skola"].post("/v1/messages", naming(house, file["file_id"]))
        sending = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert file["size"] == MOST_BYTES
    assert peak < 4 << 20
    assert sending < 4 << 20
    assert len(house.party("skola").store.parts_said(bytes.fromhex(said["message_id"]))) == -(-MOST_BYTES // PART_BYTES)


async def test_what_waits_is_sealed(house: House, api: Apis) -> None:
    """Neither a file's bytes nor its name stand in the store's files; a piece that was moved is not read."""
    store = house.party("skola").store
    first = await hand_in(api["skola"], PDF + MARK, f"{MARK.decode()}.pdf")
    stored = b"".join(each.read_bytes() for each in house.connectors["skola"].folder.rglob("*") if each.is_file())
    assert MARK not in stored
    one = "(SELECT data FROM upload_pieces WHERE part = 1)"
    store.database.execute(f"UPDATE upload_pieces SET data = {one} WHERE part = 0")  # noqa: S608
    problem = await api["skola"].post("/v1/messages", naming(house, first["file_id"]), 422)
    assert problem["code"] == "HUB_RECORD_BROKEN"
    assert store.said() == []


# refused


@pytest.mark.parametrize(
    ("name", "kind", "data", "code"),
    [
        ("a.pdf", TYPE, b"", "ATTACHMENT_EMPTY"),
        ("a.pdf", TYPE, b"PK\x03\x04 no pdf", "ATTACHMENT_CONTENT"),
        ("a.exe", TYPE, PDF, "ATTACHMENT_KIND"),
        ("a.pdf", "image/png", PDF, "ATTACHMENT_KIND"),
        ("a.pdf", "application/x-www-form-urlencoded", PDF, "ATTACHMENT_KIND"),
        ("a.txt", "text/plain", b"a" * PART_BYTES + b"\xff", "ATTACHMENT_CONTENT"),
        ("a.txt", "text/plain", "å".encode()[:1], "ATTACHMENT_CONTENT"),
        ("../a.pdf", TYPE, PDF, "ATTACHMENT_NAME"),
        ("a\u202efdp.pdf", TYPE, PDF, "ATTACHMENT_NAME"),
        ("a\r\nx: y.pdf", TYPE, PDF, "ATTACHMENT_NAME"),
        ("\0.pdf", TYPE, PDF, "ATTACHMENT_NAME"),
        ("Maja" * 60 + ".pdf", TYPE, PDF, "ATTACHMENT_NAME"),
        ("", TYPE, PDF, "ATTACHMENT_NAME"),
    ],
)
async def test_a_file_that_cannot_go(house: House, api: Apis, name: str, kind: str, data: bytes, code: str) -> None:
    """What could not be sent is not taken in either; nothing of it is kept, and its name is not repeated."""
    problem = await hand_in(api["skola"], data, name, kind, 422)
    assert problem["code"] == code
    assert "Maja" not in str(problem)
    assert kept(house) == (0, 0)


@pytest.mark.parametrize("header", [
    None, b"attachment", b"attachment; filename*=UTF-8''%ff.pdf", 'attachment; filename="\xe5.pdf"'.encode("latin-1"),
    "attachment; filename=å.pdf".encode(),
])  # fmt: skip
async def test_a_name_that_is_no_text(house: House, api: Apis, header: bytes | None) -> None:
    """Who names no file, or in bytes that nobody can know the meaning of, is told how it is done."""
    said = {**api["skola"].headers, "content-type": TYPE, **({"content-disposition": header} if header else {})}
    answer = await api["skola"].http.post("/v1/files", content=PDF, headers=said)
    assert (answer.status_code, answer.json()["code"]) == (400, "FILE_NAME")
    assert "filename*=UTF-8" in answer.json()["detail"]
    assert kept(house) == (0, 0)


async def test_a_plain_name(house: House, api: Apis) -> None:
    """What curl and browsers write for an ASCII name is taken too."""
    header = {"content-disposition": 'attachment; filename="utlatande 2.pdf"'}
    assert (await hand_in(api["skola"], **header))["name"] == "utlatande 2.pdf"


async def test_a_file_that_is_too_large(house: House, api: Apis) -> None:
    """A length that says so is enough; else it ends with the first byte above 30 MB. Nothing is kept."""

    async def body(count: int) -> AsyncIterator[bytes]:
        yield b"%PDF-1.7".ljust(1 << 20, b"a")
        for _ in range(count - 1):
            yield bytes(1 << 20)

    for data in (body(40), bytes(MOST_BYTES + 1)):
        assert (await hand_in(api["skola"], data, status=413))["code"] == "ATTACHMENT_TOO_LARGE"
    async with knock(api["skola"].http, auth(api["skola"]), f"Content-Length: {MOST_BYTES + 1}") as answer:
        assert (await answer())[0] == 413
    assert kept(house) == (0, 0)


async def test_reading_ends_with_the_first_byte_too_many() -> None:
    """Of a body without end and without a length 30 MB are read, and one piece that tells that there is more."""
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        sent += 1 << 16
        assert sent <= MOST_BYTES + (1 << 16)
        return {"type": "http.request", "body": bytes(1 << 16), "more_body": True}

    async def read() -> None:
        async for piece in files._pieces(receive):
            assert len(piece) == PART_BYTES

    with pytest.raises(ProblemError) as caught:
        await read()
    assert caught.value.code == "ATTACHMENT_TOO_LARGE"
    assert sent == MOST_BYTES + (1 << 16)


async def test_a_body_without_end_ends(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who goes on sending after the answer is cut off."""
    monkeypatch.setattr(guard, "_THROWN_S", 0.2)
    async with knock(api["skola"].http, auth(api["skola"]), f"Content-Length: {1 << 40}") as answer:
        assert "connection: close" in (await answer())[1]


def auth(api: Api) -> str:
    """Return the header line of a client's token."""
    return f"Authorization: {api.headers['authorization']}"


async def test_a_caller_is_let_in_before_its_body_is_read(
    house: House, api: Apis, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may not hand in files hears so while not one byte has come, and the connection ends there."""
    monkeypatch.setattr(guard, "_THROWN_S", 0.1)
    for line, status, code in (
        ("Authorization: Bearer wrong", 401, "TOKEN_INVALID"),
        ("X-Nothing: x", 401, "TOKEN_MISSING"),
    ):
        async with knock(http, line, "Content-Length: 1000000", "Expect: 100-continue") as answer:
            got, text = await answer()
            assert (got, code in text) == (status, True), "and is not asked to go on"
    secret = house.secrets["skola"]
    fetching = (await token(http, "skola", secret, scope="inbox")).json()["access_token"]
    async with knock(http, f"Authorization: Bearer {fetching}", "Content-Length: 1000000") as answer:
        got, text = await answer()
        assert (got, "SCOPE_MISSING" in text) == (403, True)
    async with knock(http, auth(api["skola"]), "Origin: https://x", "Content-Length: 1000000") as answer:
        assert (await answer())[0] == 403


async def test_a_body_that_comes_too_slowly(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that does not come in its time ends the upload, and nothing of it is kept."""
    monkeypatch.setattr(files, "SLOW_S", 0.3)
    monkeypatch.setattr(guard, "_THROWN_S", 0.1)
    async with knock(api["skola"].http, auth(api["skola"]), "Content-Length: 1000000", body=PDF[:600_000]) as answer:
        await until(lambda: kept(house) == (1, 1))
        got, text = await answer()
    assert (got, "BODY_SLOW" in text) == (408, True)
    assert kept(house) == (0, 0)


async def test_a_body_that_is_cut(house: House, api: Apis) -> None:
    """Of a file that did not come to its end nothing is kept."""
    async with knock(api["skola"].http, auth(api["skola"]), "Content-Length: 1000000", body=PDF[:600_000]):
        await until(lambda: kept(house) == (1, 1))
        assert (await api["skola"].get("/v1/files"))["items"] == [], "nobody can name it before it is whole"
    await until(lambda: kept(house) == (0, 0))


async def test_how_many_come_in_at_once(house: House, api: Apis) -> None:
    """A client has four uploads at once and is told when to come again; its other requests go on."""
    skola = api["skola"]
    line = (auth(skola), "Content-Length: 1000000")
    async with knock(skola.http, *line), knock(skola.http, *line), knock(skola.http, *line):
        async with knock(skola.http, *line):
            await until(lambda: kept(house) == (4, 0))
            async with knock(skola.http, *line) as answer:
                got, text = await answer()
            assert (got, "TOO_MANY_UPLOADS" in text, "retry-after: 5" in text) == (429, True, True)
            await hand_in(api["social"])
            await skola.get("/v1/messages")
        await until(lambda: kept(house) == (3, 0))
        await hand_in(skola)


async def test_how_much_waits(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client keeps so many files and bytes; above, it is told the way out, and another client is not touched."""
    monkeypatch.setattr(files, "MOST_KEPT", 3)
    made = [await hand_in(api["skola"], b"%PDF-1.7") for _ in range(3)]
    answer = await api["skola"].http.post(
        "/v1/files",
        content=PDF,
        headers=api["skola"].headers | {"content-type": TYPE, "content-disposition": named("a.pdf")},
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "FILES_WAIT")
    assert "DELETE /v1/files/{id}" in answer.json()["detail"]
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    await hand_in(api["social"])
    await take_away(api["skola"], made[0]["file_id"])
    await hand_in(api["skola"], b"%PDF-1.7")
    monkeypatch.setattr(files, "MOST_KEPT", 20)
    monkeypatch.setattr(files, "MOST_KEPT_BYTES", len(PDF) + 24)
    await hand_in(api["skola"])

    async def unsaid() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7"

    assert (await hand_in(api["skola"], unsaid(), status=429))["code"] == "FILES_WAIT"
    assert kept(house) == (4, 6)


async def take_away(api: Api, file_id: str, status: int = 204) -> Any:
    """Take a file away."""
    answer = await api.http.delete(f"/v1/files/{file_id}", headers=api.headers)
    assert answer.status_code == status, answer.text
    return answer.json() if status != 204 else None


# named by a message


async def test_ids_that_are_not_the_clients(house: House, api: Apis) -> None:
    """Each id that is unknown, another party's, over or there twice has its place; nothing is said."""
    skola, other = api["skola"], await hand_in(api["social"])
    own = await hand_in(skola)
    problem = await skola.post("/v1/messages", naming(house, own["file_id"], UNKNOWN, other["file_id"]), 422)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("/attachments/1", "ATTACHMENT_UNKNOWN"), ("/attachments/2", "ATTACHMENT_UNKNOWN"),
    ]  # fmt: skip
    problem = await skola.post("/v1/messages", naming(house, own["file_id"], own["file_id"]), 422)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/attachments/1", "ATTACHMENT_TWICE")]
    for ids, pointer in (([UNKNOWN, "x"], "/attachments/1"), ([UNKNOWN] * (MOST_FILES + 1), "/attachments")):
        problem = await skola.post("/v1/messages", concern(house) | {"attachments": ids}, 422)
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, "BODY_FORM")]
    for file_id in (other["file_id"], UNKNOWN, "x"):
        assert (await take_away(skola, file_id, 404))["code"] == "ATTACHMENT_UNKNOWN"
    assert house.party("skola").store.said() == []
    assert (kept(house), kept(house, "social")) == ((1, 3), (1, 3))


async def test_another_client_of_the_same_party(house: House) -> None:
    """A party's systems do not see, send or take away each other's files."""
    house.open("skola")
    hosted = house.hosted["skola"]
    (one,) = hosted.settings.client
    settings = replace(hosted.settings, client=(one, replace(one, id="other", scopes=(Scope.SEND,))))
    house.hosted["skola"] = Hosted(hosted.party, hosted.service, settings)
    async with (
        serving(house.hosted, RestSettings(listen="127.0.0.1:0"), clock=house.clock) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http,
    ):
        answers = [await token(http, each, house.secrets["skola"]) for each in ("skola", "other")]
        skola, other = (Api(http, each.json()["access_token"]) for each in answers)
        file = await hand_in(skola)
        assert (await other.get("/v1/files"))["items"] == []
        house.open("social")
        problem = await other.post("/v1/messages", naming(house, file["file_id"]), 422)
        assert problem["errors"][0]["pointer"] == "/attachments/0"
        await take_away(other, file["file_id"], 404)
        await take_away(skola, file["file_id"])
        assert kept(house) == (0, 0)


async def test_what_the_recipient_does_not_take(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds, total and type are judged before anything is said, and the files stay for another try."""
    skola = api["skola"]
    ids = [(await hand_in(skola))["file_id"] for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(attachments, "MOST_BYTES", len(PDF) + 1)
        assert (await skola.post("/v1/messages", naming(house, *ids), 422))["code"] == "ATTACHMENT_TOO_LARGE"
    with monkeypatch.context() as patch:
        patch.setattr(attachments, "taken_by", lambda unit: ["text"])
        assert (await skola.post("/v1/messages", naming(house, *ids), 422))["code"] == "ATTACHMENT_NOT_TAKEN"
    body = naming(house, *ids) | {"type": NO_FILES, "content": example(NO_FILES)}
    assert (await skola.post("/v1/messages", body, 422))["code"] == "ATTACHMENT_TYPE"
    assert house.party("skola").store.said() == []
    said = await skola.post("/v1/messages", naming(house, *ids), key="a")
    assert await arrived(house, api, said["message_id"]) == [PDF, PDF]


NO_FILES = "deviation.report"


# again


@contextmanager
def each_commit(house: House, name: str) -> Iterator[list[sqlite3.Connection]]:
    """Give the store of a party as it was on the disk after each of its transactions, and before the first."""
    store = house.party(name).store
    found: list[sqlite3.Connection] = []

    def keep() -> None:
        copy = sqlite3.connect(":memory:")
        store.database.backup(copy)
        found.append(copy)

    whole = type(store).transaction

    @contextmanager
    def transaction(self: Any) -> Iterator[None]:
        with whole(self):
            yield
        if self is store:
            keep()

    keep()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "transaction", transaction)
        yield found


async def test_a_repeat_after_a_crash_anywhere(house: House, api: Apis) -> None:
    """However far the first try came, the same key is the same message, once, with all its files, and none is left."""
    skola, store = api["skola"], house.party("skola").store
    files_of = [await hand_in(skola), await hand_in(skola, b"hej", "b.txt", "text/plain"), await hand_in(skola)]
    body = naming(house, *(each["file_id"] for each in files_of))
    with each_commit(house, "skola") as disks:
        first = await skola.post("/v1/messages", body, key="one")
    assert len(disks) >= 7, "nothing, none kept, pieces twice, said, answered, erased"
    left = [disk.execute("SELECT count(*) FROM uploads").fetchone()[0] for disk in disks]
    answered = [
        bool(disk.execute("SELECT count(*) FROM sqlite_master WHERE name = 'requests'").fetchone()[0])
        and disk.execute("SELECT count(*) FROM requests").fetchone()[0] for disk in disks
    ]  # fmt: skip
    assert left == [3] * (len(disks) - 1) + [0]
    assert answered[-2:] == [1, 1], "the files go when the answer is kept"
    assert not any(answered[:-2])
    for disk in disks:
        disk.backup(store.database)
        again = await skola.post("/v1/messages", body, key="one")
        assert again["message_id"] == first["message_id"]
        assert [row.message_id.hex() for row in store.said()] == [first["message_id"]]
        pieces = store.parts_said(bytes.fromhex(first["message_id"]))
        assert {state for _, state, _ in pieces} <= {"new", "sent"}
        assert len(pieces) == 7
        assert kept(house) == (0, 0)
        assert await skola.post("/v1/messages", body, key="one") == again
    assert await arrived(house, api, first["message_id"]) == [PDF, b"hej", PDF]


async def test_a_repeat_when_the_files_are_over(house: House, api: Apis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that was said before a crash is that message also when its files have gone meanwhile."""
    skola, file = api["skola"], await hand_in(api["skola"])
    body = naming(house, file["file_id"])
    with monkeypatch.context() as patch:
        patch.setattr(Once, "_keep", _crash)
        headers = skola.headers | {"idempotency-key": "k"}
        assert (await skola.http.post("/v1/messages", json=body, headers=headers)).status_code == 500
    (said,) = house.party("skola").store.said()
    assert kept(house) == (1, 3)
    with house.party("skola").store.transaction():
        house.party("skola").store.drop_uploads(1 << 60)
    again = await skola.post("/v1/messages", body, key="k")
    assert again["message_id"] == said.message_id.hex()
    assert await arrived(house, api, again["message_id"]) == [PDF]


def _crash(*_: object) -> None:
    raise RuntimeError


async def test_a_key_from_before_there_were_files(house: House, api: Apis) -> None:
    """A message that names no file has the digest that it had before it could: its key from then still stands."""
    said: list[Any] = []
    whole = Once._mac

    def mac(self: Once, what: str, data: bytes) -> bytes:
        said.append(data)
        return whole(self, what, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Once, "_mac", mac)
        await api["skola"].post("/v1/messages", concern(house), key="k")
    assert any(b'"life_days":13' in data for data in said)
    assert not any(b'"attachments":' in data for data in said if b'"life_days":13' in data)
    assert not Send(type="a", recipient="b", content={}).attachments


# over


async def test_what_is_never_used_goes(house: House, api: Apis) -> None:
    """After a day a file is no longer to be had and the connector erases it; what never came to its end goes sooner."""
    store, gate = house.party("skola").store, house.line.gate
    file = await hand_in(api["skola"])
    with store.transaction():
        store.begin_upload(b"x" * 16, "skola", gate.now, gate.now + files._COMING_MS)
        store.add_upload_piece(b"x" * 16, 0, b"left by a crash")
    rows = {each.retention.category: each for each in held(house.party("skola"), house.clock())}
    assert rows["rest.file"].count == 1
    assert rows["rest.file"].next == house.clock() + timedelta(days=1)
    gate.now += 23 * 3_600_000
    await disposed(house)
    assert kept(house) == (1, 3)
    gate.now += 3_600_000
    problem = await api["skola"].post("/v1/messages", naming(house, file["file_id"]), 422)
    assert problem["code"] == "ATTACHMENT_UNKNOWN"
    assert (await api["skola"].get("/v1/files"))["items"] == []
    await disposed(house)
    assert kept(house) == (0, 0)


async def disposed(house: House) -> None:
    """Let the connector erase what is over."""
    task = asyncio.create_task(house.connectors["skola"].service._dispose())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
