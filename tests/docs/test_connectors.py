"""docs/connectors.md says what the sandbox and the suite do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from samband.connectors.conformity import OK, SKIPPED
from samband.connectors.contract.checks import CHECKS
from samband.connectors.sandbox.children import ANSWERS, CHILDREN
from samband.connectors.sandbox.doors import secret_of
from samband.connectors.sandbox.faults import Kind
from samband.connectors.sandbox.serving import SECRET

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "connectors.md").read_text("utf-8")


def test_links_lead_somewhere():
    """Each link to a file leads to one."""
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (DOCS / link).exists(), link


def test_the_number_of_checks_is_the_suites():
    """The page counts the checks as they are."""
    assert f"all {len(CHECKS)} checks" in PAGE


def test_the_children_are_the_sandboxs():
    """The table has each child, with what comes of the two messages that it names."""
    rows = {cells[1].strip(" `"): cells for row in PAGE.splitlines() if len(cells := row.split("|")) == 6}
    for child in CHILDREN:
        told = {answer.type: answer for answer in ANSWERS if answer.child == child}
        for type_name, cell in (("placement.notice", rows[child][3]), ("concern.report", rows[child][4])):
            if answer := told.get(type_name):
                assert cell.strip().startswith(answer.outcome)
                assert f"`{answer.why}`" in cell or answer.held
            else:
                assert not cell.strip()


def test_the_faults_are_the_sandboxs():
    """The table of faults has each kind, and no other."""
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+\| [^|]+\|$", PAGE, re.MULTILINE)) - {"kind"} == set(Kind)


def test_the_partys_secret_is_as_told():
    """The page says the secret with which a party's system enters."""
    assert f"secret `{secret_of('PARTY')}`" in PAGE


def test_the_checks_are_the_suites():
    """The table of checks has each one, in the suite's order and words, and says which are for webhooks only."""
    rows = [cells for row in PAGE.splitlines() if len(cells := [each.strip() for each in row.split("|")]) == 5]
    start = next(place for place, cells in enumerate(rows) if cells[1] == "check") + 2
    table = rows[start : start + len(CHECKS)]
    assert [cells[1] for cells in table] == [check.words[1] for check in CHECKS]
    posted = [cells[2:4] for cells in table if cells[2] == "webhook only"]
    assert len(posted) == 6
    assert all(rest.startswith("left out") for _, rest in posted)


@pytest.mark.parametrize("name", ["webhook.py", "webhook.mjs", "rest.py", "rest.mjs"])
def test_the_samples_are_as_the_page_says(name):
    """A sample runs against the sandbox as it stands, and is as short as the page says."""
    text = (DOCS / "examples" / name).read_text("utf-8")
    assert SECRET in text or secret_of("") in text
    assert len(text.splitlines()) < 120
    assert f"(examples/{name})" in PAGE


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell's commands")
def test_the_commands_pass_by_rest(tmp_path):
    """In a folder with nothing but the samples, the page's own commands end in two passed reports by REST."""
    if not shutil.which("node"):
        pytest.skip("there is no node here")
    (block,) = re.findall(r"```sh\n(python rest\.py.*?)```", PAGE, re.DOTALL)
    for port in sorted(set(re.findall(r"\b[89]\d{3}\b", block))):
        block = block.replace(port, str(a_port()))
    for name in ("rest.py", "rest.mjs"):
        shutil.copy(DOCS / "examples" / name, tmp_path)
    way = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    shell = subprocess.Popen(
        ["sh", "-e", "-c", block], cwd=tmp_path, env=way, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        told, _ = shell.communicate(timeout=240)
        assert shell.returncode == 0
    finally:
        with suppress(ProcessLookupError):  # what it started, where it did not come to its end
            os.killpg(shell.pid, signal.SIGKILL)
    (last,) = re.findall(r"By REST each ends with `(.+?)`", PAGE)
    assert told.count(f"\n{last}\n") == 2
    for language in ("python", "javascript"):
        report = json.loads((tmp_path / f"rest-{language}.json").read_text("utf-8"))
        assert report["passed"]
        assert [each["state"] for each in report["checks"]] == [OK] * (len(CHECKS) - 6) + [SKIPPED] * 6
