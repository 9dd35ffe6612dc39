"""`samband types`: what can be said, learnt on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samband.connectors.cli import main
from samband.connectors.cli.said import child_of, content_of
from samband.connectors.cli.types import value_words
from samband.schemas.catalogue import CATALOGUE, encode_content, find
from samband.schemas.examples import example
from samband.schemas.identifiers import IdentifierKind, kind, normalise

TELLING = [name for name, row in CATALOGUE.items() if row.carries_content]


def test_all_types_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each type has its line; as JSON each has its fields and, where it tells something, its example."""
    assert main(["types"]) == 0
    first_words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert set(CATALOGUE) <= set(first_words)
    assert main(["types", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["type"]: one["example"] is not None for one in told} == {name: name in TELLING for name in CATALOGUE}


def test_a_type_is_shown_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """One type shows what another field makes required, what is expected next, and its example as fields to type."""
    assert main(["types", "sip.reply", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "reason is required when answer=declined" in shown
    assert "  answer=declined" in shown
    assert main(["types", "concern.report"]) == 0
    assert "  feedback_wanted=yes" in capsys.readouterr().out
    assert main(["types", "sip.invitation", "--lang", "sv"]) == 0
    assert "väntas sedan: sip.reply" in capsys.readouterr().out
    assert main(["types", "consult.question", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "names nobody: --child none" in shown
    assert "child_name" not in shown
    assert main(["types", "school.absence_signal", "--lang", "en"]) == 0
    assert "off until the recipient has chosen it" in capsys.readouterr().out


@pytest.mark.parametrize("type_name", ["sip.plan", "consult.question"])
def test_the_example_can_be_sent(type_name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `--example` prints is a file for `--content`; the child comes from `--child`, as always."""
    assert main(["types", type_name, "--example"]) == 0
    file = tmp_path / "content.json"
    file.write_text(capsys.readouterr().out, "utf-8")
    row = find(type_name)
    child = child_of("none") if row.unidentified else example(type_name)["child_identifier"]
    assert encode_content(type_name, content_of(type_name, child=child, file=file))


def test_none_is_another_reference_each_time() -> None:
    """`--child none` is a random reference, never the same, so that two questions are not tied together."""
    one, other = child_of("none"), child_of("none")
    assert one != other
    assert kind(normalise(one)) is IdentifierKind.RANDOM


def test_values_are_shown_in_words() -> None:
    """A choice and a yes or no are words to a reader; anything else is what was written."""
    fields = {field.name: field for field in find("concern.report").fields}
    assert value_words(fields["urgency"], "immediate") in ("genast", "at once")
    assert value_words(fields["feedback_wanted"], True) in ("ja", "yes")
    assert value_words(fields["concern"], "no") == "no"
    assert value_words(None, "2026-1") == "2026-1"
