"""The demo as a newcomer runs it, and the question that the README asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samband.connectors.demo.house import SCHOOL, House
from samband.connectors.demo.story import Story

pytestmark = pytest.mark.kafka

README = Path(__file__).parents[2] / "README.md"
STEP_KEYS = {"step", "from", "to", "type", "message_id", "decision", "grounds", "receipts", "ok", "ms"}


def samband(*arguments: str | Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    command = [sys.executable, "-m", "samband.connectors", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, env=os.environ | {"LANG": "C.UTF-8"}
    )


def test_every_step_comes_out_as_told(tmp_path: Path) -> None:
    """`samband demo --once --json FILE` tells nine parts, says each step's decision and grounds, and ends with 0."""
    home, file = tmp_path / "home", tmp_path / "demo.json"
    played = samband("--home", home, "demo", "--once", "--json", file)
    assert played.returncode == 0, played.stdout + played.stderr
    told = json.loads(file.read_text("utf-8"))
    assert told["ok"] is True
    assert [step["step"] for step in told["steps"] if step["step"] != "0"] == sorted(
        step["step"] for step in told["steps"] if step["step"] != "0"
    )
    assert {step["step"] for step in told["steps"]} == set("0123456789")
    assert all(step.keys() >= STEP_KEYS and step["ok"] and step["ms"] > 0 for step in told["steps"])
    by_step = {number: [each for each in told["steps"] if each["step"] == number] for number in "123456789"}
    assert by_step["1"][0]["decision"] == "deny"
    assert by_step["3"][0]["grounds"][0] == "DUTY_HEALTH_EXAM"
    assert by_step["4"][1]["receipts"][-3:] == ["handed_over", "opened", "acted"], "somebody took it at the home's desk"
    assert by_step["5"][0]["grounds"] == ["DUTY_REPORT"]
    assert len({step["message_id"] for step in by_step["7"]}) == 10
    assert by_step["8"][0]["decision"] == "recalled"
    assert "FORBID_PROTECTED" in by_step["9"][1]["grounds"]
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(home) not in left, "something of the demo still runs"


def test_it_touches_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    """A folder with somebody's files is refused with a clear line, and left as it was."""
    (tmp_path / "letter.txt").write_text("mine", "utf-8")
    refused = samband("--home", tmp_path, "demo", "--once")
    assert refused.returncode == 3
    assert "DEMO_FOLDER" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_the_question_in_the_readme_is_answered(tmp_path: Path) -> None:
    """The README's `samband ask`, typed while the house is up, is denied with what is missing and who can give it."""
    written = re.search(r"samband (ask .*?)\n```", README.read_text("utf-8"), re.DOTALL)
    assert written is not None
    house = House(tmp_path / "samband-demo", lambda line: None)
    try:
        house.start()
        words = written[1].replace("\\\n", " ").replace("samband-demo/", f"{tmp_path}/samband-demo/").split()
        number = words.index("--child") + 1
        assert words[words.index("--to") + 1] == SCHOOL.unit
        assert len(words[number]) == len(Story(house).child.identifier)
        words[number] = Story(house).child.identifier
        asked = samband(*words, "--json")
        answer = json.loads(asked.stdout)
        assert asked.returncode == 10, asked.stderr
        assert answer["outcome" if "outcome" in answer else "state"] == "deny"
        assert "CONSENT_MISSING" in asked.stdout
        in_words = samband(*words)
        assert "guardians and the child can consent" in in_words.stdout + in_words.stderr
    finally:
        house.close()
