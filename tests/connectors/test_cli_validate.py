"""`samband example` prints what is correct, `samband validate` says what is wrong and where, and repeats nothing."""

from __future__ import annotations

import json

import pytest

from samband.connectors.cli import main
from samband.schemas.testdata import synthetic

CHILD = synthetic(3)


def run(capsys, *arguments):
    code = main(list(arguments))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize("name", ["concern.report", "deviation.report"])  # tests/schemas has them all
def test_each_example_is_correct(tmp_path, capsys, name):
    """What `example` prints for a type, `validate` finds nothing in: whole, and as a content alone."""
    for option, more in (((), ()), (("--content",), ("--type", name))):
        _, out, _ = run(capsys, "example", name, *option)
        (tmp_path / "m.json").write_text(out, "utf-8")
        code, told, _ = run(capsys, "--lang", "en", "validate", str(tmp_path / "m.json"), *more)
        assert (code, told.strip()) == (0, f"correct: {name}")


def test_each_wrong_field_is_told_by_its_path(tmp_path, capsys):
    """Every field that is wrong is named by its path, in one go, and none of what stands there is repeated."""
    _, out, _ = run(capsys, "example", "concern.report")
    message = json.loads(out)
    message["content"] |= {"urgency": "HEMLIGT-ORD", "gossip": CHILD.name, "child_identifier": CHILD.identifier[:-1]}
    message["content"]["acting_user"] = {"id": "u", "role": ""}
    del message["content"]["concern"]
    (tmp_path / "m.json").write_text(json.dumps(message), "utf-8")
    code, out, err = run(capsys, "validate", str(tmp_path / "m.json"), "--json")
    assert code == 2
    pointers = {each["pointer"] for each in json.loads(out)["errors"]}
    assert pointers == {
        "/content/urgency", "/content/gossip", "/content/child_identifier", "/content/acting_user/role",
        "/content/concern",
    }  # fmt: skip
    for word in ("HEMLIGT-ORD", CHILD.name, CHILD.identifier[:-1]):
        assert word not in out + err


def test_an_event_of_a_webhook_is_looked_into(tmp_path, capsys):
    """A CloudEvent is validated by its `data.content`, with paths from the event's own top."""
    _, out, _ = run(capsys, "example", "dialogue.message", "--content")
    event = {"specversion": "1.0", "data": {"type": "dialogue.message", "content": {**json.loads(out), "text": ""}}}
    (tmp_path / "m.json").write_text(json.dumps(event), "utf-8")
    code, out, _ = run(capsys, "validate", str(tmp_path / "m.json"), "--json")
    assert (code, [each["pointer"] for each in json.loads(out)["errors"]]) == (2, ["/data/content/text"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('{"text": "Å"}'.encode("latin-1"), "FILE_ENCODING"),
        (b'{"type": "dialogue.message", "content": {"text": "HEMLIGT', "FILE_JSON"),
        (b"[" * 100_000, "FILE_JSON"),
        (b"[]", "CONTENT_INVALID"),
        (b'{"type": "dialogue.message", "content": "HEMLIGT"}', "CONTENT_INVALID"),
        (b'{"text": "HEMLIGT"}', "TYPE_MISSING"),
        (b'{"type": "gossip", "content": {}}', "TYPE_UNKNOWN"),
        (b" " * (5 << 20), "FILE_SIZE"),
    ],
)
def test_what_is_no_message_is_told_with_a_code(tmp_path, capsys, data, code):
    """A file that cannot be a message is refused with a code and a place, and nothing of it is repeated."""
    (tmp_path / "m.json").write_bytes(data)
    more = ("--type", "dialogue.message") if data == b"[]" else ()
    exit_code, out, err = run(capsys, "validate", str(tmp_path / "m.json"), *more)
    assert exit_code == 2
    assert f"[{code}]" in err
    assert "HEMLIGT" not in out + err
