"""The command line without a hub: it teaches, it is written down, and what it cannot use it says in a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from samband.connectors.cli import app, main
from samband.connectors.cli.manual import manual

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(command: Any = None, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command's words and itself."""
    command = typer.main.get_command(app) if command is None else command
    yield name, command
    for each in getattr(command, "commands", {}).values():
        yield from commands(each, (*name, each.name))


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*each, id=" ".join(each[0]) or "samband") for each in commands()]
)
def test_every_command_teaches(words: tuple[str, ...], command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's help says in a sentence what it does, and each option has a text."""
    assert main([*words, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert re.search(r"\n  [A-Z].{10,}", help_text)
    assert all(parameter.help for parameter in command.params)
    assert "Raises:" not in help_text


def test_the_page_is_the_help() -> None:
    """`docs/cli.md` is what the commands say themselves."""
    assert PAGE.read_text("utf-8") == manual(), "python -m samband.connectors.cli.manual > docs/cli.md"


USAGE = [
    ["nonsense"],
    ["hub", "up", "--nonsense"],
    ["send", "placement.notice", "--to", "X"],
    ["send", "placement.notice", "201504069848", "--to", "X", "--child", "201504069848"],
    ["testdata", "child", "--seed", "201504069848"[:6] + "x"],
    ["testdata", "child", "--born", "201504069848"],
    ["ask", "placement.notice", "--to", "X", "--child", "201504069848", "--201504069848"],
    ["--lang", "de", "types"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_is_two_lines(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage: exit code 2, at most two lines, a code, and nothing of what may be a child's number."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert re.fullmatch(r"samband: .+ \[[A-Z_]+\]", lines[0])
    assert [line[:6] for line in lines[1:]] in ([], ["hint: "])
    assert "201504" not in said.err + said.out


def test_no_hub_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no hub was founded, every hub command says so and how to get one: exit code 3."""
    for command in (["hub", "status"], ["hub", "down"], ["party", "list"], ["audit", "list"], ["doctor"]):
        assert main(["--home", str(tmp_path / "none"), *command]) == 3
        error = capsys.readouterr().err
        assert "[HUB_MISSING]\nhint: samband hub up" in error
        assert "Traceback" not in error


def test_global_options_may_stand_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--home` and `--lang` count wherever they stand before `--`."""
    assert main(["types", "concern.report", "--lang", "sv"]) == 0
    assert "Orosanmälan" in capsys.readouterr().out
    assert main(["types", "concern.report", "--lang=en"]) == 0
    assert "Concern report" in capsys.readouterr().out
    assert main(["hub", "status", f"--home={tmp_path}/x"]) == 3
    assert f"{tmp_path}/x" in capsys.readouterr().err


def test_same_seed_same_child(capsys: pytest.CaptureFixture[str]) -> None:
    """`testdata child` is repeatable, and the number fits the birth date asked for."""
    assert main(["testdata", "child", "--seed", "3", "--born", "2012-05-06"]) == 0
    first = capsys.readouterr().out
    assert main(["testdata", "child", "--seed", "3", "--born", "2012-05-06"]) == 0
    assert capsys.readouterr().out == first
    assert first.startswith("20120506")
