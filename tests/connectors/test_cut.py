"""Cutting and joining files, and what is refused before anything is said: pure, no store and no Kafka."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from samband.connectors.attachments import (
    Given,
    as_content,
    check_given,
    check_taken,
    check_whole,
    cut,
    described,
    joined,
)
from samband.schemas.attachment import (
    MOST_BYTES,
    MOST_FILES,
    NAME_MAX,
    PART_BYTES,
    File,
    Part,
    fault,
    file_name,
    parts_of,
    safe_name,
)
from samband.schemas.catalogue import find
from samband.schemas.errors import FormatError, InputError, RefusedError
from samband.schemas.media_types import KINDS, media_type_of
from samband.schemas.message import content_class
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.roster import check_change

MAIN = b"m" * 16
UNIT = Unit(UnitId("SE-SKOLA-1"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan")
REPORT = find("dialogue.message")
SIZES = (1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, MOST_BYTES)


def text(size: int) -> bytes:
    """Return a text of a size, no two pieces of it alike."""
    block = b"".join(hashlib.sha256(bytes([number])).hexdigest().encode() for number in range(8))
    return (block * (size // len(block) + 1))[:size]


def code_of(call: Any, *args: Any) -> str:
    """Return the code that a call is refused with."""
    with pytest.raises((InputError, RefusedError, FormatError)) as caught:
        call(*args)
    assert "hemlig" not in str(caught.value).lower()
    return caught.value.code


@pytest.mark.parametrize("size", SIZES)
def test_sizes(size: int) -> None:
    """A file of any size up to the limit is cut into parts that fill one size class, and joined to what it was."""
    whole = Given("a.txt", "text/plain", text(size))
    file = described(whole)
    assert (file.size, file.parts) == (size, -(-size // PART_BYTES))
    parts = list(cut(whole, file, MAIN, 3))
    assert [(part.file, part.part, part.parts) for part in parts] == [(3, n, file.parts) for n in range(file.parts)]
    assert {len(part.data) for part in parts[:-1]} <= {PART_BYTES}
    assert content_class(36 + len(parts[0].encode())) <= 512 * 1024
    assert len({part.message_id for part in parts}) == file.parts
    read = [Part.decode(part.encode()) for part in parts]
    assert read == parts
    assert b"".join(joined(file, (part.data for part in read))) == text(size)
    check_whole(file, (part.data for part in read))


def test_nothing_and_too_much() -> None:
    """An empty file, and one byte more than the national limit, are refused while they are looked at."""
    assert parts_of(0) == 0
    assert code_of(described, Given("a.txt", "text/plain", b"")) == "ATTACHMENT_EMPTY"
    assert code_of(described, Given("a.txt", "text/plain", text(MOST_BYTES + 1))) == "ATTACHMENT_TOO_LARGE"
    half = File("a.txt", "text/plain", MOST_BYTES // 2 + 1, "0" * 64, parts_of(MOST_BYTES // 2 + 1))
    assert code_of(check_taken, UNIT, [half, half]) == "ATTACHMENT_TOO_LARGE"
    check_taken(UNIT, [replace(half, size=MOST_BYTES // 2)] * 2)
    assert code_of(check_taken, UNIT, [replace(half, size=1)] * (MOST_FILES + 1)) == "ATTACHMENT_MANY"


@given(st.binary(min_size=1, max_size=3000), st.integers(1, 700), st.data())
def test_joined_says_what_is_wrong(data: bytes, step: int, draw: st.DataObject) -> None:
    """However a file came in pieces it is itself; with a byte changed, gone or added it is refused."""
    file = File("a.txt", "text/plain", len(data), hashlib.sha256(data).hexdigest(), 1)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert b"".join(joined(file, pieces)) == data
    at = draw.draw(st.integers(0, len(data) - 1))
    other = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert code_of(list, joined(file, [other])) == "ATTACHMENT_MISMATCH"
    assert code_of(list, joined(file, [data[:at]])) == "ATTACHMENT_MISSING"
    assert code_of(list, joined(file, [data, b"x"])) == "ATTACHMENT_MISMATCH"
    if len(pieces) > 1 and pieces[0] != pieces[1]:
        assert code_of(list, joined(file, [pieces[1], pieces[0], *pieces[2:]])) == "ATTACHMENT_MISMATCH"


@pytest.mark.parametrize("change", [b"", b"x" * 10, text(PART_BYTES * 3)])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: bytes) -> None:
    """A file that is another when it is cut than when it was looked at is not sent."""
    path = tmp_path / "a.txt"
    path.write_bytes(text(PART_BYTES * 2))
    source = Given.of(path)
    file = described(source)
    path.write_bytes(change)
    assert code_of(list, cut(source, file, MAIN, 0)) == "ATTACHMENT_CHANGED"


def test_what_can_be_given(tmp_path: Path) -> None:
    """A path, bytes, and a file that can be read from its beginning; anything else says so, without the name."""
    path = tmp_path / "Hemligt barn.txt"
    path.write_bytes(b"x")
    file = io.BytesIO(b"x")
    file.seek(1)
    told = [described(Given.of(each)) for each in (path, ("b.txt", "", b"x"), ("b.txt", "text/plain", file))]
    assert {each.sha256 for each in told} == {hashlib.sha256(b"x").hexdigest()}
    assert told[0].name == "Hemligt barn.txt"
    path.unlink()
    assert code_of(described, Given.of(path)) == "ATTACHMENT_FILE"
    file.close()
    assert code_of(described, Given.of(("b.txt", "text/plain", file))) == "ATTACHMENT_FILE"


HEADS = {
    "pdf": b"%PDF-1.7", "jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "tiff": b"MM\0*",
    "text": "å".encode(),
    "heic": b"\0\0\0\x18ftypheic", "docx": b"PK\x03\x04", "xlsx": b"PK\x03\x04", "pptx": b"PK\x03\x04",
    "odt": b"PK\x03\x04".ljust(30, b"\0") + b"mimetypeapplication/vnd.oasis.opendocument.text",
    "ods": b"PK\x03\x04".ljust(30, b"\0") + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kinds(kind: Any) -> None:
    """A file is of a kind where its name, media type and first bytes agree, and of none where one of them differs."""
    for ending in kind.endings:
        name = f"a.{ending.upper()}"
        assert media_type_of(name) == kind.media_type
        assert described(Given(name, kind.media_type, HEADS[kind.name])).media_type == kind.media_type
    for other, head in (*HEADS.items(), ("exe", b"MZ\x90\0"), ("late zero", b"text" * 20 + b"\0")):
        if head != HEADS[kind.name] and not (kind.name in ("docx", "xlsx", "pptx") and head[:4] == b"PK\x03\x04"):
            if kind.is_text and other not in ("jpeg", "exe", "late zero"):
                continue  # what is text may begin as it likes
            assert code_of(described, Given(f"a.{kind.endings[0]}", kind.media_type, head)) == "ATTACHMENT_CONTENT"
    assert code_of(described, Given("a.exe", kind.media_type, HEADS[kind.name])) == "ATTACHMENT_KIND"
    assert code_of(described, Given(f"a.{kind.endings[0]}", "text/html", HEADS[kind.name])) == "ATTACHMENT_KIND"


@pytest.mark.parametrize("name", ["a.pdf.exe", "a", "a.html", "a.docm", "a.zip", "a.svg", ".pdf"])
def test_names_of_no_kind(name: str) -> None:
    """What runs when it is opened is not carried, whatever stands before its last dot."""
    assert code_of(lambda: Given.of((name, "", b"%PDF-"))) in ("ATTACHMENT_KIND", "ATTACHMENT_NAME")


def test_what_a_unit_takes() -> None:
    """A card narrows the kinds, or takes none; types are still what they were; a wrong word is no word of a card."""
    pdf = File("a.pdf", "application/pdf", 1, "0" * 64, 1)
    for receives, taken in (
        ((), True),
        (("dialogue.message",), True),
        (("attachments.pdf",), True),
        (("attachments.jpeg",), False),
        (("attachments.none",), False),
        (("attachments.none", "dialogue.message"), False),
    ):
        unit = dataclasses.replace(UNIT, receives=receives)
        assert REPORT.taken_by(unit)
        if taken:
            check_taken(unit, [pdf])
        else:
            assert code_of(check_taken, unit, [pdf]) == "ATTACHMENT_NOT_TAKEN"
        check_taken(unit, [])
    assert not find("school.plan").taken_by(dataclasses.replace(UNIT, receives=("attachments.pdf", "dialogue.message")))
    assert code_of(check_given, find("concern.feedback"), {}, [Path("a.pdf")]) == "ATTACHMENT_TYPE"
    assert code_of(check_given, REPORT, {"attachments": []}, []) == "ATTACHMENT_FIELD"


def test_a_card_says_only_known_kinds(world: Any) -> None:
    """The authority does not sign a card that takes a kind of file that there is not."""
    from samband.schemas.card import Card

    def card(*receives: str) -> Card:
        unit = dataclasses.replace(UNIT, receives=receives)
        return Card(party=UNIT.party, version=1, name="Skolan", organisation="2120002080", agreement="barn",
                    environment="test", root=bytes(32), units=(unit,))  # fmt: skip

    check_change(None, card("attachments.pdf", "attachments.none", "dialogue.message"), {})
    for wrong in ("attachments.exe", "pdf", "attachments."):
        assert code_of(check_change, None, card(wrong), {}) == "TYPE_NOT_FOR_KIND"


UNSAFE = ("../a.pdf", "a/b.pdf", "a\\b.pdf", "C:a.pdf", "a\0.pdf", "a\n.pdf", "a\u202efdp.exe", "", " a.pdf", "a.pdf.",
          ".a.pdf", "a?.pdf", "x" * (NAME_MAX - 3) + ".pdf", "\ud800.pdf")  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_names(name: str) -> None:
    """A name with a path, an invisible or turning character, or of more than 200 characters is refused at both ends."""
    assert code_of(safe_name, name) == "ATTACHMENT_NAME"
    file = {"name": name, "media_type": "application/pdf", "size": 1, "sha256": "0" * 64, "parts": 1}
    found = fault([file])
    assert found is not None
    assert found[0] == "[0].name"


@given(st.text(min_size=1, max_size=NAME_MAX))
@example("Utla\u030atande.pdf")
@example("x" * NAME_MAX)
@example("😀" * NAME_MAX)
def test_a_safe_name_is_a_file_name(name: str) -> None:
    """A name that is let through is composed, stays as it is, and names a file in its folder on any disk."""
    try:
        safe = safe_name(name)
    except InputError:
        return
    assert safe == safe_name(safe) == unicodedata.normalize("NFC", safe)
    on_disk = file_name(20, safe)
    assert len(on_disk.encode()) <= 255
    assert Path(on_disk).name == on_disk
    assert on_disk.startswith("20-")


FILE = {"name": "a.pdf", "media_type": "application/pdf", "size": 1, "sha256": "0" * 64, "parts": 1}
LIES: dict[str, Any] = {
    "no list": "x", "empty": [], "many": [FILE] * (MOST_FILES + 1), "no file": [1], "more": [{**FILE, "x": 1}],
    "less": [{"name": "a.pdf"}], "large": [{**FILE, "size": MOST_BYTES, "parts": parts_of(MOST_BYTES)}, FILE],
    "true": [{**FILE, "size": True}],
    "none": [{**FILE, "size": 0}], "negative": [{**FILE, "size": -1}], "parts": [{**FILE, "parts": 2}],
    "huge": [{**FILE, "parts": 1 << 40}], "hash": [{**FILE, "sha256": "F" * 64}],
    "kind": [{**FILE, "media_type": "text/html"}],
    "number": [{**FILE, "name": 1}], "no kind": [{**FILE, "media_type": None}], "size": [{**FILE, "size": "1"}],
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_what_a_content_may_not_say(name: str) -> None:
    """A list of files has one form, and what is wrong is said by its place and never by what stands there."""
    found = fault(LIES[name])
    assert found is not None
    assert "a.pdf" not in "".join(found)
    assert fault(as_content([File(**FILE)])) is None


NO_PLACE: list[dict[str, Any]] = [
    {"v": 2}, {"file": -1}, {"file": MOST_FILES}, {"part": 1}, {"part": -1}, {"parts": 0},
    {"parts": 1 << 20}, {"data": b""},
]  # fmt: skip


@pytest.mark.parametrize("change", NO_PLACE)
def test_parts_of_no_place(change: dict[str, Any]) -> None:
    """A part of another version, outside its file, empty, or short in the middle is no part."""
    part = Part(main=MAIN, file=0, part=0, parts=1, data=b"x")
    assert code_of(replace(part, **change).encode) in ("FORMAT_FIELD", "FORMAT_VERSION")
    assert code_of(replace(part, parts=2).encode) == "FORMAT_FIELD"
    assert code_of(Part.decode, part.encode() + b"\0") == "FORMAT_NOT_CANONICAL"
    assert code_of(Part.decode, b"") == "FORMAT_RECORD"
