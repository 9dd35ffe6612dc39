"""Files that go with a message, between two connectors and a gate: whole or not at all, and nothing goes quiet."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from samband.connectors import service as running
from samband.connectors.attachments import Given, as_content, cut, described
from samband.connectors.client import Client
from samband.connectors.folder import FolderAdapter
from samband.connectors.handing import delivery_of
from samband.connectors.webhook import cloud_event
from samband.schemas.attachment import PART_BYTES, PART_SCHEMA_ID, part_id
from samband.schemas.catalogue import categories, encode_content
from samband.schemas.errors import InputError
from samband.schemas.events import Level
from samband.streams.gate.state import View
from samband.streams.index.rows import kind_of
from tests.connectors.line import Connector, Line

PDF = b"%PDF-1.7\n"
NAME = "utlåtande.pdf"


@pytest.fixture(autouse=True)
def _clock(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connector's clock to the world's."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)


@pytest.fixture
def line(gate: Any) -> Line:
    """Return a gate with inboxes."""
    return Line(gate)


@pytest.fixture
def social(line: Line, tmp_path: Path) -> Any:
    """Return the social services' connector, the recipient."""
    made = line.connector("social", tmp_path / "social")
    yield made
    made.store.close()


@pytest.fixture
def skola(line: Line, tmp_path: Path) -> Any:
    """Return the school's connector, the sender."""
    made = line.connector("skola", tmp_path / "skola")
    yield made
    made.store.close()


def pdf(parts: float, mark: bytes = b"a") -> bytes:
    """Return a file of so many parts."""
    return (PDF + mark).ljust(int(parts * PART_BYTES), mark)


def said(connector: Connector) -> dict[str, Any]:
    """Return the content of a concern report."""
    child = connector.line.gate.world.child
    return {
        "child_identifier": child.identifier,
        "acting_user": {"id": "u", "role": "r"},
        "urgency": "normal",
        "concern": "HEMLIGT-ORD",
        "family_told": "yes",
    }


def send(connector: Connector, *files: Any, **more: Any) -> bytes:
    """Say a concern report with files, as the school."""
    now = datetime.fromtimestamp(connector.line.gate.now / 1000, UTC)
    return Client(connector.party).send(
        "concern.report", recipient="IFO", unit="SKOLA", content=said(connector), now=now, attachments=files, **more
    )


def deliver(connector: Connector, adapter: Any) -> None:
    """Hand over what waits, once."""

    async def once() -> None:
        service = connector.service
        with connector.store.transaction():
            rows = service.handing.begin("IFO", 1 << 40, running.now_ms())
        service.handing.settle(rows, [await service.handing.deliver(adapter, row) for row in rows], running.now_ms())

    asyncio.run(once())


def states(connector: Connector) -> list[tuple[str, str]]:
    """Return state and code of what came."""
    return [(row.state, row.code) for row in connector.store.letters()]


def ends(connector: Connector, main: bytes) -> list[str]:
    """Return the last word on each piece of a message's files, as its sender knows it."""
    return [connector.outcomes(each)[-1] for each, _, _ in connector.store.parts_said(main)]


def pieces_to(skola: Connector, social: Connector, message: bytes) -> None:
    """Send what was said until the gate has decided it, and let the recipient read it."""
    for _ in range(12):
        skola.send()
        skola.read()
    social.read()
    assert not skola.store.open_count()


def test_files_arrive_whole(line, social, skola, tmp_path):
    """Two files arrive as they were, once, with their message; each piece is a decision and ends with a receipt."""
    on_disk = tmp_path / NAME
    on_disk.write_bytes(pdf(2.5))
    message = send(skola, on_disk, ("bild.png", "image/png", b"\x89PNG\r\n\x1a\nx"))
    assert Client(skola.party).parts(message) == (0, 4)
    pieces_to(skola, social, message)
    assert Client(skola.party).parts(message) == (4, 4)
    decided = [each for each in line.log if each.kind == "decision"]
    assert [(each.outcome, each.code) for each in decided] == [*[("permit", "PART")] * 4, ("permit", "")]
    assert {each.subject for each in decided} == {message, None}
    assert [kind_of(each) for each in decided] == [*["part"] * 4, "decision"]
    assert len({each.categories for each in decided}) == 1
    assert states(social) == [("waiting", "")]
    folder = FolderAdapter(tmp_path / "inbox")
    deliver(social, folder)
    new = tmp_path / "inbox" / "new"
    document = json.loads((new / f"{message.hex()}.json").read_bytes())
    assert document["files"] == [f"{message.hex()}/1-{NAME}", f"{message.hex()}/2-bild.png"]
    assert [(new / each).read_bytes() for each in document["files"]] == [pdf(2.5), b"\x89PNG\r\n\x1a\nx"]
    social.send()
    skola.read()
    assert ends(skola, message) == ["handed_over"] * 4
    assert skola.outcomes(message) == ["permit", "handed_over"]
    assert [row.message_id for row in skola.store.said()] == [message]
    assert b"".join(Client(social.party).attachment(message, 0)) == pdf(2.5)
    assert [each.name for each in Client(social.party).attachments(message)] == [NAME, "bild.png"]


# what is refused where it lacks something


def hostile(skola: Connector, files: list[bytes], change: Any, **more: Any) -> Any:
    """Say a message and its pieces as `change` leaves the pieces, whatever an honest client would do."""
    world = skola.line.gate.world
    given = [Given(f"{number}.pdf", "application/pdf", data) for number, data in enumerate(files)]
    named = [described(each) for each in given]
    main = world.concern(content={"attachments": as_content(named)})
    pieces = [
        part
        for number, (each, file) in enumerate(zip(given, named, strict=True))
        for part in cut(each, file, main.message_id, number)
    ]
    for part in change(pieces):
        skola.say(
            replace(
                main,
                message_id=part.message_id,
                ref_to=main.message_id,
                content_schema=PART_SCHEMA_ID,
                content=part.encode(),
                **more,
            )
        )
    skola.say(main)
    return main


def refused(line: Line, social: Connector, skola: Connector, main: bytes) -> tuple[str, set[tuple[str, str]]]:
    """Return the code that a message was refused with, and the last words on its pieces, in the log."""
    pieces_to(skola, social, main)
    ((state, code),) = states(social)
    assert state == "refused"
    assert not list(social.store.file_data(main, 0))
    social.send()
    words = {each.subject: (each.outcome, each.code) for each in line.log if each.kind == "receipt"}
    assert words.pop(main)[1] == code
    return code, set(words.values())


def test_a_lost_piece(line, social, skola):
    """A message whose file lacks a piece is refused, and so is each piece that came."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(2.5)))
    for _ in range(4):
        skola.send()
        skola.read()
    social.read(1)
    assert states(social) == [("refused", "ATTACHMENT_MISSING")]
    social.send()
    skola.read()
    assert skola.outcomes(message) == ["permit", "refused"]
    assert ends(skola, message) == ["refused", "permit", "refused"]
    with social.store.transaction():  # the broker held it back
        social.service._receiver.take(1, line.inboxes["social"][1], line.gate.now)
    social.send()
    skola.read()
    assert ends(skola, message) == ["refused"] * 3
    assert [each.code for each in line.log if each.kind == "receipt"][-1] == "ATTACHMENT_LATE"
    assert states(social) == [("refused", "ATTACHMENT_MISSING")]


CHANGES = {
    "altered": lambda parts: [replace(parts[0], data=parts[0].data[:-1] + b"x"), *parts[1:]],
    "swapped": lambda parts: [replace(each, file=1 - each.file) for each in parts],
    "shorter": lambda parts: [*parts[:-1], replace(parts[-1], data=parts[-1].data[:-1])],
    "one too many": lambda parts: [*parts, replace(parts[0], file=2)],
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_files(line, social, skola, name):
    """Files that are not those that their message describes are never handed over."""
    main = hostile(skola, [pdf(1.5, b"a"), pdf(1.5, b"b")], CHANGES[name])
    code, ended = refused(line, social, skola, main.message_id)
    expected = ("refused", "ATTACHMENT_MISSING") if name == "shorter" else ("mismatch", "ATTACHMENT_MISMATCH")
    assert (code, ended) == (expected[1], {expected})


def test_not_what_it_calls_itself(line, social, skola):
    """A program that calls itself a PDF is refused by the recipient too."""
    world = line.gate.world
    file = replace(described(Given("a.pdf", "application/pdf", pdf(1))), size=4)
    data = b"MZ\x90\0"
    file = replace(file, sha256=hashlib.sha256(data).hexdigest())
    main = world.concern(content={"attachments": as_content([file])})
    given = Given("a.pdf", "application/pdf", data)
    (part,) = cut(given, file, main.message_id, 0)
    skola.say(replace(main, message_id=part.message_id, ref_to=main.message_id, content_schema=PART_SCHEMA_ID,
                      content=part.encode()))  # fmt: skip
    skola.say(main)
    assert refused(line, social, skola, main.message_id) == (
        "ATTACHMENT_MISMATCH",
        {("mismatch", "ATTACHMENT_MISMATCH")},
    )


def test_judged_as_their_message(line, social, skola):
    """Pieces whose label says less than their message's were not judged as it was: nothing is handed over."""
    main = hostile(skola, [pdf(0.5)], lambda parts: parts, categories=("concern:child",))
    assert refused(line, social, skola, main.message_id)[0] == "ATTACHMENT_MISMATCH"


@pytest.mark.parametrize(
    "lie", [{"parts": 1 << 30}, {"name": "../a.pdf"}, {"name": "a\u202efdp.exe"}, {"size": 1 << 40}]
)
def test_a_message_that_lies_about_its_files(line, social, skola, lie, monkeypatch):
    """Huge numbers and unsafe names are refused where the content is read; its pieces end too."""
    named = as_content([described(Given("a.pdf", "application/pdf", pdf(0.5)))])
    with monkeypatch.context() as patch:
        patch.setattr("samband.schemas.attachment.fault", lambda value: None)
        content = said(skola) | {"attachments": [named[0] | lie]}
        kind = line.gate.world.directory.unit("SKOLA").kind
        told = categories("concern.report", content, kind)
        main = replace(line.gate.world.concern(), content=encode_content("concern.report", content), categories=told)
    given = Given("a.pdf", "application/pdf", pdf(0.5))
    (part,) = cut(given, described(given), main.message_id, 0)
    skola.say(replace(main, message_id=part.message_id, ref_to=main.message_id, content_schema=PART_SCHEMA_ID,
                      content=part.encode()))  # fmt: skip
    skola.say(main)
    assert refused(line, social, skola, main.message_id) == ("CONTENT_FORM", {("mismatch", "CONTENT_FORM")})


def test_a_piece_under_another_id(line, social, skola):
    """A piece whose label names another message, or place, than it holds is refused at once."""
    main = line.gate.world.concern()
    given = Given("a.pdf", "application/pdf", pdf(0.5))
    (part,) = cut(given, described(given), main.message_id, 0)
    label = {"content_schema": PART_SCHEMA_ID, "content": part.encode()}
    skola.say(replace(main, message_id=part_id(main.message_id, 0, 1), ref_to=main.message_id, **label))
    skola.say(replace(main, message_id=part.message_id, ref_to=b"o" * 16, **label))
    pieces_to(skola, social, main.message_id)
    social.send()
    assert [(each.outcome, each.code) for each in line.log if each.kind == "receipt"] == [
        ("mismatch", "MISMATCH_PART")
    ] * 2
    assert not social.store.letters()


def test_another_senders_piece(line, social, skola):
    """A piece of another unit for a message that is not its own neither joins nor stops it."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(0.5)))
    main = skola.store.draft(message)
    given = Given("a.pdf", "application/pdf", pdf(0.5))
    (part,) = cut(given, described(given), message, 1)
    emi = replace(main, message_id=part.message_id, ref_to=message, content_schema=PART_SCHEMA_ID, sender="EMI",
                  content=part.encode(), categories=("concern:child", "health:child", "identity:child"))  # fmt: skip
    line.gate.now += 1
    assert [each.code for each in line.gate.say(emi)] == ["PART"]
    line.inboxes["social"] += line.gate.values(line.gate.turns[-1], "samband.inbox.social.v1")
    pieces_to(skola, social, message)
    assert states(social) == [("waiting", "")]
    social.send()
    assert [(each.outcome, each.code) for each in line.log if each.kind == "receipt"] == [("mismatch", "MISMATCH_PART")]


# what stops on its way


def talk(social: Connector, kit: Any, *files: Any) -> bytes:
    """Say a dialogue message of social services to the school, which rests on a consent."""
    child = social.line.gate.world.child
    content = {"child_identifier": child.identifier, "acting_user": {"id": "u", "role": "r"}, "text": "HEMLIGT-ORD"}
    now = datetime.fromtimestamp(social.line.gate.now / 1000, UTC)
    return Client(social.party).send("dialogue.message", recipient="SKOLA", content=content, now=now, attachments=files)


def consented(social: Connector, kit: Any) -> Any:
    """Let a consent carry what social services tell the school."""
    told = ("identity", "dialogue", "social_investigation")
    given = kit.consent(categories=tuple(kit.Category(each) for each in told))
    social.say(social.line.gate.world.event(given, "IFO"))
    social.send()
    social.read()
    return given


def test_a_withdrawal_in_the_middle(line, social, skola, kit):
    """What was permitted before a withdrawal stops, what comes after it is denied, and nothing is handed over."""
    consented(social, kit)
    message = talk(social, kit, ("a.pdf", "application/pdf", pdf(8)))
    social.send()
    social.read()
    decided, every = Client(social.party).parts(message)
    assert 0 < decided < every == 8
    withdrawn = kit.events.ConsentWithdrawn(kit.events.Scope.EVERYTHING, giver_role=kit.events.GiverRole.GUARDIAN)
    line.gate.now += 1000
    line.log += line.gate.say(line.gate.world.event(withdrawn, "SKOLA"))
    for party in line.gate.world.parties:
        line.inboxes[party] += line.gate.values(line.gate.turns[-1], f"samband.inbox.{party}.v1")
    for _ in range(6):
        social.send()
        social.read()
    skola.read()
    skola.send()
    social.read()
    assert social.outcomes(message)[-1] == "deny"
    assert not skola.store.letters()
    assert not list(skola.store.file_data(message, 0))
    assert set(ends(social, message)) <= {"deny", "recalled", "refused"}
    assert not skola.store.late_parts(1 << 60, 10)


def test_a_denied_message_stops_its_pieces(line, social, skola):
    """Where the message itself is not permitted, its sender recalls the pieces that were."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(1.5)))
    draft = skola.store.draft(message)
    with skola.store.transaction():  # as if the rules had changed in between
        skola.store.database.execute("DELETE FROM outbox WHERE message_id = ?", (message,))
        skola.store.add_draft(replace(draft, ground="CONSENT"), 0)
    for _ in range(3):
        skola.send()
        skola.read()
        social.read()
        social.send()
    assert skola.outcomes(message) == ["deny"]
    assert not list(social.store.file_data(message, 0))
    assert ends(skola, message) == ["refused"] * 2
    assert not social.store.letters()
    assert not social.store.late_parts(1 << 60, 10)


def test_a_recall_stops_the_pieces(line, social, skola):
    """Who recalls a message recalls its files: they are gone, and each piece has ended."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(1.5)))
    pieces_to(skola, social, message)
    now = datetime.fromtimestamp(line.gate.now / 1000, UTC)
    Client(skola.party).recall(message, now=now)
    skola.send()
    skola.read()
    social.read()
    social.send()
    skola.read()
    assert states(social) == [("recalled", "RECALLED_BY_SENDER")]
    assert not list(social.store.file_data(message, 0))
    assert ends(skola, message) == ["refused"] * 2


def test_a_message_whose_time_is_over(line, social, skola, kit):
    """A message that waited too long is refused with its pieces; pieces without their message end by themselves."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(0.5)), life_days=1)
    pieces_to(skola, social, message)
    alone = send(skola, ("a.pdf", "application/pdf", pdf(0.5)), life_days=1)
    skola.store.database.execute("UPDATE outbox SET state = 'done' WHERE message_id = ?", (alone,))
    skola.send()
    social.read()
    with social.store.transaction():
        assert social.service._gather.expire(kit.NOW) == 0
        later = kit.NOW + 2 * kit.DAY
        assert social.service._gather.expire(later) == 2
        assert social.service._gather.expire(later) == 0
    assert not list(social.store.file_data(alone, 0))


# what outlives a crash


def test_either_side_is_killed_in_the_middle(line, social, skola, tmp_path):
    """Half of the pieces on their way, both ends begin anew from what is on the disk: it arrives whole, and once."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(9)))
    skola.send()
    social.read()
    skola.store.close()
    social.store.close()
    skola_again = line.connector("skola", tmp_path / "skola")
    social_again = line.connector("social", tmp_path / "social")
    pieces_to(skola_again, social_again, message)
    assert states(social_again) == [("waiting", "")]
    folder = FolderAdapter(tmp_path / "inbox")
    deliver(social_again, folder)
    place = tmp_path / "inbox" / "new" / message.hex()
    assert (place / "1-a.pdf").read_bytes() == pdf(9)
    decided = [each.message_id for each in line.log if each.kind == "decision"]
    assert len(decided) == len(set(decided)) == 10
    skola_again.store.close()
    social_again.store.close()


def test_a_send_that_was_broken_off(line, social, skola, tmp_path, monkeypatch):
    """Pieces whose message was never said are not sent; the same message again replaces them."""
    number = b"n" * 16

    def breaks(kept: int, size: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(skola.store), "drop_parts", lambda *_: None)  # killed, not merely stopped
        with pytest.raises(KeyboardInterrupt):
            send(skola, ("a.pdf", "application/pdf", pdf(6)), message_id=number, progress=breaks)
    assert len(skola.store.parts_said(number)) == 4
    assert not skola.store.has_new()
    seen: list[tuple[int, int]] = []
    send(skola, ("b.pdf", "application/pdf", pdf(2)), message_id=number, progress=lambda *each: seen.append(each))
    assert seen == [(2 * PART_BYTES, 2 * PART_BYTES)]
    assert send(skola, ("b.pdf", "application/pdf", pdf(3)), message_id=number) == number
    assert len(skola.store.parts_said(number)) == 2
    pieces_to(skola, social, number)
    assert states(social) == [("waiting", "")]
    with skola.store.transaction():
        skola.store.drop_parts(None, 1 << 60)
    assert len(skola.store.parts_said(number)) == 2


@pytest.mark.parametrize("other", [pdf(4) + b"x", pdf(4)[:-1] + b"y", pdf(4)[:-1], pdf(1)])
def test_a_file_that_changes_before_it_is_kept(skola, other):
    """Of a file that is another when it is kept than when it was looked at nothing is said, and no piece stays.

    Its four pieces fill one transaction: whether more comes after them is asked too.
    """

    class Changing(io.BytesIO):
        looked = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.looked += 1
            if self.looked == 2:
                super().seek(0)
                self.truncate()
                self.write(other)
            return super().seek(offset, whence)

    number = b"n" * 16
    with pytest.raises(InputError) as caught:
        send(skola, ("a.pdf", "application/pdf", Changing(pdf(4))), message_id=number)
    assert caught.value.code == "ATTACHMENT_CHANGED"
    assert skola.store.parts_said(number) == []
    assert not skola.store.has_said(number)


def test_a_folder_that_a_crash_left(line, social, skola, tmp_path):
    """Attachments whose message is not there were left by a crash: they are written anew; a repeat writes nothing."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(1.5)))
    pieces_to(skola, social, message)
    folder = FolderAdapter(tmp_path / "inbox")
    half = tmp_path / "inbox" / "new" / message.hex()
    half.mkdir()
    (half / "1-a.pdf").write_bytes(b"half")
    (tmp_path / "inbox" / ".tmp" / "left").mkdir()
    FolderAdapter(tmp_path / "inbox")
    assert not list((tmp_path / "inbox" / ".tmp").iterdir())
    deliver(social, folder)
    assert (half / "1-a.pdf").read_bytes() == pdf(1.5)
    before = (half / "1-a.pdf").stat().st_mtime_ns
    row = social.store.letter(message)
    asyncio.run(folder.deliver(delivery_of(row, social.store)))
    assert (half / "1-a.pdf").stat().st_mtime_ns == before


def test_erased_with_their_message(line, social, skola):
    """What a disposal decision erases it erases with its files."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(0.5)))
    pieces_to(skola, social, message)
    with social.store.transaction():
        social.store.mark_letter(message, "handed_over", 1)
        social.store.erase_letter(message, 2, "SN 1")
    assert not list(social.store.file_data(message, 0))
    with pytest.raises(InputError) as caught:
        Client(social.party).attachment(message, 0)
    assert caught.value.code == "MESSAGE_UNKNOWN"


def test_the_undecided_is_bounded_in_bytes(line, skola):
    """However much waits, a few megabytes are sealed and on their way at a time."""
    send(skola, ("a.pdf", "application/pdf", pdf(40)))
    for _ in range(30):
        with skola.store.transaction():
            skola.service.sealer.seal(running.now_ms())
    assert skola.store.unanswered_count()[1] < 9 << 20
    assert len(skola.store.new_drafts(64, 2 << 20)) == 4


def test_a_webhook_gets_small_files_and_a_word_on_large_ones(line, social, skola):
    """Files of 4 MB together stand in the event; of larger ones it says what they are and how to fetch them."""
    small = send(skola, ("a.pdf", "application/pdf", pdf(0.5)))
    large = send(skola, ("b.pdf", "application/pdf", pdf(8.5)))
    pieces_to(skola, social, large)
    told = {}
    for message in (small, large):
        row = social.store.letter(message)
        event: Any = cloud_event(delivery_of(row, social.store))
        (told[message],) = event["data"]["attachments"]
        assert event["data"]["content"]["attachments"][0]["sha256"] == told[message]["sha256"]
        assert cloud_event(delivery_of(row, social.store)) == event
    assert base64.b64decode(told[small]["data_base64"]) == pdf(0.5)
    assert told[large]["fetch"] == f"samband inbox attachments {large.hex()} --save FOLDER"
    assert "data_base64" not in told[large]
    assert "a.pdf" not in repr(delivery_of(social.store.letter(small), social.store))


def test_what_is_held_is_held_with_its_files(line, social, skola, tmp_path):
    """Of a protected child's message neither content nor files leave the connector."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(0.5)))
    pieces_to(skola, social, message)
    social.store.database.execute("UPDATE inbox SET held = 1")
    deliver(social, FolderAdapter(tmp_path / "inbox"))
    assert [path.name for path in (tmp_path / "inbox" / "new").iterdir()] == [f"{message.hex()}.json"]
    assert b"".join(Client(social.party).attachment(message, 0)) == pdf(0.5)
    with pytest.raises(InputError) as caught:
        Client(social.party).attachment(message, 1)
    assert caught.value.code == "ATTACHMENT_UNKNOWN"


def test_parts_are_no_reports(line, social, skola):
    """The pieces of a report push out none of the reports that feedback can be given on."""
    first = skola.say(line.gate.world.concern())
    message = send(skola, ("a.pdf", "application/pdf", pdf(34)))
    pieces_to(skola, social, message)
    child = View(line.gate.state.values).child(line.gate.world.ref(line.gate.world.child))
    assert [each.message_id for each in child.reports] == [first, message]


def test_a_content_that_names_files_itself(skola):
    """Who fills in the field without giving the files is told so, before anything is said."""
    named = as_content([described(Given("a.pdf", "application/pdf", pdf(0.5)))])
    now = datetime.fromtimestamp(skola.line.gate.now / 1000, UTC)
    with pytest.raises(InputError) as caught:
        Client(skola.party).send("concern.report", recipient="IFO", unit="SKOLA", now=now,
                                 content=said(skola) | {"attachments": named})  # fmt: skip
    assert caught.value.code == "ATTACHMENT_FIELD"
    assert not skola.store.said()


def test_a_lost_key_says_the_pieces_again(line, social, skola):
    """What was handed over and is sealed again, since its sender was told that a key was lost, is receipted again."""
    message = send(skola, ("a.pdf", "application/pdf", pdf(0.5)))
    pieces_to(skola, social, message)
    (part,) = social.store.parts(message)
    gather = social.service._gather
    with social.store.transaction():
        social.store.mark_letter(message, "handed_over", 1)
        gather.end(message, Level.HANDED_OVER, "", 1)
        assert not gather._again(part.message_id, part.letter, 2)
        assert gather._again(part.message_id, part.letter | {"sealed_to": "another"}, 2)
    assert [draft.ref_to for draft, _ in social.store.new_drafts(10)] == [part.message_id] * 2
