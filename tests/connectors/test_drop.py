"""The drop folder: one result for each file, whatever it is, and one message for each that can be sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samband.connectors.client import Client
from samband.connectors.drop import PATIENCE_S, Drop, DropSettings
from samband.connectors.drop_read import FILE_MOST, DropError, read, words_of
from samband.connectors.party import Party
from samband.connectors.store import Step
from samband.schemas.errors import OperatorError

posix = pytest.mark.skipif(os.name == "nt", reason="links, rights and kills as POSIX has them")
CHILD = "201504069848"
ROOT = Path(__file__).parents[2]


def body(kit: Any, **changed: Any) -> dict[str, Any]:
    return {
        "type": "placement.notice",
        "recipient": "SKOLA",
        "content": {
            "child_identifier": CHILD, "event": "started", "law": "SoL", "from_date": "2026-12-01",
            "acting_user": {"id": "u1", "role": "handlaggare"},
        },
        **changed,
    }  # fmt: skip


class Dropping:
    """A party's drop folder, and a clock that tests push on."""

    def __init__(self, party: Party, root: Path, now: int, after: str = "archive") -> None:
        unit = "IFO"
        self.party, self.root, self.now, self.at = party, root, now, 0.0
        self.make = lambda: Drop(DropSettings(root, unit, after), party.store, Client(party))
        self.drop = self.make()

    def put(self, name: str, value: Any) -> Path:
        """Put a file in as a whole."""
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        aside = self.root / "new" / f".{time.monotonic_ns()}"
        aside.write_bytes(data)
        aside.rename(self.root / "new" / name)
        return self.root / "new" / name

    def look(self, times: int = 3, step: float = 1.0) -> None:
        """Look a few times, with so many seconds in between."""
        for _ in range(times):
            while asyncio.run(self.drop.take(self.now, self.at)):
                pass
            self.at += step

    def names(self, folder: str) -> list[str]:
        """Return what lies in a directory."""
        return sorted(path.name for path in (self.root / folder).iterdir())

    def json(self, path: str) -> Any:
        """Return a file's JSON."""
        return json.loads((self.root / path).read_bytes())

    def error(self, name: str) -> Any:
        """Return what was wrong with a file."""
        return self.json(f"refused/{name}.error.json")

    @property
    def said(self) -> list[str]:
        """Return the ids of what was said."""
        return sorted(each.hex() for each in self.party.store.said_ids())


@pytest.fixture
def dropping(social: Party, tmp_path: Path, kit: Any) -> Dropping:
    return Dropping(social, tmp_path / "drop", kit.NOW)


def test_a_file_becomes_a_message(dropping: Dropping, kit: Any) -> None:
    """A file that is renamed into place is one message, filed with its result, and nothing is left in `new/`."""
    dropping.put("a.json", body(kit))
    dropping.look()
    result = dropping.json("taken/a.result.json")
    assert dropping.said == [result["message_id"]]
    assert (result["state"], result["steps"]) == ("waiting", [])
    assert dropping.names("taken") == ["a.json", "a.result.json"]
    assert [dropping.names(each) for each in ("new", ".taking", ".tmp", "refused")] == [[], [], [], []]


def test_a_cloud_event_becomes_a_message(dropping: Dropping, kit: Any) -> None:
    """A CloudEvent in its JSON form is the same message; its source and id are its name."""
    plain = body(kit)
    event = {"specversion": "1.0", "id": "17", "source": "urn:treserva", "type": plain.pop("type"), "data": plain}
    dropping.put("a.json", event)
    dropping.put("b.json", event)
    dropping.look()
    assert len(dropping.said) == 1
    assert {dropping.json(f"taken/{each}.result.json")["message_id"] for each in "ab"} == set(dropping.said)
    event["data"]["content"]["law"] = "X"
    dropping.put("c.json", {**event, "id": "18"})
    dropping.look()
    assert dropping.error("c")["errors"][0]["pointer"] == "/data/content/law"


def test_the_result_follows_the_ladder(dropping: Dropping, kit: Any) -> None:
    """What becomes of the message is written into its result, also by a connector that was started since."""
    dropping.put("a.json", body(kit))
    dropping.look()
    message = bytes.fromhex(dropping.said[0])
    for again, outcome in enumerate(("permit", "handed_over")):
        with dropping.party.store.transaction():
            dropping.party.store.add_step(message, Step(kit.NOW, "decision", outcome, "", {"grounds": ["CONSENT"]}))
        if again:
            dropping.drop = dropping.make()
            dropping.drop._find_open()
        asyncio.run(dropping.drop.follow(kit.NOW))
        result = dropping.json("taken/a.result.json")
        assert (result["state"], len(result["steps"])) == (outcome, again + 1)
    (dropping.root / "taken" / "a.result.json").unlink()
    with dropping.party.store.transaction():
        dropping.party.store.add_step(message, Step(kit.NOW, "receipt", "acted", "", {}))
    asyncio.run(dropping.drop.follow(kit.NOW))
    assert dropping.names("taken") == ["a.json"]  # the system has taken it away: it is not made again


def test_removed_after_it_was_taken(social: Party, tmp_path: Path, kit: Any) -> None:
    """With `after = "remove"` only the result is kept; what is refused is kept as it was."""
    dropping = Dropping(social, tmp_path / "drop", kit.NOW, "remove")
    dropping.put("a.json", body(kit))
    dropping.put("b.json", b"[]")
    dropping.look()
    assert (dropping.names("taken"), dropping.names("refused")) == (["a.result.json"], ["b.error.json", "b.json"])


def test_repeats_and_reuse(dropping: Dropping, kit: Any) -> None:
    """The same file again is the same message; the same id with other content is refused; what failed may be mended."""
    for name in ("a", "a", "b"):
        dropping.put(f"{name}.json", body(kit, id="one"))
        dropping.look()
    assert len(dropping.said) == 1
    other = body(kit, id="one", ground="CONSENT")
    dropping.put("c.json", other)
    dropping.look()
    assert (dropping.error("c")["code"], dropping.error("c")["errors"][0]["pointer"]) == ("ID_REUSED", "/id")
    dropping.put("d.json", body(kit, id="two", recipient="SE-NOBODY"))
    dropping.look()
    assert dropping.names("refused") == ["c.error.json", "c.json", "d.error.json", "d.json"]
    dropping.put("d.json", body(kit, id="two"))
    dropping.look()
    assert len(dropping.said) == 2


def test_a_name_used_again(dropping: Dropping, kit: Any) -> None:
    """Other content under a name that was used is another message, and neither file nor result is written over."""
    for ground in ("", "CONSENT", "", "CONSENT"):
        dropping.put("a.json", body(kit, ground=ground))
        dropping.look()
    assert len(dropping.said) == 2
    assert len(dropping.names("taken")) == 4
    assert dropping.json("taken/a.json")["ground"] == ""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (json.dumps({"type": "å"}, ensure_ascii=False).encode("latin-1"), "FILE_ENCODING"),
        (json.dumps({"type": "a"}).encode("utf-16"), "FILE_ENCODING"),
        (json.dumps({"type": "a"}).encode("utf-16-le"), "FILE_ENCODING"),
        (json.dumps({"type": "a"}).encode("utf-32"), "FILE_ENCODING"),
        (b'{"type": "a\0b"}', "FILE_ENCODING"),
        (bytes(4096), "FILE_ENCODING"),
        (b'{"type": "\\ud800"}', "BODY_JSON"),
        (b'{"a": NaN}', "BODY_JSON"),
        (b'{"type": "a", "type": "b"}', "FILE_TWICE"),
        (b'{"content": {"x": 1, "x": 2}}', "FILE_TWICE"),
        (b"", "BODY_JSON"),
        (b"[" * 100_000, "BODY_JSON"),
        (b"[]", "BODY_FORM"),
        (b"{}", "BODY_FORM"),
        (b" " * (FILE_MOST + 1), "FILE_TOO_LARGE"),
        (b"x" * 31_000_000, "FILE_TOO_LARGE"),
    ],
)
def test_what_cannot_be_read(dropping: Dropping, data: bytes, code: str) -> None:
    """Wrong encodings, NUL, two fields of a name, depth, size: one error each, and the file is kept as it was."""
    dropping.put("a.json", data)
    dropping.look(4, PATIENCE_S / 2)
    found = dropping.error("a")
    assert found["code"] == code
    assert found["text_sv"] != found["text_en"]
    assert (dropping.root / "refused" / "a.json").read_bytes() == data
    assert (dropping.said, dropping.names("taken"), dropping.names(".taking")) == ([], [], [])


def test_a_byte_order_mark_is_let_pass(dropping: Dropping, kit: Any) -> None:
    """A UTF-8 file with a byte order mark is sent."""
    dropping.put("a.json", b"\xef\xbb\xbf" + json.dumps(body(kit)).encode())
    dropping.look()
    assert len(dropping.said) == 1


def test_errors_name_fields_and_no_child(dropping: Dropping, kit: Any) -> None:
    """Each wrong field has its path; nothing of what the file said is in the error, nor in a table of the store."""
    wrong = body(kit)
    wrong["content"] |= {"law": CHILD, "from_date": f"{CHILD} Anna", "child_name": 7}
    dropping.put("a.json", wrong)
    dropping.put("b.json", body(kit, recipient=3))
    dropping.put("c.json", body(kit, **{CHILD: "Anna"}))
    dropping.look()
    found = {each["pointer"] for each in dropping.error("a")["errors"]}
    assert found == {"/content/law", "/content/from_date", "/content/child_name"}
    assert [each["pointer"] for each in dropping.error("b")["errors"]] == ["/recipient"]
    for name in "abc":
        told = (dropping.root / "refused" / f"{name}.error.json").read_text("utf-8")
        assert CHILD not in told
        assert "Anna" not in told
    dropping.put(f"{CHILD}.json", body(kit))
    dropping.look()
    dropping.party.store.scrub()
    assert CHILD.encode() not in (dropping.party.folder / "store.db").read_bytes()


@pytest.mark.parametrize("event", [False, True])
@pytest.mark.parametrize("ids", [["0" * 32], []])
def test_a_dropped_message_names_no_files(kit: Any, ids: list[str], *, event: bool) -> None:
    """There is no place where a folder hands files in: who names some is told where, and which ways there are."""
    said = body(kit, attachments=ids)
    if event:
        kind = said.pop("type")
        said = {"specversion": "1.0", "id": "1", "source": "test", "type": kind, "data": said}
    with pytest.raises(DropError) as caught:
        read(json.dumps(said).encode())
    assert [(each.pointer, each.code) for each in caught.value.errors] == [
        ("/data/attachments" if event else "/attachments", "ATTACHMENT_DROP")
    ]
    assert "samband send --attach" in words_of(caught.value.code)[1]


def test_half_a_file_is_waited_for(dropping: Dropping, kit: Any) -> None:
    """A file that is written in place, slowly, is sent when it is whole; one that stays half is refused."""
    whole = json.dumps(body(kit)).encode()
    with (dropping.root / "new" / "a.json").open("wb", buffering=0) as file:
        for start in range(0, len(whole), 40):
            file.write(whole[start : start + 40])
            dropping.look(3)
            assert dropping.names("taken") == ([] if start + 40 < len(whole) else ["a.json", "a.result.json"])
    dropping.put("b.json", whole[:-1])
    dropping.look(3)
    assert dropping.names(".taking") == ["b.json"]
    dropping.put("b.json", body(kit, ground="CONSENT"))  # another file of the name waits its turn
    dropping.look(4, PATIENCE_S / 2)
    assert dropping.error("b")["code"] == "BODY_JSON"
    dropping.look(3)
    assert dropping.names("new") == []
    assert len(dropping.said) == 2


def test_many_halves_stop_nobody(dropping: Dropping, kit: Any) -> None:
    """Files that wait to become whole do not take the place of others."""
    for number in range(70):
        dropping.put(f"a{number:02}.json", b"{")
    dropping.put("z.json", body(kit))
    dropping.look(6)
    assert len(dropping.said) == 1


def test_other_names_are_left_alone(dropping: Dropping, kit: Any) -> None:
    """What is not called `x.json`, or begins with a dot, is not looked at."""
    for name in ("a.json.tmp", ".a.json", "a.txt", "json", "a.JSON~"):
        dropping.put(name, body(kit))
    dropping.look()
    assert len(dropping.names("new")) == 5
    assert dropping.said == []


@posix
def test_nothing_is_followed(dropping: Dropping, tmp_path: Path, kit: Any) -> None:
    """A link out of the folder, absolute or relative, a directory and a pipe are refused as what they are."""
    outside = tmp_path / "secret.json"
    outside.write_text(json.dumps(body(kit)))
    new = dropping.root / "new"
    (new / "absolute.json").symlink_to(outside)
    (new / "relative.json").symlink_to("../../secret.json")
    (new / "dangling.json").symlink_to("../nowhere")
    (new / "folder.json").mkdir()
    (new / "folder.json" / "a.json").write_text("{}")
    os.mkfifo(new / "pipe.json")
    dropping.look()
    names = ["absolute", "dangling", "folder", "pipe", "relative"]
    assert [dropping.error(each)["code"] for each in names] == ["FILE_KIND"] * 5
    assert dropping.said == []
    assert outside.exists()
    assert dropping.names("new") == []
    (new / "folder.json").mkdir()
    (new / "absolute.json").symlink_to(outside)
    dropping.look()  # the same names again
    assert dropping.names("new") == []
    assert dropping.names(".taking") == []


NAMES = st.binary(min_size=1, max_size=250).filter(lambda raw: not set(raw) & {0, 47} and not raw.startswith(b"."))


@posix
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.sets(NAMES, min_size=1, max_size=4))
def test_any_name(names: set[bytes], dropping: Dropping, kit: Any) -> None:
    """Whatever a file is called, it has one result, in its own folder, and is kept."""
    said, filed, unique = len(dropping.said), len(dropping.names("taken")), time.monotonic_ns()
    files = {os.fsdecode(raw) + ".json" for raw in names}
    for number, name in enumerate(files):
        (dropping.root / "new" / name).write_bytes(json.dumps(body(kit, id=f"{unique}-{number}")).encode())
    dropping.look()
    assert len(dropping.said) == said + len(files)
    assert len(dropping.names("taken")) == filed + 2 * len(files)
    assert dropping.names("new") == dropping.names(".taking") == []


@posix
def test_the_longest_names(dropping: Dropping, kit: Any) -> None:
    """Names as long as a disk allows, which differ only in their ends, have a result each."""
    for number in range(3):
        dropping.put("x" * 249 + f"{number}.json", body(kit))
    dropping.look()
    assert (len(dropping.said), len(dropping.names("taken")), dropping.names("new")) == (3, 6, [])


FIELDS = st.sampled_from(["type", "content", "recipient", "specversion", "data", "id", "unit", "source"])
VALUES = st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(FIELDS, x))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_bytes_are_read(data: bytes) -> None:
    """Any bytes are a message or one coded error."""
    with contextlib.suppress(DropError):
        assert read(data).send.type


def test_a_thousand_at_once(dropping: Dropping, kit: Any) -> None:
    """A thousand files, of which each tenth is wrong: one result each, one message for each that is right."""
    for number in range(1000):
        dropping.put(f"{number}.json", body(kit) if number % 10 else b"[]")
    dropping.look()
    assert len(dropping.said) == 900
    assert len(dropping.names("taken")) == 1800
    assert len(dropping.names("refused")) == 200
    assert dropping.names("new") == dropping.names(".taking") == []


def test_a_full_store_loses_nothing(dropping: Dropping, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When store or disk cannot be written the file stays, and is sent when they can."""
    dropping.put("a.json", body(kit))

    def full(*_: object, **__: object) -> None:
        raise OperatorError("STORE_WRITE", "the store is full", retriable=True)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "send", full)
        with pytest.raises(OperatorError):
            dropping.look()
    assert dropping.names(".taking") == ["a.json"]

    def refuse(fd: int) -> None:
        raise OSError(28, "no room")

    with monkeypatch.context() as patch:
        patch.setattr("samband.connectors.durable.os.fsync", refuse)
        with pytest.raises(OperatorError, match="FOLDER_FULL"):
            dropping.look()
    dropping.look()
    assert (len(dropping.said), dropping.names("taken")) == (1, ["a.json", "a.result.json"])


@posix
def test_a_folder_that_others_can_write_is_refused(dropping: Dropping) -> None:
    """A folder into which another account can put files sends nothing."""
    (dropping.root / "new").chmod(0o777)
    with pytest.raises(OperatorError) as caught:
        dropping.make()
    assert caught.value.code == "FOLDER_RIGHTS"


def killed(folder: str, root: str) -> None:
    """Run as a process of its own: take what is dropped, and be killed from outside."""
    from tests.gate import world as kit

    party = kit.World().open_party("social", Path(folder))
    dropping = Dropping(party, Path(root), kit.NOW)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        dropping.look(1)


@posix
@pytest.mark.parametrize("moment", [0.02, 0.15, 0.4])
def test_kills_in_the_middle(social: Party, tmp_path: Path, kit: Any, moment: float) -> None:
    """`kill -9` while three hundred files are taken, and again: each is one message with one result."""
    dropping = Dropping(social, tmp_path / "drop", kit.NOW)
    for number in range(300):
        dropping.put(f"{number}.json", body(kit, id=f"x{number}") if number % 10 else b"[]")
    code = "import sys; from tests.connectors.test_drop import killed; killed(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(tmp_path), str(dropping.root)]
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            deadline = time.monotonic() + 20
            while not dropping.names(".taking") and dropping.names("new") and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(moment)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    dropping.drop = dropping.make()
    dropping.look()
    assert len(dropping.said) == 270
    results = [dropping.json(f"taken/{name}") for name in dropping.names("taken") if name.endswith(".result.json")]
    assert sorted(each["message_id"] for each in results) == dropping.said
    assert len(dropping.names("refused")) == 60
    assert [dropping.names(each) for each in ("new", ".taking", ".tmp")] == [[], [], []]
